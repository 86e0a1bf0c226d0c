"""Origins that do what the path of a request says, byte by byte, over HTTP/1.1 and HTTP/2, with or without TLS."""

import h2.config
import h2.connection
import h2.events

from strict_origin import StrictOrigin, answer, read_body, read_head

RECEIVE_BYTES = 65_536


class ScriptedOrigin(StrictOrigin):
    """`scripts` are by path, without the query. Each is called with the wire and the request, whose body is not read yet,
    and says whether the connection goes on; a path without one is answered with what was asked for."""

    def __init__(self, scripts=None, context=None):
        super().__init__()
        self.scripts, self.context = scripts or {}, context
        self.heads, self.spoken = [], set()

    @property
    def name(self):
        return f"at-{self.port}"

    def _serve(self, connection):
        if self.context:
            try:
                connection = self.context.wrap_socket(connection, server_side=True)
            except OSError:
                return  # no handshake that it would take
        super()._serve(connection)

    def _one_exchange(self, wire):
        wire.message = b""
        request = read_head(wire)
        with self.lock:
            self.heads.append(request)
        script = self.scripts.get(request.target.partition(b"?")[0].decode())
        if script:
            return script(wire, request)
        self.take(wire, request)
        closes = b"close" in request.all(b"connection")
        wire.connection.sendall(answer(request, closes))
        return not closes

    def take(self, wire, request):
        """The rest of the request."""
        read_body(wire, request)
        with self.lock:
            self.requests.append(request)

    def last(self, path):
        """The request that was last asked for this path."""
        return [request for request in self.heads if request.target == path.encode()][-1]


def says(raw, goes_on=True):
    """A script: these bytes, once the request is read."""
    def script(wire, request):
        read_body(wire, request)
        wire.connection.sendall(raw)
        return goes_on

    return script


class Http2Origin(ScriptedOrigin):
    """One stream at a time. A script is called with the state, the stream and the fields once the head is there; a path
    without one is answered with an empty body once the request is whole."""

    def _serve(self, connection):
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
            self.spoken.add(connection.selected_alpn_protocol())
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        state = h2.connection.H2Connection(config)
        state.initiate_connection()
        try:
            connection.sendall(state.data_to_send())
            while received := connection.recv(RECEIVE_BYTES):
                for event in state.receive_data(received):
                    self._take_event(state, event)
                connection.sendall(state.data_to_send())
        except OSError:
            pass  # the proxy's end, or our own
        finally:
            connection.close()

    def _take_event(self, state, event):
        if isinstance(event, h2.events.RequestReceived):
            fields = dict(event.headers)
            self.heads.append(event.headers)
            script = self.scripts.get(fields[":path"])
            if script:
                script(state, event.stream_id, fields)
        elif isinstance(event, h2.events.DataReceived):
            state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            self._answer(state, event.stream_id)

    @staticmethod
    def _answer(state, stream):
        try:
            state.send_headers(stream, [(":status", "200"), ("content-length", "0")], end_stream=True)
        except h2.exceptions.StreamClosedError:
            pass  # a script was quicker
