"""The access log: a line of JSON for each request, also after the file was moved away."""

import json
import urllib.request

import pytest
from node import until
from origin import Origin
from proxy import Proxy

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
