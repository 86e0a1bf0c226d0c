"""A table of latencies in the node's file: it steers `dynamic_latency`, and a bad one is refused with its line."""

import subprocess

from dig import dig
from node import BINARY, Node, until

SERVED_SECONDS = 2
TABLE = """\
source,pool,ms
10.1.0.0/16,far,90
10.1.0.0/16,near,12.5
10.1.7.0/24,near,200
"""


def test_latencies_steer_and_bad_ones_are_refused(tmp_path):
    node = Node(tmp_path)
    text = node.config.read_text() + '\n[geo]\nlatencies = "latencies.csv"\n'
    node.config.write_text(text)
    (tmp_path / "latencies.csv").write_text(TABLE + "10.2.0.0/33,near,5\n")
    refused = subprocess.run([BINARY, "check", node.config], capture_output=True, text=True, timeout=30)
    assert refused.returncode == 2 and "line 5" in refused.stderr and "10.2.0.0/33" in refused.stderr, refused.stderr

    (tmp_path / "latencies.csv").write_text(TABLE)
    node.start()
    try:
        account = node.account()
        zone = node.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
        pools = f"/accounts/{account}/load_balancers/pools"
        ids = [node.create(pools, {"name": name, "origins": [{"name": name, "address": f"192.0.2.{host}"}]})["id"]
               for host, name in enumerate(["far", "near"], start=1)]
        node.create(f"/zones/{zone}/load_balancers", {
            "name": "fast.example.com", "steering_policy": "dynamic_latency",
            "default_pools": ids, "fallback_pool": ids[0]})
        ask = lambda net: dig(node, "fast.example.com", subnet=net)  # noqa: E731
        assert until(lambda: ask("10.1.5.0/24").addresses == ["192.0.2.2"], SERVED_SECONDS), node.log()
        assert ask("10.1.7.0/24").addresses == ["192.0.2.1"], "the longer prefix counts"
        assert ask("10.1.5.0/24").scope == 23, "as far as the next prefix of the table"
        # Nobody has measured either pool: failover order.
        assert ask("10.9.0.0/24").addresses == ["192.0.2.1"]
    finally:
        node.stop()
