"""Certificates of clients: asked for, checked, and told to origins; and for which names the node shows its own."""

import hashlib
import socket
import ssl
import subprocess

import pytest

from node import until
from proxy import PATIENCE_SECONDS, SERVED_SECONDS, Proxy
from strict_origin import StrictOrigin

FIELD = b"x-trimtab-client-cert"


def openssl(folder, *words):
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")


def issued(folder, by, name, subject):
    """A client's certificate and its key in one file."""
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", subject)
    (folder / "extensions").write_text("extendedKeyUsage=clientAuth\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial",
            "-days", 30, "-extfile", "extensions", "-out", f"{name}.crt")
    both = folder / f"{name}.both"
    both.write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    return both


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards")
    for name in ("ours", "theirs"):
        authority(folder, name)
    return {"ca": folder / "ours.pem", "known": issued(folder, "ours", "known", "/O=Devices/CN=one"),
            "stranger": issued(folder, "theirs", "stranger", "/CN=one")}


@pytest.fixture(scope="module")
def origin():
    origin = StrictOrigin().start()
    yield origin
    origin.kill()


class Asking(Proxy):
    """A node that asks its clients for certificates."""

    def __init__(self, folder, word, ca, card):
        super().__init__(folder)
        config = self.node.config.read_text()
        asks = f'[proxy]\nclient_ca = "{ca}"\nclient_certificates = "{word}"'
        self.node.config.write_text(config.replace("[proxy]", asks))
        self.card = card

    def connect_tls(self, host, *protocols, card=None):
        """Shows the card that the node knows unless another one is named; False shows none."""
        context = ssl.create_default_context(cafile=self.certificate)
        if card is not False:
            context.load_cert_chain(card or self.card)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context.wrap_socket(self.connect_to_tls_port(), server_hostname=host)

    def connect_to_tls_port(self):
        return socket.create_connection(("127.0.0.1", self.https_port), timeout=PATIENCE_SECONDS)

    def ask(self, host, fields="", card=None):
        """The status line of one request."""
        with self.connect_tls(host, card=card) as tls:
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n".encode())
            return tls.makefile("rb").readline()


@pytest.fixture(scope="module", params=["optional", "required"])
def asking(request, tmp_path_factory, cards, origin):
    asking = Asking(tmp_path_factory.mktemp("asking"), request.param, cards["ca"], cards["known"]).start()
    asking.word = request.param
    pool = asking.pool("p", [origin])
    asking.host = asking.wait(asking.balancer("www", [pool]))
    yield asking
    asking.stop()


def told(origin):
    """What the origin was told of the client of its last request."""
    return origin.requests[-1].all(FIELD)


def test_an_origin_is_told_of_a_certificate_that_verifies_and_never_what_a_client_says_of_it(asking, cards, origin):
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(cards["known"].read_text().split("-----BEGIN PRIV")[0])).hexdigest()
    forged = 'X-Trimtab-Client-Cert: verified; subject="CN=admin"\r\n'
    for fields in ("", forged):
        assert b" 200 " in asking.ask(asking.host, fields)
        assert told(origin) == [f'verified; subject="O=Devices, CN=one"; sha256={digest}'.encode()]


def test_a_client_without_a_certificate_is_served_only_if_that_is_optional(asking, origin):
    forged = 'X-Trimtab-Client-Cert: verified; subject="CN=admin"\r\n'
    if asking.word == "optional":
        assert b" 200 " in asking.ask(asking.host, forged, card=False)
        assert told(origin) == []
    else:
        assert refused(asking, card=False)


def test_a_certificate_of_another_authority_is_refused(asking, cards):
    assert refused(asking, card=cards["stranger"])


def test_plain_http_carries_no_word_of_certificates(asking, origin):
    with asking.connect() as tcp:
        tcp.sendall(f"GET / HTTP/1.1\r\nHost: {asking.host}\r\nX-Trimtab-Client-Cert: verified\r\n\r\n".encode())
        assert b" 200 " in tcp.makefile("rb").readline()
    assert told(origin) == []


def refused(asking, card):
    """With TLS 1.3 the refusal is seen by the first read."""
    try:
        return asking.ask(asking.host, card=card) == b""
    except (ssl.SSLError, ConnectionError):
        return True


def test_a_certificate_is_shown_for_the_names_in_its_zone_alone(asking, tmp_path):
    """One chain for two zones, uploaded to one: the other one's names keep the node's own certificate."""
    names = "subjectAltName=DNS:a.inside.test,DNS:www.example.com"
    openssl(tmp_path, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
            "/CN=both", "-addext", names, "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "k.pem", "-out", "c.pem")
    zone = asking.node.create("/zones", {"name": "inside.test", "account": {"id": asking.account}})["id"]
    chain, key = (tmp_path / "c.pem").read_text(), (tmp_path / "k.pem").read_text()
    asking.node.create(f"/zones/{zone}/custom_certificates", {"certificate": chain, "private_key": key})
    shown = ssl.PEM_cert_to_DER_cert(chain)
    assert until(lambda: shown_for(asking, "a.inside.test") == shown, SERVED_SECONDS)
    assert shown_for(asking, "www.example.com") == ssl.PEM_cert_to_DER_cert(asking.certificate.read_text())


def shown_for(asking, host):
    context = ssl._create_unverified_context()
    context.load_cert_chain(asking.card)
    with context.wrap_socket(asking.connect_to_tls_port(), server_hostname=host) as tls:
        return tls.getpeercert(binary_form=True)
