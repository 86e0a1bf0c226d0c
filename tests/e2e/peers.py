"""nginx and HAProxy in the place of the node, to try the tests themselves: TRIMTAB_PEER=nginx or haproxy.

They take the calls of `proxy.Proxy`. nginx has no word for HTTP/2 to origins, affinity and taking an origin out.
"""

import os
import shutil
import signal
import socket
import subprocess
import threading

from node import free_port, until
from proxy import Proxy, as_body, make_certificate

STOP_SECONDS = 5


def chosen(ours):
    return {"nginx": Nginx, "haproxy": Haproxy}.get(os.environ.get("TRIMTAB_PEER"), ours)


def program(name):
    """Debian keeps servers where the search path of an ordinary user does not look."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert found, f"{name} is not installed"
    return found


class Process:
    """A server in the foreground, which is stopped by the process that started it."""

    def __init__(self, folder, command):
        self.output = folder / "log.txt"
        with open(self.output, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Peer(Proxy):
    """A new process for each change of the configuration."""

    def __init__(self, folder):
        self.folder, self.http_port, self.https_port = folder, free_port(), free_port()
        self.certificate, self.key = make_certificate(folder)
        self.pools, self.balancers, self.process = {}, {}, None

    def start(self):
        self._restart()
        return self

    def _restart(self):
        self.stop()
        self.process = Process(self.folder, self.command())
        assert until(lambda: self.status("nobody.example.com") is not None, 5), self.log()

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def pool(self, name, origins, monitored=None, **body):
        origins = list(map(as_body, origins))
        self.pools[name] = {"origins": origins, "monitored": monitored, **body.get("trimtab", {}).get("upstream", {})}
        return name

    def balancer(self, label, pools, **body):
        host = f"{label}.example.com"
        self.balancers[host] = pools[0]
        self.pools[pools[0]].update(body)
        self._restart()
        return host

    def log(self):
        return (self.folder / "log.txt").read_text(errors="replace")[-4000:]

    def running(self):
        return self.process.process.poll() is None


class Nginx(Peer):
    def command(self):
        pools = "".join(
            f"upstream {name} {{ keepalive 64; "
            + "".join(f"server {o['address']}:{o['port']} max_fails=0; " for o in pool["origins"]) + "}\n"
            for name, pool in self.pools.items())
        certificate = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.key};"
        plain, tls = f"listen 127.0.0.1:{self.http_port}", f"listen 127.0.0.1:{self.https_port} ssl http2"
        hosts = "".join(f"""server {{ server_name {host}; {plain}; {tls}; {certificate}
        location / {{ proxy_pass http://{pool}; proxy_http_version 1.1; proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $upgrade_or_not; proxy_request_buffering off; proxy_read_timeout 60s; }} }}
        """ for host, pool in self.balancers.items())
        config = self.folder / "nginx.conf"
        config.write_text(f"""daemon off; worker_processes 1; pid {self.folder}/pid;
        error_log {self.folder}/log.txt info;
        events {{ worker_connections 4096; }}
        http {{ access_log off; client_max_body_size 100m; {temporary_folders(self.folder)}
        map $http_upgrade $upgrade_or_not {{ websocket upgrade; default ""; }}
        {pools}
        server {{ server_name _; {plain} default_server; {tls} default_server; {certificate} return 421; }}
        {hosts} }}""")
        return [program("nginx"), "-c", config]


def temporary_folders(folder):
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


class Haproxy(Peer):
    def command(self):
        both = self.folder / "both.pem"
        both.write_text(self.certificate.read_text() + self.key.read_text())
        choices = "".join(f"  use_backend {pool} if {{ req.hdr(host),host_only,lower -m str {host} }}\n"
                          for host, pool in self.balancers.items())
        pools = "".join(self._backend(name, pool) for name, pool in self.pools.items())
        config = self.folder / "haproxy.cfg"
        config.write_text(f"""global
  nbthread 1
  maxconn 4000
  stats socket {self.folder}/control level admin
defaults
  mode http
  timeout connect 300ms
  timeout client 30s
  timeout server 60s
  timeout tunnel 60s
  timeout http-request 10s
  retries 3
  retry-on all-retryable-errors
  option redispatch 1
  option forwardfor
frontend all
  bind 127.0.0.1:{self.http_port}
  bind 127.0.0.1:{self.https_port} ssl crt {both} alpn h2,http/1.1
  http-request disable-l7-retry if METH_POST
{choices}  default_backend nobody
backend nobody
  http-request return status 421
{pools}""")
        return [program("haproxy"), "-db", "-f", config]

    @staticmethod
    def _backend(name, pool):
        check = " check inter 1s fall 1 rise 1" if pool["monitored"] is not None else ""
        protocol = " proto h2" if pool.get("http2") else ""
        servers = "".join(f"  server {o['name']} {o['address']}:{o['port']} cookie {o['name']}{check}{protocol}\n"
                          for o in pool["origins"])
        checks = "  option httpchk GET /health\n" if check else ""
        cookie = "  cookie __cflb insert indirect nocache\n" if pool.get("session_affinity") == "cookie" else ""
        return f"backend {name}\n{checks}{cookie}  http-reuse always\n{servers}"

    def enable(self, pool, name, enabled):
        """Drained at once, out of service when the time is over that sessions are kept for."""
        seconds = self.pools[pool].get("session_affinity_attributes", {}).get("drain_duration", 0)
        self._say(f"set server {pool}/{name} state {'ready' if enabled else 'drain'}")
        if not enabled and seconds:
            timer = threading.Timer(seconds, self._say, [f"set server {pool}/{name} state maint"])
            timer.daemon = True
            timer.start()

    def _say(self, command):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.folder / "control"))
            control.sendall(command.encode() + b"\n")
            assert not control.recv(1000).strip()
