"""The official Python SDK against a node: only the base URL is another one."""

import cloudflare
import pytest

from node import until
from origin import Origin

UNKNOWN = "0" * 32


@pytest.fixture(scope="module")
def client(node):
    return cloudflare.Cloudflare(base_url=node.base_url, api_token=node.token, max_retries=0)


@pytest.fixture(scope="module")
def monitors(client):
    return client.load_balancers.monitors


@pytest.fixture(scope="module")
def pools(client):
    return client.load_balancers.pools


@pytest.fixture
def monitor(monitors, account):
    made = monitors.create(account_id=account, type="http", expected_codes="200", interval=1,
                           load_balancer_monitor_timeout=1, retries=0)
    yield made
    monitors.delete(made.id, account_id=account)


@pytest.fixture
def pool(pools, account):
    made = pools.create(account_id=account, name="for-others", origins=[{"name": "o", "address": "127.0.1.1"}])
    yield made
    pools.delete(made.id, account_id=account)


# === tokens, accounts, zones ===


def test_token_is_verified(client, node):
    verified = client.user.tokens.verify()
    assert (verified.status, len(verified.id)) == ("active", 32)


def test_wrong_token_is_refused(node):
    other = cloudflare.Cloudflare(base_url=node.base_url, api_token="x" * 40, max_retries=0)
    with pytest.raises((cloudflare.AuthenticationError, cloudflare.PermissionDeniedError)) as refusal:
        other.zones.list()
    assert refusal.value.errors[0].code == 10000


def test_account_is_the_one_of_first_start(client, account):
    assert [found.id for found in client.accounts.list()] == [account]
    assert client.accounts.get(account_id=account).id == account


def test_zone_lives_and_dies(client, account):
    zones = client.zones
    made = zones.create(name="sdk.example.org", account={"id": account})
    assert (made.name, made.account.id, len(made.name_servers)) == ("sdk.example.org", account, 2)
    assert zones.get(zone_id=made.id).name == made.name
    assert [found.id for found in zones.list(name="sdk.example.org")] == [made.id]
    assert zones.edit(zone_id=made.id, paused=True).paused is True
    assert zones.delete(zone_id=made.id).id == made.id
    with pytest.raises(cloudflare.NotFoundError):
        zones.get(zone_id=made.id)


def test_listing_zones_ends(client, account, zone):
    """The SDK asks for page after page until one is empty."""
    made = [client.zones.create(name=f"page{n}.example.org", account={"id": account}) for n in range(6)]
    listed = {found.id for found in client.zones.list(per_page=5)}
    assert listed >= {found.id for found in made} | {zone}
    for found in made:
        client.zones.delete(zone_id=found.id)


# === monitors ===


def test_monitor_lives_and_dies(monitors, account):
    made = monitors.create(account_id=account, type="http", expected_codes="2xx", header={"Host": ["a.example"]})
    assert (made.type, made.path, made.interval, made.retries, made.timeout) == ("http", "/", 60, 2, 5)
    assert made.header == {"Host": ["a.example"]}
    assert monitors.get(made.id, account_id=account) == made
    assert made in list(monitors.list(account_id=account))
    edited = monitors.edit(made.id, account_id=account, description="edited")
    assert (edited.description, edited.expected_codes) == ("edited", "2xx")
    updated = monitors.update(made.id, account_id=account, type="tcp", port=5432)
    assert (updated.type, updated.port, updated.description) == ("tcp", 5432, "")
    assert monitors.delete(made.id, account_id=account).id == made.id
    with pytest.raises(cloudflare.NotFoundError):
        monitors.get(made.id, account_id=account)


def test_every_problem_of_a_monitor_is_reported_at_once(monitors, account):
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        monitors.create(account_id=account, type="http", expected_codes="nine", interval=-1, retries=99)
    pointers = {error["source"]["pointer"] for error in refusal.value.body["errors"]}
    assert pointers == {"/expected_codes", "/interval", "/retries"}


