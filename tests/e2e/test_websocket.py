"""WebSocket through the proxy, RFC 6455: frames of every size, pings, closes, many idle ones, an origin that dies."""

import asyncio
import json
import ssl
import threading

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from node import free_port

HOST = "ws.example.com"
# The borders of the three forms of a frame's length (5.2), and a message of many reads.
SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576]
IDLE_CONNECTIONS = 500
IDLE_SECONDS = 5
TOLD_SECONDS = 3
MESSAGE_BYTES_MAX = 2**22


class EchoOrigin:
    """Echoes by path, in a loop of its own; kill() is a power cut: no close frames."""

    name = "echo"

    def __init__(self):
        self.address, self.port = "127.0.0.1", free_port()
        self.loop, self.connections, self.closes = asyncio.new_event_loop(), set(), []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def start(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(self._serve(), self.loop).result()
        return self

    async def _serve(self):
        return await serve(self._handle, self.address, self.port, max_size=MESSAGE_BYTES_MAX, ping_interval=None,
                           select_subprotocol=self._choose, process_request=self._refuse)

    @staticmethod
    def _choose(_, offered):
        return "chat" if "chat" in offered else None

    @staticmethod
    def _refuse(connection, request):
        if request.path == "/no":
            return connection.respond(403, "no\n")
        if request.path == "/":  # a look whether the host is served
            return connection.respond(200, "yes\n")
        return None

    async def _handle(self, websocket):
        self.connections.add(websocket)
        try:
            await self._talk(websocket)
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(websocket)
            self.closes.append((websocket.close_code, websocket.close_reason))

    async def _talk(self, websocket):
        path, _, argument = websocket.request.path.partition("?")
        if path == "/close":
            await websocket.close(int(argument), "by the origin")
        elif path == "/headers":
            await websocket.send(json.dumps({name.lower(): value for name, value in websocket.request.headers.raw_items()}))
        elif path == "/ping":
            await (await websocket.ping(b"of the origin"))
            await websocket.send("pong came")
            await websocket.wait_closed()
        elif path == "/fragments":
            parts = [part async for part in websocket.recv_streaming()]
            await websocket.send(json.dumps([len(part) for part in parts]))
            await websocket.send(iter(parts))
        else:
            async for message in websocket:
                await websocket.send(message)

    def kill(self):
        self.loop.call_soon_threadsafe(self._cut)

    def _cut(self):
        self.server.close(close_connections=False)
        for websocket in list(self.connections):
            websocket.transport.abort()


@pytest.fixture(scope="module")
def origin(proxy):
    origin = EchoOrigin().start()
    assert proxy.wait(proxy.balancer("ws", [proxy.pool("ws", [origin])])) == HOST
    yield origin
    origin.kill()


@pytest.fixture(params=["ws", "wss"])
def connected(proxy, origin, request):
    """Connects by path, with TLS and without."""
    def to(path, **more):
        return open_to(proxy, request.param, path, **more)

    return to


def open_to(proxy, scheme, path, host=HOST, **more):
    port = {"ws": proxy.http_port, "wss": proxy.https_port}[scheme]
    tls = {"ssl": ssl.create_default_context(cafile=proxy.certificate)} if scheme == "wss" else {}
    options = {"max_size": MESSAGE_BYTES_MAX, "ping_interval": None, "proxy": None, "open_timeout": 10, **tls, **more}
    return connect(f"{scheme}://{host}{path}", host="127.0.0.1", port=port, **options)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def test_messages_of_every_size(connected):
    async def talk():
        async with connected("/echo", compression=None) as websocket:
            for size in SIZES:
                for message in (bytes(size), "é" * (size // 2)):
                    await websocket.send(message)
                    assert await websocket.recv() == message

    run(talk())


def test_messages_with_compression(connected):
    async def talk():
        async with connected("/echo", compression="deflate") as websocket:
            assert websocket.protocol.extensions
            for size in SIZES:
                await websocket.send(bytes(size))
                assert await websocket.recv() == bytes(size)

    run(talk())


def test_5_4_fragments_stay_fragments(connected):
    async def talk():
        async with connected("/fragments", compression=None) as websocket:
            parts = [b"a", b"b" * 126, b"", b"c" * 70_000, b"d"]
            await websocket.send(iter(parts))
            # The library ends a message with an empty fragment of its own.
            assert json.loads(await websocket.recv())[:-1] == [len(part) for part in parts]
            assert [part async for part in websocket.recv_streaming()][: len(parts)] == parts

    run(talk())


def test_5_5_2_pings_of_either_side_are_answered_by_the_other(connected):
    async def talk():
        async with connected("/ping") as websocket:
            await asyncio.wait_for(await websocket.ping(b"of the client"), 5)
            assert await websocket.recv() == "pong came"

    run(talk())


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 3000, 4999])
def test_7_4_the_origin_s_code_comes_through(connected, code):
    async def talk():
        async with connected(f"/close?{code}") as websocket:
            with pytest.raises(ConnectionClosed):
                await websocket.recv()
            assert (websocket.close_code, websocket.close_reason) == (code, "by the origin")

    run(talk())


@pytest.mark.parametrize("code", [1000, 1001, 4321])
def test_7_4_the_client_s_code_comes_through(connected, origin, code):
    async def talk():
        websocket = await connected("/echo")
        reason = f"by client {id(websocket)}"
        await websocket.close(code, reason)
        while reason not in dict(map(reversed, origin.closes)):
            await asyncio.sleep(0.01)
        assert (code, reason) in origin.closes

    run(talk())


def test_both_sides_send_at_once(connected):
    """Neither direction waits for the other."""
    async def talk():
        async with connected("/echo", compression=None) as websocket:
            messages = [bytes([number]) * 50_000 for number in range(200)]

            async def send():
                for message in messages:
                    await websocket.send(message)

            sending = asyncio.create_task(send())
            for message in messages:
                assert await websocket.recv() == message
            await sending

    run(talk())


def test_4_1_what_the_handshake_says_comes_through(connected):
    async def talk():
        async with connected("/headers", subprotocols=["other", "chat"], origin="https://example.com") as websocket:
            fields = json.loads(await websocket.recv())
            assert websocket.subprotocol == "chat"
            assert (fields["upgrade"].lower(), fields["connection"].lower()) == ("websocket", "upgrade")
            assert (fields["host"], fields["origin"]) == (HOST, "https://example.com")
            assert fields["x-forwarded-for"] == "127.0.0.1"

    run(talk())


def test_4_2_2_a_refusal_comes_through(connected):
    async def talk():
        with pytest.raises(InvalidStatus) as refusal:
            await connected("/no")
        assert (refusal.value.response.status_code, refusal.value.response.body) == (403, b"no\n")

    run(talk())


def test_idle_connections_live_and_every_one_still_echoes(proxy, origin):
    async def talk():
        opening = [open_to(proxy, "ws", "/echo", open_timeout=30) for _ in range(IDLE_CONNECTIONS)]
        websockets = await asyncio.gather(*opening)
        # To be idle for so long is what is tested.
        await asyncio.sleep(IDLE_SECONDS)

        async def echo(number, websocket):
            await websocket.send(str(number))
            return await websocket.recv()

        answers = await asyncio.gather(*(echo(number, websocket) for number, websocket in enumerate(websockets)))
        assert answers == [str(number) for number in range(IDLE_CONNECTIONS)]
        await asyncio.gather(*(websocket.close() for websocket in websockets))

    run(talk())


def test_when_the_origin_dies_every_client_is_told(proxy):
    mortal = EchoOrigin().start()
    host = proxy.wait(proxy.balancer("mortal", [proxy.pool("mortal", [mortal])]))

    async def talk():
        websockets = await asyncio.gather(*(open_to(proxy, "ws", "/echo", host=host) for _ in range(50)))
        mortal.kill()
        waiting = [asyncio.create_task(websocket.wait_closed()) for websocket in websockets]
        _, pending = await asyncio.wait(waiting, timeout=TOLD_SECONDS)
        assert not pending, f"{len(pending)} clients were not told"
        # 7.1.5: nobody sent a close frame.
        assert {websocket.close_code for websocket in websockets} == {1006}

    run(talk())
