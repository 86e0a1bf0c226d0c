"""Monitor groups, health checks, overrides and the feed: with the official SDK where it has them, else as raw JSON."""

import urllib.parse

import cloudflare
import pytest

from node import until
from origin import Origin

UNKNOWN = "0" * 32


@pytest.fixture(scope="module")
def client(node):
    return cloudflare.Cloudflare(base_url=node.base_url, api_token=node.token, max_retries=0)


@pytest.fixture(scope="module")
def groups(client):
    return client.load_balancers.monitor_groups


@pytest.fixture
def monitors(client, account):
    made = [client.load_balancers.monitors.create(account_id=account, type="http", expected_codes="200",
                                                  description=f"check {n}") for n in range(2)]
    yield made
    for monitor in made:
        client.load_balancers.monitors.delete(monitor.id, account_id=account)


def member(monitor, **more):
    return {"monitor_id": monitor.id, "enabled": True, "monitoring_only": False, "must_be_healthy": False, **more}


def refused(call, *codes, **arguments):
    with pytest.raises(cloudflare.APIStatusError) as refusal:
        call(**arguments)
    errors = refusal.value.body["errors"]
    assert [refusal.value.status_code, *(error["code"] for error in errors)] == list(codes), errors
    return errors


# === monitor groups, by the SDK ===


def test_monitor_group_lives_and_dies(groups, account, monitors):
    one, two = monitors
    made = groups.create(account_id=account, description="both", members=[member(one)])
    assert (made.description, made.members[0].monitor_id, made.members[0].enabled) == ("both", one.id, True)
    assert groups.get(made.id, account_id=account) == made
    assert made in list(groups.list(account_id=account))
    edited = groups.edit(made.id, account_id=account, description="both",
                         members=[member(one), member(two, must_be_healthy=True)])
    assert [found.must_be_healthy for found in edited.members] == [False, True]
    assert edited.members[0] == made.members[0]
    updated = groups.update(made.id, account_id=account, description="one", members=[member(two, enabled=False)])
    assert (updated.description, [found.enabled for found in updated.members]) == ("one", [False])
    assert updated.members[0].created_at == edited.members[1].created_at < updated.members[0].updated_at
    assert groups.delete(made.id, account_id=account) == updated
    with pytest.raises(cloudflare.NotFoundError):
        groups.get(made.id, account_id=account)


def test_what_groups_and_pools_refer_to_stays(client, groups, account, monitors):
    one, _ = monitors
    made = groups.create(account_id=account, description="of a pool", members=[member(one)])
    pool = client.load_balancers.pools.create(
        account_id=account, name="grouped", origins=[{"name": "o", "address": "127.0.1.1"}], monitor_group=made.id)
    assert pool.monitor_group == made.id
    [error] = refused(client.load_balancers.monitors.delete, 412, 1005, monitor_id=one.id, account_id=account)
    assert made.id in str(error)
    [error] = refused(groups.delete, 412, 1005, monitor_group_id=made.id, account_id=account)
    assert "grouped" in str(error)

    def references(of, id):
        found = of.references.get(id, account_id=account)
        # Of groups the SDK gives one object, of others pages.
        found = found if isinstance(found, list) else list(found)
        return [(r.reference_type, r.resource_id, r.resource_type) for r in found]

    assert references(groups, made.id) == [("referrer", pool.id, "pool"), ("referral", one.id, "monitor")]
    assert references(client.load_balancers.pools, pool.id) == [("referral", made.id, "monitor_group")]
    assert references(client.load_balancers.monitors, one.id) == [("referrer", made.id, "monitor_group")]
    answer = client.load_balancers.searches.with_raw_response.list(account_id=account, query="of a pool")
    found = answer.http_response.json()["result"]["resources"]
    assert [(one["resource_id"], one["resource_type"]) for one in found] == [(made.id, "monitor_group")]
    client.load_balancers.pools.delete(pool.id, account_id=account)
    groups.delete(made.id, account_id=account)


