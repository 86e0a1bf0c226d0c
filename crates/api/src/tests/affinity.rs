//! The keys of session cookies: made at the first start, rotated, never shown.

use serde_json::json;
use trimtab_model::AffinityKeys;
use trimtab_model::config::Key;
use trimtab_store::Store;

use super::bench::{Bench, TOKEN};
use crate::bootstrap;
use crate::config::stored::{self, store_key};

const ROTATE: &str = "/trimtab/affinity_keys/rotate";

async fn kept(bench: &Bench) -> AffinityKeys {
    stored::find(&bench.store, &Key::AffinityKeys).await.unwrap().unwrap().value
}

#[tokio::test]
async fn the_first_start_makes_one_key_and_later_ones_leave_it() {
    let bench = Bench::new().await;
    let first = kept(&bench).await;
    assert_eq!(first.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [0]);
    let rev = bench.store.now_rev().await.unwrap();
    bootstrap(&bench.store, Some(TOKEN), &*bench.clock).await.unwrap();
    assert_eq!((kept(&bench).await, bench.store.now_rev().await.unwrap()), (first.clone(), rev));
    let elsewhere = kept(&Bench::new().await).await;
    assert_ne!(elsewhere.keys[0].secret, first.keys[0].secret);
}

#[tokio::test]
async fn a_rotation_signs_anew_keeps_the_last_key_and_shows_neither() {
    let bench = Bench::new().await;
    let first = kept(&bench).await.keys.remove(0);
    bench.clock.pass(std::time::Duration::from_secs(60));
    let got = bench.post(ROTATE, &json!({})).await;
    let shown = json!({"keys": [
        {"id": 1, "created_on": "2026-01-01T00:01:00.000000Z"},
        {"id": 0, "created_on": "2026-01-01T00:00:00.000000Z"},
    ]});
    assert_eq!((got.status, got.result()), (200, shown));
    let now = kept(&bench).await;
    assert_eq!(now.keys[1], first);
    assert_ne!(now.keys[0].secret, first.secret);
    bench.post(ROTATE, &json!({})).await;
    let ids = kept(&bench).await.keys.iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(ids, [2, 1]);
}

#[tokio::test]
async fn who_rotated_is_on_record() {
    let bench = Bench::new().await;
    bench.post(ROTATE, &json!({})).await;
    let me = bench.get("/user").await.id();
    let past = bench.store.history(store_key(&Key::AffinityKeys).unwrap(), None, 10).await.unwrap();
    let actors: Vec<_> = past.iter().map(|past| past.actor.as_str()).collect();
    assert_eq!(actors, [me.as_str(), "first start"]);
}

#[tokio::test]
async fn a_right_on_one_account_is_not_enough() {
    let bench = Bench::new().await;
    let account = format!("com.cloudflare.api.account.{}", bench.account);
    let token = bench.token(&["Account Settings Write"], json!({ account: "*" })).await;
    let got = bench.send_as(&token, "POST", ROTATE, Some(&json!({}))).await;
    assert_eq!(got.status, 403);
}
