"""Interim answers, trailers, HTTP/1.0 and answers without a body, whatever each side speaks: RFC 9110 8.6, 10.1.1, 15.2."""

import threading

import pytest

from clients import PATIENCE_SECONDS, WAYS, Fields, plain
from scripted_origin import Http2Origin, ScriptedOrigin, says
from strict_origin import read_body

CONTENT = b"x" * 3_000
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
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
    "/trailers": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
                      b"3\r\nabc\r\n3\r\ndef\r\n0\r\nx-sum: 6\r\nx-more: yes\r\n\r\n"),
    "/chunked": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
    "/head": says(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n"),
    "/head-chunked": says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    "/204": says(b"HTTP/1.1 204 No Content\r\nx-kept: 1\r\n\r\n"),
    "/304": says(b"HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\ncontent-length: 1234\r\n\r\n"),
}


@pytest.fixture(scope="module")
def origin():
    origin = ScriptedOrigin(SCRIPTS).start()
    yield origin
    origin.kill()


@pytest.fixture(scope="module")
def host(proxy, origin):
    return proxy.wait(proxy.balancer("messages", [proxy.pool("messages", [origin])]))


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
    asked = f"/sum/{way.__name__}"
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


# === origins of HTTP/2 ===


def hints_in_frames(state, stream, _):
    state.send_headers(stream, [(":status", "103"), ("link", "</a.css>; rel=preload")])
    state.send_headers(stream, [(":status", "200")])
    state.send_data(stream, b"ok")
    state.send_headers(stream, [("x-sum", "2")], end_stream=True)


def continue_in_frames(state, stream, _):
    state.send_headers(stream, [(":status", "100"), ("x-from", "origin")])


def cut_in_frames(state, stream, _):
    state.send_headers(stream, [(":status", "200")])
    state.send_data(stream, b"abc")
    state.reset_stream(stream)


@pytest.mark.parametrize("way", WAYS)
def test_rfc_9113_section_8_1_1_what_an_origin_of_http_2_cuts_stays_cut(proxy, way, origin_of_http_2):
    with way(proxy, origin_of_http_2[1]) as client:
        answer = client.ask("GET", "/cut")
    assert answer is None or not answer.whole, answer


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
    origin = Http2Origin({"/hints": hints_in_frames, "/continue": continue_in_frames, "/cut": cut_in_frames}).start()
    upstream = {"upstream": {"http2": True, "tls": "off"}}
    yield origin, proxy.wait(proxy.balancer("h2", [proxy.pool("h2", [origin], trimtab=upstream)]))
    origin.kill()
