"""Rules, pool sets and load shedding of DNS-only balancers, set through the API and seen by `dig`."""

import pytest

from dig import dig
from node import until

# An acknowledged write is served within a second.
SERVED_SECONDS = 1
# A counted share of many answers may be off by five standard deviations.
DEVIATIONS = 5


class Pools:
    """Pools without monitors, one address each."""

    def __init__(self, node, account, zone):
        self.node, self.zone = node, zone
        self.base = f"/accounts/{account}/load_balancers/pools"
        self.ids = {}
        for number, name in enumerate(["one", "two", "three"], start=1):
            origins = [{"name": name, "address": f"192.0.2.{number}"}]
            self.ids[name] = node.create(self.base, {"name": f"rules-{name}", "origins": origins})["id"]

    def balancer(self, label, pools, **more):
        body = {"name": f"{label}.example.com", "fallback_pool": self.ids["three"],
                "default_pools": [self.ids[pool] for pool in pools], **more}
        return self.node.create(f"/zones/{self.zone}/load_balancers", body)

    def answers(self, name, address, **asked):
        found = until(lambda: dig(self.node, name, **asked).addresses == [address], SERVED_SECONDS)
        assert found, f"{dig(self.node, name, **asked).text}\nwanted {address}"


@pytest.fixture(scope="module")
def pools(node, account, zone):
    return Pools(node, account, zone)


def test_rules_change_what_a_name_and_a_client_are_answered(pools):
    to_two = {"default_pools": [pools.ids["two"]]}
    rules = [
        {"name": "by name", "condition": 'dns.qry.name eq "a.rules.example.com."', "overrides": to_two},
        {"name": "by client", "condition": "ip.src in {10.0.0.0/8}", "terminates": True,
         "overrides": {"pools": [pools.ids["three"]], "ttl": 7}},
        {"name": "late", "condition": 'dns.qry.name eq "b.rules.example.com."', "overrides": to_two},
    ]
    pools.balancer("*.rules", ["one"], rules=rules)
    pools.answers("x.rules.example.com", "192.0.2.1")
    pools.answers("a.rules.example.com", "192.0.2.2")
    pools.answers("A.RULES.example.com", "192.0.2.2")
    pools.answers("b.rules.example.com", "192.0.2.2")
    pools.answers("b.rules.example.com", "192.0.2.3", subnet="10.1.2.0/24")
    answer = dig(pools.node, "x.rules.example.com", subnet="10.1.2.0/24")
    assert answer.ttls == [7], answer.text
    assert "CLIENT-SUBNET: 10.1.2.0/24/24" in answer.text


def test_a_fixed_response_is_an_empty_answer(pools):
    rules = [{"condition": "dns.qry.type eq 28", "fixed_response": {"status_code": 503}}]
    pools.balancer("closed", ["one"], rules=rules)
    pools.answers("closed.example.com", "192.0.2.1")
    answer = dig(pools.node, "closed.example.com", kind="AAAA")
    assert "status: NOERROR" in answer.text and answer.addresses == [] and answer.authority, answer.text


def test_explain_tells_which_rules_hold(pools):
    rules = [{"name": "nights", "condition": 'dns.qry.name contains "night"',
              "overrides": {"steering_policy": "random"}}]
    pools.balancer("*.explained", ["one"], rules=rules)
    pools.answers("day.explained.example.com", "192.0.2.1")
    account = pools.base.split("/")[2]
    for name, holds in [("day", "does not hold"), ("night", "holds")]:
        question = {"name": f"{name}.explained.example.com"}
        told = pools.node.api("POST", f"/accounts/{account}/trimtab/explain", question).result
        steps = [step["description"] for step in told["steps"]]
        assert steps[1] == f'rule "nights" {holds}', steps
        assert told["policy"] == ("random" if holds == "holds" else "off")


def test_a_condition_that_cannot_be_read_is_refused_and_changes_nothing(pools):
    made = pools.balancer("kept", ["one"])
    path = f"/zones/{pools.zone}/load_balancers/{made['id']}"
    bad = {"rules": [{"condition": 'http.hots eq "a"', "overrides": {}}]}
    answer = pools.node.api("PATCH", path, bad)
    error = answer.json["errors"][0]
    assert answer.status == 400
    assert error["source"]["pointer"] == "/rules/0/condition"
    assert "(1:1)" in error["message"] and "^^^^^^^^^" in error["message"], error
    assert pools.node.api("GET", path).result == made


def test_fields_of_proxied_traffic_are_noticed(pools):
    rules = [{"condition": 'http.host eq "a"', "overrides": {"default_pools": [pools.ids["two"]]}}]
    body = {"name": "noticed.example.com", "fallback_pool": pools.ids["three"],
            "default_pools": [pools.ids["one"]], "rules": rules}
    answer = pools.node.api("POST", f"/zones/{pools.zone}/load_balancers", body)
    assert "http.host" in answer.json["messages"][0]["message"]
    pools.answers("noticed.example.com", "192.0.2.1")


def test_pool_sets_come_first(pools):
    sets = [
        {"name": "asia", "match": {"topology": {"countries": ["JP"]}}, "overrides": {"pools": [pools.ids["two"]]}},
        {"name": "rest", "overrides": {"pools": [pools.ids["three"]]}},
    ]
    pools.balancer("sets", ["one"], pool_sets=sets)
    pools.answers("sets.example.com", "192.0.2.2", subnet="133.11.0.0/24")
    pools.answers("sets.example.com", "192.0.2.3", subnet="131.111.0.0/24")


def test_a_pool_sheds_its_percentage(pools):
    shedding = {"default_percent": 25, "default_policy": "random", "session_percent": 0, "session_policy": "hash"}
    origins = [{"name": "busy", "address": "192.0.2.9"}]
    body = {"name": "rules-busy", "origins": origins, "load_shedding": shedding}
    pools.ids["busy"] = pools.node.create(pools.base, body)["id"]
    pools.balancer("shed", ["busy", "one"])
    asked, shed = 400, 0
    assert until(lambda: dig(pools.node, "shed.example.com").addresses, SERVED_SECONDS)
    for _ in range(asked):
        [address] = dig(pools.node, "shed.example.com").addresses
        assert address in ("192.0.2.9", "192.0.2.1")
        shed += address == "192.0.2.1"
    deviation = (asked * 0.25 * 0.75) ** 0.5
    assert abs(shed - asked * 0.25) < DEVIATIONS * deviation, shed
