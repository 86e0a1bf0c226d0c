"""Sessions through the proxy: cookies and what breaks them, headers, client addresses, draining, shedding, least load."""

import threading
import time

import pytest

from clients import PATIENCE_SECONDS, TRUSTED, multiplexed, plain, secure
from node import until
from proxy import SERVED_SECONDS, Proxy
from scripted_origin import ScriptedOrigin
from strict_origin import read_body
from wall_clock import WallClock

DRAIN_SECONDS = 2
SESSIONS = 12
# Requests of which a share is counted: two points are four standard deviations of it.
DRAWN = 5_000
POINTS = 2
# So many questions wait in one connection, far fewer than a proxy reads ahead.
PIPELINED = 100
UPSTREAM = {"upstream": {"ejection": False}}
# The shortest session that the API takes; a test looks well before its end, and at it.
SESSION_SECONDS, BEFORE_SECONDS = 1_800, 60


class Named(ScriptedOrigin):
    """Answers with its name, at once or, for `/hold`, when it is let go."""

    def __init__(self):
        super().__init__({"/": self.tell, "/hold": self.hold})
        self.freed, self.held = threading.Event(), 0

    def tell(self, wire, request):
        read_body(wire, request)
        name = self.name.encode()
        wire.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(name), name))
        return True

    def hold(self, wire, request):
        self.held += 1
        self.freed.wait(PATIENCE_SECONDS)
        return self.tell(wire, request)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    proxy = Proxy(tmp_path_factory.mktemp("proxy"), f'trusted_proxies = ["{TRUSTED}/32"]').start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def origins():
    origins = [Named().start() for _ in range(4)]
    yield origins
    for origin in origins:
        origin.freed.set()
        origin.kill()


@pytest.fixture(scope="module")
def pool(proxy, origins):
    return proxy.pool("all", origins, trimtab=UPSTREAM)


@pytest.fixture(scope="module")
def host(proxy, pool):
    return proxy.wait(proxy.balancer("cookie", [pool], session_affinity="cookie"))


def ask(proxy, host, cookie=None, fields=(), way=plain, client=None):
    """(name of the endpoint, Set-Cookie or None). `client` is named by a proxy that is trusted."""
    sent = [*fields, *([("Cookie", cookie)] if cookie else []), *([("CF-Connecting-IP", client)] if client else [])]
    with way(proxy, host, TRUSTED) if client else way(proxy, host) as connection:
        answer = connection.ask("GET", "/", sent)
    return named(answer)


def named(answer):
    assert answer.status == 200, answer
    return answer.body.decode(), answer.fields.one("set-cookie")


def begin(proxy, host, **more):
    """(endpoint, cookie) of a new session."""
    name, cookie = ask(proxy, host, **more)
    return name, cookie.partition(";")[0]


def stays(proxy, host, session, **more):
    name, cookie = session
    return all(ask(proxy, host, cookie, **more) == (name, None) for _ in range(8))


# === cookies ===


@pytest.mark.parametrize("way, samesite, secure_, told", [
    (plain, "Auto", "Auto", "SameSite=Lax"), (secure, "Auto", "Auto", "SameSite=None; Secure"),
    (multiplexed, "Auto", "Auto", "SameSite=None; Secure"), (plain, "Auto", "Always", "SameSite=Lax; Secure"),
    (secure, "Auto", "Never", "SameSite=Lax"), (plain, "Lax", "Auto", "SameSite=Lax"),
    (secure, "Lax", "Auto", "SameSite=Lax; Secure"), (plain, "Strict", "Always", "SameSite=Strict; Secure"),
    (secure, "Strict", "Never", "SameSite=Strict"), (plain, "None", "Always", "SameSite=None; Secure"),
    (secure, "None", "Auto", "SameSite=None; Secure"), (plain, "None", "Auto", "SameSite=None"),
])
def test_semantics_32_attributes_of_the_cookie(proxy, pool, way, samesite, secure_, told):
    label = f"{samesite}-{secure_}-{way.__name__}".lower()
    attributes = {"samesite": samesite, "secure": secure_}
    host = proxy.wait(proxy.balancer(label, [pool], session_affinity="cookie", session_affinity_ttl=1800,
                                     session_affinity_attributes=attributes))
    value, _, rest = ask(proxy, host, way=way)[1].partition("; ")
    assert value.startswith("__cflb=") and rest == f"Path=/; Max-Age=1800; HttpOnly; {told}"


