// The official Node.js SDK against a node: only the base URL is another one.
// `python tests/e2e/node.py node --test tests/e2e/node/sdk.test.cjs` runs a node around it.

const assert = require("node:assert/strict");
const { before, test } = require("node:test");
const { default: Cloudflare } = require("cloudflare");

const client = new Cloudflare({
  apiToken: process.env.CLOUDFLARE_API_TOKEN,
  baseURL: process.env.CLOUDFLARE_BASE_URL,
  maxRetries: 0,
});
const balancers = client.loadBalancers;
const { monitors, pools } = balancers;
const records = client.dns.records;

let account;
let zone;

before(async () => {
  for await (const found of client.accounts.list()) account = { account_id: found.id };
  const made = await client.zones.create({ name: "example.com", account: { id: account.account_id } });
  zone = { zone_id: made.id };
});

async function all(pages) {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
}

const endpoint = (name, address) => ({ name, address });

const missing = (call) => assert.rejects(call, (error) => error.status === 404);

async function poolNamed(name, more = {}) {
  return pools.create({ ...account, name, origins: [endpoint("o", "127.0.1.1")], ...more });
}

test("a token is verified", async () => {
  const verified = await client.user.tokens.verify();
  assert.equal(verified.status, "active");
});

test("a wrong token is refused", async () => {
  const other = new Cloudflare({ apiToken: "x".repeat(40), baseURL: client.baseURL, maxRetries: 0 });
  const refused = (error) => [401, 403].includes(error.status) && error.errors[0].code === 10000;
  await assert.rejects(async () => all(other.zones.list()), refused);
});

test("a zone lives and dies", async () => {
  const made = await client.zones.create({ name: "node.example.org", account: { id: account.account_id } });
  assert.equal((await client.zones.get({ zone_id: made.id })).name, "node.example.org");
  assert.deepEqual((await all(client.zones.list({ name: "node.example.org" }))).map((z) => z.id), [made.id]);
  assert.equal((await client.zones.edit({ zone_id: made.id, paused: true })).paused, true);
  await client.zones.delete({ zone_id: made.id });
  await missing(client.zones.get({ zone_id: made.id }));
});

test("a monitor lives and dies", async () => {
  const header = { Host: ["a.example"] };
  const made = await monitors.create({ ...account, type: "http", expected_codes: "2xx", header });
  assert.deepEqual([made.path, made.interval, made.retries, made.timeout, made.header], ["/", 60, 2, 5, header]);
  assert.deepEqual(await monitors.get(made.id, account), made);
  assert.ok((await all(monitors.list(account))).some((found) => found.id === made.id));
  const edited = await monitors.edit(made.id, { ...account, description: "edited" });
  assert.deepEqual([edited.description, edited.expected_codes], ["edited", "2xx"]);
  const updated = await monitors.update(made.id, { ...account, type: "tcp", port: 5432 });
  assert.deepEqual([updated.type, updated.port, updated.description], ["tcp", 5432, ""]);
  assert.equal((await monitors.delete(made.id, account)).id, made.id);
  await missing(monitors.get(made.id, account));
});

test("a pool lives and dies", async () => {
  const origins = [{ ...endpoint("b", "127.0.1.2"), weight: 0.5 }, endpoint("a", "127.0.1.1")];
  const made = await pools.create({ ...account, name: "node", origins });
  assert.deepEqual(made.origins.map((o) => [o.name, o.weight, o.enabled]), [["b", 0.5, true], ["a", 1, true]]);
  assert.deepEqual(await pools.get(made.id, account), made);
  assert.ok((await all(pools.list(account))).some((found) => found.id === made.id));
  const edited = await pools.edit(made.id, { ...account, description: "edited" });
  assert.deepEqual([edited.description, edited.origins], ["edited", made.origins]);
  const updated = await pools.update(made.id, { ...account, name: "node2", origins: origins.slice(0, 1) });
  assert.deepEqual([updated.name, updated.description, updated.origins.length], ["node2", "", 1]);
  assert.equal((await pools.delete(made.id, account)).id, made.id);
  await missing(pools.get(made.id, account));
});

