use serde_json::json;

use super::*;
use crate::v1::samples::{refusals, with};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_767_225_660_000_000);

fn body() -> Value {
    json!({"certificate": "\r\nchain\r\nend\r\n\r\n", "private_key": " key "})
}

fn facts() -> CertificateFacts {
    CertificateFacts {
        hosts: vec!["www.example.com".into()],
        issuer: "An authority".into(),
        signature: "SHA256WithRSA".into(),
        starts_on: Timestamp::default(),
        expires_on: LATER,
    }
}

fn made(body: &Value) -> model::Certificate {
    let place = (CertificateId::new([1; 16]), ZoneId::new([2; 16]));
    read(body).unwrap().into_new(place, facts(), 7, NOW)
}

fn check(change: Value, pointer: &str, message: &str) {
    let got = refusals(read(&with(&body(), change.clone())));
    assert_eq!(got, [(pointer.to_owned(), message.to_owned())], "{change}");
}

#[test]
fn what_is_shown_has_neither_chain_nor_key() {
    let certificate = made(&body());
    assert_eq!((&*certificate.chain_pem, certificate.key_pem.reveal()), ("chain\nend\n", "key\n"));
    let want = json!({
        "id": "01010101010101010101010101010101",
        "zone_id": "02020202020202020202020202020202",
        "status": "active",
        "hosts": ["www.example.com"],
        "issuer": "An authority",
        "signature": "SHA256WithRSA",
        "type": "legacy_custom",
        "bundle_method": "ubiquitous",
        "priority": 7,
        "uploaded_on": "2026-01-01T00:00:00.000000Z",
        "modified_on": "2026-01-01T00:00:00.000000Z",
        "expires_on": "2026-01-01T00:01:00.000000Z",
    });
    let shown = |now| serde_json::to_value(Certificate::new(&certificate, now)).unwrap();
    assert_eq!(shown(NOW), want);
    assert_eq!(shown(LATER)["status"], "expired");
}

#[test]
fn settings_come_back_under_the_names_that_clients_read() {
    let settings = json!({
        "type": "sni_custom", "bundle_method": "force", "deploy": "production",
        "geo_restrictions": {"label": "eu"}, "policy": "(country: US)",
    });
    let shown = Certificate::new(&made(&with(&body(), settings)), NOW);
    let shown = serde_json::to_value(shown).unwrap();
    let fields = ["type", "bundle_method", "geo_restrictions", "policy_restrictions"];
    let want =
        [json!("sni_custom"), json!("force"), json!({"label": "eu"}), json!("(country: US)")];
    assert_eq!(fields.map(|field| shown[field].clone()), want);
}