@pytest.mark.parametrize("kind", ["cookie", "ip_cookie"])
def test_semantics_32_a_session_keeps_its_endpoint_and_its_cookie(proxy, pool, kind):
    host = proxy.wait(proxy.balancer(f"kept-{kind.replace('_', '-')}", [pool], session_affinity=kind))
    assert "Max-Age=82800;" in ask(proxy, host)[1]
    for way in (plain, secure, multiplexed):
        name, cookie = begin(proxy, host, way=way)
        assert stays(proxy, host, (name, cookie), way=way)
        assert stays(proxy, host, (name, f"a=1; {cookie}; b=2"), way=way)


def test_semantics_32_clients_without_a_cookie_are_spread(proxy, host, origins):
    assert {ask(proxy, host)[0] for _ in range(60)} == {origin.name for origin in origins}


def test_semantics_32_a_cookie_with_any_byte_changed_is_replaced(proxy, host):
    cookie = begin(proxy, host)[1]
    name, value = cookie.split("=")
    forged = [f"{value[:at]}{'A' if value[at] != 'A' else 'B'}{value[at + 1:]}" for at in range(len(value))]
    forged += [value[:at] for at in range(0, len(value), 5)] + [value + "A", value + "=", value.swapcase(), "x" * 5_000]
    with plain(proxy, host) as connection:
        answers = [connection.ask("GET", "/", [("Cookie", f"{name}={one}")]) for one in forged]
    kept = [one for one, answer in zip(forged, answers, strict=True) if answer.fields.one("set-cookie") is None]
    assert kept == [] and {answer.status for answer in answers} == {200}


def test_semantics_32_a_cookie_of_another_balancer_is_replaced(proxy, pool, host):
    other = proxy.wait(proxy.balancer("other", [pool], session_affinity="cookie"))
    cookie = begin(proxy, host)[1]
    assert ask(proxy, other, cookie)[1] is not None
    own = begin(proxy, other)
    assert stays(proxy, other, own)
    assert ask(proxy, other, f"{cookie}; {own[1]}")[0]


def test_semantics_32_a_cookie_outlives_one_rotation_of_keys_and_not_two(proxy, host):
    first = begin(proxy, host)
    rotate(proxy, host)
    second = begin(proxy, host)
    assert stays(proxy, host, first) and stays(proxy, host, second)
    rotate(proxy, host)
    assert stays(proxy, host, second)
    assert ask(proxy, host, first[1])[1] is not None


@pytest.fixture
def clocked(tmp_path):
    """A node with a wall clock of its own, and that clock."""
    clock, proxy = WallClock(tmp_path), Proxy(tmp_path)
    proxy.node.environment = clock.environment
    proxy.start()
    yield proxy, clock
    proxy.stop()


def test_semantics_32_a_session_ends_by_its_cookie_whatever_the_client_still_sends(clocked, origins):
    (proxy, clock), (first, second) = clocked, origins[:2]
    weighted = lambda *weights: list(map(body_of, (first, second), weights))  # noqa: E731
    pool = proxy.pool("ends", weighted(1, 0), trimtab=UPSTREAM)
    host = proxy.wait(proxy.balancer("ends", [pool], session_affinity="cookie", session_affinity_ttl=SESSION_SECONDS))
    with plain(proxy, host) as kept:
        on_kept = lambda cookie: named(kept.ask("GET", "/", [("Cookie", cookie)]))  # noqa: E731
        name, cookie = begin(proxy, host)
        assert name == first.name
        assert proxy.node.api("PATCH", f"{proxy.base}/pools/{pool}", {"origins": weighted(0, 1)}).status == 200
        assert until(lambda: begin(proxy, host)[0] == second.name, SERVED_SECONDS), "new sessions go to the other"
        clock.set_ahead(SESSION_SECONDS - BEFORE_SECONDS)
        assert stays(proxy, host, (name, cookie)) and on_kept(cookie) == (first.name, None)
        clock.set_ahead(SESSION_SECONDS)
        ended = [ask(proxy, host, cookie), on_kept(cookie)]
    assert [name for name, _ in ended] == [second.name] * 2
    for name, given in ended:
        value, _, attributes = given.partition(";")
        assert value != cookie and f"Max-Age={SESSION_SECONDS};" in attributes
        assert stays(proxy, host, (name, value))


