//! Tokens.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, TOKEN, Transcript, cell};
use crate::Secret;

const EVERYTHING: &str = "com.cloudflare.api.account.*";
const ALL_ZONES: &str = "com.cloudflare.api.account.zone.*";

fn body(permissions: &[&str], resource: &str) -> Value {
    let groups: Vec<Value> = permissions.iter().map(|name| json!({"name": name})).collect();
    let policy = json!({"permission_groups": groups, "resources": {resource: "*"}});
    json!({"name": "ci", "policies": [policy]})
}

#[tokio::test]
async fn a_token_through_its_life() {
    let bench = Bench::new().await;
    let talk = Transcript::new(&bench);
    let made = bench.post("/user/tokens", &body(&["DNS Write"], EVERYTHING)).await;
    let one = format!("/user/tokens/{}", made.id());
    let value = made.result()["value"].as_str().unwrap().to_owned();
    assert!((40..=80).contains(&value.len()), "{value}");
    talk.send("GET", &one, None).await;
    let mut changed = body(&["DNS Read", "Zone Read"], EVERYTHING);
    changed["status"] = json!("disabled");
    talk.send("PUT", &one, Some(changed)).await;
    talk.send("GET", "/user/tokens", None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    insta::assert_snapshot!(talk.finish());
    let gone = bench.send_as(&value, "GET", "/user", None).await;
    assert_eq!(gone.refusal(), (403, vec![10000]));
}

#[tokio::test]
async fn what_is_put_back_as_it_was_read_changes_nothing() {
    let bench = Bench::new().await;
    let mut body = body(&["DNS Write", "Zone Read"], ALL_ZONES);
    body["expires_on"] = json!("2030-01-01T00:00:00Z");
    let id = bench.post("/user/tokens", &body).await.id();
    bench.put_back(&format!("/user/tokens/{id}")).await;
}

#[tokio::test]
async fn an_expired_token_is_put_back_as_it_was_read_and_works_again_when_it_ends_later() {
    let bench = Bench::new().await;
    let mut timed = body(&["DNS Read"], EVERYTHING);
    timed["expires_on"] = json!("2026-01-01T00:01:00Z");
    let made = bench.post("/user/tokens", &timed).await;
    let (one, value) = (format!("/user/tokens/{}", made.id()), made.result()["value"].clone());
    let mut expired = timed.clone();
    expired["status"] = json!("expired");
    assert_eq!(bench.put(&one, &expired).await.status, 400, "it has not expired");
    assert_eq!(bench.post("/user/tokens", &expired).await.status, 400);
    bench.clock.pass(Duration::from_secs(60));
    assert_eq!(bench.get(&one).await.result()["status"], "expired");
    bench.put_back(&one).await;
    let mut later = bench.get(&one).await.result();
    later["expires_on"] = json!("2027-01-01T00:00:00Z");
    assert_eq!(bench.put(&one, &later).await.result()["status"], "active");
    assert_eq!(bench.send_as(value.as_str().unwrap(), "GET", "/user", None).await.status, 200);
}

#[tokio::test]
async fn verify_tells_the_status_and_the_words_that_tools_look_for() {
    let bench = Bench::new().await;
    let mut timed = body(&["DNS Read"], EVERYTHING);
    timed["not_before"] = json!("2026-01-01T00:01:00Z");
    timed["expires_on"] = json!("2026-01-01T00:02:00Z");
    let made = bench.post("/user/tokens", &timed).await;
    let value = made.result()["value"].as_str().unwrap().to_owned();
    let check = async |token: &str, status: &str, messages: Value, works: u16| {
        let got = bench.send_as(token, "GET", "/user/tokens/verify", None).await;
        assert_eq!((got.status, got.result()["status"].clone()), (200, json!(status)));
        assert_eq!(got.json()["messages"], messages);
        assert_eq!(bench.send_as(token, "GET", "/user", None).await.status, works, "{status}");
    };
    let valid =
        json!([{"code": 10000, "message": "This API Token is valid and active", "type": null}]);
    check(TOKEN, "active", valid.clone(), 200).await;
    check(&value, "disabled", json!([]), 403).await;
    let early = bench.send_as(&value, "GET", "/user", None).await;
    assert_eq!(early.refusal(), (403, vec![9109]));
    let why = &early.json()["errors"][0]["error_chain"][0]["message"];
    assert_eq!(why, "the token is not valid before 2026-01-01T00:01:00.000000Z");
    let one = bench.get(&format!("/user/tokens/{}", made.id())).await;
    assert_eq!(one.result()["status"], "active", "as it is stored");
    bench.clock.pass(Duration::from_secs(60));
    check(&value, "active", valid, 200).await;
    bench.clock.pass(Duration::from_secs(60));
    check(&value, "expired", json!([]), 403).await;
    timed["status"] = json!("disabled");
    bench.put(&format!("/user/tokens/{}", made.id()), &timed).await;
    check(&value, "disabled", json!([]), 403).await;
    let unknown = "x".repeat(40);
    let got = bench.send_as(&unknown, "GET", "/user/tokens/verify", None).await;
    assert_eq!(got.refusal(), (401, vec![1000]));
    assert_eq!(got.json()["errors"][0]["message"], "Invalid API Token");
}

#[tokio::test]
async fn another_value_takes_the_place_of_the_old_one_at_once() {
    let bench = Bench::new().await;
    let made = bench.post("/user/tokens", &body(&["DNS Read"], EVERYTHING)).await;
    let old = made.result()["value"].as_str().unwrap().to_owned();
    let rolled = bench.put(&format!("/user/tokens/{}/value", made.id()), &json!({})).await;
    let new = rolled.result().as_str().unwrap().to_owned();
    assert_eq!(bench.send_as(&new, "GET", "/user", None).await.status, 200);
    assert_eq!(bench.send_as(&old, "GET", "/user", None).await.status, 403);
}

#[tokio::test]
async fn a_token_cannot_make_or_take_over_one_that_is_stronger() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let account = format!("com.cloudflare.api.account.{}", bench.account);
    let resources =
        json!({account.clone(): "*", format!("com.cloudflare.api.account.zone.{zone}"): "*"});
    let weak = bench.token(&["API Tokens Write", "DNS Write"], resources).await;
    let strong = bench.get("/user/tokens").await.result()[0]["id"].as_str().unwrap().to_owned();
    let zone_resource = format!("com.cloudflare.api.account.zone.{zone}");
    let check = async |permission: &str, resource: &str, want: u16| {
        let body = body(&[permission], resource);
        let got = bench.send_as(&weak, "POST", "/user/tokens", Some(&body)).await;
        assert_eq!(got.status, want, "{permission} on {resource}");
    };
    check("DNS Write", &zone_resource, 200).await;
    check("DNS Read", &zone_resource, 200).await;
    check("DNS Write", ALL_ZONES, 403).await;
    check("Zone Read", &zone_resource, 403).await;
    check("API Tokens Write", EVERYTHING, 403).await;
    for base in ["/user/tokens".to_owned(), format!("/accounts/{}/tokens", bench.account)] {
        let listed = bench.send_as(&weak, "GET", &base, None).await.result();
        assert_eq!(listed.as_array().map(Vec::len), Some(3), "itself and those it made");
        let one = format!("{base}/{strong}");
        for (method, path) in
            [("GET", one.clone()), ("DELETE", one.clone()), ("PUT", format!("{one}/value"))]
        {
            assert_eq!(bench.send_as(&weak, method, &path, None).await.status, 404, "{method}");
        }
        let weaker = body(&["DNS Read"], &zone_resource);
        assert_eq!(bench.send_as(&weak, "PUT", &one, Some(&weaker)).await.status, 404);
    }
    assert_eq!(bench.get("/user").await.status, 200);
}

