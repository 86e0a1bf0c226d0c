"""What the network does to probes: a node in a namespace of its own, with routes that lead nowhere in each way there is.

    node (198.18.2.1) ---- router (198.18.2.2) ---- 198.18.3.0/24: "host unreachable", 198.18.4.0/24: silence
"""

import json
import os
import subprocess

import pytest

from node import BINARY, Node, Response, until

NODE, ROUTER = f"trimtab-n{os.getpid()}", f"trimtab-r{os.getpid()}"
GOOD = "No failures"
NO_ROUTE, UNREACHABLE = "No route to host error", "Network Unreachable"
HERE, SILENT, REJECTED = "198.18.2.2", "198.18.4.1", "198.18.3.1"
PING_ALLOWED, PING_RAW = "0 2147483647", "1 0"


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True)


def inside(namespace, *words, **options):
    return subprocess.run(["ip", "netns", "exec", namespace, *map(str, words)], capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def network():
    if ip("netns", "add", NODE).returncode:
        pytest.skip("this user may not make network namespaces")
    try:
        ip("netns", "add", ROUTER)
        ip("link", "add", "near", "netns", NODE, "type", "veth", "peer", "name", "far", "netns", ROUTER)
        for namespace, link, address in [(NODE, "near", "198.18.2.1/24"), (ROUTER, "far", f"{HERE}/24")]:
            for words in (["link", "set", "lo", "up"], ["link", "set", link, "up"], ["addr", "add", address, "dev", link]):
                assert ip("-n", namespace, *words).returncode == 0, words
        for net in ("198.18.3.0/24", "198.18.4.0/24"):
            ip("-n", NODE, "route", "add", net, "via", HERE)
        # Errors of routes are limited to one a second, and no setting of a namespace changes that; errors of rules are not.
        rules = ("add table ip t; add chain ip t f { type filter hook forward priority 0; }; "
                 "add rule ip t f ip daddr 198.18.3.0/24 reject with icmp type host-unreachable")
        ip("-n", ROUTER, "route", "add", "198.18.3.0/24", "via", "198.18.2.1")
        assert inside(ROUTER, "nft", rules).returncode == 0
        ip("-n", ROUTER, "route", "add", "blackhole", "198.18.4.0/24")
        ip("-n", NODE, "route", "add", "unreachable", "198.18.5.0/24")
        inside(ROUTER, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratemask=0")
        yield
    finally:
        for namespace in (NODE, ROUTER):
            ip("netns", "del", namespace)


class Inside(Node):
    """A node in the namespace, spoken to from within; `before` comes before its command."""

    before = ()

    def __init__(self, folder):
        super().__init__(folder)
        text = self.config.read_text().replace('allow = ["127.0.0.0/8"]', 'allow = ["127.0.0.0/8", "198.18.0.0/15"]')
        self.config.write_text(text)

    def start(self, ready=True):
        environment = dict(os.environ, TRIMTAB_TOKEN=self.token, NO_COLOR="1")
        with open(self.folder / "log.txt", "ab") as log:
            command = ["ip", "netns", "exec", NODE, *self.before, BINARY, "serve", "--config", self.config]
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_until_ready()
        return self

    def request(self, method, url, body=None, headers=None, token=None):
        data = ["--data", json.dumps(body)] if body is not None else []
        done = inside(NODE, "curl", "--silent", "--request", method, "--header", f"Authorization: Bearer {self.token}",
                      *data, "--write-out", "\n%{http_code}", url)
        if done.returncode:
            raise OSError(done.stderr)
        text, _, status = done.stdout.rpartition("\n")
        return Response(int(status), {}, text)


class Unprivileged(Inside):
    """May not open raw sockets."""

    before = ("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw")


@pytest.fixture(scope="module")
def node(network, tmp_path_factory):
    node = Inside(tmp_path_factory.mktemp("inside")).start()
    yield node
    node.stop()


def verdict(node, monitor, address, port=0):
    base = f"/accounts/{node.account()}"
    name = f"p-{address.replace('.', '-')}-{port}"
    pools = {pool["name"]: pool["id"] for pool in node.api("GET", f"{base}/load_balancers/pools").result}
    if name not in pools:
        origin = {"name": "o", "address": address, "port": port}
        pools[name] = node.create(f"{base}/load_balancers/pools", {"name": name, "origins": [origin]})["id"]
    body = {"monitor": {"timeout": 1, "retries": 0, "port": port or 1, **monitor}, "pool": pools[name]}
    answer = node.api("POST", f"{base}/trimtab/probe", body)
    assert answer.status == 200, answer.text
    last = json.loads(answer.text.splitlines()[-1])
    return last["verdict"]["failure_reason"], last["text"]


@pytest.mark.parametrize("group_range", [PING_ALLOWED, PING_RAW])
def test_pings_meet_what_the_network_does(node, group_range):
    assert inside(NODE, "sysctl", "-qw", f"net.ipv4.ping_group_range={group_range}").returncode == 0

    def check(address, want):
        reason, text = verdict(node, {"type": "icmp_ping"}, address)
        assert reason == want, text

    check("127.0.0.1", GOOD)
    check(HERE, GOOD)
    # The router says so.
    check(REJECTED, NO_ROUTE)
    check(SILENT, "TCP Timeout")
    # The node's own routes.
    check("198.18.5.1", NO_ROUTE)
    check("198.19.0.1", UNREACHABLE)


def test_connections_and_datagrams_meet_it_as_well(node):
    dns = {"type": "dns", "trimtab": {"dns": {"name": "www.example.com"}}}

    def check(monitor, address, want):
        reason, text = verdict(node, monitor, address, 80)
        assert reason == want, text

    for monitor in ({"type": "tcp"}, {"type": "http", "expected_codes": "200"}, {"type": "smtp"}, {"type": "ldap"},
                    {"type": "grpc"}):
        check(monitor, "198.18.5.1", NO_ROUTE)
        check(monitor, "198.19.0.1", UNREACHABLE)
        check(monitor, SILENT, "TCP Timeout")
        check(monitor, HERE, "TCP connection failed")
    check({"type": "tcp"}, REJECTED, NO_ROUTE)
    for monitor in (dns, {"type": "udp_icmp"}):
        check(monitor, "198.18.5.1", NO_ROUTE)
        check(monitor, "198.19.0.1", UNREACHABLE)
        check(monitor, REJECTED, NO_ROUTE)
        check(monitor, HERE, "TCP connection failed")
    check(dns, SILENT, "HTTP timeout occurred")
    check({"type": "udp_icmp"}, SILENT, "TCP Timeout")


def test_a_node_that_may_not_ping_says_how_to_allow_it(network, tmp_path):
    assert inside(NODE, "sysctl", "-qw", f"net.ipv4.ping_group_range={PING_RAW}").returncode == 0
    node = Unprivileged(tmp_path).start()
    try:
        reason, text = verdict(node, {"type": "icmp_ping"}, HERE)
        assert reason == "Monitor Config Error"
        assert "put its group into net.ipv4.ping_group_range or give it CAP_NET_RAW" in text
        # With the group in the range no privilege is needed.
        inside(NODE, "sysctl", "-qw", f"net.ipv4.ping_group_range={PING_ALLOWED}")
        assert verdict(node, {"type": "icmp_ping"}, HERE)[0] == GOOD
    finally:
        node.stop()


def test_a_connection_that_waits_is_kept_alive(node):
    """As `ss` sees the socket of a probe that waits for an answer."""
    script = ("import socket,time\ns=socket.create_server(('198.18.2.2',8000))\n"
              "c,_=s.accept()\nprint('accepted',flush=True)\ntime.sleep(6)\n")
    server = subprocess.Popen(["ip", "netns", "exec", ROUTER, "python3", "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        listening = lambda: "198.18.2.2:8000" in inside(ROUTER, "ss", "-ltn").stdout  # noqa: E731
        assert until(listening, 5)
        base = f"/accounts/{node.account()}"
        origin = {"name": "o", "address": HERE, "port": 8000}
        pool = node.create(f"{base}/load_balancers/pools", {"name": "waits", "origins": [origin]})["id"]
        monitor = {"type": "http", "expected_codes": "200", "timeout": 5, "retries": 0}
        node.create(f"{base}/load_balancers/pools/{pool}/preview", monitor)
        assert server.stdout.readline() == "accepted\n"
        sockets = lambda: inside(NODE, "ss", "-tno", "dst", f"{HERE}:8000").stdout  # noqa: E731
        assert until(lambda: "timer:(keepalive" in sockets(), 3), sockets()
    finally:
        server.kill()
        server.wait()
