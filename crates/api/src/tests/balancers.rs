//! Balancers.

use serde_json::{Value, json};

use super::bench::{Bench, Transcript};

async fn zone_with_pools(bench: &Bench) -> (String, String, String) {
    let zone = bench.zone("example.com").await;
    let (one, two) = (bench.pool("one").await, bench.pool("two").await);
    (format!("/zones/{zone}/load_balancers"), one, two)
}

fn full(one: &str, two: &str) -> Value {
    json!({
        "name": "www.example.com",
        "description": "front door",
        "default_pools": [two, one],
        "fallback_pool": one,
        "proxied": true,
        "steering_policy": "",
        "region_pools": {"WEU": [one]},
        "country_pools": {},
        "pop_pools": {"FRA": [two, one]},
        "random_steering": {"default_weight": 0.2, "pool_weights": {one: 0.9}},
        "session_affinity": "cookie",
        "session_affinity_attributes": {"drain_duration": 60, "samesite": "Lax"},
        "adaptive_routing": {"failover_across_pools": true},
        "location_strategy": {"mode": "resolver_ip"},
        "rules": [{
            "name": "night", "condition": "", "overrides": {"pools": [two]},
        }],
        "trimtab": {"proximity_bias": {one: -10}},
    })
}

#[tokio::test]
async fn a_balancer_of_a_zone_through_its_life() {
    let bench = Bench::new().await;
    let (all, one, two) = zone_with_pools(&bench).await;
    let talk = Transcript::new(&bench);
    let id = talk.send("POST", &all, Some(full(&one, &two))).await.id();
    let path = format!("{all}/{id}");
    let patch = json!({"enabled": false, "rules": [], "session_affinity": "none"});
    talk.send("PATCH", &path, Some(patch)).await;
    let least = json!({"name": "*.example.com", "default_pools": [one], "fallback_pool": one});
    talk.send("PUT", &path, Some(least)).await;
    talk.send("GET", &all, None).await;
    talk.send("DELETE", &path, None).await;
    talk.send("GET", &path, None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn a_balancer_of_an_account_has_no_zone() {
    let bench = Bench::new().await;
    let (_, one, _) = zone_with_pools(&bench).await;
    let body = json!({
        "name": "db.internal", "default_pools": [one], "fallback_pool": one, "networks": ["vpc"],
    });
    let made = bench.post(&bench.lb(""), &body).await;
    let path = bench.lb(&format!("/{}", made.id()));
    assert_eq!(made.result().get("zone_name"), None);
    assert_eq!(bench.get(&bench.lb("")).await.result(), json!([made.result()]));
    bench.put_back(&path).await;
    assert_eq!(bench.patch(&path, &json!({"ttl": 60})).await.result()["ttl"], 60);
    assert_eq!(bench.delete(&path).await.status, 200);
}

#[tokio::test]
async fn what_is_put_back_as_it_was_read_changes_nothing() {
    let bench = Bench::new().await;
    let (all, one, two) = zone_with_pools(&bench).await;
    let id = bench.post(&all, &full(&one, &two)).await.id();
    bench.put_back(&format!("{all}/{id}")).await;
    let least = json!({"name": "example.com", "default_pools": [one], "fallback_pool": one});
    let id = bench.post(&all, &least).await.id();
    bench.put_back(&format!("{all}/{id}")).await;
}

#[tokio::test]
async fn refusals_name_the_place() {
    let bench = Bench::new().await;
    let (all, one, two) = zone_with_pools(&bench).await;
    let unknown = "0".repeat(32);
    bench.post(&all, &full(&one, &two)).await;
    let talk = Transcript::new(&bench);
    talk.send("POST", &all, Some(full(&one, &two))).await;
    let elsewhere =
        json!({"name": "www.example.org", "default_pools": [one], "fallback_pool": one});
    talk.send("POST", &all, Some(elsewhere)).await;
    let missing = json!({
        "name": "a.example.com", "default_pools": [one, unknown], "fallback_pool": unknown,
        "region_pools": {"WEU": [unknown]},
        "rules": [{"name": "r", "condition": "", "overrides": {"default_pools": [unknown]}}],
        "pool_sets": [{"name": "s", "match": {"default": true}, "overrides": {"pools": [unknown]}}],
    });
    talk.send("POST", &all, Some(missing)).await;
    talk.send("POST", &all, Some(json!({"name": "a.example.com", "ttl": 0}))).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn a_pool_of_another_account_does_not_exist_here() {
    let bench = Bench::new().await;
    let (all, one, _) = zone_with_pools(&bench).await;
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    let theirs = bench
        .post(
            &format!("/accounts/{other}/load_balancers/pools"),
            &json!({"name": "theirs", "origins": origins}),
        )
        .await
        .id();
    let body = json!({"name": "a.example.com", "default_pools": [one], "fallback_pool": theirs});
    let got = bench.post(&all, &body).await;
    assert_eq!(got.refusal(), (400, vec![1002]));
    assert_eq!(got.json()["errors"][0]["source"]["pointer"], "/fallback_pool");
}

#[tokio::test]
async fn a_balancer_may_have_the_name_of_records() {
    let bench = Bench::new().await;
    let (all, one, _) = zone_with_pools(&bench).await;
    let records = all.replace("load_balancers", "dns_records");
    let record = json!({"name": "www", "type": "A", "content": "192.0.2.9"});
    assert_eq!(bench.post(&records, &record).await.status, 200);
    let body = json!({"name": "www.example.com", "default_pools": [one], "fallback_pool": one});
    assert_eq!(bench.post(&all, &body).await.status, 200);
    let record = json!({"name": "www", "type": "AAAA", "content": "2001:db8::9"});
    assert_eq!(bench.post(&records, &record).await.status, 200);
}

#[tokio::test]
async fn names_are_taken_only_within_their_zone() {
    let bench = Bench::new().await;
    let (all, one, two) = zone_with_pools(&bench).await;
    let body = |name: &str, pool: &str| json!({"name": name, "default_pools": [pool], "fallback_pool": pool});
    let first = bench.post(&all, &body("a.example.com", &one)).await.id();
    bench.post(&all, &body("b.example.com", &one)).await.id();
    let path = format!("{all}/{first}");
    assert_eq!(bench.patch(&path, &json!({"name": "b.example.com"})).await.refusal().1, [1003]);
    assert_eq!(bench.patch(&path, &json!({"name": "c.example.com"})).await.status, 200);
    let inner = bench.zone("sub.example.com").await;
    let inner = format!("/zones/{inner}/load_balancers");
    assert_eq!(bench.post(&inner, &body("x.sub.example.com", &two)).await.status, 200);
    assert_eq!(bench.post(&all, &body("x.sub.example.com", &two)).await.status, 200);
}

#[tokio::test]
async fn many_pools_are_looked_up_as_a_list() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let mut pools = Vec::new();
    for index in 0..40 {
        pools.push(bench.pool(&format!("p{index}")).await);
    }
    let all = format!("/zones/{zone}/load_balancers");
    let mut body =
        json!({"name": "a.example.com", "default_pools": pools, "fallback_pool": pools[0]});
    assert_eq!(bench.post(&all, &body).await.status, 200);
    body["name"] = json!("b.example.com");
    body["default_pools"][7] = json!("0".repeat(32));
    let got = bench.post(&all, &body).await;
    assert_eq!(got.json()["errors"][0]["source"]["pointer"], "/default_pools/7");
}
