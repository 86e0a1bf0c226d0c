"""Custom certificates through the official Python SDK: checked, kept over a restart, and never shown again."""

import pathlib
import stat
import subprocess

import cloudflare
import pytest

from node import Node, until

UNKNOWN = "0" * 32
DAYS = 30
SERVED_SECONDS = 2


class Issued:
    """A chain of two that `openssl` made, leaf first, and the key of its leaf."""

    def __init__(self, folder, *names, key=("-newkey", "rsa:2048")):
        folder.mkdir()
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=An authority/CN=Root", "-days", DAYS)
        openssl(folder, "req", *key, "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf")
        (folder / "names").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
        openssl(folder, "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", DAYS, "-extfile", "names", "-out", "leaf.pem")
        leaf, authority = (folder / "leaf.pem").read_text(), (folder / "ca.pem").read_text()
        self.chain, self.backwards = leaf + authority, authority + leaf
        self.key = (folder / "leaf.key").read_text()
        self.folder = folder

    def key_as(self, *command):
        """The key in another form of PEM."""
        return subprocess.run(["openssl", *command, "-in", self.folder / "leaf.key"],
                              check=True, capture_output=True, text=True).stdout


def openssl(folder, *words):
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(node):
    return cloudflare.Cloudflare(base_url=node.base_url, api_token=node.token, max_retries=0).custom_certificates


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    return Issued(tmp_path_factory.mktemp("certificates") / "rsa", "www.example.com", "*.example.com")


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")
    return Issued(tmp_path_factory.mktemp("certificates") / "ec", "api.example.com", key=key)


@pytest.fixture
def made(certificates, zone, issued):
    made = certificates.create(zone_id=zone, certificate=issued.chain, private_key=issued.key)
    yield made
    certificates.delete(made.id, zone_id=zone)


def test_a_certificate_is_made_listed_read_and_deleted(certificates, zone, curve):
    made = certificates.create(zone_id=zone, certificate=curve.chain, private_key=curve.key, type="sni_custom",
                               bundle_method="force", geo_restrictions={"label": "eu"}, policy="(country: US)")
    assert (made.hosts, made.issuer, made.signature) == (["api.example.com"], "An authority", "ECDSAWithSHA256")
    assert (made.status, made.bundle_method, made.zone_id) == ("active", "force", zone)
    assert (made.geo_restrictions.label, made.policy_restrictions) == ("eu", "(country: US)")
    assert 0 < (made.expires_on - made.uploaded_on).days <= DAYS
    assert [one.id for one in certificates.list(zone_id=zone)] == [made.id]
    assert certificates.get(made.id, zone_id=zone) == made
    assert certificates.delete(made.id, zone_id=zone).id == made.id
    assert list(certificates.list(zone_id=zone)) == []
    for refused in (certificates.get, certificates.delete, certificates.edit):
        with pytest.raises(cloudflare.NotFoundError):
            refused(made.id, zone_id=zone)


def test_an_edit_renews_and_one_that_says_nothing_new_changes_nothing(certificates, zone, made, curve):
    assert certificates.edit(made.id, zone_id=zone, bundle_method="ubiquitous") == made
    assert made.hosts == ["www.example.com", "*.example.com"]
    renewed = certificates.edit(made.id, zone_id=zone, certificate=curve.chain, private_key=curve.key)
    assert (renewed.id, renewed.hosts) == (made.id, ["api.example.com"])
    assert renewed.uploaded_on > made.uploaded_on


def test_every_form_of_a_key_is_taken(certificates, zone, issued, curve):
    forms = ((issued, ("rsa", "-traditional")), (curve, ("ec",)), (issued, ("pkcs8", "-topk8", "-nocrypt")))
    for source, command in forms:
        key = source.key_as(*command)
        made = certificates.create(zone_id=zone, certificate=source.chain, private_key=key)
        certificates.delete(made.id, zone_id=zone)


def test_what_could_not_be_served_is_refused_with_a_number_and_a_place(certificates, zone, made, issued, curve, tmp_path):
    foreign = Issued(tmp_path / "foreign", "www.example.org")
    for chain, key, code, place in (
        (curve.chain, issued.key, 2200, "/private_key"),
        (curve.chain, "no key", 2106, "/private_key"),
        (curve.backwards, curve.key, 2100, "/certificate"),
        ("no certificate", curve.key, 2101, "/certificate"),
        (curve.chain.replace("M", "*", 1), curve.key, 1002, "/certificate"),
        (foreign.chain, foreign.key, 2103, "/certificate"),
        (issued.chain, issued.key, 1220, "/certificate"),
    ):
        with pytest.raises(cloudflare.BadRequestError) as refusal:
            certificates.create(zone_id=zone, certificate=chain, private_key=key)
        error = refusal.value.body["errors"][0]
        assert (error["code"], error["source"]["pointer"]) == (code, place)
    assert [one.id for one in certificates.list(zone_id=zone)] == [made.id]


def test_priorities_decide_who_wins(certificates, zone, made, curve):
    other = certificates.create(zone_id=zone, certificate=curve.chain, private_key=curve.key)
    assert [one.id for one in certificates.list(zone_id=zone)] == [other.id, made.id]
    order = [{"id": made.id, "priority": 9}, {"id": other.id, "priority": 1}]
    listed = certificates.prioritize.update(zone_id=zone, certificates=order)
    assert [(one.id, one.priority) for one in listed] == [(made.id, 9), (other.id, 1)]
    certificates.delete(other.id, zone_id=zone)


def test_the_end_of_a_certificate_is_a_metric(node, made):
    line = f'trimtab_tls_certificate_expiry_timestamp_seconds{{name="www.example.com"}} {made.expires_on.timestamp()}'
    assert until(lambda: line in node.request("GET", f"{node.root_url}/metrics").text, SERVED_SECONDS)


def test_keys_outlive_a_restart_in_a_file_for_its_owner_alone_and_are_shown_nowhere(tmp_path, issued, curve):
    node = Node(tmp_path).start()
    account = node.account()
    zone = node.create("/zones", {"name": "example.com", "account": {"id": account}})["id"]
    path = f"/zones/{zone}/custom_certificates"
    made = node.create(path, {"certificate": issued.chain, "private_key": issued.key})
    upstream = {"client_certificate": curve.chain, "client_key": curve.key}
    pools = f"/accounts/{account}/load_balancers/pools"
    pool = node.create(pools, {"name": "p", "origins": [{"name": "a", "address": "127.0.0.1"}],
                               "trimtab": {"upstream": upstream}})
    rotated = node.api("POST", "/trimtab/affinity_keys/rotate", {}).result
    assert [key["id"] for key in rotated["keys"]] == [1, 0]
    node.stop()
    node.start()
    assert node.api("GET", f"{path}/{made['id']}").result == made
    back = node.api("PUT", f"{pools}/{pool['id']}", pool).result
    assert back == pool
    answers = str((made, pool, rotated, back))
    node.stop()
    log = (pathlib.Path(tmp_path) / "log.txt").read_text()
    for key in (issued.key, curve.key):
        line = key.splitlines()[1]
        assert line not in answers and line not in log
    for file in (tmp_path / "data").glob("trimtab.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