def test_members_are_known_and_there_once(groups, account, monitors):
    one, _ = monitors

    def pointers(*codes, members):
        errors = refused(groups.create, 400, *codes, account_id=account, description="", members=members)
        return [error["source"]["pointer"] for error in errors]

    assert pointers(1002, members=[member(one), member(one)]) == ["/members/1/monitor_id"]
    assert pointers(1002, members=[{**member(one), "monitor_id": UNKNOWN}]) == ["/members/0/monitor_id"]
    assert pointers(1002, members=[]) == ["/members"]
    assert pointers(1002, 1002, members=[{"monitor_id": one.id, "enabled": True}]) == [
        "/members/0/monitoring_only", "/members/0/must_be_healthy"]


def test_pool_takes_a_monitor_or_a_group(client, groups, account, monitors):
    made = groups.create(account_id=account, description="", members=[member(monitors[0])])
    create = client.load_balancers.pools.create
    pool = {"account_id": account, "name": "either", "origins": [{"name": "o", "address": "127.0.1.1"}]}
    [error] = refused(create, 400, 1002, **pool, monitor=monitors[0].id, monitor_group=made.id)
    assert error["source"]["pointer"] == "/monitor_group"
    [error] = refused(create, 400, 1002, **pool, monitor_group=UNKNOWN)
    assert error["message"].startswith("unknown monitor group")
    groups.delete(made.id, account_id=account)


# === health checks, by the SDK ===


def test_health_check_lives_and_dies(client, zone):
    checks = client.healthchecks
    made = checks.create(zone_id=zone, name="shop", address="127.0.1.1", check_regions=["IN", "WEU"],
                         http_config={"path": "/up", "expected_codes": ["200", "3xx"]})
    assert (made.type, made.interval, made.retries, made.timeout, made.suspended) == ("HTTP", 60, 2, 5, False)
    assert (made.check_regions, made.http_config.expected_codes) == (["IN", "WEU"], ["200", "3xx"])
    assert (made.http_config.port, made.tcp_config, made.status) == (80, None, "unknown")
    assert checks.get(made.id, zone_id=zone) == made
    edited = checks.edit(made.id, zone_id=zone, name="shop", address="127.0.1.1", suspended=True)
    assert (edited.status, edited.http_config) == ("suspended", made.http_config)
    updated = checks.update(made.id, zone_id=zone, name="db", address="db.example.com", type="TCP",
                            tcp_config={"port": 5432})
    assert (updated.tcp_config.port, updated.http_config, updated.check_regions) == (5432, None, None)
    assert checks.delete(made.id, zone_id=zone).id == made.id
    with pytest.raises(cloudflare.NotFoundError):
        checks.get(made.id, zone_id=zone)


def test_listing_health_checks_ends(client, zone):
    made = {client.healthchecks.create(zone_id=zone, name=f"many{n}", address="127.0.1.1").id for n in range(11)}
    assert {found.id for found in client.healthchecks.list(zone_id=zone, per_page=5)} == made
    for id in made:
        client.healthchecks.delete(id, zone_id=zone)


def test_health_check_is_tried_without_being_kept(client, zone):
    previews = client.healthchecks.previews
    made = previews.create(zone_id=zone, name="trial", address="127.0.3.3", type="TCP", tcp_config={"port": 1},
                           retries=0, healthcheck_timeout=1)
    def finished():
        found = previews.get(made.id, zone_id=zone)
        return found if found.status != "unknown" else None

    result = until(finished, 10)
    assert (result.status, result.failure_reason) == ("unhealthy", "TCP connection failed")
    assert list(client.healthchecks.list(zone_id=zone)) == []
    assert previews.delete(made.id, zone_id=zone).id == made.id
    with pytest.raises(cloudflare.NotFoundError):
        previews.get(made.id, zone_id=zone)


def test_smart_shield_has_the_same_checks(node, zone):
    made = node.create(f"/zones/{zone}/healthchecks", {"name": "twin", "address": "127.0.1.1"})
    other = f"/zones/{zone}/smart_shield/healthchecks"
    assert node.api("GET", f"{other}/{made['id']}").result == made
    assert node.api("DELETE", f"{other}/{made['id']}").result == {"id": made["id"]}
    assert node.api("GET", other).result == []


