//! How the proxy reaches a pool's endpoints: what it could not use is refused.

use serde_json::{Value, json};
use trimtab_model::config::Key;
use trimtab_model::{Pool, SecretPem};

use super::bench::Bench;
use super::certificates::Issued;
use crate::config::stored;

fn body(upstream: Value) -> Value {
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    json!({"name": "p", "origins": origins, "trimtab": {"upstream": upstream}})
}

async fn key_of(bench: &Bench, id: &str) -> Option<SecretPem> {
    let key = Key::Pool(bench.account, id.parse().unwrap());
    let pool = stored::find::<Pool>(&bench.store, &key).await.unwrap().unwrap().value;
    pool.upstream.and_then(|upstream| upstream.client_key)
}

#[tokio::test]
async fn the_client_key_is_stored_never_shown_and_outlives_what_is_put_back() {
    let bench = Bench::new().await;
    let client = Issued::to(&["client.example"]);
    let upstream = json!({
        "tls": "on", "ca": client.issuer,
        "client_certificate": client.chain(), "client_key": client.key,
    });
    let made = bench.post(&bench.lb("/pools"), &body(upstream)).await;
    let one = bench.lb(&format!("/pools/{}", made.id()));
    assert!(!made.text.contains("client_key") && !made.text.contains("PRIVATE KEY"));
    bench.put_back(&one).await;
    assert_eq!(key_of(&bench, &made.id()).await, Some(SecretPem::new(client.key.clone())));
    let settings = json!({"client_certificate": client.chain(), "http2": true});
    let patched = bench.patch(&one, &json!({"trimtab": {"upstream": settings}})).await;
    assert_eq!(
        (patched.status, &patched.result()["trimtab"]["upstream"]["http2"]),
        (200, &json!(true))
    );
    assert_eq!(key_of(&bench, &made.id()).await, Some(SecretPem::new(client.key.clone())));
    for path in [one.clone(), bench.lb("/pools"), bench.lb("/search?search=p")] {
        assert!(!bench.get(&path).await.text.contains("PRIVATE KEY"), "{path}");
    }
    assert_eq!(bench.patch(&one, &json!({"trimtab": null})).await.status, 200);
    assert_eq!(key_of(&bench, &made.id()).await, None);
}

#[tokio::test]
async fn what_the_proxy_could_not_use_is_refused_all_at_once() {
    let bench = Bench::new().await;
    let (client, other) = (Issued::to(&["client.example"]), Issued::to(&["client.example"]));
    let one = bench
        .lb(&format!("/pools/{}", bench.post(&bench.lb("/pools"), &body(json!({}))).await.id()));
    let check = async |upstream: Value, want: &[(&str, &str)]| {
        let body = body(upstream);
        let made = bench.post(&bench.lb("/pools"), &body).await;
        let patched = bench.patch(&one, &json!({"trimtab": body["trimtab"]})).await;
        for got in [made, bench.put(&one, &body).await, patched] {
            let errors = got.json()["errors"].clone();
            let errors: Vec<(&str, &str)> = errors
                .as_array()
                .unwrap()
                .iter()
                .map(|error| {
                    let pointer = error["source"]["pointer"].as_str().unwrap();
                    (
                        pointer.strip_prefix("/trimtab/upstream/").unwrap(),
                        error["message"].as_str().unwrap(),
                    )
                })
                .collect();
            assert_eq!((got.status, &*errors), (400, want));
        }
    };
    check(
        json!({"ca": "x", "client_certificate": other.key, "client_key": other.key}),
        &[
            ("ca", "ca holds no certificate: validation failed"),
            (
                "client_certificate",
                "client_certificate holds something that is not a certificate: validation failed",
            ),
        ],
    )
    .await;
    check(
        json!({"client_certificate": client.chain()}),
        &[("client_key", "client_key is required with a client_certificate: validation failed")],
    )
    .await;
    check(
        json!({"client_certificate": client.chain(), "client_key": other.key}),
        &[("client_key", "client_key does not belong to the certificate: validation failed")],
    )
    .await;
}
