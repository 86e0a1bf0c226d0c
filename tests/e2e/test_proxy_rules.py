"""Rules of proxied balancers: every field that a condition may read, and everything that a rule may do about a request."""

import itertools
import time

import pytest

from clients import WAYS, multiplexed, plain
from dig import dig
from node import until
from proxy import SERVED_SECONDS
from scripted_origin import ScriptedOrigin, says

HELD = {"status_code": 299, "message_body": "held"}
REQUEST = {
    "method": "POST", "path": "/p/Q%20r?x=1&y=&X=%20b&x=2",
    "fields": [("Referer", "https://r.example/?q"), ("X-A", "1"), ("X-A", "Two"), ("Cookie", "a=1; b=2"),
               ("User-Agent", "probe/1")],
    "body": b"hello",
}
BARE = {"path": "/"}
# Nobody can have asked before; the clock of this machine is the node's.
EARLIER = int(time.time()) - 1
labels = (f"rule-{number}" for number in itertools.count())


class World:
    """Pools whose endpoints answer with their own name."""

    def __init__(self, proxy):
        self.proxy, self.pools, self.origins = proxy, {}, []
        for name in ("first", "second", "third"):
            answer = f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode()
            origin = ScriptedOrigin({"/": says(answer)}).start()
            self.origins.append(origin)
            self.pools[name] = proxy.pool(name, [origin])

    def host(self, rules, **more):
        """Of a balancer with these rules; served once it is more than unknown."""
        for rule in rules:
            overrides = rule.get("overrides", {})
            for key in overrides.keys() & {"pools", "default_pools"}:
                overrides[key] = [self.pools[name] for name in overrides[key]]
        host = self.proxy.balancer(next(labels), [self.pools["first"]], rules=rules, **more)
        assert until(lambda: self.proxy.status(host) not in (None, 421), SERVED_SECONDS)
        return host

    def ask(self, host, way=plain, **request):
        with way(self.proxy, host) as client:
            return client.ask(**{"path": "/", **request})

    def close(self):
        for origin in self.origins:
            origin.kill()


@pytest.fixture(scope="module")
def world(proxy):
    world = World(proxy)
    yield world
    world.close()


# === conditions ===


@pytest.mark.parametrize("way", [plain, multiplexed])
@pytest.mark.parametrize("condition, request_, holds", [
    ("", BARE, True),
    ("cf.load_balancer.name eq HOST", BARE, True),
    ('cf.load_balancer.name eq "other.example.com"', BARE, False),
    ('cf.load_balancer.region eq "WEU"', BARE, True),
    ("ip.src eq 127.0.0.1", BARE, True),
    ("ip.src in {10.0.0.0/8 127.0.0.0/8}", BARE, True),
    ("ip.src in {10.0.0.0/8}", BARE, False),
    ("ip.src.asnum ge 0", BARE, False),
    ('http.cookie eq "a=1; b=2"', REQUEST, True),
    ('http.cookie contains "b=2"', {**BARE, "fields": [("Cookie", "a=1"), ("Cookie", "b=2")]}, True),
    ('http.cookie contains "c="', REQUEST, False),
    ("http.host eq HOST", BARE, True),
    ('http.host wildcard "RULE-*.example.com"', BARE, True),
    ('http.referer eq "https://r.example/?q"', REQUEST, True),
    ('any(http.request.headers["user-agent"][*] contains "probe")', REQUEST, True),
    ('http.request.headers["x-a"][1] eq "Two"', REQUEST, True),
    ('any(lower(http.request.headers["x-a"][*])[*] eq "two")', REQUEST, True),
    ('all(http.request.headers["x-a"][*] eq "1")', REQUEST, False),
    ('len(http.request.headers["x-a"]) eq 2', REQUEST, True),
    ('http.request.method eq "POST"', REQUEST, True),
    ('http.request.method in {"GET" "HEAD"}', REQUEST, False),
    (f"http.request.timestamp.sec ge {EARLIER} and http.request.timestamp.sec lt {EARLIER + 3600}", BARE, True),
    (f"http.request.timestamp.sec lt {EARLIER}", BARE, False),
    ('http.request.uri eq "/p/Q%20r?x=1&y=&X=%20b&x=2"', REQUEST, True),
    ('http.request.uri.path eq "/p/Q%20r"', REQUEST, True),
    ('starts_with(http.request.uri.path, "/p")', REQUEST, True),
    ('http.request.uri.query eq "x=1&y=&X=%20b&x=2"', REQUEST, True),
    ('http.request.uri.args["x"][0] eq "1" and http.request.uri.args["x"][1] eq "2"', REQUEST, True),
    ('http.request.uri.args["X"][0] eq "%20b"', REQUEST, True),
    ('http.request.uri.args["y"][0] eq ""', REQUEST, True),
    ('url_decode(http.request.uri.args["X"][0]) eq " b"', REQUEST, True),
    ('http.request.uri.args.names[1] eq "y" and len(http.request.uri.args.names) eq 4', REQUEST, True),
    ('http.request.uri.args.values[3] eq "2"', REQUEST, True),
    ("http.request.version eq VERSION", BARE, True),
    ('http.request.version in {"HTTP/1.0" "HTTP/3"}', BARE, False),
    # Nothing is said of what is not there, not even that it is something else.
    ('http.cookie ne "a"', BARE, False),
    ('http.referer ne "a"', BARE, False),
    ('http.request.headers["x-a"][0] ne "a"', BARE, False),
    ('http.request.uri.args["x"][0] ne "a"', BARE, False),
    ('dns.qry.name ne "a."', BARE, False),
    ("not dns.rr.opt.client", BARE, True),
])
def test_semantics_22_conditions(world, way, condition, request_, holds):
    label = next(labels)
    version = "HTTP/2" if way is multiplexed else "HTTP/1.1"
    told = condition.replace("HOST", f'"{label}.example.com"').replace("VERSION", f'"{version}"')
    host = world.proxy.balancer(label, [world.pools["first"]], rules=[{"condition": told, "fixed_response": HELD}])
    assert until(lambda: world.proxy.status(host) not in (None, 421), SERVED_SECONDS)
    answer = world.ask(host, way, **request_)
    assert (answer.status, answer.body == b"held") == ((299, True) if holds else (200, False)), told


