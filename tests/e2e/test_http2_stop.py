"""SIGTERM with clients of HTTP/2: each is told, and what was asked for before is answered to its end."""

import signal
import time

import pytest

from h2_frames import ACK, GOAWAY, INITIAL_WINDOW_SIZE, PING, WINDOW_MAX, Connection, frame, headers, window
from node import until
from proxy import Proxy
from scripted_origin import ScriptedOrigin
from strict_origin import read_body

HOST = "stop.example.com"
BODY_BYTES = 200_000
# Far more than the buffers of both sockets hold, as many as one connection may have.
RESPONSES = 90
# The proxy has taken every response from its origin by then, and the client has read nothing.
TAKEN_SECONDS = 1
# Less than the proxy may take to finish requests.
STOP_SECONDS = 4


class BigOrigin(ScriptedOrigin):
    def __init__(self):
        super().__init__({"/big": self.big})

    def big(self, wire, request):
        read_body(wire, request)
        wire.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BODY_BYTES + b"z" * BODY_BYTES)
        return True


@pytest.fixture
def proxy(tmp_path):
    proxy = Proxy(tmp_path).start()
    yield proxy
    if proxy.node.process.poll() is None:
        proxy.stop()


@pytest.fixture
def client(proxy):
    origin = BigOrigin().start()
    proxy.wait(proxy.balancer("stop", [proxy.pool("stop", [origin])]))
    with Connection(proxy.connect_tls(HOST, "h2")) as client:
        client.begin((INITIAL_WINDOW_SIZE, WINDOW_MAX))
        client.send(window(WINDOW_MAX - 65_535))
        assert "alive" in client.happens({"alive"})
        yield client
    origin.kill()


def get(stream, path):
    return headers([(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", HOST)], stream)


def read_to_the_end(client):
    """Answers pings, as every client does: that is how the proxy knows that it was heard."""
    deadline = time.monotonic() + STOP_SECONDS
    while received := client.read(deadline):
        if received.kind == PING and not received.flags & ACK:
            client.send(frame(PING, ACK, 0, received.payload))
    assert client.ended
    client.sock.close()


def test_responses_under_way_are_whole_and_their_client_is_told(proxy, client):
    for number in range(RESPONSES):
        client.send(get(2 * number + 1, "/big"))
    time.sleep(TAKEN_SECONDS)
    proxy.node.process.send_signal(signal.SIGTERM)
    time.sleep(TAKEN_SECONDS)
    read_to_the_end(client)
    assert any(received.kind == GOAWAY for received in client.frames)
    assert [len(body) for body in client.bodies.values()] == [BODY_BYTES] * RESPONSES
    assert proxy.node.process.wait(STOP_SECONDS) == 0


def test_a_client_that_asks_for_nothing_is_told_and_keeps_nobody_waiting(proxy, client):
    proxy.node.process.send_signal(signal.SIGTERM)
    assert "goaway NO_ERROR" in client.happens({"goaway NO_ERROR"})
    assert until(lambda: proxy.node.process.poll() == 0, STOP_SECONDS), proxy.log()
