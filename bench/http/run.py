#!/usr/bin/env python3
"""CPU per proxied HTTP request, next to other proxies and the floor of the kernel.

    run.py prepare                     build the tools, make the certificate
    run.py list                        the rows and the tests
    run.py [ROW ...] [--tests ka64,ka1000,...] [--seconds 4] [--reps 3]

Rows are measured in turns (all rows once, then all rows again), so that whatever else the machine
does falls on all of them. Each turn starts a proxy anew. Without rows: all but trimtab-aws-lc and pingora.
"""

import argparse
import json
import sys
import time

import harness
import loads
import processes
import trimtab
from harness import WORK, Failed
from loads import BODIES, TESTS, middle
from peers import PEERS, program

ROWS = {**trimtab.ROWS, **PEERS}
# What takes a long build of its own is asked for by name.
USUAL = [row for row in ROWS if row not in {"trimtab-aws-lc", "pingora"}]
RESULTS = "http.jsonl"


def one_turn(row, test, seconds):
    peer = ROWS[row]
    harness.require_free(peer.http, peer.https)
    process = peer.start()
    try:
        harness.wait_until_answers(process, peer.http)
        return loads.measured(process, peer, test, seconds)
    finally:
        processes.stop(process)


HEAD = ("row", "CPU us/request", "user us", "requests/s", "p50 us", "p99 us", "busy", "MB", "")
FORM = "{:<15} {:>22} {:>8} {:>10} {:>8} {:>9} {:>5} {:>7}  {}"


def line(row, test, runs):
    memory = f"{middle(runs, 'pss_bytes') / 2**20:.1f}"
    if test == "idle":
        return FORM.format(row, "", "", "", "", "", "", memory, f"{middle(runs, 'per_connection_bytes'):.0f} B/connection")
    costs = [figures["cpu_us"] for figures in runs]
    note = f"{loads.cpu_ms_per_gib({'cpu_us': middle(runs, 'cpu_us')}):.0f} ms/GiB" if test in BODIES else ""
    errors = sum(figures["errors"] for figures in runs)
    return FORM.format(
        row,
        f"{middle(runs, 'cpu_us'):.2f} ({min(costs):.2f}-{max(costs):.2f})",
        f"{middle(runs, 'user_us'):.2f}",
        f"{middle(runs, 'rps'):.0f}",
        f"{middle(runs, 'p50_us'):.0f}",
        f"{middle(runs, 'p99_us'):.0f}",
        f"{middle(runs, 'busy'):.2f}",
        memory,
        note + (f"  ! {errors:.0f} errors" if errors else ""),
    )


def keep(row, test, runs, options):
    """One line of JSON for each row and test, with every turn."""
    record = {"at": int(time.time()), "row": row, "test": test, "seconds": options.seconds, "runs": runs}
    with open(WORK / RESULTS, "a") as results:
        results.write(json.dumps(record) + "\n")


def table(test, rows, options):
    """Measures and prints one test; how many rows could not be measured."""
    runs, failures = {row: [] for row in rows}, {}
    for _ in range(options.reps):
        for row in rows:
            if row in failures:
                continue
            try:
                runs[row].append(one_turn(row, test, options.seconds))
            except Failed as failed:
                failures[row] = failed
    print(f"\n{test}\n{FORM.format(*HEAD).rstrip()}")
    for row in rows:
        if row in failures:
            print(f"{row:<15} ! {failures[row]}", flush=True)
        else:
            print(line(row, test, runs[row]).rstrip(), flush=True)
            keep(row, test, runs[row], options)
    return len(failures)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--tests", default=",".join(TESTS))
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--reps", type=int, default=3)
    options = parser.parse_args()
    options.tests = options.tests.split(",")
    unknown = (set(options.rows) - set(ROWS) - {"list", "prepare"}) | (set(options.tests) - set(TESTS))
    if unknown:
        parser.error(f"no such row or test: {', '.join(sorted(unknown))} (run.py list)")
    return options


def main():
    options = parse_arguments()
    if options.rows == ["list"]:
        print("rows: ", " ".join(ROWS))
        print("tests:", " ".join(TESTS))
        return 0
    try:
        harness.prepare()
        processes.check_cores()
        if options.rows == ["prepare"]:
            return 0
        endpoints = harness.start_endpoints(program("nginx"))
        try:
            return 1 if sum(table(test, chosen(test, options.rows), options) for test in options.tests) else 0
        finally:
            processes.stop(endpoints)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1


def chosen(test, rows):
    """Rows that have the port that the test needs."""
    return [row for row in rows or USUAL if loads.port_of(ROWS[row], test)]


if __name__ == "__main__":
    sys.exit(main())
