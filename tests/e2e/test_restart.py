"""Kill -9 at any moment: acknowledged writes are there, and the last known health is answered at once."""

import threading
import time

import pytest

from dig import dig
from node import Node, until
from origin import Origin
from wall_clock import WallClock

# The most that a monitor takes: ten probes that say otherwise before a verdict changes.
STUBBORN = 10
# The longest interval there is, in seconds.
HOUR = 3600


@pytest.fixture
def own(tmp_path):
    """A node that a test may kill."""
    node = Node(tmp_path).start()
    yield node
    node.stop()


def test_acknowledged_writes_survive_kill_9(own):
    account = own.account()
    zone = own.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
    acknowledged, enough = [], threading.Event()

    def write():
        for number in range(10_000):
            body = {"type": "A", "name": f"n{number}", "content": "192.0.2.1", "ttl": 60}
            try:
                acknowledged.append(own.create(f"/zones/{zone}/dns_records", body)["name"])
            except OSError:
                return
            if len(acknowledged) == 25:
                enough.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(30), own.log()
    own.kill()
    writer.join()
    own.start()
    stored = own.api("GET", f"/zones/{zone}/dns_records?per_page=5000").result
    assert {record["name"] for record in stored} >= set(acknowledged)
    assert dig(own, acknowledged[-1]).addresses == ["192.0.2.1"]


def test_last_known_health_is_answered_before_the_first_probe(own):
    """While the node is away the world turns round; one probe does not outweigh what was known."""
    account = own.account()
    zone = own.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
    base = f"/accounts/{account}/load_balancers"
    monitor = {"type": "http", "expected_codes": "200", "interval": 1, "timeout": 1, "retries": 0}
    monitor = own.create(f"{base}/monitors", {**monitor, "consecutive_up": STUBBORN, "consecutive_down": STUBBORN})
    down, up, last = (Origin(name, f"127.0.4.{n}") for n, name in enumerate(["down", "up", "last"], 1))
    up.start()
    pools = []
    for origin in (down, up, last):
        origins = [{"name": origin.name, "address": origin.address, "port": origin.port}]
        body = {"name": origin.name, "origins": origins, "monitor": monitor["id"]}
        pools.append(own.create(f"{base}/pools", body)["id"])
    name = "www.example.com"
    own.create(f"/zones/{zone}/load_balancers",
               {"name": name, "default_pools": pools[:2], "fallback_pool": pools[2]})
    assert until(lambda: dig(own, name).addresses == [up.address], 5), own.log()
    # The file follows a change; a node that dies in between has told nobody of it.
    flipped, saved = time.time_ns(), own.folder / "data/snapshot.bin"
    own.create(f"/zones/{zone}/dns_records", {"type": "A", "name": "later", "content": "192.0.2.1", "ttl": 60})
    assert until(lambda: saved.exists() and saved.stat().st_mtime_ns > flipped, 5), own.log()

    own.kill()
    up.kill()
    down.start()
    own.start(ready=False)
    first = until(lambda: answered(own, name), 30)
    assert first == [up.address], own.log()
    own.wait_until_ready()
    assert dig(own, name).addresses == [up.address]
    down.kill()


def test_health_that_is_older_than_an_interval_is_looked_at_at_once(tmp_path):
    """The node is away for two hours; its next regular probe is up to an hour off, and it does not wait for that."""
    clock, own = WallClock(tmp_path), Node(tmp_path)
    own.environment.update(clock.environment)
    own.start()
    account = own.account()
    zone = own.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
    base = f"/accounts/{account}/load_balancers"
    monitor = own.create(f"{base}/monitors", {"type": "http", "expected_codes": "200", "interval": HOUR, "timeout": 1, "retries": 0})
    origins = [Origin(name, f"127.0.4.{n}").start() for n, name in enumerate(["first", "second"], 11)]
    pools = []
    for origin in origins:
        endpoint = {"name": origin.name, "address": origin.address, "port": origin.port}
        pools.append(own.create(f"{base}/pools", {"name": origin.name, "origins": [endpoint], "monitor": monitor["id"]})["id"])
    name = "www.example.com"
    own.create(f"/zones/{zone}/load_balancers", {"name": name, "default_pools": pools, "fallback_pool": pools[1]})

    def is_well(pool):
        return own.api("GET", f"{base}/pools/{pool}").result.get("healthy") is True

    assert until(lambda: all(is_well(pool) for pool in pools), 10), own.log()
    assert dig(own, name).addresses == [origins[0].address]
    own.stop()
    origins[0].kill()
    clock.set_ahead(2 * HOUR)
    own.start()
    assert until(lambda: dig(own, name).addresses == [origins[1].address], 10), own.log()
    own.stop()
    origins[1].kill()


def test_what_was_fed_is_known_after_a_restart(own):
    account = own.account()
    zone = own.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
    origins = [{"name": name, "address": f"192.0.2.{n}"} for n, name in enumerate(["web-1", "web-2"], 1)]
    pool = own.create(f"/accounts/{account}/load_balancers/pools", {"name": "web", "origins": origins})["id"]
    name = "www.example.com"
    own.create(f"/zones/{zone}/load_balancers", {"name": name, "default_pools": [pool], "fallback_pool": pool})
    said = {"state": "drained", "note": "a deployment", "expires_in": 600}
    assert own.api("POST", f"/accounts/{account}/trimtab/feed/{pool}/web-1", said).status == 200
    assert dig(own, name).addresses == ["192.0.2.2"]
    listed = own.api("GET", f"/accounts/{account}/trimtab/feed").result
    own.stop()
    own.start(ready=False)
    assert until(lambda: answered(own, name), 30) == ["192.0.2.2"], own.log()
    own.wait_until_ready()
    assert len(listed) == 1 and own.api("GET", f"/accounts/{account}/trimtab/feed").result == listed


def answered(node, name):
    """None until there is an answer at all."""
    try:
        answer = dig(node, name, options=["+time=1"])
    except AssertionError:
        return None
    return answer.addresses if answer.status == "NOERROR" else None
