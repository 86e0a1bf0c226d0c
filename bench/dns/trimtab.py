"""Our own server: started from server.toml, set up through its HTTP API as a user would."""

import uuid

import harness
from harness import ROOT, WORK
from node import Node, require
from peers import geo_database, write

WRAPPER = ROOT / "target" / "release" / "examples" / "echo"
API_PORT, DNS_PORT, WRAPPER_PORT = 15380, 15310, 15305

# Which sites serve the places of the synthetic database: some by country, some by region.
COUNTRIES = {"US": "us", "DE": "eu", "FR": "eu", "JP": "as"}
REGIONS = {"SSAM": "us", "NSAM": "us", "SEAS": "as", "OC": "as", "SAF": "eu"}
WEIGHTS = (1, 0.5, 0.25)


class Server(Node):
    """A node that answers DNS."""

    def __init__(self, home="trimtab"):
        super().__init__(self._write_config(home), API_PORT, WORK / "server.log")

    def _write_config(self, home):
        data = WORK / home / f"data-{uuid.uuid4().hex[:8]}"
        data.mkdir(parents=True)
        return write(
            f"{home}/server.toml",
            f"""data_dir = "{data}"
[node]
name = "bench"
pop = "FRA"
[api]
listen = "127.0.0.1:{API_PORT}"
requests_per_minute = 100000
[dns]
listen = ["127.0.0.1:{DNS_PORT}"]
nameservers = ["ns1.example.net."]
rrl = {{ per_second = 50, burst = 125, slip = 2, exempt = ["127.0.0.0/8"] }}
[geo]
databases = ["{geo_database()}"]
""",
        )

    def import_records(self, zone, text):
        """One BIND file by multipart upload; how many records were added."""
        boundary = uuid.uuid4().hex
        part = f'Content-Disposition: form-data; name="file"; filename="zone.txt"\r\n\r\n{text}\r\n'
        data = f"--{boundary}\r\n{part}--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        path = f"/zones/{zone}/dns_records/import"
        return self.send("POST", path, data, kind)["recs_added"]


def start_wrapper():
    """The echo of the C floor on our own batches: what crates/net alone costs."""
    require(WRAPPER, "cargo build --release -p trimtab-net --example echo")
    return harness.start([WRAPPER, WRAPPER_PORT])


def add_pool(server, site, number):
    origins = [
        {"name": f"{site}-{i}", "address": f"192.0.2.{number * 10 + i}", "weight": weight}
        for i, weight in enumerate(WEIGHTS)
    ]
    pool = {"name": site, "origins": origins, "origin_steering": {"policy": "random"}}
    return server.add_pool(pool)


def start_steered():
    """A node with a zone to answer for: what a row of the table needs."""
    server = Server()
    try:
        add_steered_zone(server)
    except BaseException:
        harness.stop(server.process)
        raise
    return server.process


def add_steered_zone(server):
    """example.com with plain records and one balancer: geography by ECS, weights within a pool."""
    zone = server.add_zone("example.com")
    plain = "".join(f"static IN A 192.0.2.{i}\n" for i in (1, 2, 3))
    server.import_records(zone, "$ORIGIN example.com.\n$TTL 60\n" + plain)
    pools = {site: add_pool(server, site, i) for i, site in enumerate(("us", "eu", "as"), 1)}
    balancer = {
        "name": "lb.example.com",
        "proxied": False,
        "ttl": 60,
        "default_pools": list(pools.values()),
        "fallback_pool": pools["us"],
        "steering_policy": "geo",
        "country_pools": {country: [pools[site]] for country, site in COUNTRIES.items()},
        "region_pools": {region: [pools[site]] for region, site in REGIONS.items()},
        "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"},
    }
    server.call("POST", f"/zones/{zone}/load_balancers", balancer)
