"""The access log: a line of JSON for each request, also after the file was moved away."""

import json
import threading
import urllib.request

import pytest
from node import until
from origin import Origin
from proxy import Proxy
from scripted_origin import ScriptedOrigin
from strict_origin import read_body

HOST = "log.example.com"
WRITTEN_SECONDS = 5


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access-log")
    proxy = Proxy(folder, f'access_log = "{folder}/access.log"\n').start()
    origin = Origin("o", "127.0.0.2").start()
    assert proxy.wait(proxy.balancer("log", [proxy.pool("p", [origin])])) == HOST
    yield proxy, folder / "access.log"
    origin.kill()
    proxy.stop()


def ask(proxy, path, method="GET"):
    url = f"http://127.0.0.1:{proxy.http_port}{path}"
    request = urllib.request.Request(url, method=method, headers={"Host": HOST, "User-Agent": 'a"b'})
    with urllib.request.urlopen(request) as answer:
        return answer.headers["cf-ray"], len(answer.read())


def line_of(log, ray):
    def find():
        lines = map(json.loads, log.read_text().splitlines()) if log.exists() else []
        return next((line for line in lines if line["ray"] == ray), None)

    return until(find, WRITTEN_SECONDS)


def test_a_request_is_a_line(logged):
    proxy, log = logged
    ray, length = ask(proxy, '/a?b=%22c')
    line = line_of(log, ray)
    assert {name: line[name] for name in ("client", "method", "scheme", "host", "target", "version", "status", "bytes")} == {
        "client": "127.0.0.1", "method": "GET", "scheme": "http", "host": HOST, "target": '/a?b=%22c',
        "version": "HTTP/1.1", "status": 200, "bytes": length}
    assert line["pool"] == "p" and line["reason"] == "steered" and line["duration_ms"] > 0
    assert line["time"].endswith("Z")


def request(proxy, host, method="GET"):
    """The ray of one request, and what came behind the head of its response."""
    with proxy.connect() as tcp:
        tcp.sendall(f"{method} / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = tcp.makefile("rb").read().partition(b"\r\n\r\n")
    return ray_of(head), body


def ray_of(head):
    [ray] = [line[8:].decode() for line in head.split(b"\r\n") if line.startswith(b"cf-ray: ")]
    return ray


def test_a_request_that_an_endpoint_fails_is_a_line_with_its_name(logged):
    proxy, log = logged
    dead = {"name": "dead", "address": "127.0.0.3", "port": proxy.http_port}
    host = proxy.wait(proxy.balancer("fails", [proxy.pool("fails", [dead])]), status=521)
    ray, body = request(proxy, host)
    line = line_of(log, ray)
    assert [line[name] for name in ("status", "pool", "origin", "bytes")] == [521, "fails", "dead", len(body)]
    ray, body = request(proxy, host, "HEAD")
    assert (line_of(log, ray)["bytes"], body) == (0, b"")


def test_a_request_for_a_host_of_nobody_is_a_line(logged):
    proxy, log = logged
    ray, body = request(proxy, "nobody.example.com")
    line = line_of(log, ray)
    assert [line[name] for name in ("status", "host", "bytes")] == [421, "nobody.example.com", len(body)]
    assert "pool" not in line and "cut" not in line


def test_a_response_that_was_cut_says_so(logged):
    proxy, log = logged
    was_read = threading.Event()

    def cut(wire, asked):
        read_body(wire, asked)
        wire.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour")
        was_read.wait(WRITTEN_SECONDS)
        return False

    origin = ScriptedOrigin({"/cut": cut}).start()
    host = proxy.wait(proxy.balancer("cut", [proxy.pool("cut", [origin])]))
    with proxy.connect() as tcp:
        tcp.sendall(f"GET /cut HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = tcp.makefile("rb")
        head = b"".join(iter(answer.readline, b"\r\n"))
        assert answer.read(4) == b"four"
        was_read.set()
        assert answer.read() == b""
    line = line_of(log, ray_of(head))
    assert [line[name] for name in ("status", "bytes", "cut")] == [200, 4, True]
    origin.kill()


def test_a_file_that_was_moved_is_opened_anew(logged):
    proxy, log = logged
    ray, _ = ask(proxy, "/before")
    assert line_of(log, ray)
    log.rename(log.with_suffix(".1"))

    def lands():
        """What was written before anybody looked is in the file that was moved."""
        ask(proxy, "/after")
        lines = map(json.loads, log.read_text().splitlines()) if log.exists() else []
        return [line for line in lines if line["target"] == "/after"]

    assert until(lands, WRITTEN_SECONDS)
