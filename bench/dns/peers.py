"""The programs that are measured: how each is configured, started and asked."""

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import harness
import mmdb
from harness import WORK, Failed

ECHO_PORT = 15300
KNOT_CORE = 0  # knotd keeps its first worker on core 0, whatever core it was started on

ZONE_HEAD = """$ORIGIN example.com.
$TTL 60
@ IN SOA ns1 host 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
"""
ZONE = ZONE_HEAD + "".join(f"lb IN A 192.0.2.{i}\n" for i in (1, 2, 3))


@dataclasses.dataclass(frozen=True)
class Peer:
    """One row of the table."""

    start: Callable[[], subprocess.Popen]  # writes the configuration and starts the server
    port: int
    name: str
    subnet: bool = False  # queries carry a random client subnet
    core: int = harness.SERVER_CORE


def write(path, text):
    path = WORK / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def program(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise Failed(f"{name} is not installed: run bench/dns/setup as root")
    return found


def geo_database():
    path = WORK / "geo.mmdb"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mmdb.write_synthetic(path)
    return path


# --- NSD


def nsd_config(home, port, zone, zonefile, control=False):
    """The text of nsd.conf for one zone; one server process, no rate limit."""
    home.mkdir(parents=True, exist_ok=True)
    return f"""server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{Path(zonefile).parent}"
  database: ""
  zonelistfile: "{home}/zone.list"
  pidfile: ""
  xfrdfile: "{home}/xfrd.state"
  xfrdir: "{home}"
  logfile: "{home}/log"
  reuseport: yes
  minimal-responses: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: {"yes" if control else "no"}
  control-interface: {home}/control
zone:
  name: {zone}
  zonefile: {zonefile}
"""


def nsd():
    zone = write("zones/example.com", ZONE)
    config = write("nsd/nsd.conf", nsd_config(WORK / "nsd", 15301, "example.com", zone))
    return harness.start([program("nsd"), "-d", "-c", config])


# --- Knot


def knot():
    write("zones/example.com", ZONE)
    home = WORK / "knot"
    config = write(
        "knot/knot.conf",
        f"""server:
  rundir: {home}
  listen: 127.0.0.1@15302
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {home}
log:
  - target: stderr
    any: error
template:
  - id: default
    storage: {WORK}/zones
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: example.com
    file: example.com
""",
    )
    return harness.start([program("knotd"), "-c", config], KNOT_CORE)


# --- gdnsd


def gdnsd_options(home, port):
    for folder in ("run", "state", "zones"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    return f"""options => {{
  listen => {{ 127.0.0.1:{port} => {{ udp_threads = 1, tcp_threads = 1 }} }}
  run_dir => {home}/run
  state_dir => {home}/state
}}
"""


GDNSD_PLUGINS = """plugins => {
  weighted => {
    service_types = up
    w3 => { a = [ 192.0.2.1, 10 ], b = [ 192.0.2.2, 20 ], c = [ 192.0.2.3, 30 ] }
  }
  geoip => {
    maps => { m1 => { geoip2_db => GEO
      datacenters => [ us, eu, as ]
      map => { default => [ us, eu, as ], NA => [ us, eu, as ], SA => [ us, eu, as ],
               EU => [ eu, us, as ], AF => [ eu, as, us ], AS => [ as, us, eu ],
               OC => [ as, us, eu ] } } }
    resources => {
      g1 => { map => m1, service_types => up,
              dcmap => { us => 192.0.2.1, eu => 192.0.2.2, as => 192.0.2.3 } }
      g2 => { map => m1, dcmap => { us => %weighted!w3, eu => %weighted!w3, as => %weighted!w3 } }
    }
  }
}
"""


def gdnsd():
    home = WORK / "gdnsd"
    names = "weighted IN DYNA weighted!w3\ngeo IN DYNA geoip!g1\ngeoweighted IN DYNA geoip!g2\n"
    options = gdnsd_options(home, 15303)
    write("gdnsd/zones/example.com", ZONE + names)
    write("gdnsd/config", options + GDNSD_PLUGINS.replace("GEO", str(geo_database())))
    return harness.start([program("gdnsd"), "-c", home, "start"])


# --- PowerDNS

PDNS_LUA = """random IN LUA A "pickrandom({'192.0.2.1','192.0.2.2','192.0.2.3'})"
closest IN LUA A "pickclosest({'1.2.3.1','50.60.70.1','100.110.120.1'})"
"""

# The bind backend serves the zones, but pickclosest needs the geo files of the geoip backend, which
# will not start without a zone of its own.
PDNS_NO_ZONE = """domains:
- domain: geo.invalid
  ttl: 60
  records:
    geo.invalid:
      - soa: ns1.invalid host.invalid 1 3600 600 86400 60
      - ns: ns1.invalid
  services: {}
"""


def pdns_geo_zone():
    lines = ["domains:", "- domain: example.com", "  ttl: 60", "  records:", "    example.com:"]
    lines += ["      - soa: ns1.example.com host.example.com 1 3600 600 86400 60"]
    lines += ["      - ns: ns1.example.com"]
    sites = {"na": 1, "eu": 2, "as": 3, "sa": 1, "oc": 3, "af": 2, "unknown": 1}
    for continent, i in sites.items():
        lines += [f"    {continent}.geo.example.com:", f"      - a: 192.0.2.{i}"]
    return "\n".join([*lines, "  services:", "    geo.example.com: ['%cn.geo.example.com']", ""])


def pdns(home, backends):
    write(
        f"{home}/pdns.conf",
        f"""local-address=127.0.0.1
local-port=15304
daemon=no
guardian=no
socket-dir={WORK / home}
disable-syslog=yes
loglevel=3
receiver-threads=1
distributor-threads=1
enable-lua-records=shared
edns-subnet-processing=yes
geoip-database-files=mmdb:{geo_database()}
{backends}
""",
    )
    return harness.start([program("pdns_server"), f"--config-dir={WORK / home}"])


def pdns_lua():
    zone = write("pdns/lua.zone", ZONE + PDNS_LUA)
    bind = write("pdns/named.conf", f'zone "example.com" {{ type native; file "{zone}"; }};\n')
    nothing = write("pdns/no-zone.yaml", PDNS_NO_ZONE)
    return pdns("pdns/lua", f"launch=bind,geoip\nbind-config={bind}\ngeoip-zones-file={nothing}")


def pdns_geoip():
    zone = write("pdns/geo-zone.yaml", pdns_geo_zone())
    return pdns("pdns/geo", f"launch=geoip\ngeoip-zones-file={zone}")


PEERS = {
    "nsd static": Peer(nsd, 15301, "lb.example.com"),
    "knot static": Peer(knot, 15302, "lb.example.com", core=KNOT_CORE),
    "gdnsd static": Peer(gdnsd, 15303, "lb.example.com"),
    "gdnsd weighted": Peer(gdnsd, 15303, "weighted.example.com"),
    "gdnsd geo ECS": Peer(gdnsd, 15303, "geo.example.com", subnet=True),
    "gdnsd geo weighted ECS": Peer(gdnsd, 15303, "geoweighted.example.com", subnet=True),
    "pdns lua pickrandom": Peer(pdns_lua, 15304, "random.example.com"),
    "pdns lua pickclosest ECS": Peer(pdns_lua, 15304, "closest.example.com", subnet=True),
    "pdns geoip ECS": Peer(pdns_geoip, 15304, "geo.example.com", subnet=True),
}
