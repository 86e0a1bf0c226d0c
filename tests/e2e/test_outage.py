"""An outage as it is lived: one place loses its way and nothing happens; two do, and traffic moves and people are told, once."""

import subprocess

import pytest

from dig import dig
from node import BINARY, until
from test_alerts import TOLD_SECONDS, Site

WWW = "www.example.com"
SOURCES = {"FRA": "127.0.0.2", "NRT": "127.0.0.3", "IAD": "127.0.0.4"}
PLACES = """extra_pops = ["NRT", "IAD"]
sources = { FRA = ["127.0.0.2"], NRT = ["127.0.0.3"], IAD = ["127.0.0.4"] }
"""
NIGHT = "night@example.com"
LOST, WELL = "HTTP timeout occurred", "No failures"
# After so many probes of every place whatever could happen has happened.
SETTLED_PROBES = 4
# A probe that waits for its time to be over, and a busy machine.
SEEN_SECONDS = 15


class Outage(Site):
    """Two pools behind one name, three places that look at them, one policy with two ways to tell."""

    def __init__(self, folder):
        super().__init__(folder, PLACES)
        # What one place sees on a busy machine flips nothing, and each probe of a place that is lost takes its whole time.
        self.east, [self.east_1] = self.pool("east", retries=0)
        self.west, [self.west_1] = self.pool("west", retries=0)
        zone = self.node.create("/zones", {"name": "example.com", "account": {"id": self.account}})["id"]
        body = {"name": WWW, "steering_policy": "off", "default_pools": [self.east, self.west], "fallback_pool": self.west}
        self.node.create(f"/zones/{zone}/load_balancers", body)
        hook = self.webhook("pager")
        self.night = self.policy("night", {"webhooks": [{"id": hook}], "email": [{"id": NIGHT}]})

    def lose(self, *places):
        """The ways between these places and east, and no others, are lost."""
        self.east_1.lost_to.clear()
        self.east_1.lost_to.update(SOURCES[place] for place in places)

    def seen(self, pool="east"):
        """What each place says of the pool's one endpoint: its state and why."""
        return {place["pop"]: (place["state"], place["failure_reason"]) for place in self.places(pool)}

    def places(self, pool):
        matrix = self.node.api("GET", f"/accounts/{self.account}/trimtab/health/matrix").result
        [pool] = [row for row in matrix if row["name"] == pool]
        [monitor] = pool["origins"][0]["monitors"]
        return monitor["places"]

    def probed_from(self, place):
        """The exit code of a probe of east by hand."""
        monitor = self.node.api("GET", f"/accounts/{self.account}/load_balancers/pools/{self.east}").result["monitor"]
        command = [BINARY, "probe", monitor, "east", "--pop", place, "--server", self.node.base_url, "--token", self.node.token]
        return subprocess.run(command, capture_output=True, timeout=30).returncode

    def until_seen(self, *lost):
        want = {place: ("down", LOST) if place in lost else ("up", WELL) for place in SOURCES}
        assert until(lambda: self.seen() == want, SEEN_SECONDS), f"{self.seen()}\n{self.node.log()}"

    def until_answered(self, origin):
        assert until(lambda: dig(self.node, WWW).addresses == [origin.address], SEEN_SECONDS), self.node.log()

    def until_settled(self):
        """Every place has looked at both pools some times more, and no message is on its way."""
        before = self.probes()

        def looked():
            more = [count - before.get(series, 0) for series, count in self.probes().items()]
            return len(more) == 2 * len(SOURCES) and min(more) >= SETTLED_PROBES

        assert until(looked, SEEN_SECONDS), f"{before} {self.probes()}"
        assert until(lambda: self.sample("trimtab_notifications_waiting{}") == 0, TOLD_SECONDS), self.node.log()

    def probes(self):
        lines = [line for line in self.metrics().splitlines() if line.startswith("trimtab_monitor_check_duration_seconds_count")]
        return {series: float(count) for series, count in (line.rsplit(" ", 1) for line in lines)}

    def sample(self, series):
        [value] = [line.rsplit(" ", 1)[1] for line in self.metrics().splitlines() if line.startswith(series)]
        return float(value)

    def flips(self):
        """Of east, the newest first: did it become healthy, and what each place saw."""
        events = self.node.api("GET", "/user/load_balancing_analytics/events?pool_name=east").result
        told = []
        for event in sorted(events, key=lambda event: -event["id"]):
            [origin] = event["origins"]
            places = {place["pop"]: (place["healthy"], place["failure_reason"]) for place in origin["trimtab"]["places"]}
            told.append((event["pool"]["healthy"], places))
        return told

    def told(self):
        """Starts and ends, as they came over both ways; each message is about east."""
        assert all("east" in taken.body for taken in self.hook.taken)
        mails = [mail["subject"].split(":")[0] for mail in self.mail.to(NIGHT)]
        return [body["alert_event"].rsplit("_", 1)[1] for body in self.hook.bodies()], mails

    def until_told(self, *events):
        """These have been told over both ways, each once, and nothing else."""
        want = list(events), [{"START": "[trimtab] DOWN", "END": "[trimtab] UP"}[event] for event in events]
        assert until(lambda: self.told() == want, TOLD_SECONDS), f"{self.told()}\n{self.node.log()}"
        self.until_settled()
        assert self.told() == want
        entries = self.history(self.night)
        assert [entry["trimtab"]["result"] for entry in entries] == ["delivered"] * (2 * len(events))


