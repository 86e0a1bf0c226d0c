"""MX and SRV answers, aliases, persistence and latency tables, through the API and seen by `dig`."""

from dig import dig
from node import until

# One look-up in /etc/hosts, and the write that made the name.
RESOLVED_SECONDS = 5
SERVED_SECONDS = 2


def pool(node, account, name, origins, **more):
    body = {"name": name, "origins": origins, **more}
    return node.create(f"/accounts/{account}/load_balancers/pools", body)["id"]


def answer(node, name, kind):
    return sorted(data for _, _, found, data in dig(node, name, kind).sections["ANSWER"] if found == kind)


def test_mail_and_service_records_come_from_endpoints(node, account, zone):
    origins = [{"name": "a", "address": "localhost", "port": 25, "trimtab": {"mx": {"priority": 10}}},
               {"name": "b", "address": "localhost", "port": 5060, "trimtab": {"srv": {"priority": 1, "weight": 7}}}]
    one = pool(node, account, "services", origins)
    node.create(f"/zones/{zone}/dns_records", {"type": "MX", "name": "mail.example.com", "content": "plain.example.com",
                                               "priority": 5, "ttl": 300})
    assert until(lambda: answer(node, "mail.example.com", "MX") == ["5 plain.example.com."], SERVED_SECONDS)
    body = {"name": "mail.example.com", "default_pools": [one], "fallback_pool": one, "ttl": 60}
    node.create(f"/zones/{zone}/load_balancers", body)
    assert until(lambda: answer(node, "mail.example.com", "MX") == ["10 localhost."], RESOLVED_SECONDS), node.log()
    assert answer(node, "mail.example.com", "SRV") == ["1 7 5060 localhost."]
    told = node.api("POST", f"/accounts/{account}/trimtab/explain", {"name": "mail.example.com", "type": "MX"}).result
    assert told["addresses"] == ["10 localhost."]


def test_flatten_cname_false_sends_the_client_on(node, account, zone):
    one = pool(node, account, "alias", [{"name": "a", "address": "localhost", "flatten_cname": False}])
    node.create(f"/zones/{zone}/load_balancers",
                {"name": "alias.example.com", "default_pools": [one], "fallback_pool": one})
    assert until(lambda: answer(node, "alias.example.com", "CNAME") == ["localhost."], RESOLVED_SECONDS), node.log()
    sections = dig(node, "alias.example.com").sections
    assert [(kind, data) for _, _, kind, data in sections["ANSWER"]] == [("CNAME", "localhost.")]


def test_a_client_keeps_its_endpoint(node, account, zone):
    origins = [{"name": str(host), "address": f"192.0.2.{host}"} for host in range(1, 9)]
    one = pool(node, account, "kept", origins)
    made = node.create(f"/zones/{zone}/load_balancers", {
        "name": "kept.example.com", "default_pools": [one], "fallback_pool": one,
        "trimtab": {"persistence": {"key": "ecs", "ttl": 600}}})
    assert made["trimtab"] == {"persistence": {"key": "ecs", "ttl": 600}}
    assert until(lambda: dig(node, "kept.example.com").addresses, SERVED_SECONDS)
    seen = set()
    for client in range(8):
        answers = [dig(node, "kept.example.com", subnet=f"10.0.{client}.0/24") for _ in range(5)]
        addresses = {tuple(answer.addresses) for answer in answers}
        assert len(addresses) == 1 and answers[0].ttls == [600] and answers[0].scope == 24
        seen |= addresses
    assert len(seen) > 2, "clients are spread over endpoints"
    node.api("PATCH", f"/zones/{zone}/load_balancers/{made['id']}", {"trimtab": None})
    assert until(lambda: len(dig(node, "kept.example.com").addresses) == 8, SERVED_SECONDS)
