//! Custom certificates.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use trimtab_model::certificate::CERTIFICATES_MAX;
use trimtab_model::config::{Document, Key};
use trimtab_model::{Certificate, CertificateId};
use trimtab_store::{Prefix, Range, Store, Txn, Write};

use super::bench::{Bench, Transcript};
use crate::config::stored::{self, store_key};

/// A chain of two, and the key of its leaf.
pub(super) struct Issued {
    pub(super) leaf: String,
    pub(super) issuer: String,
    pub(super) key: String,
}

// === impl Issued ===

impl Issued {
    pub(super) fn to(names: &[&str]) -> Issued {
        Issued::until(names, 2030)
    }

    /// To the end of a year's second of January.
    fn until(names: &[&str], year: i32) -> Issued {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::OrganizationName, "An authority");
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.not_before = rcgen::date_time_ymd(2025, 1, 2);
        params.not_after = rcgen::date_time_ymd(year, 1, 2);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        Issued { leaf: leaf.pem(), issuer: issuer.pem(), key: key.serialize_pem() }
    }

    pub(super) fn chain(&self) -> String {
        format!("{}{}", self.leaf, self.issuer)
    }

    fn body(&self) -> Value {
        json!({"certificate": self.chain(), "private_key": self.key})
    }
}

/// Where the certificates of a new `example.com` are.
async fn all_of(bench: &Bench) -> String {
    format!("/zones/{}/custom_certificates", bench.zone("example.com").await)
}

/// Bodies are different each time, so they are left out of what is compared.
fn without_bodies(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.starts_with("{\"certificate\""));
    kept.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn a_certificate_through_its_life() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let talk = Transcript::new(&bench);
    let first = Issued::to(&["www.example.com", "*.EXAMPLE.com", "www.example.org"]);
    let id = talk.send("POST", &all, Some(first.body())).await.id();
    let one = format!("{all}/{id}");
    talk.send("GET", &one, None).await;
    let settings = json!({"bundle_method": "force", "geo_restrictions": {"label": "eu"}});
    talk.send("PATCH", &one, Some(settings)).await;
    let successor = Issued::to(&["www.example.com"]);
    talk.send("PATCH", &one, Some(successor.body())).await;
    talk.send("GET", &all, None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    talk.send("PATCH", &one, Some(json!({}))).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &format!("{all}/x"), None).await;
    insta::assert_snapshot!(without_bodies(&talk.finish()));
}

#[tokio::test]
async fn neither_chain_nor_key_is_in_any_answer() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let issued = Issued::to(&["www.example.com"]);
    let id = bench.post(&all, &issued.body()).await.id();
    let one = format!("{all}/{id}");
    let order = json!({"certificates": [{"id": id, "priority": 3}]});
    let wrong =
        json!({"certificate": issued.chain(), "private_key": Issued::to(&["x.example"]).key});
    for (method, path, body) in [
        ("GET", &all, None),
        ("GET", &one, None),
        ("POST", &all, Some(issued.body())),
        ("POST", &all, Some(wrong)),
        ("PATCH", &one, Some(issued.body())),
        ("PATCH", &one, Some(json!({"private_key": format!("{} x", issued.key.trim())}))),
        ("PUT", &format!("{all}/prioritize"), Some(order)),
        ("DELETE", &one, None),
    ] {
        let got = bench.send(method, path, body.as_ref()).await;
        let secret = issued.key.lines().nth(1).unwrap();
        assert!(!got.text.contains(secret), "{method} {path}: {}", got.text);
        assert!(!got.text.contains("CERTIFICATE"), "{method} {path}: {}", got.text);
    }
}

#[tokio::test]
async fn patching_a_certificate_to_what_it_is_changes_nothing() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let issued = Issued::to(&["www.example.com"]);
    let one = format!("{all}/{}", bench.post(&all, &issued.body()).await.id());
    let (before, rev) = (bench.get(&one).await, bench.store.now_rev().await.unwrap());
    bench.clock.pass(std::time::Duration::from_secs(60));
    let dos = issued.chain().replace('\n', "\r\n");
    for body in [json!({}), before.result(), issued.body(), json!({"certificate": dos})] {
        let got = bench.patch(&one, &body).await;
        assert_eq!((got.status, got.result()), (200, before.result()), "{body}");
    }
    assert_eq!(bench.store.now_rev().await.unwrap(), rev);
}

