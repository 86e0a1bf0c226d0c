"""How often endpoints are probed: faster while a state is about to change, slower while nobody uses them, and never more
than an operator allows."""

import http.server
import itertools
import threading
import time

import pytest

from node import Node, free_port, until

# Far more than any of the states here takes; a failure waits for it.
SECONDS = 30


class Counted:
    """An origin that answers each probe with the next of its statuses and knows when each came."""

    def __init__(self, address, statuses):
        self.address, self.port = address, free_port()
        self.statuses, self.seen = statuses, []
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status = next(origin.statuses)
                origin.seen.append((time.monotonic(), status))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer((address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def origin():
    """Makes origins, each at an address of its own."""
    made = []

    def make(statuses):
        made.append(Counted(f"127.0.4.{len(made) + 1}", statuses))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def pools(node, account):
    return Pools(node, account)


class Pools:
    numbers = itertools.count(1)

    def __init__(self, node, account):
        self.node, self.base = node, f"/accounts/{account}/load_balancers"

    def monitor(self, **pace):
        body = {"expected_codes": "200", "timeout": 1, "retries": 0, **pace}
        return self.node.create(f"{self.base}/monitors", body)["id"]

    def pool(self, origin, **watch):
        origins = [{"name": "o", "address": origin.address, "port": origin.port}]
        body = {"name": f"pool-{next(self.numbers)}", "origins": origins, **watch}
        return self.node.create(f"{self.base}/pools", body)["id"]

    def use(self, zone, pool):
        body = {"name": f"{pool}.example.com", "default_pools": [pool], "fallback_pool": pool}
        self.node.create(f"/zones/{zone}/load_balancers", body)

    def healthy(self, pool):
        return self.node.api("GET", f"{self.base}/pools/{pool}").result.get("healthy")


class Switched:
    """Statuses of an origin that can be broken."""

    def __init__(self):
        self.status = 200

    def __iter__(self):
        return self

    def __next__(self):
        return self.status


def test_an_endpoint_that_may_be_failing_is_probed_faster(pools, origin, zone):
    switch = Switched()
    of = origin(switch)
    monitor = pools.monitor(interval=4, consecutive_down=3, trimtab={"fast_interval": 1})
    pool = pools.pool(of, monitor=monitor)
    pools.use(zone, pool)
    assert until(lambda: pools.healthy(pool), SECONDS)
    switch.status = 500
    assert until(lambda: pools.healthy(pool) is False, 3 * 4)
    failed = [at for at, status in of.seen if status == 500]
    assert len(failed) >= 3
    # At the plain pace the third failure would come eight seconds after the first.
    assert time.monotonic() - failed[0] < 5
    assert failed[2] - failed[0] < 3


def test_an_endpoint_that_flaps_goes_down_where_failures_are_not_forgiven_at_once(pools, origin, zone):
    flapping = [origin(itertools.cycle([200, 500])) for _ in range(2)]
    pace = {"interval": 1, "consecutive_down": 3, "consecutive_up": 2}
    kind = pools.pool(flapping[0], monitor=pools.monitor(**pace))
    strict = pools.pool(flapping[1], monitor=pools.monitor(**pace, trimtab={"forgive_after": 5}))
    for pool in [kind, strict]:
        pools.use(zone, pool)
    assert until(lambda: pools.healthy(kind), SECONDS)
    assert until(lambda: pools.healthy(strict) is False, SECONDS)
    assert [status for _, status in flapping[1].seen].count(500) >= 3
    enough = len(flapping[0].seen) + 6
    assert until(lambda: len(flapping[0].seen) >= enough, SECONDS)
    assert (pools.healthy(kind), pools.healthy(strict)) == (True, False)


def test_a_pool_that_no_balancer_uses_is_probed_four_times_less_often(pools, origin, zone):
    used, unused = origin(itertools.repeat(200)), origin(itertools.repeat(200))
    monitor = pools.monitor(interval=1)
    pool, idle = pools.pool(used, monitor=monitor), pools.pool(unused, monitor=monitor)
    pools.use(zone, pool)
    # The first look at an endpoint is not part of its rhythm.
    assert until(lambda: pools.healthy(pool) and pools.healthy(idle), SECONDS)
    before = len(used.seen), len(unused.seen)
    assert until(lambda: len(used.seen) >= before[0] + 12, SECONDS)
    assert 2 <= len(unused.seen) - before[1] <= 4


def test_what_is_written_comes_back_and_tells_what_it_costs(pools, node, origin):
    monitor = pools.monitor(interval=20, consecutive_down=2,
                            trimtab={"fast_interval": 5, "forgive_after": 3, "timeout_ms": 500})
    path = f"{pools.base}/monitors/{monitor}"
    shown = node.api("GET", path)
    assert shown.result["trimtab"] == {"timeout_ms": 500, "fast_interval": 5, "forgive_after": 3}
    assert node.api("PUT", path, shown.result).result_text == shown.result_text
    of = origin(itertools.repeat(200))
    origins = [{"name": "o", "address": of.address, "port": of.port}]
    made = node.api("POST", f"{pools.base}/pools", {"name": "priced", "origins": origins, "monitor": monitor})
    [notice] = made.json["messages"]
    assert notice["message"] == (
        "this makes 0.8 checks a minute to each endpoint of pool priced, 3 once a load balancer uses it, "
        "up to 12 while its state is about to change")
    refused = node.api("PATCH", path, {"interval": 21})
    [error] = refused.json["errors"]
    assert (refused.status, error["source"]["pointer"]) == (400, "/trimtab/fast_interval")


def test_a_preview_tries_the_pools_that_a_group_watches(pools, node, origin):
    of = origin(itertools.repeat(200))
    monitor = pools.monitor(interval=60)
    member = {"monitor_id": monitor, "enabled": True, "monitoring_only": False, "must_be_healthy": False}
    group = node.create(f"{pools.base}/monitor_groups",
                        {"description": "one", "members": [member]})["id"]
    pool = pools.pool(of, monitor_group=group)
    found = node.api("GET", f"{pools.base}/pools?monitor={monitor}").result
    assert [one["id"] for one in found] == [pool]
    preview = node.create(f"{pools.base}/monitors/{monitor}/preview", {"expected_codes": "200"})
    assert list(preview["pools"]) == [pool]
    result = until(lambda: node.api("GET", f"{pools.base}/preview/{preview['preview_id']}").result, SECONDS)
    assert result[pool]["healthy"] is True


def test_a_node_makes_no_more_checks_than_its_operator_allows(tmp_path, origin):
    node = Node(tmp_path)
    with open(node.config, "a") as config:
        config.write("max_checks_per_second = 10\n")
    node.start()
    try:
        pools = Pools(node, node.account())
        monitor = pools.monitor(interval=1)
        of = origin(itertools.repeat(200))
        made = [pools.pool(of, monitor=monitor) for _ in range(10)]
        origins = [{"name": "o", "address": of.address, "port": of.port}]
        storm = {"name": "storm", "origins": origins, "monitor": monitor}
        refused = node.api("POST", f"{pools.base}/pools", storm)
        [error] = refused.json["errors"]
        assert (refused.status, error["code"], error["source"]["pointer"]) == (400, 1002, "/monitor")
        assert error["message"].startswith(
            "this would make 11 checks a second, more than the 10 that [limits] max_checks_per_second allows")
        assert len(node.api("GET", f"{pools.base}/pools").result) == 10
        assert node.api("DELETE", f"{pools.base}/pools/{made[0]}").status == 200
        assert node.api("POST", f"{pools.base}/pools", storm).status == 200
    finally:
        node.stop()
