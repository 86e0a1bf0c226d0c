"""Origins die, vanish, are slow, are taken out and come back under traffic; no request that can be repeated fails."""

import time

import pytest

from node import until
from traffic import FallibleOrigin, Loop, Traffic

RATE, CONNECTIONS = 500, 64
# What is answered between two steps: at this rate one second.
STEP_REQUESTS = 500
# A request that was under way when its origin was killed, and those for which the reset came too late.
KILL_SECONDS = 0.3
# Two connections in a row that are never answered, a slow origin, and a busy machine.
ANSWERED_SECONDS = 3
# Down is seen by the next probe, up as well.
SEEN_SECONDS = 5
SERVED_SECONDS = 1
DRAIN_SECONDS = 5
SESSIONS = 40
UPSTREAM = {"upstream": {"connect_timeout": 300}}


@pytest.fixture(scope="module")
def fleet():
    loop = Loop()
    fleet = {name: FallibleOrigin(name, loop).start() for name in ("a", "b", "c", "d")}
    yield fleet
    for origin in fleet.values():
        origin.stop()


@pytest.fixture(scope="module")
def pool(proxy, fleet):
    return proxy.pool("fleet", fleet.values(), monitored={"interval": 1, "timeout": 1}, trimtab=UPSTREAM)


@pytest.fixture(scope="module")
def traffic(proxy, fleet, pool):
    host = proxy.wait(proxy.balancer("fleet", [pool]))
    traffic = Traffic(proxy.http_port, host, RATE, CONNECTIONS).start()
    traffic.go_on(STEP_REQUESTS)
    yield traffic
    traffic.stop()


@pytest.fixture
def period(traffic, fleet):
    """Judges what happened to the traffic while the test ran."""
    begin, killed = len(traffic.results), []
    yield killed
    traffic.go_on(STEP_REQUESTS)
    results = traffic.results[begin:]
    failed = [result for result in results if result.status != 200]
    assert [result for result in failed if not unrepeatable(result, killed)] == []
    assert max(result.seconds for result in results) < ANSWERED_SECONDS
    posts = {result.number for result in results if result.method == "POST"}
    twice = {number for number in posts if sum(origin.done[number] for origin in fleet.values()) > 1}
    assert twice == set(), "what is not idempotent was done twice"


def unrepeatable(result, killed):
    """A POST that an origin may have seen before it died: RFC 9110 9.2.2."""
    end = result.began + result.seconds
    return result.method == "POST" and any(at < end and result.began < at + KILL_SECONDS for at in killed)


def serves(traffic, name):
    """Until this origin gets its part again."""
    begin = len(traffic.results)

    def answers():
        return any(result.origin == name for result in traffic.results[begin:])

    assert until(answers, SEEN_SECONDS), f"{name} gets nothing"


def test_nothing_fails_while_all_is_well(traffic, fleet, period):
    traffic.go_on(STEP_REQUESTS)
    for name in fleet:
        serves(traffic, name)


@pytest.mark.parametrize("name", ["a", "c"])
def test_an_origin_is_killed_and_comes_back(traffic, fleet, period, name):
    period.append(time.monotonic())
    fleet[name].kill()
    traffic.go_on(2 * STEP_REQUESTS)
    fleet[name].start()
    serves(traffic, name)


def test_an_origin_is_killed_again_and_again(traffic, fleet, period):
    """Quicker than probes see it."""
    for _ in range(5):
        period.append(time.monotonic())
        fleet["b"].kill()
        traffic.go_on(STEP_REQUESTS // 5)
        fleet["b"].start()
        traffic.go_on(STEP_REQUESTS // 5)
    serves(traffic, "b")


def test_an_origin_vanishes_and_comes_back(traffic, fleet, period):
    period.append(time.monotonic())
    fleet["d"].black_hole()
    traffic.go_on(2 * STEP_REQUESTS)
    period.append(time.monotonic())
    fleet["d"].stop()
    fleet["d"].start()
    serves(traffic, "d")


def test_an_origin_is_slow(traffic, fleet, period):
    fleet["a"].delay = 0.3
    traffic.go_on(STEP_REQUESTS)
    fleet["a"].delay = 0
    traffic.go_on(STEP_REQUESTS)


def test_an_origin_is_taken_out_and_put_in_again(proxy, pool, traffic, fleet, period):
    proxy.enable(pool, "b", False)
    acknowledged = time.monotonic()
    traffic.go_on(2 * STEP_REQUESTS)
    assert fleet["b"].last < acknowledged + SERVED_SECONDS
    proxy.enable(pool, "b", True)
    serves(traffic, "b")


def test_all_but_one_are_killed_one_after_another(traffic, fleet, period):
    for name in ("a", "b", "c"):
        period.append(time.monotonic())
        fleet[name].kill()
        # The next one dies when probes know of this one: a request is tried on two origins, not on four.
        traffic.go_on(2 * STEP_REQUESTS)
    for name in ("a", "b", "c"):
        fleet[name].start()
    for name in ("a", "b", "c"):
        serves(traffic, name)


# === drain ===


class Session:
    """A client with a cookie jar for one cookie."""

    def __init__(self, proxy, host):
        self.proxy, self.host, self.cookie = proxy, host, None

    def ask(self):
        """The origin that answered."""
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        with self.proxy.connect() as tcp:
            tcp.sendall(f"GET /session HTTP/1.1\r\nHost: {self.host}\r\n{cookie}Connection: close\r\n\r\n".encode())
            answer = tcp.makefile("rb").read().decode("latin-1")
        head, _, origin = answer.partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 200 "), answer
        for line in head.split("\r\n"):
            if line.lower().startswith("set-cookie: __cflb="):
                self.cookie = line.partition(": ")[2].partition(";")[0]
        return origin


def test_a_drained_origin_keeps_its_sessions_until_the_deadline_and_gets_no_new_ones(proxy, fleet):
    pool = proxy.probed(proxy.pool("drained", fleet.values(), monitored={"interval": 1, "timeout": 1}))
    host = proxy.wait(proxy.balancer("drained", [pool], session_affinity="cookie",
                                     session_affinity_attributes={"drain_duration": DRAIN_SECONDS}))
    sessions = [Session(proxy, host) for _ in range(SESSIONS)]
    homes = [session.ask() for session in sessions]
    assert set(homes) == set(fleet), "sessions are spread over all origins"
    assert [session.ask() for session in sessions] == homes

    leaving, before = homes[0], time.monotonic()
    proxy.enable(pool, leaving, False)
    acknowledged = time.monotonic()
    while time.monotonic() < before + DRAIN_SECONDS - 1:
        may_be_new = time.monotonic() < acknowledged + SERVED_SECONDS
        assert Session(proxy, host).ask() != leaving or may_be_new, "a new session on a drained origin"
        stays = [session.ask() for session in sessions]
        # What was asked before the deadline tells nothing once it is past, and its last second may be cut short.
        assert stays == homes or time.monotonic() > before + DRAIN_SECONDS - 1

    late = acknowledged + DRAIN_SECONDS + SERVED_SECONDS - time.monotonic()
    assert until(lambda: leaving not in [session.ask() for session in sessions], late), "sessions beyond the deadline"
    moved = [session.ask() for session in sessions]
    stayed = [(home, now) for home, now in zip(homes, moved, strict=True) if home != leaving]
    assert all(home == now for home, now in stayed), "a session of another origin was moved"
    assert [session.ask() for session in sessions] == moved, "a session that was moved stays where it is"
