"""What origins are told of clients, clients of origins, and which fields end at the proxy: RFC 9110 7.6, RFC 8586."""

import itertools
import re
import socket
import struct
import time
from email.utils import parsedate_to_datetime

import pytest

from clients import TRUSTED, UNTRUSTED, WAYS, Fields, known_beforehand, multiplexed, plain, secure
from node import until
from proxy import SERVED_SECONDS, Proxy
from scripted_origin import ScriptedOrigin, says

RAY = re.compile(r"[0-9a-f]{16}-FRA")
# Of the university of Tokyo, where the embedded table knows it to be.
IN_JAPAN = "133.11.0.1"
ELSEWHERE = "192.0.2.77"
numbers = itertools.count()


SCRIPTS = {
    "/hops": says(b"HTTP/1.1 200 OK\r\nconnection: keep-alive, X-Secret\r\nkeep-alive: timeout=5\r\nx-secret: 1\r\n"
                  b"proxy-connection: keep-alive\r\nupgrade: h2c\r\nx-kept: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
                  b"cf-ray: 0000000000000000-XXX\r\ncontent-length: 0\r\n\r\n"),
    "/dated": says(b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n"),
}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    proxy = Proxy(tmp_path_factory.mktemp("proxy"), f'trusted_proxies = ["{TRUSTED}/32"]').start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def origin():
    origin = ScriptedOrigin(SCRIPTS).start()
    yield origin
    origin.kill()


@pytest.fixture(scope="module")
def host(proxy, origin):
    return proxy.wait(proxy.balancer("headers", [proxy.pool("headers", [origin])]))


def path():
    """One that nothing else asks for."""
    return f"/{next(numbers)}"


# === who the client is ===


def expected(**changed):
    """What the proxy says of a client without TLS on this machine, and of a request that came straight from it."""
    told = {"x-forwarded-for": UNTRUSTED, "x-forwarded-proto": "http", "cf-connecting-ip": UNTRUSTED,
            "cf-ipcountry": "XX", "cf-visitor": '{"scheme":"http"}', "cdn-loop": "trimtab"}
    return told | {name.replace("_", "-"): value for name, value in changed.items()}


def seen(origin, path):
    """Fields of the request as text, the ray apart."""
    fields = Fields((name.decode(), value.decode()) for name, value in origin.last(path).fields)
    ray = fields.one("cf-ray")
    assert RAY.fullmatch(ray), ray
    return Fields(pair for pair in fields if pair[0] != "cf-ray"), ray


SECURE = {"x_forwarded_proto": "https", "cf_visitor": '{"scheme":"https"}'}
FORGED = [("X-Forwarded-For", ELSEWHERE), ("X-Forwarded-Proto", "gopher"), ("CF-Connecting-IP", ELSEWHERE),
          ("CF-Ray", "1234567890abcdef-SJC"), ("CF-IPCountry", "T1"), ("CF-Visitor", '{"scheme":"gopher"}')]


@pytest.mark.parametrize("way, told", [
    (plain, expected()), (known_beforehand, expected()), (secure, expected(**SECURE)), (multiplexed, expected(**SECURE)),
])
@pytest.mark.parametrize("sent", [[], FORGED], ids=["bare", "forged"])
def test_semantics_36_an_origin_gets_these_fields_and_no_others(proxy, origin, host, way, told, sent):
    asked = path()
    with way(proxy, host) as client:
        answer = client.ask("GET", asked, [("User-Agent", "t"), *sent, ("X-Kept", "a"), ("X-Kept", "b")])
    fields, ray = seen(origin, asked)
    assert fields[0] == ("host", host) and sorted(fields) == sorted(
        [("host", host), ("user-agent", "t"), ("x-kept", "a"), ("x-kept", "b"), *told.items()])
    assert (answer.status, answer.fields.one("cf-ray")) == (200, ray)


def test_semantics_36_no_two_requests_have_one_ray(proxy, origin, host):
    asked = path()
    with plain(proxy, host) as client:
        rays = [client.ask("GET", asked).fields.one("cf-ray") for _ in range(50)]
    assert len(set(rays)) == 50


def v2(source, command=0x21):
    addresses = socket.inet_aton(source) + socket.inet_aton(UNTRUSTED) + struct.pack(">HH", 1, 80)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH", command, 0x11, len(addresses)) + addresses


V1 = f"PROXY TCP4 {IN_JAPAN} 127.0.0.1 1 80\r\n".encode()
V1_TRUSTED = f"PROXY TCP4 {TRUSTED} 127.0.0.1 1 80\r\n".encode()
OF_JAPAN = {"cf_connecting_ip": IN_JAPAN, "cf_ipcountry": "JP"}


@pytest.mark.parametrize("sent, before, told", [
    ([], b"", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([("X-Forwarded-For", IN_JAPAN)], b"", expected(**OF_JAPAN, x_forwarded_for=f"{IN_JAPAN}, {TRUSTED}")),
    ([("X-Forwarded-For", f"{IN_JAPAN},{ELSEWHERE}"), ("X-Forwarded-For", "10.0.0.1")], b"",
     expected(**OF_JAPAN, x_forwarded_for=f"{IN_JAPAN}, {ELSEWHERE}, 10.0.0.1, {TRUSTED}")),
    ([("X-Forwarded-For", ELSEWHERE), ("CF-Connecting-IP", IN_JAPAN)], b"",
     expected(**OF_JAPAN, x_forwarded_for=f"{ELSEWHERE}, {TRUSTED}")),
    ([("CF-Connecting-IP", IN_JAPAN)], b"", expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([("CF-Connecting-IP", "nonsense")], b"", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([("X-Forwarded-Proto", "https"), ("CF-Visitor", '{"scheme":"https"}')], b"",
     expected(**SECURE, x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([("CF-IPCountry", "T1")], b"", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([], V1, expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([], v2(IN_JAPAN), expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([], b"PROXY UNKNOWN\r\n", expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    ([], v2(IN_JAPAN, 0x20), expected(x_forwarded_for=TRUSTED, cf_connecting_ip=TRUSTED)),
    # A balancer that speaks for somebody is believed, whom it speaks for is not; unless that is another balancer.
    ([("X-Forwarded-For", ELSEWHERE), ("CF-Connecting-IP", ELSEWHERE)], V1, expected(**OF_JAPAN, x_forwarded_for=IN_JAPAN)),
    ([("X-Forwarded-For", IN_JAPAN)], V1_TRUSTED, expected(**OF_JAPAN, x_forwarded_for=f"{IN_JAPAN}, {TRUSTED}")),
])
def test_semantics_20_a_trusted_proxy_is_believed(proxy, origin, host, sent, before, told):
    asked = path()
    with plain(proxy, host, TRUSTED, before) as client:
        assert client.ask("GET", asked, sent).status == 200
    fields, _ = seen(origin, asked)
    assert sorted(fields) == sorted([("host", host), *told.items()])


@pytest.mark.parametrize("before", [V1, v2(IN_JAPAN)], ids=["v1", "v2"])
def test_semantics_20_a_header_of_somebody_else_is_no_request(proxy, host, before):
    with plain(proxy, host, UNTRUSTED, before) as client:
        answer = client.ask()
    assert answer is None or answer.status == 400


def test_semantics_36_the_endpoints_own_host_is_sent(proxy, origin):
    body = {"name": "a", "address": origin.address, "port": origin.port, "header": {"Host": ["inner.example.com"]}}
    host = proxy.wait(proxy.balancer("override", [proxy.pool("override", [body])]))
    asked = path()
    with plain(proxy, host) as client:
        client.ask("GET", asked)
    assert seen(origin, asked)[0].all("host") == ["inner.example.com"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sent, status, passed", [
    (["other"], 200, "other, trimtab"),
    (["other; loops=1, another", "third"], 200, "other; loops=1, another, third, trimtab"),
    (["trimtabs, x-trimtab"], 200, "trimtabs, x-trimtab, trimtab"),
    (["trimtab"], 508, None),
    (["other, Trimtab; loops=2"], 508, None),
    (["other", "trimtab"], 508, None),
])
def test_rfc_8586_section_2_a_loop_is_refused(proxy, origin, host, way, sent, status, passed):
    asked = path()
    with way(proxy, host) as client:
        assert client.ask("GET", asked, [("CDN-Loop", value) for value in sent]).status == status
    if passed:
        assert seen(origin, asked)[0].one("cdn-loop") == passed
    else:
        assert origin.seen(asked.encode()) == []


# === what ends here ===


@pytest.mark.parametrize("way", [plain, secure])
def test_rfc_9110_section_7_6_1_fields_of_one_hop_end_there(proxy, origin, host, way):
    asked = path()
    hops = [("Connection", "keep-alive, X-Mine"), ("X-Mine", "1"), ("Keep-Alive", "timeout=9"), ("TE", "trailers, gzip"),
            ("Proxy-Connection", "keep-alive"), ("Proxy-Authorization", "Basic eDp5"), ("Upgrade", "h2c"),
            ("Trailer", "x-sum"), ("HTTP2-Settings", "AAMAAABk"), ("X-Kept", "1")]
    with way(proxy, host) as client:
        assert client.ask("GET", asked, hops).status == 200
        answer = client.ask("GET", "/hops")
    kept = {name for name, _ in seen(origin, asked)[0]} - set(expected())
    assert kept == {"host", "x-kept"}
    date, ray = answer.fields.one("date"), answer.fields.one("cf-ray")
    assert RAY.fullmatch(ray)
    assert answer.fields == [("x-kept", "1"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("date", date), ("cf-ray", ray),
                             ("content-length", "0")]


def test_rfc_9110_section_7_6_1_fields_that_name_the_client_cannot_be_taken_out(proxy, origin, host):
    asked = path()
    with plain(proxy, host) as client:
        client.ask("GET", asked, [("Connection", ", ".join(["host", "cf-ray", *expected()]))])
    assert sorted(seen(origin, asked)[0]) == sorted([("host", host), *expected().items()])


@pytest.mark.parametrize("way", [multiplexed, known_beforehand])
def test_rfc_9113_section_8_2_te_ends_here_and_crumbs_of_cookies_are_one_field(proxy, origin, host, way):
    asked = path()
    with way(proxy, host) as client:
        client.ask("GET", asked, [("cookie", "a=1"), ("te", "trailers"), ("cookie", "b=2; c=3"), ("cookie", "d=4")])
        answer = client.ask("GET", "/hops")
    fields, _ = seen(origin, asked)
    assert (fields.all("cookie"), fields.all("te")) == (["a=1; b=2; c=3; d=4"], [])
    assert {name for name, _ in answer.fields} == {"x-kept", "set-cookie", "cf-ray", "content-length", "date"}


DATED = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize("way", WAYS)
def test_rfc_9110_section_6_6_1_every_response_has_one_date(proxy, host, way):
    """The origin's own, or where it has none the time of its passing; and those made here have theirs."""
    def age(answer):
        return time.time() - parsedate_to_datetime(answer.fields.one("date")).timestamp()

    with way(proxy, host) as client:
        assert client.ask("GET", "/dated").fields.one("date") == DATED
        assert -2 < age(client.ask("GET", path())) < 30
    with way(proxy, "nobody.example.com") as client:
        answer = client.ask()
        assert (answer.status, -2 < age(answer) < 30) == (421, True)


# === what operators see ===


def test_our_own_fields_are_for_those_who_ask_for_them(tmp_path, proxy, origin, host):
    with plain(proxy, host) as client:
        names = {name for name, _ in client.ask().fields}
    assert not [name for name in names if name.startswith("x-trimtab") or name == "server-timing"]
    open_hearted = Proxy(tmp_path, "expose = true").start()
    try:
        host = open_hearted.wait(open_hearted.balancer("told", [open_hearted.pool("told", [origin])]))
        assert until(lambda: open_hearted.status(host) == 200, SERVED_SECONDS)
        with plain(open_hearted, host) as client:
            fields = client.ask().fields
        told = [fields.one(f"x-trimtab-{name}") for name in ("pool", "origin", "why")]
        assert told == ["told", origin.name, "steered"]
        assert re.fullmatch(r"origin;dur=[0-9]+\.[0-9]", fields.one("server-timing"))
    finally:
        open_hearted.stop()
