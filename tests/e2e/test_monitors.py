"""Every kind of monitor against real servers, and every reason for which a probe fails, as `trimtab probe` tells them."""

import json
import socket
import struct
import subprocess
import threading

import pytest

import daemons
from daemons import NAME, Authority, Health
from node import BINARY, Node, free_port, until

SEEN_SECONDS = 5
CLOSED = "TCP connection failed"
MISMATCH = "Response code mismatch error"
INVALID = "HTTP Invalid Response"
LATE = "HTTP timeout occurred"
GOOD = "No failures"
HTTP = {"type": "http", "expected_codes": "2xx"}
HTTPS = {"type": "https", "expected_codes": "2xx"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("daemons")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def node(tmp_path_factory, authority):
    """Trusts the test's own root, as an operator's SSL_CERT_FILE makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.root))
        node = Node(tmp_path_factory.mktemp("node")).start()
    yield node
    node.stop()


@pytest.fixture(scope="module")
def probe(node):
    return Probes(node)


@pytest.fixture(scope="module")
def started():
    """Whatever a test starts ends with the module."""
    started = []
    yield lambda server: started.append(server) or server
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def nginx(folder, authority, started):
    return started(daemons.nginx(folder, authority))


class Probes:
    """Asks the node to probe one endpoint, with a monitor that is not kept."""

    def __init__(self, node):
        self.node, self.base = node, f"/accounts/{node.account()}"
        self.pools = {}

    def pool(self, port, host=None, address="127.0.0.1"):
        key = (address, port, host)
        if key not in self.pools:
            origin = {"name": "o", "address": address, "port": port}
            if host:
                origin["header"] = {"Host": [host]}
            body = {"name": f"p{len(self.pools)}", "origins": [origin]}
            self.pools[key] = self.node.create(f"{self.base}/load_balancers/pools", body)["id"]
        return self.pools[key]

    def lines(self, monitor, port, **endpoint):
        # A port of its own: some kinds want one in the monitor.
        monitor = {"timeout": 2, "retries": 0, "port": port or 1, **monitor}
        body = {"monitor": monitor, "pool": self.pool(port, **endpoint)}
        answer = self.node.api("POST", f"{self.base}/trimtab/probe", body)
        assert answer.status == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def verdict(self, monitor, port, **endpoint):
        [*steps, last] = self.lines(monitor, port, **endpoint)
        assert last["step"] == "verdict" and not any("verdict" in step for step in steps)
        assert last["verdict"]["healthy"] == (last["verdict"]["failure_reason"] == GOOD)
        return last["verdict"]

    def reason(self, monitor, port, **endpoint):
        return self.verdict(monitor, port, **endpoint)["failure_reason"]


def scripted(started, says, then=None):
    """A listener that sends bytes to whoever comes; `then` is done to the connection before it is closed."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 if then else 65536)
                if says:
                    connection.sendall(says)
                if then:
                    then(connection)

    threading.Thread(target=serve, daemon=True).start()
    started(type("Listener", (), {"stop": lambda _: listener.close()})())
    return listener.getsockname()[1]


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def full_queue(started):
    """A port that answers no SYN any more."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    waiting = [socket.socket() for _ in range(4)]
    for sock in waiting:
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", port))
    started(type("Queue", (), {"stop": lambda _: [sock.close() for sock in (*waiting, listener)]})())
    return port


def test_http_by_status_body_and_redirect(probe, nginx):
    def check(monitor, want, port=nginx.port, host=None):
        assert probe.reason({**HTTP, **monitor}, port, host=host) == want, monitor

    check({"path": "/up"}, GOOD)
    check({"path": "/up", "expected_body": "ALL IS WELL"}, GOOD)
    check({"path": "/up", "expected_body": "ill"}, "Response body mismatch error")
    check({"path": "/down"}, MISMATCH)
    check({"path": "/down", "expected_codes": "503"}, GOOD)
    check({"path": "/moved"}, MISMATCH)
    check({"path": "/moved", "follow_redirects": True}, GOOD)
    # Only where [egress] allows: no monitor leads the node to a metadata service.
    check({"path": "/away", "follow_redirects": True}, "Monitor Config Error")
    check({"path": "/up", "method": "HEAD"}, GOOD)
    check({"path": "/up", "type": "https"}, GOOD, nginx.secure, NAME)


def test_a_monitor_with_a_zone_takes_the_proxys_path(node, probe, folder, started):
    """An endpoint of a private authority that wants a client's certificate: kept monitors and previews reach it as requests do."""
    (folder / "private").mkdir()
    private = Authority(folder / "private")
    chain, key = private.certify("server", "backend.internal")
    wants = ("-Verify", "1", "-verify_return_error", "-CAfile", private.root)
    port = started(daemons.s_server(folder, chain, key, *wants)).port
    shown, shown_key = private.certify("client", "proxy.internal")
    upstream = {
        "tls": "on",
        "server_name": "backend.internal",
        "ca": private.root.read_text(),
        "client_certificate": shown.read_text(),
        "client_key": shown_key.read_text(),
    }
    base = f"{probe.base}/load_balancers"
    monitor = {"type": "https", "expected_codes": "200", "interval": 1, "timeout": 2, "retries": 0, "port": port}
    # One looks as the proxy does, the other knows nothing of the pool's settings.
    monitors = {zone: node.create(f"{base}/monitors", {**monitor, "probe_zone": zone})["id"] for zone in ("example.com", "")}
    for zone, want in {"example.com": GOOD, "": "TLS untrusted certificate error"}.items():
        origin = {"name": "o", "address": "127.0.0.1"}
        name = "zoned" if zone else "plain"
        body = {"name": name, "origins": [origin], "monitor": monitors[zone], "trimtab": {"upstream": upstream}}
        pool = node.create(f"{base}/pools", body)["id"]

        def seen():
            answer = node.api("GET", f"{base}/pools/{pool}/health")
            places = answer.result["pop_health"].values() if answer.status == 200 else []
            return [seen["failure_reason"] for place in places for origin in place["origins"] for seen in origin.values()]

        assert until(lambda: seen() == [want], SEEN_SECONDS), f"{seen()}\n{node.log()}"
        answer = node.api("POST", f"{probe.base}/trimtab/probe", {"monitor": monitors[zone], "pool": pool})
        last = json.loads(answer.text.splitlines()[-1])
        assert last["verdict"]["failure_reason"] == want


def test_the_request_says_who_asks_and_for_whom(probe, nginx):
    headers = {"Host": ["monitor.example.com"], "X-Mine": ["1"]}
    for path, host, want in [("/up?1", NAME, NAME), ("/up?2", None, "monitor.example.com")]:
        probe.reason({**HTTP, "path": path, "header": headers}, nginx.port, host=host)
        [line] = [line for line in nginx.probes.read_text().splitlines() if path in line]
        pool = probe.pool(nginx.port, host)
        agent = f"Mozilla/5.0 (compatible; Trimtab-Traffic-Manager/1.0; pool-id: {pool[:16]})"
        assert line.split("|")[:2] == [want, agent]


def test_tls_failures_are_told_apart(probe, folder, authority, started, nginx):
    def server(label, host, *more, period=()):
        return started(daemons.s_server(folder, *authority.certify(label, host, *period), *more)).port

    def check(port, want, insecure):
        assert probe.reason(HTTPS, port, host=NAME) == want
        assert probe.reason({**HTTPS, "allow_insecure": True}, port, host=NAME) == insecure

    untrusted, protocol = "TLS untrusted certificate error", "TLS protocol error"
    check(server("good", NAME), GOOD, GOOD)
    expired = ("-not_before", "20200101000000Z", "-not_after", "20210101000000Z")
    if b"not_after" not in subprocess.run(["openssl", "x509", "-help"], capture_output=True).stderr:
        expired = ("-days", "-1")
    check(server("expired", NAME, period=expired), untrusted, GOOD)
    check(server("other", "other.example.com"), "TLS name mismatch error", GOOD)
    daemons.openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
                    "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", "self.key", "-out", "self.pem")
    check(started(daemons.s_server(folder, folder / "self.pem", folder / "self.key")).port, untrusted, GOOD)
    check(server("old", NAME, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), protocol, protocol)
    fatal = ("-servername", "strange.example.com", "-servername_fatal", "-cert2", folder / "good.pem", "-key2",
             folder / "good.key")
    unknown = "TLS unrecognized name error"
    check(server("strange", NAME, *fatal), unknown, unknown)
    check(nginx.port, protocol, protocol)
    check(scripted(started, b""), "TLS Handshake Failure", "TLS Handshake Failure")


