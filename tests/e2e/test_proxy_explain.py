"""Why a request went where it went: beforehand, by its ray, and as `trimtab explain` prints it."""

import concurrent.futures
import http.client
import itertools
import json
import re
import subprocess

import pytest

from node import BINARY, until
from origin import Origin

# A decision is kept within a second; a busy machine gets another.
SOON_SECONDS = 2
ASK = {"x-trimtab-explain": "1"}
QUIET = {"x-trimtab-explain": "0"}
SECRET = "hunter2"


@pytest.fixture(scope="module")
def origins():
    origins = {name: Origin(name, f"127.0.3.{host}").start() for name, host in (("a", 1), ("b", 2), ("c", 3))}
    yield origins
    for origin in origins.values():
        origin.kill()


@pytest.fixture(scope="module")
def pools(proxy, origins):
    """`ab` has two endpoints by chance, `c` one."""
    return {"ab": proxy.pool("ab", [origins["a"], origins["b"]]), "c": proxy.pool("c", [origins["c"]])}


@pytest.fixture(scope="module")
def host(proxy, pools):
    """By chance one of a and b; c for what a rule sends there; a rule answers below /old."""
    to_c = {"default_pools": [pools["c"]]}
    rules = [
        {"name": "gold", "condition": 'any(http.request.headers["x-tier"][*] eq "gold")', "overrides": to_c},
        {"name": "insider", "condition": f'any(http.request.headers["authorization"][*] eq "{SECRET}")', "overrides": to_c},
        {"name": "asked", "condition": f'http.request.uri.query eq "key={SECRET}"', "overrides": to_c},
        {"name": "old", "condition": 'starts_with(http.request.uri.path, "/old")',
         "fixed_response": {"location": "https://new.example.com/"}},
    ]
    return proxy.wait(proxy.balancer("why", [pools["ab"], pools["c"]], rules=rules))


class Sent:
    """The answer to one request, which asks for its decision: its status, headers and the name of its origin."""

    def __init__(self, proxy, host, path="/", headers=None, tls=False, source=None):
        connection = http.client.HTTPConnection("127.0.0.1", proxy.http_port, timeout=5, source_address=source)
        if tls:
            connection.sock = proxy.connect_tls(host)
        connection.request("GET", path, headers={"Host": host, **ASK, **(headers or {})})
        answer = connection.getresponse()
        self.status, self.headers, body = answer.status, answer.headers, answer.read().decode()
        self.origin = body.removeprefix("hello from ")
        self.decision, self.ray = answer.headers["x-trimtab-decision"], answer.headers["cf-ray"]
        connection.close()


def send(*words, **more):
    """Sends it again when more was asked for in this second than is kept."""
    sent = until(lambda: (sent := Sent(*words, **more)).decision and sent, SOON_SECONDS)
    assert sent, "no decision was kept"
    return sent


def base(proxy):
    return f"/accounts/{proxy.account}/trimtab"


def kept(proxy, sent):
    """The explanation of the decision on a request."""
    assert re.fullmatch("[0-9a-f]{16}", sent.decision), sent.decision
    answer = until(lambda: found(proxy, sent.decision), SOON_SECONDS)
    assert answer, proxy.log()
    return answer.result


def found(proxy, number):
    answer = proxy.node.api("GET", f"{base(proxy)}/decisions/{number}")
    return answer if answer.status == 200 else None


