"""An origin that takes nothing but clean HTTP/1.1, and remembers what it was sent.

What leaves room for two readings is recorded as ambiguous, however common it is: a proxy is to send
one origin exactly what every other would understand as well.
"""

import re
import socket
import threading

from node import free_port

# Larger than what any proxy here lets through.
LINE_BYTES_MAX = 256 * 1024
# Of a message that is ambiguous, its last bytes are shown.
SHOWN_BYTES = 300
RECEIVE_BYTES = 65_536
# Longer than any test; an idle connection ends with its origin.
IDLE_SECONDS = 120

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# RFC 9112 3; targets are printable ASCII without a fragment.
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!\"$-~]+) HTTP/1\.([01])")
# RFC 9110 5.5: visible characters, spaces, tabs and obs-text.
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*")
QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
# RFC 9112 7.1, with as many digits as 64 bits have.
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})((?:[ \t]*;[ \t]*" + TOKEN + rb"(?:=(?:" + TOKEN + rb"|" + QUOTED + rb"))?)*)")
# RFC 9110 6.5.1: what frames, routes or authenticates a message is no trailer.
NO_TRAILERS = {b"content-length", b"transfer-encoding", b"host", b"trailer", b"te", b"connection", b"authorization"}


class Ambiguous(Exception):
    """The bytes can be read in more than one way; the text says how."""


class Request:
    """One request that was complete."""

    def __init__(self, method, target, minor, fields):
        self.method, self.target, self.minor, self.fields = method, target, minor, fields
        self.body, self.trailers = b"", []

    def all(self, name):
        return [value for field, value in self.fields if field == name]

    def __repr__(self):
        return f"{self.method.decode()} {self.target.decode()}"


class StrictOrigin:
    """Answers `served TARGET`; one thread for each connection."""

    def __init__(self, address="127.0.0.1"):
        self.address, self.port = address, free_port()
        self.lock = threading.Lock()
        self.connections = set()
        self.stalled = threading.Event()
        self.clear()

    def clear(self):
        """Forgets what was seen so far."""
        with self.lock:
            self.requests, self.ambiguous, self.cut_short = [], [], []

    def start(self):
        self.listener = socket.create_server((self.address, self.port), backlog=1024)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def kill(self):
        self.stalled.set()
        # A thread in accept() is woken by the end of the listener, not by its descriptor's.
        shut(self.listener)
        self.listener.close()
        with self.lock:
            for connection in self.connections:
                shut(connection)

    def seen(self, part):
        """Complete requests whose target holds `part`."""
        with self.lock:
            return [request for request in self.requests if part in request.target]

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # killed
            connection.settimeout(IDLE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        wire = Wire(connection)
        try:
            while self._one_exchange(wire):
                pass
        except Ambiguous as reason:
            with self.lock:
                self.ambiguous.append(f"{reason}: {wire.message!r}")
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        except (EOFError, OSError):
            with self.lock:
                self.cut_short += [wire.message] if wire.message else []
        finally:
            connection.close()
            with self.lock:
                self.connections.discard(connection)

    def _one_exchange(self, wire):
        """False when the connection is over."""
        wire.message = b""
        request = read_head(wire)
        if b"100-continue" in request.all(b"expect"):
            wire.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.target.startswith(b"/stall"):
            self.stalled.wait(IDLE_SECONDS)
        read_body(wire, request)
        wire.message = b""
        with self.lock:
            self.requests.append(request)
        closes = b"close" in request.all(b"connection") or request.minor == b"0"
        wire.connection.sendall(answer(request, closes))
        return not closes


class Wire:
    """The bytes of a connection, and of the message that is being read."""

    def __init__(self, connection):
        self.connection, self.buffer, self.message = connection, b"", b""

    def take(self, count):
        while len(self.buffer) < count:
            self._receive()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        self.message = (self.message + taken)[-SHOWN_BYTES:]
        return taken

    def line(self):
        """Up to CRLF, which is not returned. A CR or LF of its own is ambiguous as soon as it is there."""
        while True:
            end = re.search(rb"\n|\r(?!\n)(?=.)|\0", self.buffer, re.DOTALL)
            if end:
                break
            if len(self.buffer) > LINE_BYTES_MAX:
                raise Ambiguous("a line without an end")
            self._receive()
        line = self.take(end.start() + 1)
        if not line.endswith(b"\r\n"):
            raise Ambiguous("a bare CR, bare LF or NUL")
        return line[:-2]

    def _receive(self):
        received = self.connection.recv(RECEIVE_BYTES)
        if not received:
            self.message += self.buffer
            raise EOFError
        self.buffer += received


def read_head(wire):
    line = REQUEST_LINE.fullmatch(wire.line())
    if not line:
        raise Ambiguous("request line")
    request = Request(*line.groups(), read_fields(wire))
    method, target = request.method, request.target
    if not (target.startswith(b"/") or (method, target) == (b"OPTIONS", b"*")):
        raise Ambiguous("target")
    if request.minor == b"1" and len(request.all(b"host")) != 1 or len(request.all(b"host")) > 1:
        raise Ambiguous("not one Host")
    if any(not re.fullmatch(rb"[0-9A-Za-z.-]+(?::[0-9]+)?", host) for host in request.all(b"host")):
        raise Ambiguous("Host")
    return request


def read_fields(wire):
    fields = []
    while line := wire.line():
        field = FIELD_LINE.fullmatch(line)
        if not field:
            raise Ambiguous("field line")
        fields.append((field[1].lower(), field[2]))
    return fields


def read_body(wire, request):
    lengths, codings = request.all(b"content-length"), request.all(b"transfer-encoding")
    if lengths and codings:
        raise Ambiguous("Content-Length beside Transfer-Encoding")
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked" or request.minor == b"0"):
        raise Ambiguous("Transfer-Encoding")
    if len(lengths) > 1 or lengths and not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        raise Ambiguous("Content-Length")
    if codings:
        read_chunks(wire, request)
    elif lengths:
        request.body = wire.take(int(lengths[0]))


def read_chunks(wire, request):
    while True:
        line = CHUNK_LINE.fullmatch(wire.line())
        if not line:
            raise Ambiguous("chunk size")
        size = int(line[1], 16)
        if not size:
            break
        request.body += wire.take(size)
        if wire.take(2) != b"\r\n":
            raise Ambiguous("no CRLF behind a chunk")
    request.trailers = read_fields(wire)
    if NO_TRAILERS & {name for name, _ in request.trailers}:
        raise Ambiguous("a trailer that frames or routes")


def shut(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was quicker


def answer(request, closes):
    body = b"served " + request.target
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n" % len(body)
    head += b"connection: close\r\n\r\n" if closes else b"\r\n"
    return head if request.method == b"HEAD" else head + body
