//! Endpoints whose host name leads back to what answers with them.

use serde_json::{Value, json};

use super::bench::{Bench, Got, cell};
use super::refusals::refused;

/// Races are not the same each time.
const ROUNDS: usize = 20;

/// A zone `example.com` and what stands in it.
struct Stage {
    bench: Bench,
    zone: String,
}

// === impl Stage ===

impl Stage {
    async fn new() -> Stage {
        let bench = Bench::new().await;
        let zone = bench.zone("example.com").await;
        Stage { bench, zone }
    }

    fn balancers(&self) -> String {
        format!("/zones/{}/load_balancers", self.zone)
    }

    fn pool_path(&self, id: &str) -> String {
        self.bench.lb(&format!("/pools/{id}"))
    }

    /// A pool of one address and these host names.
    async fn pool(&self, name: &str, hosts: &[&str]) -> String {
        let body = json!({"name": name, "origins": origins(hosts)});
        self.bench.post(&self.bench.lb("/pools"), &body).await.id()
    }

    async fn balancer(&self, name: &str, pool: &str) -> Got {
        self.bench.post(&self.balancers(), &balancer(name, pool)).await
    }

    async fn record(&self, kind: &str, name: &str, content: &str) -> String {
        let body = json!({"type": kind, "name": name, "content": content});
        self.bench.post(&format!("/zones/{}/dns_records", self.zone), &body).await.id()
    }

    async fn refused(&self, method: &str, path: &str, body: Value, want: &[(&str, &str)]) {
        refused(&self.bench, method, path, &body, want).await;
    }