def test_broken_connections_are_told_apart(probe, started):
    def check(port, want, monitor=HTTP):
        assert probe.reason({**monitor, "timeout": 1}, port) == want

    check(free_port(), CLOSED)
    check(full_queue(started), "TCP Timeout")
    check(scripted(started, b"", lambda c: c.recv(65536) and c.recv(1)), LATE)
    check(scripted(started, b"SSH-2.0-OpenSSH_9.9\r\n"), INVALID)
    check(scripted(started, b""), INVALID)
    check(scripted(started, b"", reset), "Connection Reset by Peer")
    assert probe.reason(HTTP, 80, address="absent.invalid") in ("DNS Unknown Host", "DNS Internal")
    assert probe.reason(HTTP, 80, address="169.254.169.254") == "Monitor Config Error"


def test_a_failure_shows_what_came_and_how_to_repeat_it(probe, started, nginx):
    header = {"Authorization": ["Bearer s3cret"], "Host": [NAME]}
    verdict = probe.verdict({**HTTP, "path": "/down", "header": header}, nginx.port)
    assert verdict["answer"].startswith(r"HTTP/1.1 503 Service Temporarily Unavailable\r\n")
    assert "s3cret" not in json.dumps(verdict) and "Authorization: ***" in verdict["repeat"]
    repeated = subprocess.run(verdict["repeat"], shell=True, capture_output=True, text=True, timeout=30)
    assert "< HTTP/1.1 503" in repeated.stderr and f"> Host: {NAME}" in repeated.stderr, repeated.stderr
    steps = [line["step"] for line in probe.lines({**HTTPS, "path": "/up"}, nginx.secure, host=NAME)]
    assert steps == ["try", "resolved", "connected", "secured", "sent", "answered", "judged", "verdict"]
    verdict = probe.verdict({"type": "tcp"}, scripted(started, b"x"))
    assert verdict["phases"].keys() == {"resolve", "connect"} and float(verdict["rtt"].removesuffix("ms")) > 0


