"""What clients see when origins fail: the errors made here, answers that are cut, and what is tried again."""

import json
import socket
import ssl
import struct
import threading

import pytest

from clients import PATIENCE_SECONDS, WAYS, known_beforehand, multiplexed, plain, secure
from node import free_port, until
from proxy import make_certificate
from scripted_origin import ScriptedOrigin, says
from strict_origin import read_body, shut
from traffic import FallibleOrigin, Loop

# Beyond what is kept to be sent again, and within it.
LARGE, SMALL = b"x" * 300_000, b"x" * 30_000
# So many requests miss one of two endpoints in one run of a thousand million.
MANY = 30
STALE_REQUESTS = 1_000
UPSTREAM = {"connect_timeout": 300, "response_timeout": 1, "ejection": False}
TYPES = {"application/json": "application/json", "text/html,*/*": "text/html; charset=utf-8"}
silence, stalled = threading.Event(), threading.Event()


def says_nothing(wire, request):
    read_body(wire, request)
    silence.wait(PATIENCE_SECONDS)
    return False


def hangs_up(wire, request):
    read_body(wire, request)
    return False


def resets(raw):
    """A script: these bytes, and then the connection is reset."""
    def script(wire, request):
        read_body(wire, request)
        wire.connection.sendall(raw)
        wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return script


def stalls(wire, request):
    stalled.wait(PATIENCE_SECONDS)
    wire.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    return True


SCRIPTS = {
    "/garbage": says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", False),
    "/two-lengths": says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk", False),
    "/both": says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", False),
    "/half": resets(b"HTTP/1.1 200 OK\r\ncontent-len"),
    "/half-and-end": says(b"HTTP/1.1 200 OK\r\ncontent-len", False),
    "/nothing": hangs_up,
    "/silent": says_nothing,
    "/stall": stalls,
    "/cut-without-length": resets(b"HTTP/1.1 200 OK\r\n\r\nabcde"),
    "/cut": says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabcde", False),
    "/cut-chunk": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nab", False),
    "/cut-behind-chunk": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n", False),
    "/cut-trailers": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nx-sum: 5\r\n", False),
    "/bad-chunk": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\nxyz\r\n", False),
}


@pytest.fixture(scope="module")
def origin():
    origin = ScriptedOrigin(SCRIPTS).start()
    yield origin
    silence.set()
    origin.kill()


class Hosts:
    """Balancers of one pool each, made once."""

    def __init__(self, proxy):
        self.proxy, self.made = proxy, {}

    def of(self, label, origins, upstream=None, pool=None, **body):
        if label not in self.made:
            made = self.proxy.pool(label, origins, trimtab={"upstream": {**UPSTREAM, **(upstream or {})}}, **(pool or {}))
            self.made[label] = self.proxy.wait(self.proxy.balancer(label, [made], **body), status=body_status(label))
        return self.made[label]


def body_status(label):
    """What the pool of this name answers to whoever waits for it."""
    return int(label) if label.isdigit() else 200


@pytest.fixture(scope="module")
def hosts(proxy):
    return Hosts(proxy)


@pytest.fixture(scope="module")
def failing(hosts, origin, tmp_path_factory):
    """Host names by the status that they answer with."""
    hole = FallibleOrigin("hole", Loop())
    hole.black_hole()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path_factory.mktemp("origin")))
    self_signed = ScriptedOrigin({}, context).start()
    nobody = {"name": "nobody", "address": "127.0.0.1", "port": free_port()}
    yield {
        521: hosts.of("521", [nobody]),
        522: hosts.of("522", [hole]),
        523: hosts.of("523", [{"name": "outside", "address": "192.0.2.1", "port": 80}]),
        525: hosts.of("525", [origin], {"tls": "on"}),
        526: hosts.of("526", [self_signed], {"tls": "on"}),
        530: hosts.of("530", [origin], pool={"enabled": False}),
    }
    hole.stop()
    self_signed.kill()


# === errors made here ===


