"""A node that proxies: one zone, a certificate for its names, and short ways to make pools and balancers."""

import socket
import ssl
import subprocess

from node import Node, free_port, until

ZONE = "example.com"
# An acknowledged write is served within one second; a busy machine gets another.
SERVED_SECONDS = 2
# The answers of a proxy to a name that it does not know or has no endpoint for yet.
PATIENCE_SECONDS = 5
MONITOR = {"type": "http", "path": "/health", "expected_codes": "200", "interval": 1, "timeout": 1, "retries": 0,
           "consecutive_down": 1, "consecutive_up": 1}


class Proxy:
    """What tests of the proxy ask for; a peer answers the same calls, see `peers`."""

    def __init__(self, folder, more=""):
        """`more`: further lines of [proxy]."""
        self.http_port, self.https_port = free_port(), free_port()
        listeners = f'http = ["127.0.0.1:{self.http_port}"]\nhttps = ["127.0.0.1:{self.https_port}"]\nthreads = 1\n{more}'
        self.node = Node(folder, listeners)
        self.certificate, self.key = make_certificate(folder)

    def start(self):
        self.node.start()
        try:
            self._set_up()
        except BaseException:
            self.node.kill()
            raise
        return self

    def _set_up(self):
        self.account = self.node.account()
        self.base = f"/accounts/{self.account}/load_balancers"
        self.zone = self.node.create("/zones", {"name": ZONE, "account": {"id": self.account}})["id"]
        body = {"certificate": self.certificate.read_text(), "private_key": self.key.read_text()}
        self.node.create(f"/zones/{self.zone}/custom_certificates", body)
        assert until(self._has_certificate, SERVED_SECONDS), self.log()

    def _has_certificate(self):
        try:
            self.connect_tls(f"any.{ZONE}").close()
        except OSError:
            return False
        return True

    def stop(self):
        self.node.stop()

    def pool(self, name, origins, monitored=None, **body):
        """`origins` have an address and a port, or are API bodies; `monitored` is a part of a monitor."""
        if monitored is not None:
            body["monitor"] = self.node.create(f"{self.base}/monitors", {**MONITOR, **monitored})["id"]
        return self.node.create(f"{self.base}/pools", {"name": name, "origins": list(map(as_body, origins)), **body})["id"]

    def balancer(self, label, pools, **body):
        """The host name of a proxied balancer over these pools, the last of which is the fallback pool."""
        host = f"{label}.{ZONE}"
        body = {"name": host, "proxied": True, "default_pools": pools, "fallback_pool": pools[-1], **body}
        self.node.create(f"/zones/{self.zone}/load_balancers", body)
        return host

    def enable(self, pool, name, enabled):
        """Takes one endpoint of a pool out, or in again."""
        path = f"{self.base}/pools/{pool}"
        origins = self.node.api("GET", path).result["origins"]
        bodies = [{**origin, "enabled": enabled} if origin["name"] == name else origin for origin in origins]
        answer = self.node.api("PATCH", path, {"origins": bodies})
        assert answer.status == 200, answer.text

    def wait(self, host, path="/", status=200):
        """Until requests for the host are answered with this status."""
        assert until(lambda: self.status(host, path) == status, PATIENCE_SECONDS), (
            f"{host}{path}: {self.status(host, path)}, wanted {status}\n{self.log()}")
        return host

    def probed(self, pool):
        """Until the first probe of every endpoint: what is unknown counts as down, and holds no sessions."""
        path = f"{self.base}/pools/{pool}/health"
        assert until(lambda: self.node.api("GET", path).status == 200, PATIENCE_SECONDS), self.log()
        return pool

    def status(self, host, path="/"):
        """The status of one request by HTTP/1.1, None without an answer."""
        try:
            with self.connect() as tcp:
                tcp.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                start = tcp.makefile("rb").readline().split()
        except OSError:
            return None
        return int(start[1]) if len(start) > 1 else None

    def connect(self):
        tcp = socket.create_connection(("127.0.0.1", self.http_port), timeout=PATIENCE_SECONDS)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tcp

    def connect_tls(self, host, *protocols):
        """A connection whose certificate was checked; `protocols` are offered by ALPN."""
        context = ssl.create_default_context(cafile=self.certificate)
        if protocols:
            context.set_alpn_protocols(protocols)
        tcp = socket.create_connection(("127.0.0.1", self.https_port), timeout=PATIENCE_SECONDS)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(tcp, server_hostname=host)

    def log(self):
        return self.node.log()

    def running(self):
        return self.node.running()


def as_body(origin):
    if isinstance(origin, dict):
        return origin
    name = getattr(origin, "name", f"{origin.address}:{origin.port}")
    return {"name": name, "address": origin.address, "port": origin.port}


def make_certificate(folder):
    """A certificate for the zone and all names one label below, which is its own issuer, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
               "-subj", f"/CN={ZONE}", "-addext", f"subjectAltName=DNS:{ZONE},DNS:*.{ZONE}",
               "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
