"""Requests that fail take an endpoint out for a while, probes have the better word, and drains are counted down."""

import http.server
import re
import subprocess
import threading
import time

import pytest

from node import BINARY, free_port, until

# As many failed requests in a row as it takes.
FAILURES = 5
# From the last of them to the next snapshot; a busy machine gets more.
SEEN_SECONDS = 3
# A probe each second, and one under way.
PROBED_SECONDS = 5
EJECTED_SECONDS = 30
DRAIN_SECONDS = 4
ENOUGH = 40
REASON = "Ejected after failed requests"
MISMATCH = "Response code mismatch error"
# Probes that fail say nothing for ten seconds.
PATIENT = {"interval": 1, "timeout": 1, "consecutive_down": 10}


class MoodyOrigin:
    """Answers requests and probes with the statuses that it is told, and counts requests."""

    address = "127.0.0.1"

    def __init__(self, name):
        self.name, self.port = name, free_port()
        self.status, self.health, self.served = 200, 200, 0
        self.open = threading.Event()
        self.open.set()

    def start(self):
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status = origin.health if self.path == "/health" else origin.answer()
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((self.address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def answer(self):
        self.served += 1
        self.open.wait(SEEN_SECONDS + EJECTED_SECONDS)
        return self.status

    def stop(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def pair():
    pair = [MoodyOrigin(name).start() for name in ("good", "bad")]
    yield pair
    for origin in pair:
        origin.stop()


def health(proxy, pool):
    return proxy.node.api("GET", f"{proxy.base}/pools/{pool}/health").result


def away(proxy, pool):
    """By name, the endpoints that are ejected or drain."""
    told = health(proxy, pool) or {}
    return {origin["name"]: origin for origin in told.get("trimtab", {}).get("origins", [])}


def seen(proxy, pool):
    """What the one place says of each endpoint; nothing before the first probe."""
    told = health(proxy, pool)
    places = told["pop_health"].values() if told else []
    origins = [origin[MoodyOrigin.address] for place in places for origin in place["origins"]]
    return [(origin["healthy"], origin["failure_reason"]) for origin in origins]


def status(proxy):
    """The lines of `trimtab status`."""
    command = [BINARY, "status", "--server", proxy.node.base_url, "--token", proxy.node.token]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def number(proxy, name, **labels):
    """One number of /metrics that has these labels, whatever others it has."""
    text = proxy.node.request("GET", f"{proxy.node.root_url}/metrics").text
    for found, value in re.findall(rf"^trimtab_{name}\{{(.*)\}} (\S+)$", text, re.M):
        if labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', found)).items():
            return float(value)
    return None


def fail(proxy, host, origin, times=FAILURES):
    """Requests, one after another, until the origin had so many."""
    before, deadline = origin.served, time.monotonic() + SEEN_SECONDS
    while origin.served < before + times:
        assert time.monotonic() < deadline, f"{origin.served - before} of {times}"
        proxy.status(host)


def eject(proxy, pool, host, origin):
    """Until the endpoint is ejected, of which nothing is left over."""
    origin.status = 503
    fail(proxy, host, origin)
    assert until(lambda: "ejected" in away(proxy, pool).get(origin.name, {}), SEEN_SECONDS), health(proxy, pool)


def test_an_endpoint_that_fails_five_requests_in_a_row_gets_none(proxy, pair):
    _, bad = pair
    pool = proxy.pool("unmonitored", pair)
    host = proxy.wait(proxy.balancer("unmonitored", [pool]))
    eject(proxy, pool, host, bad)
    before = bad.served
    assert [proxy.status(host) for _ in range(ENOUGH)] == [200] * ENOUGH
    assert bad.served == before

    told = away(proxy, pool)
    assert list(told) == ["bad"]
    assert told["bad"]["ejected"]["failure_reason"] == REASON
    assert EJECTED_SECONDS - 10 < told["bad"]["ejected"]["seconds_left"] <= EJECTED_SECONDS
    labels = {"pool": "unmonitored", "origin": "bad"}
    assert number(proxy, "origin_ejections_total", **labels) == 1
    assert number(proxy, "origin_state", state="ejected", **labels) == 1
    assert number(proxy, "origin_state", state="ejected", **{**labels, "origin": "good"}) == 0


def test_a_probe_that_passes_brings_it_back(proxy, pair):
    _, bad = pair
    pool = proxy.pool("monitored", pair, monitored=PATIENT)
    host = proxy.wait(proxy.balancer("monitored", [pool]))
    well = (True, "No failures")
    assert until(lambda: seen(proxy, pool) == [well, well], PROBED_SECONDS), seen(proxy, pool)
    bad.health = 500
    assert until(lambda: seen(proxy, pool) == [well, (True, MISMATCH)], PROBED_SECONDS), seen(proxy, pool)
    eject(proxy, pool, host, bad)
    began = time.monotonic()
    assert seen(proxy, pool) == [well, (False, REASON)]

    bad.health = bad.status = 200
    assert until(lambda: away(proxy, pool) == {}, PROBED_SECONDS), health(proxy, pool)
    before = bad.served
    assert until(lambda: proxy.status(host) == 200 and bad.served > before, SEEN_SECONDS)
    assert time.monotonic() < began + EJECTED_SECONDS, "a probe, and not the end of its time"

    path = "/user/load_balancing_analytics/events?pool_name=monitored"

    def reasons():
        events = proxy.node.api("GET", path).result
        return [(origin["failure_reason"], origin["healthy"]) for event in reversed(events)
                for origin in event["origins"] if origin["name"] == "bad" and origin["changed"]][-2:]

    assert until(lambda: reasons() == [(REASON, False), ("No failures", True)], SEEN_SECONDS), reasons()


def test_the_last_that_serves_stays(proxy, pair):
    _, bad = pair
    bad.status = 503
    pool = proxy.pool("alone", [bad])
    host = proxy.wait(proxy.balancer("alone", [pool]), status=503)
    fail(proxy, host, bad, ENOUGH)
    assert away(proxy, pool) == {}
    refused = {"pool": "alone", "origin": "bad"}
    assert until(lambda: number(proxy, "origin_ejections_refused_total", **refused) >= ENOUGH // FAILURES, SEEN_SECONDS)
    assert number(proxy, "origin_ejections_total", **refused) == 0


def test_a_pool_that_wants_no_ejection_has_none(proxy, pair):
    _, bad = pair
    bad.status = 503
    pool = proxy.pool("unwanted", pair, trimtab={"upstream": {"ejection": False}})
    host = proxy.wait(proxy.balancer("unwanted", [pool]))
    fail(proxy, host, bad, ENOUGH)
    assert away(proxy, pool) == {}


def test_the_drain_of_a_disabled_endpoint_is_counted_down(proxy, pair):
    _, bad = pair
    pool = proxy.pool("drained", pair)
    host = proxy.wait(proxy.balancer("drained", [pool], session_affinity="cookie",
                                     session_affinity_attributes={"drain_duration": DRAIN_SECONDS}))
    assert away(proxy, pool) == {}
    bad.open.clear()
    waiting = bad.served
    clients = [threading.Thread(target=proxy.status, args=(host,)) for _ in range(ENOUGH)]
    for client in clients:
        client.start()
    assert until(lambda: bad.served > waiting, SEEN_SECONDS)

    before = proxy.node.api("GET", f"{proxy.base}/pools/{pool}").result
    proxy.enable(pool, "bad", False)
    acknowledged = time.monotonic()
    assert until(lambda: "drain" in away(proxy, pool).get("bad", {}), SEEN_SECONDS), health(proxy, pool)
    drain = away(proxy, pool)["bad"]["drain"]
    assert 1 <= drain["seconds_left"] <= DRAIN_SECONDS and drain["requests_open"] >= 1, drain
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", drain["until"])
    assert number(proxy, "pool_draining", pool="drained") == 1
    assert number(proxy, "origin_state", pool="drained", origin="bad", state="draining") == 1
    row = [words for words in map(str.split, status(proxy)) if words[:3] == ["drained", "bad", "draining"]]
    assert len(row) == 1 and row[0][4] == "s", status(proxy)
    shown = proxy.node.api("GET", f"{proxy.base}/pools/{pool}").result
    assert shown.get("trimtab") == before.get("trimtab"), "the pool itself is what was written"

    bad.open.set()
    for client in clients:
        client.join()
    late = acknowledged + DRAIN_SECONDS + 1 - time.monotonic()
    assert until(lambda: away(proxy, pool) == {}, late), health(proxy, pool)
    assert number(proxy, "pool_draining", pool="drained") == 0
    assert number(proxy, "origin_state", pool="drained", origin="bad", state="disabled") == 1