#[tokio::test]
async fn every_refusal_has_its_number_and_its_place() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let issued = Issued::to(&["www.example.com"]);
    let other = Issued::to(&["www.example.com"]);
    let good = bench.post(&all, &issued.body()).await.id();
    let one = format!("{all}/{good}");
    let check = async |what: &str, certificate: &str, key: &str, want: &[(u64, &str)]| {
        let body = json!({"certificate": certificate, "private_key": key});
        for got in [bench.post(&all, &body).await, bench.patch(&one, &body).await] {
            let errors = got.json()["errors"].clone();
            let errors: Vec<(u64, &str)> = errors
                .as_array()
                .unwrap()
                .iter()
                .map(|error| {
                    let pointer = error["source"]["pointer"].as_str().unwrap();
                    (
                        error["code"].as_u64().unwrap(),
                        if pointer == "/certificate" { "c" } else { "k" },
                    )
                })
                .collect();
            assert_eq!((got.status, &*errors), (400, want), "{what}: {}", got.text);
        }
    };
    let key = &issued.key;
    check("cut off", &other.leaf[..200], &other.key, &[(1002, "c")]).await;
    check("a key inside", &format!("{}{}", other.leaf, other.key), &other.key, &[(1002, "c")])
        .await;
    check("no certificate", "hello", &other.key, &[(2101, "c")]).await;
    check("upside down", &format!("{}{}", other.issuer, other.leaf), &other.key, &[(2100, "c")])
        .await;
    check("another's key", &other.chain(), key, &[(2200, "k")]).await;
    check("no key", &other.chain(), &other.leaf, &[(2106, "k")]).await;
    let damaged = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    check("a damaged key", &other.chain(), damaged, &[(2107, "k")]).await;
    let expired = Issued::until(&["www.example.com"], 2026);
    bench.clock.pass(std::time::Duration::from_secs(2 * 86_400));
    check("expired", &expired.chain(), &expired.key, &[(2102, "c")]).await;
    let foreign = Issued::to(&["www.example.org", "example.com.evil.example"]);
    check("of another zone", &foreign.chain(), &foreign.key, &[(2103, "c")]).await;
    let nameless = Issued::to(&[]);
    check("for nobody", &nameless.chain(), &nameless.key, &[(2103, "c")]).await;
    let bad = Issued::until(&["www.example.org"], 2026);
    check("all at once", &bad.chain(), key, &[(2102, "c"), (2103, "c"), (2200, "k")]).await;
    let again = bench.post(&all, &issued.body()).await;
    assert_eq!(again.refusal(), (400, vec![1220]));
    let missing = bench.post(&all, &json!({})).await;
    assert_eq!(missing.refusal(), (400, vec![1002, 1002]));
}

#[tokio::test]
async fn a_key_alone_must_belong_to_the_chain_that_is_there() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let (issued, other) = (Issued::to(&["a.example.com"]), Issued::to(&["a.example.com"]));
    let one = format!("{all}/{}", bench.post(&all, &issued.body()).await.id());
    let got = bench.patch(&one, &json!({"private_key": other.key})).await;
    assert_eq!(got.refusal(), (400, vec![2200]));
    let got = bench.patch(&one, &json!({"certificate": other.chain()})).await;
    assert_eq!(got.refusal(), (400, vec![2200]));
    let same = json!({"private_key": format!("# from another file\n{}", issued.key)});
    let same = bench.patch(&one, &same).await;
    assert_eq!(same.status, 200, "it is the chain's own and no second upload: {}", same.text);
    let bare = bench.patch(&one, &json!({"certificate": issued.leaf})).await;
    assert_eq!(bare.status, 200, "the key that is there belongs to it: {}", bare.text);
}

#[tokio::test]
async fn what_has_expired_since_is_told_and_can_still_be_changed() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let one = format!(
        "{all}/{}",
        bench.post(&all, &Issued::until(&["a.example.com"], 2026).body()).await.id()
    );
    bench.post(&all, &Issued::to(&["b.example.com"]).body()).await.id();
    bench.clock.pass(std::time::Duration::from_secs(2 * 86_400));
    assert_eq!(bench.get(&one).await.result()["status"], "expired");
    let patched = bench.patch(&one, &json!({"policy": "(region: EU)"})).await;
    assert_eq!(patched.result()["policy_restrictions"], "(region: EU)", "{}", patched.text);
    let count = async |query: &str| {
        bench.get(&format!("{all}?{query}")).await.result().as_array().unwrap().len()
    };
    assert_eq!(count("status=expired&match=all").await, 1);
    assert_eq!(count("status=active").await, 1);
    assert_eq!(count("status=deleted").await, 0);
    assert_eq!(count("per_page=1&page=2").await, 1);
}

