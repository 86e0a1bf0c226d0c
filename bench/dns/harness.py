"""Starts servers pinned to a core, counts their CPU and memory, runs the generators."""

import os
import random
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import processes  # noqa: E402
from processes import (  # noqa: E402, F401 (what is started here is measured by the same module)
    GENERATOR_CORE,
    ROOT,
    SERVER_CORE,
    Failed,
    check_cores,
    cpu_seconds,
    pss_bytes,
    settled_pss_bytes,
    stop,
    tree,
)

WORK = Path(os.environ.get("BENCH_WORK", ROOT / "target" / "bench-dns"))

GENERATOR_PATIENCE = 60.0  # seconds beyond which a generator hangs


# --- tools


def build_tools():
    WORK.mkdir(parents=True, exist_ok=True)
    for name in ("echo", "generator"):
        source, binary = HERE / "tools" / f"{name}.c", WORK / name
        if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", binary, source], check=True)


# --- load


def start(command, core=SERVER_CORE, env=None, log="server.log"):
    return processes.start(command, WORK / log, core, env)


def generate(
    port, seconds, core=GENERATOR_CORE, name=None, names=None, subnet=False, sockets=8, burst=32
):
    """One run of our generator: its figures by name."""
    command = [WORK / "generator", "-p", port, "-l", seconds, "-k", sockets, "-b", burst]
    command += ["-f", names] if names else ["-n", name]
    return run_generator(command + (["-E"] if subnet else []), core)


def run_generator(command, core):
    done = subprocess.run(
        ["taskset", "-c", str(core), *map(str, command)],
        capture_output=True,
        text=True,
        timeout=GENERATOR_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{command[0]}: {done.stderr.strip()}")
    return {key: float(value) for key, value in (f.split("=") for f in done.stdout.split())}


def measure(process, load):
    """CPU of the process tree per answer while `load` runs, beside what the generator says."""
    user, system = cpu_seconds(tree(process.pid))
    figures = load()
    user_after, system_after = cpu_seconds(tree(process.pid))
    if not figures["ok"]:
        raise Failed("not one answer")
    figures["user_us"] = (user_after - user) * 1e6 / figures["ok"]
    figures["cpu_us"] = figures["user_us"] + (system_after - system) * 1e6 / figures["ok"]
    return figures


# --- single questions

SUBNET_OPTION = bytes([0, 8, 0, 7, 0, 1, 24, 0, 50, 10, 20])  # RFC 7871: 50.10.20.0/24


def question(name, subnet=False):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".") if x)
    header = struct.pack(">HHHHHH", random.randrange(65536), 0, 1, 0, 0, int(subnet))
    opt = struct.pack(">BHHIH", 0, 41, 1232, 0, len(SUBNET_OPTION)) + SUBNET_OPTION
    return header + labels + b"\0" + struct.pack(">HH", 1, 1) + (opt if subnet else b"")


def addresses(query, reply):
    """The A records of the answer section; none for another query's answer or an error."""
    ident, flags, _, count = struct.unpack(">HHHH", reply[:8])
    if query[:2] != reply[:2] or not flags & 0x8000 or flags & 15:
        return []
    at, found = len(question_section(query)) + 12, []
    for _ in range(count):
        while reply[at] and reply[at] < 0xC0:
            at += reply[at] + 1
        at += 2 if reply[at] else 1
        kind, _, _, length = struct.unpack(">HHIH", reply[at : at + 10])
        at += 10 + length
        if kind == 1:
            found.append(socket.inet_ntoa(reply[at - 4 : at]))
    return found


def question_section(message):
    end = message.index(0, 12) + 5
    return message[12:end]


def ask(port, name, subnet=False, patience=0.2):
    """The addresses a server gives for a name now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(patience)
        sock.connect(("127.0.0.1", port))
        query = question(name, subnet)
        try:
            sock.send(query)
            return addresses(query, sock.recv(4096))
        except (TimeoutError, ConnectionRefusedError):
            return []


def wait_until_answers(process, port, name, subnet=False, patience=30.0):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if ask(port, name, subnet):
            return
        if process.poll() is not None:
            raise Failed(f"the server ended with {process.returncode}, see {WORK}/server.log")
        time.sleep(0.01)
    raise Failed(f"no answer for {name} on port {port} in {patience:.0f} s")
