"""WebSocket over a stream of HTTP/2, RFC 8441, to an origin that speaks HTTP/1.1."""

import pytest
from h2_frames import END_HEADERS, HEADERS, Connection, data, headers
from test_websocket import HOST, EchoOrigin

# RFC 8441 section 3.
ENABLE_CONNECT_PROTOCOL = 8
CONNECT = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/echo"),
           (":authority", HOST), ("sec-websocket-version", "13")]
MASK = bytes(4)  # 5.3 of RFC 6455: of zeros, which leaves the message as it is


def text(message):
    """A masked frame of text, RFC 6455 section 5.2."""
    return bytes([0x81, 0x80 | len(message)]) + MASK + message


@pytest.fixture(scope="module")
def origin(proxy):
    origin = EchoOrigin().start()
    assert proxy.wait(proxy.balancer("ws", [proxy.pool("ws2", [origin])])) == HOST
    yield origin
    origin.kill()


def until_body(connection, wanted):
    connection.happens({"alive"})
    for _ in range(100):
        if connection.bodies.get(1, b"") == wanted:
            break
        connection.happens({"alive"}, 0.1)
    return connection.bodies.get(1, b"")


def test_5_a_stream_becomes_a_websocket(proxy, origin):
    with Connection(proxy.connect_tls(HOST, "h2")) as connection:
        connection.begin()
        assert connection.settings[ENABLE_CONNECT_PROTOCOL] == 1
        connection.send(headers(CONNECT, 1, END_HEADERS))
        connection.send(data(text(b"hello"), flags=0))
        assert until_body(connection, b"\x81\x05hello") == b"\x81\x05hello"
        assert connection.statuses[1] == "200"
        assert [seen.stream for seen in connection.frames if seen.kind == HEADERS] == [1]
        # The close of RFC 6455 section 5.5.1, echoed, and the stream ends with the origin's connection.
        connection.send(data(bytes([0x88, 0x82]) + MASK + b"\x03\xe8", flags=0))
        assert connection.happens({"answer 1 200"})[-1] == "answer 1 200"
        assert connection.bodies[1].endswith(b"\x88\x02\x03\xe8")


@pytest.mark.parametrize("protocol", ["other", "connect-udp"])
def test_4_other_protocols_are_refused(proxy, origin, protocol):
    fields = [(name, protocol if name == ":protocol" else value) for name, value in CONNECT]
    with Connection(proxy.connect_tls(HOST, "h2")) as connection:
        connection.begin()
        connection.send(headers(fields, 1, END_HEADERS))
        assert connection.happens({"answer 1 405"})[-1] == "answer 1 405"