#[tokio::test]
async fn the_last_upload_wins_until_priorities_say_otherwise() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let mut ids = Vec::new();
    for kind in ["sni_custom", "legacy_custom", "legacy_custom"] {
        let mut body = Issued::to(&["a.example.com"]).body();
        body["type"] = json!(kind);
        ids.push(bench.post(&all, &body).await.id());
    }
    let shown = |value: Value| -> Vec<(usize, u64)> {
        let list = value.as_array().unwrap().clone();
        let one = |one: &Value| {
            let place = ids.iter().position(|id| one["id"] == **id).unwrap();
            (place, one["priority"].as_u64().unwrap())
        };
        list.iter().map(one).collect()
    };
    assert_eq!(shown(bench.get(&all).await.result()), [(2, 2), (1, 1), (0, 0)]);
    let path = format!("{all}/prioritize");
    let order = |entries: &[(&str, u32)]| {
        let entries: Vec<Value> =
            entries.iter().map(|(id, priority)| json!({"id": id, "priority": priority})).collect();
        json!({ "certificates": entries })
    };
    let got = bench.put(&path, &order(&[(&ids[0], 9), (&ids[1], 5)])).await;
    assert_eq!(shown(got.result()), [(1, 5), (2, 2), (0, 9)]);
    assert_eq!(shown(bench.get(&all).await.result()), [(1, 5), (2, 2), (0, 9)]);
    let rev = bench.store.now_rev().await.unwrap();
    bench.put(&path, &order(&[(&ids[1], 5)])).await;
    assert_eq!(bench.store.now_rev().await.unwrap(), rev, "nothing changed");
    let unknown = bench.put(&path, &order(&[(&ids[1], 6), (&"0".repeat(32), 5)])).await;
    assert_eq!(unknown.refusal(), (400, vec![1002]));
    assert_eq!(unknown.json()["errors"][0]["source"]["pointer"], "/certificates/1/id");
    assert_eq!(bench.store.now_rev().await.unwrap(), rev, "all or nothing");
}

/// Every certificate of the store.
async fn kept(bench: &Bench) -> Vec<Certificate> {
    let prefix = Prefix::new("certificates/");
    stored::list::<Certificate>(&bench.store, prefix).await.unwrap().values()
}

#[tokio::test]
async fn a_zone_takes_its_certificates_with_it() {
    let bench = Bench::new().await;
    let (zone, other) = (bench.zone("example.com").await, bench.zone("example.org").await);
    for (zone, name) in
        [(&zone, "a.example.com"), (&zone, "b.example.com"), (&other, "example.org")]
    {
        let body = Issued::to(&[name]).body();
        bench.post(&format!("/zones/{zone}/custom_certificates"), &body).await.id();
    }
    assert_eq!(bench.delete(&format!("/zones/{zone}")).await.status, 200);
    let left: Vec<String> =
        kept(&bench).await.into_iter().flat_map(|one| one.facts.hosts).collect();
    assert_eq!(left, ["example.org"]);
    let prefix = Range::of(Prefix::new(format!("certificates/{zone}/")));
    assert_eq!(bench.store.read(prefix, None).await.unwrap().entries, Vec::new());
}

#[tokio::test]
async fn a_certificate_is_found_under_its_own_zone_alone() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let id = bench.post(&all, &Issued::to(&["a.example.com"]).body()).await.id();
    let other = bench.zone("example.org").await;
    let elsewhere = format!("/zones/{other}/custom_certificates/{id}");
    assert_eq!(bench.get(&elsewhere).await.refusal(), (404, vec![1001]));
    assert_eq!(bench.delete(&elsewhere).await.refusal(), (404, vec![1001]));
    assert_eq!(bench.get(&format!("{all}/{id}")).await.status, 200);
}

#[tokio::test]
async fn a_zone_has_so_many_certificates_and_no_more() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    bench.post(&all, &Issued::to(&["a.example.com"]).body()).await.id();
    let one = kept(&bench).await.remove(0);
    let copies = (1..CERTIFICATES_MAX).map(|number| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let copy = Certificate { id: CertificateId::new(bytes), ..one.clone() };
        let key = store_key(&Key::Certificate(copy.zone, copy.id)).unwrap();
        Write::Put(key, Document::Certificate(Box::new(copy)).encode().unwrap().into())
    });
    let (guards, writes) = (Vec::new(), copies.collect());
    let txn = Txn { guards, writes, actor: "test".into(), comment: None };
    bench.store.commit(txn).await.unwrap();
    let got = bench.post(&all, &Issued::to(&["b.example.com"]).body()).await;
    assert_eq!(got.refusal(), (400, vec![1212]));
}

#[tokio::test]
async fn a_stored_document_that_is_logged_shows_no_key() {
    let bench = Bench::new().await;
    let all = all_of(&bench).await;
    let issued = Issued::to(&["a.example.com"]);
    bench.post(&all, &issued.body()).await.id();
    let shown = format!("{:?}", Document::Certificate(Box::new(kept(&bench).await.remove(0))));
    assert!(shown.contains("a.example.com") && !shown.contains("PRIVATE KEY"), "{shown}");
}
