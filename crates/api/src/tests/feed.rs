//! The external feed.

use std::time::Duration;

use serde_json::{Value, json};
use trimtab_model::feed::{FedOrigin, FedWord};
use trimtab_model::overrides::Forced;
use trimtab_model::pool::Address;
use trimtab_model::{Fed, Timestamp};

use super::bench::{Bench, Transcript};

async fn pool(bench: &Bench) -> String {
    let origins = json!([
        {"name": "web 1/a", "address": "2001:db8::1"},
        {"name": "", "address": "192.0.2.1", "port": 80},
        {"name": "twin", "address": "192.0.2.1", "port": 81},
    ]);
    bench.post(&bench.lb("/pools"), &json!({"name": "p", "origins": origins})).await.id()
}

fn path(bench: &Bench, rest: &str) -> String {
    format!("/accounts/{}/trimtab/feed{rest}", bench.account)
}

#[tokio::test]
async fn what_is_said_is_listed_until_it_is_taken_back() {
    let bench = Bench::new().await;
    let pool = pool(&bench).await;
    let one = path(&bench, &format!("/{pool}/web%201%2Fa"));
    let talk = Transcript::new(&bench);
    let body = json!({"load": 0.75, "expires_in": 30, "note": "queue of 12"});
    talk.send("POST", &one, Some(body)).await;
    talk.send("GET", &path(&bench, ""), None).await;
    talk.send("POST", &one, Some(json!({"state": "down"}))).await;
    talk.send("GET", &path(&bench, ""), None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &path(&bench, ""), None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn the_live_model_is_told_which_endpoint_and_for_how_long() {
    let bench = Bench::new().await;
    let pool = pool(&bench).await;
    let one = path(&bench, &format!("/{pool}/twin"));
    let body = json!({"state": "up", "weight": 0.5, "expires_in": 90});
    assert_eq!(bench.post(&one, &body).await.status, 200);
    let want = Fed {
        account: bench.account,
        pool: pool.parse().unwrap(),
        origin: FedOrigin {
            place: 2,
            name: "twin".into(),
            address: Address::read("192.0.2.1").unwrap(),
            port: 81,
        },
        word: Some(FedWord {
            state: Some(Forced::Up),
            weight: Some(0.5),
            note: String::new(),
            author: "First token: all rights".into(),
            since: Timestamp::from_micros(1_767_225_600_000_000),
            lasts: Duration::from_secs(90),
        }),
    };
    assert_eq!(*bench.live.fed.lock().unwrap(), [want]);
}

#[tokio::test]
async fn an_endpoint_is_found_by_its_name_or_its_address_and_is_one() {
    let bench = Bench::new().await;
    let pool = pool(&bench).await;
    let check = async |origin: &str, want: (u16, Vec<u64>)| {
        let one = path(&bench, &format!("/{pool}/{origin}"));
        let got = bench.post(&one, &json!({"state": "down"})).await;
        assert_eq!(got.refusal(), want, "{origin}: {}", got.text);
    };
    check("2001:db8::1", (200, vec![])).await;
    check("twin", (200, vec![])).await;
    check("192.0.2.1", (400, vec![1002])).await;
    check("nobody", (404, vec![1001])).await;
    let gone = path(&bench, &format!("/{}/twin", "0".repeat(32)));
    assert_eq!(bench.post(&gone, &json!({"state": "down"})).await.refusal(), (404, vec![1001]));
    assert_eq!(
        bench.post(&path(&bench, "/x/twin"), &json!({})).await.refusal(),
        (400, vec![7003, 7000])
    );
}

#[tokio::test]
async fn refusals_name_the_place() {
    let bench = Bench::new().await;
    let one = path(&bench, &format!("/{}/twin", pool(&bench).await));
    let got = bench.post(&one, &json!({"load": 2, "expires_in": 0, "ttl": 1})).await;
    let errors = got.json()["errors"].as_array().unwrap().clone();
    let places: Vec<Value> =
        errors.iter().map(|error| error["source"]["pointer"].clone()).collect();
    assert_eq!(
        (got.status, places),
        (400, vec![json!("/ttl"), json!("/load"), json!("/expires_in")])
    );
    assert!(bench.live.fed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_live_model_that_has_ended_is_not_the_callers_fault() {
    let bench = Bench::new().await;
    let one = path(&bench, &format!("/{}/twin", pool(&bench).await));
    *bench.live.ended.lock().unwrap() = true;
    let got = bench.post(&one, &json!({"state": "down"})).await;
    assert_eq!((got.refusal(), got.retry_after.as_deref()), ((503, vec![10013]), Some("1")));
}
