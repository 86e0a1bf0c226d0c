"""A certificate authority for tests: Pebble from Debian, whose questions our node answers."""

import json
import os
import ssl
import subprocess
import urllib.request

from node import free_port, until
from peers import Process, program

START_SECONDS = 10


class Pebble:
    """Asks `dns_port` for names, and looks for certificates on `tls_port`. What it will not sign for is `blocked`."""

    def __init__(self, folder, dns_port, tls_port, blocked=()):
        self.folder, self.port, self.management_port = folder, free_port(), free_port()
        self.dns_port = dns_port
        self.ca = folder / "pebble.pem"
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                   "-subj", "/CN=localhost", "-addext", names, "-addext", "basicConstraints=critical,CA:FALSE",
                   "-keyout", folder / "pebble.key", "-out", self.ca]
        subprocess.run(command, check=True, capture_output=True)
        (folder / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": str(self.ca), "privateKey": str(folder / "pebble.key"), "httpPort": free_port(),
            "tlsPort": tls_port, "ocspResponderURL": "", "externalAccountBindingRequired": False,
            "domainBlocklist": list(blocked)}}))
        self.directory = f"https://localhost:{self.port}/dir"
        self.process = None

    def start(self):
        # It waits at random before it looks otherwise.
        os.environ["PEBBLE_VA_NOSLEEP"] = "1"
        command = [program("pebble"), "-config", self.folder / "pebble.json", "-dnsserver", f"127.0.0.1:{self.dns_port}"]
        self.process = Process(self.folder, command)
        assert until(self._answers, START_SECONDS), (self.folder / "log.txt").read_text()
        return self

    def _answers(self):
        try:
            return self.root()
        except OSError:
            return None

    def root(self):
        """PEM, made anew with every start."""
        context = ssl.create_default_context(cafile=self.ca)
        with urllib.request.urlopen(f"https://localhost:{self.management_port}/roots/0", context=context) as answer:
            return answer.read().decode()

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None