def rotate(proxy, host):
    """Until the newest key seals, which its number at the front of the value tells."""
    before = begin(proxy, host)[1][:9]
    assert proxy.node.api("POST", "/trimtab/affinity_keys/rotate", {}).status == 200
    assert until(lambda: begin(proxy, host)[1][:9] != before, SERVED_SECONDS)


def test_semantics_32_a_session_whose_endpoint_is_unhealthy_moves_and_says_so(proxy):
    origins = [Named().start() for _ in range(2)]
    pool = proxy.pool("mortal", origins, monitored={}, trimtab=UPSTREAM)
    host = proxy.wait(proxy.balancer("mortal", [pool], session_affinity="cookie"))
    assert until(lambda: len({ask(proxy, host)[0] for _ in range(9)}) == 2, PATIENCE_SECONDS)
    name, cookie = begin(proxy, host)
    [home] = [origin for origin in origins if origin.name == name]
    home.kill()
    moved = lambda: with_status(proxy, host, cookie)  # noqa: E731
    assert until(lambda: moved().status == 200, PATIENCE_SECONDS)
    new = moved()
    assert new.body.decode() != name
    assert stays(proxy, host, (new.body.decode(), new.fields.one("set-cookie").partition(";")[0]))
    [other] = [origin for origin in origins if origin is not home]
    other.kill()


def with_status(proxy, host, cookie):
    with plain(proxy, host) as connection:
        return connection.ask("GET", "/", [("Cookie", cookie)])


# === addresses and headers ===


def test_semantics_32_by_ip_cookie_an_address_begins_at_one_endpoint(proxy, pool, origins):
    host = proxy.wait(proxy.balancer("by-ip", [pool], session_affinity="ip_cookie"))
    clients = [f"192.0.2.{number}" for number in range(40)]
    first, again = ([ask(proxy, host, client=client)[0] for client in clients] for _ in range(2))
    assert first == again and set(first) == {origin.name for origin in origins}


ALL, ANY = {"require_all_headers": True}, {"require_all_headers": False}
COOKIES = {"headers": ["cookie:a,b"]}


@pytest.mark.parametrize("label, attributes, sent, holds", [
    ("all-both", ALL, {"x-a": "1", "x-b": "2"}, True), ("all-one", ALL, {"x-a": "1"}, False),
    ("all-none", ALL, {}, False), ("any-both", ANY, {"X-A": "1", "X-B": "2"}, True), ("any-one", ANY, {"x-b": "2"}, True),
    ("any-none", ANY, {"x-c": "1"}, False), ("cookie-both", {**ALL, **COOKIES}, {"cookie": "b=2; c=3; a=1"}, True),
    ("cookie-one", {**ALL, **COOKIES}, {"cookie": "a=1; bb=2"}, False),
    ("cookie-any", {**ANY, "headers": ["x-a", "cookie:a,b"]}, {"cookie": "b=1"}, True),
])
def test_semantics_32_sessions_by_headers(proxy, pool, label, attributes, sent, holds):
    attributes = {"headers": ["X-A", "x-b"], **attributes}
    host = proxy.wait(proxy.balancer(label, [pool], session_affinity="header", session_affinity_attributes=attributes))
    names = {ask(proxy, host, fields=sent.items()) for _ in range(30)}
    assert (len(names) == 1) == holds and {cookie for _, cookie in names} == {None}
    if holds:
        others = {ask(proxy, host, fields=[(name, f"{value}; a={turn}{value}") for name, value in sent.items()])[0]
                  for turn in range(30)}
        assert len(others) > 1, "another value is another session"


# === draining and shedding ===


