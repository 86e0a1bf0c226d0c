"""A client that leaves in the middle of a response: its origin hears of it at once, whatever both sides speak."""

import threading

import h2.events
import pytest

from clients import Http2, multiplexed, plain, secure
from node import until
from scripted_origin import Http2Origin, ScriptedOrigin
from strict_origin import read_body

# Far less than the minute that a response may pause.
HEARD_SECONDS = 5
PART = b"the first part"
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(PART), PART)


class PausingOrigin(ScriptedOrigin):
    """Sends a part of its response, and then nothing until it is left."""

    def __init__(self):
        super().__init__({"/pause": self.pause})
        self.left = threading.Event()

    def pause(self, wire, request):
        read_body(wire, request)
        wire.connection.sendall(HEAD)
        if not wire.connection.recv(1):
            self.left.set()
        return False


class PausingHttp2Origin(Http2Origin):
    def __init__(self):
        super().__init__({"/pause": self.pause})
        self.left, self.paused = threading.Event(), set()

    def pause(self, state, stream, _fields):
        self.paused.add(stream)
        state.send_headers(stream, [(":status", "200")])
        state.send_data(stream, PART)

    def _take_event(self, state, event):
        if isinstance(event, h2.events.StreamReset):
            self.left.set()
        elif not (isinstance(event, h2.events.StreamEnded) and event.stream_id in self.paused):
            super()._take_event(state, event)


@pytest.fixture(scope="module", params=[PausingOrigin, PausingHttp2Origin])
def origin(request):
    origin = request.param().start()
    yield origin
    origin.kill()


@pytest.fixture(scope="module")
def host(proxy, origin):
    speaks_http2 = isinstance(origin, Http2Origin)
    label = "leave-2" if speaks_http2 else "leave-1"
    pool = proxy.pool(label, [origin], trimtab={"upstream": {"tls": "off", "http2": speaks_http2}})
    return proxy.wait(proxy.balancer(label, [pool]))


def first_part(client):
    """Until the first bytes of the body are there."""
    if isinstance(client, Http2):
        client.begin(path="/pause", ends=True)
        while not isinstance(client.next_event(), h2.events.DataReceived):
            pass
    else:
        client.begin(path="/pause")
        assert client.read_head()[0] == 200
        while PART not in client.buffer:
            assert client.more()


@pytest.mark.parametrize("way", [plain, secure, multiplexed])
def test_an_origin_is_let_go_as_soon_as_its_client_leaves(proxy, origin, host, way):
    origin.left.clear()
    with way(proxy, host) as client:
        first_part(client)
        assert not origin.left.is_set()
    assert origin.left.wait(HEARD_SECONDS), "the origin still waits for a client that is gone"
    assert until(lambda: proxy.status(host) == 200, HEARD_SECONDS)


def test_a_stream_that_is_reset_lets_its_origin_go(proxy, origin, host):
    origin.left.clear()
    with multiplexed(proxy, host) as client:
        first_part(client)
        client.state.reset_stream(client.stream, 8)
        client.flush()
        assert origin.left.wait(HEARD_SECONDS)
        assert client.ask(path="/").status == 200


def test_a_client_that_sends_its_next_request_early_is_there(proxy, origin, host):
    if isinstance(origin, Http2Origin):
        pytest.skip("nothing of it depends on the origin")
    origin.left.clear()
    with plain(proxy, host) as client:
        first_part(client)
        client.begin(path="/second")
        assert not origin.left.wait(1)
