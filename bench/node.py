"""Our own server as a user runs it: started with a server.toml, set up through its HTTP API."""

import json
import time
import urllib.error
import urllib.request

import processes
from processes import ROOT, Failed

BINARY = ROOT / "target" / "release" / "trimtab"
TOKEN = "benchmark-token-000000000000000000000000000"

READY_PATIENCE = 20.0  # seconds from start to /readyz
REQUEST_PATIENCE = 120.0  # seconds for one request; an import of many records is slow


class Node:
    """One running node with an account, reachable through its API."""

    def __init__(self, config, api_port, log, binary=BINARY, made_by="cargo build --release -p trimtab"):
        require(binary, made_by)
        self.config, self.api_port, self.log, self.binary = config, api_port, log, binary
        self._start()

    def restart(self):
        """A new process on the same data."""
        processes.stop(self.process)
        self._start()

    def _start(self):
        command = [self.binary, "serve", "--config", self.config]
        self.process = processes.start(command, self.log, env={"TRIMTAB_TOKEN": TOKEN})
        try:
            self._wait_until_ready()
            self.account = self.call("GET", "/accounts")[0]["id"]
        except BaseException:
            processes.stop(self.process)
            raise

    def _wait_until_ready(self):
        end = time.monotonic() + READY_PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"trimtab ended with {self.process.returncode}: {self.log}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}/readyz", timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failed(f"trimtab is not ready after {READY_PATIENCE:.0f} s: {self.log}")

    def call(self, method, path, body=None):
        """`result` of one API request with a JSON body."""
        data = None if body is None else json.dumps(body).encode()
        return self.send(method, path, data, "application/json")

    def send(self, method, path, data, content_type):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}/client/v4{path}",
            data=data,
            method=method,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_PATIENCE) as reply:
                return json.load(reply)["result"]
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def add_zone(self, name):
        zone = {"name": name, "account": {"id": self.account}, "type": "full"}
        return self.call("POST", "/zones", zone)["id"]

    def add_pool(self, pool):
        path = f"/accounts/{self.account}/load_balancers/pools"
        return self.call("POST", path, pool)["id"]


def require(binary, build):
    if not binary.exists():
        raise Failed(f"{binary} is missing: {build}")
