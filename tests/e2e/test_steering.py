"""Where answers lead, seen by `dig`: geography through the embedded table, health, failover, fallback."""

import time

import pytest

from dig import dig
from node import until
from origin import Origin

INTERVAL, FAILS, PASSES = 1, 2, 2
# An acknowledged write is served within a second.
SERVED_SECONDS = 1

# Real prefixes of universities and operators that have not moved for decades.
CLIENTS = [
    ("128.32.0.0/24", "WNAM"),  # Berkeley, US-CA
    ("128.103.0.0/24", "ENAM"),  # Cambridge, US-MA
    ("200.160.2.0/24", "SSAM"),  # Sao Paulo, BR
    ("131.111.0.0/24", "WEU"),  # Cambridge, GB
    ("147.91.0.0/24", "EEU"),  # Belgrade, RS
    ("41.90.0.0/24", "SAF"),  # Nairobi, KE
    ("202.54.0.0/24", "SAS"),  # Mumbai, IN
    ("137.132.0.0/24", "SEAS"),  # Singapore, SG
    ("133.11.0.0/24", "NEAS"),  # Tokyo, JP
    ("130.102.0.0/24", "OC"),  # Australia, AU
]


class World:
    """Makes pools, each with origins of its own loopback addresses, and balancers over them."""

    def __init__(self, node, account, zone):
        self.node, self.zone = node, zone
        self.base = f"/accounts/{account}/load_balancers"
        self.origins, self.pools, self.hosts = {}, {}, 1
        body = {"type": "http", "expected_codes": "200", "interval": INTERVAL, "timeout": 1, "retries": 0,
                "consecutive_down": FAILS, "consecutive_up": PASSES}
        self.monitor = node.create(f"{self.base}/monitors", body)["id"]

    def pool(self, name, count=1, up=True, **more):
        """More endpoints than one are called name-0, name-1 ..."""
        names = [name] if count == 1 else [f"{name}-{n}" for n in range(count)]
        for origin in names:
            self.hosts += 1
            self.origins[origin] = Origin(origin, f"127.0.3.{self.hosts}")
            if up:
                self.origins[origin].start()
        found = [self.origins[origin] for origin in names]
        origins = [{"name": o.name, "address": o.address, "port": o.port} for o in found]
        body = {"name": name, "origins": origins, "monitor": self.monitor, **more}
        self.pools[name] = self.node.create(f"{self.base}/pools", body)["id"]

    def balancer(self, label, pools, fallback, **more):
        name = f"{label}.example.com"
        body = {"name": name, "default_pools": [self.pools[pool] for pool in pools],
                "fallback_pool": self.pools[fallback], **more}
        self.node.create(f"/zones/{self.zone}/load_balancers", body)
        return name

    def edit_pool(self, name, body):
        answer = self.node.api("PATCH", f"{self.base}/pools/{self.pools[name]}", body)
        assert answer.status == 200, answer.text

    def address(self, *origins):
        return sorted(self.origins[origin].address for origin in origins)

    def answers(self, name, *origins, within=SERVED_SECONDS, subnet=None):
        """Seconds until the answer is exactly these endpoints."""
        begin, expected = time.monotonic(), self.address(*origins)
        assert until(lambda: dig(self.node, name, subnet=subnet).addresses == expected, within), (
            f"{name}: {dig(self.node, name, subnet=subnet).text}\nwanted {expected}\n{self.node.log()}")
        return time.monotonic() - begin


@pytest.fixture(scope="module")
def world(node, account, zone):
    world = World(node, account, zone)
    yield world
    for origin in world.origins.values():
        origin.kill()


FIRST_PROBE_SECONDS = INTERVAL + SERVED_SECONDS
CHANGE_SECONDS = INTERVAL * FAILS + 1


# === geography ===


@pytest.fixture(scope="module")
def geo(world):
    regions = sorted({region for _, region in CLIENTS})
    for region in regions:
        world.pool(region)
    world.pool("elsewhere")
    region_pools = {region: [world.pools[region]] for region in regions}
    return world.balancer("geo", ["elsewhere"], "elsewhere", steering_policy="geo", region_pools=region_pools)


@pytest.mark.parametrize("subnet, region", CLIENTS)
def test_client_subnet_gets_the_pool_of_its_region(world, geo, subnet, region):
    world.answers(geo, region, subnet=subnet, within=FIRST_PROBE_SECONDS)


def test_region_without_pools_gets_the_default_pools(world, geo):
    world.answers(geo, "elsewhere", subnet="105.112.0.0/24", within=FIRST_PROBE_SECONDS)  # Lagos, NG


