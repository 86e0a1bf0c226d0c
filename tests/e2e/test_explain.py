"""Why a name was answered as it was: by TXT question, by trace id, and as `trimtab explain` prints it."""

import json
import re
import subprocess

import pytest

from dig import dig
from node import BINARY, until

NAME = "why.example.com"
# An acknowledged write is served, and a decision is kept, within a second.
SOON_SECONDS = 2
TRACE_OPTION = "65432"


@pytest.fixture(scope="module")
def base(node, account, zone):
    pools = f"/accounts/{account}/load_balancers/pools"

    def pool(name, host, **more):
        origins = [{"name": f"{name}-1", "address": f"192.0.2.{host}"}]
        return node.create(pools, {"name": name, "origins": origins, **more})["id"]

    one, two = pool("why-one", 1), pool("why-two", 2)
    body = {"name": NAME, "steering_policy": "random", "default_pools": [one, two], "fallback_pool": two,
            "random_steering": {"default_weight": 0.5}}
    node.create(f"/zones/{zone}/load_balancers", body)
    assert until(lambda: dig(node, NAME).addresses, SOON_SECONDS)
    return f"/accounts/{account}/trimtab"


def command(node, *words):
    done = subprocess.run([BINARY, *words, "--server", node.base_url, "--token", node.token],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def traced(node, name=NAME):
    """An answer's addresses and its trace id."""
    answer = dig(node, name, options=[f"+ednsopt={TRACE_OPTION}"])
    octets = re.search(rf"OPT={TRACE_OPTION}: ((?:[0-9a-f]{{2}} ?){{8}})", answer.text)
    assert octets, answer.text
    return answer.addresses, octets.group(1).replace(" ", "")


def test_why_is_told_in_txt_records(node, base):
    told = dig(node, f"_why.{NAME}", "TXT", options=["+tcp"]).text
    for said in ["steers by chance, in proportion to weights", "pool why-one is in, with weight 0.5",
                 "the dice fell on", "answer 192.0.2.", "trace "]:
        assert said in told, told
    assert dig(node, "_why.nothing.example.com", "TXT").text.count("no load balancer stands at this name") == 1


def test_a_trace_id_leads_to_the_decision_that_was_made(node, base):
    seen = set()
    for _ in range(12):
        addresses, trace = traced(node)
        kept = lambda: node.request("GET", f"{node.base_url}{base}/decisions/{trace}").status == 200  # noqa: E731,B023
        assert until(kept, SOON_SECONDS), node.log()
        explanation = node.api("GET", f"{base}/decisions/{trace}").result
        assert explanation["addresses"] == addresses
        assert explanation["trace_id"] == trace
        # The same dice on the same configuration draw the same.
        again = node.api("POST", f"{base}/explain", {"name": NAME, "trace_id": trace}).result
        assert again["addresses"] == addresses
        assert again["pool"] == explanation["pool"]
        seen.update(addresses)
    assert seen == {"192.0.2.1", "192.0.2.2"}, "both pools were drawn"
    listed = node.api("GET", f"{base}/decisions?name={NAME}&limit=5").result
    assert [head["name"] for head in listed] == [NAME] * 5
    assert node.request("GET", f"{node.base_url}{base}/decisions/{'0' * 16}").status == 404


def test_what_was_decided_then_is_told_after_the_configuration_changed(node, base, zone):
    addresses, trace = traced(node)
    kept = lambda: node.request("GET", f"{node.base_url}{base}/decisions/{trace}").status == 200  # noqa: E731
    assert until(kept, SOON_SECONDS), node.log()
    before = node.api("GET", f"{base}/decisions/{trace}").text
    balancers = node.api("GET", f"/zones/{zone}/load_balancers").result
    body = next(one for one in balancers if one["name"] == NAME)
    node.api("PATCH", f"/zones/{zone}/load_balancers/{body['id']}", {"steering_policy": "off"})
    assert until(lambda: "failover order" in dig(node, f"_why.{NAME}", "TXT", options=["+tcp"]).text, SOON_SECONDS)
    assert node.api("GET", f"{base}/decisions/{trace}").text == before
    code, text, _ = command(node, "explain", "--decision", trace)
    assert code == 0 and "steers by chance" in text and f"answer {addresses[0]}" in text, text
    node.api("PATCH", f"/zones/{zone}/load_balancers/{body['id']}", {"steering_policy": "random"})


def test_some_decisions_are_kept_by_chance(node, base):
    def kept():
        for _ in range(10):
            dig(node, NAME)
        return "trimtab_decisions_kept_total{} " in metrics(node) and number(node, "decisions_kept") > 12

    assert until(kept, 10), metrics(node)
    assert number(node, "decisions_not_repeated") == 0


def test_the_explanation_has_evidence_runner_up_and_what_would_flip_it(node, base):
    code, text, error = command(node, "explain", NAME, "--from", "203.0.113.9")
    assert code == 0, error
    for said in ["the load balancer why.example.com answers", "next best   without pool why-",
                 "would flip  nothing need change: the next question draws again", "1000 tries  why-"]:
        assert said in text, text
    code, text, _ = command(node, "explain", NAME, "--json")
    told = json.loads(text)
    assert {candidate["pool"] for candidate in told["candidates"]} == {"why-one", "why-two"}
    assert {candidate["state"] for candidate in told["candidates"]} == {"chosen", "in"}
    assert told["runner_up"]["pool"] != told["pool"]
    assert sum(share["percent"] for share in told["tries"]) == pytest.approx(100)
    assert [step["step_name"] for step in told["steps"]][0] == "question"


def test_what_would_be_if_requests_were_counted(node, account, zone, base):
    pools = f"/accounts/{account}/load_balancers/pools"
    ids = {one["name"]: one["id"] for one in node.api("GET", pools).result}
    body = {"name": "least.example.com", "steering_policy": "least_outstanding_requests",
            "default_pools": [ids["why-one"], ids["why-two"]], "fallback_pool": ids["why-two"],
            "random_steering": {"pool_weights": {ids["why-one"]: 0.4, ids["why-two"]: 0.6}}}
    node.create(f"/zones/{zone}/load_balancers", body)
    assert until(lambda: dig(node, "least.example.com").addresses, SOON_SECONDS)

    def share(**question):
        told = node.api("POST", f"{base}/explain", {"name": "least.example.com", **question}).result
        return next(one["percent"] for one in told["tries"] if one["pool"] == "why-one")

    # Five standard deviations of a thousand draws.
    assert share() == pytest.approx(40, abs=7.8)
    assert share(open_requests={ids["why-one"]: 3}) == pytest.approx(14.29, abs=5.6)


def test_a_proxied_balancer_is_said_to_be_one(node, account, zone, base):
    pools = node.api("GET", f"/accounts/{account}/load_balancers/pools").result
    body = {"name": "front.example.com", "proxied": True, "default_pools": [pools[0]["id"]],
            "fallback_pool": pools[0]["id"]}
    node.create(f"/zones/{zone}/load_balancers", body)
    assert until(lambda: dig(node, "front.example.com").addresses == ["127.0.0.1"], SOON_SECONDS)
    told = node.api("POST", f"{base}/explain", {"name": "front.example.com"}).result
    assert told["load_balancer"]["proxied"] is True
    assert "DNS answers this node's own addresses" in told["steps"][0]["description"]


def test_the_decision_of_a_large_balancer_is_kept(node, account, zone, base):
    pools = f"/accounts/{account}/load_balancers/pools"
    ids = []
    for number in range(30):
        origins = [{"name": f"an-endpoint-with-a-name-{host}", "address": f"10.7.{number}.{host}"}
                   for host in range(60)]
        ids.append(node.create(pools, {"name": f"large-{number}", "origins": origins})["id"])
    node.create(f"/zones/{zone}/load_balancers", {
        "name": "large.example.com", "steering_policy": "random", "default_pools": ids, "fallback_pool": ids[0]})
    assert until(lambda: dig(node, "large.example.com").addresses, SOON_SECONDS)
    addresses, trace = traced(node, "large.example.com")
    kept = lambda: node.request("GET", f"{node.base_url}{base}/decisions/{trace}").status == 200  # noqa: E731
    assert until(kept, SOON_SECONDS), node.log()
    told = node.api("GET", f"{base}/decisions/{trace}").result
    assert sorted(told["addresses"]) == addresses and len(told["candidates"]) == 30
    assert sum(len(candidate["endpoints"]) for candidate in told["candidates"]) == 100


def test_wrong_questions_are_refused(node, base):
    for words, said in [(["explain", "--decision", "12"], "decisions/12"),
                        (["explain", "nobody.example.com"], "nobody.example.com"),
                        (["explain", NAME, "--type", "TXT"], "TXT"),
                        (["explain", NAME, "--dice", "xyz"], "xyz"),
                        (["explain"], "required")]:
        code, _, error = command(node, *words)
        assert code != 0 and said in error, (words, code, error)


def metrics(node):
    return node.request("GET", f"{node.root_url}/metrics").text


def number(node, name):
    return float(re.search(rf"^trimtab_{name}_total{{}} (\S+)$", metrics(node), re.M).group(1))