test("a load balancer lives and dies, and holds its pool", async () => {
  const pool = await poolNamed("held");
  const needed = { default_pools: [pool.id], fallback_pool: pool.id };
  const made = await balancers.create({ ...zone, name: "node.example.com", ...needed });
  assert.deepEqual([made.enabled, made.proxied, made.ttl, made.steering_policy], [true, false, 30, "off"]);
  assert.deepEqual(await balancers.get(made.id, zone), made);
  assert.ok((await all(balancers.list(zone))).some((found) => found.id === made.id));
  await assert.rejects(pools.delete(pool.id, account), (error) => error.status === 412 && error.errors[0].code === 1005);
  const [reference] = await all(pools.references.get(pool.id, account));
  assert.deepEqual([reference.reference_type, reference.resource_id], ["referrer", made.id]);
  const edited = await balancers.edit(made.id, { ...zone, description: "edited", enabled: false });
  assert.deepEqual([edited.description, edited.enabled, edited.default_pools], ["edited", false, [pool.id]]);
  const updated = await balancers.update(made.id, { ...zone, name: "node2.example.com", ...needed, ttl: 60 });
  assert.deepEqual([updated.name, updated.ttl, updated.description], ["node2.example.com", 60, ""]);
  assert.equal((await balancers.delete(made.id, zone)).id, made.id);
  await missing(balancers.get(made.id, zone));
  await pools.delete(pool.id, account);
});

test("every problem of a body is reported at once", async () => {
  const wrong = { ...account, type: "http", expected_codes: "nine", interval: -1 };
  const pointers = (error) => error.error.errors.map((problem) => problem.source.pointer).sort();
  await assert.rejects(monitors.create(wrong), (error) => {
    assert.deepEqual(pointers(error), ["/expected_codes", "/interval"]);
    return error.status === 400;
  });
});

test("regions", async () => {
  assert.equal((await balancers.regions.list(account)).regions.length, 13);
  assert.equal((await balancers.regions.get("WEU", account)).regions[0].region_code, "WEU");
});

test("a record lives and dies", async () => {
  const made = await records.create({ ...zone, type: "A", name: "r", content: "192.0.2.1", ttl: 300 });
  assert.deepEqual([made.name, made.content, made.ttl], ["r.example.com", "192.0.2.1", 300]);
  assert.equal((await records.get(made.id, zone)).content, "192.0.2.1");
  const listed = await all(records.list({ ...zone, name: { exact: "r.example.com" } }));
  assert.deepEqual(listed.map((found) => found.id), [made.id]);
  const edited = await records.edit(made.id, { ...zone, type: "A", name: "r", ttl: 300, content: "192.0.2.2" });
  assert.equal(edited.content, "192.0.2.2");
  const updated = await records.update(made.id, { ...zone, type: "TXT", name: "r", ttl: 60, content: "text" });
  assert.deepEqual([updated.type, updated.content], ["TXT", "text"]);
  assert.equal((await records.delete(made.id, zone)).id, made.id);
  await missing(records.get(made.id, zone));
});

test("records change in one batch, go out and come in", async () => {
  const posts = [{ type: "A", name: "batch", content: "192.0.2.8", ttl: 60 }];
  const done = await records.batch({ ...zone, posts });
  assert.equal(done.posts[0].name, "batch.example.com");
  const imported = await records.import({ ...zone, file: "imported 300 IN A 192.0.2.33\n" });
  assert.deepEqual([imported.recs_added, imported.total_records_parsed], [1, 1]);
  const exported = await records.export(zone);
  assert.match(exported, /^batch\.example\.com\.\s+60\s+IN\s+A\s+192\.0\.2\.8$/m);
  assert.match(exported, /^imported\.example\.com\.\s+300\s+IN\s+A\s+192\.0\.2\.33$/m);
});

test("a monitor group lives and dies, and holds its monitor", async () => {
  const groups = balancers.monitorGroups;
  const monitor = await monitors.create({ ...account, type: "http", expected_codes: "200" });
  const member = { monitor_id: monitor.id, enabled: true, monitoring_only: false, must_be_healthy: true };
  const made = await groups.create({ ...account, description: "one", members: [member] });
  assert.equal(made.members[0].must_be_healthy, true);
  assert.deepEqual(await groups.get(made.id, account), made);
  assert.deepEqual((await all(groups.list(account))).map((found) => found.id), [made.id]);
  const held = (error) => error.status === 412 && error.errors[0].code === 1005;
  await assert.rejects(monitors.delete(monitor.id, account), held);
  const pool = await poolNamed("grouped", { monitor_group: made.id });
  await assert.rejects(groups.delete(made.id, account), held);
  await pools.delete(pool.id, account);
  const edited = await groups.edit(made.id, { ...account, description: "edited", members: [member] });
  assert.deepEqual([edited.description, edited.members], ["edited", made.members]);
  assert.deepEqual(await groups.delete(made.id, account), edited);
  await missing(groups.get(made.id, account));
  await monitors.delete(monitor.id, account);
});