@pytest.mark.parametrize("accept", TYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path, status", [
    ("/garbage", 520), ("/two-lengths", 520), ("/both", 520), ("/half", 520), ("/half-and-end", 520), ("/nothing", 521),
])
def test_semantics_35_an_answer_that_is_none(hosts, origin, way, accept, path, status):
    check_error(hosts.of("origin", [origin]), hosts.proxy, way, accept, status, path)


@pytest.mark.parametrize("accept", TYPES)
@pytest.mark.parametrize("way", [plain, multiplexed])
@pytest.mark.parametrize("status", [521, 522, 523, 525, 526, 530])
def test_semantics_35_an_origin_that_cannot_be_reached(proxy, failing, way, accept, status):
    check_error(failing[status], proxy, way, accept, status)


@pytest.mark.parametrize("way, accept", [(plain, "application/json"), (multiplexed, "text/html,*/*")])
def test_semantics_35_an_origin_that_does_not_answer_in_time(hosts, origin, way, accept):
    check_error(hosts.of("origin", [origin]), hosts.proxy, way, accept, 524, "/silent")


def check_error(host, proxy, way, accept, status, path="/"):
    with way(proxy, host) as client:
        answer = client.ask("GET", path, [("Accept", accept)])
    ray, code = answer.fields.one("cf-ray"), 1016 if status == 530 else status
    assert (answer.status, answer.whole, answer.fields.one("content-type")) == (status, True, TYPES[accept])
    text = answer.body.decode()
    if accept == "application/json":
        told = json.loads(text)
        assert told.pop("error")
        assert told == {"status": status, "error_code": code, "ray_id": ray}
    else:
        assert f"<title>{status}: " in text and f"Error {code}. Ray ID: {ray}<" in text
    everything = text + str(answer.fields)
    assert not [word for word in ("127.0.0", "192.0.2", "port", host) if word in everything], everything


def test_semantics_34_a_full_endpoint_says_when_to_come_again(hosts, origin):
    host = hosts.of("full", [origin], {"max_connections": 1, "max_pending": 0, "response_timeout": 10})
    with plain(hosts.proxy, host) as busy, plain(hosts.proxy, host) as client:
        busy.begin("GET", "/stall")
        assert until(lambda: any(head.target == b"/stall" for head in origin.heads), PATIENCE_SECONDS)
        answer = client.ask("GET", "/x", [("Accept", "application/json")])
        assert (answer.status, answer.fields.one("retry-after")) == (503, "1")
        stalled.set()
        assert (busy.read().status, client.ask("GET", "/x").status) == (200, 200)


@pytest.mark.parametrize("way", [plain, known_beforehand, secure, multiplexed])
def test_rfc_9110_section_15_5_20_an_unknown_host_is_misdirected(proxy, way):
    with way(proxy, "nobody.example.com") as client:
        answer = client.ask()
        assert (answer.status, answer.whole) == (421, True)
        assert client.ask().status == 421, "the connection goes on"


# === answers that are cut ===


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", ["/cut", "/cut-without-length", "/cut-chunk", "/cut-behind-chunk", "/cut-trailers", "/bad-chunk"])
def test_rfc_9112_section_8_an_answer_that_is_cut_stays_cut(hosts, origin, way, path):
    with way(hosts.proxy, hosts.of("origin", [origin])) as client:
        answer = client.ask("GET", path)
    assert (answer is None or answer.status == 200 and not answer.whole), answer


# === what is tried again ===


@pytest.fixture
def pair(origin):
    """An endpoint that reads a request and hangs up, and a good one."""
    bad, good = ScriptedOrigin().start(), ScriptedOrigin().start()

    def takes_and_leaves(wire, request):
        bad.take(wire, request)
        return False

    bad.scripts = {f"/{number}": takes_and_leaves for number in range(MANY)}
    yield bad, good
    bad.kill()
    good.kill()


