//! Zones.

use serde_json::{Value, json};
use trimtab_model::config::{Document, Key};
use trimtab_model::zone::{Rdata, RecordSettings};
use trimtab_model::{Record, RecordId, RecordType, Timestamp};
use trimtab_store::{Prefix, Range, Store, Txn, Write};

use super::bench::{Bench, Transcript};
use crate::config::stored::store_key;

#[tokio::test]
async fn a_zone_through_its_life() {
    let bench = Bench::new().await;
    let talk = Transcript::new(&bench);
    let body = json!({"name": "Example.com", "account": {"id": bench.account}, "type": "full"});
    let id = talk.send("POST", "/zones", Some(body.clone())).await.id();
    talk.send("POST", "/zones", Some(body)).await;
    let one = format!("/zones/{id}");
    talk.send("GET", &one, None).await;
    talk.send("PATCH", &one, Some(json!({"paused": true}))).await;
    talk.send("PUT", &format!("{one}/activation_check"), None).await;
    talk.send("GET", &format!("{one}/settings"), None).await;
    talk.send("GET", &format!("{one}/settings/ssl"), None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    talk.send("POST", "/zones", Some(json!({"name": "*.example.com", "type": "partial"}))).await;
    let unknown = json!({"name": "example.org", "account": {"id": "0".repeat(32)}});
    talk.send("POST", "/zones", Some(unknown)).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn patching_a_zone_to_what_it_is_changes_nothing() {
    let bench = Bench::new().await;
    let one = format!("/zones/{}", bench.zone("example.com").await);
    let before = bench.get(&one).await.result();
    bench.clock.pass(std::time::Duration::from_secs(5));
    assert_eq!(bench.patch(&one, &json!({"paused": false})).await.result(), before);
}

#[tokio::test]
async fn zones_are_filtered_and_ordered() {
    let bench = Bench::new().await;
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    for name in ["b.example", "a.example", "c.test"] {
        bench.zone(name).await;
    }
    let theirs = json!({"name": "d.test", "account": {"id": other}});
    assert_eq!(bench.post("/zones", &theirs).await.status, 200);
    let check = async |query: &str, want: &[&str]| {
        let got = bench.get(&format!("/zones?{query}")).await.result();
        let names: Vec<&str> =
            got.as_array().unwrap().iter().map(|zone| zone["name"].as_str().unwrap()).collect();
        assert_eq!(names, want, "{query}");
    };
    check("", &["b.example", "a.example", "c.test", "d.test"]).await;
    check("name=A.example", &["a.example"]).await;
    check("name=contains:exam&order=name", &["a.example", "b.example"]).await;
    check("name=ends_with:.test&order=name&direction=desc", &["d.test", "c.test"]).await;
    check(&format!("account.id={other}"), &["d.test"]).await;
    check("account.name=other", &["d.test"]).await;
    check("account.name=Other&name=a.example&match=any", &["a.example", "d.test"]).await;
    check("account.name=Other&name=a.example", &[]).await;
    check(
        "status=active&type=full&order=account.name&direction=desc&per_page=2",
        &["b.example", "a.example"],
    )
    .await;
    check("status=pending", &[]).await;
    check("page=2&per_page=3", &["d.test"]).await;
    check("page=3&per_page=3", &[]).await;
    assert_eq!(bench.get("/zones?order=color").await.refusal(), (400, vec![1002]));
}

/// Records of a zone, straight into the store.
async fn fill(bench: &Bench, zone: &str, count: u32) {
    let zone = zone.parse().unwrap();
    let mut writes = Vec::new();
    for index in 0..count {
        let name: trimtab_model::Name = format!("r{index}.example.com").parse().unwrap();
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&index.to_be_bytes());
        let id = RecordId::new(bytes);
        let record = Record {
            id,
            zone,
            name: name.clone(),
            kind: RecordType::A,
            content: "192.0.2.1".into(),
            data: None,
            rdata: Rdata([192, 0, 2, 1].into()),
            ttl: 300,
            priority: None,
            proxied: false,
            settings: RecordSettings::default(),
            comment: None,
            tags: Vec::new(),
            created_on: Timestamp::default(),
            modified_on: Timestamp::default(),
            comment_modified_on: None,
            tags_modified_on: None,
        };
        let document = Document::Record(Box::new(record)).encode().unwrap();
        let key = store_key(&Key::Record(zone, name.clone(), id)).unwrap();
        writes.push(Write::Put(key, document.into()));
        let key = store_key(&Key::RecordName(zone, id)).unwrap();
        writes.push(Write::Put(key, name.as_str().as_bytes().into()));
    }
    for part in writes.chunks(8_000) {
        let txn =
            Txn { guards: Vec::new(), writes: part.into(), actor: "test".into(), comment: None };
        bench.store.commit(txn).await.unwrap();
    }
}

#[tokio::test]
async fn a_zone_goes_with_everything_in_it_however_much_that_is() {
    for count in [3, 5_000] {
        let bench = Bench::new().await;
        let (zone, pool) = (bench.zone("example.com").await, bench.pool("kept").await);
        fill(&bench, &zone, count).await;
        let body = json!({"name": "a.example.com", "default_pools": [pool], "fallback_pool": pool});
        bench.post(&format!("/zones/{zone}/load_balancers"), &body).await.id();
        assert_eq!(bench.delete(&format!("/zones/{zone}")).await.status, 200);
        for prefix in ["zones/", "records/", "record-names/", "balancers/"] {
            let page = bench.store.read(Range::of(Prefix::new(prefix)), None).await.unwrap();
            assert_eq!(page.entries, Vec::new(), "{prefix} after {count} records");
        }
        assert_eq!(bench.delete(&bench.lb(&format!("/pools/{pool}"))).await.status, 200);
    }
}

#[tokio::test]
async fn a_list_longer_than_a_page_of_the_store_is_whole() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    fill(&bench, &zone, 2_500).await;
    let got = bench.get(&format!("/zones/{zone}/dns_records?per_page=5000")).await.json();
    assert_eq!(got["result"].as_array().map(Vec::len), Some(2_500));
    let usage = bench.get(&format!("/zones/{zone}/dns_records/usage")).await.result();
    assert_eq!(usage, json!({"record_quota": Value::Null, "record_usage": 2_500}));
}

#[tokio::test]
async fn a_zone_is_found_by_its_name_with_and_without_the_last_dot() {
    let bench = Bench::new().await;
    let id = bench.zone("example.com").await;
    for name in ["example.com", "Example.com.", "equal:example.com.", "not_equal:example.net."] {
        let found = bench.get(&format!("/zones?name={name}")).await.result();
        assert_eq!(found[0]["id"], id, "{name}");
    }
}
