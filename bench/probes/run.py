#!/usr/bin/env python3
"""What probing costs one node, and how soon a flip is in answers.

    bench/probes/run.py scale      10,000 endpoints x 10 s over TCP and 2,000 x 10 s over HTTPS
    bench/probes/run.py flip       from the end of the probe that decides to the first DNS answer, and to the first proxied
                                   request, that goes elsewhere

Needs root for nothing, nginx for the far end, and `cargo build --release -p trimtab`. Files go to target/bench-probes
(or $BENCH_WORK).
"""

import argparse
import datetime
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import processes  # noqa: E402
from node import Node  # noqa: E402
from processes import ROOT, TICKS, Failed  # noqa: E402

WORK = Path(os.environ.get("BENCH_WORK", ROOT / "target" / "bench-probes"))
LOG = WORK / "server.log"
API_PORT, DNS_PORT, TCP_PORT, TLS_PORT, HTTP_PORT = 15481, 15482, 15483, 15484, 15485
POOL_SIZE = 100
ZONE = "example.com"


def write(name, text):
    path = WORK / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def start_node():
    data = WORK / f"data-{uuid.uuid4().hex[:8]}"
    data.mkdir(parents=True)
    config = write(
        "server.toml",
        f"""data_dir = "{data}"
[node]
name = "bench"
pop = "FRA"
[api]
listen = "127.0.0.1:{API_PORT}"
[dns]
listen = ["127.0.0.1:{DNS_PORT}"]
[proxy]
http = ["127.0.0.1:{HTTP_PORT}"]
addresses = ["127.0.0.1"]
[limits]
min_monitor_interval = 1
[egress]
allow = ["127.0.0.0/8"]
""",
    )
    return Node(config, API_PORT, LOG)


def start_far_end():
    """nginx on every loopback address: plain for the handshake, and TLS with a tiny answer."""
    if not shutil.which("nginx"):
        raise Failed("nginx is missing")
    key, certificate = WORK / "key.pem", WORK / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
         "-subj", "/CN=bench", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )
    config = write(
        "nginx.conf",
        f"""daemon off;
worker_processes 1;
pid {WORK}/nginx.pid;
error_log {WORK}/nginx.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    server {{ listen 0.0.0.0:{TCP_PORT} backlog=8192; return 200 "ok"; }}
    server {{
        listen 0.0.0.0:{TLS_PORT} ssl backlog=8192;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        return 200 "ok";
    }}
}}
""",
    )
    return processes.start(["nginx", "-c", config], LOG, core=processes.GENERATOR_CORE)


def address(number):
    return f"127.{1 + number // 60_000}.{number // 250 % 240}.{1 + number % 250}"


def set_up(node, count, port, monitor, first):
    """Pools of a hundred behind one balancer; the balancer makes them used."""
    path = f"/accounts/{node.account}/load_balancers/monitors"
    monitor = node.call("POST", path, monitor)["id"]
    pools = []
    for start in range(first, first + count, POOL_SIZE):
        origins = [{"name": f"o{n}", "address": address(n), "port": port} for n in range(start, start + POOL_SIZE)]
        pools.append(node.add_pool({"name": f"p{start}", "origins": origins, "monitor": monitor}))
    return pools


def balancer(node, zone, name, pools):
    body = {"name": f"{name}.{ZONE}", "proxied": False, "default_pools": pools[:50], "fallback_pool": pools[0],
            "steering_policy": "off"}
    node.call("POST", f"/zones/{zone}/load_balancers", body)


def metrics():
    with urllib.request.urlopen(f"http://127.0.0.1:{API_PORT}/metrics", timeout=10) as reply:
        return reply.read().decode()


def lags(text):
    return [float(value) for value in re.findall(r"^trimtab_monitor_schedule_lag_seconds\{[^}]*\} (\S+)$", text, re.M)]


def total(text, name):
    return sum(float(value) for value in re.findall(rf"^trimtab_{name}\{{[^}}]*\}} (\S+)$", text, re.M))


def cpu(pid):
    fields = processes.fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def server_pid(process):
    """taskset execs into the server, so that its id is the server's."""
    return process.pid


def scale(seconds):
    far, node = start_far_end(), None
    try:
        node = start_node()
        zone = node.add_zone(ZONE)
        tcp = {"type": "tcp", "method": "connection_established", "port": TCP_PORT, "interval": 10, "timeout": 2,
               "retries": 1}
        https = {"type": "https", "method": "GET", "path": "/", "expected_codes": "200", "allow_insecure": True,
                 "port": TLS_PORT, "interval": 10, "timeout": 2, "retries": 1}
        pools = set_up(node, 10_000, TCP_PORT, tcp, 0)
        for start in range(0, len(pools), 50):
            balancer(node, zone, f"tcp{start}", pools[start : start + 50])
        pools = set_up(node, 2_000, TLS_PORT, https, 20_000)
        balancer(node, zone, "https", pools)
        pid = server_pid(node.process)
        time.sleep(15)  # the first sight of everything, and one whole interval
        seen, most_fds, most_rss = [], 0, 0
        before, began, checks = cpu(pid), time.monotonic(), total(metrics(), "monitor_checks_total")
        while time.monotonic() < began + seconds:
            seen += lags(metrics())
            most_fds = max(most_fds, len(os.listdir(f"/proc/{pid}/fd")))
            rss = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
            most_rss = max(most_rss, rss)
            time.sleep(1)
        took = time.monotonic() - began
        text = metrics()
        checks = total(text, "monitor_checks_total") - checks
        seen.sort()
        print(f"checks a second       {checks / took:10.0f}")
        print(f"cpu, % of one core    {(cpu(pid) - before) / took * 100:10.1f}")
        print(f"memory, MB            {most_rss / 1e6:10.0f}")
        print(f"schedule lag p50, ms  {seen[len(seen) // 2] * 1e3:10.1f}")
        print(f"schedule lag p99, ms  {seen[len(seen) * 99 // 100] * 1e3:10.1f}")
        print(f"descriptors at most   {most_fds:10d}")
        print(f"failed checks         {total(text, 'monitor_check_failures_total'):10.0f}")
    finally:
        if node:
            processes.stop(node.process)
        processes.stop(far)


