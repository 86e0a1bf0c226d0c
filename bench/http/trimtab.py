"""Our own rows: a node that is set up through its API as a user would."""

import uuid

import processes
from harness import ENDPOINT_PORTS, HOST, LOG, WORK, write
from node import Node
from peers import Peer

API_PORT, DNS_PORT, HTTP_PORT, HTTPS_PORT = 15381, 15382, 15101, 15102
ZONE = HOST.partition(".")[2]

# Evaluated for each request, and none is ever true.
RULES = [
    'http.request.uri.path contains "/never"',
    'http.host eq "never.example"',
    'any(http.request.headers["x-never"][*] eq "yes")',
    "ip.src in {192.0.2.0/24 198.51.100.0/24 203.0.113.0/24}",
    'http.cookie contains "never="',
]


def config():
    data = WORK / "trimtab" / f"data-{uuid.uuid4().hex[:8]}"
    data.mkdir(parents=True)
    return write(
        "trimtab/server.toml",
        f"""data_dir = "{data}"
[node]
name = "bench"
pop = "FRA"
[api]
listen = "127.0.0.1:{API_PORT}"
[dns]
listen = ["127.0.0.1:{DNS_PORT}"]
[proxy]
http = ["127.0.0.1:{HTTP_PORT}"]
https = ["127.0.0.1:{HTTPS_PORT}"]
threads = 1
[egress]
allow = ["127.0.0.0/8"]
""",
    )


def set_up(node, **balancer):
    """One proxied balancer over both endpoints, and the certificate for its name."""
    zone = node.add_zone(ZONE)
    certificate, key = ((WORK / name).read_text() for name in ("certificate.pem", "key.pem"))
    node.call("POST", f"/zones/{zone}/custom_certificates", {"certificate": certificate, "private_key": key})
    origins = [{"name": f"o{port}", "address": "127.0.0.1", "port": port} for port in ENDPOINT_PORTS]
    pool = node.add_pool({"name": "endpoints", "origins": origins})
    body = {"name": HOST, "proxied": True, "default_pools": [pool], "fallback_pool": pool, **balancer}
    node.call("POST", f"/zones/{zone}/load_balancers", body)


def start(balancer, **program):
    node = Node(config(), API_PORT, LOG, **program)
    try:
        set_up(node, **balancer)
    except BaseException:
        processes.stop(node.process)
        raise
    return node.process


def everything(**program):
    """What a site uses: cookies that keep clients where they are, and rules."""
    rules = [
        {"name": f"never-{number}", "condition": condition, "fixed_response": {"status_code": 404, "message_body": "never"}}
        for number, condition in enumerate(RULES)
    ]
    return start({"session_affinity": "cookie", "rules": rules}, **program)


def bare():
    return start({})


def aws_lc():
    """With the cargo feature `aws-lc-rs`."""
    return everything(binary=WORK / "aws-lc/release/trimtab", made_by="bench/http/setup --aws-lc")


ROWS = {
    "trimtab": Peer(everything, HTTP_PORT, HTTPS_PORT),
    "trimtab-bare": Peer(bare, HTTP_PORT, HTTPS_PORT),
    "trimtab-aws-lc": Peer(aws_lc, HTTP_PORT, HTTPS_PORT),
}