#[tokio::test]
async fn the_last_token_with_its_rights_on_everything_stays() {
    let bench = Bench::new().await;
    bench.token(&["API Tokens Write"], json!({ALL_ZONES: "*"})).await;
    // It can give no other right than that one.
    bench.token(&["API Tokens Write"], json!({EVERYTHING: "*"})).await;
    let one = format!("/user/tokens/{}", bench.get("/user/tokens/verify").await.id());
    let kept = bench.get(&one).await.result();
    let with = |key: &str, value: Value| {
        let mut token = kept.clone();
        token[key] = value;
        token
    };
    let weaker = body(&["API Tokens Write", "DNS Write"], EVERYTHING)["policies"].clone();
    let check = async |body: Value, want: u16| {
        let got = bench.put(&one, &body).await;
        assert_eq!(got.status, want, "{}", got.text);
    };
    check(with("status", json!("disabled")), 400).await;
    check(with("policies", weaker), 400).await;
    check(with("expires_on", json!("2025-01-01T00:00:00Z")), 400).await;
    check(with("not_before", json!("2027-01-01T00:00:00Z")), 400).await;
    check(with("name", json!("renamed")), 200).await;
    let got = bench.delete(&one).await;
    assert_eq!(got.status, 400, "{}", got.text);
    let message = got.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("no other active token has all the rights"), "{message}");
    let heir = bench.post("/user/tokens", &with("name", json!("heir"))).await;
    assert_eq!(heir.status, 200, "{}", heir.text);
    assert_eq!(bench.delete(&one).await.status, 200);
    let (heir, value) = (heir.id(), heir.result()["value"].as_str().unwrap().to_owned());
    let last = bench.send_as(&value, "DELETE", &format!("/user/tokens/{heir}"), None).await;
    assert_eq!(last.status, 400, "{}", last.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_tokens_that_delete_themselves_at_once_one_stays() {
    for round in 0..20 {
        let bench = Arc::new(Bench::new().await);
        let mut twin = bench.get("/user/tokens").await.result()[0].clone();
        twin["name"] = json!("twin");
        let made = bench.post("/user/tokens", &twin).await.result();
        let other = made["value"].as_str().unwrap().to_owned();
        let tasks = [TOKEN.to_owned(), other].map(|value| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                let me = bench.send_as(&value, "GET", "/user/tokens/verify", None).await.id();
                bench.send_as(&value, "DELETE", &format!("/user/tokens/{me}"), None).await.status
            })
        });
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "round {round}");
    }
}

