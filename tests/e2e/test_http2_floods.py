"""Clients of HTTP/2 that cost more than they pay: they lose their connection, and nobody else notices."""

import struct
import threading
import time

import pytest

from h2_frames import (
    CODES, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENDED, HEADERS, INITIAL_WINDOW_SIZE, PING, PRIORITY, SETTINGS,
    Connection, block, connection_error, frame, headers, reset, settings, window,
)
from node import until
from strict_origin import StrictOrigin

HOST = "floods.example.com"
# From the first frame to the end of the connection.
ENDS_SECONDS = 10
# What the proxy says it lets be open.
STREAMS_MAX = 100
# By then every request that a connection may have open has reached the origin.
TAKES_NOTHING_SECONDS = 3
# Of frames that a proxy may go on taking.
CHEAP_SECONDS = 2
# Any other client, all along.
SERVED_SECONDS = 2
# 5.4.1: GOAWAY of any error, or the end without it.
ENDS = connection_error(*CODES[1:])
RESETS = 10_000
# Those that were under way when the proxy had seen enough.
RESETS_AT_ORIGIN_MAX = RESETS * 2 // 100
PIECE_FRAMES = 100


def fields(path="/v", method="GET"):
    return [(":method", method), (":scheme", "https"), (":path", path), (":authority", HOST)]


@pytest.fixture(scope="module")
def origin(proxy):
    origin = StrictOrigin().start()
    assert proxy.wait(proxy.balancer("floods", [proxy.pool("floods", [origin])])) == HOST
    yield origin
    origin.kill()


class GoodClient:
    """Asks again and again on connections of its own, and remembers the worst."""

    def __init__(self, proxy):
        self.proxy, self.done, self.seconds, self.statuses = proxy, threading.Event(), [], set()
        self.thread = threading.Thread(target=self._ask_on)

    def _ask_on(self):
        while not self.done.wait(0.05):
            begin = time.monotonic()
            self.statuses.add(self.proxy.status(HOST))
            self.seconds.append(time.monotonic() - begin)

    def __enter__(self):
        self.thread.start()
        assert until(lambda: self.seconds, SERVED_SECONDS)
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def flood(proxy, pieces):
    """The connection ends while the pieces are sent or soon after, and a good client is served throughout."""
    with GoodClient(proxy) as good, Connection(proxy.connect_tls(HOST, "h2")) as connection:
        connection.begin()
        deadline = time.monotonic() + ENDS_SECONDS
        send_until_refused(connection, pieces, deadline)
        events = connection.happens(ENDS, max(0.1, deadline - time.monotonic()))
    assert ENDS.intersection(events), f"the connection did not end in {ENDS_SECONDS} s"
    assert good.statuses == {200}
    assert max(good.seconds) < SERVED_SECONDS
    assert proxy.running(), proxy.log()


def send_until_refused(connection, pieces, deadline):
    for piece in pieces:
        if time.monotonic() > deadline:
            return
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            connection.sock.sendall(piece)
        except OSError:
            return


def repeated(one, count):
    return (one * PIECE_FRAMES for _ in range(count // PIECE_FRAMES))


def test_rapid_reset(proxy, origin):
    """CVE-2023-44487: requests that are taken back at once count against no limit of open streams."""
    def pair(number):
        return headers(fields(f"/rapid/{number}"), 2 * number + 1) + reset(2 * number + 1)

    origin.clear()
    flood(proxy, (b"".join(map(pair, range(at, at + PIECE_FRAMES))) for at in range(0, RESETS, PIECE_FRAMES)))
    assert len(origin.seen(b"/rapid")) + len(origin.cut_short) <= RESETS_AT_ORIGIN_MAX


def test_resets_that_the_proxy_is_made_to_send(proxy, origin):
    """CVE-2025-8671: requests that are followed by an error of their stream."""
    def pair(number):
        stream = 2 * number + 1
        return headers(fields(f"/made/{number}"), stream, END_HEADERS) + window(0, stream)

    origin.clear()
    flood(proxy, (b"".join(map(pair, range(at, at + PIECE_FRAMES))) for at in range(0, RESETS, PIECE_FRAMES)))
    assert len(origin.seen(b"/made")) + len(origin.cut_short) <= RESETS_AT_ORIGIN_MAX


CONTINUED = frame(HEADERS, END_STREAM, 1, block(fields()))
OPEN = headers(fields(method="POST"), 1, END_HEADERS)


@pytest.mark.parametrize("pieces", [
    [CONTINUED, *repeated(frame(CONTINUATION, 0, 1, block([("x", "a" * 1_000)])), 10_000)],
    [CONTINUED, *repeated(frame(CONTINUATION, 0, 1), 200_000)],
    [*repeated(frame(SETTINGS, payload=struct.pack(">HI", INITIAL_WINDOW_SIZE, 65_535)), 1_000_000)],
    [*repeated(frame(PING, 0, 0, b"12345678"), 1_000_000)],
    [OPEN, *repeated(frame(DATA, 0, 1), 1_000_000)],
], ids=["CONTINUATION", "empty CONTINUATION", "SETTINGS", "PING", "empty DATA"])
def test_flood(proxy, origin, pieces):
    """Nothing of what the proxy says is read: CVE-2019-9512, 9515, 9518, CVE-2024-27316."""
    flood(proxy, pieces)


def test_requests_whose_answers_nobody_takes(proxy, origin):
    """CVE-2019-9517: windows stay shut, so that every answer waits in the proxy. No more wait than one connection may have
    streams, and others are served. A client that pauses a film does the same, so that the connection lives for a while."""
    origin.clear()
    with GoodClient(proxy), Connection(proxy.connect_tls(HOST, "h2")) as connection:
        connection.begin((INITIAL_WINDOW_SIZE, 0))
        connection.send(b"".join(headers(fields(), stream) for stream in range(1, 1_000, 2)))
        connection.happens({ENDED}, TAKES_NOTHING_SECONDS)
    assert len(origin.seen(b"/v")) <= STREAMS_MAX


@pytest.mark.parametrize("one", [frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 1)), window(1), frame(0x16)],
                         ids=["PRIORITY", "WINDOW_UPDATE", "a frame of no type"])
def test_frames_that_need_no_answer_keep_nobody_waiting(proxy, origin, one):
    with GoodClient(proxy) as good, Connection(proxy.connect_tls(HOST, "h2")) as connection:
        connection.begin()
        send_until_refused(connection, repeated(one, 1_000_000), time.monotonic() + CHEAP_SECONDS)
    assert (good.statuses, max(good.seconds) < SERVED_SECONDS) == ({200}, True)


def test_settings_that_are_read_cost_little(proxy, origin):
    """A client that reads its acknowledgements may change its settings now and then."""
    with GoodClient(proxy) as good, Connection(proxy.connect_tls(HOST, "h2")) as connection:
        connection.begin()
        for _ in range(50):
            connection.send(settings((INITIAL_WINDOW_SIZE, 65_535)))
            assert "alive" in connection.happens({"alive"})
    assert good.statuses == {200}
