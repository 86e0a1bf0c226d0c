"""Packets that are no questions cost a node nothing: it goes on answering, and says what the RFCs say."""

import random
import socket
import struct

import pytest

from dig import dig

QUESTION = b"\x03www\x07example\x03com\x00\x00\x01\x00\x01"
FORMERR, NOTIMP, REFUSED = 1, 4, 5
# The same every run: a failure can be looked at again.
SEED = 20_261_121


def header(identity, flags=0x0100, questions=1, answers=0, authority=0, additional=0):
    return struct.pack("!6H", identity, flags, questions, answers, authority, additional)


def good(identity):
    return header(identity) + QUESTION


@pytest.fixture
def udp(node):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", node.dns_port))
        udp.settimeout(5)
        yield udp


def first_reply(udp, packet):
    """What comes back first when a good question follows: the good one's id says that the bad one got none."""
    udp.send(packet)
    udp.send(good(0x600D))
    replies = {}
    while 0x600D not in replies:
        reply = udp.recv(4096)
        replies[struct.unpack("!H", reply[:2])[0]] = reply[3] & 15
    replies.pop(0x600D)
    return replies


@pytest.mark.parametrize(
    "name, packet, replies",
    [
        ("empty", b"", {}),
        ("shorter than a header", header(7)[:11], {}),
        ("an answer, RFC 1035 4.1.1 QR", header(7, flags=0x8180) + QUESTION, {}),
        ("a header alone that promises a question", header(7), {7: FORMERR}),
        ("a question cut short", good(7)[:-3], {7: FORMERR}),
        ("two questions, RFC 9619", header(7, questions=2) + QUESTION + QUESTION, {7: FORMERR}),
        ("a label that points at itself", header(7) + b"\xc0\x0c\x00\x01\x00\x01", {7: FORMERR}),
        ("a label type that is not in use", header(7) + b"\x80abc\x00\x00\x01\x00\x01", {7: FORMERR}),
        ("STATUS, an opcode that is not served", header(7, flags=0x1000) + QUESTION, {7: NOTIMP}),
        ("two OPT records, RFC 6891 6.1.1",
         header(7, additional=2) + QUESTION + 2 * b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00", {7: FORMERR}),
        ("a client subnet of no family, RFC 7871 7.1.2",
         header(7, additional=1) + QUESTION
         + b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x08\x00\x08\x00\x04\x00\x09\x18\x00", {7: FORMERR}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_packet_that_is_no_question(udp, name, packet, replies):
    assert first_reply(udp, packet) == replies


def test_noise_never_ends_the_server(node, udp, zone):
    dice = random.Random(SEED)
    for _ in range(2_000):
        packet = bytearray(good(7) + dice.randbytes(dice.randrange(40)))
        for _ in range(dice.randrange(1, 8)):
            packet[dice.randrange(len(packet))] = dice.randrange(256)
        udp.send(packet[: dice.randrange(1, len(packet))])
        udp.send(dice.randbytes(dice.randrange(1, 600)))
    assert node.running(), node.log()
    assert dig(node, "absent.example.com").status == "NXDOMAIN"


STREAMS = [b"\x00", b"\x00\x00", b"\xff\xff" + b"\x00" * 100, b"\x00\x05abcde", b"GET / HTTP/1.1\r\n\r\n"]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_is_no_dns_over_tcp(node, zone, stream):
    with socket.create_connection(("127.0.0.1", node.dns_port), timeout=5) as tcp:
        tcp.sendall(stream)
    assert node.running(), node.log()
    assert dig(node, "absent.example.com", options=["+tcp"]).status == "NXDOMAIN"


@pytest.mark.parametrize(
    "method, path, body, status",
    [
        ("POST", "/zones", b"{", 400),
        ("POST", "/zones", b"[]", 400),
        ("POST", "/zones", b"\xff\xfe", 400),
        ("POST", "/zones", b'{"name":' + b"[" * 100_000, 400),
        ("GET", "/no/such/route", None, 404),
        ("GET", "/zones/not-an-id", None, 400),
    ],
    ids=["cut short", "no object", "no text", "nested deep", "no route", "no id"],
)
def test_a_request_that_is_none_is_refused_in_the_envelope(node, method, path, body, status):
    url = node.base_url + path
    answer = node.request(method, url, body, {"content-type": "application/json"})
    assert answer.status == status, answer.text
    envelope = answer.json
    assert (envelope["success"], envelope["result"], bool(envelope["errors"])) == (False, None, True)


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent(node):
    """Once bytes are under way the refusal can be lost with the connection, so the length is looked at first."""
    head = (f"POST /client/v4/zones HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {node.token}\r\n"
            "content-type: application/json\r\ncontent-length: 1000000000\r\n\r\n")
    with socket.create_connection(("127.0.0.1", node.api_port), timeout=5) as tcp:
        tcp.sendall(head.encode())
        assert tcp.recv(64).startswith(b"HTTP/1.1 413 ")