@pytest.mark.parametrize("method, body, repeats", [
    ("GET", b"", True), ("HEAD", b"", True), ("PUT", SMALL, True), ("DELETE", b"", True), ("OPTIONS", b"", True),
    ("PUT", LARGE, False), ("POST", SMALL, False), ("POST", b"", False), ("PATCH", b"x", False), ("PURGE", b"", False),
])
def test_rfc_9110_section_9_2_2_what_may_be_repeated_is_once_and_nothing_else(hosts, pair, method, body, repeats):
    bad, good = pair
    host = hosts.of(f"{method.lower()}-{len(body)}", pair)
    seen = set()
    with plain(hosts.proxy, host) as client:
        for number in range(MANY):
            answer = client.ask(method, f"/{number}", body=body)
            seen.add(answer.status)
            if answer.fields.one("connection") == "close" or client.ended:
                client = plain(hosts.proxy, host)
    name = method.encode()
    at_bad, at_good = ([request.target for request in origin.requests if request.method == name] for origin in pair)
    assert seen == ({200} if repeats else {200, 521})
    assert at_bad and at_good, "both endpoints were asked"
    assert len(at_good) == len(set(at_good)) and bool(set(at_good) & set(at_bad)) == repeats
    # A connection that served before may have ended before the request came: where that does no harm it is replaced.
    assert len(at_bad) == len(set(at_bad)) or repeats
    assert all(request.body == body for origin in pair for request in origin.requests if request.method == name)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_semantics_34_where_no_connection_is_made_another_endpoint_is_sent_anything(hosts, origin, method):
    nobody = {"name": "nobody", "address": "127.0.0.1", "port": free_port()}
    host = hosts.of(f"refused-{method.lower()}", [origin, nobody])
    with plain(hosts.proxy, host) as client:
        assert {client.ask(method, "/x", body=LARGE).status for _ in range(MANY)} == {200}


@pytest.mark.parametrize("across, status", [(False, 521), (True, 200)])
def test_semantics_34_the_next_pool_where_that_is_allowed(proxy, origin, across, status):
    nobody = {"name": "nobody", "address": "127.0.0.1", "port": free_port()}
    pools = [proxy.pool(f"{name}-{across}", [origin], trimtab={"upstream": UPSTREAM})
             for name, origin in (("down", nobody), ("up", origin))]
    host = proxy.balancer(f"across-{across}".lower(), pools, adaptive_routing={"failover_across_pools": across})
    proxy.wait(host, status=status)


def test_rfc_9112_section_9_3_1_connections_that_origins_end_are_not_seen(hosts):
    """The origin says nothing of leaving behind each answer, and is now quicker than the next request and now slower."""
    origin = ScriptedOrigin({"/": says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", False)}).start()
    host = hosts.of("once", [origin])
    try:
        with plain(hosts.proxy, host) as client:
            statuses = [client.ask(method, "/", body=body).status
                        for method, body in [("GET", b""), ("POST", b"x")] * (STALE_REQUESTS // 2)]
    finally:
        origin.kill()
    assert [at for at, status in enumerate(statuses) if status != 200] == []


# === sessions ===


@pytest.fixture
def couple():
    couple = [ScriptedOrigin().start() for _ in range(2)]
    yield couple
    for origin in couple:
        shut(origin.listener)
        origin.kill()


@pytest.mark.parametrize("failover, during, moves", [("none", 521, False), ("temporary", 200, False), ("sticky", 200, True)])
def test_semantics_34_a_session_whose_endpoint_fails(proxy, couple, failover, during, moves):
    pool = proxy.pool(failover, couple, trimtab={"upstream": UPSTREAM})
    host = proxy.wait(proxy.balancer(failover, [pool], session_affinity="cookie",
                                     session_affinity_attributes={"zero_downtime_failover": failover}))
    with plain(proxy, host) as client:
        cookie = client.ask("GET", "/begin").fields.one("set-cookie").partition(";")[0]
        [home] = [origin for origin in couple if origin.seen(b"/begin")]
        home.kill()
        answers = [client.ask("GET", f"/down/{turn}", [("Cookie", cookie)]) for turn in range(5)]
        assert [answer.status for answer in answers] == [during] * 5
        cookies = [answer.fields.one("set-cookie") for answer in answers]
        assert [bool(cookie) for cookie in cookies] == [moves] * 5
        home.start()
        cookie = cookies[0].partition(";")[0] if moves else cookie
        answer = client.ask("GET", "/again", [("Cookie", cookie)])
    assert (answer.status, answer.fields.one("set-cookie")) == (200, None)
    assert bool(home.seen(b"/again")) != moves