def test_smtp(probe, folder, authority, started):
    mail = started(daemons.postfix(folder, authority)).port
    smtp = {"type": "smtp"}
    starttls = {**smtp, "trimtab": {"smtp": {"starttls": True}}}
    assert probe.verdict(smtp, mail)["response_code"] == 250
    assert probe.reason(starttls, mail, host="mail.example.com") == GOOD
    assert probe.reason(starttls, mail, host="post.example.com") == "TLS name mismatch error"
    assert probe.reason({**starttls, "allow_insecure": True}, mail, host="post.example.com") == GOOD
    assert probe.reason(smtp, free_port()) == CLOSED
    # A web server waits for a request: there is no greeting.
    assert probe.reason({**smtp, "timeout": 1}, scripted(started, b"", lambda c: c.recv(1))) == LATE


def test_ldap(probe, folder, started, nginx):
    ldap = {"type": "ldap"}
    assert probe.reason(ldap, started(daemons.slapd(folder)).port) == GOOD
    closed = probe.verdict(ldap, started(daemons.slapd(folder, "disallow bind_anon")).port)
    assert (closed["failure_reason"], closed["response_code"]) == (MISMATCH, 48)
    assert probe.reason(ldap, nginx.port) == INVALID


def test_dns(probe, folder, started):
    nsd = started(daemons.nsd(folder)).port

    def check(want, port=nsd, **asked):
        monitor = {"type": "dns", "trimtab": {"timeout_ms": 900, "dns": {"name": NAME, **asked}}}
        assert probe.reason(monitor, port) == want, asked

    check(GOOD)
    check(GOOD, answer="192.0.2.7")
    check("Response body mismatch error", answer="192.0.2.8")
    check(GOOD, name="example.com", type="SOA",
          answer="ns1.example.com. hostmaster.example.com. 1 3600 600 86400 60")
    check(MISMATCH, name="absent.example.com")
    check(GOOD, name="absent.example.com", rcode="NXDOMAIN")
    check(GOOD, name="example.net", rcode="REFUSED")
    # Cut off over UDP, whole over TCP.
    check(GOOD, name="long.example.com", type="TXT", answer=" ".join(["x" * 200] * 5))
    check(CLOSED, port=free_port())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        check(LATE, port=sink.getsockname()[1])


def test_grpc(probe, folder, authority, started, nginx):
    plain, secure = started(Health()), started(Health(*authority.certify("grpc", NAME)))
    plain.set("a.Serving", "SERVING")
    plain.set("a.Stopped", "NOT_SERVING")

    def check(want, port, host=None, **asked):
        monitor = {"type": "grpc", "trimtab": {"grpc": asked}}
        verdict = probe.verdict(monitor, port, host=host)
        assert verdict["failure_reason"] == want, verdict
        return verdict["response_code"]

    check(GOOD, plain.port)
    check(GOOD, plain.port, service="a.Serving")
    check("Response body mismatch error", plain.port, service="a.Stopped")
    assert check(MISMATCH, plain.port, service="a.Nothing") == 5
    check(GOOD, secure.port, NAME, tls=True)
    check("TLS name mismatch error", secure.port, "other.example.com", tls=True)
    check(INVALID, nginx.port)
    plain.set("", "NOT_SERVING")
    check("Response body mismatch error", plain.port)


def test_ping_and_udp(probe):
    assert probe.reason({"type": "icmp_ping"}, 0) == GOOD
    assert probe.reason({"type": "udp_icmp"}, free_port()) == CLOSED
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        verdict = probe.verdict({"type": "udp_icmp"}, sink.getsockname()[1])
        assert verdict["healthy"] and verdict["phases"]["silence"] > 500
        assert float(verdict["rtt"].removesuffix("ms")) < 500
        sink.settimeout(1)
        assert sink.recv(100) == b"trimtab probe"


