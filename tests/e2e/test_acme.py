"""Certificates that the node orders itself, from an authority that really looks: by DNS and by TLS."""

import socket
import ssl

import pytest

from node import Node, free_port, until
from pebble import Pebble
from test_certificates import Issued

# An order takes a second or two; a busy machine gets more.
ISSUED_SECONDS = 30
SERVED_SECONDS = 2
BLOCKED = "blocked.example.com"


class Site:
    """A node that orders what it needs from an authority beside it."""

    def __init__(self, folder, challenge):
        self.https_port = free_port()
        self.node = Node(folder, f'https = ["127.0.0.1:{self.https_port}"]\nthreads = 1')
        (folder / "authority").mkdir()
        self.authority = Pebble(folder / "authority", self.node.dns_port, self.https_port, [BLOCKED])
        config = self.node.config.read_text()
        self.node.config.write_text(f"""{config}
[acme]
directory = "{self.authority.directory}"
contact = ["mailto:ops@example.com"]
challenge = "{challenge}"
ca = "authority/pebble.pem"
""")

    def start(self):
        self.authority.start()
        self.node.start()
        account = self.node.account()
        self.zone = self.node.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
        origins = [{"name": "a", "address": "127.0.0.1"}]
        pools = f"/accounts/{account}/load_balancers/pools"
        self.pool = self.node.create(pools, {"name": "p", "origins": origins})["id"]
        return self

    def stop(self):
        self.node.stop()
        self.authority.stop()

    def balancer(self, host):
        body = {"name": host, "proxied": True, "default_pools": [self.pool], "fallback_pool": self.pool}
        return self.node.create(f"/zones/{self.zone}/load_balancers", body)["id"]

    def shown(self, host):
        """The certificate for the host, if it verifies against the authority's root."""
        context = ssl.create_default_context(cadata=self.authority.root())
        try:
            with socket.create_connection(("127.0.0.1", self.https_port), timeout=5) as tcp:
                with context.wrap_socket(tcp, server_hostname=host) as tls:
                    return tls.getpeercert(binary_form=True)
        except ssl.SSLCertVerificationError:
            return None

    def wait_for(self, host, shown=None):
        """Until its own certificate is there: a wildcard's is shown for it before."""
        assert until(lambda: self.certificates(host), ISSUED_SECONDS), f"{self.state()}\n{self.node.log()}"
        assert until(lambda: self.shown(shown or host), SERVED_SECONDS), f"{self.state()}\n{self.node.log()}"

    def state(self, name=None):
        told = self.node.api("GET", "/trimtab/acme").result
        return next((one for one in told["names"] if one["name"] == name), None) if name else told

    def records(self):
        return self.node.api("GET", f"/zones/{self.zone}/dns_records").result

    def certificates(self, host):
        listed = self.node.api("GET", f"/zones/{self.zone}/custom_certificates").result
        return [one for one in listed if one["hosts"] == [host]]


@pytest.fixture(scope="module", params=["dns-01", "tls-alpn-01"])
def site(request, tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), request.param)
    site.challenge = request.param
    site.start()
    yield site
    site.stop()


def test_a_new_name_has_a_certificate_within_seconds(site):
    site.balancer("www.example.com")
    site.wait_for("www.example.com")
    [listed] = site.certificates("www.example.com")
    assert (listed["type"], listed["trimtab"]) == ("sni_custom", {"source": "acme"})
    assert until(lambda: site.state("www.example.com")["state"] == "issued", 5), site.state()
    state = site.state("www.example.com")
    assert (state["failures"], state["last_error"], state["expires_on"]) == (0, None, listed["expires_on"])
    assert state["next_try"] < listed["expires_on"]
    told = site.state()
    assert (told["enabled"], told["directory"], told["challenge"]) == (True, site.authority.directory, site.challenge)
    assert site.records() == []
    assert 'trimtab_acme_orders_total{result="issued"} 1' in site.node.request("GET", f"{site.node.root_url}/metrics").text


def test_a_wildcard_is_proved_by_dns_alone(site):
    site.balancer("*.example.com")
    if site.challenge == "dns-01":
        site.wait_for("*.example.com", "any.example.com")
        assert site.records() == []
    else:
        assert until(lambda: site.state("*.example.com"), 5)
        state = site.state("*.example.com")
        assert (state["state"], state["next_try"]) == ("impossible", None)
        assert "only by dns-01" in state["last_error"]


def test_a_name_that_the_authority_refuses_says_why_and_keeps_no_other_waiting(site):
    site.balancer(BLOCKED)
    assert until(lambda: (site.state(BLOCKED) or {}).get("state") == "failed", ISSUED_SECONDS), site.state()
    state = site.state(BLOCKED)
    assert state["failures"] == 1 and "rejectedIdentifier" in state["last_error"], state
    assert state["next_try"] is not None and site.certificates(BLOCKED) == []
    site.balancer("after.example.com")
    site.wait_for("after.example.com")


def test_a_certificate_that_was_deleted_is_ordered_again(site):
    before = site.shown("www.example.com")
    [listed] = site.certificates("www.example.com")
    site.node.api("DELETE", f"/zones/{site.zone}/custom_certificates/{listed['id']}")
    site.wait_for("www.example.com")
    assert site.shown("www.example.com") != before


def test_a_name_with_an_uploaded_certificate_is_left_alone(site, tmp_path):
    uploaded = Issued(tmp_path / "uploaded", "own.example.com")
    body = {"certificate": uploaded.chain, "private_key": uploaded.key}
    site.node.create(f"/zones/{site.zone}/custom_certificates", body)
    balancer = site.balancer("own.example.com")
    site.balancer("other.example.com")
    site.wait_for("other.example.com")
    assert site.state("own.example.com") is None
    site.node.api("DELETE", f"/zones/{site.zone}/load_balancers/{balancer}")


def test_a_restart_orders_nothing_anew_and_an_authority_that_forgot_us_gets_a_new_account(site):
    shown = site.shown("www.example.com")
    site.node.stop()
    site.authority.stop()
    site.authority.start()
    site.node.start()
    assert until(lambda: site.state("www.example.com"), 5)["state"] == "issued", (site.state(), site.node.log())
    site.balancer("late.example.com")
    assert until(lambda: site.certificates("late.example.com"), ISSUED_SECONDS), f"{site.state()}\n{site.node.log()}"
    assert "an ACME account was opened" in site.node.log()
    with socket.create_connection(("127.0.0.1", site.https_port), timeout=5) as tcp:
        with ssl._create_unverified_context().wrap_socket(tcp, server_hostname="www.example.com") as tls:
            assert tls.getpeercert(binary_form=True) == shown
