"""A real node on free loopback ports: started, waited for, spoken to, stopped.

As a program, `python node.py COMMAND...` runs a node around COMMAND, which finds it in
CLOUDFLARE_BASE_URL and CLOUDFLARE_API_TOKEN.
"""

import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TRIMTAB_BIN", ROOT / "target/debug/trimtab"))
E2E = pathlib.Path(os.environ.get("TRIMTAB_E2E", ROOT / "target/e2e"))

# A debug build on a busy machine; a healthy node needs a fraction of this.
READY_SECONDS = 30
STOP_SECONDS = 15
POLL_SECONDS = 0.05

SERVER_TOML = """\
data_dir = "data"

[node]
name = "e2e"
pop = "FRA"

[api]
listen = "127.0.0.1:{api_port}"
requests_per_minute = 1000000

[dns]
listen = ["127.0.0.1:{dns_port}"]
nameservers = ["ns1.example.net.", "ns2.example.net."]
explain_to = ["127.0.0.1/32"]
keep_decisions = 3

[proxy]
addresses = ["127.0.0.1"]
keep_decisions = 3
{listeners}

[egress]
allow = ["127.0.0.0/8"]

[limits]
min_monitor_interval = 1
"""


class Node:
    """One server.toml, one data folder, one process at a time."""

    def __init__(self, folder, listeners=""):
        """`listeners`: further lines of [proxy]."""
        self.folder = pathlib.Path(folder)
        self.api_port, self.dns_port = free_port(), free_port()
        self.token = secrets.token_hex(25)
        self.root_url = f"http://127.0.0.1:{self.api_port}"
        self.base_url = f"{self.root_url}/client/v4"
        self.config = self.folder / "server.toml"
        ports = {"api_port": self.api_port, "dns_port": self.dns_port}
        self.config.write_text(SERVER_TOML.format(listeners=listeners, **ports))
        self.environment = {}
        self.process = None

    def start(self, ready=True):
        environment = dict(os.environ, TRIMTAB_TOKEN=self.token, NO_COLOR="1", **self.environment)
        with open(self.folder / "log.txt", "ab") as log:
            command = [BINARY, "serve", "--config", self.config]
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if ready:
            self.wait_until_ready()
        return self

    def wait_until_ready(self):
        def answers():
            assert self.process.poll() is None, f"ended with {self.process.returncode}\n{self.log()}"
            try:
                return self.request("GET", f"{self.root_url}/readyz").status == 200
            except OSError:
                return False

        assert until(answers, READY_SECONDS), f"not ready in {READY_SECONDS} s\n{self.log()}"

    def stop(self):
        """SIGTERM ends a node cleanly, always."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {STOP_SECONDS} s after SIGTERM\n{self.log()}")
        assert code == 0, f"exit code {code} after SIGTERM\n{self.log()}"

    def kill(self):
        """As a power cut: nothing is said, nothing is flushed."""
        self.process.kill()
        self.process.wait()

    def running(self):
        return self.process.poll() is None

    def log(self):
        return (self.folder / "log.txt").read_text(errors="replace")[-8000:]

    def request(self, method, url, body=None, headers=None, token=None):
        """One HTTP request; every status comes back as a Response."""
        sent = {"authorization": f"Bearer {token or self.token}", **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        request = urllib.request.Request(url, data=body, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Response(answer.status, answer.headers, answer.read().decode())
        except urllib.error.HTTPError as refusal:
            return Response(refusal.code, refusal.headers, refusal.read().decode())

    def api(self, method, path, body=None):
        """`path` is below the base URL."""
        return self.request(method, self.base_url + path, body)

    def create(self, path, body):
        answer = self.api("POST", path, body)
        assert answer.status == 200, f"POST {path} {body}: {answer.text}"
        return answer.result

    def account(self):
        """The one account that is made at first start."""
        [account] = self.api("GET", "/accounts").result
        return account["id"]


class Response:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def result(self):
        return self.json["result"]

    @property
    def result_text(self):
        """The bytes of `result` as they were sent, key order and number format included."""
        decoder, at = json.JSONDecoder(), self.text.index("{") + 1
        while True:
            at = after(self.text, at, " \n\r\t,")
            key, at = decoder.raw_decode(self.text, at)
            begin = after(self.text, at, " \n\r\t:")
            _, at = decoder.raw_decode(self.text, begin)
            if key == "result":
                return self.text[begin:at]


def after(text, at, characters):
    while text[at] in characters:
        at += 1
    return at


def until(condition, seconds):
    """Asks again and again; the last answer, which is false when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(POLL_SECONDS)


def free_port():
    """A port that is free for UDP and TCP on every loopback address that tests use."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind(("0.0.0.0", 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind(("0.0.0.0", port))
                except OSError:
                    continue
        # Not handed out again by the kernel to a client of this test run.
        if port not in free_port.given:
            free_port.given.add(port)
            return port


free_port.given = set()


def main(command):
    with tempfile.TemporaryDirectory() as folder:
        node = Node(folder).start()
        environment = dict(
            os.environ, CLOUDFLARE_BASE_URL=node.base_url, CLOUDFLARE_API_TOKEN=node.token
        )
        try:
            return subprocess.run(command, env=environment).returncode
        finally:
            node.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
