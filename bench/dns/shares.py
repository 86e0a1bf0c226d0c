#!/usr/bin/env python3
"""Whether answers are drawn as configured: chi-square tests over real UDP answers of the running binary.

    shares.py [--queries 200000]

Each row is a balancer of its own; its answers are counted by their first address and compared with the
configured shares. A row fails when chance alone would do worse in less than one of a million runs.
"""

import argparse
import socket
import statistics
import struct
import sys

import harness
import trimtab
from harness import Failed

ZONE = "shares.example"
WINDOW = 64  # questions on their way at a time, far less than a socket's queue
PATIENCE = 2.0  # seconds for one answer
PROBABILITY = 1e-6


def row(name, pools, want, **balancer):
    return name, pools, want, balancer


def origins(addresses, weights=None):
    weights = weights or [1] * len(addresses)
    return [{"name": a, "address": a, "weight": w} for a, w in zip(addresses, weights, strict=True)]


def shed(percent, policy="random"):
    return {"default_percent": percent, "default_policy": policy, "session_percent": 0, "session_policy": "hash"}


A, B, C, D = (f"192.0.2.{host}" for host in (1, 2, 3, 4))
ROWS = [
    row("random, equal pools", {"a": {"origins": origins([A])}, "b": {"origins": origins([B])}, "c": {"origins": origins([C])}},
        {A: 1, B: 1, C: 1}, steering_policy="random"),
    row("random, pool weights", {"a": {"origins": origins([A])}, "b": {"origins": origins([B])}, "c": {"origins": origins([C])}},
        {A: 0.2, B: 0.6, C: 0.2}, steering_policy="random", weights={"a": 0.2, "b": 0.6, "c": 0.2}),
    row("least connections", {"a": {"origins": origins([A])}, "b": {"origins": origins([B])}},
        {A: 0.4, B: 0.6}, steering_policy="least_connections", weights={"a": 0.4, "b": 0.6}),
    row("equal endpoints", {"a": {"origins": origins([A, B, C, D])}}, {A: 1, B: 1, C: 1, D: 1}, steering_policy="off"),
    row("endpoint weights", {"a": {"origins": origins([A, B, C], [1, 0.5, 0.25])}}, {A: 4, B: 2, C: 1}, steering_policy="off"),
    row("pool and endpoint weights", {"a": {"origins": origins([A, B], [1, 0.5])}, "b": {"origins": origins([C])}},
        {A: 8, B: 4, C: 3}, steering_policy="random", weights={"a": 0.8, "b": 0.2}),
    row("shedding in failover order",
        {"a": {"origins": origins([A]), "load_shedding": shed(20)}, "b": {"origins": origins([B]), "load_shedding": shed(50)}, "c": {"origins": origins([C])}},
        {A: 0.8, B: 0.1, C: 0.1}, steering_policy="off"),
    row("shedding by chance",
        {"a": {"origins": origins([A]), "load_shedding": shed(50)}, "b": {"origins": origins([B])}, "c": {"origins": origins([C])}},
        {A: 0.25, B: 0.6, C: 0.15}, steering_policy="random", weights={"a": 0.5, "b": 0.4, "c": 0.1}),
]


def set_up(server, zone, number, pools, balancer):
    """The balancer's name."""
    path = f"/accounts/{server.account}/load_balancers/pools"
    ids = {}
    for label, pool in pools.items():
        ids[label] = server.call("POST", path, {"name": f"{label}{number}", **pool})["id"]
    weights = {ids[label]: weight for label, weight in balancer.pop("weights", {}).items()}
    body = {"name": f"b{number}.{ZONE}", "default_pools": list(ids.values()), "fallback_pool": list(ids.values())[-1], **balancer}
    if weights:
        body["random_steering"] = {"default_weight": 1, "pool_weights": weights}
    return server.call("POST", f"/zones/{zone}/load_balancers", body)["name"]


def count_first_addresses(name, queries):
    """How often each address came first, with a window of questions on their way."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = labels + b"\0" + struct.pack("!HH", 1, 1)
    answer_at = 12 + len(question) + 12  # behind the fixed part of the first answer record
    counts = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", trimtab.DNS_PORT))
        udp.settimeout(PATIENCE)
        sent = received = 0
        while received < queries:
            while sent < queries and sent - received < WINDOW:
                udp.send(struct.pack("!6H", sent & 0xFFFF, 0, 1, 0, 0, 0) + question)
                sent += 1
            reply = udp.recv(1232)
            address = socket.inet_ntoa(reply[answer_at : answer_at + 4])
            counts[address] = counts.get(address, 0) + 1
            received += 1
    return counts


def critical(freedom):
    """Wilson and Hilferty's cube for the chi-square quantile; right to a per cent here."""
    z = statistics.NormalDist().inv_cdf(1 - PROBABILITY)
    part = 2 / (9 * freedom)
    return freedom * (1 - part + z * part**0.5) ** 3


def check(name, counts, want):
    """One line, and whether the row holds."""
    asked, whole = sum(counts.values()), sum(want.values())
    strangers = set(counts) - set(want)
    expected = {address: asked * share / whole for address, share in want.items()}
    chi = sum((counts.get(a, 0) - e) ** 2 / e for a, e in expected.items())
    limit = critical(len(want) - 1)
    shares = " ".join(f"{counts.get(a, 0) / asked:.4f}/{e / asked:.4f}" for a, e in expected.items())
    good = not strangers and chi <= limit
    print(f"{'ok' if good else 'FAILED':<7}{name:<28} chi2 {chi:7.2f} limit {limit:6.2f}  drawn/configured {shares}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=200_000)
    options = parser.parse_args()
    failed = 0
    server = trimtab.Server("trimtab-shares")
    try:
        zone = server.add_zone(ZONE)
        for number, (name, pools, want, balancer) in enumerate(ROWS):
            asked = set_up(server, zone, number, pools, dict(balancer))
            harness.wait_until_answers(server.process, trimtab.DNS_PORT, asked)
            failed += not check(name, count_first_addresses(asked, options.queries), want)
    except (Failed, OSError) as error:
        print(error, file=sys.stderr)
        failed += 1
    finally:
        harness.stop(server.process)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