    async fn id_of(&self, name: &str) -> String {
        let all = self.bench.get(&self.balancers()).await.result();
        let found = all.as_array().unwrap().iter().find(|balancer| balancer["name"] == name);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Giving the pool these host names is refused for the last one, or not at all.
    async fn gains(&self, pool: &str, hosts: &[&str], want: Option<&str>) {
        let (path, body) = (self.pool_path(pool), json!({"origins": origins(hosts)}));
        let place = format!("/origins/{}/address", hosts.len());
        match want {
            Some(message) => self.refused("PATCH", &path, body, &[(&place, message)]).await,
            None => assert_eq!(self.bench.patch(&path, &body).await.status, 200, "{hosts:?}"),
        }
    }
}

fn origins(hosts: &[&str]) -> Value {
    let hosts = hosts.iter().map(|host| json!({"name": host, "address": host}));
    let address = json!({"name": "address", "address": "192.0.2.1"});
    std::iter::once(address).chain(hosts).collect()
}

fn balancer(name: &str, pool: &str) -> Value {
    json!({"name": name, "default_pools": [pool], "fallback_pool": pool})
}

#[tokio::test]
async fn semantics_28_a_pool_does_not_gain_the_name_that_it_answers() {
    let stage = Stage::new().await;
    let pool = stage.pool("p", &["origin.example.net"]).await;
    assert_eq!(stage.balancer("www.example.com", &pool).await.status, 200);
    let told = "www.example.com is answered by this pool itself";
    stage.gains(&pool, &["origin.example.net", "WWW.example.com."], Some(told)).await;
    let body = json!({"name": "p", "origins": origins(&["a.example.org", "www.example.com"])});
    stage.refused("PUT", &stage.pool_path(&pool), body, &[("/origins/2/address", told)]).await;
    let off = json!({"origins": [
        {"name": "a", "address": "192.0.2.1"},
        {"name": "b", "address": "www.example.com", "enabled": false, "flatten_cname": false},
    ]});
    stage.refused("PATCH", &stage.pool_path(&pool), off, &[("/origins/1/address", told)]).await;
    stage.gains(&pool, &["www2.example.com", "example.com", "www.example.org"], None).await;
}

#[tokio::test]
async fn semantics_28_a_balancer_does_not_get_the_name_of_its_own_endpoint() {
    let stage = Stage::new().await;
    let pool = stage.pool("p", &["b.example.net", "www.example.com"]).await;
    let plain = stage.pool("plain", &[]).await;
    let told = "endpoint www.example.com of pool \"p\" is answered by this load balancer itself";
    let all = stage.balancers();
    let both = [("/default_pools/0", told), ("/fallback_pool", told)];
    stage.refused("POST", &all, balancer("www.example.com", &pool), &both).await;
    let id = stage.balancer("api.example.com", &pool).await.id();
    let one = format!("{all}/{id}");
    stage.refused("PATCH", &one, json!({"name": "www.example.com"}), &both).await;
    stage.refused("PUT", &one, balancer("www.example.com", &pool), &both).await;
    let id = stage.balancer("www.example.com", &plain).await.id();
    let one = format!("{all}/{id}");
    let second = json!({"default_pools": [plain, pool]});
    stage.refused("PATCH", &one, second, &[("/default_pools/1", told)]).await;
    let map = json!({"region_pools": {"WEU": [pool]}});
    stage.refused("PATCH", &one, map, &[("/region_pools/WEU/0", told)]).await;
    let rules = json!({"rules": [{"name": "r", "overrides": {"pools": [pool]}}]});
    stage.refused("PATCH", &one, rules, &[("/rules/0/overrides/pools/0", told)]).await;
    let moved = json!({"name": "new.example.com", "default_pools": [plain, pool]});
    assert_eq!(stage.bench.patch(&one, &moved).await.status, 200);
    let back = json!({"name": "www.example.com"});
    stage.refused("PATCH", &one, back, &[("/default_pools/1", told)]).await;
    let plainly = json!({"name": "www.example.com", "default_pools": [plain]});
    assert_eq!(stage.bench.patch(&one, &plainly).await.status, 200);
    let sets = json!({"pool_sets": [{"name": "s", "overrides": {"fallback_pool": pool}}]});
    let place = "/pool_sets/0/overrides/fallback_pool";
    stage.refused("PATCH", &one, sets, &[(place, told)]).await;
}

#[tokio::test]
async fn semantics_28_a_loop_over_several_balancers_is_named() {
    let stage = Stage::new().await;
    let a = stage.pool("a", &["b.example.com"]).await;
    let b = stage.pool("b", &["c.example.com"]).await;
    let c = stage.pool("c", &[]).await;
    for (name, pool) in [("a.example.com", &a), ("b.example.com", &b), ("c.example.com", &c)] {
        assert_eq!(stage.balancer(name, pool).await.status, 200);
    }
    let told =
        "a.example.com leads back to this pool: a.example.com -> b.example.com -> c.example.com";
    stage.gains(&c, &["a.example.com"], Some(told)).await;
    // Without the last step of the three it may, and then the step itself may not be made.
    let middle = format!("{}/{}", stage.balancers(), stage.id_of("b.example.com").await);
    assert_eq!(stage.bench.delete(&middle).await.status, 200);
    stage.gains(&c, &["a.example.com"], None).await;
    let told = "endpoint c.example.com of pool \"b\" leads back to this load balancer: \
                c.example.com -> a.example.com -> b.example.com";
    let both = [("/default_pools/0", told), ("/fallback_pool", told)];
    stage.refused("POST", &stage.balancers(), balancer("b.example.com", &b), &both).await;
    assert_eq!(stage.balancer("d.example.com", &b).await.status, 200);
}

#[tokio::test]
async fn semantics_28_a_wildcard_leads_what_is_below_it_and_has_nothing_of_its_own() {
    let stage = Stage::new().await;
    let pool = stage.pool("p", &[]).await;
    assert_eq!(stage.balancer("*.example.com", &pool).await.status, 200);
    let back = |host: &str| format!("{host} leads back to this pool: {host} -> *.example.com");
    for host in ["x.example.com", "y.x.example.com"] {
        stage.gains(&pool, &[host], Some(&back(host))).await;
    }
    stage.gains(&pool, &["example.com", "x.example.net"], None).await;
    // A record, or another load balancer, takes the name out, and what is below it.
    stage.record("A", "x", "192.0.2.7").await;
    stage.gains(&pool, &["x.example.com", "y.x.example.com"], None).await;
    let other = stage.pool("other", &[]).await;
    assert_eq!(stage.balancer("z.example.com", &other).await.status, 200);
    stage.gains(&pool, &["z.example.com", "y.z.example.com"], None).await;
    // The nearer wildcard is the one that counts.
    assert_eq!(stage.balancer("*.near.example.com", &other).await.status, 200);
    stage.gains(&pool, &["a.near.example.com"], None).await;
    let told =
        "a.near.example.com leads back to this pool: a.near.example.com -> *.near.example.com";
    stage.gains(&other, &["a.near.example.com"], Some(told)).await;
}

#[tokio::test]
async fn semantics_28_aliases_here_are_followed() {
    let stage = Stage::new().await;
    let pool = stage.pool("p", &[]).await;
    assert_eq!(stage.balancer("www.example.com", &pool).await.status, 200);
    stage.record("CNAME", "one", "two.example.com").await;
    stage.record("CNAME", "two", "www.example.com").await;
    stage.record("CNAME", "*.wild", "one.example.com").await;
    stage.record("CNAME", "round", "round2.example.com").await;
    stage.record("CNAME", "round2", "round.example.com").await;
    let told = "one.example.com leads back to this pool: \
                one.example.com -> two.example.com -> www.example.com";
    stage.gains(&pool, &["round.example.com", "one.example.com"], Some(told)).await;
    let told = "a.wild.example.com leads back to this pool: a.wild.example.com -> \
                one.example.com -> two.example.com -> www.example.com";
    stage.gains(&pool, &["a.wild.example.com"], Some(told)).await;
    stage.gains(&pool, &["round.example.com"], None).await;
}

#[tokio::test]
async fn semantics_28_only_the_zone_of_a_name_and_its_public_balancers_answer_it() {
    let stage = Stage::new().await;
    let pool = stage.pool("p", &["db.example.com", "x.sub.example.com"]).await;
    let private = balancer("db.example.com", &pool);
    assert_eq!(stage.bench.post(&stage.bench.lb(""), &private).await.status, 200);
    let private = stage.pool("private", &[]).await;
    let body = balancer("db2.example.com", &private);
    assert_eq!(stage.bench.post(&stage.bench.lb(""), &body).await.status, 200);
    stage.gains(&private, &["db2.example.com"], None).await;
    // Of two zones that hold a name the one with more labels has it.
    let inner = stage.bench.zone("sub.example.com").await;
    assert_eq!(stage.balancer("x.sub.example.com", &pool).await.status, 200);
    let all = format!("/zones/{inner}/load_balancers");
    let got = stage.bench.post(&all, &balancer("x.sub.example.com", &pool)).await;
    assert_eq!(got.status, 400, "{}", got.text);
}

#[tokio::test]
async fn semantics_28_zones_of_other_accounts_are_on_the_same_node() {
    let stage = Stage::new().await;
    let bench = &stage.bench;
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let zone = json!({"name": "example.net", "account": {"id": other}});
    let zone = bench.post("/zones", &zone).await.id();
    let pools = format!("/accounts/{other}/load_balancers/pools");
    let body = json!({"name": "theirs", "origins": origins(&["www.example.com"])});
    let theirs = bench.post(&pools, &body).await.id();
    let all = format!("/zones/{zone}/load_balancers");
    assert_eq!(bench.post(&all, &balancer("www.example.net", &theirs)).await.status, 200);
    let ours = stage.pool("ours", &["www.example.net"]).await;
    let told = "endpoint www.example.net of pool \"ours\" leads back to this load balancer: \
                www.example.net -> www.example.com";
    let both = [("/default_pools/0", told), ("/fallback_pool", told)];
    stage.refused("POST", &stage.balancers(), balancer("www.example.com", &ours), &both).await;
}

#[tokio::test]
async fn host_names_lead_through_so_many_names_and_no_more() {
    let stage = Stage::new().await;
    let mut pools = Vec::new();
    for number in 0..6 {
        let hosts: Vec<_> = (0..999).map(|host| format!("h{host}.p{number}.example.com")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        pools.push(stage.pool(&format!("p{number}"), &hosts).await);
    }
    let body = |pools: &[String]| json!({"name": "www.example.com", "default_pools": pools, "fallback_pool": pools[0]});
    let told = "host names of endpoints lead through over 5000 names here";
    stage.refused("POST", &stage.balancers(), body(&pools), &[("", told)]).await;
    assert_eq!(stage.bench.post(&stage.balancers(), &body(&pools[..1])).await.status, 200);
}

/// A loop that a deletion made can be mended step by step.
#[tokio::test]
async fn writes_that_add_nothing_to_a_loop_are_not_refused() {
    let stage = Stage::new().await;
    let record = stage.record("A", "x", "192.0.2.7").await;
    let pool = stage.pool("p", &["x.example.com"]).await;
    let id = stage.balancer("*.example.com", &pool).await.id();
    let record = format!("/zones/{}/dns_records/{record}", stage.zone);
    assert_eq!(stage.bench.delete(&record).await.status, 200);
    let patch = json!({"description": "seen"});
    assert_eq!(stage.bench.patch(&stage.pool_path(&pool), &patch).await.status, 200);
    let one = format!("{}/{id}", stage.balancers());
    assert_eq!(stage.bench.patch(&one, &patch).await.status, 200);
    stage.bench.put_back(&one).await;
}

#[tokio::test]
async fn semantics_28_no_loop_is_closed_by_two_writes_at_once() {
    for round in 0..ROUNDS {
        let stage = Stage::new().await;
        let other = Bench::beside(&stage.bench, cell(Vec::new())).await;
        let (a, b) = (stage.pool("a", &[]).await, stage.pool("b", &["a.example.com"]).await);
        assert_eq!(stage.balancer("b.example.com", &b).await.status, 200);
        let path = stage.pool_path(&a);
        let gain = json!({"origins": origins(&["b.example.com"])});
        let (all, new) = (stage.balancers(), balancer("a.example.com", &a));
        let (first, second) = match round % 2 {
            0 => tokio::join!(other.patch(&path, &gain), stage.bench.post(&all, &new)),
            _ => tokio::join!(stage.bench.post(&all, &new), other.patch(&path, &gain)),
        };
        let mut statuses = [first.status, second.status];
        statuses.sort();
        assert_eq!(statuses, [200, 400], "round {round}: {} {}", first.text, second.text);
    }
}

#[tokio::test]
async fn semantics_28_two_pools_do_not_gain_each_others_names_at_once() {
    for round in 0..ROUNDS {
        let stage = Stage::new().await;
        let other = Bench::beside(&stage.bench, cell(Vec::new())).await;
        let (a, b) = (stage.pool("a", &[]).await, stage.pool("b", &[]).await);
        assert_eq!(stage.balancer("a.example.com", &a).await.status, 200);
        assert_eq!(stage.balancer("b.example.com", &b).await.status, 200);
        let [to_a, to_b] =
            ["a.example.com", "b.example.com"].map(|host| json!({"origins": origins(&[host])}));
        let (path_a, path_b) = (stage.pool_path(&a), stage.pool_path(&b));
        let (first, second) =
            tokio::join!(stage.bench.patch(&path_a, &to_b), other.patch(&path_b, &to_a));
        let mut statuses = [first.status, second.status];
        statuses.sort();
        assert_eq!(statuses, [200, 400], "round {round}: {} {}", first.text, second.text);
    }
}