def command(proxy, *words):
    done = subprocess.run([BINARY, *words, "--server", proxy.node.base_url, "--token", proxy.node.token],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


def number(proxy, name):
    text = proxy.node.request("GET", f"{proxy.node.root_url}/metrics").text
    return float(re.search(rf"^trimtab_{name}_total{{}} (\S+)$", text, re.M).group(1))


def test_the_decision_of_a_request_is_the_one_that_was_made(proxy, host):
    seen = set()
    for _ in range(10):
        sent = send(proxy, host, "/blog")
        told = kept(proxy, sent)
        assert told["type"] == "HTTP" and told["trace_id"] == sent.decision
        assert told["http"]["upstream"]["endpoint"] == sent.origin
        assert told["http"]["upstream"]["host"] == host
        assert told["answers"][0]["endpoint"]["name"] == sent.origin
        # The same dice draw the same.
        again = proxy.node.api("POST", f"{base(proxy)}/explain", {"name": host, "path": "/", "trace_id": sent.decision})
        assert again.result["http"]["upstream"] == told["http"]["upstream"]
        seen.add(sent.origin)
    assert seen == {"a", "b"}, "both were drawn"


def test_a_ray_leads_to_the_decision(proxy, host):
    sent = send(proxy, host)
    told = kept(proxy, sent)
    assert sent.ray == f"{sent.decision}-FRA"
    assert found(proxy, sent.ray).result == told
    code, text, error = command(proxy, "explain", "--decision", sent.ray)
    assert code == 0 and f"the request goes to {sent.origin} of pool ab" in text, (text, error)
    assert f"trace id    {sent.decision}" in text


def test_nobody_else_is_told(proxy, host):
    for more in [{"headers": QUIET}, {"source": ("127.0.0.2", 0)}]:
        # For longer than a second, so that it is not the second's budget that refuses.
        assert until(lambda: Sent(proxy, host, **more).decision, 1.1) is None, more  # noqa: B023


def test_what_was_decided_then_is_told_after_the_configuration_changed(proxy, pools, host):
    sent = send(proxy, host)
    before = kept(proxy, sent)
    proxy.enable(pools["ab"], sent.origin, False)
    try:
        moved = lambda: {Sent(proxy, host, headers=QUIET).origin for _ in range(4)} == {"a", "b"} - {sent.origin}  # noqa: E731
        assert until(moved, SOON_SECONDS)
        assert found(proxy, sent.decision).result == before
        code, text, _ = command(proxy, "explain", "--decision", sent.decision)
        assert code == 0 and f"the request goes to {sent.origin} of pool ab" in text, text
    finally:
        proxy.enable(pools["ab"], sent.origin, True)


def test_rules_read_what_a_decision_keeps_and_nobody_can_read_it_later(proxy, host):
    for path, headers in [("/", {"x-tier": "gold"}), ("/", {"authorization": SECRET, "cookie": f"s={SECRET}"}),
                          (f"/?key={SECRET}", {})]:
        sent = send(proxy, host, path, headers)
        assert sent.origin == "c", headers
        kept(proxy, sent)
        text = found(proxy, sent.decision).text
        assert '"pool":"c"' in text and SECRET not in text, text


def test_a_rule_that_answers_is_a_decision_too(proxy, host):
    sent = send(proxy, host, "/old/page")
    assert sent.status == 302
    told = kept(proxy, sent)
    assert told["http"]["fixed_response"] == {"status_code": 302, "location": "https://new.example.com/"}
    assert "upstream" not in told["http"] and told["reason"] == "fixed_response"


def test_sessions_are_told_as_they_were_found(proxy, pools):
    for label, more in [("cookies", {"session_affinity": "cookie"}),
                        ("headers", {"session_affinity": "header", "session_affinity_attributes": {"headers": ["x-user"]}})]:
        host = proxy.wait(proxy.balancer(label, [pools["ab"]], **more))
        # Each try is of somebody else, whose session begins with it.
        tries = ({"x-user": str(user)} for user in itertools.count())
        headers, first = until(lambda: (sent := Sent(proxy, host, headers=(headers := next(tries)))).decision
                               and (headers, sent), SOON_SECONDS)
        assert kept(proxy, first)["http"]["session"] == "new"
        if cookie := first.headers["set-cookie"]:
            headers["cookie"] = cookie.split(";")[0]
        for _ in range(3):
            sent = send(proxy, host, headers=headers)
            told = kept(proxy, sent)
            assert (told["http"]["session"], told["http"]["upstream"]["endpoint"]) == ("hit", sent.origin)
            assert sent.origin == first.origin


def test_a_request_that_was_sent_on_is_told_with_where_it_failed(proxy, origins):
    dead = Origin("dead", "127.0.3.9")
    host = proxy.wait(proxy.balancer("half-dead", [proxy.pool("half-dead", [dead, origins["a"]])]))
    failed = []
    for _ in range(12):
        sent = send(proxy, host)
        assert sent.origin == "a"
        told = kept(proxy, sent)
        # The one of the first endpoint has the same number, and is older.
        both = lambda: kept(proxy, sent)["http"]["upstream"]["endpoint"] == "a"  # noqa: E731,B023
        assert until(both, SOON_SECONDS), told
        failed += kept(proxy, sent)["http"]["failed"]
    assert {"pool": "half-dead", "endpoint": "dead"} in failed


def test_tls_is_said(proxy, host):
    assert kept(proxy, send(proxy, host, tls=True))["http"]["scheme"] == "https"


def test_what_is_too_large_to_copy_is_answered_and_not_kept(proxy, host):
    sent = Sent(proxy, host, headers={"x-large": "x" * 20_000})
    assert sent.status == 200 and sent.decision is None


def test_decisions_that_counts_take_part_in_are_repeated(proxy, origins):
    pool = proxy.pool("least", [origins["a"], origins["b"], origins["c"]],
                      origin_steering={"policy": "least_outstanding_requests"})
    host = proxy.wait(proxy.balancer("least", [pool]))
    before = number(proxy, "decisions_kept")

    def busy():
        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda _: Sent(proxy, host), range(200)))
        return number(proxy, "decisions_kept") > before + 40

    assert until(busy, 15)
    assert number(proxy, "decisions_not_repeated") == 0


