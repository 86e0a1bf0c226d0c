"""HTTP/2 from clients by RFC 9113, frame by frame; each row is one connection of its own."""

import struct

import pytest

from h2_frames import (
    ACK, CONTINUATION, DATA, ENABLE_PUSH, ENDED, END_HEADERS, END_STREAM, FRAME_BYTES_MAX, GOAWAY, HEADERS,
    INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, PADDED, PING, PREFACE, PRIORITIZED, PRIORITY, PUSH_PROMISE,
    RST_STREAM, SETTINGS, WINDOW_MAX, WINDOW_UPDATE, Connection, block, connection_error, data, frame, headers, malformed,
    reset, served, settings, stream_error, window,
)
from strict_origin import StrictOrigin

HOST = "http2.example.com"
# More than the limit on open streams of any sensible server.
STREAMS_MAX = 1_000
ALIVE = {"alive"}


@pytest.fixture(scope="module")
def origin(proxy):
    origin = StrictOrigin().start()
    host = proxy.balancer("http2", [proxy.pool("http2", [origin])])
    assert proxy.wait(host) == HOST
    yield origin
    origin.kill()


@pytest.fixture
def connection(proxy, origin):
    """After the preface of both sides. Whatever is said on it, the origin gets clean requests of the proxy's own."""
    origin.clear()
    with Connection(proxy.connect_tls(HOST, "h2")) as connection:
        assert connection.sock.selected_alpn_protocol() == "h2"
        yield connection
    assert (origin.ambiguous, origin.seen(b"canary")) == ([], [])
    assert all(request.all(b"x-forwarded-for") for request in origin.requests)


def request(method="GET", path="/v", scheme="https", authority=HOST, more=()):
    """Fields of a request; None leaves one out."""
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return [(name, value) for name, value in pseudo if value is not None] + list(more)


GET = headers(request())
POST = headers(request("POST"), flags=END_HEADERS)
STALLED = headers(request(path="/stall"))
OPEN_STALLED = headers(request("POST", "/stall"), flags=END_HEADERS)


def check(connection, raw, wanted):
    connection.begin()
    connection.send(raw)
    events = connection.happens(wanted)
    assert wanted.intersection(events), f"{events}, wanted one of {sorted(wanted)}"


def rows(table):
    return pytest.mark.parametrize("raw, wanted", [row[1:] for row in table], ids=[row[0] for row in table])


# === frames ===

PROTOCOL = connection_error("PROTOCOL_ERROR")
SIZE = connection_error("FRAME_SIZE_ERROR")
FLOW = connection_error("FLOW_CONTROL_ERROR")
COMPRESSION = connection_error("COMPRESSION_ERROR")
CLOSED = stream_error("STREAM_CLOSED")
# A field block that is cut in two; the first half ends no block.
HALF = headers(request(), flags=END_STREAM)
REST = block([("x", "y")])


