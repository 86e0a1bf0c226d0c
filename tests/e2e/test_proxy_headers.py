"""What origins are told of clients, what clients are told of origins, and what ends at the proxy: RFC 9110 7.6, RFC 8586."""

import itertools
import re
import socket
import struct
import threading

import pytest

from clients import PATIENCE_SECONDS, TRUSTED, UNTRUSTED, WAYS, Fields, known_beforehand, multiplexed, plain, secure
from node import until
from proxy import SERVED_SECONDS, Proxy
from scripted_origin import Http2Origin, ScriptedOrigin, says
from strict_origin import read_body

RAY = re.compile(r"[0-9a-f]{16}-FRA")
# Of the university of Tokyo, where the embedded table knows it to be.
IN_JAPAN = "133.11.0.1"
ELSEWHERE = "192.0.2.77"
CONTENT = b"x" * 3_000
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
numbers = itertools.count()
hinted = threading.Event()


def continues(wire, request):
    """Says itself that it wants the body."""
    wire.connection.sendall(b"HTTP/1.1 100 Continue\r\nx-from: origin\r\n\r\n")
    read_body(wire, request)
    wire.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(request.body), request.body))
    return True


def refuses(wire, _):
    """Wants no body."""
    wire.connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    return False


def early(wire, _):
    """Thinks about the rest until the client has the hints."""
    wire.connection.sendall(HINTS)
    hinted.wait(PATIENCE_SECONDS)
    wire.connection.sendall(OK)
    return True


SCRIPTS = {
    "/continue": continues,
    "/refuse": refuses,
    "/hints": says(HINTS + HINTS + OK),
    "/early": early,
    "/hops": says(b"HTTP/1.1 200 OK\r\nconnection: keep-alive, X-Secret\r\nkeep-alive: timeout=5\r\nx-secret: 1\r\n"
                  b"proxy-connection: keep-alive\r\nupgrade: h2c\r\nx-kept: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
                  b"cf-ray: 0000000000000000-XXX\r\ncontent-length: 0\r\n\r\n"),
    "/trailers": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
                      b"3\r\nabc\r\n3\r\ndef\r\n0\r\nx-sum: 6\r\nx-more: yes\r\n\r\n"),
    "/chunked": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
    "/head": says(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n"),
    "/head-chunked": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    "/204": says(b"HTTP/1.1 204 No Content\r\nx-kept: 1\r\n\r\n"),
    "/304": says(b"HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\ncontent-length: 1234\r\n\r\n"),
}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    proxy = Proxy(tmp_path_factory.mktemp("proxy"), f'trusted_proxies = ["{TRUSTED}/32"]').start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def origin():
    origin = ScriptedOrigin(SCRIPTS).start()
    yield origin
    origin.kill()


@pytest.fixture(scope="module")
def host(proxy, origin):
    return proxy.wait(proxy.balancer("headers", [proxy.pool("headers", [origin])]))


def path():
    """One that nothing else asks for."""
    return f"/{next(numbers)}"


# === who the client is ===


def expected(**changed):
    """What the proxy says of a client without TLS on this machine, and of a request that came straight from it."""
    told = {"x-forwarded-for": UNTRUSTED, "x-forwarded-proto": "http", "cf-connecting-ip": UNTRUSTED,
            "cf-ipcountry": "XX", "cf-visitor": '{"scheme":"http"}', "cdn-loop": "trimtab"}
    return told | {name.replace("_", "-"): value for name, value in changed.items()}


def seen(origin, path):
    """Fields of the request as text, the ray apart."""
    fields = Fields((name.decode(), value.decode()) for name, value in origin.last(path).fields)
    ray = fields.one("cf-ray")
    assert RAY.fullmatch(ray), ray
    return Fields(pair for pair in fields if pair[0] != "cf-ray"), ray


SECURE = {"x_forwarded_proto": "https", "cf_visitor": '{"scheme":"https"}'}
FORGED = [("X-Forwarded-For", ELSEWHERE), ("X-Forwarded-Proto", "gopher"), ("CF-Connecting-IP", ELSEWHERE),
          ("CF-Ray", "1234567890abcdef-SJC"), ("CF-IPCountry", "T1"), ("CF-Visitor", '{"scheme":"gopher"}')]


@pytest.mark.parametrize("way, told", [
    (plain, expected()), (known_beforehand, expected()), (secure, expected(**SECURE)), (multiplexed, expected(**SECURE)),
])
@pytest.mark.parametrize("sent", [[], FORGED], ids=["bare", "forged"])
def test_semantics_36_an_origin_gets_these_fields_and_no_others(proxy, origin, host, way, told, sent):
    asked = path()
    with way(proxy, host) as client:
        answer = client.ask("GET", asked, [("User-Agent", "t"), *sent, ("X-Kept", "a"), ("X-Kept", "b")])
    fields, ray = seen(origin, asked)
    assert fields[0] == ("host", host) and sorted(fields) == sorted(
        [("host", host), ("user-agent", "t"), ("x-kept", "a"), ("x-kept", "b"), *told.items()])
    assert (answer.status, answer.fields.one("cf-ray")) == (200, ray)


