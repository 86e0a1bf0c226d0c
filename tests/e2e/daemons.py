"""Real servers to probe: each with a configuration in a folder of its own, on free loopback ports."""

import concurrent.futures
import contextlib
import pathlib
import shutil
import socket
import subprocess
import textwrap

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from node import free_port, until

READY_SECONDS = 15
STOP_SECONDS = 5
NAME = "www.example.com"
CURVE = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(folder, *words):
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)


class Authority:
    """A root, and certificates by it; all of them are files of its folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / "root.pem"
        openssl(self.folder, "req", "-x509", "-newkey", *CURVE, "-nodes", "-days", 30,
                "-subj", "/CN=Test root", "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "root.key",
                "-out", self.root)

    def certify(self, label, host, *more, key_options=CURVE):
        """A chain and its key; `more` are further options of `openssl x509`."""
        chain, key = self.folder / f"{label}.pem", self.folder / f"{label}.key"
        (self.folder / "extensions").write_text(f"subjectAltName=DNS:{host},IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl(self.folder, "req", "-newkey", *key_options, "-nodes", "-subj", f"/CN={host}", "-keyout", key,
                "-out", f"{label}.csr")
        period = more or ("-days", "30")
        openssl(self.folder, "x509", "-req", "-in", f"{label}.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
                "-extfile", "extensions", "-out", chain, *period)
        return chain, key


class Daemon:
    """A program that ends with the test; `port` is where it answers."""

    def __init__(self, folder, command, port):
        self.port, self.path = port, pathlib.Path(folder) / f"{pathlib.Path(command[0]).name}-{port}.log"
        log = open(self.path, "wb")
        # What ends with its standard input, as s_server does, has one that stays open.
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder)

    def ready(self):
        def answers():
            assert self.process.poll() is None, self.path.read_text(errors="replace")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True

        assert until(answers, READY_SECONDS), self.path.read_text(errors="replace")
        return self

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert found, f"{name} is not installed"
    return found


def nginx(folder, authority):
    """Paths: /up, /down, /moved to /up, /away to a link-local address. The second port speaks TLS."""
    port, secure = free_port(), free_port()
    chain, key = authority.certify("nginx", NAME)
    config = folder / "nginx.conf"
    config.write_text(textwrap.dedent(f"""\
        daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
        events {{ worker_connections 64; }}
        http {{
            access_log {folder}/access.log; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            log_format probe '$host|$http_user_agent|$request'; access_log {folder}/probes.log probe;
            server {{
                listen 127.0.0.1:{port}; listen 127.0.0.1:{secure} ssl;
                ssl_certificate {chain}; ssl_certificate_key {key};
                location = /up {{ return 200 "all is Well"; }}
                location = /down {{ return 503; }}
                location = /moved {{ return 302 /up; }}
                location = /away {{ return 302 http://169.254.169.254/latest; }}
            }}
        }}
        """))
    daemon = Daemon(folder, [program("nginx"), "-p", folder, "-c", config], port).ready()
    daemon.secure, daemon.probes = secure, folder / "probes.log"
    return daemon


def s_server(folder, chain, key, *more):
    """`openssl s_server`, which answers HTTP with a status page."""
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", chain, "-key", key, "-www", "-quiet", *more]
    return Daemon(folder, command, port).ready()


def postfix(folder, authority):
    """Takes no mail for anybody, and offers STARTTLS."""
    port = free_port()
    chain, key = authority.certify("mail", "mail.example.com")
    settings, queue, data = (folder / name for name in ("postfix", "queue", "data"))
    for made in (settings, queue, data):
        made.mkdir()
    shutil.chown(data, "postfix")
    # Its processes are other users, and pytest's folders are root's alone.
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    (settings / "main.cf").write_text(textwrap.dedent(f"""\
        compatibility_level = 3.6
        queue_directory = {queue}
        data_directory = {data}
        myhostname = mail.example.com
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        maillog_file = {folder}/mail.log
        maillog_file_prefixes = {folder}
        smtpd_tls_cert_file = {chain}
        smtpd_tls_key_file = {key}
        smtpd_tls_security_level = may
        smtpd_relay_restrictions = reject
        """))
    (settings / "master.cf").write_text(textwrap.dedent(f"""\
        127.0.0.1:{port} inet n - n - - smtpd
        pickup unix n - n 60 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        rewrite unix - - n - - trivial-rewrite
        anvil unix - - n - 1 anvil
        tlsmgr unix - - n 1000? 1 tlsmgr
        postlog unix-dgram n - n - 1 postlogd
        proxymap unix - - n - - proxymap
        """))
    return Daemon(folder, [program("postfix"), "-c", settings, "start-fg"], port).ready()


def slapd(folder, *lines):
    port = free_port()
    config = folder / f"slapd-{port}.conf"
    config.write_text("\n".join([*lines, "database ldif", 'suffix "cn=test"', f"directory {folder}", ""]))
    command = [program("slapd"), "-h", f"ldap://127.0.0.1:{port}", "-f", config, "-d", "none"]
    return Daemon(folder, command, port).ready()


def nsd(folder):
    """Serves example.com with one address and one answer that no datagram of 512 bytes holds."""
    port = free_port()
    long = " ".join(f'"{"x" * 200}"' for _ in range(5))
    (folder / "example.com.zone").write_text(textwrap.dedent(f"""\
        $ORIGIN example.com.
        @ 60 SOA ns1 hostmaster 1 3600 600 86400 60
        @ 60 NS ns1
        ns1 60 A 127.0.0.1
        www 60 A 192.0.2.7
        long 60 TXT {long}
        """))
    config = folder / "nsd.conf"
    config.write_text(textwrap.dedent(f"""\
        server:
            ip-address: 127.0.0.1@{port}
            username: ""
            chroot: ""
            zonesdir: "{folder}"
            database: ""
            pidfile: "{folder}/nsd.pid"
            xfrdfile: "{folder}/xfrd.state"
            xfrdir: "{folder}"
            zonelistfile: "{folder}/zone.list"
        remote-control:
            control-enable: no
        zone:
            name: example.com
            zonefile: example.com.zone
        """))
    return Daemon(folder, [program("nsd"), "-d", "-c", config], port).ready()


class Health:
    """A gRPC server with the health service of the project itself, over TLS where it has a chain."""

    def __init__(self, chain=None, key=None):
        self.servicer = health.HealthServicer()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        health_pb2_grpc.add_HealthServicer_to_server(self.servicer, self.server)
        address = f"127.0.0.1:{free_port()}"
        if chain:
            credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
            self.port = self.server.add_secure_port(address, credentials)
        else:
            self.port = self.server.add_insecure_port(address)
        self.set("", "SERVING")
        self.server.start()

    def set(self, service, status):
        self.servicer.set(service, health_pb2.HealthCheckResponse.ServingStatus.Value(status))

    def stop(self):
        self.server.stop(None)
