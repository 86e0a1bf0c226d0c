#!/usr/bin/env python3
"""Many names in one zone: memory per name, CPU per answer, and how soon a change is served.

    load.py [trimtab|nsd|gdnsd ...] [--names 100000] [--changes 20] [--seconds 3]

"Restarted" is the memory per name in a new process on the same data, for servers that take names while
they run; it and its base are measured before anything is asked.

A change replaces one A record: through the API for trimtab, by a new zone file and the server's own
reload command for the others. A watcher asks over UDP every 0.2 ms until the new address comes.
"Sent" counts from the moment the change was ordered, "done" from the moment the server said that it
was accepted; below zero, the new answer came first.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import threading
import time

import harness
import peers
import trimtab
from harness import WORK, Failed

ZONE = "big.example"
PROBE = f"probe.{ZONE}"
FIRST, LAST = "192.0.2.1", "192.0.2.2"  # the probe's first address; the last name's address
IMPORT_CHUNK = 5_000  # records per upload, about 150 KB
WATCH_EVERY = 0.0002  # seconds between two questions
SERVED_PATIENCE = 60.0  # seconds for one change, or for the load, to be served
QUERY_NAMES = 100_000  # distinct questions in the list that the generator walks


def record_lines(count):
    """`count` names; the last is known by its address, so that one can see the end of a load."""
    for i in range(count - 1):
        yield f"n{i} IN A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"
    yield f"last IN A {LAST}\n"


# --- the servers


class Trimtab:
    port = trimtab.DNS_PORT

    def __init__(self):
        self.server = trimtab.Server("trimtab-load")

    @property
    def process(self):
        return self.server.process

    def load(self, count):
        self.zone = self.server.add_zone(ZONE)
        self._import([f"probe IN A {FIRST}\n"])
        self.restarted_base = self._restarted(PROBE)
        self.base = harness.settled_pss_bytes(self.process)
        started = time.monotonic()
        lines = list(record_lines(count))
        for at in range(0, count, IMPORT_CHUNK):
            self._import(lines[at : at + IMPORT_CHUNK])
        harness.wait_until_answers(self.process, self.port, f"last.{ZONE}")
        self.load_seconds = time.monotonic() - started
        path = f"/zones/{self.zone}/dns_records"
        self.record = f"{path}/{self.server.call('GET', f'{path}?name={PROBE}&type=A')[0]['id']}"

    def restarted_bytes(self):
        """What all names take in a new process."""
        return self._restarted(f"last.{ZONE}") - self.restarted_base

    def _restarted(self, name):
        self.server.restart()
        harness.wait_until_answers(self.process, self.port, name)
        return harness.settled_pss_bytes(self.process)

    def _import(self, lines):
        text = f"$ORIGIN {ZONE}.\n$TTL 60\n" + "".join(lines)
        added = self.server.import_records(self.zone, text)
        if added != len(lines):
            raise Failed(f"{added} of {len(lines)} records were imported")

    def prepare(self, address):
        self.next = {"content": address}

    def change(self):
        self.server.call("PATCH", self.record, self.next)


class ZoneFileServer:
    """A server that reads a zone file: started once with a small zone for the base, then again."""

    def restarted_bytes(self):
        """It was started anew to be measured at all."""
        return None

    def __init__(self):
        self.home = WORK / f"{self.program}-load"
        self.path = self.home / "zones" / ZONE
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.serial = 0
        self.lines = ""
        self.prepare(FIRST)
        self.process = self._start()

    def load(self, count):
        harness.wait_until_answers(self.process, self.port, PROBE)
        self.base = harness.settled_pss_bytes(self.process)
        harness.stop(self.process)
        self.lines = "".join(record_lines(count))
        self.prepare(FIRST)
        started = time.monotonic()
        self.process = self._start()
        harness.wait_until_answers(self.process, self.port, f"last.{ZONE}")
        self.load_seconds = time.monotonic() - started

    def prepare(self, address):
        """The zone file with another probe; replaced in one step, as a careful operator would."""
        self.serial += 1
        soa = f"@ IN SOA ns1 host {self.serial} 3600 600 86400 60\n@ IN NS ns1\n"
        head = f"$ORIGIN {ZONE}.\n$TTL 60\n{soa}ns1 IN A 127.0.0.1\nprobe IN A {address}\n"
        new = self.home / "new-zone"
        new.write_text(head + self.lines)
        os.replace(new, self.path)

    def change(self):
        done = subprocess.run(self.reload, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"{self.reload[0]}: {done.stdout}{done.stderr}")


class Nsd(ZoneFileServer):
    program = "nsd"
    port = 15311

    def _start(self):
        config = self.home / "nsd.conf"
        config.write_text(peers.nsd_config(self.home, self.port, ZONE, self.path, control=True))
        self.reload = [peers.program("nsd-control"), "-c", config, "reload", ZONE]
        return harness.start([peers.program("nsd"), "-d", "-c", config])


class Gdnsd(ZoneFileServer):
    program = "gdnsd"
    port = 15313

    def _start(self):
        (self.home / "config").write_text(peers.gdnsd_options(self.home, self.port))
        self.reload = [peers.program("gdnsdctl"), "-c", self.home, "reload-zones"]
        return harness.start([peers.program("gdnsd"), "-c", self.home, "start"])


SERVERS = {"trimtab": Trimtab, "nsd": Nsd, "gdnsd": Gdnsd}


# --- measuring


def watch(port, address, seen):
    """Asks until `address` is served and notes when; nothing is noted if it never is."""
    end = time.monotonic() + SERVED_PATIENCE
    while time.monotonic() < end:
        if harness.ask(port, PROBE, patience=0.05) == [address]:
            seen.append(time.monotonic())
            return
        time.sleep(WATCH_EVERY)


def one_change(server, address):
    """Seconds to the new answer, from the order and from the server's word."""
    server.prepare(address)
    seen = []
    watcher = threading.Thread(target=watch, args=(server.port, address, seen))
    watcher.start()
    sent = time.monotonic()
    try:
        server.change()
        done = time.monotonic()
    finally:
        watcher.join()
    if not seen:
        raise Failed(f"a change was not served in {SERVED_PATIENCE:.0f} s")
    return seen[0] - sent, seen[0] - done


