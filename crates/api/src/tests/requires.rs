//! Calculated checks: what pools require exists, and stays.

use serde_json::{Value, json};

use super::bench::{Bench, Transcript, cell};
use super::refusals::refused;

fn requires(of: Value) -> Value {
    json!({"trimtab": {"requires": {"at_least": 1, "of": of}}})
}

fn pool(name: &str, of: Value) -> Value {
    let mut body = requires(of);
    body["name"] = name.into();
    body["origins"] = json!([{"name": "a", "address": "192.0.2.1"}]);
    body
}

async fn health_check(bench: &Bench, zone: &str) -> String {
    let body = json!({"name": "shop", "address": "192.0.2.9"});
    bench.post(&format!("/zones/{zone}/healthchecks"), &body).await.id()
}

#[tokio::test]
async fn what_is_required_is_shown_and_put_back() {
    let bench = Bench::new().await;
    let (other, zone) = (bench.pool("db").await, bench.zone("example.com").await);
    let check = health_check(&bench, &zone).await;
    let of = json!([{"pool": other}, {"pool": other, "origin": "a"}, {"health_check": check}]);
    let one = bench.post(&bench.lb("/pools"), &pool("web", of.clone())).await.id();
    let one = bench.lb(&format!("/pools/{one}"));
    let shown = bench.get(&one).await.result()["trimtab"].clone();
    assert_eq!(shown, json!({"requires": {"at_least": 1, "of": of}}));
    bench.put_back(&one).await;
    let quorum = json!({"trimtab": {"quorum": {"more_than_percent": 18}}});
    assert_eq!(bench.patch(&one, &quorum).await.result()["trimtab"], quorum["trimtab"]);
    bench.put_back(&one).await;
    assert_eq!(bench.patch(&one, &json!({"trimtab": null})).await.result().get("trimtab"), None);
}

#[tokio::test]
async fn what_does_not_exist_and_the_pool_itself_are_refused() {
    let bench = Bench::new().await;
    let (other, own) = (bench.pool("db").await, bench.pool("web").await);
    let foreign = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let body = json!({"name": "other.example", "account": {"id": foreign}});
    let theirs = bench.post("/zones", &body).await.id();
    let theirs = health_check(&bench, &theirs).await;
    let one = bench.lb(&format!("/pools/{own}"));
    let gone = "0".repeat(32);
    let check = async |of: Value, message: String| {
        let place = "/trimtab/requires/of/1";
        let of = json!([{"pool": other}, of]);
        refused(&bench, "PATCH", &one, &requires(of), &[(place, &message)]).await;
    };
    check(json!({"pool": gone}), format!("unknown pool: {gone}")).await;
    check(json!({"pool": gone, "origin": "a"}), format!("unknown pool: {gone}")).await;
    check(json!({"pool": other, "origin": "z"}), "unknown origin: z".into()).await;
    check(json!({"health_check": gone}), format!("unknown health check: {gone}")).await;
    check(json!({"health_check": theirs}), format!("unknown health check: {theirs}")).await;
    check(json!({"pool": own}), "a pool cannot require itself".into()).await;
    check(json!({"pool": own, "origin": "z"}), "unknown origin: z".into()).await;
    let leader = requires(json!([{"pool": own, "origin": "a"}]));
    assert_eq!(bench.patch(&one, &leader).await.status, 200, "one of its own may be what counts");
    assert_eq!(bench.delete(&one).await.status, 200, "and keeps nothing");
}

#[tokio::test]
async fn what_is_required_stays_and_says_by_whom() {
    let bench = Bench::new().await;
    let (other, zone) = (bench.pool("db").await, bench.zone("example.com").await);
    let check = health_check(&bench, &zone).await;
    let of = json!([{"pool": other, "origin": "a"}, {"health_check": check}]);
    let web = bench.post(&bench.lb("/pools"), &pool("web", of)).await.id();
    let (db, web) = (bench.lb(&format!("/pools/{other}")), bench.lb(&format!("/pools/{web}")));
    let check = format!("/zones/{zone}/healthchecks/{check}");
    let talk = Transcript::new(&bench);
    talk.send("DELETE", &db, None).await;
    talk.send("DELETE", &check, None).await;
    talk.send("DELETE", &format!("/zones/{zone}"), None).await;
    let renamed = json!({"origins": [{"name": "b", "address": "192.0.2.1"}]});
    talk.send("PATCH", &db, Some(renamed.clone())).await;
    talk.send("GET", &format!("{db}/references"), None).await;
    talk.send("GET", &format!("{web}/references"), None).await;
    insta::assert_snapshot!(talk.finish());
    assert_eq!(bench.delete(&web).await.status, 200);
    assert_eq!(bench.patch(&db, &renamed).await.status, 200);
    assert_eq!(bench.delete(&db).await.status, 200);
    assert_eq!(bench.delete(&format!("/zones/{zone}")).await.status, 200);
    assert_eq!(bench.get(&check).await.status, 404);
}

#[tokio::test]
async fn what_is_required_does_not_go_while_somebody_begins_to_require_it() {
    for round in 0..20 {
        let bench = Bench::new().await;
        let other = Bench::beside(&bench, cell(Vec::new())).await;
        let (db, zone) = (bench.pool("db").await, bench.zone("example.com").await);
        let check = health_check(&bench, &zone).await;
        let (db_path, pools) = (bench.lb(&format!("/pools/{db}")), bench.lb("/pools"));
        let check_path = format!("/zones/{zone}/healthchecks/{check}");
        let body = pool("one", json!([{"health_check": check}]));
        let (made, deleted) = tokio::join!(bench.post(&pools, &body), other.delete(&check_path));
        assert!([(200, 412), (400, 200)].contains(&(made.status, deleted.status)), "round {round}");
        let renamed = json!({"origins": [{"name": "b", "address": "192.0.2.1"}]});
        let body = pool("two", json!([{"pool": db, "origin": "a"}]));
        let (made, patched) =
            tokio::join!(bench.post(&pools, &body), other.patch(&db_path, &renamed));
        assert!([(200, 400), (400, 200)].contains(&(made.status, patched.status)), "round {round}");
        let body = pool("three", json!([{"pool": db}]));
        let (made, deleted) = tokio::join!(bench.post(&pools, &body), other.delete(&db_path));
        let both = (made.status, deleted.status);
        assert!([(200, 412), (400, 200), (400, 412)].contains(&both), "round {round}: {both:?}");
    }
}
