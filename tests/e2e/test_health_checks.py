"""A standalone health check runs: it is probed, its state is told, and whoever watches it hears of it once."""

import pytest

from node import until
from origin import Origin
from test_alerts import TOLD_SECONDS, Site

SEEN_SECONDS = 15


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("checks"))
    yield site
    site.stop()


@pytest.fixture(scope="module")
def zone(site):
    return site.node.create("/zones", {"name": "example.com", "account": {"id": site.account}})["id"]


def test_a_check_is_probed_told_of_and_required(site, zone):
    gateway = Origin("gateway", "127.0.2.200").start()
    site.origins.append(gateway)
    path = f"/zones/{zone}/healthchecks"
    body = {
        "name": "gateway",
        "address": gateway.address,
        "http_config": {"port": gateway.port, "expected_codes": ["200"]},
        "interval": 1,
        "timeout": 1,
        "retries": 0,
    }
    check = site.node.create(path, body)["id"]
    hook = site.webhook("pager")
    policy = site.policy("gateway", {"webhooks": [{"id": hook}]}, "health_check_status_notification")
    # A pool that is well by itself, and hangs on the check.
    extension = {"requires": {"at_least": 1, "of": [{"health_check": check}]}}
    endpoint = {"name": "web", "address": "127.0.2.201"}
    base = f"/accounts/{site.account}/load_balancers"
    site.node.create(f"{base}/pools", {"name": "hangs", "origins": [endpoint], "trimtab": extension})

    def status():
        found = site.node.api("GET", f"{path}/{check}").result
        return found["status"], found["failure_reason"]

    def usable():
        return site.node.api("GET", f"/accounts/{site.account}/trimtab/health/matrix?pool=hangs").result[0]["usable"]

    def until_seen(*want):
        assert until(lambda: (*status(), usable()) == want, SEEN_SECONDS), f"{status()} {usable()}\n{site.node.log()}"

    def events():
        return [(body["alert_event"].rsplit("_", 1)[1], body["data"]["new_status"]) for body in site.hook.bodies()]

    until_seen("healthy", "No failures", True)
    gateway.kill()
    until_seen("unhealthy", "TCP connection failed", False)
    assert until(lambda: len(events()) == 1, TOLD_SECONDS), site.node.log()
    gateway.start()
    until_seen("healthy", "No failures", True)
    assert until(lambda: len(events()) == 2, TOLD_SECONDS), site.node.log()
    assert [event for event, _ in events()] == ["START", "END"]
    assert {entry["policy_id"] for entry in site.history()} == {policy}
    series = f'trimtab_health_check_up{{check="gateway",zone="example.com",check_id="{check}"}} 1'
    assert series in site.metrics()
    gateway.kill()
    assert until(lambda: len(events()) == 3, TOLD_SECONDS), site.node.log()
    site.node.kill()
    site.node.start()
    # Pools that require it hold it: they come first.
    [hangs] = [pool for pool in site.node.api("GET", f"{base}/pools").result if pool["name"] == "hangs"]
    site.node.api("DELETE", f"{base}/pools/{hangs['id']}")
    assert site.node.api("DELETE", f"{path}/{check}").status == 200
    assert until(lambda: len(events()) == 4, TOLD_SECONDS), site.node.log()
    assert events()[2:] == [("START", "Unhealthy"), ("END", "Unknown")]


def test_a_suspended_check_is_left_alone(site, zone):
    path = f"/zones/{zone}/healthchecks"
    body = {"name": "rests", "address": "127.0.2.202", "suspended": True, "interval": 1, "timeout": 1, "retries": 0}
    check = site.node.create(path, body)["id"]
    assert site.node.api("GET", f"{path}/{check}").result["status"] == "suspended"
    assert site.node.api("DELETE", f"{path}/{check}").result["id"] == check