def test_monitor_preview_probes_the_pools_that_use_it(client, account, monitor):
    origin = Origin("preview", "127.0.2.1").start()
    pool = client.load_balancers.pools.create(
        account_id=account, name="previewed", monitor=monitor.id,
        origins=[{"name": "o", "address": origin.address, "port": origin.port}])
    preview = client.load_balancers.monitors.previews.create(monitor.id, account_id=account, expected_codes="200")
    assert preview.pools == {pool.id: "previewed"}

    def finished():
        found = client.load_balancers.previews.get(preview.preview_id, account_id=account)
        return found and found.get(pool.id)

    result = until(finished, 10)
    assert result, "no result of the preview in 10 s"
    assert result.healthy is True
    client.load_balancers.pools.delete(pool.id, account_id=account)
    origin.kill()


# === pools ===


def test_pool_lives_and_dies(pools, account, monitor):
    origins = [{"name": "b", "address": "127.0.1.2", "weight": 0.5}, {"name": "a", "address": "127.0.1.1"}]
    made = pools.create(account_id=account, name="sdk", origins=origins, monitor=monitor.id)
    assert [(o.name, o.weight, o.enabled) for o in made.origins] == [("b", 0.5, True), ("a", 1, True)]
    assert (made.enabled, made.minimum_origins, made.monitor) == (True, 1, monitor.id)
    assert pools.get(made.id, account_id=account).origins == made.origins
    assert [found.id for found in pools.list(account_id=account, monitor=monitor.id)] == [made.id]
    assert pools.list(account_id=account, monitor=UNKNOWN).result == []
    edited = pools.edit(made.id, account_id=account, description="edited")
    assert (edited.description, len(edited.origins)) == ("edited", 2)
    updated = pools.update(made.id, account_id=account, name="sdk2", origins=origins[:1])
    assert (updated.name, updated.description, len(updated.origins)) == ("sdk2", "", 1)
    assert pools.delete(made.id, account_id=account).id == made.id
    with pytest.raises(cloudflare.NotFoundError):
        pools.get(made.id, account_id=account)


def test_pool_names_are_unique(pools, account, pool):
    with pytest.raises(cloudflare.BadRequestError) as refusal:
        pools.create(account_id=account, name=pool.name, origins=[{"name": "o", "address": "127.0.1.1"}])
    assert refusal.value.errors[0].code == 1003


def test_pool_health_shows_each_place_and_endpoint(pools, account, monitor):
    origin = Origin("health", "127.0.2.2").start()
    made = pools.create(account_id=account, name="watched", monitor=monitor.id,
                        origins=[{"name": "o", "address": origin.address, "port": origin.port}])

    def healthy():
        """The SDK's type knows one place only, hence the raw answer."""
        try:
            answer = pools.health.with_raw_response.get(made.id, account_id=account)
        except cloudflare.APIStatusError:
            return None
        places = answer.http_response.json()["result"]["pop_health"]
        return all(place["healthy"] for place in places.values()) and places

    places = until(healthy, 10)
    assert places, pools.health.get(made.id, account_id=account)
    [place] = places.values()
    assert [list(found) for found in place["origins"]] == [[origin.address]]
    assert place["origins"][0][origin.address]["failure_reason"] == "No failures"
    origin.kill()
    pools.delete(made.id, account_id=account)


def test_pool_preview_saves_nothing(pools, account, pool):
    preview = pools.health.create(pool.id, account_id=account, type="http", expected_codes="200")
    assert preview.pools == {pool.id: pool.name}
    assert pools.get(pool.id, account_id=account).monitor in (None, "")


def test_pools_are_edited_in_bulk(pools, account, pool):
    pools.edit(pool.id, account_id=account, notification_email="a@b.example")
    edited = list(pools.bulk_edit(account_id=account, notification_email=""))
    assert {found.notification_email for found in edited} == {""}
    assert pool.id in {found.id for found in edited}


# === load balancers ===


