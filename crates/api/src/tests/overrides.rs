//! Overrides.

use std::time::Duration;

use serde_json::{Value, json};
use trimtab_model::config::{Document, Key};
use trimtab_model::overrides::OVERRIDES_MAX;
use trimtab_model::{Override, OverrideId};
use trimtab_store::{Store, Txn, Write};

use super::bench::{Bench, Transcript};
use crate::config::stored::store_key;

fn said(pattern: &str) -> Value {
    json!({"pattern": pattern, "state": "drained", "reason": "rack 4 is rebuilt"})
}

fn path(bench: &Bench) -> String {
    format!("/accounts/{}/trimtab/overrides", bench.account)
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

#[tokio::test]
async fn an_override_through_its_life() {
    let bench = Bench::new().await;
    bench.pool("fra-web").await;
    let talk = Transcript::new(&bench);
    let body = with(said("fra-*"), "duration", json!("2h"));
    let id = talk.send("POST", &path(&bench), Some(body)).await.id();
    let one = format!("{}/{id}", path(&bench));
    talk.send("GET", &one, None).await;
    talk.send("PATCH", &one, Some(json!({"state": "up", "author": "ann", "until": null}))).await;
    talk.send("PUT", &one, Some(said("iad-*/web-?"))).await;
    talk.send("GET", &path(&bench), None).await;
    talk.send("DELETE", &one, None).await;
    talk.send("GET", &one, None).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn what_is_put_back_as_it_was_read_changes_nothing() {
    let bench = Bench::new().await;
    for body in [said("*"), with(said("*"), "duration", json!(90))] {
        let id = bench.post(&path(&bench), &body).await.id();
        bench.put_back(&format!("{}/{id}", path(&bench))).await;
    }
}

#[tokio::test]
async fn the_answer_counts_the_endpoints_that_are_named_now() {
    let bench = Bench::new().await;
    for (pool, endpoints) in [("fra-web", 2), ("fra-api", 1), ("iad-web", 3)] {
        let origin = |n: usize| json!({"name": format!("e{n}"), "address": format!("192.0.2.{n}")});
        let origins: Vec<_> = (1..=endpoints).map(origin).collect();
        let body = json!({"name": pool, "origins": origins});
        assert_eq!(bench.post(&bench.lb("/pools"), &body).await.status, 200);
    }
    let check = async |pattern: &str, want: &str| {
        let got = bench.post(&path(&bench), &said(pattern)).await.json();
        assert_eq!(got["messages"][0]["message"], format!("{pattern} {want}"), "{pattern}");
        // Whoever takes it back learns what is let go.
        let one = format!("{}/{}", path(&bench), got["result"]["id"].as_str().unwrap());
        let gone = bench.delete(&one).await.json();
        assert_eq!(gone["messages"], got["messages"], "{pattern}");
    };
    check("fra-*", "names 3 endpoints now: 2 of pool fra-web, 1 of pool fra-api").await;
    check("*/192.0.2.3", "names 1 endpoint now: 1 of pool iad-web").await;
    check("*/e?", "names 6 endpoints now: 2 of pool fra-web, 1 of pool fra-api, 3 of pool iad-web")
        .await;
    let none = bench.post(&path(&bench), &said("lhr-*")).await.json();
    let warning = "warning: lhr-* names no endpoint of any pool now";
    assert_eq!(none["messages"][0]["message"], warning);
}

#[tokio::test]
async fn many_pools_are_not_counted_one_by_one() {
    let bench = Bench::new().await;
    for index in 0..23 {
        bench.pool(&format!("p{index}")).await;
    }
    let got = bench.post(&path(&bench), &said("p*")).await.json();
    let text = got["messages"][0]["message"].as_str().unwrap();
    assert!(text.ends_with("1 of pool p19, others of 3 more pools"), "{text}");
}

#[tokio::test]
async fn one_whose_time_is_over_is_listed_until_a_new_one_is_made() {
    let bench = Bench::new().await;
    let short = bench.post(&path(&bench), &with(said("a"), "duration", json!(60))).await.id();
    let long = bench.post(&path(&bench), &said("b")).await.id();
    bench.clock.pass(Duration::from_secs(60));
    let listed = async || -> Vec<(String, bool)> {
        let got = bench.get(&path(&bench)).await.result();
        let all = got.as_array().unwrap().iter();
        all.map(|one| (one["id"].as_str().unwrap().into(), one["expired"].as_bool().unwrap()))
            .collect()
    };
    assert_eq!(listed().await, [(short, true), (long.clone(), false)]);
    let new = bench.post(&path(&bench), &said("c")).await.id();
    assert_eq!(listed().await, [(long, false), (new, false)]);
}

#[tokio::test]
async fn there_are_so_many_and_no_more_and_those_that_are_over_do_not_count() {
    let bench = Bench::new().await;
    let id = bench.post(&path(&bench), &with(said("a"), "duration", json!(60))).await.id();
    let key = Key::Override(bench.account, id.parse().unwrap());
    let entry = bench.store.entry(store_key(&key).unwrap(), None).await.unwrap().unwrap();
    let Some(Document::Override(short)) = Document::decode(&key, &entry.value).unwrap() else {
        panic!("another document");
    };
    let copy = |index: u16| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&index.to_be_bytes());
        let one = Override { id: OverrideId::new(id), until: None, ..short.clone() };
        let key = store_key(&Key::Override(bench.account, one.id)).unwrap();
        Write::Put(key, Document::Override(one).encode().unwrap().into())
    };
    let writes = (1..OVERRIDES_MAX as u16).map(copy).collect();
    let txn = Txn { guards: Vec::new(), writes, actor: String::new(), comment: None };
    bench.store.commit(txn).await.unwrap();
    let full = bench.post(&path(&bench), &said("b")).await;
    assert_eq!(full.refusal(), (400, vec![1002]), "{}", full.text);
    bench.clock.pass(Duration::from_secs(60));
    assert_eq!(bench.post(&path(&bench), &said("b")).await.status, 200);
}
