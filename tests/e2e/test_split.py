"""What a balancer drew beside what its weights ask for: over the API, and as `trimtab split` prints it."""

import socket
import struct
import subprocess
import time

import pytest

from node import BINARY, until

NAME = "canary.example.com"
ASKED = 3_000
LOOKS = 3
# Counts are handed over about once a second, and an acknowledged write is served within one.
COUNTED_SECONDS = 5
SERVED_SECONDS = 2


def query(number, name=NAME):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def ask(node, times):
    """The last byte of the first address of each answer."""
    hosts = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        udp.connect(("127.0.0.1", node.dns_port))
        for number in range(times):
            sent = query(number)
            udp.send(sent)
            answer = udp.recv(512)
            assert answer[:2] == sent[:2], "each answer is taken before the next question"
            count = struct.unpack(">H", answer[6:8])[0]
            hosts.append(answer[len(sent) + 15] if count else None)
    return hosts


class Canary:
    """A balancer of two pools without monitors: two endpoints and one, by weight."""

    def __init__(self, node, account, zone):
        self.node = node
        pools = f"/accounts/{account}/load_balancers/pools"
        origins = [{"name": str(host), "address": f"192.0.2.{host}"} for host in (1, 2, 3)]
        self.stable = node.create(pools, {"name": "stable", "origins": origins[:2]})["id"]
        self.canary = node.create(pools, {"name": "canary", "origins": origins[2:]})["id"]
        body = {"name": NAME, "default_pools": [self.stable, self.canary], "fallback_pool": self.stable,
                "steering_policy": "random", **self.weights(0.7, 0.3)}
        made = node.create(f"/zones/{zone}/load_balancers", body)
        self.path = f"/zones/{zone}/load_balancers/{made['id']}"
        self.split_path = f"/accounts/{account}/trimtab/split?name="

    def weights(self, stable, canary):
        return {"random_steering": {"pool_weights": {self.stable: stable, self.canary: canary}}}

    def split(self):
        return self.node.api("GET", self.split_path + NAME).result

    def cli(self, *options):
        server = ["--server", self.node.base_url, "--token", self.node.token]
        return subprocess.run([BINARY, "split", *server, *options], capture_output=True, text=True, timeout=20)


@pytest.fixture(scope="module")
def canary(node, account, zone):
    made = Canary(node, account, zone)
    assert until(lambda: ask(node, 1) != [None], SERVED_SECONDS)
    return made


def test_a_canary_gets_its_share_until_the_weights_change(canary):
    # What was asked while the fixture waited is counted too.
    asked = 0
    deadline = time.monotonic() + COUNTED_SECONDS
    while not asked and time.monotonic() < deadline:
        asked = canary.split()["answers"]
    hosts = []
    # One look in five hundred finds one of the two shares outside by chance; it does not stay there.
    for _ in range(LOOKS):
        hosts += ask(canary.node, ASKED)
        counted = until(lambda: canary.split()["answers"] == asked + len(hosts), COUNTED_SECONDS)
        split = canary.split()
        assert counted, split
        if split["verdict"] == "as_configured":
            break
    assert split["verdict"] == "as_configured", split
    [stable, new] = split["pools"]
    assert [(pool["pool"], pool["id"]) for pool in split["pools"]] == [
        ("stable", canary.stable), ("canary", canary.canary)]
    assert (stable["configured_percent"], new["configured_percent"]) == (70.0, 30.0)
    # The counters say what the answers said.
    assert 0 <= new["answers"] - hosts.count(3) <= asked
    assert stable["answers"] + new["answers"] == asked + len(hosts)
    for pool, shares in [(stable, [50.0, 50.0]), (new, [100.0])]:
        assert pool["low_percent"] < pool["configured_percent"] < pool["high_percent"]
        assert [endpoint["configured_percent"] for endpoint in pool["endpoints"]] == shares
        assert sum(endpoint["answers"] for endpoint in pool["endpoints"]) == pool["answers"]
        assert pool["verdict"] == "as_configured"
    shown = canary.cli(NAME)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(f"{NAME}: {split['answers']} answers since {split['since']}"), shown.stdout
    assert lines[-1] == "Every share that was drawn agrees with its weight.", shown.stdout

    patched = canary.node.api("PATCH", canary.path, canary.weights(0.5, 0.5))
    assert patched.status == 200, patched.text
    began = until(lambda: canary.split()["since"] != split["since"], SERVED_SECONDS)
    again = canary.split()
    assert began and again["since"] > split["since"], again
    assert (again["answers"], again["verdict"]) == (0, "too_few"), again
    assert [pool["configured_percent"] for pool in again["pools"]] == [50.0, 50.0]


def test_names_without_a_balancer_are_not_found(canary):
    missing = canary.cli("nobody.example.com")
    assert missing.returncode == 3, missing.stderr
    assert canary.node.api("GET", canary.split_path).status == 400
    as_json = canary.cli(NAME, "--json")
    assert as_json.returncode == 0 and '"verdict":"too_few"' in as_json.stdout, as_json.stdout