class Switch:
    """An HTTP server that can be closed and opened, and answers with its address."""

    def __init__(self, host):
        self.host, self.listener = host, None
        self.open()

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, TCP_PORT))
        self.listener.listen(64)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        body = self.host.encode()
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        with client:
            try:
                if client.recv(4096):
                    client.sendall(head + body)
            except OSError:
                pass  # a probe that wanted a connection and nothing else

    def close(self):
        """Nothing happens to one that is closed."""
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()


def query(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def answer(asking, packet):
    asking.send(packet)
    reply = asking.recv(512)
    return socket.inet_ntoa(reply[-4:]) if struct.unpack(">H", reply[6:8])[0] else None


def flip(rounds):
    node, first = None, Switch("127.0.0.11")
    second = Switch("127.0.0.12")
    try:
        node = start_node()
        zone = node.add_zone(ZONE)
        monitor = {"type": "tcp", "method": "connection_established", "port": TCP_PORT, "interval": 1, "timeout": 1,
                   "retries": 0}
        path = f"/accounts/{node.account}/load_balancers/monitors"
        monitor = node.call("POST", path, monitor)["id"]
        pools = [
            node.add_pool({"name": name, "monitor": monitor, "origins": [{"name": name, "address": host, "port": TCP_PORT}]})
            for name, host in [("first", "127.0.0.11"), ("second", "127.0.0.12")]
        ]
        balancer(node, zone, "www", pools)
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asking.settimeout(2)
        asking.connect(("127.0.0.1", DNS_PORT))
        packet = query(f"www.{ZONE}")
        wait_until_up(node, 2)
        delays = []
        for turn in range(rounds * 2):
            want = "127.0.0.12" if turn % 2 == 0 else "127.0.0.11"
            wait_for(asking, packet, "127.0.0.11" if turn % 2 == 0 else "127.0.0.12")
            (first.close if turn % 2 == 0 else first.open)()
            changed = wait_for(asking, packet, want)
            delays.append((changed - decided(node, "first")) * 1e3)
        show("answer", delays)
        show("request", [proxied_return(node, zone, pools, first, turn) for turn in range(rounds)])
    finally:
        if node:
            processes.stop(node.process)
        first.close()
        second.close()


def show(what, delays):
    delays.sort()
    print(f"flips                 {len(delays):10d}")
    print(f"probe to {what + ', ms':12} {statistics.median(delays):10.1f}  (median)")
    print(f"                      {delays[-1]:10.1f}  (longest)")


def proxied_return(node, zone, pools, first, turn):
    """An endpoint that is back gets requests when its state flips and not before: one that goes away is failed over."""
    if turn == 0:
        body = {"name": f"app.{ZONE}", "proxied": True, "default_pools": pools, "fallback_pool": pools[0],
                "steering_policy": "off"}
        node.call("POST", f"/zones/{zone}/load_balancers", body)
    first.close()
    wait_until_down(node, "first")
    first.open()
    end = time.time() + 10
    while time.time() < end:
        if ask_proxy() == first.host:
            return (time.time() - decided(node, "first")) * 1e3
        time.sleep(0.0005)
    raise Failed("the endpoint gets no requests within 10 s")


def ask_proxy():
    request = urllib.request.Request(f"http://127.0.0.1:{HTTP_PORT}/", headers={"Host": f"app.{ZONE}"})
    with urllib.request.urlopen(request, timeout=5) as reply:
        return reply.read().decode()


def wait_until_down(node, pool):
    end = time.time() + 20
    while time.time() < end:
        matrix = node.call("GET", f"/accounts/{node.account}/trimtab/health/matrix?pool={pool}")
        if matrix[0]["status"] == "critical":
            return
        time.sleep(0.05)
    raise Failed(f"{pool} is not down within 20 s")


def wait_for(asking, packet, want):
    end = time.time() + 10
    while time.time() < end:
        if answer(asking, packet) == want:
            return time.time()
        time.sleep(0.0005)
    raise Failed(f"{want} is not answered within 10 s")


def wait_until_up(node, count):
    end = time.time() + 20
    while time.time() < end:
        matrix = node.call("GET", f"/accounts/{node.account}/trimtab/health/matrix")
        if [pool["status"] for pool in matrix] == ["healthy"] * count:
            return
        time.sleep(0.05)
    raise Failed("the pools are not healthy within 20 s")


def decided(node, pool):
    """When the place came to its mind: the end of the probe that decided."""
    matrix = node.call("GET", f"/accounts/{node.account}/trimtab/health/matrix?pool={pool}")
    place = matrix[0]["origins"][0]["monitors"][0]["places"][0]
    return datetime.datetime.fromisoformat(place["since"].replace("Z", "+00:00")).timestamp()


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("what", choices=["scale", "flip"])
    asked.add_argument("--seconds", type=int, default=60)
    asked.add_argument("--rounds", type=int, default=10)
    asked = asked.parse_args()
    processes.check_cores()
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        scale(asked.seconds) if asked.what == "scale" else flip(asked.rounds)
    except Failed as failed:
        sys.exit(f"bench/probes: {failed}")


if __name__ == "__main__":
    main()