def test_balancer_lives_and_dies(client, zone, pool):
    balancers = client.load_balancers
    made = balancers.create(zone_id=zone, name="sdk.example.com", default_pools=[pool.id], fallback_pool=pool.id)
    assert (made.name, made.enabled, made.proxied, made.ttl) == ("sdk.example.com", True, False, 30)
    assert (made.steering_policy, made.session_affinity) == ("off", "none")
    assert (made.zone_name, made.default_pools) == ("example.com", [pool.id])
    assert balancers.get(made.id, zone_id=zone) == made
    assert made in list(balancers.list(zone_id=zone))
    edited = balancers.edit(made.id, zone_id=zone, description="edited", enabled=False)
    assert (edited.description, edited.enabled, edited.default_pools) == ("edited", False, [pool.id])
    updated = balancers.update(made.id, zone_id=zone, name="sdk2.example.com", default_pools=[pool.id],
                               fallback_pool=pool.id, ttl=60, steering_policy="random")
    assert (updated.name, updated.ttl, updated.description) == ("sdk2.example.com", 60, "")
    assert balancers.delete(made.id, zone_id=zone).id == made.id
    with pytest.raises(cloudflare.NotFoundError):
        balancers.get(made.id, zone_id=zone)


def test_what_is_referenced_is_not_deleted(client, account, zone, pool):
    made = client.load_balancers.create(zone_id=zone, name="holds.example.com", default_pools=[pool.id],
                                        fallback_pool=pool.id)
    with pytest.raises(cloudflare.APIStatusError) as refusal:
        client.load_balancers.pools.delete(pool.id, account_id=account)
    assert (refusal.value.status_code, refusal.value.errors[0].code) == (412, 1005)
    assert "holds.example.com" in str(refusal.value.body)
    references = list(client.load_balancers.pools.references.get(pool.id, account_id=account))
    assert [(r.reference_type, r.resource_id, r.resource_type) for r in references] == [
        ("referrer", made.id, "load_balancer")]
    client.load_balancers.delete(made.id, zone_id=zone)
    assert list(client.load_balancers.pools.references.get(pool.id, account_id=account)) == []


def test_monitor_references_name_its_pools(client, account, monitor):
    pools = client.load_balancers.pools
    made = pools.create(account_id=account, name="refers", origins=[{"name": "o", "address": "127.0.1.1"}],
                        monitor=monitor.id)
    references = list(client.load_balancers.monitors.references.get(monitor.id, account_id=account))
    assert [(r.reference_type, r.resource_name, r.resource_type) for r in references] == [
        ("referrer", "refers", "pool")]
    pools.delete(made.id, account_id=account)


# === regions, search, addresses ===


def test_regions(client, account):
    every = client.load_balancers.regions.list(account_id=account)
    codes = [region["region_code"] for region in every["regions"]]
    assert sorted(codes) == sorted(
        "WNAM ENAM WEU EEU NSAM SSAM OC ME NAF SAF SAS SEAS NEAS".split())
    one = client.load_balancers.regions.get("WEU", account_id=account)
    assert [region["region_code"] for region in one["regions"]] == ["WEU"]
    assert one["iso_standard"]
    california = client.load_balancers.regions.list(account_id=account, country_code_a2="US", subdivision_code_a2="CA")
    assert [region["region_code"] for region in california["regions"]] == ["WNAM"]


def test_search_finds_by_name(client, account, pool):
    """The SDK's iterator reads another key than the API's, hence the raw answer."""
    answer = client.load_balancers.searches.with_raw_response.list(account_id=account, query=pool.name)
    resources = answer.http_response.json()["result"]["resources"]
    assert [(found["resource_id"], found["resource_type"]) for found in resources] == [(pool.id, "pool")]


def test_addresses_of_the_node(client):
    found = client.ips.list()
    assert isinstance(found.ipv4_cidrs, list)


# === DNS records ===


