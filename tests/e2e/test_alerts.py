"""Alerts arrive, once, over whatever they are sent; nobody is told of what they did not ask for."""

import json
import ssl
import subprocess
import time

import cloudflare
import pytest

from node import BINARY, Node, until
from origin import Origin
from receivers import MailServer, Receiver
from test_certificates import Issued

# Two probes of a pool that no load balancer uses, the window in which changes are one message, a busy machine.
TOLD_SECONDS = 40
# A window and a look, in which what must not come would have come.
QUIET_SECONDS = 4
SECRET, KEY, PASSWORD = "hook-secret-4711", "0123456789abcdef0123456789abcdef", "mail-password-0815"
NOWHERE = "0" * 8 + "-0000-0000-0000-" + "0" * 12


class Site:
    """A node with a mail server, a PagerDuty of its own, and webhooks."""

    def __init__(self, folder, places=""):
        """`places`: further lines of [node]."""
        self.folder = folder
        self.node = Node(folder)
        Issued(folder / "mail", "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "mail/leaf.pem", folder / "mail/leaf.key")
        self.mail = MailServer(context, "trimtab", PASSWORD).start()
        self.pagerduty = Receiver().start()
        self.hook = Receiver().start()
        (folder / "smtp.password").write_text(PASSWORD + "\n")
        config = self.node.config.read_text().replace("[node]\n", f"[node]\n{places}")
        self.node.config.write_text(f"""{config}
[smtp]
host = "localhost"
port = {self.mail.port}
username = "trimtab"
password_file = "smtp.password"
from = "Trimtab <trimtab@example.net>"
ca = "mail/ca.pem"

[alerts]
pagerduty_url = "http://127.0.0.1:{self.pagerduty.port}"
""")
        self.node.start()
        self.account = self.node.account()
        self.base = f"/accounts/{self.account}/alerting/v3"
        self.origins = []

    def stop(self):
        self.node.stop()
        for origin in self.origins:
            origin.kill()
        for receiver in (self.hook, self.pagerduty, self.mail):
            receiver.stop()

    def webhook(self, name, receiver=None, **more):
        body = {"name": name, "url": (receiver or self.hook).url, **more}
        return self.node.create(f"{self.base}/destinations/webhooks", body)["id"]

    def policy(self, name, mechanisms, alert_type="load_balancing_health_alert", **more):
        body = {"name": name, "enabled": True, "alert_type": alert_type, "mechanisms": mechanisms, **more}
        return self.node.create(f"{self.base}/policies", body)["id"]

    def pool(self, name, origins=1, interval=1, timeout=1, retries=2, **more):
        """A pool that is up, and its origins."""
        base = f"/accounts/{self.account}/load_balancers"
        port = None
        made = []
        for number in range(origins):
            origin = Origin(f"{name}-{number}", f"127.0.2.{len(self.origins) + 1}")
            origin.port = port = port or origin.port
            self.origins.append(origin)
            made.append(origin.start())
        # A closed port is refused three times at once; a machine that is busy for a second is no outage.
        pace = {"interval": interval, "timeout": timeout, "retries": retries}
        monitor = {"type": "http", "port": port, "expected_codes": "200", **pace}
        monitor = self.node.create(f"{base}/monitors", monitor)["id"]
        body = {
            "name": name,
            "monitor": monitor,
            "origins": [{"name": origin.name, "address": origin.address} for origin in made],
            **more,
        }
        pool = self.node.create(f"{base}/pools", body)["id"]
        self.until_pool(pool, True)
        return pool, made

    def until_pool(self, pool, healthy):
        path = f"/accounts/{self.account}/load_balancers/pools/{pool}"
        assert until(lambda: self.node.api("GET", path).result.get("healthy") is healthy, TOLD_SECONDS), self.node.log()

    def history(self, policy=None):
        entries = self.node.api("GET", f"{self.base}/history?per_page=1000").result
        return [entry for entry in entries if policy is None or entry["policy_id"] == policy]

    def metrics(self):
        return self.node.request("GET", f"{self.node.root_url}/metrics").text


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.stop()


def waits_for(site, count, found, what):
    assert until(lambda: len(found()) >= count, TOLD_SECONDS), f"{what}: {found()}\n{site.node.log()}"
    time.sleep(QUIET_SECONDS)
    assert len(found()) == count, f"{what}: {found()}"


def refused(answer, status=400):
    assert (answer.status, answer.json["success"]) == (status, False), answer.text
    return answer.json["errors"][0]


# === one flip, one recovery ===


def test_a_flip_and_a_recovery_are_one_message_each_over_every_way(site):
    hook = site.webhook("pager", secret=SECRET)
    service = site.node.create(f"{site.base}/destinations/pagerduty/connect", {"name": "ops", "integration_key": KEY})["id"]
    pool, [origin] = site.pool("every-way")
    mechanisms = {
        "email": [{"id": "night@example.com"}],
        "webhooks": [{"id": hook}],
        "pagerduty": [{"id": service}],
    }
    policy = site.policy("every way", mechanisms, filters={"pool_id": [pool]}, description="for the night")
    origin.kill()
    waits_for(site, 1, lambda: site.hook.bodies("every-way"), "a start")
    [taken] = [taken for taken in site.hook.taken if "every-way" in taken.body]
    assert taken.headers["cf-webhook-auth"] == SECRET
    body = taken.json
    assert {key: body[key] for key in ("name", "account_id", "policy_id", "policy_name", "alert_type", "alert_event")} == {
        "name": "pager", "account_id": site.account, "policy_id": policy, "policy_name": "every way",
        "alert_type": "load_balancing_health_alert", "alert_event": "ALERT_STATE_EVENT_START",
    }
    assert abs(body["ts"] - time.time()) < 60
    data = body["data"]
    assert (data["pool_id"], data["pool_name"], data["new_health"]) == (pool, "every-way", "Unhealthy")
    assert [change["event_source"] for change in data["changes"]] == ["pool", "origin"]
    assert until(lambda: len(site.pagerduty.taken) == 1, TOLD_SECONDS), site.node.log()
    event = site.pagerduty.taken[0].json
    assert (event["event_action"], event["routing_key"], site.pagerduty.taken[0].path) == ("trigger", KEY, "/v2/enqueue")
    assert until(lambda: len(site.mail.to("night@example.com")) == 1, TOLD_SECONDS), site.node.log()
    mail = site.mail.to("night@example.com")[0]
    assert (mail["subject"], mail["from"]) == ("[trimtab] DOWN: pool every-way and 1 more", "Trimtab <trimtab@example.net>")
    text = mail.get_content()
    for part in ("Pool every-way is unhealthy.", "as seen from FRA", "0 of 1 origins are up", "trimtab status"):
        assert part in text, text

    origin.start()
    waits_for(site, 2, lambda: site.hook.bodies("every-way"), "an end")
    end = site.hook.bodies("every-way")[1]
    assert (end["alert_event"], end["alert_correlation_id"]) == ("ALERT_STATE_EVENT_END", body["alert_correlation_id"])
    assert end["data"]["new_health"] == "Healthy"
    assert until(lambda: len(site.pagerduty.taken) == 2, TOLD_SECONDS), site.node.log()
    resolved = site.pagerduty.taken[1].json
    assert (resolved["event_action"], resolved["dedup_key"]) == ("resolve", event["dedup_key"])
    assert until(lambda: len(site.mail.to("night@example.com")) == 2, TOLD_SECONDS), site.node.log()
    assert site.mail.to("night@example.com")[1]["subject"] == "[trimtab] UP: pool every-way and 1 more"

    entries = site.history(policy)
    assert [entry["trimtab"]["result"] for entry in entries] == ["delivered"] * 6
    assert {entry["mechanism_type"] for entry in entries} == {"email", "webhook", "pagerduty"}
    assert 'trimtab_notifications_total{channel="webhook",result="delivered"} 2' in site.metrics()
    assert "trimtab_notifications_waiting{} 0.0" in site.metrics()
    shown = site.node.api("GET", f"{site.base}/destinations/webhooks/{hook}").result
    assert shown["last_success"] is not None and shown["last_failure"] is None


def test_two_pools_that_fail_together_are_one_message(site):
    hook = site.webhook("together")
    first, [origin] = site.pool("together-a")
    # It falls with the first: two pools of their own would each be noticed by a probe of its own, which on a busy machine
    # may lie further apart than what is told as one.
    second, _ = site.pool("together-b", trimtab={"requires": {"at_least": 1, "of": [{"pool": first}]}})
    site.policy("together", {"webhooks": [{"id": hook}]}, filters={"pool_id": [first, second], "event_source": ["pool"]})
    origin.kill()
    waits_for(site, 1, lambda: site.hook.bodies("together-"), "a start")
    names = [change["pool_name"] for change in site.hook.bodies("together-")[0]["data"]["changes"]]
    assert sorted(names) == ["together-a", "together-b"]
    origin.start()
    assert until(lambda: site.hook.bodies("together-")[-1]["alert_event"] == "ALERT_STATE_EVENT_END", TOLD_SECONDS)


# === who is told ===


def test_filters_let_through_what_they_name(site):
    hook = site.webhook("filtered")
    pool, [origin] = site.pool("filtered")
    other, _ = site.pool("filtered-other")

    def policy(name, **filters):
        return site.policy(name, {"webhooks": [{"id": hook}]}, filters=filters)

    policy("f-down", pool_id=[pool], new_health=["Unhealthy"], event_source=["pool"])
    policy("f-up", pool_id=[pool], new_health=["Healthy"], event_source=["origin"])
    policy("f-other", pool_id=[other])

    def got():
        bodies = [body for body in site.hook.bodies() if body["policy_name"].startswith("f-")]
        return [(body["policy_name"], body["data"]["event_source"], body["data"]["new_health"]) for body in bodies]

    origin.kill()
    waits_for(site, 1, got, "a start")
    origin.start()
    waits_for(site, 2, got, "an end")
    assert got() == [("f-down", "pool", "Unhealthy"), ("f-up", "origin", "Healthy")]


def test_a_pool_that_is_disabled_and_enabled_is_told(site):
    hook = site.webhook("enablement")
    pool, _ = site.pool("switched")
    path = f"/accounts/{site.account}/load_balancers/pools/{pool}"
    site.policy("enablement", {"webhooks": [{"id": hook}]}, "load_balancing_pool_enablement_alert", filters={"pool_id": [pool]})

    def got():
        bodies = site.hook.bodies("switched")
        return [(body["alert_event"], body["data"]["enabled"]) for body in bodies]

    site.node.api("PATCH", path, {"enabled": False})
    waits_for(site, 1, got, "disabled")
    site.node.api("PATCH", path, {"enabled": True})
    waits_for(site, 2, got, "enabled")
    assert got() == [("ALERT_STATE_EVENT_START", "false"), ("ALERT_STATE_EVENT_END", "true")]


def test_the_mail_address_of_a_pool_is_told_until_it_is_cleared(site):
    told = {"notification_email": "old@example.com, older@example.com", "notification_filter": {"origin": {"disable": True}}}
    pool, [origin] = site.pool("legacy", **told)
    origin.kill()
    waits_for(site, 1, lambda: site.mail.to("older@example.com"), "a mail")
    assert site.mail.to("old@example.com")[0]["subject"] == "[trimtab] DOWN: pool legacy"
    answer = site.node.api("PATCH", f"/accounts/{site.account}/load_balancers/pools", {"notification_email": ""})
    assert answer.status == 200 and all(pool["notification_email"] == "" for pool in answer.result)
    origin.start()
    site.until_pool(pool, True)
    time.sleep(QUIET_SECONDS)
    assert len(site.mail.to("old@example.com")) == 1


def test_what_is_silenced_is_in_the_history_and_its_end_is_not_sent(site):
    hook = site.webhook("silenced")
    pool, [origin] = site.pool("silent")
    policy = site.policy("silent", {"webhooks": [{"id": hook}]}, filters={"pool_id": [pool], "event_source": ["pool"]})
    times = {"start_time": "2020-01-01T00:00:00Z", "end_time": "2099-01-01T00:00:00Z"}
    [silence] = site.node.create(f"{site.base}/silences", [{"policy_id": policy, **times}])
    origin.kill()
    assert until(lambda: site.history(policy), TOLD_SECONDS), site.node.log()
    assert site.node.api("DELETE", f"{site.base}/silences/{silence['id']}").status == 200
    origin.start()
    site.until_pool(pool, True)
    time.sleep(QUIET_SECONDS)
    assert site.hook.bodies("silent") == []
    [entry] = site.history(policy)
    assert (entry["trimtab"]["result"], entry["mechanism"]) == ("silenced", hook)
    origin.kill()
    waits_for(site, 1, lambda: site.hook.bodies("silent"), "a start after the silence")
    origin.start()


# === nothing is lost, nothing is doubled ===


def test_a_node_that_is_killed_between_flip_and_delivery_delivers_once(site, tmp_path):
    """The receiver refuses at first, so the message waits on disk when the power goes."""
    receiver = Receiver().start()
    receiver.status = 503
    hook = site.webhook("survivor", receiver)
    pool, [origin] = site.pool("survivor")
    policy = site.policy("survivor", {"webhooks": [{"id": hook}]}, filters={"pool_id": [pool], "event_source": ["pool"]})
    origin.kill()
    assert until(lambda: receiver.came, TOLD_SECONDS), site.node.log()
    assert until(lambda: "trimtab_notifications_waiting{} 1.0" in site.metrics(), TOLD_SECONDS), site.metrics()
    site.node.kill()
    receiver.status = 200
    site.node.start()
    waits_for(site, 1, lambda: receiver.taken, "one message")
    assert {request.key for request in receiver.came} == {receiver.taken[0].key}
    assert len({request.body for request in receiver.came}) == 1
    [entry] = site.history(policy)
    assert (entry["id"], entry["trimtab"]["result"]) == (receiver.taken[0].key, "delivered")
    origin.start()
    waits_for(site, 2, lambda: receiver.taken, "the end of it")
    receiver.stop()


def test_what_was_known_before_a_crash_is_no_news(site):
    """The power goes before the flip is in snapshot.bin: the node starts with the belief that all is well, and for as
    long as its first probe takes it knows no better."""
    receiver = Receiver().start()
    hook = site.webhook("stale", receiver)
    pool, [origin] = site.pool("stale", interval=4, timeout=3, retries=0)
    site.policy("stale", {"webhooks": [{"id": hook}]}, filters={"pool_id": [pool], "event_source": ["pool"]})
    saved = site.node.folder / "data/snapshot.bin"

    def believed_up():
        if not saved.exists():
            return False
        known = json.loads(saved.read_text().split("\n", 1)[1])["endpoints"]
        return [seen["up"] for endpoint in known if endpoint["pool"] == pool for seen in endpoint["seen"].values()] == [True]

    assert until(believed_up, TOLD_SECONDS), site.node.log()
    stale = saved.read_bytes()
    origin.lost_to.add("127.0.0.1")
    waits_for(site, 1, lambda: receiver.taken, "the start")
    site.node.kill()
    saved.write_bytes(stale)
    site.node.start()
    path = f"/accounts/{site.account}/load_balancers/pools/{pool}"
    assert site.node.api("GET", path).result["healthy"] is True, "traffic goes by what was known"
    site.until_pool(pool, False)
    waits_for(site, 1, lambda: receiver.taken, "nothing more")
    origin.lost_to.clear()
    waits_for(site, 2, lambda: receiver.taken, "the end of it")
    assert [body["alert_event"] for body in receiver.bodies()] == ["ALERT_STATE_EVENT_START", "ALERT_STATE_EVENT_END"]
    receiver.stop()


def test_a_redirect_is_not_followed_and_a_dead_end_is_said(site):
    other, receiver = Receiver().start(), Receiver().start()
    receiver.status, receiver.location = 307, other.url
    hook = site.webhook("redirecting", receiver)
    [tested] = site.node.api("POST", f"/accounts/{site.account}/trimtab/alerting/webhooks/{hook}/test").result
    assert (tested["delivered"], tested["status"], other.came) == (False, 307, [])
    receiver.status = 410
    pool, [origin] = site.pool("dead-end")
    policy = site.policy("dead end", {"webhooks": [{"id": hook}]}, filters={"pool_id": [pool], "event_source": ["pool"]})
    origin.kill()
    assert until(lambda: site.history(policy), TOLD_SECONDS), site.node.log()
    [entry] = site.history(policy)
    assert (entry["trimtab"]["result"], entry["trimtab"]["error"]) == ("given_up", "it answered with status 410")
    assert site.node.api("GET", f"{site.base}/destinations/webhooks/{hook}").result["last_failure"] is not None
    origin.start()
    other.stop()
    receiver.stop()


# === what is refused, and what is never shown ===


def test_an_address_that_the_node_may_not_reach_is_refused_when_saved_and_when_sent(site):
    path = f"{site.base}/destinations/webhooks"
    error = refused(site.node.api("POST", path, {"name": "x", "url": "http://169.254.169.254/latest"}))
    assert error["source"]["pointer"] == "/url" and "this node sends nothing" in error["message"]
    own = f"http://127.0.0.1:{site.node.api_port}/client/v4/accounts"
    assert "own API" in refused(site.node.api("POST", path, {"name": "x", "url": own}))["message"]
    hook = site.node.create(path, {"name": "by name", "url": "http://localhost:1/"})["id"]
    trial = f"/accounts/{site.account}/trimtab/alerting/webhooks/{hook}/test"
    [tested] = site.node.api("POST", trial).result
    assert (tested["delivered"], tested["status"]) == (False, None)


@pytest.mark.parametrize("body, pointer", [
    ({"name": "x", "url": "ftp://127.0.0.1/"}, "/url"),
    ({"name": "x", "url": "http://user:pw@127.0.0.1/"}, "/url"),
    ({"name": "x", "url": "http://127.0.0.1/\r\nx: y"}, "/url"),
    ({"name": "x\r\ny", "url": "http://127.0.0.1/"}, "/name"),
    ({"name": "x", "url": "http://127.0.0.1/", "secret": "a\r\nb"}, "/secret"),
    ({"name": "x" * 256, "url": "http://127.0.0.1/"}, "/name"),
    ({"name": "x", "url": "http://127.0.0.1/" + "x" * 2048}, "/url"),
])
def test_a_webhook_that_cannot_be_is_refused_where_it_is_wrong(site, body, pointer):
    error = refused(site.node.api("POST", f"{site.base}/destinations/webhooks", body))
    assert error["source"]["pointer"] == pointer


@pytest.mark.parametrize("change, pointer", [
    ({"mechanisms": {"email": [{"id": "a@b.c\r\nBcc: x@y.z"}]}}, "/mechanisms/email/0/id"),
    ({"mechanisms": {"email": [{"id": "a@b.c, x@y.z"}]}}, "/mechanisms/email/0/id"),
    ({"mechanisms": {"email": [{"id": f"a{n}@b.c"} for n in range(21)]}}, "/mechanisms/email"),
    ({"mechanisms": {}}, "/mechanisms"),
    ({"mechanisms": {"webhooks": [{"id": NOWHERE}]}}, "/mechanisms/webhooks/0/id"),
    ({"name": "x\r\nSubject: y"}, "/name"),
    ({"alert_type": "stream_live_notifications"}, "/alert_type"),
    ({"filters": {"zones": ["x"]}}, "/filters/zones"),
    ({"filters": {"new_health": ["Sick"]}}, "/filters/new_health/0"),
])
def test_a_policy_that_cannot_be_is_refused_where_it_is_wrong(site, change, pointer):
    body = {"name": "x", "enabled": True, "alert_type": "load_balancing_health_alert", "mechanisms": {"email": [{"id": "a@b.c"}]}}
    error = refused(site.node.api("POST", f"{site.base}/policies", {**body, **change}))
    assert error["source"]["pointer"] == pointer


def test_the_address_of_a_pool_cannot_begin_another_header(site):
    body = {"name": "crlf", "origins": [{"name": "a", "address": "127.0.2.1"}], "notification_email": "a@b.c\r\nBcc: x@y.z"}
    error = refused(site.node.api("POST", f"/accounts/{site.account}/load_balancers/pools", body))
    assert error["source"]["pointer"] == "/notification_email"


def test_secrets_are_neither_returned_nor_logged(site):
    hook = site.webhook("secretive", secret=SECRET)
    site.node.api("POST", f"/accounts/{site.account}/trimtab/alerting/webhooks/{hook}/test")
    paths = ["destinations/webhooks", f"destinations/webhooks/{hook}", "destinations/pagerduty", "policies", "history?per_page=1000"]
    shown = [site.node.api("GET", f"{site.base}/{path}").text for path in paths]
    shown += [(site.node.folder / "log.txt").read_text(errors="replace"), site.metrics()]
    for secret in (SECRET, KEY, PASSWORD):
        assert not any(secret in text for text in shown), secret
    # What is not sent stays: nobody who changes a name knows the secret.
    site.node.api("PUT", f"{site.base}/destinations/webhooks/{hook}", {"name": "renamed", "url": site.hook.url})
    site.node.api("POST", f"/accounts/{site.account}/trimtab/alerting/webhooks/{hook}/test")
    assert site.hook.taken[-1].headers["cf-webhook-auth"] == SECRET


# === programs that speak to it ===


def test_the_command_line_tests_and_tells(site):
    hook = site.webhook("by hand")
    server = ["--server", site.node.base_url, "--token", site.node.token]
    tested = subprocess.run([BINARY, "notify", "test", "by hand", *server], capture_output=True, text=True)
    assert (tested.returncode, tested.stderr) == (0, ""), tested
    assert f"webhook {hook}  delivered, status 200" in tested.stdout and "thank you" in tested.stdout
    assert site.hook.taken[-1].json["data"]["test"] is True
    unknown = subprocess.run([BINARY, "notify", "test", "nobody", *server], capture_output=True, text=True)
    assert (unknown.returncode, unknown.stdout) == (3, "")
    told = subprocess.run([BINARY, "notify", "history", *server], capture_output=True, text=True)
    assert told.returncode == 0 and "delivered" in told.stdout, told


def test_the_official_sdk_drives_all_of_it(site):
    client = cloudflare.Cloudflare(base_url=site.node.base_url, api_token=site.node.token, max_retries=0)
    alerting, mine = client.alerting, {"account_id": site.account}
    assert "Load Balancing" in alerting.available_alerts.list(**mine)
    assert alerting.destinations.eligible.get(**mine)["email"][0].ready is True
    webhooks, policies, silences = alerting.destinations.webhooks, alerting.policies, alerting.silences
    hook = webhooks.create(**mine, name="sdk", url=site.hook.url, secret=SECRET).id
    assert webhooks.get(hook, **mine).type == "generic"
    assert webhooks.update(hook, **mine, name="sdk 2", url=site.hook.url).id == hook
    assert hook in [found.id for found in webhooks.list(**mine)]
    pagerduty = alerting.destinations.pagerduty
    token = pagerduty.create(**mine).id
    assert pagerduty.link(token, **mine).id == token
    assert token in [found.id for found in pagerduty.get(**mine)]
    policy = policies.create(**mine, name="sdk", enabled=True, alert_type="load_balancing_health_alert",
                             mechanisms={"webhooks": [{"id": hook}]}, filters={"new_health": ["Unhealthy"]}).id
    assert policies.update(policy, **mine, description="changed").id == policy
    found = policies.get(policy, **mine)
    assert (found.description, found.name, found.filters.new_health) == ("changed", "sdk", ["Unhealthy"])
    assert policy in [found.id for found in policies.list(**mine)]
    with pytest.raises(cloudflare.APIStatusError):
        webhooks.delete(hook, **mine)
    times = {"start_time": "2030-01-01T00:00:00Z", "end_time": "2030-01-02T00:00:00Z"}
    assert silences.create(**mine, body=[{"policy_id": policy, **times}]).success
    [silence] = [found for found in silences.list(**mine) if found.policy_id == policy]
    [changed] = silences.update(**mine, body=[{"id": silence.id, "end_time": "2030-01-03T00:00:00Z"}])
    assert changed.end_time.startswith("2030-01-03")
    assert silences.get(silence.id, **mine).end_time == changed.end_time
    assert silences.delete(silence.id, **mine).success
    assert len(list(alerting.history.list(**mine, per_page=5))) == len(site.history())
    assert policies.delete(policy, **mine).success
    assert webhooks.delete(hook, **mine).success
    with pytest.raises(cloudflare.NotFoundError):
        policies.get(policy, **mine)
