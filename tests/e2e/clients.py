"""Clients of HTTP/1 and HTTP/2 that show all of an answer: interim ones before it, its fields as they came, its trailers."""

import socket

import h2.config
import h2.connection
import h2.events
from http1 import Reader

RECEIVE_BYTES = 65_536
# No answer by then is none.
PATIENCE_SECONDS = 10
# A peer that no `trusted_proxies` of a test names, and one that some do.
UNTRUSTED, TRUSTED = "127.0.0.1", "127.0.0.2"


class Fields(list):
    """Pairs of a name in lower case and a value, in their order."""

    def all(self, name):
        return [value for field, value in self if field == name]

    def one(self, name):
        """None where there is none; two of them are an error."""
        [value] = self.all(name) or [None]
        return value


class Answer:
    """`whole`: it came to an end of its own, and not with its connection or a reset."""

    def __init__(self, status, fields, interims=()):
        self.status, self.fields, self.interims = status, fields, list(interims)
        self.body, self.trailers, self.whole = b"", Fields(), False

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:200]!r} whole: {self.whole} {self.interims}"


class Http1(Reader):
    """`host` is whom requests are for that do not say so."""

    def __init__(self, sock, host):
        self.sock, self.host, self.buffer, self.ended = sock, host, b"", False
        sock.settimeout(PATIENCE_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def ask(self, method="GET", path="/", fields=(), body=b"", minor=1, trailers=()):
        """Chunked with trailers, of a given length without."""
        self.begin(method, path, [*fields, *framing(body, trailers)], minor)
        self.sock.sendall(chunk(body) + end_of_chunks(trailers) if trailers else body)
        return self.read(method)

    def begin(self, method="GET", path="/", fields=(), minor=1):
        """The head of a request."""
        host = [] if any(name.lower() == "host" for name, _ in fields) else [("Host", self.host)]
        lines = "".join(f"{name}: {value}\r\n" for name, value in [*host, *fields])
        self.sock.sendall(f"{method} {path} HTTP/1.{minor}\r\n{lines}\r\n".encode("latin-1"))

    def read(self, method="GET"):
        """The final answer to a request of this method, None where the connection ends before it."""
        interims = []
        while (head := self.read_head()) and head[0] < 200 and head[0] != 101:
            interims.append(head)
        if head is None:
            return None
        answer = Answer(*head, interims)
        if method == "HEAD" or answer.status in (204, 304):
            answer.whole = True
        else:
            self._read_body(answer)
        return answer

    def read_head(self):
        """(status, fields) of the next one, interim or final."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        start, *lines = head.decode("latin-1").split("\r\n")
        return int(start.split(" ")[1]), fields_of(lines)

    def more(self):
        """Waits for bytes behind those in the buffer; False at the end of the connection."""
        return self._receive()

    def at_end(self):
        """The connection ends and nothing more comes."""
        return not self.buffer and not self._receive()

    def _read_body(self, answer):
        if answer.fields.one("transfer-encoding") == "chunked":
            self._read_chunks(answer)
            return
        length = answer.fields.one("content-length")
        if length is None:
            while self._receive():
                pass
            answer.body, self.buffer, answer.whole = self.buffer, b"", True
            return
        answer.body = self._take(int(length))
        answer.whole = len(answer.body) == int(length)

    def _read_chunks(self, answer):
        while size := self._until(b"\r\n"):
            if not int(size, 16):
                trailers = []
                while line := self._until(b"\r\n"):
                    trailers.append(line.decode("latin-1"))
                answer.trailers, answer.whole = fields_of(trailers), line is not None
                return
            answer.body += self._take(int(size, 16))
            self._take(2)

    def _receive(self):
        try:
            received = self.sock.recv(RECEIVE_BYTES)
        except ConnectionError:
            received = b""
        self.buffer += received
        self.ended = not received
        return bool(received)


class Http2:
    """One request at a time. Pseudo fields are no fields of answers."""

    def __init__(self, sock, host):
        self.sock, self.host, self.events, self.ended = sock, host, [], False
        sock.settimeout(PATIENCE_SECONDS)
        settings = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.state = h2.connection.H2Connection(settings)
        self.state.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def ask(self, method="GET", path="/", fields=(), body=b"", trailers=()):
        self.begin(method, path, fields, ends=not (body or trailers))
        if body:
            self.state.send_data(self.stream, body, end_stream=not trailers)
        if trailers:
            self.state.send_headers(self.stream, list(trailers), end_stream=True)
        self.flush()
        return self.read()

    def begin(self, method="GET", path="/", fields=(), ends=False):
        """The head of a request."""
        self.stream = self.state.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "https"), (":path", path), (":authority", self.host)]
        lower = [(name.lower(), str(value)) for name, value in fields]
        self.state.send_headers(self.stream, pseudo + lower, end_stream=ends)
        self.flush()

    def end(self, body):
        """The rest of the request."""
        self.state.send_data(self.stream, body, end_stream=True)
        self.flush()

    def read(self):
        """None where the stream or the connection ends before an answer."""
        answer, interims = None, []
        while event := self.next_event():
            match event:
                case h2.events.InformationalResponseReceived():
                    interims.append(head_of(event))
                case h2.events.ResponseReceived():
                    answer = Answer(*head_of(event), interims)
                case h2.events.DataReceived():
                    answer.body += event.data
                    self.state.acknowledge_received_data(event.flow_controlled_length, self.stream)
                case h2.events.TrailersReceived():
                    answer.trailers = Fields(event.headers)
                case h2.events.StreamEnded():
                    answer.whole = True
                    return answer
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    return answer
        return answer

    def next_event(self):
        """None at the end of the connection."""
        while not self.events:
            self.flush()
            try:
                received = self.sock.recv(RECEIVE_BYTES)
            except ConnectionError:
                received = b""
            if not received:
                self.ended = True
                return None
            self.events += self.state.receive_data(received)
        return self.events.pop(0)

    def flush(self):
        self.sock.sendall(self.state.data_to_send())


def fields_of(lines):
    pairs = (line.partition(":") for line in lines)
    return Fields((name.lower(), value.strip()) for name, _, value in pairs)


def head_of(event):
    fields = Fields(event.headers)
    return int(fields.one(":status")), Fields(pair for pair in fields if pair[0] != ":status")


def framing(body, trailers):
    if trailers:
        return [("Transfer-Encoding", "chunked")]
    return [("Content-Length", len(body))] if body else []


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def end_of_chunks(trailers=()):
    return b"0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in trailers).encode() + b"\r\n"


def plain(proxy, host, source=UNTRUSTED, before=b""):
    """HTTP/1 without TLS; `before` is sent before anything else."""
    sock = socket.create_connection(("127.0.0.1", proxy.http_port), PATIENCE_SECONDS, (source, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(before)
    return Http1(sock, host)


def secure(proxy, host):
    """HTTP/1 over TLS."""
    return Http1(proxy.connect_tls(host, "http/1.1"), host)


def multiplexed(proxy, host):
    """HTTP/2 over TLS."""
    return Http2(proxy.connect_tls(host, "h2"), host)


def known_beforehand(proxy, host):
    """HTTP/2 without TLS."""
    return Http2(proxy.connect(), host)


# What clients speak, by how they open a connection.
WAYS = [plain, secure, multiplexed, known_beforehand]
