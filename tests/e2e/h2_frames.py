"""A client that says HTTP/2 frame by frame, right or wrong, and tells what comes back: RFC 9113."""

import itertools
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITIZED = 0x4, 0x8, 0x20
ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 2, 3, 4, 5
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
         "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]
NAMES = {code: number for number, code in enumerate(CODES)}
FRAME_BYTES_MAX = 16_384
WINDOW_MAX = 2**31 - 1
# What has not come by then does not come.
PATIENCE_SECONDS = 2
RECEIVE_BYTES = 65_536
BARRIER = b"barrier!"

ENDED = "ended"  # the connection, with or without GOAWAY


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def block(fields):
    """A header block that needs nothing of an earlier one."""
    return hpack.Encoder().encode(fields, huffman=False)


def headers(fields, stream=1, flags=END_STREAM | END_HEADERS, before=b"", behind=b""):
    return frame(HEADERS, flags, stream, before + block(fields) + behind)


def data(payload, stream=1, flags=END_STREAM):
    return frame(DATA, flags, stream, payload)


def reset(stream=1, code="CANCEL"):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", NAMES[code]))


def window(increment, stream=0):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


class Frame:
    def __init__(self, head, payload):
        length, self.kind, self.flags, stream = struct.unpack(">IBBI", b"\0" + head)
        self.stream, self.payload = stream & WINDOW_MAX, payload

    @property
    def code(self):
        """Of RST_STREAM and GOAWAY; a code that nobody knows is INTERNAL_ERROR: 7."""
        at = 4 if self.kind == GOAWAY else 0
        [number] = struct.unpack(">I", self.payload[at : at + 4])
        return CODES[number] if number < len(CODES) else "INTERNAL_ERROR"


class Connection:
    """Reads as long as it is asked to; acknowledges settings and nothing else of its own accord."""

    def __init__(self, sock):
        self.sock, self.buffer, self.decoder = sock, b"", hpack.Decoder()
        self.settings, self.frames, self.statuses, self.bodies, self.ended = {}, [], {}, {}, False
        self.windows = {0: 65_535}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def begin(self, *pairs):
        """The preface of both sides: 3.4."""
        self.send(PREFACE + settings(*pairs))
        first = self.read(time.monotonic() + PATIENCE_SECONDS)
        assert first and (first.kind, first.flags) == (SETTINGS, 0), "the first frame is no SETTINGS"
        return self

    def send(self, raw):
        """A server may end the connection before it has read everything."""
        try:
            self.sock.sendall(raw)
        except OSError:
            pass  # what it said before is still read

    def read(self, deadline):
        """The next frame, None at the end of the connection or when the time is over."""
        head = self._take(9, deadline)
        payload = head and self._take(int.from_bytes(head[:3], "big"), deadline)
        if payload is None:
            return None
        received = Frame(head, payload)
        self.frames.append(received)
        self._note(received)
        return received

    def _take(self, count, deadline):
        while len(self.buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                received = self.sock.recv(RECEIVE_BYTES)
            except TimeoutError:
                return None
            except OSError:
                received = b""  # reset
            if not received:
                self.ended = True
                return None
            self.buffer += received
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _note(self, received):
        if received.kind == SETTINGS and not received.flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", received.payload))
            self.send(frame(SETTINGS, ACK))
        elif received.kind == HEADERS:
            fields = dict(self.decoder.decode(received.payload))
            self.statuses.setdefault(received.stream, fields.get(":status"))
        elif received.kind == DATA:
            self.bodies[received.stream] = self.bodies.get(received.stream, b"") + received.payload
        elif received.kind == WINDOW_UPDATE:
            increment = struct.unpack(">I", received.payload)[0]
            self.windows[received.stream] = self.windows.get(received.stream, 0) + increment

    def happens(self, wanted, seconds=PATIENCE_SECONDS):
        """Everything that happened until something of what is wanted did, or the time was over.

        An event is `ended`, `goaway CODE`, or of a stream `reset 1 CODE`, `answer 1 200`; `alive` when a
        PING is answered, which is sent if `alive` is wanted.
        """
        deadline, events = time.monotonic() + seconds, []
        if "alive" in wanted:
            self.send(frame(PING, 0, 0, BARRIER))
        while not wanted.intersection(events) and (received := self.read(deadline)):
            events += self._events(received)
        return events + [ENDED] * self.ended

    def _events(self, received):
        if received.kind == GOAWAY:
            return [f"goaway {received.code}"]
        if received.kind == RST_STREAM:
            return [f"reset {received.stream} {received.code}"]
        if received.kind == PING and received.flags & ACK and received.payload == BARRIER:
            return ["alive"]
        if received.kind in (DATA, HEADERS) and received.flags & END_STREAM:
            return [f"answer {received.stream} {self.statuses.get(received.stream)}"]
        return []


def connection_error(*codes):
    """5.4.1: GOAWAY should come first, the end may come alone."""
    return {f"goaway {code}" for code in codes} | {ENDED}


def stream_error(*codes, stream=1):
    """5.4.2: a receiver may take a stream error for a connection error."""
    return {f"reset {stream} {code}" for code in codes} | connection_error(*codes)


def served(stream=1):
    return {f"answer {stream} 200"}


def malformed(stream=1):
    """8.1.1: a stream error, before which an answer may say what is wrong."""
    answers = {f"answer {stream} {status}" for status in itertools.chain(range(400, 432), (501, 505))}
    return stream_error("PROTOCOL_ERROR", "REFUSED_STREAM", stream=stream) | answers