def test_health_checks_go_with_their_zone(node, account):
    zone = node.create("/zones", {"name": "gone.example.net", "account": {"id": account}})["id"]
    made = node.create(f"/zones/{zone}/healthchecks", {"name": "c", "address": "127.0.1.1"})
    assert node.api("DELETE", f"/zones/{zone}").status == 200
    assert node.api("GET", f"/zones/{zone}/healthchecks/{made['id']}").status in (403, 404)


# === what the SDK does not know ===


@pytest.fixture
def pool(node, account):
    body = {"name": "fra-web", "origins": [{"name": "web 1", "address": "127.0.1.1"},
                                           {"name": "web 2", "address": "127.0.1.2"}]}
    pools = f"/accounts/{account}/load_balancers/pools"
    made = node.create(pools, body)["id"]
    yield made
    assert node.api("DELETE", f"{pools}/{made}").status == 200


def test_put_of_what_was_read_changes_no_byte(node, account, zone, monitors, pool):
    under = f"/accounts/{account}/load_balancers"
    group = {"description": "", "members": [member(monitors[0], monitoring_only=True)]}
    check = {"name": "bytes", "address": "::1", "type": "HTTPS", "http_config": {"header": {"Host": ["a", "b"]}}}
    made = []

    def unchanged(collection, body):
        one = f"{collection}/{node.create(collection, body)['id']}"
        before = node.api("GET", one)
        put = node.api("PUT", one, before.result)
        assert (put.status, put.result_text) == (200, before.result_text), put.text
        assert node.api("GET", one).result_text == before.result_text
        made.append(one)
        return before.result["id"]

    group = unchanged(f"{under}/monitor_groups", group)
    check = unchanged(f"/zones/{zone}/healthchecks", check)
    of = [{"pool": pool}, {"pool": pool, "origin": "web 1"}, {"health_check": check}]
    for trimtab in [{"quorum": "all_agree_down"}, {"quorum": {"more_than_percent": 0}},
                    {"requires": {"at_least": 2, "of": of}}]:
        body = {"name": f"p{len(made)}", "origins": [{"name": "o", "address": "127.0.1.1"}], "monitor_group": group}
        unchanged(f"{under}/pools", {**body, "trimtab": trimtab})
    unchanged(f"/accounts/{account}/trimtab/overrides", {"pattern": "*", "state": "up", "reason": "é", "duration": 9})
    for one in reversed(made):
        assert node.api("DELETE", one).status == 200, one


def test_override_counts_what_it_names(node, account, pool):
    overrides = f"/accounts/{account}/trimtab/overrides"
    body = {"pattern": "fra-*/web ?", "state": "drained", "reason": "rack 4", "duration": "2h"}
    answer = node.api("POST", overrides, body)
    assert [m["message"] for m in answer.json["messages"]] == ["fra-*/web ? names 2 endpoints now: 2 of pool fra-web"]
    one = f"{overrides}/{answer.result['id']}"
    assert answer.result["expired"] is False and answer.result["until"] > answer.result["created_on"]
    edited = node.api("PATCH", one, {"pattern": "lhr-*", "until": None})
    assert edited.json["messages"][0]["message"].startswith("warning: lhr-* names no endpoint")
    assert (edited.result["until"], edited.result["reason"]) == (None, "rack 4")
    assert [found["id"] for found in node.api("GET", overrides).result] == [answer.result["id"]]
    for wrong, pointer in [({"reason": ""}, "/reason"), ({"state": "off"}, "/state"), ({"pattern": "/"}, "/pattern"),
                           ({"until": "2020-01-01T00:00:00Z"}, "/until"), ({"duration": "soon"}, "/duration")]:
        refusal = node.api("PATCH", one, wrong)
        assert [error["source"]["pointer"] for error in refusal.json["errors"]] == [pointer], refusal.text
    assert node.api("DELETE", one).result == {"id": answer.result["id"]}
    assert node.api("GET", one).status == 404


