//! Monitors.

use serde_json::json;

use super::bench::{Bench, Transcript};

#[tokio::test]
async fn a_monitor_through_its_life() {
    let bench = Bench::new().await;
    let talk = Transcript::new(&bench);
    let body = json!({
        "type": "https", "expected_codes": "2xx", "path": "/health", "header": {"Host": ["a.example"]},
        "timeout": 3, "retries": 0, "description": "front",
    });
    let id = talk.send("POST", &bench.lb("/monitors"), Some(body)).await.id();
    let one = bench.lb(&format!("/monitors/{id}"));
    talk.send("GET", &one, None).await;
    talk.send("PATCH", &one, Some(json!({"interval": 30, "port": null}))).await;
    talk.send("PUT", &one, Some(json!({"type": "tcp", "port": 443}))).await;
    talk.send("GET", &bench.lb("/monitors"), None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn all_problems_are_told_at_once_with_their_places() {
    let bench = Bench::new().await;
    let talk = Transcript::new(&bench);
    let body =
        json!({"type": "http", "interval": 5, "timeout": 99, "header": {"User-Agent": ["x"]}});
    talk.send("POST", &bench.lb("/monitors"), Some(body)).await;
    insta::assert_snapshot!(talk.finish());
}
