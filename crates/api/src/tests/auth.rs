//! Who is let in, and what the others are told.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, TOKEN, all_up, cell, settings};
use crate::Settings;

#[tokio::test]
async fn each_refusal_has_its_status_and_numbers() {
    let bench = Bench::new().await;
    let bearer = format!("Bearer {TOKEN}");
    let wrong = format!("Bearer {}", "x".repeat(40));
    let check = async |headers: &[(&str, &str)], status: u16, errors: Value| {
        let got = bench.raw("GET", "/user", headers, Vec::new()).await;
        assert_eq!(got.status, status, "{headers:?}");
        assert_eq!(got.json()["errors"], errors, "{headers:?}");
    };
    let chained = |code: u32, message: &str| {
        let chain = json!([{"code": code, "message": message}]);
        json!([{"code": 6003, "message": "Invalid request headers", "error_chain": chain}])
    };
    check(&[("authorization", &bearer)], 200, json!([])).await;
    check(&[("x-auth-email", "a@b.c"), ("x-auth-key", TOKEN)], 200, json!([])).await;
    check(&[("x-auth-user-service-key", &format!("v1.0-{TOKEN}"))], 200, json!([])).await;
    let missing = "Missing X-Auth-Key, X-Auth-Email or Authorization headers";
    check(&[], 400, json!([{"code": 9106, "message": missing}])).await;
    let malformed = chained(6111, "Invalid format for Authorization header");
    check(&[("authorization", "Bearer x")], 400, malformed).await;
    let malformed = chained(6103, "Invalid format for X-Auth-Key header");
    check(&[("x-auth-email", "a@b.c"), ("x-auth-key", "x")], 400, malformed).await;
    let unknown = json!([{"code": 10000, "message": "Authentication error"}]);
    check(&[("authorization", &wrong)], 403, unknown).await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let token = bench.token(&["DNS Read"], json!({"com.cloudflare.api.account.*": "*"})).await;
    let path = format!("/zones/{zone}/dns_records");
    let got = bench.send_as(&token, "POST", &path, Some(&json!({}))).await;
    let why = format!("the token needs \"DNS Write\" for zone {zone}");
    let error = json!({
        "code": 9109,
        "message": "Unauthorized to access requested resource",
        "error_chain": [{"code": 9109, "message": why}],
    });
    assert_eq!((got.status, got.json()["errors"].clone()), (403, json!([error])));
}

#[tokio::test]
async fn a_token_that_asks_too_often_waits() {
    let limited = Settings { requests_per_minute: 3, ..settings() };
    let bench = Bench::start(cell(Vec::new()), limited, all_up()).await;
    for _ in 0..3 {
        assert_eq!(bench.get("/user").await.status, 200);
    }
    let got = bench.get("/user").await;
    assert_eq!(got.refusal(), (429, vec![971]));
    assert_eq!(got.retry_after.as_deref(), Some("21"));
    bench.clock.pass(Duration::from_secs(21));
    assert_eq!(bench.get("/user").await.status, 200);
}

#[tokio::test]
async fn who_guesses_is_shut_out_for_a_while() {
    let bench = Bench::new().await;
    let guess = format!("Bearer {}", "x".repeat(40));
    let bearer = format!("Bearer {TOKEN}");
    let here: IpAddr = [192, 0, 2, 1].into();
    for _ in 0..60 {
        let headers = [("authorization", guess.as_str())];
        let got = bench.raw_from(here, "GET", "/user", &headers, Vec::new()).await;
        assert_eq!(got.status, 403);
    }
    let ask = async |from: IpAddr| {
        let headers = [("authorization", bearer.as_str())];
        bench.raw_from(from, "GET", "/user", &headers, Vec::new()).await
    };
    let shut_out = ask(here).await;
    assert_eq!(shut_out.refusal(), (429, vec![10502]));
    assert_eq!(shut_out.retry_after.as_deref(), Some("2"));
    assert_eq!(ask([192, 0, 2, 2].into()).await.status, 200);
    bench.clock.pass(Duration::from_secs(2));
    assert_eq!(ask(here).await.status, 200);
}

#[tokio::test]
async fn whoever_has_no_right_learns_nothing_of_what_exists() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let token = bench
        .token(
            &["DNS Read"],
            json!({
                format!("com.cloudflare.api.account.{}", bench.account): "*",
            }),
        )
        .await;
    for id in [zone, "0".repeat(32)] {
        let path = format!("/zones/{id}/dns_records");
        assert_eq!(bench.send_as(&token, "GET", &path, None).await.status, 403);
    }
    let unknown = format!("/accounts/{}/load_balancers/pools", "0".repeat(32));
    assert_eq!(bench.send_as(&token, "GET", &unknown, None).await.status, 403);
    assert_eq!(bench.get(&unknown).await.refusal(), (404, vec![1001]));
}

mod first_start {
    use trimtab_store::{AnyStore, Sqlite, Store, SystemClock};

    use super::*;
    use crate::{BootstrapError, Secret, bootstrap};

    #[tokio::test]
    async fn makes_a_token_of_its_own_only_once() {
        let store = AnyStore::from(Sqlite::in_memory().unwrap());
        let clock = SystemClock::start();
        let first = bootstrap(&store, None, &clock).await.unwrap();
        let printed = first.printed_once.unwrap();
        assert_eq!(Secret::read(printed.reveal()), Some(printed));
        let rev = store.now_rev().await.unwrap();
        let again = bootstrap(&store, Some(TOKEN), &clock).await.unwrap();
        assert_eq!((again.printed_once, store.now_rev().await.unwrap()), (None, rev));
    }

    #[tokio::test]
    async fn refuses_a_value_that_clients_would_refuse() {
        let store = AnyStore::from(Sqlite::in_memory().unwrap());
        let refused = bootstrap(&store, Some("short"), &SystemClock::start()).await;
        assert!(matches!(refused, Err(BootstrapError::Token)), "{refused:?}");
    }
}
