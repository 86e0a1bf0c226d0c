"""The tools that operators reach for, against the proxy: curl, wrk, nghttp, h2load."""

import re
import subprocess

import pytest
from origin import Origin

HOST = "tools.example.com"
# The origin takes a connection for each.
REQUESTS = 500


@pytest.fixture(scope="module")
def at(proxy):
    """The authorities of the plain and the secure listener."""
    origin = Origin("o", "127.0.0.2").start()
    assert proxy.wait(proxy.balancer("tools", [proxy.pool("tools", [origin])])) == HOST
    yield f"127.0.0.1:{proxy.http_port}", f"127.0.0.1:{proxy.https_port}"
    origin.kill()


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout + done.stderr


@pytest.mark.parametrize("options, version", [
    (["--http1.0"], "1.1"), (["--http1.1"], "1.1"), (["--http2"], "1.1"), (["--http2-prior-knowledge"], "2")])
def test_curl_plain(at, options, version):
    write = ["--silent", "--write-out", " %{http_version} %{http_code}", "--header", f"host: {HOST}"]
    assert run("curl", *write, *options, f"http://{at[0]}/") == f"hello from o {version} 200"


@pytest.mark.parametrize("options, version", [(["--http1.1"], "1.1"), (["--http2"], "2"), (["--tls-max", "1.2"], "2")])
def test_curl_with_tls_and_a_verified_certificate(proxy, at, options, version):
    port = proxy.https_port
    write = ["--silent", "--write-out", " %{http_version} %{http_code} %{ssl_verify_result}"]
    to = ["--cacert", str(proxy.certificate), "--resolve", f"{HOST}:{port}:127.0.0.1", f"https://{HOST}:{port}/"]
    assert run("curl", *write, *options, *to) == f"hello from o {version} 200 0"


def test_wrk_keeps_its_connections(at):
    told = run("wrk", "-t1", "-c4", "-d1s", "-H", f"Host: {HOST}", f"http://{at[0]}/")
    assert int(re.search(r"(\d+) requests in", told)[1]) > 100
    assert "Socket errors" not in told and "Non-2xx" not in told, told


def test_nghttp_reads_one_answer_of_each_kind(at):
    for url in (f"http://{at[0]}/", f"https://{at[1]}/"):
        told = run("nghttp", "--no-verify-peer", "--header", f":authority: {HOST}", url)
        assert "hello from o" in told, told


@pytest.mark.parametrize("scheme, more", [("http", ["-m2"]), ("https", ["-m2"]), ("https", ["--h1"])])
def test_h2load_loses_nothing(at, scheme, more):
    authority = at[scheme == "https"]
    url = f"{scheme}://{HOST}:{authority.rpartition(':')[2]}/"
    told = run("h2load", f"-n{REQUESTS}", "-c2", f"--connect-to={authority}", *more, url)
    assert f"{REQUESTS} succeeded, 0 failed, 0 errored" in told and f"{REQUESTS} 2xx" in told, told