@rows([
    ("4.1 a frame of no type that there is, then a request", frame(0x16, 0, 0, b"12345678") + GET, served()),
    ("4.1 the same on a stream", GET + frame(0x16, 0xFF, 1, b"1") + headers(request(), 3), served(3)),
    ("4.1 flags that PING does not have", frame(PING, 0xFE, 0, b"12345678"), ALIVE),
    ("4.1 the reserved bit of the stream", frame(PING, 0, 1 << 31, b"12345678"), ALIVE),
    ("4.2 DATA as long as it may be", POST + data(b"x" * FRAME_BYTES_MAX), served()),
    ("4.2 DATA one byte longer", POST + data(b"x" * (FRAME_BYTES_MAX + 1)), stream_error("FRAME_SIZE_ERROR")),
    ("4.2 HEADERS too long", headers(request(), behind=b"\0" * FRAME_BYTES_MAX), SIZE),
    ("4.2 SETTINGS too long", frame(SETTINGS, 0, 0, b"\x00\x99\0\0\0\0" * 3000), SIZE),
    ("4.2 a frame of 2^24 - 1 bytes", frame(PING, 0, 0, b"12345678", length=2**24 - 1), SIZE),
    ("5.1 DATA on an idle stream", data(b"x"), PROTOCOL),
    ("5.1 RST_STREAM on an idle stream", reset(), PROTOCOL),
    ("5.1 WINDOW_UPDATE on an idle stream", window(1, 1), PROTOCOL),
    ("5.1 CONTINUATION on an idle stream", frame(CONTINUATION, END_HEADERS, 1, block(request())), PROTOCOL),
    ("5.1.1 a stream of even number", headers(request(), 2), PROTOCOL),
    ("5.1.1 a stream of lower number", headers(request(), 5) + headers(request(), 3),
     connection_error("PROTOCOL_ERROR", "STREAM_CLOSED")),
    ("5.1 DATA behind END_STREAM", STALLED + data(b"x"), CLOSED),
    ("5.1 HEADERS behind END_STREAM", STALLED + headers(request()), stream_error("STREAM_CLOSED", "PROTOCOL_ERROR")),
    ("5.1 CONTINUATION behind END_HEADERS", STALLED + frame(CONTINUATION, END_HEADERS, 1, REST),
     stream_error("PROTOCOL_ERROR", "STREAM_CLOSED")),
    ("5.1 DATA behind RST_STREAM", OPEN_STALLED + reset() + data(b"x"), CLOSED | ALIVE),
    ("5.1 HEADERS behind RST_STREAM", OPEN_STALLED + reset() + headers(request()),
     stream_error("STREAM_CLOSED", "PROTOCOL_ERROR")),
    ("5.1 WINDOW_UPDATE behind RST_STREAM", STALLED + reset() + window(1, 1) + headers(request(), 3), served(3)),
    ("5.1 RST_STREAM twice", STALLED + reset() + reset() + headers(request(), 3), served(3)),
    ("5.3.1 PRIORITY of an idle stream", frame(PRIORITY, 0, 3, struct.pack(">IB", 0, 1)) + GET, served()),
    ("5.3.1 PRIORITY that depends on itself", frame(PRIORITY, 0, 1, struct.pack(">IB", 1, 1)) + GET,
     served() | stream_error("PROTOCOL_ERROR")),
    ("5.3.1 HEADERS that depends on itself", headers(request(), flags=0x25, before=struct.pack(">IB", 1, 1)),
     served() | stream_error("PROTOCOL_ERROR")),
    ("5.3.2 HEADERS with priority",
     headers(request(), flags=END_STREAM | END_HEADERS | PRIORITIZED, before=struct.pack(">IB", 0, 1)), served()),
    ("6.1 DATA on stream 0", data(b"x", 0), PROTOCOL),
    ("6.1 padded DATA", POST + frame(DATA, END_STREAM | PADDED, 1, b"\x03abc\0\0\0"), served()),
    ("6.1 DATA with more padding than bytes", POST + frame(DATA, END_STREAM | PADDED, 1, b"\x05abc"), PROTOCOL),
    ("6.1 padded DATA without a length", POST + frame(DATA, END_STREAM | PADDED, 1), SIZE | PROTOCOL),
    ("6.2 HEADERS on stream 0", headers(request(), 0), PROTOCOL),
    ("6.2 padded HEADERS", headers(request(), flags=0xD, before=b"\x02", behind=b"\0\0"), served()),
    ("6.2 HEADERS with more padding than bytes", headers(request(), flags=0xD, before=b"\xff"), PROTOCOL),
    ("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, struct.pack(">IB", 0, 1)), PROTOCOL),
    ("6.3 PRIORITY of four bytes", frame(PRIORITY, 0, 1, b"1234"), stream_error("FRAME_SIZE_ERROR")),
    ("6.4 RST_STREAM on stream 0", reset(0), PROTOCOL),
    ("6.4 RST_STREAM of three bytes", STALLED + frame(RST_STREAM, 0, 1, b"123"), SIZE),
    ("6.5 SETTINGS with ACK and content", frame(SETTINGS, ACK, 0, b"\0\1\0\0\0\0"), SIZE),
    ("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1), PROTOCOL),
    ("6.5 SETTINGS of five bytes", frame(SETTINGS, 0, 0, b"12345"), SIZE),
    ("6.5.2 ENABLE_PUSH 2", settings((ENABLE_PUSH, 2)), PROTOCOL),
    ("6.5.2 INITIAL_WINDOW_SIZE 2^31", settings((INITIAL_WINDOW_SIZE, 2**31)), FLOW),
    ("6.5.2 MAX_FRAME_SIZE below the least", settings((MAX_FRAME_SIZE, 16_383)), PROTOCOL),
    ("6.5.2 MAX_FRAME_SIZE 2^24", settings((MAX_FRAME_SIZE, 2**24)), PROTOCOL),
    ("6.5.2 a setting that nobody knows", settings((0x99, 1)) + GET, served()),
    ("6.6 PUSH_PROMISE of a client",
     STALLED + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + block(request())), PROTOCOL),
    ("6.7 PING", b"", ALIVE),
    ("6.7 PING on a stream", frame(PING, 0, 1, b"12345678"), PROTOCOL),
    ("6.7 PING of six bytes", frame(PING, 0, 0, b"123456"), SIZE),
    ("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL),
    ("6.8 GOAWAY behind a request, which is still answered", GET + frame(GOAWAY, 0, 0, bytes(8)), served()),
    ("6.9 WINDOW_UPDATE 0 of the connection", window(0), PROTOCOL),
    ("6.9 WINDOW_UPDATE 0 of a stream", STALLED + window(0, 1), stream_error("PROTOCOL_ERROR")),
    ("6.9 WINDOW_UPDATE of three bytes", frame(WINDOW_UPDATE, 0, 0, b"123"), SIZE),
    ("6.9.1 the connection's window beyond 2^31 - 1", window(WINDOW_MAX), FLOW),
    ("6.9.1 a stream's window beyond 2^31 - 1", STALLED + window(WINDOW_MAX, 1), stream_error("FLOW_CONTROL_ERROR")),
    ("6.9.2 a setting that moves a stream's window beyond",
     STALLED + window(WINDOW_MAX - 65_535, 1) + settings((INITIAL_WINDOW_SIZE, 65_536)), FLOW),
    ("6.10 a block in three frames",
     HALF + frame(CONTINUATION, 0, 1, REST) + frame(CONTINUATION, END_HEADERS, 1, block([("z", "z")])), served()),
    ("6.10 CONTINUATION on stream 0", HALF + frame(CONTINUATION, END_HEADERS, 0, REST), PROTOCOL),
    ("6.10 CONTINUATION of another stream", HALF + frame(CONTINUATION, END_HEADERS, 3, REST), PROTOCOL),
    ("6.10 CONTINUATION behind DATA", POST + data(b"x", flags=0) + frame(CONTINUATION, END_HEADERS, 1, REST), PROTOCOL),
    ("4.3 DATA within a block", HALF + data(b"x"), PROTOCOL),
    ("4.3 HEADERS of another stream within a block", HALF + headers(request(), 3), PROTOCOL),
    ("4.3 PING within a block", HALF + frame(PING, 0, 0, b"12345678"), PROTOCOL),
    ("4.3 WINDOW_UPDATE within a block", HALF + window(1), PROTOCOL),
    ("4.3 a frame of no type within a block", HALF + frame(0x16, 0, 1), PROTOCOL),
    ("4.3 an index of 0", frame(HEADERS, 0x5, 1, b"\x80"), COMPRESSION),
    ("4.3 an index beyond the table", frame(HEADERS, 0x5, 1, block(request()) + b"\xff\xff\xff\x03"), COMPRESSION),
    ("4.3 an integer without end", frame(HEADERS, 0x5, 1, block(request()) + b"\xff" * 20), COMPRESSION),
    ("4.3 a string cut short", frame(HEADERS, 0x5, 1, block(request()) + b"\x00\x7f"), COMPRESSION),
    ("4.3 a table larger than allowed", frame(HEADERS, 0x5, 1, b"\x3f\xff\xff\xff\x0f" + block(request())), COMPRESSION),
    ("4.3 a table update behind fields", frame(HEADERS, 0x5, 1, block(request()) + b"\x20"), COMPRESSION),
    ("4.3 Huffman padding with zeros", frame(HEADERS, 0x5, 1, block(request()) + b"\x00\x01x\x81\x00"), COMPRESSION),
])
def test_frames(connection, raw, wanted):
    check(connection, raw, wanted)


# === requests ===


def with_fields(*more):
    return headers(request(more=more))


def with_content(length, *pieces, more=()):
    fields = headers(request("POST", more=[("content-length", length), *more]), flags=END_HEADERS)
    return fields + b"".join(data(piece, flags=0) for piece in pieces[:-1]) + data(pieces[-1])


def with_trailers(*fields, flags=END_STREAM | END_HEADERS):
    return POST + data(b"hello", flags=0) + headers(fields, flags=flags)


CANARY = "x\r\n\r\nGET /canary HTTP/1.1\r\nHost: x"
CONNECT = [(":method", "CONNECT"), (":authority", f"{HOST}:80")]

# Nothing of these is a request, so nothing of these reaches the origin: 8.1.1.
MALFORMED = [
    ("8.2.1 a name of upper case", with_fields(("X-Upper", "1"))),
    ("8.2.1 an empty name", with_fields(("", "1"))),
    ("8.2.1 a space in a name", with_fields(("x y", "1"))),
    ("8.2.1 a colon in a name", with_fields(("x:y", "1"))),
    ("8.2.1 a line in a name", with_fields(("x\r\ny", "1"))),
    ("8.2.1 NUL in a name", with_fields(("x\0", "1"))),
    ("8.2.1 DEL in a name", with_fields(("x\x7f", "1"))),
    ("8.2.1 CR in a value", with_fields(("x", "a\rb"))),
    ("8.2.1 LF in a value", with_fields(("x", "a\nb"))),
    ("8.2.1 NUL in a value", with_fields(("x", "a\0b"))),
    ("8.2.1 a request in a value", with_fields(("x", CANARY))),
    ("8.2.1 a request in a name", with_fields((CANARY, "1"))),
    ("8.2.2 connection", with_fields(("connection", "keep-alive"))),
    ("8.2.2 keep-alive", with_fields(("keep-alive", "timeout=5"))),
    ("8.2.2 proxy-connection", with_fields(("proxy-connection", "keep-alive"))),
    ("8.2.2 transfer-encoding", with_fields(("transfer-encoding", "chunked"))),
    ("8.2.2 upgrade", with_fields(("upgrade", "websocket"))),
    ("8.2.2 te of more than trailers", with_fields(("te", "trailers, deflate"))),
    ("8.3 a pseudo field that there is not", with_fields((":unknown", "1"))),
    ("8.3 a pseudo field of answers", with_fields((":status", "200"))),
    ("8.3 a pseudo field behind others",
     headers([(":method", "GET"), (":scheme", "https"), ("x", "y"), (":path", "/v"), (":authority", HOST)])),
    ("8.3.1 no method", headers(request(method=None))),
    ("8.3.1 no scheme", headers(request(scheme=None))),
    ("8.3.1 no path", headers(request(path=None))),
    ("8.3.1 an empty path", headers(request(path=""))),
    ("8.3.1 a path without a slash", headers(request(path="v"))),
    ("8.3.1 * of GET", headers(request(path="*"))),
    *((f"8.3.1 {name} twice", headers([(name, value), *request()]))
      for name, value in [(":method", "GET"), (":scheme", "https"), (":path", "/v"), (":authority", HOST)]),
    ("8.3.1 neither authority nor host", headers(request(authority=None))),
    ("8.3.1 user information", headers(request(authority=f"user@{HOST}"))),
    ("8.3.1 a host of two names", headers(request(authority=f"{HOST},evil.example"))),
    ("8.3.1 a space in the path", headers(request(path="/v x"))),
    ("8.3.1 a request in the path", headers(request(path=f"/v HTTP/1.1{CANARY}"))),
    ("8.3.1 NUL in the path", headers(request(path="/v\0"))),
    ("8.3.1 a request in the method", headers(request(method=f"GET / HTTP/1.1{CANARY}"))),
    ("8.3.1 a space in the method", headers(request(method="GE T"))),
    ("8.3.1 an empty method", headers(request(method=""))),
    ("8.3.1 a request in the authority", headers(request(authority=f"{HOST}{CANARY}"))),
    ("8.3.1 a request in the scheme", headers(request(scheme=f"https{CANARY}"))),
    ("8.1.1 content-length of more than there is", with_content("6", b"hello")),
    ("8.1.1 content-length of less than there is", with_content("4", b"hello")),
    ("8.1.1 content-length without content", headers(request("POST", more=[("content-length", "1")]))),
    ("8.1.1 content-length with a sign", with_content("+5", b"hello")),
    ("8.1.1 content-length of letters", with_content("five", b"hello")),
    ("8.1.1 two lengths", with_content("5", b"hello", more=[("content-length", "6")])),
    ("8.1 trailers without END_STREAM", with_trailers(("x", "y"), flags=END_HEADERS)),
    ("8.1 trailers with a name of upper case", with_trailers(("X", "y"))),
    ("8.1 trailers with a line in a value", with_trailers(("x", CANARY))),
    ("8.1 trailers with connection", with_trailers(("connection", "close"))),
    ("8.5 CONNECT", headers(CONNECT)),
    ("8.5 CONNECT with a path", headers([*CONNECT, (":path", "/v")])),
    ("8.5 CONNECT with a scheme", headers([*CONNECT, (":scheme", "https")])),
    ("8441 4 a protocol of GET", with_fields((":protocol", "websocket"))),
    ("10.5.1 fields of 200,000 bytes", HALF + b"".join(
        frame(CONTINUATION, END_HEADERS * (number == 12), 1, block([(f"x{number}", "a" * 16_000)]))
        for number in range(13))),
]


@pytest.mark.parametrize("raw", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_malformed_requests(connection, origin, raw):
    check(connection, raw, malformed() | connection_error("ENHANCE_YOUR_CALM", "COMPRESSION_ERROR"))
    assert origin.seen(b"") == []


@rows([
    ("two frames", with_content("5", b"hello", b"x"), malformed()),
    ("none", with_content("0", b"hello"), malformed()),
])
def test_8_1_1_more_content_than_said_behind_what_was_whole(connection, raw, wanted):
    """It may have gone to the origin by then, and is answered as malformed all the same."""
    check(connection, raw, wanted)


def test_8_1_pseudo_fields_in_trailers_are_malformed_or_go_no_further(connection, origin):
    check(connection, with_trailers((":path", "/canary")), malformed() | served())
    assert origin.seen(b"canary") == []


def test_8_2_1_space_around_a_value_is_malformed_or_cut_off(connection, origin):
    check(connection, with_fields(("x", " y ")), malformed() | served())
    assert all(seen.all(b"x") == [b"y"] for seen in origin.requests)


def test_8_3_1_a_host_that_differs_is_malformed_or_not_believed(connection, origin):
    check(connection, with_fields(("host", "evil.example")), malformed() | served())
    assert all(seen.all(b"host") == [HOST.encode()] for seen in origin.requests)


@rows([
    ("8.3.1 host without authority", headers(request(authority=None, more=[("host", HOST)])), served()),
    ("8.3.1 host that says the same", with_fields(("host", HOST)), served()),
    ("8.3.1 OPTIONS *", headers(request("OPTIONS", path="*")), served() | malformed()),
    ("8.2.2 te trailers", with_fields(("te", "trailers")), served()),
    ("8.1 trailers", with_trailers(("x-checksum", "1")), served()),
    ("8.1.1 the right content-length", with_content("5", b"he", b"llo"), served()),
    ("8.1 no content-length", POST + data(b"he", flags=0) + data(b"llo"), served()),
    ("8.1 HEAD", headers(request("HEAD")), served()),
    ("8.1 an empty last DATA", POST + data(b"hello", flags=0) + data(b""), served()),
    ("5.1.2 two at a time", GET + headers(request(), 3), served(3)),
])
def test_requests_that_are_right(connection, raw, wanted):
    check(connection, raw, wanted)


def test_8_2_3_cookies_come_as_one_field(connection, origin):
    check(connection, with_fields(("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")), served())
    [seen] = origin.requests
    assert seen.all(b"cookie") == [b"a=1; b=2"]


def test_content_of_both_framings_arrives_whole(connection, origin):
    check(connection, with_content("5", b"he", b"llo") + headers(request("POST", "/w"), 3, END_HEADERS)
          + data(b"hel", 3, 0) + data(b"lo", 3), served(3))
    assert {seen.body for seen in origin.requests} == {b"hello"}


# === prefaces, settings, flow ===


@pytest.mark.parametrize("raw", [
    b"GET / HTTP/1.1\r\nHost: http2.example.com\r\n\r\n" * 2,
    PREFACE[:-4] + b"XX\r\n" + settings(),
    PREFACE + GET,
    PREFACE + frame(PING, 0, 0, b"12345678"),
], ids=["HTTP/1.1", "another preface", "HEADERS in place of SETTINGS", "PING in place of SETTINGS"])
def test_3_4_what_is_no_preface_ends_the_connection(connection, origin, raw):
    connection.send(raw)
    wanted = connection_error("PROTOCOL_ERROR")
    assert wanted.intersection(connection.happens(wanted))
    assert origin.seen(b"") == []


def test_3_3_prior_knowledge_without_tls_is_served_or_refused(proxy, origin):
    with Connection(proxy.connect()) as connection:
        connection.send(PREFACE + settings() + headers(request(scheme="http")))
        wanted = served() | {ENDED}
        assert wanted.intersection(connection.happens(wanted))


def test_6_5_3_settings_are_acknowledged(connection):
    connection.begin()
    connection.happens(ALIVE)
    assert [seen.payload for seen in connection.frames if seen.kind == SETTINGS and seen.flags & ACK] == [b""]


def test_6_7_an_acknowledged_ping_is_not_answered(connection):
    connection.begin()
    connection.send(frame(PING, ACK, 0, b"12345678"))
    connection.happens(ALIVE)
    assert b"12345678" not in [seen.payload for seen in connection.frames if seen.kind == PING]


def test_5_1_2_streams_beyond_the_limit_are_refused(connection):
    connection.begin()
    limit = connection.settings[MAX_CONCURRENT_STREAMS]
    assert 1 <= limit <= STREAMS_MAX
    beyond = 2 * limit + 1
    connection.send(b"".join(headers(request(path="/stall"), stream) for stream in range(1, beyond + 2, 2)))
    wanted = stream_error("REFUSED_STREAM", "PROTOCOL_ERROR", stream=beyond) | connection_error("ENHANCE_YOUR_CALM")
    assert wanted.intersection(connection.happens(wanted))


def body_frames(connection):
    return [len(seen.payload) for seen in connection.frames if seen.kind == DATA and seen.payload]


def test_6_9_2_a_window_of_one_byte_gets_one_byte(connection):
    connection.begin((INITIAL_WINDOW_SIZE, 1))
    connection.send(GET)
    connection.happens({"nothing"}, seconds=0.5)
    assert body_frames(connection) == [1]
    connection.send(window(100, 1))
    assert served().intersection(connection.happens(served()))
    assert connection.bodies[1] == b"served /v"


def test_6_9_2_a_setting_opens_the_windows_of_open_streams(connection):
    connection.begin((INITIAL_WINDOW_SIZE, 0))
    connection.send(GET)
    connection.happens({"nothing"}, seconds=0.5)
    assert body_frames(connection) == []
    connection.send(settings((INITIAL_WINDOW_SIZE, 100)))
    assert served().intersection(connection.happens(served()))


def test_6_9_2_a_window_may_be_negative(connection):
    connection.begin((INITIAL_WINDOW_SIZE, 3))
    connection.send(GET)
    connection.happens({"nothing"}, seconds=0.5)
    connection.send(settings((INITIAL_WINDOW_SIZE, 0)) + window(3, 1))
    connection.happens({"nothing"}, seconds=0.5)
    assert sum(body_frames(connection)) == 3
    connection.send(window(100, 1))
    assert served().intersection(connection.happens(served()))


def test_6_9_1_more_than_the_windows_allow_is_an_error(connection):
    """The origin reads nothing, so windows stay shut once all that the proxy keeps is full."""
    connection.begin()
    connection.send(OPEN_STALLED)
    piece = data(b"x" * FRAME_BYTES_MAX, flags=0)
    connection.sock.settimeout(1)
    for _ in range(4_000):
        try:
            connection.sock.sendall(piece)
        except OSError:
            break
    wanted = stream_error("FLOW_CONTROL_ERROR") | {"answer 1 413"}
    assert wanted.intersection(connection.happens(wanted))


def test_content_is_taken_as_fast_as_windows_open(connection, origin):
    connection.begin()
    connection.send(POST)
    sent, size = 0, 1_000_000
    room = connection.settings.get(INITIAL_WINDOW_SIZE, 65_535)
    while sent < size:
        open_now = min(connection.windows[0], room + connection.windows.get(1, 0)) - sent
        part = min(FRAME_BYTES_MAX, size - sent, open_now)
        if part:
            sent += part
            connection.send(data(b"x" * part, flags=END_STREAM * (sent == size)))
        else:
            assert connection.happens({"nothing"}, seconds=0.05) == []
    assert served().intersection(connection.happens(served()))
    assert [len(seen.body) for seen in origin.requests] == [size]