test("previews, references and the health of a pool", async () => {
  const monitor = await monitors.create({ ...account, type: "http", expected_codes: "200", timeout: 1, retries: 0 });
  const pool = await poolNamed("previewed", { monitor: monitor.id });
  const [reference] = await all(monitors.references.get(monitor.id, account));
  assert.deepEqual([reference.resource_id, reference.resource_type], [pool.id, "pool"]);
  for (const preview of [
    await monitors.previews.create(monitor.id, { ...account, expected_codes: "200", timeout: 1, retries: 0 }),
    await pools.health.create(pool.id, { ...account, expected_codes: "200", timeout: 1, retries: 0 }),
  ]) {
    assert.deepEqual(preview.pools, { [pool.id]: "previewed" });
    assert.equal(typeof (await balancers.previews.get(preview.preview_id, account)), "object");
  }
  // Health that is not known yet is refused, and what is known is told place by place.
  const health = await pools.health.get(pool.id, account).catch((error) => error);
  assert.ok(health.pool_id === pool.id || health.status === 404, String(health));
  await pools.delete(pool.id, account);
  await monitors.delete(monitor.id, account);
});

test("a health check lives and dies", async () => {
  const checks = client.healthchecks;
  const made = await checks.create({ ...zone, name: "shop", address: "127.0.1.1", http_config: { path: "/up" } });
  assert.deepEqual([made.type, made.http_config.port, made.status], ["HTTP", 80, "unknown"]);
  assert.deepEqual(await checks.get(made.id, zone), made);
  assert.deepEqual((await all(checks.list(zone))).map((found) => found.id), [made.id]);
  const edited = await checks.edit(made.id, { ...zone, name: "shop", address: "127.0.1.1", suspended: true });
  assert.deepEqual([edited.status, edited.http_config], ["suspended", made.http_config]);
  assert.equal((await checks.delete(made.id, zone)).id, made.id);
  await missing(checks.get(made.id, zone));
});

test("alerting: a webhook, a policy, a silence, the history", async () => {
  const { availableAlerts, destinations, policies, silences, history } = client.alerting;
  assert.ok((await availableAlerts.list(account))["Load Balancing"].length > 0);
  assert.equal((await destinations.eligible.get(account)).webhook[0].ready, true);
  const url = "http://127.0.0.1:9/hook";
  const hook = await destinations.webhooks.create({ ...account, name: "node", url, secret: "secret" });
  const shown = await destinations.webhooks.get(hook.id, account);
  assert.deepEqual([shown.name, shown.url, shown.type, shown.secret], ["node", url, "generic", undefined]);
  await destinations.webhooks.update(hook.id, { ...account, name: "node 2", url });
  assert.ok((await all(destinations.webhooks.list(account))).some((found) => found.name === "node 2"));
  const token = await destinations.pagerduty.create(account);
  assert.equal((await destinations.pagerduty.link(token.id, account)).id, token.id);
  assert.ok((await all(destinations.pagerduty.get(account))).some((found) => found.id === token.id));
  await destinations.pagerduty.delete(account);
  const alert_type = "load_balancing_health_alert";
  const mechanisms = { webhooks: [{ id: hook.id }] };
  const policy = await policies.create({ ...account, name: "node", enabled: true, alert_type, mechanisms });
  await policies.update(policy.id, { ...account, description: "changed" });
  const read = await policies.get(policy.id, account);
  assert.deepEqual([read.description, read.mechanisms.webhooks], ["changed", [{ id: hook.id }]]);
  const times = { start_time: "2030-01-01T00:00:00Z", end_time: "2030-01-02T00:00:00Z" };
  await silences.create({ ...account, body: [{ policy_id: policy.id, ...times }] });
  const [silence] = await all(silences.list(account));
  assert.equal((await silences.get(silence.id, account)).policy_id, policy.id);
  await all(silences.update({ ...account, body: [{ id: silence.id, end_time: "2030-01-03T00:00:00Z" }] }));
  await silences.delete(silence.id, account);
  assert.deepEqual(await all(history.list(account)), []);
  await policies.delete(policy.id, account);
  await destinations.webhooks.delete(hook.id, account);
  await missing(destinations.webhooks.get(hook.id, account));
});
