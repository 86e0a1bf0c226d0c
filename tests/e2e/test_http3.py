"""HTTP/3 with clients, RFC 9114: requests of every shape, what is refused, and how clients hear of it at all."""

import http.server
import json
import shutil
import subprocess
import threading
import time

import pytest

from node import BINARY, Node, free_port, until
from proxy import Proxy, make_certificate
from strict_origin import StrictOrigin

MIB = 2**20
STREAMS = 50
FIELD_BYTES = 8_000
# Together one header section that is called too large by its size, and one whose frame nobody keeps.
TOO_LARGE_FIELDS, FAR_TOO_LARGE_FIELDS = 10, 60
HANDSHAKES_BEGUN = 150
MESSAGE_ERRORS = {b"400"}
LEFT_SECONDS = 5


def built_without(folder):
    """What the program says to the key, None when it takes it."""
    config = folder / "server.toml"
    config.write_text('data_dir = "data"\n[proxy]\nhttp3 = true\n')
    checked = subprocess.run([BINARY, "check", config], capture_output=True, text=True)
    said = checked.stdout + checked.stderr
    return None if checked.returncode == 0 else said


@pytest.fixture(scope="module")
def h3(tmp_path_factory):
    """A node that offers HTTP/3 beside its https address."""
    said = built_without(tmp_path_factory.mktemp("asked"))
    if said is not None:
        assert "built without HTTP/3" in said and "server.toml:3:1" in said, said
        pytest.skip("the program was built without the cargo feature http3")
    pytest.importorskip("aioquic", reason="aioquic is not installed")
    settings = 'http3 = true\naccess_log = "access.log"'
    proxy = Proxy(tmp_path_factory.mktemp("http3"), settings).start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def origin(h3):
    origin = StrictOrigin().start()
    h3.wait(h3.balancer("http3", [h3.pool("http3", [origin])]))
    yield origin
    assert origin.ambiguous == []
    origin.kill()


@pytest.fixture
def client(h3, origin):
    origin.clear()
    with connect(h3) as client:
        yield client


def connect(h3, host="http3.example.com", **more):
    from h3_client import Client

    return Client(h3.https_port, host, h3.certificate, **more)


