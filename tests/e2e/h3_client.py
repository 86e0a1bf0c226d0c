"""A client of HTTP/3 without a loop of its own: one UDP socket, one connection, and what the server said on each stream."""

import socket
import ssl
import time

from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StopSendingReceived, StreamReset

ANSWER_SECONDS = 10
DATAGRAM_BYTES_MAX = 65_536


class Response:
    """Of one stream, as far as it has come."""

    def __init__(self):
        self.heads, self.body, self.trailers = [], b"", None
        self.ended, self.reset, self.stopped = False, None, None

    @property
    def status(self):
        return self.heads[-1][b":status"] if self.heads else None

    @property
    def fields(self):
        return self.heads[-1]

    def is_over(self):
        return self.ended or self.reset is not None


class Client:
    """`with Client(port, host, certificate) as client:` has made its handshake."""

    def __init__(self, port, host, certificate, connection_window=2**20):
        """`certificate`: whom to believe, None believes anyone."""
        configuration = QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, server_name=host, max_data=connection_window,
            max_stream_data=connection_window, cafile=certificate and str(certificate),
            verify_mode=None if certificate else ssl.CERT_NONE)
        self.host, self.to = host, ("127.0.0.1", port)
        self.quic = QuicConnection(configuration=configuration)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.responses, self.terminated, self.shaken = {}, None, False
        self.http = None

    def __enter__(self):
        self.quic.connect(self.to, now=time.monotonic())
        assert self.until(lambda: self.shaken or self.terminated) and self.shaken, self.terminated
        self.http = H3Connection(self.quic)
        return self

    def __exit__(self, *_):
        self.quic.close()
        self.transmit()
        self.sock.close()

    def begin(self, method="GET", path="/", more=(), ends=True, host=None):
        """The stream of a new request."""
        stream = self.quic.get_next_available_stream_id()
        fields = [(b":method", method), (b":scheme", "https"), (b":authority", host or self.host), (b":path", path), *more]
        encoded = [(as_bytes(name), as_bytes(value)) for name, value in fields]
        self.responses[stream] = Response()
        self.http.send_headers(stream, encoded, end_stream=ends)
        return stream

    def request(self, method="GET", path="/", more=(), body=None, trailers=None, host=None):
        """One whole exchange."""
        stream = self.begin(method, path, more, ends=body is None, host=host)
        if body is not None:
            self.http.send_data(stream, body, end_stream=trailers is None)
        if trailers is not None:
            self.http.send_headers(stream, trailers, end_stream=True)
        return self.answer(stream)

    def answer(self, stream):
        response = self.responses[stream]
        assert self.until(lambda: response.is_over() or self.terminated), f"no answer on stream {stream}"
        return response

    def until(self, condition, seconds=ANSWER_SECONDS):
        """Sends and receives; the last answer, which is false when the time is over."""
        deadline = time.monotonic() + seconds
        self.transmit()
        while not (answer := condition()) and time.monotonic() < deadline and not self.terminated:
            timer = self.quic.get_timer() or deadline
            self.sock.settimeout(max(0.001, min(timer, deadline) - time.monotonic()))
            try:
                datagram, address = self.sock.recvfrom(DATAGRAM_BYTES_MAX)
                self.quic.receive_datagram(datagram, address, now=time.monotonic())
            except TimeoutError:
                self.quic.handle_timer(now=time.monotonic())
            self.events()
            self.transmit()
        return answer

    def transmit(self):
        for datagram, address in self.quic.datagrams_to_send(now=time.monotonic()):
            self.sock.sendto(datagram, address)

    def events(self):
        while event := self.quic.next_event():
            if isinstance(event, HandshakeCompleted):
                self.shaken = True
            elif isinstance(event, ConnectionTerminated):
                self.terminated = event
            elif isinstance(event, StreamReset) and event.stream_id in self.responses:
                self.responses[event.stream_id].reset = event.error_code
            elif isinstance(event, StopSendingReceived) and event.stream_id in self.responses:
                self.responses[event.stream_id].stopped = event.error_code
            if self.http:
                for told in self.http.handle_event(event):
                    self.note(told)

    def note(self, event):
        response = self.responses.get(getattr(event, "stream_id", None))
        if response is None:
            return
        if isinstance(event, HeadersReceived):
            fields = dict(event.headers)
            if b":status" in fields:
                response.heads.append(fields)
            else:
                response.trailers = event.headers
        elif isinstance(event, DataReceived):
            response.body += event.data
        response.ended |= event.stream_ended


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()