def test_scope_is_no_longer_than_the_source_and_zero_where_place_played_no_part(world, geo):
    assert 0 < dig(world.node, geo, subnet="131.111.0.0/24").scope <= 24
    assert dig(world.node, geo).scope is None
    plain = world.balancer("plain", ["WEU"], "WEU")
    world.answers(plain, "WEU", subnet="131.111.0.0/24")
    assert dig(world.node, plain, subnet="131.111.0.0/24").scope == 0


# === health ===


def test_killed_origin_leaves_the_answers_in_time_and_comes_back(world):
    world.pool("first")
    world.pool("second")
    name = world.balancer("failover", ["first", "second"], "second")
    world.answers(name, "first", within=FIRST_PROBE_SECONDS)
    world.origins["first"].kill()
    away = world.answers(name, "second", within=CHANGE_SECONDS)
    world.origins["first"].start()
    back = world.answers(name, "first", within=CHANGE_SECONDS)
    print(f"away after {away:.2f} s, back after {back:.2f} s (limit {CHANGE_SECONDS} s)")


def test_killed_endpoint_leaves_its_pool(world):
    world.pool("three", count=3)
    name = world.balancer("three", ["three"], "three")
    world.answers(name, "three-0", "three-1", "three-2", within=FIRST_PROBE_SECONDS)
    world.origins["three-1"].kill()
    world.answers(name, "three-0", "three-2", within=CHANGE_SECONDS)


def test_fallback_pool_answers_whatever_its_health(world):
    world.pool("dark", up=False)
    world.pool("last", up=False)
    name = world.balancer("fallback", ["dark"], "last")
    world.answers(name, "last", within=FIRST_PROBE_SECONDS)


def test_disabled_fallback_is_no_data_with_the_soa(world):
    world.pool("gone", up=False)
    name = world.balancer("nothing", ["gone"], "gone")
    world.answers(name, "gone", within=FIRST_PROBE_SECONDS)
    world.edit_pool("gone", {"enabled": False})
    world.answers(name, within=SERVED_SECONDS)
    answer = dig(world.node, name)
    assert (answer.status, answer.addresses, answer.authority) == ("NOERROR", [], ["SOA"])


def test_disabled_pool_is_passed_over(world):
    world.pool("planned")
    world.pool("standby")
    name = world.balancer("planned", ["planned", "standby"], "standby")
    world.answers(name, "planned", within=FIRST_PROBE_SECONDS)
    world.edit_pool("planned", {"enabled": False})
    world.answers(name, "standby")


# === answers ===


def test_equal_weights_are_answered_together_and_unequal_ones_singly(world):
    world.pool("pair", count=2)
    name = world.balancer("pair", ["pair"], "pair")
    world.answers(name, "pair-0", "pair-1", within=FIRST_PROBE_SECONDS)
    pair = [world.origins["pair-0"], world.origins["pair-1"]]
    weights = zip(pair, [1, 0.5])
    world.edit_pool("pair", {"origins": [
        {"name": o.name, "address": o.address, "port": o.port, "weight": weight} for o, weight in weights]})
    assert until(lambda: len(dig(world.node, name).addresses) == 1, SERVED_SECONDS)
    many = [dig(world.node, name).addresses for _ in range(40)]
    assert sorted({address for [address] in many}) == world.address("pair-0", "pair-1")


def test_ttl_is_the_balancers_and_never_longer(world):
    world.pool("timed")
    name = world.balancer("timed", ["timed"], "timed", ttl=20)
    world.answers(name, "timed", within=FIRST_PROBE_SECONDS)
    assert all(1 <= ttl <= 20 for ttl in dig(world.node, name).ttls)


def test_other_types_at_a_balanced_name_are_served(world):
    world.pool("mixed")
    name = world.balancer("mixed", ["mixed"], "mixed")
    world.node.create(f"/zones/{world.zone}/dns_records",
                      {"type": "TXT", "name": "mixed", "content": "beside", "ttl": 60})
    seen = lambda: [data for _, _, _, data in dig(world.node, name, kind="TXT").sections["ANSWER"]]  # noqa: E731
    assert until(lambda: seen() == ['"beside"'], SERVED_SECONDS), seen()
    six = dig(world.node, name, kind="AAAA")
    assert (six.status, six.addresses, six.authority) == ("NOERROR", [], ["SOA"])


def test_names_outside_every_zone_are_refused_and_unknown_names_denied(world):
    assert dig(world.node, "www.example.net").status == "REFUSED"
    absent = dig(world.node, "absent.example.com")
    assert (absent.status, absent.authority) == ("NXDOMAIN", ["SOA"])


def test_tcp_answers_as_udp_does(world):
    world.pool("stream")
    name = world.balancer("stream", ["stream"], "stream")
    world.answers(name, "stream", within=FIRST_PROBE_SECONDS)
    assert dig(world.node, name, options=["+tcp"]).addresses == world.address("stream")