def test_semantics_36_no_two_requests_have_one_ray(proxy, origin, host):
    asked = path()
    with plain(proxy, host) as client:
        rays = [client.ask("GET", asked).fields.one("cf-ray") for _ in range(50)]
    assert len(set(rays)) == 50


def v2(source, command=0x21):
    addresses = socket.inet_aton(source) + socket.inet_aton(UNTRUSTED) + struct.pack(">HH", 1, 80)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", command, 0x11, len(addresses)) + addresses


V1 = f"PROXY TCP4 {IN_JAPAN} 127.0.0.1 1 80\r\n".encode()
V1_TRUSTED = f"PROXY TCP4 {TRUSTED} 127.0.0.1 1 80\r\n".encode()
OF_JAPAN = {"cf_connecting_ip": IN_JAPAN, "cf_ipcountry": "JP"}


@pytest.mark.parametrize("sent, before, told", [
    ([], b"", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([("X-Forwarded-For", IN_JAPAN)], b"", expected(**OF_JAPAN, x_forwarded_for=f"{IN_JAPAN}, {TRUSTED}")),
    ([("X-Forwarded-For", f"{IN_JAPAN},{ELSEWHERE}"), ("X-Forwarded-For", "10.0.0.1")], b"",
     expected(**OF_JAPAN, x_forwarded_for=f"{IN_JAPAN}, {ELSEWHERE}, 10.0.0.1, {TRUSTED}")),
    ([("X-Forwarded-For", ELSEWHERE), ("CF-Connecting-IP", IN_JAPAN)], b"",
     expected(**OF_JAPAN, x_forwarded_for=f"{ELSEWHERE}, {TRUSTED}")),
    ([("CF-Connecting-IP", IN_JAPAN)], b"", expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([("CF-Connecting-IP", "nonsense")], b"", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([("X-Forwarded-Proto", "https"), ("CF-Visitor", '{"scheme":"https"}')], b"",
     expected(**SECURE, x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([("CF-IPCountry", "T1")], b"", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([], V1, expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([], v2(IN_JAPAN), expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([], b"PROXY UNKNOWN\r\n", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([], v2(IN_JAPAN, 0x20), expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    # A balancer that speaks for somebody is believed, whom it speaks for is not; unless that is another balancer.
    ([("X-Forwarded-For", ELSEWHERE), ("CF-Connecting-IP", ELSEWHERE)], V1, expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([("X-Forwarded-For", IN_JAPAN)], V1_TRUSTED, expected(**OF_JAPAN, x_forwarded_for=f"{IN_JAPAN}, {TRUSTED}")),
])
def test_semantics_20_a_trusted_proxy_is_believed(proxy, origin, host, sent, before, told):
    asked = path()
    with plain(proxy, host, TRUSTED, before) as client:
        assert client.ask("GET", asked, sent).status == 200
    fields, _ = seen(origin, asked)
    assert sorted(fields) == sorted([("host", host), *told.items()])


@pytest.mark.parametrize("before", [V1, v2(IN_JAPAN)], ids=["v1", "v2"])
def test_semantics_20_a_header_of_somebody_else_is_no_request(proxy, host, before):
    with plain(proxy, host, UNTRUSTED, before) as client:
        answer = client.ask()
    assert answer is None or answer.status == 400


def test_semantics_36_the_endpoints_own_host_is_sent(proxy, origin):
    body = {"name": "a", "address": origin.address, "port": origin.port, "header": {"Host": ["inner.example.com"]}}
    host = proxy.wait(proxy.balancer("override", [proxy.pool("override", [body])]))
    asked = path()
    with plain(proxy, host) as client:
        client.ask("GET", asked)
    assert seen(origin, asked)[0].all("host") == ["inner.example.com"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sent, status, passed", [
    (["other"], 200, "other, trimtab"),
    (["other; loops=1, another", "third"], 200, "other; loops=1, another, third, trimtab"),
    (["trimtabs, x-trimtab"], 200, "trimtabs, x-trimtab, trimtab"),
    (["trimtab"], 508, None),
    (["other, Trimtab; loops=2"], 508, None),
    (["other", "trimtab"], 508, None),
])
def test_rfc_8586_section_2_a_loop_is_refused(proxy, origin, host, way, sent, status, passed):
    asked = path()
    with way(proxy, host) as client:
        assert client.ask("GET", asked, [("CDN-Loop", value) for value in sent]).status == status
    if passed:
        assert seen(origin, asked)[0].one("cdn-loop") == passed
    else:
        assert origin.seen(asked.encode()) == []


# === what ends here ===


@pytest.mark.parametrize("way", [plain, secure])
def test_rfc_9110_section_7_6_1_fields_of_one_hop_end_there(proxy, origin, host, way):
    asked = path()
    hops = [("Connection", "keep-alive, X-Mine"), ("X-Mine", "1"), ("Keep-Alive", "timeout=9"), ("TE", "trailers, gzip"),
            ("Proxy-Connection", "keep-alive"), ("Proxy-Authorization", "Basic eDp5"), ("Upgrade", "h2c"),
            ("Trailer", "x-sum"), ("HTTP2-Settings", "AAMAAABk"), ("X-Kept", "1")]
    with way(proxy, host) as client:
        assert client.ask("GET", asked, hops).status == 200
        answer = client.ask("GET", "/hops")
    kept = {name for name, _ in seen(origin, asked)[0]} - set(expected())
    assert kept == {"host", "x-kept"}
    ray = answer.fields.one("cf-ray")
    assert RAY.fullmatch(ray)
    assert answer.fields == [("x-kept", "1"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("cf-ray", ray),
                             ("content-length", "0")]


def test_rfc_9110_section_7_6_1_fields_that_name_the_client_cannot_be_taken_out(proxy, origin, host):
    asked = path()
    with plain(proxy, host) as client:
        client.ask("GET", asked, [("Connection", ", ".join(["host", "cf-ray", *expected()]))])
    assert sorted(seen(origin, asked)[0]) == sorted([("host", host), *expected().items()])


@pytest.mark.parametrize("way", [multiplexed, known_beforehand])
def test_rfc_9113_section_8_2_te_ends_here_and_crumbs_of_cookies_are_one_field(proxy, origin, host, way):
    asked = path()
    with way(proxy, host) as client:
        client.ask("GET", asked, [("cookie", "a=1"), ("te", "trailers"), ("cookie", "b=2; c=3"), ("cookie", "d=4")])
        answer = client.ask("GET", "/hops")
    fields, _ = seen(origin, asked)
    assert (fields.all("cookie"), fields.all("te")) == (["a=1; b=2; c=3; d=4"], [])
    assert {name for name, _ in answer.fields} == {"x-kept", "set-cookie", "cf-ray", "content-length"}


# === what comes before and behind ===


@pytest.mark.parametrize("way", WAYS)
def test_rfc_9110_section_10_1_1_the_origin_says_whether_it_wants_the_body(proxy, origin, host, way):
    with way(proxy, host) as client:
        client.begin("POST", "/continue", [("Expect", "100-continue"), ("Content-Length", len(CONTENT))])
        # The body waits for what only the origin can have said.
        interim = next_interim(client)
        assert (interim[0], interim[1].all("x-from")) == (100, ["origin"])
        send_rest(client)
        answer = client.read()
    assert (answer.status, answer.body) == (200, CONTENT)
    with way(proxy, host) as client:
        client.begin("POST", "/refuse", [("Expect", "100-continue"), ("Content-Length", len(CONTENT))])
        assert client.read().status == 403


def next_interim(client):
    if hasattr(client, "read_head"):
        return client.read_head()
    while (event := client.next_event()) and not hasattr(event, "headers"):
        pass
    fields = Fields(event.headers)
    return int(fields.one(":status")), fields


def send_rest(client):
    client.sock.sendall(CONTENT) if hasattr(client, "read_head") else client.end(CONTENT)


@pytest.mark.parametrize("way", WAYS)
def test_rfc_8297_early_hints_are_passed_on(proxy, host, way):
    with way(proxy, host) as client:
        answer = client.ask("GET", "/hints")
        hinted.clear()
        client.begin("GET", "/early")
        assert next_interim(client)[0] == 103
        hinted.set()
        assert client.read().body == b"ok"
    assert answer.interims == [(103, [("link", "</a.css>; rel=preload")])] * 2
    assert (answer.status, answer.body) == (200, b"ok")


def test_rfc_9110_section_15_2_http_1_0_gets_no_interim_answers(proxy, host):
    with plain(proxy, host) as client:
        answer = client.ask("GET", "/hints", minor=0)
    assert (answer.interims, answer.status, answer.body) == ([], 200, b"ok")


@pytest.mark.parametrize("way", WAYS)
def test_rfc_9112_section_7_1_2_trailers_go_both_ways(proxy, origin, host, way):
    asked = path()
    with way(proxy, host) as client:
        answer = client.ask("GET", "/trailers")
        client.ask("POST", asked, body=CONTENT, trailers=[("x-sum", "9"), ("x-more", "no")])
    assert (answer.body, answer.trailers) == (b"abcdef", [("x-sum", "6"), ("x-more", "yes")])
    [request] = origin.seen(asked.encode())
    assert (request.body, request.trailers) == (CONTENT, [(b"x-sum", b"9"), (b"x-more", b"no")])


# === HTTP/1.0, and answers without a body ===


def test_rfc_9112_section_9_3_http_1_0_keeps_a_connection_when_asked_to(proxy, host):
    with plain(proxy, host) as client:
        for _ in range(3):
            answer = client.ask("GET", "/x", [("Connection", "keep-alive")], minor=0)
            assert (answer.status, answer.fields.one("connection"), answer.body) == (200, "keep-alive", b"served /x")
        answer = client.ask("GET", "/x", minor=0)
        assert (answer.status, answer.fields.one("connection"), client.at_end()) == (200, "close", True)


@pytest.mark.parametrize("asked", [[], [("Connection", "keep-alive")]], ids=["close", "keep-alive"])
def test_rfc_9112_section_6_1_http_1_0_gets_no_chunks(proxy, host, asked):
    with plain(proxy, host) as client:
        answer = client.ask("GET", "/chunked", asked, minor=0)
        assert (answer.status, answer.body, client.at_end()) == (200, b"abcdef", True)
    names = ("transfer-encoding", "content-length", "connection")
    assert [answer.fields.one(name) for name in names] == [None, None, "close"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method, asked, status, length", [
    ("HEAD", "/head", 200, "1234"), ("HEAD", "/head-chunked", 200, None), ("GET", "/204", 204, None),
    ("GET", "/304", 304, "1234"), ("HEAD", "/304", 304, "1234"), ("HEAD", "/204", 204, None),
])
def test_rfc_9110_section_8_6_answers_without_a_body_end_with_their_head(proxy, host, way, method, asked, status, length):
    with way(proxy, host) as client:
        answer = client.ask(method, asked)
        told = [answer.fields.one(name) for name in ("content-length", "transfer-encoding")]
        assert (answer.status, answer.body, answer.whole, told) == (status, b"", True, [length, None])
        assert client.ask("GET", "/x").body == b"served /x", "the connection goes on"


# === origins of HTTP/2, and what operators see ===


def hints_in_frames(state, stream, _):
    state.send_headers(stream, [(":status", "103"), ("link", "</a.css>; rel=preload")])
    state.send_headers(stream, [(":status", "200")])
    state.send_data(stream, b"ok")
    state.send_headers(stream, [("x-sum", "2")], end_stream=True)


def continue_in_frames(state, stream, _):
    state.send_headers(stream, [(":status", "100"), ("x-from", "origin")])


@pytest.mark.parametrize("way", WAYS)
def test_rfc_9113_section_8_1_an_origin_of_http_2_says_the_same(proxy, way, origin_of_http_2):
    origin, host = origin_of_http_2
    with way(proxy, host) as client:
        answer = client.ask("GET", "/hints")
        client.ask("POST", "/x", body=CONTENT, trailers=[("x-sum", "9")])
        client.begin("POST", "/continue", [("Expect", "100-continue"), ("Content-Length", len(CONTENT))])
        assert next_interim(client)[0] == 100
        send_rest(client)
        assert client.read().status == 200
    assert answer.interims == [(103, [("link", "</a.css>; rel=preload")])]
    assert (answer.body, answer.trailers, origin.trailers) == (b"ok", [("x-sum", "2")], [("x-sum", "9")])


@pytest.fixture(scope="module")
def origin_of_http_2(proxy):
    origin = Http2Origin({"/hints": hints_in_frames, "/continue": continue_in_frames}).start()
    upstream = {"upstream": {"http2": True, "tls": "off"}}
    yield origin, proxy.wait(proxy.balancer("h2", [proxy.pool("h2", [origin], trimtab=upstream)]))
    origin.kill()


def test_our_own_fields_are_for_those_who_ask_for_them(tmp_path, proxy, origin, host):
    with plain(proxy, host) as client:
        names = {name for name, _ in client.ask().fields}
    assert not [name for name in names if name.startswith("x-trimtab") or name == "server-timing"]
    open_hearted = Proxy(tmp_path, "expose = true").start()
    try:
        host = open_hearted.wait(open_hearted.balancer("told", [open_hearted.pool("told", [origin])]))
        assert until(lambda: open_hearted.status(host) == 200, SERVED_SECONDS)
        with plain(open_hearted, host) as client:
            fields = client.ask().fields
        told = [fields.one(f"x-trimtab-{name}") for name in ("pool", "origin", "why")]
        assert told == ["told", origin.name, "steered"]
        assert re.fullmatch(r"origin;dur=[0-9]+\.[0-9]", fields.one("server-timing"))
    finally:
        open_hearted.stop()
