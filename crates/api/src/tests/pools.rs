//! Pools.

use serde_json::{Value, json};

use super::bench::{Bench, Transcript};

fn full(monitor: &str) -> Value {
    json!({
        "name": "primary",
        "description": "both sites",
        "origins": [
            {"name": "b", "address": "192.0.2.2", "weight": 0.5, "header": {"Host": ["x.example"]}},
            {"name": "a", "address": "2001:db8::1", "port": 8443, "enabled": false},
        ],
        "minimum_origins": 2,
        "monitor": monitor,
        "check_regions": ["WEU", "ENAM"],
        "latitude": 50.1, "longitude": 8.7,
        "load_shedding": {"default_percent": 10, "session_percent": 5},
        "origin_steering": {"policy": "hash"},
        "notification_email": "ops@example.com",
        "notification_filter": {"pool": {"healthy": false}},
    })
}

#[tokio::test]
async fn a_pool_through_its_life() {
    let bench = Bench::new().await;
    let monitor = bench.monitor().await;
    let talk = Transcript::new(&bench);
    let id = talk.send("POST", &bench.lb("/pools"), Some(full(&monitor))).await.id();
    let one = bench.lb(&format!("/pools/{id}"));
    talk.send("GET", &one, None).await;
    let nulls = json!({
        "enabled": false, "load_shedding": null, "notification_filter": null,
        "check_regions": null, "origin_steering": null, "description": null,
    });
    talk.send("PATCH", &one, Some(nulls)).await;
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    talk.send("PUT", &one, Some(json!({"name": "renamed", "origins": origins}))).await;
    talk.send("GET", &bench.lb("/pools"), None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn what_is_put_back_as_it_was_read_changes_nothing() {
    let bench = Bench::new().await;
    let monitor = bench.monitor().await;
    let id = bench.post(&bench.lb("/pools"), &full(&monitor)).await.id();
    bench.put_back(&bench.lb(&format!("/pools/{id}"))).await;
    let id = bench.pool("small").await;
    bench.put_back(&bench.lb(&format!("/pools/{id}"))).await;
    bench.put_back(&bench.lb(&format!("/monitors/{monitor}"))).await;
}

#[tokio::test]
async fn an_empty_patch_changes_nothing() {
    let bench = Bench::new().await;
    let one = bench.lb(&format!("/pools/{}", bench.pool("small").await));
    let before = bench.get(&one).await;
    bench.clock.pass(std::time::Duration::from_secs(60));
    assert_eq!(bench.patch(&one, &json!({})).await.result(), before.result());
    assert_eq!(bench.patch(&one, &json!({"name": "small"})).await.result(), before.result());
}

#[tokio::test]
async fn refusals_name_the_place() {
    let bench = Bench::new().await;
    bench.pool("taken").await;
    let free = bench.pool("free").await;
    let talk = Transcript::new(&bench);
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    let taken = json!({"name": "taken", "origins": origins});
    talk.send("POST", &bench.lb("/pools"), Some(taken.clone())).await;
    talk.send("PUT", &bench.lb(&format!("/pools/{free}")), Some(taken)).await;
    let unknown = json!({"name": "x", "origins": origins, "monitor": "0".repeat(32)});
    talk.send("POST", &bench.lb("/pools"), Some(unknown)).await;
    let group = json!({"name": "x", "origins": origins, "monitor_group": "0".repeat(32)});
    talk.send("POST", &bench.lb("/pools"), Some(group)).await;
    talk.send("POST", &bench.lb("/pools"), Some(json!({"name": "a b", "origins": []}))).await;
    talk.send("PATCH", &bench.lb("/pools"), Some(json!({"enabled": false}))).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn a_pool_in_use_cannot_be_deleted_and_says_by_whom() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let (pool, monitor) = (bench.pool("used").await, bench.monitor().await);
    let one = bench.lb(&format!("/pools/{pool}"));
    bench.patch(&one, &json!({"monitor": monitor})).await;
    let balancer = json!({
        "name": "www.example.com", "default_pools": [pool], "fallback_pool": pool,
    });
    let made = bench.post(&format!("/zones/{zone}/load_balancers"), &balancer).await;
    let talk = Transcript::new(&bench);
    talk.send("DELETE", &one, None).await;
    talk.send("DELETE", &bench.lb(&format!("/monitors/{monitor}")), None).await;
    talk.send("GET", &format!("{one}/references"), None).await;
    talk.send("GET", &bench.lb(&format!("/monitors/{monitor}/references")), None).await;
    insta::assert_snapshot!(talk.finish());
    bench.delete(&format!("/zones/{zone}/load_balancers/{}", made.id())).await;
    assert_eq!(bench.delete(&one).await.status, 200);
    assert_eq!(bench.delete(&bench.lb(&format!("/monitors/{monitor}"))).await.status, 200);
}

#[tokio::test]
async fn mail_addresses_are_taken_from_all_pools_at_once() {
    let bench = Bench::new().await;
    for index in 0..30 {
        let body = json!({
            "name": format!("pool-{index}"),
            "origins": [{"name": "a", "address": "192.0.2.1"}],
            "notification_email": if index % 2 == 0 { "a@example.com" } else { "" },
        });
        assert_eq!(bench.post(&bench.lb("/pools"), &body).await.status, 200);
    }
    let got = bench.patch(&bench.lb("/pools"), &json!({"notification_email": ""})).await;
    let with_email = |value: &Value| {
        let pools = value.as_array().unwrap();
        pools.iter().filter(|pool| pool["notification_email"] != "").count()
    };
    assert_eq!((got.result().as_array().unwrap().len(), with_email(&got.result())), (30, 0));
    assert_eq!(with_email(&bench.get(&bench.lb("/pools")).await.result()), 0);
}

#[tokio::test]
async fn pools_are_found_by_their_monitor() {
    let bench = Bench::new().await;
    let (watched, monitor) = (bench.pool("watched").await, bench.monitor().await);
    bench.pool("unwatched").await;
    bench.patch(&bench.lb(&format!("/pools/{watched}")), &json!({"monitor": monitor})).await;
    let found = bench.get(&bench.lb(&format!("/pools?monitor={monitor}"))).await.result();
    assert_eq!((&found[0]["id"], found.as_array().unwrap().len()), (&json!(watched), 1));
    assert_eq!(bench.get(&bench.lb("/pools?monitor=x")).await.refusal(), (400, vec![1002]));
}

#[tokio::test]
async fn the_user_has_the_pools_of_the_account() {
    let bench = Bench::new().await;
    let id = bench.pool("one").await;
    let listed = bench.get("/user/load_balancers/pools").await;
    assert_eq!(listed.text, bench.get(&bench.lb("/pools")).await.text);
    let one = format!("/user/load_balancers/pools/{id}");
    assert_eq!(bench.patch(&one, &json!({"enabled": false})).await.status, 200);
    assert_eq!(bench.get(&bench.lb(&format!("/pools/{id}"))).await.result()["enabled"], false);
}