def test_calculated_check_holds_what_it_requires(node, account, zone, pool):
    pools = f"/accounts/{account}/load_balancers/pools"
    check = node.create(f"/zones/{zone}/healthchecks", {"name": "db", "address": "127.0.1.1"})["id"]
    of = [{"pool": pool, "origin": "web 2"}, {"health_check": check}]
    body = {"name": "needs", "origins": [{"name": "o", "address": "127.0.1.1"}],
            "trimtab": {"requires": {"at_least": 2, "of": of}}}
    needs = node.create(pools, body)["id"]
    for one in [f"{pools}/{pool}", f"/zones/{zone}/healthchecks/{check}", f"/zones/{zone}"]:
        refusal = node.api("DELETE", one)
        assert (refusal.status, needs in refusal.text) == (412, True), refusal.text
    renamed = node.api("PATCH", f"{pools}/{pool}", {"origins": [{"name": "web 1", "address": "127.0.1.1"}]})
    assert [error["source"]["pointer"] for error in renamed.json["errors"]] == ["/origins"]
    own = {"trimtab": {"requires": {"at_least": 1, "of": [{"pool": needs}]}}}
    assert node.api("PATCH", f"{pools}/{needs}", own).json["errors"][0]["source"]["pointer"] == "/trimtab/requires/of/0"
    assert node.api("DELETE", f"{pools}/{needs}").status == 200
    assert node.api("DELETE", f"/zones/{zone}/healthchecks/{check}").status == 200


def test_feed_names_one_endpoint(node, account, pool):
    feed = f"/accounts/{account}/trimtab/feed"
    one = f"{feed}/{pool}/{urllib.parse.quote('web 1')}"
    pointers = lambda answer: [error["source"]["pointer"] for error in answer.json["errors"]]  # noqa: E731
    assert pointers(node.api("POST", one, {})) == ["/state"]
    assert pointers(node.api("POST", one, {"load": 2})) == ["/load"]
    assert pointers(node.api("POST", one, {"load": 0.1, "weight": 0.1})) == ["/weight"]
    assert node.api("POST", f"{feed}/{pool}/nobody", {"state": "down"}).status == 404
    assert node.api("POST", f"{feed}/{UNKNOWN}/x", {"state": "down"}).status == 404
    assert node.api("GET", feed).result == []


# === what they do ===


def test_group_decides_and_a_person_decides_over_it(node, client, groups, account):
    """One check passes and one fails: a tie is healthy, a critical failure is not, and a person's word is the last."""
    origin = Origin("judged", "127.0.2.77").start()
    create = client.load_balancers.monitors.create
    passing, failing = (
        create(account_id=account, type="http", expected_codes=codes, interval=1, load_balancer_monitor_timeout=1,
               retries=0) for codes in ("200", "418"))
    group = groups.create(account_id=account, description="judges", members=[member(passing), member(failing)])
    pools = client.load_balancers.pools
    pool = pools.create(account_id=account, name="judged", monitor_group=group.id,
                        origins=[{"name": "o", "address": origin.address, "port": origin.port}])

    def becomes(healthy):
        url = f"/accounts/{account}/load_balancers/pools/{pool.id}"
        return until(lambda: node.api("GET", url).result.get("healthy") is healthy, 10)

    assert becomes(True), "a tie"
    critical = [member(passing), member(failing, must_be_healthy=True)]
    groups.edit(group.id, account_id=account, description="judges", members=critical)
    assert becomes(False), "a critical failure"
    overrides = f"/accounts/{account}/trimtab/overrides"
    said = node.create(overrides, {"pattern": "judged/o", "state": "up", "reason": "the check is wrong"})
    assert becomes(True), "a person's word"
    assert node.api("DELETE", f"{overrides}/{said['id']}").status == 200
    assert becomes(False), "the word is taken back"
    pools.delete(pool.id, account_id=account)
    groups.delete(group.id, account_id=account)
    for monitor in (passing, failing):
        client.load_balancers.monitors.delete(monitor.id, account_id=account)
    origin.kill()
