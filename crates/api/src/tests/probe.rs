//! Watching a probe.

use serde_json::{Value, json};

use super::bench::{Bench, TOKEN};

async fn watch(bench: &Bench, body: &Value) -> super::bench::Got {
    let path = format!("/accounts/{}/trimtab/probe", bench.account);
    bench.post(&path, body).await
}

#[tokio::test]
async fn a_probe_is_told_line_by_line() {
    let bench = Bench::new().await;
    let origin = |name: &str, address: &str| json!({"name": name, "address": address});
    let origins = [origin("a", "192.0.2.1"), origin("b", "192.0.2.2")];
    let pool =
        bench.post(&bench.lb("/pools"), &json!({"name": "p", "origins": origins})).await.id();
    let stored = json!({"type": "tcp", "port": 22});
    let stored = bench.post(&bench.lb("/monitors"), &stored).await.id();
    let check = async |body: Value, want: &[(&str, &str, &str, &str)]| {
        let got = watch(&bench, &body).await;
        assert_eq!((got.status, &*got.kind), (200, "application/x-ndjson"), "{}", got.text);
        let lines: Vec<Value> =
            got.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let field = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ["origin", "pop", "step", "text"].map(|name| field(line, name)))
            .collect();
        let want: Vec<_> =
            want.iter().map(|&(a, b, c, d)| [a, b, c, d].map(str::to_owned)).collect();
        assert_eq!(lines, want);
    };
    check(
        json!({"monitor": stored, "pool": pool}),
        &[
            ("a", "FRA", "sent", "a tcp probe"),
            ("a", "FRA", "verdict", "No failures"),
            ("b", "FRA", "sent", "a tcp probe"),
            ("b", "FRA", "verdict", "No failures"),
        ],
    )
    .await;
    let inline = json!({"type": "icmp_ping"});
    check(
        json!({"monitor": inline, "pool": pool, "origin": "b", "pop": "NRT"}),
        &[("b", "NRT", "sent", "a icmp_ping probe"), ("b", "NRT", "verdict", "No failures")],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_probed_is_refused_before_the_first_line() {
    let bench = Bench::new().await;
    let pool = bench.pool("p").await;
    let tcp = json!({"type": "tcp", "port": 22});
    let none = "0".repeat(32);
    let check = async |body: Value, status: u16, text: &str| {
        let got = watch(&bench, &body).await;
        assert_eq!((got.status, got.text.contains(text)), (status, true), "{body}: {}", got.text);
    };
    check(json!({"monitor": none, "pool": pool}), 404, "monitor not found").await;
    check(json!({"monitor": tcp, "pool": none}), 404, "pool not found").await;
    check(json!({"monitor": tcp, "pool": pool, "origin": "x"}), 400, "/origin").await;
    check(json!({"monitor": tcp, "pool": pool, "pop": "IAD"}), 400, "/pop").await;
    check(json!({"monitor": {"type": "tcp"}, "pool": pool}), 400, "/monitor/port").await;
}

#[tokio::test]
async fn only_so_many_probes_are_watched_at_a_time() {
    let bench = Bench::new().await;
    let pool = bench.pool("p").await;
    let body = json!({"monitor": {"type": "icmp_ping"}, "pool": pool});
    let path = format!("/accounts/{}/trimtab/probe", bench.account);
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(bench.unread("POST", &path, TOKEN, &body).await);
    }
    let full = watch(&bench, &body).await;
    assert_eq!((full.refusal(), full.retry_after.as_deref()), ((429, vec![10429]), Some("1")));
    unread.pop();
    assert_eq!(watch(&bench, &body).await.status, 200);
}
