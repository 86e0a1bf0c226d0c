"""An HTTP/1.1 client that sends bytes as they are and reads what answers there are."""

import time

# A refusal and an end of a connection come at once; what has not come by then does not come.
QUIET_SECONDS = 1.5
# Of a proxy that takes its time to close what it refused.
LINGER_SECONDS = 3
RECEIVE_BYTES = 65_536


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body


class Exchange:
    """The answers in their order, and whether the proxy ended the connection behind them."""

    def __init__(self, answers, ended):
        self.answers, self.ended = answers, ended


class Reader:
    """What came over a connection and is not read yet; `_receive` brings more, and says whether it did."""

    buffer = b""

    def _until(self, mark):
        while mark not in self.buffer:
            if not self._receive():
                return None
        taken, _, self.buffer = self.buffer.partition(mark)
        return taken

    def _take(self, count):
        while len(self.buffer) < count and self._receive():
            pass
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken


class Client(Reader):
    def __init__(self, connection):
        self.connection, self.buffer, self.methods, self.ended = connection, b"", [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, raw, piecewise=False):
        """A proxy may refuse before it has read everything."""
        # The answer to HEAD has no content.
        self.methods = [line.split(b" ")[0] for line in raw.split(b"\r\n") if b" HTTP/1" in line]
        pieces = [raw[at : at + 1] for at in range(len(raw))] if piecewise else [raw]
        try:
            for piece in pieces:
                self.connection.sendall(piece)
        except OSError:
            pass  # what it said before is still read

    def read_answers(self, count):
        """Up to so many final answers; whether the connection ends is waited for after a refusal."""
        answers = []
        while len(answers) < count and (answer := self._answer(len(answers))):
            answers.append(answer)
            if answer.status >= 400 or b"close" in answer.fields.get(b"connection", b""):
                self._wait_for_end()
        return Exchange(answers, self.ended)

    def _wait_for_end(self):
        end = time.monotonic() + LINGER_SECONDS
        while not self.ended and time.monotonic() < end and b"HTTP/" not in self.buffer:
            if not self._receive():
                return

    def _answer(self, number):
        """None when there is none: the connection ended, was silent or speaks something else."""
        while True:
            head = self._until(b"\r\n\r\n")
            if head is None or not head.startswith(b"HTTP/1."):
                return None
            start, *lines = head.split(b"\r\n")
            status = int(start.split(b" ")[1])
            if status >= 200 or status == 101:
                break
        pairs = (line.lower().partition(b":") for line in lines)
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        is_head = number < len(self.methods) and self.methods[number] == b"HEAD"
        return Answer(status, fields, b"" if is_head or status in (204, 304) else self._body(fields))

    def _body(self, fields):
        if fields.get(b"transfer-encoding") == b"chunked":
            return self._chunks()
        if b"content-length" in fields:
            return self._take(int(fields[b"content-length"]))
        while self._receive():
            pass
        return self._take(len(self.buffer))

    def _chunks(self):
        body = b""
        while size := int((self._until(b"\r\n") or b"0").split(b";")[0], 16):
            body += self._take(size)
            self._take(2)
        while self._until(b"\r\n"):
            pass
        return body

    def _receive(self):
        """False at the end of the connection and when nothing comes."""
        self.connection.settimeout(QUIET_SECONDS)
        try:
            received = self.connection.recv(RECEIVE_BYTES)
        except TimeoutError:
            return False
        except OSError:
            received = b""  # reset
        self.ended = not received
        self.buffer += received
        return bool(received)
