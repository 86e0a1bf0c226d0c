"""What every row shares: tools, certificate, endpoints behind the proxy, and the counting of CPU and memory."""

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import processes  # noqa: E402
from processes import GENERATOR_CORE, ROOT, SERVER_CORE, Failed, cpu_seconds, pss_bytes, tree  # noqa: E402

WORK = Path(os.environ.get("BENCH_WORK", ROOT / "target" / "bench-http"))
LOG = WORK / "server.log"

HOST = "www.bench.example"
ENDPOINT_PORTS = 15081, 15082
BODY_BYTES = 1 << 20
# Open files of each process: two for each of the idle connections, and then some.
FILES = min(65_536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

READY_PATIENCE = 20.0  # seconds from start to the first answer
MEMORY_AT = 0.7  # the part of a run after which memory is looked at

TOOLS = {"relay": [], "handshakes": ["-lssl", "-lcrypto"]}


def prepare():
    """Everything but the peers themselves."""
    WORK.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    for name, libraries in TOOLS.items():
        source, binary = HERE / "tools" / f"{name}.c", WORK / name
        if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
            command = ["gcc", "-O2", "-Wall", "-Wextra", "-o", binary, source, *libraries]
            subprocess.run(command, check=True)
    make_certificate()
    write("www/1m", os.urandom(BODY_BYTES))


def make_certificate():
    """ECDSA P-256, its own issuer; `both.pem` is how HAProxy wants it."""
    certificate, key = WORK / "certificate.pem", WORK / "key.pem"
    if not (WORK / "both.pem").exists():
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-days", "365", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        command += ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, capture_output=True)
        write("both.pem", certificate.read_bytes() + key.read_bytes())


def write(path, text):
    path = WORK / path
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, bytes):
        path.write_bytes(text)
    else:
        path.write_text(text)
    return path


def start(command, core=SERVER_CORE):
    return processes.start(command, LOG, core)


def require_free(*ports):
    """A server of somebody else would be measured in the place of ours."""
    for port in filter(None, ports):
        with socket.socket() as tcp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError as error:
                raise Failed(f"port {port} is in use") from error


def start_endpoints(nginx):
    """nginx on the generator's core: a constant answer, and a file for bodies."""
    require_free(*ENDPOINT_PORTS)
    servers = " ".join(f"listen 127.0.0.1:{port} backlog=4096;" for port in ENDPOINT_PORTS)
    config = write("endpoints.conf", f"""daemon off; worker_processes 1; pid {WORK}/endpoints.pid; error_log {LOG};
worker_rlimit_nofile {FILES};
events {{ worker_connections 16384; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {WORK}/temporary; proxy_temp_path {WORK}/temporary; fastcgi_temp_path {WORK}/temporary;
  uwsgi_temp_path {WORK}/temporary; scgi_temp_path {WORK}/temporary;
  server {{ {servers} location = /1m {{ root {WORK}/www; }} location / {{ return 200 "ok"; }} }}
}}
""")
    return start([nginx, "-c", config], GENERATOR_CORE)


def wait_until_answers(process, port, host=HOST):
    """Until a request is answered 200; by then connections to endpoints are possible too."""
    end = time.monotonic() + READY_PATIENCE
    while time.monotonic() < end:
        if status(port, host) == 200:
            return
        if process.poll() is not None:
            raise Failed(f"the server ended with {process.returncode}, see {LOG}")
        time.sleep(0.02)
    raise Failed(f"no answer 200 on port {port} in {READY_PATIENCE:.0f} s, but {status(port, host)}")


def status(port, host):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as tcp:
            tcp.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            return int(tcp.makefile("rb").readline().split()[1])
    except (OSError, IndexError, ValueError):
        return None


def measure(process, load, seconds):
    """CPU of the process tree for each completed request while `load` runs, beside what the generator says."""
    memory = threading.Timer(seconds * MEMORY_AT, lambda: found.append(pss_bytes(tree(process.pid))))
    found = []
    user, system = cpu_seconds(tree(process.pid))
    begin = time.monotonic()
    memory.start()
    figures = load()
    user_after, system_after = cpu_seconds(tree(process.pid))
    memory.join()
    if not figures["ok"]:
        raise Failed("not one answer")
    used = user_after - user + system_after - system
    figures["cpu_us"] = used * 1e6 / figures["ok"]
    figures["user_us"] = (user_after - user) * 1e6 / figures["ok"]
    figures["busy"] = used / (time.monotonic() - begin)
    figures["pss_bytes"] = found[0]
    return figures
