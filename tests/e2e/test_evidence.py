"""What a failed probe has to show: in the pool's health, in previews and in events, with a command that does the same."""

import http.server
import shlex
import subprocess
import threading

import pytest

from node import free_port, until

SECONDS = 15


class Handler(http.server.BaseHTTPRequestHandler):
    """Well until told otherwise."""

    status = 200

    def do_GET(self):
        self.send_response(Handler.status)
        body = b"<h1>the cat is on the keyboard</h1>"
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def origin():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def pool(node, account, origin):
    path = f"/accounts/{account}/load_balancers"
    monitor = {"type": "http", "path": "/up", "interval": 1, "timeout": 1, "retries": 1, "expected_codes": "200"}
    monitor = node.create(f"{path}/monitors", monitor)["id"]
    endpoint = {"name": "web", "address": origin[0], "port": origin[1]}
    made = node.create(f"{path}/pools", {"name": "p", "origins": [endpoint], "monitor": monitor})
    # A pool that is used is probed at its monitor's pace.
    zone = node.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
    body = {"name": "www.example.com", "default_pools": [made["id"]], "fallback_pool": made["id"]}
    node.create(f"/zones/{zone}/load_balancers", body)
    return made["id"]


def seen(node, account, pool):
    """The one endpoint as the one place sees it."""
    answer = node.api("GET", f"/accounts/{account}/load_balancers/pools/{pool}/health")
    if answer.status != 200:
        return {}
    [place] = answer.result["pop_health"].values()
    [[seen]] = [list(origin.values()) for origin in place["origins"]]
    return seen


def holds(evidence, origin):
    """The cause, the parts, the first bytes, and a command that brings the same."""
    assert "500" in evidence["error"] and evidence["tries"] == 2
    assert [phase["name"] for phase in evidence["phases"]][:2] == ["resolve", "connect"]
    assert all(phase["ms"] >= 0 for phase in evidence["phases"])
    assert evidence["answer"].startswith("HTTP/1.0 500 ")
    repeated = subprocess.run(shlex.split(evidence["repeat"]), capture_output=True, text=True, timeout=10)
    assert "the cat is on the keyboard" in repeated.stdout and str(origin[1]) in evidence["repeat"]


def test_a_pass_has_nothing_to_show(node, account, pool):
    assert until(lambda: seen(node, account, pool).get("healthy"), SECONDS), node.log()
    assert set(seen(node, account, pool)) == {"failure_reason", "healthy", "response_code", "rtt"}


def test_a_failure_shows_its_evidence_in_health_previews_and_events(node, account, pool, origin):
    Handler.status = 500
    assert until(lambda: seen(node, account, pool).get("healthy") is False, SECONDS), node.log()
    holds(seen(node, account, pool)["trimtab"]["evidence"], origin)
    path = f"/accounts/{account}/load_balancers"
    started = node.api("POST", f"{path}/pools/{pool}/preview", {"type": "http", "expected_codes": "200", "retries": 1}).result

    def tried():
        return node.api("GET", f"{path}/preview/{started['preview_id']}").result

    assert until(tried, SECONDS)
    [[trial]] = [list(origin.values()) for origin in tried()[pool]["origins"]]
    holds(trial["trimtab"]["evidence"], origin)
    [event, *_] = node.api("GET", "/user/load_balancing_analytics/events?pool_name=p&pool_healthy=false").result
    [place] = event["origins"][0]["trimtab"]["places"]
    holds(place["evidence"], origin)
