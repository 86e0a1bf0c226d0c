"""PUT of what GET returned changes nothing: `result` byte for byte, `modified_on` included."""

import pytest

ORIGIN = {"name": "o1", "address": "127.0.1.1"}


@pytest.fixture(scope="module")
def monitor(node, account):
    body = {"type": "http", "expected_codes": "2xx", "header": {"Host": ["a.example"], "x-B": ["2", "1"]}}
    return node.create(f"/accounts/{account}/load_balancers/monitors", body)["id"]


@pytest.fixture(scope="module")
def pool(node, account):
    body = {"name": "plain", "origins": [ORIGIN]}
    return node.create(f"/accounts/{account}/load_balancers/pools", body)["id"]


def check(node, url):
    before = node.api("GET", url)
    assert before.status == 200, before.text
    put = node.api("PUT", url, before.result)
    assert put.status == 200, put.text
    assert put.result_text == before.result_text
    assert node.api("GET", url).result_text == before.result_text


def created_and_checked(node, collection, body):
    """What POST fills in, GET, PUT and the list fill in the same way."""
    posted = node.api("POST", collection, body)
    assert posted.status == 200, f"{body}: {posted.text}"
    url = f"{collection}/{posted.result['id']}"
    assert node.api("GET", url).result_text == posted.result_text
    assert posted.result in node.api("GET", collection).result
    check(node, url)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "http", "expected_codes": "200"},
        {"type": "https", "expected_codes": "2xx,301", "path": "/a?b=c", "header": {"Host": ["a"], "X-z": ["1"]},
         "timeout": 1, "retries": 0, "interval": 17, "consecutive_up": 3, "consecutive_down": 2, "port": 8443,
         "follow_redirects": True, "allow_insecure": True, "expected_body": "alive", "description": "all of it",
         "method": "HEAD", "probe_zone": "example.com"},
        {"type": "tcp", "port": 5432},
    ],
)
def test_no_op_put_of_a_monitor(node, account, zone, body):
    created_and_checked(node, f"/accounts/{account}/load_balancers/monitors", body)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "least", "origins": [ORIGIN]},
        # Not sorted by name: lists keep the order in which they were sent.
        {"name": "order", "origins": [
            {"name": "z", "address": "127.0.1.9", "weight": 0.25},
            {"name": "a", "address": "127.0.1.8", "weight": 1, "enabled": False},
            {"name": "m", "address": "2001:db8::7", "port": 8080, "header": {"Host": ["127.0.1.7"]}},
        ]},
        {"name": "located", "origins": [ORIGIN], "latitude": 50.11, "longitude": 8.68, "enabled": False,
         "minimum_origins": 1, "description": "d", "check_regions": ["WEU", "ENAM"],
         "origin_steering": {"policy": "hash"}, "notification_email": "a@b.example",
         "load_shedding": {"default_percent": 10, "default_policy": "hash", "session_percent": 5,
                           "session_policy": "hash"},
         "notification_filter": {"pool": {"healthy": False}}},
        {"name": "empties", "origins": [ORIGIN], "load_shedding": None, "origin_steering": None,
         "notification_filter": None, "check_regions": None},
    ],
)
def test_no_op_put_of_a_pool(node, account, body):
    created_and_checked(node, f"/accounts/{account}/load_balancers/pools", body)


def test_no_op_put_of_a_pool_with_monitor(node, account, monitor):
    body = {"name": "watched", "origins": [ORIGIN], "monitor": monitor}
    created_and_checked(node, f"/accounts/{account}/load_balancers/pools", body)


@pytest.mark.parametrize(
    "extra",
    [
        {"name": "least.example.com"},
        {"name": "empties.example.com", "country_pools": {}, "region_pools": {}, "pop_pools": {}, "rules": []},
        {"name": "*.wild.example.com", "ttl": 60, "steering_policy": "random",
         "random_steering": {"default_weight": 0.3, "pool_weights": {"POOL": 0.7}}},
        {"name": "geo.example.com", "steering_policy": "geo", "region_pools": {"WEU": ["POOL"], "ENAM": ["POOL"]},
         "country_pools": {"US": ["POOL"], "DE": ["POOL"]}, "pop_pools": {"LAX": ["POOL"]}},
        {"name": "sticky.example.com", "proxied": True, "session_affinity": "cookie", "session_affinity_ttl": 3600,
         "session_affinity_attributes": {"samesite": "Strict", "secure": "Always", "drain_duration": 60,
                                         "zero_downtime_failover": "sticky"},
         "adaptive_routing": {"failover_across_pools": True}},
        {"name": "biased.example.com", "trimtab": {"proximity_bias": {"POOL": -20}}},
        {"name": "near.example.com", "steering_policy": "proximity",
         "location_strategy": {"prefer_ecs": "proximity", "mode": "resolver_ip"}},
    ],
)
def test_no_op_put_of_a_balancer(node, zone, pool, extra):
    body = {"default_pools": [pool], "fallback_pool": pool, **named(extra, pool)}
    created_and_checked(node, f"/zones/{zone}/load_balancers", body)


def test_own_fields_are_absent_until_they_are_set(node, zone, pool):
    body = {"name": "plain.example.com", "default_pools": [pool], "fallback_pool": pool}
    assert "trimtab" not in node.create(f"/zones/{zone}/load_balancers", body)


def named(value, pool):
    """The same value with POOL replaced by the pool's id, in keys too."""
    if isinstance(value, dict):
        return {(pool if key == "POOL" else key): named(inner, pool) for key, inner in value.items()}
    if isinstance(value, list):
        return [named(inner, pool) for inner in value]
    return pool if value == "POOL" else value


@pytest.mark.parametrize(
    "body",
    [
        {"type": "A", "name": "a", "content": "192.0.2.1"},
        {"type": "AAAA", "name": "six.example.com", "content": "2001:db8::1", "ttl": 300, "comment": "why"},
        {"type": "CNAME", "name": "c", "content": "a.example.com", "ttl": 120, "tags": ["team:a"]},
        {"type": "MX", "name": "@", "content": "mail.example.com", "priority": 10},
        {"type": "TXT", "name": "t", "content": "v=spf1 -all"},
        {"type": "SRV", "name": "_sip._tcp",
         "data": {"priority": 1, "weight": 2, "port": 5060, "target": "a.example.com"}},
        {"type": "CAA", "name": "@", "data": {"flags": 0, "tag": "issue", "value": "ca.example"}},
    ],
)
def test_no_op_put_of_a_record(node, zone, body):
    created_and_checked(node, f"/zones/{zone}/dns_records", body)


def test_no_op_put_of_a_zone(node, zone):
    """A zone has no PUT; PATCH of what it says already changes nothing."""
    before = node.api("GET", f"/zones/{zone}")
    patched = node.api("PATCH", f"/zones/{zone}", {"paused": before.result["paused"]})
    assert patched.result_text == before.result_text