@pytest.fixture(scope="module")
def outage(tmp_path_factory):
    outage = Outage(tmp_path_factory.mktemp("outage"))
    outage.until_answered(outage.east_1)
    yield outage
    outage.stop()


def test_one_place_that_lost_its_way_is_named_and_flips_nothing(outage):
    outage.lose("NRT")
    outage.until_seen("NRT")
    outage.until_settled()
    assert set(outage.seen("west").values()) == {("up", WELL)}
    assert dig(outage.node, WWW).addresses == [outage.east_1.address]
    for pop, up in {"FRA": 1, "NRT": 0, "IAD": 1, "": 1}.items():
        assert outage.sample(f'trimtab_origin_up{{pool="east",origin="{outage.east_1.name}",pop="{pop}",') == up
    [nrt] = [place for place in outage.places("east") if place["pop"] == "NRT"]
    assert "--interface 127.0.0.3 " in nrt["evidence"]["repeat"]
    for pop, code in {"FRA": 0, "NRT": 1}.items():
        assert outage.probed_from(pop) == code, "whoever looks from there by hand sees the same"
    explained = outage.node.api("POST", f"/accounts/{outage.account}/trimtab/explain", {"name": WWW}).result
    [east] = [candidate for candidate in explained["candidates"] if candidate["pool"] == "east"]
    [endpoint] = east["endpoints"]
    assert (east["state"], endpoint["state"]) == ("chosen", "up")
    views = {view["pop"]: (view["state"], view["reason"]) for view in endpoint["observers"]}
    assert views == {"FRA": ("up", WELL), "NRT": ("down", LOST), "IAD": ("up", WELL)}
    assert [healthy for healthy, _ in outage.flips()] == [True], "nothing since the pool was made"
    assert (outage.told(), outage.history(), outage.hook.came) == (([], []), [], [])


def test_two_places_that_lost_their_way_are_an_outage(outage):
    outage.lose("NRT", "IAD")
    outage.until_answered(outage.west_1)
    outage.until_told("START")
    outage.until_seen("NRT", "IAD")
    [(healthy, places), _] = outage.flips()
    assert (healthy, places) == (False, {"FRA": (True, WELL), "NRT": (False, LOST), "IAD": (False, LOST)})
    assert dig(outage.node, WWW).addresses == [outage.west_1.address]


def test_one_place_that_is_back_ends_it(outage):
    outage.lose("NRT")
    outage.until_answered(outage.east_1)
    outage.until_told("START", "END")
    outage.lose()
    outage.until_seen()
    outage.until_told("START", "END")
    assert [healthy for healthy, _ in outage.flips()] == [True, False, True]


def test_a_node_that_is_killed_before_anybody_took_the_message_tells_once(outage):
    outage.hook.status, outage.mail.reply = 503, "451 not now"
    came = len(outage.hook.came), len(outage.mail.came)
    outage.lose("NRT", "IAD")
    outage.until_answered(outage.west_1)
    refused = lambda: len(outage.hook.came) > came[0] and len(outage.mail.came) > came[1]  # noqa: E731
    assert until(refused, TOLD_SECONDS), outage.node.log()
    assert until(lambda: outage.sample("trimtab_notifications_waiting{}") == 2, TOLD_SECONDS), outage.node.log()
    outage.node.kill()
    outage.hook.status, outage.mail.reply = 200, "250 taken"
    outage.node.start()
    assert dig(outage.node, WWW).addresses == [outage.west_1.address], "what was known is known"
    outage.until_told("START", "END", "START")
    assert len({request.key for request in outage.hook.came[came[0]:]}) == 1
    assert len({mail["message-id"] for mail in outage.mail.came[came[1]:]}) == 1
    outage.lose()
    outage.until_answered(outage.east_1)
    outage.until_told("START", "END", "START", "END")
    assert [healthy for healthy, _ in outage.flips()] == [True, False, True, False, True]
