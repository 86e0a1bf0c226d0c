use serde_json::{Value, json};
use trimtab_model::{PoolId, Timestamp};

use super::super::{Pool as Shown, patch, read};
use super::*;
use crate::v1::samples::{refusals, with};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_767_225_660_000_000);

fn body(upstream: Value) -> Value {
    json!({
        "name": "p",
        "origins": [{"address": "192.0.2.1"}],
        "trimtab": {"upstream": upstream},
    })
}

fn made(upstream: Value) -> Pool {
    read(&body(upstream)).unwrap().into_new(PoolId::new([1; 16]), NOW)
}

fn mutual() -> Value {
    json!({"client_certificate": "chain", "client_key": "-----BEGIN key"})
}

fn key_of(pool: &Pool) -> Option<&str> {
    pool.upstream.as_deref()?.client_key.as_ref().map(SecretPem::reveal)
}

#[test]
fn defaults_are_echoed() {
    let want = json!({"upstream": {
        "tls": "auto", "http2": false, "verify": true,
        "connect_timeout": 2000, "response_timeout": 100, "idle_timeout": 900, "max_age": 900,
        "max_connections": 0, "max_pending": 100, "slow_start": 0, "ejection": true,
    }});
    let shown = serde_json::to_value(Shown::from(&made(json!({})))).unwrap();
    assert_eq!(shown["trimtab"], want);
    let none = serde_json::to_value(Shown::from(&made(Value::Null))).unwrap();
    assert_eq!(none.get("trimtab"), None);
}

#[test]
fn what_was_sent_comes_back_but_for_the_key() {
    let sent = json!({
        "tls": "on", "http2": true, "verify": false, "server_name": "inside.example.com",
        "ca": "roots", "client_certificate": "chain",
        "connect_timeout": 1, "response_timeout": 6000, "idle_timeout": 1, "max_age": 86_400,
        "max_connections": 100_000, "max_pending": 0, "slow_start": 3600, "ejection": false,
    });
    let pool = made(with(&sent, json!({"client_key": "-----BEGIN key"})));
    assert_eq!(key_of(&pool), Some("-----BEGIN key"));
    let shown = serde_json::to_value(Shown::from(&pool)).unwrap();
    assert_eq!(shown["trimtab"]["upstream"], sent);
}

#[test]
fn every_field_has_its_range_and_all_problems_are_told_at_once() {
    let bad = json!({
        "tls": "maybe", "http2": 1, "verify": "yes", "server_name": "*.example.com", "ca": 7,
        "client_key": "k",
        "connect_timeout": 0, "response_timeout": 6001, "idle_timeout": 901, "max_age": 0,
        "max_connections": 100_001, "max_pending": -1, "slow_start": 3601, "ejection": 0, "tsl": 1,
    });
    let want = [
        ("tsl", "unknown field: tsl"),
        ("tls", "tls \"maybe\" is not one of auto, off, on"),
        ("http2", "http2 is not true or false"),
        ("verify", "verify is not true or false"),
        ("server_name", "server_name is a wildcard, and nothing can be asked for by one"),
        ("ca", "ca is not a string"),
        ("client_key", "client_key needs a client_certificate"),
        ("connect_timeout", "connect_timeout is not in range [1, 60000]"),
        ("response_timeout", "response_timeout is not in range [1, 6000]"),
        ("idle_timeout", "idle_timeout is not in range [1, 900]"),
        ("max_age", "max_age is not in range [1, 86400]"),
        ("max_connections", "max_connections is not in range [0, 100000]"),
        ("max_pending", "max_pending is not in range [0, 100000]"),
        ("slow_start", "slow_start is not in range [0, 3600]"),
        ("ejection", "ejection is not true or false"),
    ];
    let want = want.map(|(field, why)| (format!("/trimtab/upstream/{field}"), why.to_owned()));
    assert_eq!(refusals(read(&body(bad))), want);
}

#[test]
fn a_refusal_does_not_repeat_a_key() {
    let long = "s".repeat(PEM_CHARS_MAX + 1);
    for key in [json!(long), json!(["secret"]), json!({"secret": 1})] {
        let got = refusals(read(&body(json!({"client_certificate": "c", "client_key": key}))));
        assert_eq!(got.len(), 1);
        assert!(!got[0].1.contains("ss") && !got[0].1.contains("secret"), "{got:?}");
    }
}

#[test]
fn a_key_stays_while_its_certificate_does() {
    let pool = made(mutual());
    let check = |upstream: Value, want: Option<&str>, changed: bool| {
        let put = read(&body(upstream.clone())).unwrap().onto(&pool, LATER);
        let patched = patch(&pool, &json!({"trimtab": {"upstream": upstream}})).unwrap();
        let patched = patched.onto(&pool, LATER);
        assert_eq!((key_of(&put.0), put.1), (want, changed), "{upstream}");
        assert_eq!(patched, put, "{upstream}");
    };
    check(json!({"client_certificate": "chain"}), Some("-----BEGIN key"), false);
    check(json!({"client_certificate": "chain", "client_key": "k2"}), Some("k2"), true);
    check(json!({"client_certificate": "chain", "http2": true}), Some("-----BEGIN key"), true);
    check(json!({"client_certificate": "other"}), None, true);
    check(json!({}), None, true);
}

#[test]
fn a_patch_of_something_else_leaves_it_and_null_takes_it_away() {
    let pool = made(mutual());
    assert_eq!(patch(&pool, &json!({})).unwrap().onto(&pool, LATER), (pool.clone(), false));
    let (renamed, _) = patch(&pool, &json!({"name": "q"})).unwrap().onto(&pool, LATER);
    assert_eq!(renamed.upstream, pool.upstream);
    let (bare, _) = patch(&pool, &json!({"trimtab": null})).unwrap().onto(&pool, LATER);
    assert_eq!(bare.upstream, None);
}
