"""gRPC through the proxy, HTTP/2 on both sides: every kind of call, statuses in trailers, deadlines, metadata."""

import concurrent.futures
import threading
import time

import grpc
import pytest

from node import free_port, until

SERVED_SECONDS = 5
CALL_SECONDS = 10
# A gRPC server keeps to 8 KiB of metadata by default; a proxy may have limits of its own above that.
METADATA_BYTES = 6_000
MESSAGE_BYTES_MAX = 16 * 2**20
UPSTREAM = {"upstream": {"http2": True, "tls": "off"}}


class Echo(grpc.GenericRpcHandler):
    """Bytes in, bytes out; no message types, so nothing has to be generated."""

    def __init__(self):
        self.cancelled = threading.Event()

    def service(self, call):
        handlers = {
            "/echo/Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "/echo/Many": grpc.unary_stream_rpc_method_handler(self.many),
            "/echo/Sum": grpc.stream_unary_rpc_method_handler(lambda requests, _: b"".join(requests)),
            "/echo/Talk": grpc.stream_stream_rpc_method_handler(lambda requests, _: (b"re:" + one for one in requests)),
            "/echo/Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "/echo/FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
            "/echo/Slow": grpc.unary_unary_rpc_method_handler(self.slow),
        }
        return handlers.get(call.method)

    @staticmethod
    def unary(request, context):
        sent = [(name, value) for name, value in context.invocation_metadata() if name.startswith("x-")]
        context.send_initial_metadata(sent)
        context.set_trailing_metadata((("x-trailer", "behind"), ("x-bytes-bin", b"\0\xff")))
        return request

    @staticmethod
    def many(request, _):
        return (b"%d" % number for number in range(int(request)))

    @staticmethod
    def fail(request, context):
        context.abort(grpc.StatusCode[request.decode()], "as asked: é")

    @staticmethod
    def fail_late(request, context):
        yield b"one"
        yield b"two"
        context.abort(grpc.StatusCode.DATA_LOSS, "behind two messages")

    def slow(self, request, context):
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(CALL_SECONDS)
        return request


@pytest.fixture(scope="module")
def echo():
    return Echo()


@pytest.fixture(scope="module")
def host(proxy, echo):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), handlers=[echo],
                         options=[("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)])
    port = server.add_insecure_port(f"127.0.0.1:{free_port()}")
    server.start()
    origin = {"name": "grpc", "address": "127.0.0.1", "port": port}
    yield proxy.balancer("grpc", [proxy.pool("grpc", [origin], trimtab=UPSTREAM)])
    server.stop(None)


@pytest.fixture(scope="module", params=["TLS", "prior knowledge"])
def channel(proxy, host, request):
    """With ALPN, and with the preface at once on the port without TLS: RFC 9113 3.2 and 3.3."""
    options = [("grpc.default_authority", host), ("grpc.ssl_target_name_override", host), ("grpc.enable_http_proxy", 0),
               ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX), ("grpc.max_send_message_length", MESSAGE_BYTES_MAX)]
    if request.param == "TLS":
        credentials = grpc.ssl_channel_credentials(proxy.certificate.read_bytes())
        channel = grpc.secure_channel(f"127.0.0.1:{proxy.https_port}", credentials, options)
    else:
        channel = grpc.insecure_channel(f"127.0.0.1:{proxy.http_port}", options)

    def answers():
        try:
            return channel.unary_unary("/echo/Unary")(b"", timeout=1) == b""
        except grpc.RpcError as error:
            answers.error = error
            return False

    assert until(answers, SERVED_SECONDS), f"{answers.error}\n{proxy.log()}"
    yield channel
    channel.close()


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_536, 5_000_000])
def test_unary(channel, size):
    message = bytes(size)
    assert channel.unary_unary("/echo/Unary")(message, timeout=CALL_SECONDS) == message


def test_server_streaming(channel):
    answers = channel.unary_stream("/echo/Many")(b"1000", timeout=CALL_SECONDS)
    assert list(answers) == [b"%d" % number for number in range(1000)]


def test_client_streaming(channel):
    parts = [bytes([number % 256]) * 1000 for number in range(1000)]
    assert channel.stream_unary("/echo/Sum")(iter(parts), timeout=CALL_SECONDS) == b"".join(parts)


def test_bidirectional_streaming_goes_back_and_forth(channel):
    """Each message waits for the answer to the one before: nothing is held back until the end."""
    answered = threading.Semaphore(1)

    def questions():
        for number in range(100):
            assert answered.acquire(timeout=CALL_SECONDS)
            yield b"%d" % number

    answers = []
    for answer in channel.stream_stream("/echo/Talk")(questions(), timeout=CALL_SECONDS):
        answers.append(answer)
        answered.release()
    assert answers == [b"re:%d" % number for number in range(100)]


@pytest.mark.parametrize("code", list(grpc.StatusCode)[1:], ids=lambda code: code.name)
def test_statuses_in_trailers(channel, code):
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/echo/Fail")(code.name.encode(), timeout=CALL_SECONDS)
    assert (error.value.code(), error.value.details()) == (code, "as asked: é")


def test_a_status_behind_messages(channel):
    messages = []
    with pytest.raises(grpc.RpcError) as error:
        for message in channel.unary_stream("/echo/FailLate")(b"", timeout=CALL_SECONDS):
            messages.append(message)
    assert (messages, error.value.code()) == ([b"one", b"two"], grpc.StatusCode.DATA_LOSS)


def test_a_method_that_there_is_not(channel):
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/echo/Absent")(b"", timeout=CALL_SECONDS)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_metadata_of_both_ways(channel):
    sent = (("x-text", "a" * METADATA_BYTES), ("x-data-bin", bytes(range(256))))
    answer, call = channel.unary_unary("/echo/Unary").with_call(b"m", timeout=CALL_SECONDS, metadata=sent)
    begin = {name: value for name, value in call.initial_metadata() if name in ("x-text", "x-data-bin")}
    end = dict(call.trailing_metadata())
    assert (answer, begin) == (b"m", dict(sent))
    assert (end["x-trailer"], end["x-bytes-bin"]) == ("behind", b"\0\xff")


def test_a_deadline_ends_the_call_on_both_sides(channel, echo):
    echo.cancelled.clear()
    begin = time.monotonic()
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/echo/Slow")(b"", timeout=0.5)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begin < 2
    assert echo.cancelled.wait(2), "the origin still works for nobody"


def test_a_client_that_cancels_is_seen_by_the_origin(channel, echo):
    echo.cancelled.clear()
    call = channel.unary_unary("/echo/Slow").future(b"", timeout=CALL_SECONDS)
    # A second call on the same connection: by its answer the first one is under way.
    assert channel.unary_unary("/echo/Unary")(b"x", timeout=CALL_SECONDS) == b"x"
    call.cancel()
    assert echo.cancelled.wait(2), "the origin still works for nobody"


def test_many_calls_at_once(channel):
    calls = [channel.unary_unary("/echo/Unary").future(b"%d" % number, timeout=CALL_SECONDS) for number in range(200)]
    assert [call.result() for call in calls] == [b"%d" % number for number in range(200)]