def test_scheduled_probes_see_what_a_preview_sees(node, probe, started):
    """A monitor of our own kind drives the health of a pool."""
    server = started(Health())
    monitor = {"type": "grpc", "port": server.port, "interval": 1, "timeout": 1, "retries": 0}
    monitor = node.create(f"{probe.base}/load_balancers/monitors", monitor)["id"]
    body = {"name": "grpc", "origins": [{"name": "g", "address": "127.0.0.1"}], "monitor": monitor}
    pool = node.create(f"{probe.base}/load_balancers/pools", body)["id"]

    def seen():
        answer = node.api("GET", f"{probe.base}/load_balancers/pools/{pool}/health")
        if answer.status != 200:
            return None
        [place] = answer.result["pop_health"].values()
        return place["origins"][0]["127.0.0.1"]["failure_reason"]

    assert until(lambda: seen() == GOOD, SEEN_SECONDS), seen()
    server.set("", "NOT_SERVING")
    assert until(lambda: seen() == "Response body mismatch error", SEEN_SECONDS), seen()
    preview = node.create(f"{probe.base}/load_balancers/pools/{pool}/preview", {"type": "grpc", "port": server.port})
    result = f"{probe.base}/load_balancers/preview/{preview['preview_id']}"
    assert until(lambda: node.api("GET", result).result, SEEN_SECONDS)
    [place] = node.api("GET", result).result.values()
    assert place["origins"][0]["127.0.0.1"]["failure_reason"] == "Response body mismatch error"


def test_a_monitor_with_fields_of_ours_is_put_back_unchanged(node, probe):
    dns = {"name": NAME, "type": "SOA", "rcode": "NOERROR", "answer": "ns1.example.com."}
    for body in [{"type": "dns", "trimtab": {"timeout_ms": 300, "dns": dns}}, {"type": "ldap"},
                 {"type": "grpc", "port": 50051, "trimtab": {"grpc": {"service": "a.B", "tls": True}}}]:
        path = f"{probe.base}/load_balancers/monitors/{node.create(f'{probe.base}/load_balancers/monitors', body)['id']}"
        before = node.api("GET", path)
        assert ("trimtab" in before.result) == ("trimtab" in body)
        assert node.api("PUT", path, before.result).result_text == before.result_text


def command(node, *words):
    done = subprocess.run([BINARY, "probe", *words, "--server", node.base_url, "--token", node.token],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_the_command_line(node, probe, nginx):
    body = {**HTTP, "description": "web", "path": "/up", "retries": 0, "timeout": 1}
    monitor = node.create(f"{probe.base}/load_balancers/monitors", body)["id"]
    origins = [{"name": "good", "address": "127.0.0.1", "port": nginx.port},
               {"name": "bad", "address": "127.0.0.1", "port": free_port()}]
    node.create(f"{probe.base}/load_balancers/pools", {"name": "web", "origins": origins})
    code, out, err = command(node, "web", "web")
    lines = sorted(out.splitlines())
    assert code == 1 and "1 of 2 endpoints fail" in err
    assert lines[0] == "FAIL  bad (127.0.0.1)  TCP connection failed: connect: connection refused"
    assert lines[1].startswith("pass  good (127.0.0.1)  ") and lines[1].endswith("ms  status 200") and len(lines) == 2
    code, out, _ = command(node, "web", "web", "--origin", "good", "--verbose")
    assert code == 0 and "GET /up for 127.0.0.1" in out and "repeat with: curl --verbose" in out
    code, out, _ = command(node, monitor, "web", "--origin", "good", "--json")
    assert code == 0 and json.loads(out.splitlines()[-1])["verdict"]["response_code"] == 200
    assert command(node, "nothing", "web")[0] == 3 and command(node, "0" * 32, "web")[0] == 3
    assert command(node, "web")[0] == 2


def test_lines_come_as_things_happen(node, probe, started):
    """The first steps are there long before the verdict."""
    mute = scripted(started, b"", lambda c: c.recv(65536) and c.recv(1))
    pool = probe.pool(mute)
    process = subprocess.Popen(
        ["curl", "--no-buffer", "--silent", "--header", f"Authorization: Bearer {node.token}", "--data",
         json.dumps({"monitor": {**HTTP, "timeout": 3, "retries": 0}, "pool": pool}),
         f"{node.base_url}{probe.base}/trimtab/probe"], stdout=subprocess.PIPE, text=True)
    steps = [json.loads(process.stdout.readline())["step"] for _ in range(4)]
    assert steps == ["try", "resolved", "connected", "sent"] and process.poll() is None
    assert json.loads(process.communicate(timeout=10)[0].splitlines()[-1])["verdict"]["failure_reason"] == LATE