def test_semantics_22_the_version_of_an_old_client(world):
    host = world.host([{"condition": 'http.request.version eq "HTTP/1.0"', "fixed_response": HELD}])
    assert [world.ask(host, minor=minor).status for minor in (0, 1)] == [299, 200]


# === what rules do ===


def to(pool, **more):
    return {"condition": "", "overrides": {"default_pools": [pool]}, **more}


@pytest.mark.parametrize("rules, served", [
    ([to("second")], b"second"),
    ([{"condition": "", "overrides": {"pools": ["third"]}}], b"third"),
    ([to("second"), to("third")], b"third"),
    ([to("second", terminates=True), to("third")], b"second"),
    ([to("second", priority=2), to("third", priority=1)], b"second"),
    ([to("second", priority=2), to("third", priority=1, terminates=True)], b"third"),
    ([to("second", disabled=True)], b"first"),
    ([to("second", condition='http.host eq "x"')], b"first"),
    ([to("second"), {"condition": "", "overrides": {"steering_policy": "off"}}], b"second"),
])
def test_semantics_22_the_last_one_that_holds_wins_until_one_terminates(world, rules, served):
    host = world.host(rules)
    assert [world.ask(host, way).body for way in (plain, multiplexed)] == [served] * 2


def test_semantics_22_a_rule_may_begin_sessions_and_end_them(world):
    path = 'http.request.uri.path eq "/"'
    on = world.host([{"condition": path, "overrides": {"session_affinity": "cookie", "session_affinity_ttl": 1800}}])
    off = world.host([{"condition": path, "overrides": {"session_affinity": "none"}}], session_affinity="cookie")
    cookies = [world.ask(host, path=asked).fields.one("set-cookie") for host in (on, off) for asked in ("/", "/x")]
    assert [bool(cookie) for cookie in cookies] == [True, False, False, True]
    assert "Max-Age=1800;" in cookies[0]


def test_semantics_22_attributes_of_sessions_are_overridden(world):
    overrides = {"session_affinity_attributes": {"samesite": "Strict", "secure": "Always"}}
    host = world.host([{"condition": "", "overrides": overrides}], session_affinity="cookie")
    assert world.ask(host).fields.one("set-cookie").endswith("SameSite=Strict; Secure")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fixed, method, status, told, body", [
    ({"status_code": 418, "content_type": "application/json", "message_body": '{"a": 1}'}, "GET", 418,
     {"content-type": "application/json", "content-length": "8"}, b'{"a": 1}'),
    ({"status_code": 418, "content_type": "application/json", "message_body": '{"a": 1}'}, "HEAD", 418,
     {"content-type": "application/json", "content-length": "8"}, b""),
    ({"message_body": "é"}, "POST", 200, {"content-type": "text/plain", "content-length": "2"}, "é".encode()),
    ({"location": "https://www.example.com/x?y=1"}, "GET", 302, {"location": "https://www.example.com/x?y=1"}, b""),
    ({"location": "/moved", "status_code": 308, "message_body": "gone"}, "GET", 308, {"location": "/moved"}, b"gone"),
    ({"status_code": 503}, "GET", 503, {"content-length": "0"}, b""),
    # These have no body, whatever their rule says: RFC 9110 15.3.5, 15.4.5.
    ({"status_code": 204, "message_body": "none"}, "GET", 204, {"content-length": None}, b""),
    ({"status_code": 304, "message_body": "none"}, "GET", 304, {}, b""),
])
def test_semantics_22_a_fixed_response_is_the_answer(world, way, fixed, method, status, told, body):
    rules = [{"condition": "", "fixed_response": fixed}, to("second")]
    host = world.host(rules)
    with way(world.proxy, host) as client:
        answer = client.ask(method, "/", body=b"x" if method == "POST" else b"")
        again = client.ask(method, "/", body=b"x" if method == "POST" else b"")
    assert (answer.status, answer.whole, answer.body) == (status, True, body)
    assert {name: answer.fields.one(name) for name in told} == told
    assert answer.fields.one("cf-ray") and answer.fields.one("set-cookie") is None
    assert (again.status, again.body) == (status, body), "the connection goes on"


# === DNS of the same balancer ===


@pytest.mark.parametrize("rules", [
    [], [to("second")], [{"condition": "", "overrides": {"ttl": 7}}],
    [{"condition": 'http.host contains "rule"', "fixed_response": HELD}],
])
def test_semantics_26_dns_answers_with_the_node_itself(world, rules):
    host = world.host(rules, ttl=60)
    answer = dig(world.proxy.node, host)
    assert (answer.addresses, answer.ttls) == (["127.0.0.1"], [300])
    none = dig(world.proxy.node, host, kind="AAAA")
    assert (none.status, none.addresses, none.authority) == ("NOERROR", [], ["SOA"])
