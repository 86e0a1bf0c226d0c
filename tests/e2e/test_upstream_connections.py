"""Connections to origins: how long they serve, and how many requests of HTTP/2 each one carries."""

import concurrent.futures
import threading
import time

import h2.config
import h2.connection
import h2.events
import pytest

from clients import plain
from node import until
from scripted_origin import ScriptedOrigin
from strict_origin import shut

MAX_AGE_SECONDS = 1
# A request each tenth of a second for this long meets several lives.
WATCHED_SECONDS = 4
# Idle connections are looked at every five seconds.
SWEPT_SECONDS = 8
STREAMS_MAX, REQUESTS = 2, 50
# What the proxy opens to one endpoint, from each of its threads.
CONNECTIONS_MAX = 8
ANSWERED_AFTER = 0.05
RECEIVE_BYTES = 65_536


class CountingOrigin(ScriptedOrigin):
    """Knows how many connections it was ever made, and how many are left."""

    def __init__(self):
        super().__init__()
        self.made = 0

    def _serve(self, connection):
        with self.lock:
            self.made += 1
        super()._serve(connection)


class SlowHttp2Origin(CountingOrigin):
    """Allows few streams at a time, answers each a moment later, and refuses what is one too many."""

    def __init__(self, streams_max):
        super().__init__()
        self.streams_max, self.refused, self.most, self.goodbyes = streams_max, 0, 0, 0

    def _serve(self, connection):
        with self.lock:
            self.made += 1
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        state.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.streams_max})
        state.initiate_connection()
        one = OneConnection(self, connection, state)
        try:
            connection.sendall(state.data_to_send())
            while received := connection.recv(RECEIVE_BYTES):
                with one.lock:
                    for event in state.receive_data(received):
                        one.take(event)
                    connection.sendall(state.data_to_send())
        except OSError:
            pass  # the proxy's end, or our own
        finally:
            connection.close()
            with self.lock:
                self.connections.discard(connection)


class OneConnection:
    def __init__(self, origin, connection, state):
        self.origin, self.connection, self.state, self.open = origin, connection, state, 0
        self.lock = threading.Lock()

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.open += 1
            with self.origin.lock:
                self.origin.most = max(self.origin.most, self.open)
                self.origin.refused += self.open > self.origin.streams_max
            threading.Timer(ANSWERED_AFTER, self.answer, (event.stream_id,)).start()
        elif isinstance(event, h2.events.ConnectionTerminated):
            with self.origin.lock:
                self.origin.goodbyes += not self.open

    def answer(self, stream):
        with self.lock:
            self.state.send_headers(stream, [(":status", "200"), ("content-length", "0")], end_stream=True)
            self.open -= 1
            self.connection.sendall(self.state.data_to_send())


def host_of(proxy, label, origin, **upstream):
    pool = proxy.pool(label, [origin], trimtab={"upstream": {"tls": "off", **upstream}})
    return proxy.wait(proxy.balancer(label, [pool]))


@pytest.fixture
def started():
    """Starts origins that end with the test."""
    origins = []

    def start(origin):
        origins.append(origin.start())
        return origin

    yield start
    for origin in origins:
        shut(origin.listener)
        origin.kill()


@pytest.mark.parametrize("http2", [False, True])
def test_a_connection_serves_as_long_as_its_pool_says(proxy, started, http2):
    origin = started(SlowHttp2Origin(100) if http2 else CountingOrigin())
    host = host_of(proxy, f"age-{http2}".lower(), origin, http2=http2, max_age=MAX_AGE_SECONDS)
    before, end = origin.made, time.monotonic() + WATCHED_SECONDS
    with plain(proxy, host) as client:
        while time.monotonic() < end:
            assert client.ask().status == 200
            time.sleep(0.1)
    lives = origin.made - before
    assert WATCHED_SECONDS / MAX_AGE_SECONDS - 2 <= lives <= WATCHED_SECONDS / MAX_AGE_SECONDS + 2
    assert until(lambda: not origin.connections, SWEPT_SECONDS), "an old connection that is idle is kept"
    if http2:
        assert origin.goodbyes == origin.made, "a connection ended without GOAWAY, or with a stream on it"


def test_an_origin_is_sent_no_more_streams_than_it_allows(proxy, started):
    origin = started(SlowHttp2Origin(STREAMS_MAX))
    host = host_of(proxy, "streams", origin, http2=True, connect_timeout=10_000)
    ready = threading.Barrier(REQUESTS)

    def ask():
        with plain(proxy, host) as client:
            ready.wait()
            return client.ask().status

    with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
        asked = [pool.submit(ask) for _ in range(REQUESTS)]
        assert [one.result() for one in asked] == [200] * REQUESTS
    assert (origin.refused, origin.most) == (0, STREAMS_MAX)
    assert origin.made == CONNECTIONS_MAX


def test_requests_share_a_connection_as_far_as_its_origin_lets_them(proxy, started):
    origin = started(SlowHttp2Origin(100))
    host = host_of(proxy, "shared", origin, http2=True)
    with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
        asked = [pool.submit(proxy.status, host) for _ in range(REQUESTS)]
        assert [one.result() for one in asked] == [200] * REQUESTS
    assert (origin.refused, origin.made) == (0, 1)


def test_a_limit_of_the_pool_is_one_of_connections_of_http2(proxy, started):
    origin = started(SlowHttp2Origin(1))
    host = host_of(proxy, "limited", origin, http2=True, max_connections=3, connect_timeout=10_000)
    with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
        asked = [pool.submit(proxy.status, host) for _ in range(REQUESTS)]
        assert [one.result() for one in asked] == [200] * REQUESTS
    assert (origin.refused, origin.most) == (0, 1)
    assert origin.made <= 3
