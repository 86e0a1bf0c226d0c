"""Processes on cores of their own: started and stopped, their CPU and memory counted."""

import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, GENERATOR_CORE = 1, 0

STOP_PATIENCE = 5.0  # seconds from SIGTERM to SIGKILL
SETTLE_PATIENCE = 15.0  # seconds for memory to stop falling
SETTLE_EVERY = 1.5  # longer than any allocator here waits before it gives pages back


class Failed(Exception):
    """A run that cannot go on; the text is for the person at the terminal."""


def check_cores():
    allowed = os.sched_getaffinity(0)
    if not {SERVER_CORE, GENERATOR_CORE} <= allowed:
        raise Failed(f"cores 0 and 1 are needed, this process may use {sorted(allowed)}")


def start(command, log, core=SERVER_CORE, env=None):
    """A process of its own session on one core; stop() ends it and its children, no others."""
    with open(log, "ab") as out:
        return subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )


def stop(process):
    pids = tree(process.pid)
    signal_all(pids, signal.SIGTERM)
    end = time.monotonic() + STOP_PATIENCE
    while time.monotonic() < end and any(map(alive, pids)):
        process.poll()
        time.sleep(0.02)
    signal_all([pid for pid in pids if alive(pid)], signal.SIGKILL)
    process.wait()


def signal_all(pids, which):
    for pid in pids:
        try:
            os.kill(pid, which)
        except ProcessLookupError:
            pass  # ended by itself


def fields(pid):
    """The fields of /proc/PID/stat from `state` on, or None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()


def alive(pid):
    stat = fields(pid)
    return stat is not None and stat[0] != "Z"


def tree(pid):
    """The process and all below it."""
    children = {}
    for entry in os.listdir("/proc"):
        stat = fields(entry) if entry.isdigit() else None
        if stat:
            children.setdefault(int(stat[1]), []).append(int(entry))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_seconds(pids):
    """User and system time so far."""
    stats = [stat for stat in map(fields, pids) if stat]
    return sum(int(s[11]) for s in stats) / TICKS, sum(int(s[12]) for s in stats) / TICKS


def pss_bytes(pids):
    """Memory with shared pages counted by share."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended since tree() listed it
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def settled_pss_bytes(process):
    """Memory once it no longer falls: allocators give free pages back after a while."""
    least = pss_bytes(tree(process.pid))
    end = time.monotonic() + SETTLE_PATIENCE
    while time.monotonic() < end:
        time.sleep(SETTLE_EVERY)
        now = pss_bytes(tree(process.pid))
        if now > least * 0.99:
            return now
        least = now
    return least
