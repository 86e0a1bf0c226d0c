#!/usr/bin/env python3
"""CPU per DNS answer, next to the floor of the kernel.

    run.py prepare                          build the tools, make the geo file
    run.py list                             the rows
    run.py [ROW ...] [--seconds 3] [--repeats 5] [--same-core] [--generator own|dnsperf]
                    [--sockets 8] [--burst 32]

A row is measured in turns with the floor (floor, server, floor, server ...), so that whatever else
the machine does falls on both. Without rows: all of them, trimtab's first.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys

import harness
import trimtab
from harness import WORK, Failed
from peers import ECHO_PORT, PEERS, Peer, geo_database, program

ROWS = {
    "trimtab static": Peer(trimtab.start_steered, trimtab.DNS_PORT, "static.example.com"),
    "trimtab geo weighted ECS": Peer(
        trimtab.start_steered, trimtab.DNS_PORT, "lb.example.com", subnet=True
    ),
    "trimtab-net echo": Peer(trimtab.start_wrapper, trimtab.WRAPPER_PORT, "lb.example.com"),
    **PEERS,
}
WARM_UP = 0.3  # seconds of load before the first repeat
LOST_MAX = 0.01  # more than this part unanswered and the row is marked


@contextlib.contextmanager
def running(start, port, name, subnet):
    """A server that answers, for as long as it is measured."""
    process = start()
    try:
        harness.wait_until_answers(process, port, name, subnet)
        yield process
    finally:
        harness.stop(process)


def dnsperf(port, seconds, core, name, subnet):
    """The same questions from another program, as a check on our own generator."""
    queries = WORK / "queries.txt"
    queries.write_text(f"{name} A\n")
    command = [program("dnsperf"), "-s", "127.0.0.1", "-p", port, "-d", queries, "-l", seconds]
    command += ["-T", 1, "-c", 8, "-q", 400]
    command += ["-E", "8:" + harness.SUBNET_OPTION[4:].hex()] if subnet else []
    done = subprocess.run(
        ["taskset", "-c", str(core), *map(str, command)],
        capture_output=True,
        text=True,
        timeout=harness.GENERATOR_PATIENCE,
        check=True,
    )
    lines = dict(x.strip().split(":", 1) for x in done.stdout.splitlines() if ":" in x)
    ok = float(lines["Queries completed"].split()[0])
    good = 0.0
    if "NOERROR" in lines["Response codes"]:
        good = float(lines["Response codes"].split("NOERROR")[1].split()[0])
    return {
        "ok": ok,
        "lost": float(lines["Queries lost"].split()[0]),
        "bad": ok - good,
        "qps": float(lines["Queries per second"]),
    }


def load(options, peer, port, seconds):
    core = peer.core if options.same_core else 1 - peer.core
    if options.generator == "dnsperf":
        return dnsperf(port, seconds, core, peer.name, peer.subnet)
    sources = {"sockets": options.sockets, "burst": options.burst}
    return harness.generate(port, seconds, core, name=peer.name, subnet=peer.subnet, **sources)


def measure_row(row, options):
    """All repeats of one row, pairs of floor and server, and the server's memory."""
    peer = ROWS[row]

    def start_floor():
        return harness.start([WORK / "echo", ECHO_PORT], peer.core)

    def measured(process, port):
        return harness.measure(process, lambda: load(options, peer, port, options.seconds))

    with (
        running(start_floor, ECHO_PORT, peer.name, peer.subnet) as echo,
        running(peer.start, peer.port, peer.name, peer.subnet) as server,
    ):
        load(options, peer, peer.port, WARM_UP)
        pairs = [
            (measured(echo, ECHO_PORT), measured(server, peer.port))
            for _ in range(options.repeats)
        ]
        return pairs, harness.pss_bytes(harness.tree(server.pid))


def spread(values, digits=2):
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


HEAD = ("row", "CPU us/answer", "user us", "floor us", "ratio to floor", "answers/s", "lost", "MB")
FORM = "{:<26} {:>18} {:>8} {:>8} {:>18} {:>10} {:>8} {:>6}"


def line(row, pairs, pss):
    """One line of the table; a mark where the answers are not what they should be."""
    floors, servers = zip(*pairs, strict=True)
    lost = sum(s["lost"] for s in servers) / sum(s["ok"] + s["lost"] for s in servers)
    bad = sum(s["bad"] for s in servers)
    text = FORM.format(
        row,
        spread([s["cpu_us"] for s in servers]),
        f"{statistics.median(s['user_us'] for s in servers):.2f}",
        f"{statistics.median(f['cpu_us'] for f in floors):.2f}",
        spread([s["cpu_us"] / f["cpu_us"] for f, s in pairs], 3),
        f"{statistics.median(s['qps'] for s in servers):.0f}",
        f"{lost:.2%}",
        f"{pss / 2**20:.1f}",
    )
    if bad:
        text += f"  ! {bad:.0f} answers were errors or empty"
    if lost > LOST_MAX:
        text += "  ! many lost"
    return text


def table(rows, options):
    """Measures and prints row by row; how many could not be measured."""
    where = "the server's core" if options.same_core else "the other core"
    sources = f"{options.sockets} sockets, {options.burst} queries in a row"
    sources = sources if options.generator == "own" else options.generator
    print(f"generator on {where}: {sources}; {options.repeats} x {options.seconds} s")
    print(FORM.format(*HEAD))
    failures = 0
    for row in rows:
        try:
            print(line(row, *measure_row(row, options)), flush=True)
        except Failed as failed:
            failures += 1
            print(f"{row:<26} ! {failed}", flush=True)
    return failures


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--same-core", action="store_true")
    parser.add_argument("--sockets", type=int, default=8, help="clients, at most 64")
    parser.add_argument("--burst", type=int, default=32, help="queries of one in a row, 1 to 32")
    parser.add_argument("--generator", choices=["own", "dnsperf"], default="own")
    options = parser.parse_args()
    unknown = set(options.rows) - set(ROWS)
    if unknown and options.rows not in (["list"], ["prepare"]):
        parser.error(f"no such row: {', '.join(sorted(unknown))} (run.py list)")
    return options


def main():
    options = parse_arguments()
    if options.rows == ["list"]:
        print("\n".join(ROWS))
        return 0
    try:
        harness.build_tools()
        geo_database()
        harness.check_cores()
        if options.rows == ["prepare"]:
            return 0
        return 1 if table(options.rows or ROWS, options) else 0
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
