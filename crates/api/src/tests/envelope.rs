//! What every answer has in common, whatever was asked.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

use super::bench::{Bench, TOKEN};

fn authorized() -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {TOKEN}"))]
}

async fn raw(bench: &Bench, method: &str, path: &str, body: &[u8]) -> super::bench::Got {
    let headers = authorized();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    bench.raw(method, path, &headers, body.to_vec()).await
}

#[tokio::test]
async fn paths_and_methods_that_are_none_are_refused_in_the_envelope() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let check = async |method: &str, path: &str, status: u16, codes: &[u64]| {
        let got = raw(&bench, method, path, b"{}").await;
        assert_eq!(got.refusal(), (status, codes.to_vec()), "{method} {path}");
        let rest = (got.json()["result"].clone(), got.json()["success"].clone());
        assert_eq!(rest, (Value::Null, json!(false)), "{method} {path}");
        assert_eq!(got.kind, "application/json", "{method} {path}");
    };
    check("GET", "/nothing", 404, &[7000]).await;
    check("GET", "/", 404, &[7000]).await;
    check("GET", "", 404, &[7000]).await;
    check("DELETE", "/zones", 405, &[10405]).await;
    check("POST", "/ips", 405, &[10405]).await;
    check("GET", "/zones/x", 400, &[7003, 7000]).await;
    check("GET", &format!("/zones/{}", zone.to_uppercase()), 400, &[7003, 7000]).await;
    check("GET", &format!("/zones/{zone}/dns_records/x"), 400, &[7003, 7000]).await;
    check("GET", &bench.lb("/pools/%ff"), 400, &[7003, 7000]).await;
    check("DELETE", &bench.lb("/monitor_groups/x"), 400, &[7003, 7000]).await;
    check("GET", &bench.lb("/monitor_groups/x/references"), 400, &[7003, 7000]).await;
    check("GET", "/user/load_balancers/monitor_groups", 404, &[7003, 7000]).await;
    check("GET", &bench.lb("/regions/MOON"), 404, &[1001]).await;
    let got = raw(&bench, "GET", "/zones/here", b"").await;
    let text =
        "Could not route to /client/v4/zones/here, perhaps your object identifier is invalid?";
    assert_eq!(got.json()["errors"][0]["message"], text);
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    for (with, without) in [
        ("/zones/?name=example.com".to_owned(), "/zones?name=example.com".to_owned()),
        ("/user/".into(), "/user".into()),
        (format!("/zones/{zone}//"), format!("/zones/{zone}")),
    ] {
        let (with, without) = (bench.get(&with).await, bench.get(&without).await);
        assert_eq!((with.status, &with.text), (200, &without.text));
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused_with_the_place() {
    let bench = Bench::new().await;
    let check = async |body: &[u8], status: u16, code: u64, part: &str| {
        let got = raw(&bench, "POST", &bench.lb("/pools"), body).await;
        let shown = String::from_utf8_lossy(body.get(..40).unwrap_or(body)).into_owned();
        assert_eq!(got.refusal(), (status, vec![code]), "{shown}: {}", got.text);
        assert!(got.text.contains(part), "{shown}: {}", got.text);
    };
    check(b"", 400, 6007, "line 1 column 0").await;
    check(b"{\"name\": }", 400, 6007, "line 1 column 10").await;
    check(b"{\n\"name\": \"a\" \"b\"}", 400, 6007, "line 2 column").await;
    check(b"\xff\xfe", 400, 6007, "Malformed JSON").await;
    check(b"{\"name\": \"\xff\"}", 400, 6007, "Malformed JSON").await;
    check(&b"[".repeat(100_000), 400, 6007, "recursion limit").await;
    check(b"[]", 400, 1002, "is not an object").await;
    check(b"\"text\"", 400, 1002, "is not an object").await;
    check(b"{\"name\": 1e999}", 400, 6007, "number out of range").await;
    let large = format!("{{\"name\": \"{}\"}}", "a".repeat(1 << 20));
    check(large.as_bytes(), 413, 10413, "1048576 bytes").await;
}

#[tokio::test]
async fn the_type_of_a_body_does_not_matter_and_a_delete_may_have_one() {
    let bench = Bench::new().await;
    let bearer = format!("Bearer {TOKEN}");
    let body = json!({"name": "a", "origins": [{"name": "a", "address": "192.0.2.1"}]});
    for kind in ["text/plain", "application/x-www-form-urlencoded", "nonsense"] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let got = bench.raw("POST", &bench.lb("/pools"), &headers, body.to_string().into()).await;
        let one = bench.lb(&format!("/pools/{}", got.id()));
        assert_eq!(raw(&bench, "DELETE", &one, b"{}").await.status, 200);
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused() {
    let bench = Bench::new().await;
    for query in ["page=x", "page=0", "per_page=-1", "per_page=0", "page=99999999999999999999"] {
        let got = bench.get(&format!("/zones?{query}")).await;
        assert_eq!(got.refusal(), (400, vec![1002]), "{query}");
    }
}

#[tokio::test]
async fn random_bodies_never_bring_it_down() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let pool = bench.pool("p").await;
    let paths = [
        ("POST", bench.lb("/pools")),
        ("PATCH", bench.lb(&format!("/pools/{pool}"))),
        ("POST", bench.lb("/monitors")),
        ("POST", format!("/zones/{zone}/load_balancers")),
        ("POST", format!("/zones/{zone}/dns_records")),
        ("POST", format!("/zones/{zone}/dns_records/batch")),
        ("POST", "/user/tokens".to_owned()),
        ("POST", "/zones".to_owned()),
    ];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for round in 0..300 {
        let body = json_like().new_tree(&mut runner).unwrap().current();
        let (method, path) = &paths[round % paths.len()];
        let got = bench.send(method, path, Some(&body)).await;
        assert!(got.status < 500, "{method} {path} {body}: {}", got.text);
    }
}

/// JSON with the names that our bodies have, and values that are often of the wrong kind.
fn json_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9.*@:/-]{0,12}".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("192.0.2.1")),
        Just(json!("A")),
    ];
    let names = proptest::sample::select(vec![
        "name",
        "origins",
        "address",
        "type",
        "content",
        "data",
        "ttl",
        "rules",
        "overrides",
        "default_pools",
        "fallback_pool",
        "region_pools",
        "pool_sets",
        "match",
        "posts",
        "deletes",
        "policies",
        "resources",
        "permission_groups",
        "id",
        "weight",
        "header",
        "monitor",
        "latitude",
        "load_shedding",
        "settings",
        "tags",
        "priority",
    ]);
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}