def test_decisions_of_requests_are_listed_as_such_and_some_are_kept_by_chance(proxy, host):
    def by_chance():
        for _ in range(10):
            Sent(proxy, host, headers=QUIET)
        return number(proxy, "decisions_kept") > before

    before = number(proxy, "decisions_kept")
    assert until(by_chance, 10)
    listed = proxy.node.api("GET", f"{base(proxy)}/decisions?name={host}&limit=3").result
    assert [head["kind"] for head in listed] == ["http"] * 3
    code, text, _ = command(proxy, "decisions", host, "--limit", "1")
    assert code == 0 and re.fullmatch(rf"[0-9a-f]{{16}}  \S+Z  http  {re.escape(host)}\n", text), text
    assert number(proxy, "decisions_not_repeated") == 0


def test_a_request_is_explained_before_it_is_sent(proxy, host):
    code, text, error = command(proxy, "explain", host, "--path", "/blog", "--method", "post", "--header", "X-Tier: gold",
                                "--scheme", "https", "--from", "127.0.0.9")
    assert code == 0, error
    for said in [f"POST https://{host}/blog from 127.0.0.9: the load balancer {host} proxies it",
                 "the request goes to c of pool c at 127.0.3.3:", "1000 tries  c 100"]:
        assert said in text, text
    code, text, _ = command(proxy, "explain", host, "--path", "/old", "--json")
    assert json.loads(text)["http"]["fixed_response"]["status_code"] == 302
    code, text, _ = command(proxy, "explain", host)
    assert code == 0 and "ask with a path, method, headers, scheme or session" in text, text


def test_wrong_questions_are_refused(proxy, host):
    for words, said in [(["explain", host, "--path", "blog"], "blog is not a path"),
                        (["explain", host, "--path", "/", "--type", "A"], "cannot be used with"),
                        (["explain", host, "--path", "/", "--ecs", "192.0.2.0/24"], "cannot be used with"),
                        (["explain", "--decision", "0123456789abcdef", "--path", "/"], "cannot be used with"),
                        (["explain", host, "--header", "gold"], "not of the form"),
                        (["explain", host, "--scheme", "ftp"], "ftp"),
                        (["explain", "--decision", "0123456789abcdef-fra"], "decisions/0123456789abcdef-fra")]:
        code, _, error = command(proxy, *words)
        assert code != 0 and said in error, (words, code, error)
