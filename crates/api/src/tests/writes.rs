//! How changes get into the store: one at a time, acknowledged when they are served, and by whom.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use trimtab_api_types::v1::Limits;
use trimtab_dns::{Node, Seed};
use trimtab_geo::Builder;
use trimtab_live::publisher::Settings as LiveSettings;
use trimtab_live::{Batch, Cell, Clocks, Event, Hosting, Publisher, Start};
use trimtab_model::config::Key;
use trimtab_steer::Site;
use trimtab_store::{Prefix, Rev, Store};

use super::bench::{Bench, TOKEN, all_up, cell, settings};
use super::certificates::Issued;
use crate::auth::Secret;
use crate::config::stored::store_key;
use crate::errors::{Error, Kind};
use crate::extract::AtZone;

/// Races are not the same each time.
const ROUNDS: usize = 20;

/// Sends all at once, each from a task of its own and every second one to the other node; gives the statuses.
async fn at_once(nodes: [&Arc<Bench>; 2], path: &str, bodies: Vec<Value>) -> Vec<u16> {
    let tasks = bodies.into_iter().enumerate().map(|(index, body)| {
        let (node, path) = (Arc::clone(nodes[index % 2]), path.to_owned());
        tokio::spawn(async move { node.post(&path, &body).await.status })
    });
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_of_one_thing_all_get_through() {
    let bench = Arc::new(Bench::new().await);
    let other = Arc::new(Bench::beside(&bench, cell(Vec::new())).await);
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    let body = |index| json!({"name": format!("p{index}"), "origins": origins});
    let path = bench.lb("/pools");
    let statuses = at_once([&bench, &other], &path, (0..100).map(body).collect()).await;
    assert_eq!(statuses, vec![200; 100]);
    assert_eq!(bench.get(&path).await.json()["result_info"]["total_count"], 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_one_name_one_gets_it() {
    for round in 0..ROUNDS {
        let bench = Arc::new(Bench::new().await);
        let other = Arc::new(Bench::beside(&bench, cell(Vec::new())).await);
        let body = json!({"name": "same", "origins": [{"name": "a", "address": "192.0.2.1"}]});
        let statuses = at_once([&bench, &other], &bench.lb("/pools"), vec![body; 8]).await;
        let made = statuses.iter().filter(|status| **status == 200).count();
        let refused = statuses.iter().filter(|status| **status == 400).count();
        assert_eq!((made, refused), (1, 7), "round {round}: {statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_make_one_record_one_does() {
    for round in 0..ROUNDS {
        let bench = Arc::new(Bench::new().await);
        let other = Arc::new(Bench::beside(&bench, cell(Vec::new())).await);
        let all = format!("/zones/{}/dns_records", bench.zone("example.com").await);
        let address = json!({"name": "a", "type": "A", "content": "192.0.2.1"});
        let alias = json!({"name": "a", "type": "CNAME", "content": "b.example.com"});
        let bodies = [address, alias].into_iter().cycle().take(8).collect();
        let statuses = at_once([&bench, &other], &all, bodies).await;
        let made = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(made, 1, "round {round}: {statuses:?}");
    }
}

#[tokio::test]
async fn a_record_that_is_deleted_is_not_brought_back_by_a_patch() {
    for round in 0..ROUNDS {
        let bench = Bench::new().await;
        let other = Bench::beside(&bench, cell(Vec::new())).await;
        let all = format!("/zones/{}/dns_records", bench.zone("example.com").await);
        let body = json!({"name": "a", "type": "A", "content": "192.0.2.1"});
        let one = format!("{all}/{}", bench.post(&all, &body).await.id());
        let patch = json!({"content": "192.0.2.2"});
        let (patched, deleted) = match round % 2 {
            0 => tokio::join!(bench.patch(&one, &patch), other.delete(&one)),
            _ => {
                let (deleted, patched) =
                    tokio::join!(other.delete(&one), bench.patch(&one, &patch));
                (patched, deleted)
            }
        };
        assert_eq!(deleted.status, 200, "round {round}: {}", deleted.text);
        assert!([200, 404].contains(&patched.status), "round {round}: {}", patched.text);
        assert_eq!(bench.get(&one).await.status, 404, "round {round}");
        assert_eq!(bench.get(&all).await.result(), json!([]), "round {round}");
    }
}

#[tokio::test]
async fn a_pool_is_not_deleted_under_a_balancer_that_is_just_made() {
    for round in 0..ROUNDS {
        let bench = Bench::new().await;
        let other = Bench::beside(&bench, cell(Vec::new())).await;
        let (zone, pool) = (bench.zone("example.com").await, bench.pool("p").await);
        let body = json!({"name": "a.example.com", "default_pools": [pool], "fallback_pool": pool});
        let (all, one) =
            (format!("/zones/{zone}/load_balancers"), bench.lb(&format!("/pools/{pool}")));
        let (made, deleted) = tokio::join!(bench.post(&all, &body), other.delete(&one));
        match (made.status, deleted.status) {
            (200, 412) | (400, 200) => {}
            both => panic!("round {round}: {both:?}"),
        }
    }
}

#[tokio::test]
async fn the_history_names_the_token() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    let me = bench.get("/user").await.id();
    let key = store_key(&Key::Zone(zone.parse().unwrap())).unwrap();
    let past = bench.store.history(key, None, 10).await.unwrap();
    let actors: Vec<_> = past.iter().map(|past| (past.actor.as_str(), &past.comment)).collect();
    assert_eq!(actors, [(me.as_str(), &None)]);
}

#[tokio::test]
async fn a_store_that_is_gone_is_not_the_callers_fault() {
    let bench = Bench::new().await;
    let zone = bench.zone("example.com").await;
    bench.store.close().await.unwrap();
    for (method, path) in [("GET", "/zones"), ("POST", "/zones"), ("GET", "/accounts")] {
        let got = bench.send(method, path, Some(&json!({"name": "a.example"}))).await;
        assert_eq!((got.refusal(), got.retry_after.as_deref()), ((503, vec![10013]), Some("1")));
    }
    assert_eq!(bench.get(&format!("/zones/{zone}")).await.status, 503);
}

/// A publisher, and the cell it writes.
fn publisher() -> (Publisher, Cell) {
    let settings = LiveSettings {
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        observers: Vec::new(),
        node: Arc::new(Node::new()),
        hosting: Hosting { nameservers: Vec::new(), hostmaster: None, seed: Seed(7) },
        saved_to: None,
    };
    let geo = Arc::new(Builder::empty().unwrap().build());
    let start = Start { geo, saved: None, clocks: Clocks::now() };
    let (changes, _nobody) = mpsc::channel(1);
    let mut publisher = Publisher::new(settings, start, changes);
    let cell = Cell::new(publisher.snapshot());
    (publisher, cell)
}

#[tokio::test]
async fn an_answer_waits_until_the_change_is_served() {
    let (publisher, cell) = publisher();
    let bench = Bench::start(cell.clone(), settings(), all_up()).await;
    let (events, received) = mpsc::channel(16);
    let running = tokio::spawn(publisher.run(cell.clone(), received));
    let mut changes = bench.store.watch(Prefix::all(), Rev::ZERO);
    let feeding = tokio::spawn(async move {
        while let Some(Ok(batch)) = changes.next().await {
            let batch = Batch { revision: batch.rev.value(), ..Batch::default() };
            events.send(Event::Config(batch)).await.unwrap();
        }
    });
    bench.zone("example.com").await;
    assert_eq!(cell.load().revision, bench.store.now_rev().await.unwrap().value());
    bench.store.close().await.unwrap();
    feeding.await.unwrap();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_does_not_wait_for_ever() {
    let (_idle, cell) = publisher();
    let bench = Bench::start(cell, settings(), all_up()).await;
    let start = Instant::now();
    let token = bench.token(&["DNS Read"], json!({"com.cloudflare.api.account.*": "*"})).await;
    assert_eq!((token.len(), start.elapsed()), (40, Duration::ZERO), "no snapshot holds tokens");
    bench.zone("example.com").await;
    assert_eq!(start.elapsed().as_millis() / 10, 100);
}

#[tokio::test]
async fn a_write_that_meets_the_deletion_of_its_zone_finds_no_zone() {
    let bench = Bench::new().await;
    let id = bench.zone("example.com").await;
    let zone = Arc::new(bench.app.config.zone(id.parse().unwrap()).await.unwrap());
    let token = bench.app.tokens.find(&Secret::read(TOKEN).unwrap()).unwrap();
    // As it was when the requests were let in.
    let at = AtZone { zone, token };
    assert_eq!(bench.delete(&format!("/zones/{id}")).await.status, 200);
    let config = &bench.app.config;
    let limits = Limits { monitor_interval_min: 10 };
    let record = json!({"type": "A", "name": "www", "content": "192.0.2.1"});
    let check = json!({"name": "a", "address": "192.0.2.1"});
    let issued = Issued::to(&["www.example.com"]);
    let certificate = json!({"certificate": issued.chain(), "private_key": issued.key});
    let outcomes = [
        config.create_record(&at, &record).await.map(drop),
        config.create_health_check(&at, &check, &limits).await.map(drop),
        config.create_certificate(&at, &certificate).await.map(drop),
    ];
    for outcome in outcomes {
        let why = outcome.unwrap_err();
        assert!(matches!(why, Error::Missing { kind: Kind::Zone, .. }), "{why}");
    }
}