def test_record_lives_and_dies(client, zone):
    records = client.dns.records
    made = records.create(zone_id=zone, type="A", name="r", content="192.0.2.1", ttl=300)
    assert (made.name, made.content, made.ttl, made.proxied) == ("r.example.com", "192.0.2.1", 300, False)
    assert records.get(made.id, zone_id=zone).content == made.content
    assert [found.id for found in records.list(zone_id=zone, name={"exact": "r.example.com"})] == [made.id]
    edited = records.edit(made.id, zone_id=zone, type="A", name="r", ttl=300, content="192.0.2.2")
    assert (edited.content, edited.ttl) == ("192.0.2.2", 300)
    updated = records.update(made.id, zone_id=zone, type="TXT", name="r", ttl=60, content="text")
    assert (updated.type, updated.content) == ("TXT", "text")
    assert records.delete(made.id, zone_id=zone).id == made.id
    with pytest.raises(cloudflare.NotFoundError):
        records.get(made.id, zone_id=zone)


def test_listing_records_ends(client, zone):
    posts = [{"type": "A", "name": f"many{n}", "content": "192.0.2.9", "ttl": 60} for n in range(25)]
    made = client.dns.records.batch(zone_id=zone, posts=posts)
    found = list(client.dns.records.list(zone_id=zone, name={"startswith": "many"}, per_page=10))
    assert sorted(r.name for r in found) == sorted(f"many{n}.example.com" for n in range(25))
    client.dns.records.batch(zone_id=zone, deletes=[{"id": r.id} for r in made.posts])


def test_records_change_in_one_batch_or_not_at_all(client, zone):
    records = client.dns.records
    gone = records.create(zone_id=zone, type="A", name="gone", content="192.0.2.1", ttl=60)
    kept = records.create(zone_id=zone, type="A", name="kept", content="192.0.2.1", ttl=60)
    done = records.batch(
        zone_id=zone, deletes=[{"id": gone.id}], patches=[{"id": kept.id, "content": "192.0.2.7"}],
        posts=[{"type": "A", "name": "gone", "content": "192.0.2.8", "ttl": 60}])
    assert ([r.id for r in done.deletes], [r.content for r in done.patches]) == ([gone.id], ["192.0.2.7"])
    with pytest.raises(cloudflare.BadRequestError):
        records.batch(zone_id=zone, deletes=[{"id": kept.id}],
                      posts=[{"type": "A", "name": "bad", "content": "no address", "ttl": 60}])
    assert records.get(kept.id, zone_id=zone).content == "192.0.2.7"
    records.batch(zone_id=zone, deletes=[{"id": kept.id}, {"id": done.posts[0].id}])


def test_zone_file_goes_out_and_comes_in(client, zone):
    records = client.dns.records
    text = "exported 300 IN A 192.0.2.33\nexported 300 IN TXT \"two words\"\n"
    imported = records.import_(zone_id=zone, file=text)
    assert (imported.recs_added, imported.total_records_parsed) == (2, 2)
    exported = records.export(zone_id=zone)
    lines = [line.split() for line in exported.splitlines()]
    assert ["exported.example.com.", "300", "IN", "A", "192.0.2.33"] in lines
    assert '"two words"' in exported
    found = list(records.list(zone_id=zone, name={"exact": "exported.example.com"}))
    records.batch(zone_id=zone, deletes=[{"id": r.id} for r in found])


def test_tokens_live_and_die(client, node):
    tokens = client.user.tokens
    own = tokens.get(tokens.verify().id)
    made = tokens.create(name="ci", policies=[policy.model_dump(exclude_none=True) for policy in own.policies])
    assert 40 <= len(made.value) <= 80
    other = cloudflare.Cloudflare(base_url=node.base_url, api_token=made.value, max_retries=0)
    assert other.user.tokens.verify().id == made.id
    assert made.id in [found.id for found in tokens.list()]
    tokens.delete(made.id)
    with pytest.raises(cloudflare.APIStatusError):
        other.user.tokens.verify()