#[test]
fn bad_bodies_are_refused_with_their_places_and_repeat_no_key() {
    check(json!({"certificate": null}), "/certificate", "certificate is required");
    check(json!({"private_key": null}), "/private_key", "private_key is required");
    let long = "s".repeat(KEY_CHARS_MAX + 1);
    let why = "private_key is longer than 16384 characters";
    check(json!({"private_key": long}), "/private_key", why);
    check(json!({"private_key": ["secret"]}), "/private_key", "private_key is not a string");
    let long = "s".repeat(CHAIN_CHARS_MAX + 1);
    let why = "certificate is longer than 65536 characters";
    check(json!({"certificate": long}), "/certificate", why);
    let why = "deploy \"staging\" is not one of production";
    check(json!({"deploy": "staging"}), "/deploy", why);
    let why = "label \"mars\" is not one of us, eu, highest_security";
    check(json!({"geo_restrictions": {"label": "mars"}}), "/geo_restrictions/label", why);
    check(json!({"trimtab": {"x": 1}}), "/trimtab/x", "unknown field: x");
    let bad = json!({"type": "x", "bundle_method": 1});
    let pointers: Vec<String> = refusals(read(&bad)).into_iter().map(|(at, _)| at).collect();
    assert_eq!(pointers, ["/certificate", "/private_key", "/type", "/bundle_method"]);
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let all =
        json!({"geo_restrictions": {"label": "us"}, "policy": "p", "bundle_method": "optimal"});
    let current = made(&with(&body(), all));
    let patched = |body: Value| patch(&current, &body).unwrap().onto(&current, facts(), LATER);
    assert_eq!(patched(json!({})), (current.clone(), false));
    assert_eq!(
        patched(json!({"certificate": "chain\nend", "private_key": "key"})),
        (current.clone(), false)
    );
    let renewed = model::Certificate {
        chain_pem: "other\n".into(),
        uploaded_on: LATER,
        modified_on: LATER,
        ..current.clone()
    };
    assert_eq!(patched(json!({"certificate": "other"})), (renewed, true));
    let bare = model::Certificate {
        geo_restriction: None,
        policy: None,
        modified_on: LATER,
        ..current.clone()
    };
    assert_eq!(patched(json!({"geo_restrictions": null, "policy": ""})), (bare.clone(), true));
    let nulls = json!({"geo_restrictions": null, "policy_restrictions": null});
    assert_eq!(patched(nulls), (bare.clone(), true));
    let nulls = json!({"geo_restrictions": null, "policy": null});
    assert_eq!(patched(nulls), (bare, true));
    let got = refusals(patch(&current, &json!({"type": "sni_custom"})));
    assert_eq!(got, [("/type".to_owned(), "type cannot be changed".to_owned())]);
}

#[test]
fn what_was_read_can_be_patched_back() {
    let current = made(&with(&body(), json!({"policy": "p", "geo_restrictions": {"label": "us"}})));
    let shown = serde_json::to_value(Certificate::new(&current, NOW)).unwrap();
    let (again, changed) = patch(&current, &shown).unwrap().onto(&current, facts(), LATER);
    assert_eq!((again, changed), (current, false));
}

#[test]
fn priorities_name_each_certificate_once() {
    let id = |byte| CertificateId::new([byte; 16]);
    let entry = |byte, priority: i64| json!({"id": id(byte), "priority": priority});
    let good = json!({"certificates": [entry(1, 5), entry(2, 0)]});
    assert_eq!(read_priorities(&good).unwrap(), [(id(1), 5), (id(2), 0)]);
    let check = |certificates: Value, pointer: &str, message: &str| {
        let got = refusals(read_priorities(&json!({"certificates": certificates})));
        assert_eq!(got, [(format!("/certificates{pointer}"), message.to_owned())]);
    };
    check(json!([]), "", "the certificates list length must be in range [1, 1000]");
    check(json!([{"id": "x", "priority": 1}]), "/0/id", "unknown certificate: x");
    check(json!([entry(1, -1)]), "/0/priority", "priority is not in range [0, 1000000000]");
    let twice = format!("duplicate certificate: {}", id(1));
    check(json!([entry(1, 1), entry(1, 2)]), "/1/id", &twice);
}

#[test]
fn a_certificate_that_the_node_ordered_says_so_until_somebody_uploads_another() {
    let mut ordered = made(&body());
    assert_eq!(Certificate::new(&ordered, NOW).trimtab, None);
    ordered.source = CertificateSource::Acme;
    let shown = serde_json::to_value(Certificate::new(&ordered, NOW)).unwrap();
    assert_eq!(shown["trimtab"], json!({"source": "acme"}));

    // What was read may be written back.
    let patched = |body: &Value| {
        let draft = patch(&ordered, body).unwrap();
        draft.onto(&ordered, facts(), LATER)
    };
    assert_eq!(patched(&shown), (ordered.clone(), false));
    assert_eq!(patched(&json!({"bundle_method": "force"})).0.source, CertificateSource::Acme);
    assert_eq!(patched(&json!({"certificate": "new"})).0.source, CertificateSource::Upload);
    // And makes nothing of what somebody uploads.
    let made = made(&with(&body(), json!({"trimtab": {"source": "acme"}})));
    assert_eq!(made.source, CertificateSource::Upload);
}
