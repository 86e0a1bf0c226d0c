//! Standalone health checks.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use trimtab_health::FailureReason;

use super::bench::{Bench, Transcript, all_up, cell, settings};
use crate::CheckState;

fn body(name: &str) -> Value {
    json!({"name": name, "address": "192.0.2.1"})
}

#[tokio::test]
async fn a_health_check_through_its_life() {
    let bench = Bench::new().await;
    let all = format!("/zones/{}/healthchecks", bench.zone("example.com").await);
    let talk = Transcript::new(&bench);
    let full = json!({
        "name": "shop", "address": "shop.example.com", "type": "HTTPS", "check_regions": ["IN", "WEU"],
        "http_config": {"path": "/up", "expected_codes": ["2xx", "304"], "header": {"Host": ["a.example"]}},
        "interval": 30, "consecutive_fails": 3,
    });
    let one = format!("{all}/{}", talk.send("POST", &all, Some(full)).await.id());
    talk.send("GET", &one, None).await;
    talk.send("PATCH", &one, Some(json!({"suspended": true, "check_regions": null}))).await;
    let tcp =
        json!({"name": "db", "address": "192.0.2.1", "type": "TCP", "tcp_config": {"port": 5432}});
    talk.send("PUT", &one, Some(tcp)).await;
    talk.send("GET", &all, None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn what_is_put_back_as_it_was_read_changes_nothing() {
    let bench = Bench::new().await;
    let all = format!("/zones/{}/healthchecks", bench.zone("example.com").await);
    for kind in ["HTTP", "HTTPS", "TCP"] {
        let mut body = body(kind);
        body["type"] = kind.into();
        let id = bench.post(&all, &body).await.id();
        bench.put_back(&format!("{all}/{id}")).await;
    }
}

#[tokio::test]
async fn every_problem_is_told_with_its_place() {
    let bench = Bench::new().await;
    let all = format!("/zones/{}/healthchecks", bench.zone("example.com").await);
    let talk = Transcript::new(&bench);
    let bad = json!({
        "address": "1.2.3", "check_regions": ["MOON"], "interval": 5, "timeout": 99,
        "http_config": {"expected_codes": ["200", "x"], "path": "up"}, "tcp_config": {},
    });
    talk.send("POST", &all, Some(bad)).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn the_status_is_what_the_live_model_knows() {
    let bench = Bench::new().await;
    let all = format!("/zones/{}/healthchecks", bench.zone("example.com").await);
    let id = bench.post(&all, &body("shop")).await.id();
    let check = async |state: Option<CheckState>, want: (&str, &str)| {
        let mut known = bench.live.known.lock().unwrap().clone();
        known.clear();
        known.extend(state.map(|state| (id.parse().unwrap(), state)));
        *bench.live.known.lock().unwrap() = known;
        for path in [
            format!("{all}/{id}"),
            all.replace("/healthchecks", &format!("/smart_shield/healthchecks/{id}")),
        ] {
            let got = bench.get(&path).await.result();
            let got = (got["status"].as_str().unwrap(), got["failure_reason"].as_str().unwrap());
            assert_eq!(got, want, "{state:?}");
        }
    };
    let state = |healthy, reason| Some(CheckState { healthy, reason });
    check(None, ("unknown", "")).await;
    check(state(None, FailureReason::None), ("unknown", "")).await;
    check(state(Some(true), FailureReason::None), ("healthy", "No failures")).await;
    check(state(Some(false), FailureReason::TcpTimeout), ("unhealthy", "TCP Timeout")).await;
    bench.patch(&format!("{all}/{id}"), &json!({"suspended": true})).await;
    check(state(Some(false), FailureReason::TcpTimeout), ("suspended", "")).await;
}

#[tokio::test]
async fn lists_are_walked_page_by_page() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let all = format!("/zones/{zone}/healthchecks");
    for index in 0..30 {
        bench.post(&all, &body(&format!("c{index}"))).await.id();
    }
    for path in [all, format!("/zones/{zone}/smart_shield/healthchecks")] {
        let mut counts = Vec::new();
        for page in 1..=3 {
            let got = bench.get(&format!("{path}?page={page}")).await.json();
            assert_eq!(got["result_info"]["total_count"], 30);
            counts.push(got["result"].as_array().unwrap().len());
        }
        assert_eq!(counts, [25, 5, 0]);
    }
}

#[tokio::test]
async fn a_check_is_found_under_its_own_zone_alone() {
    let bench = Bench::new().await;
    let (mine, theirs) = (bench.zone("mine.example").await, bench.zone("theirs.example").await);
    let id = bench.post(&format!("/zones/{mine}/healthchecks"), &body("shop")).await.id();
    let other = format!("/zones/{theirs}/healthchecks/{id}");
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(bench.send(method, &other, Some(&json!({}))).await.refusal(), (404, vec![1001]));
    }
}

#[tokio::test]
async fn a_check_is_tried_without_being_kept() {
    let bench = Bench::start(cell(Vec::new()), settings(), all_up()).await;
    let zone = bench.zone("example.com").await;
    let all = format!("/zones/{zone}/healthchecks");
    for (address, want) in [
        ("192.0.2.1", ("healthy", "No failures")),
        ("a.example", ("unhealthy", "DNS Unknown Host")),
    ] {
        let mut body = body("trial");
        body["address"] = address.into();
        let made = bench.post(&format!("{all}/preview"), &body).await;
        assert_eq!(made.result()["status"], "unknown");
        let one = format!("{all}/preview/{}", made.id());
        tokio::task::yield_now().await;
        let got = bench.get(&one).await.result();
        assert_eq!(
            (got["status"].as_str().unwrap(), got["failure_reason"].as_str().unwrap()),
            want
        );
        let monitors = bench.lb(&format!("/preview/{}", made.id()));
        assert_eq!(bench.get(&monitors).await.status, 404, "it is no trial of a monitor");
        assert_eq!(bench.get(&all).await.result(), json!([]));
        assert_eq!(bench.delete(&one).await.id(), made.id());
        assert_eq!(bench.get(&one).await.refusal(), (404, vec![1001]));
        assert_eq!(bench.delete(&one).await.refusal(), (404, vec![1001]));
    }
    let made = bench.post(&format!("{all}/preview"), &body("trial")).await.id();
    bench.clock.pass(Duration::from_secs(601));
    assert_eq!(bench.get(&format!("{all}/preview/{made}")).await.status, 404, "not for ever");
}

#[tokio::test]
async fn few_trials_run_at_the_same_time() {
    let never = Arc::new(|_monitor, _targets| Box::pin(std::future::pending()) as crate::Probing);
    let bench = Bench::start(cell(Vec::new()), settings(), never).await;
    let path = format!("/zones/{}/healthchecks/preview", bench.zone("example.com").await);
    for _ in 0..8 {
        assert_eq!(bench.post(&path, &body("trial")).await.status, 200);
    }
    assert_eq!(bench.post(&path, &body("trial")).await.refusal(), (429, vec![10429]));
}
