"""No bytes make the origin see another request than the proxy saw: RFC 9112 11.2."""

import pytest

import smuggling
from http1 import Client
from node import free_port, until
from peers import Process, program, temporary_folders
from smuggling import ACCEPT, ENDED, REFUSE, SERVED
from strict_origin import StrictOrigin

AFTER = b"GET /after HTTP/1.1\r\nHost: " + smuggling.HOST + b"\r\n\r\n"
LOG_SECONDS = 2
# The least a refusal can be; the most is any error.
REFUSALS = range(400, 600)


class Target:
    """One balancer, the origin behind it and what the origin saw."""

    def __init__(self, proxy, label, origin):
        self.proxy, self.origin = proxy, origin
        self.host = proxy.balancer(label, [proxy.pool(label, [origin])])
        assert len(self.host) == len(smuggling.HOST)
        proxy.wait(self.host)
        self.probes = 0

    def ask(self, raw, piecewise=False):
        """Sends the bytes and what follows them on the same connection."""
        with Client(self.proxy.connect()) as client:
            client.send(self.named(raw), piecewise)
            return client.read_answers(2)

    def named(self, raw):
        host = self.host.encode()
        return raw.replace(smuggling.HOST, host).replace(smuggling.HOST.upper(), host.upper())

    def probe(self):
        """A request of somebody else, who gets an answer to it. It pushes out what is left in connections."""
        self.probes += 1
        path = f"/probe{self.probes}"
        with Client(self.proxy.connect()) as client:
            client.send(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode())
            [answer] = client.read_answers(1).answers
        assert (answer.status, answer.body) == (200, b"served " + path.encode())
        return path


class NginxOrigin:
    """A parser of the world outside, asked by its access log."""

    def __init__(self, folder):
        self.folder, self.address, self.port = folder, "127.0.0.1", free_port()
        self.log = folder / "access.txt"
        (folder / "nginx.conf").write_text(f"""daemon off; worker_processes 1;
        pid {folder}/pid; error_log {folder}/errors.txt;
        events {{ worker_connections 1024; }}
        http {{ log_format seen '$status|$http_x_forwarded_for|$request'; access_log {folder}/access.txt seen;
        {temporary_folders(folder)}
        server {{ listen 127.0.0.1:{self.port}; return 200 "served $request_uri"; }} }}""")
        self.process = Process(folder, [program("nginx"), "-c", folder / "nginx.conf"])

    def seen(self):
        """(status, who it came from, request line) of each. What is behind the last end of a line is still being written."""
        lines = self.log.read_text(errors="replace").split("\n")[:-1]
        return [tuple(line.split("|", 2)) for line in lines]

    def kill(self):
        self.process.stop()


@pytest.fixture(scope="module")
def strict(proxy):
    origin = StrictOrigin().start()
    yield Target(proxy, "strict", origin)
    origin.kill()


@pytest.fixture(scope="module")
def common(proxy, tmp_path_factory):
    origin = NginxOrigin(tmp_path_factory.mktemp("nginx"))
    yield Target(proxy, "common", origin)
    origin.kill()


def rows(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=str)


@rows(smuggling.BOTH)
def test_content_length_beside_transfer_encoding(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.CODINGS)
def test_transfer_encoding(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.LENGTHS)
def test_content_length(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.CHUNKS)
def test_chunks(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.TRAILERS)
def test_trailers(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.FIELDS)
def test_field_lines(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.LINES)
def test_request_lines(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.HOSTS)
def test_host(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.UPGRADES)
def test_upgrades_that_the_origin_does_not_make(strict, common, vector):
    check(strict, common, vector)


@rows(smuggling.HOPS)
def test_connection_and_expect(strict, common, vector):
    check(strict, common, vector)


def check(strict, common, vector):
    check_strictly(strict, vector, piecewise=False)
    if vector.slowly:
        check_strictly(strict, vector, piecewise=True)
    check_commonly(common, vector)


def check_strictly(target, vector, piecewise):
    """Every claim at once, so that a failure shows all that went wrong."""
    target.origin.clear()
    exchange = target.ask(vector.raw + AFTER, piecewise)
    target.probe()
    wrong = wrong_answers(vector, exchange) + wrong_requests(target, vector)
    assert not wrong, report(vector, exchange, wrong, target.origin.requests)


def wrong_answers(vector, exchange):
    statuses = [answer.status for answer in exchange.answers]
    wrong = []
    if vector.verdict == ACCEPT and statuses[:1] != [200]:
        wrong.append("not accepted")
    if vector.verdict == REFUSE and not (statuses and statuses[0] in REFUSALS or exchange.ended and not statuses):
        wrong.append("not refused")
    if vector.after == SERVED and statuses != [200, 200]:
        wrong.append("the next request was not served")
    if vector.after == ENDED and (any(status not in REFUSALS for status in statuses[1:]) or not exchange.ended):
        wrong.append("the connection did not end")
    return wrong


def wrong_requests(target, vector):
    origin = target.origin
    wrong = [f"ambiguous: {text}" for text in origin.ambiguous]
    wrong += ["the canary is a request"] * bool(origin.seen(b"/canary"))
    wrong += [f"{request} is not from the proxy" for request in origin.requests if not request.all(b"x-forwarded-for")]
    hosts = {host.lower().partition(b":")[0].rstrip(b".") for request in origin.requests for host in request.all(b"host")}
    wrong += [f"sent for {host}" for host in hosts - {target.host.encode()}]
    got = [request for request in origin.requests if request.target in (b"/v", b"*")]
    if vector.verdict == REFUSE and origin.seen(b"/v"):
        wrong.append("refused, and yet at the origin")
    if vector.verdict == ACCEPT and len(got) != 1:
        wrong.append(f"{len(got)} times at the origin")
    if vector.body is not None and any(request.body != target.named(vector.body) for request in got):
        wrong.append(f"another body: {got[0].body!r}")
    if vector.after == ENDED and origin.seen(b"/after"):
        wrong.append("the next request is at the origin")
    return wrong


def check_commonly(target, vector):
    before = len(target.origin.seen())
    exchange = target.ask(vector.raw + AFTER)
    last = target.probe()
    assert until(lambda: any(last in line for _, _, line in target.origin.seen()[before:]), LOG_SECONDS)
    seen = target.origin.seen()[before:]
    # What nginx refuses by its first line is logged without fields.
    wrong = [f"smuggled: {row}" for row in seen if " /canary" in row[2] or row[1] == "-" and row[0] not in ("400", "499")]
    wrong += [f"not understood: {row}" for row in seen if row[0] == "400" and " /v" not in row[2] and " * " not in row[2]]
    assert not wrong, report(vector, exchange, wrong, seen)


def report(vector, exchange, wrong, seen):
    answers = [(answer.status, answer.body[:60]) for answer in exchange.answers]
    sent, got = f"sent {vector.raw[:400]!r}", f"got {answers}, ended: {exchange.ended}"
    return f"{vector}\n{'; '.join(wrong)}\n{sent}\n{got}\norigin saw {seen}"
