"""TLS with clients: which certificate, which versions, resumption, ALPN, and what a scanner says. TLS with origins."""

import os
import pathlib
import random
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from clients import PATIENCE_SECONDS, Http1, plain, secure
from node import until
from proxy import SERVED_SECONDS
from scripted_origin import Http2Origin, ScriptedOrigin, says
from test_certificates import Issued

REPLACED_SECONDS = 1
HANDSHAKERS = 4
# Whether the program was built with the cargo feature aws-lc-rs.
AWS_LC = os.environ.get("TRIMTAB_AWS_LC") == "1"
NAME = "origin.internal"
# Two years, as the intermediate configuration of Mozilla asks for.
HSTS = b"HTTP/1.1 200 OK\r\nstrict-transport-security: max-age=63072000\r\ncontent-length: 2\r\n\r\nok"


def context(protocols=(), least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3):
    """A client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # Python's OpenSSL has old versions off by default; the proxy is to refuse them, not we.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = least, most
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


def connect(proxy, name, made=None, session=None):
    tcp = socket.create_connection(("127.0.0.1", proxy.https_port), PATIENCE_SECONDS)
    try:
        return (made or context()).wrap_socket(tcp, server_hostname=name, session=session)
    except BaseException:
        tcp.close()
        raise


def served(proxy, name):
    with connect(proxy, name) as connection:
        return connection.getpeercert(binary_form=True)


def leaf(chain):
    return ssl.PEM_cert_to_DER_cert(chain[: chain.index("-----END") + len("-----END CERTIFICATE-----")] + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("issued")


@pytest.fixture(scope="module")
def certificates(proxy, folder):
    """What is served by the names that it is for."""
    named = {"www": ["www.example.com"], "deep": ["*.deep.example.com"], "renewed": ["www.example.com"]}
    issued = {name: Issued(folder / name, *names) for name, names in named.items()}
    issued["id"] = upload(proxy, issued["www"])
    upload(proxy, issued["deep"])
    assert until(lambda: served(proxy, "a.deep.example.com") == leaf(issued["deep"].chain), SERVED_SECONDS)
    return issued


def upload(proxy, issued):
    body = {"certificate": issued.chain, "private_key": issued.key}
    return proxy.node.create(f"/zones/{proxy.zone}/custom_certificates", body)["id"]


@pytest.fixture(scope="module")
def host(proxy):
    origin = ScriptedOrigin({"/": says(HSTS)}).start()
    yield proxy.wait(proxy.balancer("tls", [proxy.pool("tls", [origin])]))
    origin.kill()


# === clients ===


@pytest.mark.parametrize("name, which", [
    ("www.example.com", "www"), ("WWW.Example.Com", "www"), ("a.deep.example.com", "deep"), ("example.com", "zone"),
    ("deep.example.com", "zone"), ("any.example.com", "zone"), ("a.b.deep.example.com", None), ("example.org", None),
    ("a.any.example.com", None), (None, None),
])
def test_rfc_6066_section_3_the_certificate_for_the_name_asked_for(proxy, certificates, name, which):
    chains = {"zone": proxy.certificate.read_text(), **{name: certificates[name].chain for name in ("www", "deep")}}
    got = served(proxy, name)
    assert next((known for known, chain in chains.items() if leaf(chain) == got), None) == which
    assert (b"trimtab.invalid" in got) == (which is None)


def test_a_replaced_certificate_is_served_at_once_and_no_handshake_is_lost(proxy, certificates):
    new, ended, handshakes, failed = leaf(certificates["renewed"].chain), threading.Event(), [], []

    def shake_hands():
        while not ended.is_set():
            begun = time.monotonic()
            try:
                handshakes.append((begun, served(proxy, "www.example.com") == new))
            except OSError as error:
                failed.append(error)

    threads = [threading.Thread(target=shake_hands) for _ in range(HANDSHAKERS)]
    for thread in threads:
        thread.start()
    try:
        assert until(lambda: len(handshakes) > 20, PATIENCE_SECONDS)
        body = {"certificate": certificates["renewed"].chain, "private_key": certificates["renewed"].key}
        path = f"/zones/{proxy.zone}/custom_certificates/{certificates['id']}"
        assert proxy.node.api("PATCH", path, body).status == 200
        acknowledged = time.monotonic()
        assert until(lambda: handshakes[-1][0] > acknowledged + REPLACED_SECONDS, PATIENCE_SECONDS)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert failed == []
    late = [is_new for begun, is_new in handshakes if begun > acknowledged + REPLACED_SECONDS]
    assert late and all(late) and not handshakes[0][1]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_rfc_8446_a_session_is_resumed(proxy, host, version):
    made = context(least=version, most=version)
    with Http1(connect(proxy, host, made), host) as client:
        assert client.ask().status == 200
        assert client.sock.version() == version.name.replace("_", ".") and not client.sock.session_reused
        session = client.sock.session
    with Http1(connect(proxy, host, made, session), host) as client:
        assert client.ask().status == 200 and client.sock.session_reused


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_rfc_8996_old_versions_are_refused(proxy, host, version):
    with pytest.raises(ssl.SSLError, match="alert (protocol version|handshake failure)"):
        connect(proxy, host, context(least=version, most=version))


@pytest.mark.parametrize("offered, chosen", [
    (["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), (["h3", "http/1.1"], "http/1.1"),
    ([], None),
])
def test_rfc_7301_section_3_2_what_is_spoken(proxy, host, offered, chosen):
    with connect(proxy, host, context(offered)) as connection:
        assert connection.selected_alpn_protocol() == chosen


def test_rfc_7301_section_3_2_nothing_in_common_is_an_alert(proxy, host):
    with pytest.raises(ssl.SSLError, match="alert no application protocol"):
        connect(proxy, host, context(["h3"]))


@pytest.mark.parametrize("group, taken", [
    ("X25519", True), ("P-256", True), ("P-384", True), ("X25519MLKEM768", AWS_LC), ("X25519MLKEM768:X25519", True), ("P-521", False),
])
def test_the_groups_that_keys_are_exchanged_by(proxy, host, group, taken):
    curl_cffi = pytest.importorskip("curl_cffi")

    options = {curl_cffi.CurlOpt.SSL_EC_CURVES: group, curl_cffi.CurlOpt.RESOLVE: [f"{host}:{proxy.https_port}:127.0.0.1"]}
    with curl_cffi.Session(verify=str(proxy.certificate), curl_options=options, timeout=PATIENCE_SECONDS) as session:
        try:
            answered = session.get(f"https://{host}:{proxy.https_port}/").status_code == 200
        except curl_cffi.exceptions.SSLError:
            answered = False
    assert answered == taken


def test_a_scanner_finds_nothing_beside_the_intermediate_configuration_of_mozilla(proxy, host):
    pytest.importorskip("sslyze")
    command = [pathlib.Path(sys.executable).parent / "sslyze", "--mozilla_config", "intermediate",
               "--certinfo_ca_file", proxy.certificate, f"{host}:{proxy.https_port}{{127.0.0.1}}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = done.stdout[done.stdout.rindex("COMPLIANCE AGAINST"):]
    assert done.returncode == 0 and ": OK - " in found, found


# === origins ===


class Origins:
    """Origins of TLS with certificates of one authority, and balancers for them."""

    def __init__(self, proxy, folder):
        self.proxy, self.running, self.asked = proxy, [], []
        self.inner, self.outer = Issued(folder / "inner", NAME), Issued(folder / "outer", "*.example.com")
        self.client = Issued(folder / "client", "client.internal")

    def context(self, issued, protocols=("http/1.1",), wants_client=False):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file(issued, "leaf.pem"), self.file(issued, "leaf.key"))
        made.set_alpn_protocols(protocols)
        made.sni_callback = lambda _socket, name, _context: self.asked.append(name)
        if wants_client:
            made.verify_mode = ssl.CERT_REQUIRED
            made.load_verify_locations(self.file(self.client, "ca.pem"))
        return made

    @staticmethod
    def file(issued, name):
        return issued.folder / name

    def start(self, origin):
        self.running.append(origin.start())
        return origin

    def host(self, label, origin, upstream, status=200, header=None, **more):
        body = {"name": "a", "address": origin.address, "port": origin.port, "header": header or {}}
        pool = self.proxy.pool(label, [body], trimtab={"upstream": upstream}, **more)
        return self.proxy.wait(self.proxy.balancer(label, [pool]), status=status)


@pytest.fixture(scope="module")
def origins(proxy, folder):
    origins = Origins(proxy, folder)
    yield origins
    for origin in origins.running:
        origin.kill()


def authority(issued):
    return (issued.folder / "ca.pem").read_text()


@pytest.mark.parametrize("which, upstream, status, asked", [
    ("inner", {}, 526, "HOST"),
    ("inner", {"verify": False}, 200, "HOST"),
    ("inner", {"verify": False, "server_name": "x.internal"}, 200, "x.internal"),
    ("inner", {"ca": "inner"}, 526, "HOST"),
    ("inner", {"ca": "inner", "server_name": NAME}, 200, NAME),
    ("inner", {"ca": "inner", "server_name": "x.internal"}, 526, "x.internal"),
    ("inner", {"ca": "outer", "server_name": NAME}, 526, NAME),
    ("outer", {"ca": "outer"}, 200, "HOST"),
    ("outer", {"ca": "outer", "header": "inner.example.com"}, 200, "inner.example.com"),
])
def test_an_origins_certificate_is_for_its_name(origins, which, upstream, status, asked):
    issued = getattr(origins, which)
    origin = origins.start(ScriptedOrigin({}, origins.context(issued)))
    settings = {"tls": "on", **upstream}
    header = {"Host": [settings.pop("header")]} if "header" in settings else None
    if "ca" in settings:
        settings["ca"] = authority(getattr(origins, settings["ca"]))
    label = f"origin-{origin.port}"
    origins.host(label, origin, settings, status, header)
    assert origins.asked[-1] == asked.replace("HOST", f"{label}.example.com")


@pytest.mark.parametrize("shown, status", [("client", 200), (None, 525), ("inner", 525)])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_origin_that_wants_a_certificate_gets_the_pools(origins, version, shown, status):
    made = origins.context(origins.inner, wants_client=True)
    made.minimum_version = made.maximum_version = version
    origin = origins.start(ScriptedOrigin({}, made))
    upstream = {"tls": "on", "ca": authority(origins.inner), "server_name": NAME}
    if shown:
        issued = getattr(origins, shown)
        upstream |= {"client_certificate": issued.chain, "client_key": issued.key}
    host = origins.host(f"mutual-{origin.port}", origin, upstream, status)
    with plain(origins.proxy, host) as client:
        assert [client.ask("POST", "/x", body=b"x").status for _ in range(3)] == [status] * 3


def test_rfc_9113_section_3_2_http_2_to_an_origin(origins):
    made = origins.context(origins.inner, ["h2"])
    origin = origins.start(Http2Origin({}, made))
    upstream = {"tls": "on", "ca": authority(origins.inner), "server_name": NAME, "http2": True}
    host = origins.host(f"h2-{origin.port}", origin, upstream)
    with secure(origins.proxy, host) as client:
        assert [client.ask("POST", "/x", body=b"x").status for _ in range(3)] == [200] * 3
    assert origin.spoken == {"h2"}


def test_tls_is_spoken_where_the_monitor_does_and_on_port_443(origins):
    origin = origins.start(ScriptedOrigin({}, origins.context(origins.inner)))
    origins.host("monitored", origin, {"verify": False}, monitored={"type": "https", "allow_insecure": True})
    well_known = ScriptedOrigin({}, origins.context(origins.inner))
    well_known.address, well_known.port = f"127.77.{random.randrange(256)}.{random.randrange(1, 255)}", 443
    try:
        origins.start(well_known)
    except PermissionError:
        pytest.skip("only root has port 443")
    origins.host("well-known", well_known, {"verify": False})
    # Nobody asks for it here: what comes is no handshake, and the origin hangs up.
    origins.host("plain", origin, {"verify": False}, status=521)
