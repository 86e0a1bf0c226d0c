"""The proxies that are measured: one thread, two endpoints in turn, no access log; how each is configured and started."""

import dataclasses
import shutil
import subprocess
from collections.abc import Callable

import harness
from harness import ENDPOINT_PORTS, FILES, LOG, WORK, Failed, write


@dataclasses.dataclass(frozen=True)
class Peer:
    """One row of the table."""

    start: Callable[[], subprocess.Popen]  # writes the configuration and starts the proxy
    http: int
    https: int | None = None  # None: it knows no TLS


def program(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise Failed(f"{name} is not installed: run bench/http/setup as root")
    return found


# --- HAProxy

# As much as five rules of ours: a part of the path, the host, a header, a set of networks, a part of a cookie.
HAPROXY_RULES = """
 option forwardfor
 http-request return status 404 if { path -m sub /never }
 http-request return status 404 if { req.hdr(host) -m str never.example }
 http-request return status 404 if { req.hdr(x-never) -m str yes }
 http-request return status 404 if { src 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 }
 http-request return status 404 if { req.hdr(cookie) -m sub never= }"""
HAPROXY_COOKIE = " cookie __cflb insert indirect nocache\n"


def haproxy_config(http, https, rules="", cookie=""):
    servers = "".join(f" server s{port} 127.0.0.1:{port} cookie s{port}\n" for port in ENDPOINT_PORTS)
    return f"""global
 nbthread 1
 maxconn {FILES // 2 - 100}
defaults
 mode http
 timeout connect 5s
 timeout client 600s
 timeout server 600s
 timeout http-keep-alive 600s
frontend all
 bind 127.0.0.1:{http} backlog 4096
 bind 127.0.0.1:{https} ssl crt {WORK}/both.pem alpn h2,http/1.1 backlog 4096{rules}
 default_backend endpoints
backend endpoints
 balance roundrobin
 http-reuse always
{cookie}{servers}"""


def haproxy():
    config = write("haproxy.cfg", haproxy_config(15121, 15122, HAPROXY_RULES, HAPROXY_COOKIE))
    return harness.start([program("haproxy"), "-db", "-f", config])


def haproxy_plain():
    config = write("haproxy-plain.cfg", haproxy_config(15123, 15124))
    return harness.start([program("haproxy"), "-db", "-f", config])


# --- nginx


def nginx():
    servers = " ".join(f"server 127.0.0.1:{port};" for port in ENDPOINT_PORTS)
    temporary = f"{WORK}/temporary"
    config = write(
        "nginx.conf",
        f"""daemon off; worker_processes 1; pid {WORK}/nginx.pid; error_log {LOG}; worker_rlimit_nofile {FILES};
events {{ worker_connections 32768; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {temporary}; proxy_temp_path {temporary}; fastcgi_temp_path {temporary};
  uwsgi_temp_path {temporary}; scgi_temp_path {temporary};
  upstream endpoints {{ {servers} keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:15111 backlog=4096; listen 127.0.0.1:15112 ssl http2 backlog=4096;
    ssl_certificate {WORK}/certificate.pem; ssl_certificate_key {WORK}/key.pem; ssl_protocols TLSv1.2 TLSv1.3;
    location / {{
      proxy_pass http://endpoints; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $host;
    }}
  }}
}}
""",
    )
    return harness.start([program("nginx"), "-c", config])


# --- Envoy

ENVOY_FILTER = """
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: all
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: endpoints}}]}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}"""


def envoy_address(port):
    return f"{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}"


def envoy_tls():
    return f"""
    - transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates:
            - {{certificate_chain: {{filename: {WORK}/certificate.pem}}, private_key: {{filename: {WORK}/key.pem}}}}
      filters:"""


def envoy():
    endpoints = ", ".join(f"{{endpoint: {{address: {envoy_address(port)}}}}}" for port in ENDPOINT_PORTS)
    config = write(
        "envoy.yaml",
        f"""static_resources:
  listeners:
  - address: {envoy_address(15131)}
    filter_chains:
    - filters:{ENVOY_FILTER}
  - address: {envoy_address(15132)}
    filter_chains:{envoy_tls()}{ENVOY_FILTER}
  clusters:
  - name: endpoints
    type: STATIC
    connect_timeout: 5s
    lb_policy: ROUND_ROBIN
    circuit_breakers: {{thresholds: [{{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}}]}}
    load_assignment: {{cluster_name: endpoints, endpoints: [{{lb_endpoints: [{endpoints}]}}]}}
""",
    )
    binary = WORK / "envoy"
    if not binary.exists():
        raise Failed("envoy is not there: run bench/http/setup")
    options = ["--concurrency", 1, "-l", "off", "--disable-hot-restart"]
    return harness.start([binary, *options, "-c", config])


# --- Pingora and the floor


def pingora():
    binary = WORK / "pingora/release/bench-pingora"
    if not binary.exists():
        raise Failed("Pingora is not built: run bench/http/setup --pingora")
    endpoints = [f"127.0.0.1:{port}" for port in ENDPOINT_PORTS]
    return harness.start([binary, 15151, 15152, WORK / "certificate.pem", WORK / "key.pem", *endpoints])


def floor():
    return harness.start([WORK / "relay", 15161, *ENDPOINT_PORTS])


PEERS = {
    "floor": Peer(floor, 15161),
    "haproxy": Peer(haproxy, 15121, 15122),
    "haproxy-plain": Peer(haproxy_plain, 15123, 15124),
    "nginx": Peer(nginx, 15111, 15112),
    "envoy": Peer(envoy, 15131, 15132),
    "pingora": Peer(pingora, 15151, 15152),
}
