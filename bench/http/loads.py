"""The generators, each as a function that gives its figures by name: ok, errors, rps, p50_us, p99_us."""

import re
import socket
import statistics
import subprocess

import harness
import processes
from harness import BODY_BYTES, HERE, HOST, WORK, Failed
from processes import GENERATOR_CORE

GENERATOR_PATIENCE = 60.0  # seconds beyond its time after which a generator hangs
HANDSHAKE_PROCESSES = 16
H2_CONNECTIONS, H2_STREAMS = 8, 16
IDLE_CONNECTIONS = 5_000
IDLE_PATIENCE = 10.0  # seconds for one of them

MICROSECONDS = {"us": 1, "ms": 1e3, "s": 1e6}


def run(command, seconds):
    """What a generator says on standard output, on its core."""
    done = subprocess.run(
        ["taskset", "-c", str(GENERATOR_CORE), *map(str, command)],
        capture_output=True,
        text=True,
        timeout=seconds + GENERATOR_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def url(scheme, port, path="/"):
    return f"{scheme}://{HOST}:{port}{path}"


def wrk(scheme, port, seconds, connections, path="/", closes=False):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", HERE / "tools/resolve.lua"]
    command += ["-H", "Connection: close"] if closes else []
    text = run([*command, url(scheme, port, path)], seconds)
    requests = int(re.search(r"(\d+) requests in", text)[1])
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    bad = int(refused[1]) if refused else 0
    return {
        "ok": requests - bad,
        "errors": bad + (sum(map(int, broken.groups())) if broken else 0),
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50_us": percentile(text, 50),
        "p99_us": percentile(text, 99),
    }


def percentile(text, which):
    value, unit = re.search(rf"^\s*{which}%\s+([\d.]+)(us|ms|s)$", text, re.MULTILINE).groups()
    return float(value) * MICROSECONDS[unit]


def h2load(port, seconds):
    """HTTP/2 over TLS. Its log has one line for each request: when, status, microseconds."""
    log = WORK / "h2load.log"
    log.unlink(missing_ok=True)
    command = ["h2load", f"-c{H2_CONNECTIONS}", f"-m{H2_STREAMS}", "-t1", f"-D{seconds}", f"--log-file={log}"]
    text = run([*command, f"--connect-to=127.0.0.1:{port}", url("https", port)], seconds)
    ok, refused, broken = (int(re.search(rf"(\d+) {word}", text)[1]) for word in ("2xx", "5xx", "errored"))
    times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    return {
        "ok": ok,
        "errors": refused + broken,
        "rps": ok / seconds,
        "p50_us": times[len(times) // 2] if times else 0,
        "p99_us": times[len(times) * 99 // 100] if times else 0,
    }


def handshakes(port, seconds):
    text = run([WORK / "handshakes", port, HOST, seconds, HANDSHAKE_PROCESSES], seconds)
    figures = {key: float(value) for key, value in (word.split("=") for word in text.split())}
    if figures["resumed"]:
        raise Failed(f"{figures['resumed']:.0f} handshakes were resumed")
    return {**figures, "rps": figures["ok"] / seconds}


def idle(process, port):
    """What connections cost that made one request each and wait for another."""
    request = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    before = processes.settled_pss_bytes(process)
    connections = []
    try:
        for _ in range(IDLE_CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port), timeout=IDLE_PATIENCE)
            connections.append(connection)
            connection.sendall(request)
            if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                raise Failed(f"idle connection {len(connections)} was refused")
        after = processes.settled_pss_bytes(process)
        if not still_open(connections):
            raise Failed("idle connections were ended")
    except OSError as error:
        raise Failed(f"idle connection {len(connections)}: {error}") from error
    finally:
        for connection in connections:
            connection.close()
    return {"pss_bytes": after, "per_connection_bytes": (after - before) / IDLE_CONNECTIONS}


def still_open(connections):
    for connection in connections:
        connection.setblocking(False)
        try:
            if not connection.recv(1):
                return False
        except BlockingIOError:
            pass  # silent, as it should be
    return True


# Each test: the port it needs, and its load. `body` tests are counted by bytes as well.
LOADS = {
    "ka64": ("http", lambda port, seconds: wrk("http", port, seconds, 64)),
    "ka1000": ("http", lambda port, seconds: wrk("http", port, seconds, 1000)),
    "close": ("http", lambda port, seconds: wrk("http", port, seconds, 64, closes=True)),
    "body": ("http", lambda port, seconds: wrk("http", port, seconds, 16, "/1m")),
    "tlska": ("https", lambda port, seconds: wrk("https", port, seconds, 64)),
    "tlshs": ("https", handshakes),
    "tlsbody": ("https", lambda port, seconds: wrk("https", port, seconds, 16, "/1m")),
    "h2": ("https", h2load),
}
BODIES = ("body", "tlsbody")
TESTS = (*LOADS, "idle")


def middle(runs, key):
    return statistics.median(figures[key] for figures in runs)


def cpu_ms_per_gib(figures):
    return figures["cpu_us"] / 1e3 * (1 << 30) / BODY_BYTES


def port_of(peer, test):
    """None where the row has no such port."""
    kind = LOADS[test][0] if test in LOADS else "http"
    return peer.http if kind == "http" else peer.https


def measured(process, peer, test, seconds):
    port = port_of(peer, test)
    if test == "idle":
        return idle(process, port)
    load = LOADS[test][1]
    load(port, WARM_UP)
    return harness.measure(process, lambda: load(port, seconds), seconds)


WARM_UP = 1  # seconds, the least that wrk takes