def random_names(count):
    dice = random.Random(3)
    path = WORK / f"names-{count}"
    names = (f"n{dice.randrange(count - 1)}.{ZONE}\n" for _ in range(QUERY_NAMES))
    path.write_text("".join(names))
    return path


def milliseconds(times):
    return f"{statistics.median(times) * 1e3:.1f} (max {max(times) * 1e3:.1f})"


HEAD = ("server", "loaded s", "base MB", "MB", "bytes/name", "restarted", "sent->served ms", "done->served ms")
FORM = "{:<8} {:>9} {:>8} {:>7} {:>10} {:>9} {:>22} {:>22} {:>10} {:>9}"


def measure(kind, options):
    """One line of the table."""
    server = SERVERS[kind]()
    try:
        server.load(options.names)
        loaded = harness.settled_pss_bytes(server.process)
        names = random_names(options.names)
        load = harness.measure(
            server.process,
            lambda: harness.generate(server.port, options.seconds, names=names),
        )
        changes = [one_change(server, f"198.51.100.{i % 250}") for i in range(options.changes)]
        after = harness.settled_pss_bytes(server.process)
        restarted = server.restarted_bytes()
    finally:
        harness.stop(server.process)
    sent, done = zip(*changes, strict=True)
    return FORM.format(
        kind,
        f"{server.load_seconds:.2f}",
        f"{server.base / 2**20:.1f}",
        f"{loaded / 2**20:.1f}",
        f"{(loaded - server.base) / options.names:.0f}",
        "" if restarted is None else f"{restarted / options.names:.0f}",
        milliseconds(sent),
        milliseconds(done),
        f"{load['cpu_us']:.2f}" + ("!" if load["bad"] else ""),
        f"{after / 2**20:.1f}",
    )


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("servers", nargs="*", metavar="SERVER", help=", ".join(SERVERS))
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    unknown = set(options.servers) - set(SERVERS)
    if unknown:
        parser.error(f"no such server: {', '.join(sorted(unknown))}")
    return options


def main():
    options = parse_arguments()
    failures = 0
    try:
        harness.build_tools()
        harness.check_cores()
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {harness.GENERATOR_CORE})
    print(f"{options.names} names, {options.changes} changes")
    print(FORM.format(*HEAD, "us/answer", "MB after"))
    for kind in options.servers or SERVERS:
        try:
            print(measure(kind, options), flush=True)
        except Failed as failed:
            failures += 1
            print(f"{kind:<8} ! {failed}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