class Echo:
    """Sends bodies back in chunks, interim responses and trailers; `/slow` waits to be let go."""

    def __init__(self):
        self.address, self.port, self.gone = "127.0.0.1", free_port(), threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler):
                if handler.path == "/slow":
                    handler.connection.recv(1)  # until the proxy hangs up
                    self.gone.set()
                    handler.close_connection = True
                elif handler.path == "/early":
                    handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
                    handler.answer(b"late")
                elif handler.path == "/cut":
                    handler.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
                    handler.close_connection = True
                else:
                    handler.answer(b"x" * int(handler.path[1:] or 0))

            def do_POST(handler):
                length = handler.headers["content-length"]
                handler.answer(handler.rfile.read(int(length)) if length else handler.chunks())

            def chunks(handler):
                body = b""
                while size := int(handler.rfile.readline(), 16):
                    body += handler.rfile.read(size + 2)[:-2]
                handler.trailers = []
                while (line := handler.rfile.readline()) != b"\r\n":
                    handler.trailers.append(line)
                return body + b"".join(handler.trailers)

            def answer(handler, body):
                handler.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                if body:
                    handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
                handler.wfile.write(b"0\r\nx-behind: yes\r\n\r\n")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((self.address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture(scope="module")
def echo(h3):
    echo = Echo()
    h3.wait(h3.balancer("echo", [h3.pool("echo", [echo])]))
    yield echo
    echo.server.shutdown()
    echo.server.server_close()


@pytest.fixture
def talk(h3, echo):
    with connect(h3, "echo.example.com") as client:
        yield client


# === requests ===

def test_get(client, origin):
    response = client.request(path="/v?x=1")
    assert (response.status, response.body) == (b"200", b"served /v?x=1")
    [request] = origin.seen(b"/v")
    assert request.all(b"host") == [b"http3.example.com"]
    assert request.all(b"x-forwarded-proto") == [b"https"]
    assert request.all(b"transfer-encoding") == [], "GET has no body"


def test_head_has_a_length_and_no_body(client):
    # The client's library compares lengths without a look at the method.
    client.http._check_content_length = lambda stream: None
    response = client.request("HEAD", "/h")
    assert (response.status, response.fields[b"content-length"], response.body) == (b"200", b"9", b"")


@pytest.mark.parametrize("more", [[], [("content-length", "5")]])
def test_post(client, origin, more):
    response = client.request("POST", "/p", more, b"hello")
    assert (response.status, origin.seen(b"/p")[0].body) == (b"200", b"hello")


def test_cookies_become_one_field(client, origin):
    assert client.request(path="/c", more=[("cookie", "a=1"), ("cookie", "b=2")]).status == b"200"
    assert origin.seen(b"/c")[0].all(b"cookie") == [b"a=1; b=2"]


def test_empty_frames_of_data_are_no_end(client, origin):
    stream = client.begin("POST", "/e", ends=False)
    for part in (b"one", b"", b"two", b""):
        client.http.send_data(stream, part, end_stream=False)
        client.transmit()
    client.http.send_data(stream, b"", end_stream=True)
    assert client.answer(stream).status == b"200"
    assert origin.seen(b"/e")[0].body == b"onetwo"


def test_1_mib_both_ways(talk):
    body = bytes(range(256)) * (MIB // 256)
    response = talk.request("POST", "/", [("content-length", str(MIB))], body)
    assert response.status == b"200" and response.body == body


def test_50_streams_at_a_time(client):
    streams = {number: client.begin(path=f"/s{number}") for number in range(STREAMS)}
    bodies = {number: client.answer(stream).body for number, stream in streams.items()}
    assert bodies == {number: b"served /s%d" % number for number in range(STREAMS)}


def test_a_client_that_reads_slowly_holds_its_own_response_back(h3, echo):
    with connect(h3, "echo.example.com", connection_window=65_536) as client:
        assert len(client.request(path=f"/{MIB}").body) == MIB


def test_trailers_both_ways(talk):
    response = talk.request("POST", "/", body=b"b", trailers=[(b"x-sum", b"1")])
    assert (response.status, response.body) == (b"200", b"bx-sum: 1\r\n")
    assert response.trailers == [(b"x-behind", b"yes")]


def test_interim_responses_come_before_the_final_one(talk):
    response = talk.request(path="/early")
    assert [head[b":status"] for head in response.heads] == [b"103", b"200"]
    assert response.heads[0][b"link"] == b"</x>" and response.body == b"late"


def test_a_response_that_is_cut_is_no_whole_one(talk):
    response = talk.request(path="/cut")
    assert (response.ended, response.reset) == (False, 0x102), response.body


def test_an_origin_hears_of_a_client_that_leaves(talk, echo):
    stream = talk.begin(path="/slow")
    talk.until(lambda: False, 0.5)
    talk.quic.stop_stream(stream, 0x10C)
    assert talk.until(echo.gone.is_set)
    assert talk.request(path="/3").body == b"xxx", "the connection goes on"


# === refusals ===

def test_a_host_that_nobody_has(h3):
    with connect(h3, "nobody.example.com") as client:
        assert client.request().status == b"421"


@pytest.mark.parametrize("more", [
    [("connection", "close")], [("keep-alive", "1")], [("upgrade", "websocket")], [("te", "gzip")],
    [("transfer-encoding", "chunked")], [("content-length", "1"), ("content-length", "1")], [("host", "a b")],
])
def test_fields_that_belong_to_a_connection_or_say_two_things(client, origin, more):
    response = client.request("POST", "/refused", more, b"x")
    # What the engine calls malformed ends its stream with H3_MESSAGE_ERROR.
    assert response.status in MESSAGE_ERRORS or response.reset == 0x10E, (response.heads, response.reset)
    assert origin.seen(b"/refused") == []
    assert client.request(path="/after").status == b"200"


@pytest.mark.parametrize("length, body", [("5", b"four"), ("3", b"four"), ("1", b"")])
def test_rfc_9114_section_4_1_2_a_body_is_as_long_as_it_was_told(client, origin, length, body):
    response = client.request("POST", "/told", [("content-length", length)], body)
    assert response.status in {b"400", None}, response.status
    assert origin.seen(b"/told") == []
    assert client.request(path="/after").status == b"200"


def test_connect_is_not_done(client):
    stream = client.begin("CONNECT", "/")
    response = client.answer(stream)
    assert response.status == b"405" or response.reset == 0x10E, (response.heads, response.reset)


def test_a_header_section_that_is_too_large(client):
    assert client.request(more=[("x-large", "x" * FIELD_BYTES)] * TOO_LARGE_FIELDS).status == b"431"
    assert client.request(more=[(f"x-{n}", "x") for n in range(150)]).status == b"431"
    assert client.request(path="/after").status == b"200"


def test_a_header_section_that_nobody_keeps(client):
    client.answer(client.begin(more=[("x-large", "x" * FIELD_BYTES)] * FAR_TOO_LARGE_FIELDS))
    assert client.until(lambda: client.terminated, LEFT_SECONDS)


def test_a_client_that_takes_all_back(client):
    for _ in range(400):
        stream = client.begin(path="/stall")
        client.transmit()
        client.quic.stop_stream(stream, 0x10C)
        client.until(lambda: False, 0.005)
        if client.terminated:
            break
    assert client.until(lambda: client.terminated, LEFT_SECONDS)
    assert client.terminated.error_code == 0x107, "H3_EXCESSIVE_LOAD"


def test_many_handshakes_at_a_time_have_to_prove_their_addresses(h3, origin):
    begun = [connect(h3) for _ in range(HANDSHAKES_BEGUN)]
    with connect(h3) as client:
        assert client.quic._retry_source_connection_id is None
    for one in begun:
        one.quic.connect(one.to, now=time.monotonic())
        one.transmit()
    with connect(h3) as client:
        assert client.quic._retry_source_connection_id is not None, "no Retry"
        assert client.request(path="/v").status == b"200"
    for one in begun:
        one.sock.close()


def test_a_client_without_the_certificate_that_is_required(tmp_path, h3):
    (tmp_path / "ca").mkdir()
    ca, _ = make_certificate(tmp_path / "ca")
    proxy = Node(tmp_path, f"""https = ["127.0.0.1:{(port := free_port())}"]\nhttp3 = true
client_certificates = "required"\nclient_ca = "{ca}\"""").start()
    from h3_client import Client

    client = Client(port, "any.example.com", None)
    try:
        with client:
            client.request()
    except AssertionError:
        pass
    assert client.terminated and client.terminated.error_code == 0x174, "certificate_required"
    proxy.stop()


# === libcurl, with ngtcp2 and nghttp3 below it ===

# What `CURLINFO_HTTP_VERSION` says of HTTP/2 and HTTP/3, and `CURLALTSVC_H3` (curl/curl.h).
CURL_2, CURL_3, ALT_SVC_H3 = 3, 30, 1 << 5


@pytest.fixture
def curl(h3, origin, echo):
    """Sends one request, each over a connection of its own: `curl(host, path, method=..., version=...)`."""
    curl_cffi = pytest.importorskip("curl_cffi", reason="curl_cffi is not installed")
    origin.clear()

    def ask(host="http3", path="/", method="GET", version="v3only", options=(), **more):
        name = f"{host}.example.com"
        resolved = {curl_cffi.CurlOpt.RESOLVE: [f"{name}:{h3.https_port}:127.0.0.1"], **dict(options)}
        with curl_cffi.Session(verify=str(h3.certificate), curl_options=resolved, timeout=LEFT_SECONDS) as session:
            return session.request(method, f"https://{name}:{h3.https_port}{path}", http_version=version, **more)

    return ask


@pytest.mark.parametrize("asked, status, body", [
    ({"path": "/v?x=1"}, 200, b"served /v?x=1"), ({"path": "/v", "method": "DELETE"}, 200, b"served /v"),
    ({"path": "/v", "method": "HEAD"}, 200, b""), ({"path": "/v", "method": "POST", "data": b"hello"}, 200, b"served /v"),
    ({"host": "echo", "method": "POST", "data": b"hello"}, 200, b"hello"), ({"host": "nobody"}, 421, None),
    ({"path": "/v", "headers": {"x-large": "x" * FIELD_BYTES * TOO_LARGE_FIELDS}}, 431, None),
])
def test_curl_speaks_it(curl, origin, asked, status, body):
    response = curl(**asked)
    assert (response.http_version, response.status_code) == (CURL_3, status)
    assert body is None or response.content == body
    if asked.get("path") and status == 200:
        [seen] = origin.seen(b"/v")
        assert (seen.method.decode(), seen.body) == (asked.get("method", "GET"), asked.get("data", b""))


def test_curl_gets_the_length_of_what_head_leaves_out(curl):
    response = curl(path="/v", method="HEAD")
    assert (response.http_version, response.headers["content-length"], response.content) == (CURL_3, "9", b"")


def test_curl_takes_and_sends_1_mib(curl):
    body = bytes(range(256)) * (MIB // 256)
    response = curl("echo", method="POST", data=body)
    assert (response.http_version, response.status_code, response.content == body) == (CURL_3, 200, True)
    response = curl("echo", f"/{MIB}")
    assert (response.http_version, response.status_code, response.content == b"x" * MIB) == (CURL_3, 200, True)


def test_curl_goes_on_over_it_after_it_was_told_of_it(curl, tmp_path):
    from curl_cffi import CurlOpt

    known = {CurlOpt.ALTSVC: str(tmp_path / "alt-svc"), CurlOpt.ALTSVC_CTRL: ALT_SVC_H3}
    answers = [curl(path="/v", version=None, options=known) for _ in range(2)]
    assert [(answer.http_version, answer.content) for answer in answers] == [(CURL_2, b"served /v"), (CURL_3, b"served /v")]


# === how it is found, and what is told of it ===

def alternatives(sock, host):
    with sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = sock.makefile("rb").read().partition(b"\r\n\r\n")[0].lower()
    return [line.partition(b": ")[2] for line in head.split(b"\r\n") if line.startswith(b"alt-svc:")]


def test_alt_svc_is_told_over_tls_alone(h3, client):
    wanted = b'h3=":%d"; ma=86400' % h3.https_port
    for host in ("http3.example.com", "nobody.example.com"):
        assert alternatives(h3.connect_tls(host), host) == [wanted]
        assert alternatives(h3.connect(), host) == []
    assert client.request().fields[b"alt-svc"] == wanted


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_alt_svc_over_http2(h3, origin):
    url = f"https://http3.example.com:{h3.https_port}/"
    command = ["curl", "-sS", "--http2", "-o", "/dev/null", "-D", "-", "--cacert", h3.certificate,
               "--resolve", f"http3.example.com:{h3.https_port}:127.0.0.1", url]
    head = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert head.startswith("HTTP/2 200") and f'alt-svc: h3=":{h3.https_port}"; ma=86400' in head


def test_metrics_and_the_access_log_know_it(h3, client):
    assert client.request(path="/logged").status == b"200"
    log = h3.node.folder / "access.log"
    found = until(lambda: [line for line in log.read_text().splitlines() if "/logged" in line], LEFT_SECONDS)
    line = json.loads(found[0])
    assert (line["version"], line["scheme"], line["status"]) == ("HTTP/3", "https", 200)


def test_a_node_that_stops_answers_first_and_says_goodbye(tmp_path, h3):
    proxy = Proxy(tmp_path, "http3 = true").start()
    origin = StrictOrigin().start()
    proxy.wait(proxy.balancer("http3", [proxy.pool("http3", [origin])]))
    with connect(proxy) as client:
        stream = client.begin(path="/stall")
        client.until(lambda: False, 0.3)
        stopping = threading.Thread(target=proxy.stop)
        begun = time.monotonic()
        stopping.start()
        client.until(lambda: False, 0.5)
        origin.stalled.set()
        assert client.answer(stream).body == b"served /stall"
        assert client.until(lambda: client.terminated)
        assert client.terminated.error_code == 0x100, "H3_NO_ERROR"
        stopping.join()
        assert time.monotonic() - begun < LEFT_SECONDS
    origin.kill()
