"""A node that is short of memory turns requests away, answers DNS, and serves again once it has memory."""

import os
import socket

import pytest

from clients import plain
from dig import dig
from node import until
from proxy import Proxy
from scripted_origin import ScriptedOrigin
from strict_origin import read_body

# What a node may take beyond what it has when it starts: connections below take several times as much.
ROOM_BYTES = 24 * 2**20
# A node is overloaded from nine tenths of its limit on.
ENTER = 0.9
# Clients that ask for much and read nothing: the proxy holds up to half a megabyte for each.
SLOW_CLIENTS = 300
BODY = bytes(4 * 2**20)
# Memory is looked at four times a second, and goes back to the system within seconds.
FILLED_SECONDS, FREED_SECONDS = 20, 40


def large(wire, request):
    read_body(wire, request)
    wire.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(BODY))
    wire.connection.sendall(BODY)
    return True


@pytest.fixture(scope="module")
def origin():
    origin = ScriptedOrigin({"/large": large}).start()
    yield origin
    origin.kill()


@pytest.fixture(scope="module")
def overloaded(tmp_path_factory, origin):
    """A node with little room beyond what it needs for itself, and the name that it serves."""
    proxy = Proxy(tmp_path_factory.mktemp("overload")).start()
    host = proxy.wait(proxy.balancer("large", [proxy.pool("large", [origin])]))
    limit = int((resident(proxy) + ROOM_BYTES) / ENTER)
    proxy.stop()
    config = proxy.node.config
    config.write_text(config.read_text().replace("[proxy]", f"[proxy]\nmax_memory = {limit}"))
    proxy.node.start()
    yield proxy, proxy.wait(host)
    proxy.stop()


def resident(proxy):
    pages = int(open(f"/proc/{proxy.node.process.pid}/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def overload(proxy):
    metrics = proxy.node.request("GET", f"{proxy.node.root_url}/metrics").text
    [line] = [line for line in metrics.splitlines() if line.startswith("trimtab_proxy_overloaded")]
    return float(line.split()[1])


def slow_client(proxy, host):
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    tcp.connect(("127.0.0.1", proxy.http_port))
    tcp.sendall(f"GET /large HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return tcp


def test_a_node_that_is_short_of_memory_sheds_and_recovers(overloaded):
    proxy, host = overloaded
    assert overload(proxy) == 0
    with plain(proxy, host) as kept, plain(proxy, host) as idle:
        assert (kept.ask().status, idle.ask().status) == (200, 200)
        slow = [slow_client(proxy, host) for _ in range(SLOW_CLIENTS)]
        try:
            assert until(lambda: overload(proxy) == 1, FILLED_SECONDS), resident(proxy)
            answer = kept.ask()
            assert (answer.status, answer.fields.one("retry-after")) == (503, "1")
            assert answer.fields.one("connection") == "close" and kept.at_end()
            with plain(proxy, host) as refused:
                answer = refused.read()
            assert (answer.status, answer.fields.one("retry-after")) == (503, "1")
            assert dig(proxy.node, host).addresses == ["127.0.0.1"]
            assert "requests are turned away" in proxy.log()
        finally:
            for tcp in slow:
                tcp.close()
        assert until(lambda: overload(proxy) == 0, FREED_SECONDS), resident(proxy)
        assert idle.ask().status == 200
    assert proxy.status(host) == 200
    assert "requests are served again" in proxy.log()