#[tokio::test]
async fn permission_groups_have_ids_that_policies_take() {
    let bench = Bench::new().await;
    let groups = bench.get("/user/tokens/permission_groups").await.result();
    let twin = bench.get(&format!("/accounts/{}/tokens/permission_groups", bench.account)).await;
    assert_eq!(twin.result(), groups);
    let ids: Vec<Value> =
        groups.as_array().unwrap().iter().map(|g| json!({"id": g["id"]})).collect();
    let policy = json!({"permission_groups": ids, "resources": {EVERYTHING: "*"}});
    let body = json!({"name": "all", "policies": [policy]});
    assert_eq!(bench.post("/user/tokens", &body).await.status, 200);
}

#[tokio::test]
async fn a_token_written_by_another_node_is_known_here() {
    let bench = Bench::new().await;
    let following = tokio::spawn(bench.app.clone().follow());
    let other = Bench::beside(&bench, cell(Vec::new())).await;
    let made = other.post("/user/tokens", &body(&["DNS Read"], EVERYTHING)).await;
    let value = made.result()["value"].as_str().unwrap().to_owned();
    // Not by asking: who asks too early too often is shut out.
    while bench.app.tokens.find(&Secret::read(&value).unwrap()).is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.send_as(&value, "GET", "/user", None).await.status, 200);
    bench.store.close().await.unwrap();
    following.await.unwrap();
}
