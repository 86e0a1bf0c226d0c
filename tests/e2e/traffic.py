"""Steady keep-alive traffic, and origins that fail in every way there is, each in a loop of its own thread."""

import asyncio
import collections
import itertools
import socket
import threading
import time

from node import free_port, until

# Idempotent ones and one that is not: RFC 9110 9.2.2.
METHODS = ["GET", "HEAD", "PUT", "POST"]
CONTENT = b"x" * 2_000
# No answer by then is a failure.
ANSWER_SECONDS = 5
STEP_SECONDS = 30

Result = collections.namedtuple("Result", "began seconds method number status origin")


class Loop:
    """An asyncio loop in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(STEP_SECONDS)

    def call(self, function):
        async def once():
            return function()

        return self.run(once())


class FallibleOrigin:
    """Answers with its name and counts what it did, by the number in the path."""

    address = "127.0.0.1"

    def __init__(self, name, loop):
        self.name, self.loop, self.port = name, loop, free_port()
        self.delay, self.leaving = 0, False
        self.done, self.last = collections.Counter(), 0
        self.writers, self.server, self.blocked = {}, None, []

    def start(self):
        self.leaving = False
        self.server = self.loop.run(asyncio.start_server(self._serve, self.address, self.port, backlog=512))
        return self

    def kill(self):
        """As kill -9: connections are reset, new ones refused."""
        self.loop.call(lambda: self._close(lambda writer, _: writer.transport.abort()))

    def black_hole(self):
        """Connections that are made from here on are never answered, not even by the kernel.

        Those that there are end behind the answer that is under way.
        """
        def leave(writer, busy):
            if not busy:
                writer.close()

        self.leaving = True
        self.loop.call(lambda: self._close(leave))
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        listener.listen(0)
        self.blocked = [listener]
        # The queue of a listener that accepts nobody; once it is full the kernel drops what knocks.
        for _ in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex((self.address, self.port))
            self.blocked.append(waiting)

    def stop(self):
        """Whatever it is doing."""
        for blocked in self.blocked:
            blocked.close()
        self.blocked = []
        self.kill()

    def _close(self, end):
        if self.server:
            self.server.close()
            self.server = None
        for writer, busy in list(self.writers.items()):
            end(writer, busy)

    async def _serve(self, reader, writer):
        self.writers[writer] = False
        try:
            while not self.leaving:
                await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the proxy's end, or our own death
        finally:
            self.writers.pop(writer, None)
            writer.close()

    async def _answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if writer.is_closing():
            raise ConnectionResetError  # it came when we had left
        self.writers[writer] = True
        await reader.readexactly(content_length(head))
        method, path = head.decode("latin-1").split(" ")[:2]
        if path.startswith("/n/"):
            self.done[int(path[3:])] += 1
            self.last = time.monotonic()
        if self.delay:
            await asyncio.sleep(self.delay)
        body = b"" if method == "HEAD" else self.name.encode()
        closes = "connection: close\r\n" if self.leaving else ""
        lines = f"HTTP/1.1 200 OK\r\nx-origin: {self.name}\r\ncontent-length: {len(self.name)}\r\n{closes}\r\n"
        writer.write(lines.encode() + body)
        await writer.drain()
        self.writers[writer] = False


def content_length(head):
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


class Traffic:
    """So many requests a second over so many connections, each of which is used again and again."""

    def __init__(self, port, host, rate, connections):
        self.port, self.host, self.interval, self.connections = port, host, connections / rate, connections
        self.loop, self.numbers, self.results, self.ending = Loop(), itertools.count(), [], False

    def start(self):
        async def begin():
            return [asyncio.create_task(self._worker(number)) for number in range(self.connections)]

        self.tasks = self.loop.run(begin())
        return self

    def stop(self):
        async def end():
            await asyncio.wait(self.tasks)

        self.ending = True
        self.loop.run(end())

    def go_on(self, count):
        """Until so many requests more are answered or failed."""
        wanted = len(self.results) + count
        assert until(lambda: len(self.results) >= wanted, STEP_SECONDS), "the traffic stands still"

    async def _worker(self, number):
        begin = time.monotonic() + self.interval * number / self.connections
        connection = None
        for turn in itertools.count():
            await asyncio.sleep(max(0, begin + turn * self.interval - time.monotonic()))
            if self.ending:
                break
            connection = await self._exchange(connection, METHODS[(number + turn) % len(METHODS)])
        if connection:
            connection[1].close()

    async def _exchange(self, connection, method):
        """The connection for the next one, None if it is over."""
        number, began = next(self.numbers), time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = connection or await asyncio.open_connection("127.0.0.1", self.port)
                status, origin, closes = await self._ask(*connection, method, number)
        except (OSError, asyncio.IncompleteReadError) as error:
            status, origin, closes = type(error).__name__, None, True
        self.results.append(Result(began, time.monotonic() - began, method, number, status, origin))
        if closes and connection:
            connection[1].close()
        return None if closes else connection

    async def _ask(self, reader, writer, method, number):
        content = CONTENT if method in ("PUT", "POST") else b""
        length = f"content-length: {len(content)}\r\n" if content else ""
        writer.write(f"{method} /n/{number} HTTP/1.1\r\nhost: {self.host}\r\n{length}\r\n".encode() + content)
        head = await reader.readuntil(b"\r\n\r\n")
        if method != "HEAD":
            await reader.readexactly(content_length(head))
        lines = head.decode("latin-1").lower().split("\r\n")
        origins = [line.partition(":")[2].strip() for line in lines if line.startswith("x-origin:")]
        return int(lines[0].split(" ")[1]), origins[0] if origins else None, "connection: close" in lines