def test_semantics_33_a_drained_endpoint_keeps_its_sessions_until_the_deadline(proxy, origins):
    pool = proxy.pool("drained", origins, trimtab=UPSTREAM)
    host = proxy.wait(proxy.balancer("drained", [pool], session_affinity="cookie",
                                     session_affinity_attributes={"drain_duration": DRAIN_SECONDS}))
    sessions = [begin(proxy, host) for _ in range(SESSIONS)]
    leaving, cookie = sessions[0]
    before = time.monotonic()
    proxy.enable(pool, leaving, False)
    late = time.monotonic() + DRAIN_SECONDS + SERVED_SECONDS
    assert until(lambda: leaving not in {ask(proxy, host)[0] for _ in range(20)}, SERVED_SECONDS)
    assert stays(proxy, host, sessions[0]) or time.monotonic() > before + DRAIN_SECONDS - 1
    assert until(lambda: ask(proxy, host, cookie)[0] != leaving, late - time.monotonic())
    assert time.monotonic() >= before + DRAIN_SECONDS - 1, "no more than the last second is cut short"
    assert ask(proxy, host, cookie)[1] is not None
    assert all(stays(proxy, host, session) for session in sessions if session[0] != leaving)


def test_semantics_19_a_pool_sheds_its_share_of_sessions_by_address(proxy, origins):
    shedding = {"default_percent": 0, "default_policy": "random", "session_percent": 50, "session_policy": "hash"}
    first = proxy.pool("sheds", origins[:1], load_shedding=shedding, trimtab=UPSTREAM)
    host = proxy.wait(proxy.balancer("sheds", [first, proxy.pool("takes", origins[1:2], trimtab=UPSTREAM)],
                                     session_affinity="cookie"))
    clients = {f"192.0.2.{number}": begin(proxy, host, client=f"192.0.2.{number}") for number in range(100)}
    assert {name for name, _ in clients.values()} == {origins[0].name}, "new sessions are not shed"
    moved = {client for client, (_, cookie) in clients.items() if ask(proxy, host, cookie, client=client)[1]}
    assert 25 <= len(moved) <= 75
    again = {client for client, (_, cookie) in clients.items() if ask(proxy, host, cookie, client=client)[1]}
    assert moved == again


# === the least load ===


def test_semantics_16_endpoints_with_requests_under_way_get_less(proxy):
    pool_of = lambda heavy, light: [proxy.pool(  # noqa: E731
        "endpoints", [body_of(heavy, 0.4), body_of(light, 0.6)], trimtab=UPSTREAM,
        origin_steering={"policy": "least_outstanding_requests"})]
    check_shares(proxy, "endpoints", pool_of)


def test_semantics_16_pools_with_requests_under_way_get_less(proxy):
    pools = {}

    def make(heavy, light):
        both = {"heavy": heavy, "light": light}.items()
        pools.update({name: proxy.pool(name, [origin], trimtab=UPSTREAM) for name, origin in both})
        return list(pools.values())

    check_shares(proxy, "pools", make, lambda: {"steering_policy": "least_outstanding_requests", "random_steering": {
        "pool_weights": {pools["heavy"]: 0.4, pools["light"]: 0.6}}})


def body_of(origin, weight):
    return {"name": origin.name, "address": origin.address, "port": origin.port, "weight": weight}


def check_shares(proxy, label, make, body=dict):
    """The example of the hosted product's documents: 0.4 with three under way, 0.6 with none."""
    heavy, light = Named().start(), Named().start()
    light.freed.set()
    pools = make(heavy, light)
    host = proxy.wait(proxy.balancer(label, pools, **body()))
    held = []
    while heavy.held < 3:
        held.append(plain(proxy, host))
        held[-1].begin("GET", "/hold")
        assert until(lambda: heavy.held + light.held == len(held), PATIENCE_SECONDS)
    share = sum(name == heavy.name for name in drawn(proxy, host)) / DRAWN
    heavy.freed.set()
    assert {connection.read().status for connection in held} == {200}
    for closed in [*held, heavy, light]:
        closed.sock.close() if closed in held else closed.kill()
    expected = 0.4 / 4 / (0.4 / 4 + 0.6)
    assert abs(share - expected) * 100 < POINTS, f"{share:.2%}, wanted {expected:.2%}"


def drawn(proxy, host):
    """Endpoints of requests one after another, of which none is under way when the next is decided on."""
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * PIPELINED
    with plain(proxy, host) as connection:
        for _ in range(DRAWN // PIPELINED):
            connection.sock.sendall(request)
            yield from (connection.read().body.decode() for _ in range(PIPELINED))
