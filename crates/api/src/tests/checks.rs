//! What checks cost: told where they are asked for, and refused where they are too many. The live model is the real one.

use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use trimtab_dns::{Node, Seed};
use trimtab_geo::Builder;
use trimtab_live::publisher::Settings as LiveSettings;
use trimtab_live::{Batch, Cell, Clocks, Event, Hosting, Observer, Publisher, Start};
use trimtab_model::config::{Change, Document, Key};
use trimtab_model::{Pop, Region};
use trimtab_steer::Site;
use trimtab_store::{self as store, Prefix, Rev, Store};

use super::bench::{Bench, Got, all_up, settings};
use super::refusals::refused;
use crate::Settings;

/// A node that serves what is written to it, from Frankfurt and Tokyo.
struct Serving {
    bench: Bench,
    _tasks: JoinSet<()>,
}

// === impl Serving ===

impl Serving {
    async fn start(checks_per_second_max: u32) -> Serving {
        let (publisher, cell) = publisher();
        let settings = Settings { monitor_interval_min: 1, checks_per_second_max, ..settings() };
        let bench = Bench::start(cell.clone(), settings, all_up()).await;
        let (events, received) = mpsc::channel(16);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { publisher.run(cell, received).await });
        let mut changes = bench.store.watch(Prefix::all(), Rev::ZERO);
        tasks.spawn(async move {
            while let Some(Ok(batch)) = changes.next().await {
                events.send(Event::Config(read(&batch))).await.unwrap();
            }
        });
        Serving { bench, _tasks: tasks }
    }

    async fn make(&self, path: &str, body: Value) -> (String, Vec<String>) {
        let got = self.bench.post(&self.bench.lb(path), &body).await;
        (got.id(), messages(&got))
    }

    async fn monitor(&self, interval: u32) -> String {
        let body =
            json!({"expected_codes": "200", "interval": interval, "timeout": 1, "retries": 0});
        self.make("/monitors", body).await.0
    }

    /// What a change of a part tells.
    async fn told(&self, path: &str, change: Value) -> Vec<String> {
        let got = self.bench.patch(&self.bench.lb(path), &change).await;
        assert_eq!(got.status, 200, "{}", got.text);
        messages(&got)
    }
}

fn messages(got: &Got) -> Vec<String> {
    let messages = got.json()["messages"].as_array().unwrap().clone();
    messages.iter().map(|said| said["message"].as_str().unwrap().to_owned()).collect()
}

fn publisher() -> (Publisher, Cell) {
    let observer = |pop: &str, region| Observer { pop: pop.parse::<Pop>().unwrap(), region };
    let settings = LiveSettings {
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        observers: vec![observer("FRA", Region::Weu), observer("NRT", Region::Neas)],
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

fn read(batch: &store::Batch) -> Batch {
    let change = |change: &store::Change| {
        let key = Key::read(change.key.as_str())?;
        let value = change.value.as_ref();
        let document = value.and_then(|value| Document::decode(&key, value).unwrap());
        Some(Change { key, document })
    };
    let changes = batch.changes.iter().filter_map(change).collect();
    Batch { revision: batch.rev.value(), changes, ..Batch::default() }
}

fn origins(count: usize) -> Value {
    let origin = |n| json!({"name": format!("o{n}"), "address": format!("192.0.2.{n}")});
    (1..=count).map(origin).collect()
}

fn members(monitors: &[&str]) -> Value {
    let member = |id: &&str| json!({"monitor_id": id, "enabled": true, "monitoring_only": false, "must_be_healthy": false});
    monitors.iter().map(member).collect()
}

#[tokio::test]
async fn whoever_saves_learns_how_often_each_endpoint_is_checked() {
    let node = Serving::start(5_000).await;
    let (slow, quick) = (node.monitor(20).await, node.monitor(4).await);
    let body = json!({"name": "web", "origins": origins(1), "monitor": slow});
    let (pool, told) = node.make("/pools", body).await;
    let unused = "this makes 1.5 checks a minute to each endpoint of pool web, 6 once a load balancer uses it";
    assert_eq!(told, [unused]);
    let body = json!({"name": "a.example.com", "default_pools": [pool], "fallback_pool": pool});
    let zone = node.bench.zone("example.com").await;
    node.bench.post(&format!("/zones/{zone}/load_balancers"), &body).await.id();
    let pool = format!("/pools/{pool}");
    let of =
        |checks: &str| format!("this makes {checks} checks a minute to each endpoint of pool web");
    assert_eq!(node.told(&pool, json!({"description": "x"})).await, [of("6")]);
    let body = json!({"description": "both", "members": members(&[&slow])});
    let (group, told) = node.make("/monitor_groups", body).await;
    assert_eq!(told, [""; 0], "nobody is watched by it");
    assert_eq!(node.told(&pool, json!({"monitor": null, "monitor_group": group})).await, [of("6")]);
    let group = format!("/monitor_groups/{group}");
    assert_eq!(node.told(&group, json!({"members": members(&[&slow, &quick])})).await, [of("36")]);
    let quick = format!("/monitors/{quick}");
    let hurried = json!({"interval": 2, "consecutive_up": 2, "trimtab": {"fast_interval": 1}});
    let warning = "warning: a probe whose every try times out takes 1 s, and fast_interval is 1 s: probes that \
                   would begin meanwhile are left out; shorten timeout or retries";
    let cost = format!("{}, up to 126 while its state is about to change", of("66"));
    assert_eq!(node.told(&quick, hurried).await, [warning.to_owned(), cost]);
    assert_eq!(node.told(&pool, json!({"enabled": false})).await, [""; 0]);
}

#[tokio::test]
async fn of_many_pools_the_one_that_is_checked_most_is_told() {
    let node = Serving::start(5_000).await;
    let (common, more) = (node.monitor(60).await, node.monitor(60).await);
    let body = json!({"description": "", "members": members(&[&common, &more])});
    let (group, _) = node.make("/monitor_groups", body).await;
    node.make("/pools", json!({"name": "a", "origins": origins(1), "monitor": common})).await;
    node.make("/pools", json!({"name": "b", "origins": origins(1), "monitor_group": group})).await;
    node.make("/pools", json!({"name": "c", "origins": origins(1), "monitor": more})).await;
    let told = "this makes 3.5 checks a minute to each endpoint of pool b, 14 once a load balancer uses it";
    assert_eq!(node.told(&format!("/monitors/{common}"), json!({"interval": 10})).await, [told]);
}

#[tokio::test]
async fn a_write_that_would_make_a_storm_is_refused() {
    let node = Serving::start(10).await;
    let (quick, slow) = (node.monitor(1).await, node.monitor(60).await);
    let refused = async |method: &str, path: &str, body: Value, place: &str, after: u64| {
        let message = format!(
            "this would make {after} checks a second, more than the 10 that [limits] max_checks_per_second allows: \
             lengthen intervals, or use fewer monitors, endpoints or check_regions"
        );
        refused(&node.bench, method, &node.bench.lb(path), &body, &[(place, &message)]).await;
    };
    let (one, _) =
        node.make("/pools", json!({"name": "a", "origins": origins(4), "monitor": quick})).await;
    let (two, _) =
        node.make("/pools", json!({"name": "b", "origins": origins(2), "monitor": slow})).await;
    let more = json!({"name": "c", "origins": origins(1), "monitor": quick});
    refused("POST", "/pools", more.clone(), "/monitor", 11).await;
    let path = format!("/pools/{one}");
    refused("PATCH", &path, json!({"origins": origins(5)}), "/monitor", 11).await;
    let interval = json!({"interval": 1});
    refused("PATCH", &format!("/monitors/{slow}"), interval, "/interval", 12).await;
    let hurried = json!({"trimtab": {"fast_interval": 1}});
    refused("PATCH", &format!("/monitors/{slow}"), hurried, "/trimtab/fast_interval", 12).await;
    let body = json!({"description": "", "members": members(&[&slow])});
    let (group, _) = node.make("/monitor_groups", body).await;
    let watched = json!({"monitor": null, "monitor_group": group});
    node.told(&format!("/pools/{two}"), watched).await;
    let both = json!({"members": members(&[&slow, &quick])});
    refused("PATCH", &format!("/monitor_groups/{group}"), both, "/members", 13).await;
    let watched = json!({"monitor": null, "monitor_group": group, "check_regions": ["WEU"]});
    node.told(&path, watched).await;
    node.make("/pools", more).await;
}

#[tokio::test]
async fn health_checks_count_as_well() {
    let node = Serving::start(1).await;
    let zone = node.bench.zone("example.com").await;
    let path = format!("/zones/{zone}/healthchecks");
    let body =
        json!({"name": "a", "address": "192.0.2.1", "interval": 1, "timeout": 1, "retries": 0});
    let got = node.bench.post(&path, &body).await;
    assert_eq!(got.refusal(), (400, vec![1002]));
    assert_eq!(got.json()["errors"][0]["source"]["pointer"], "/interval");
    let mut suspended = body;
    suspended["suspended"] = true.into();
    assert_eq!(node.bench.post(&path, &suspended).await.status, 200);
}

#[tokio::test]
async fn what_makes_nothing_worse_is_taken_over_the_limit() {
    let node = Serving::start(10).await;
    let quick = node.monitor(1).await;
    let body = json!({"name": "a", "origins": origins(5), "monitor": quick});
    let (pool, _) = node.make("/pools", body).await;
    let cell = node.bench.app.cell.clone();
    let stricter = Settings { monitor_interval_min: 1, checks_per_second_max: 3, ..settings() };
    let stricter = Bench::beside_with(&node.bench, cell, stricter).await;
    let path = stricter.lb(&format!("/pools/{pool}"));
    let check = async |change: Value, status: u16| {
        let got = stricter.patch(&path, &change).await;
        assert_eq!(got.status, status, "{change}: {}", got.text);
    };
    check(json!({"description": "still there"}), 200).await;
    check(json!({"origins": origins(6)}), 400).await;
    check(json!({"origins": origins(4)}), 200).await;
}

#[tokio::test]
async fn pools_are_found_by_a_monitor_of_their_group() {
    let node = Serving::start(5_000).await;
    let (one, other) = (node.monitor(60).await, node.monitor(60).await);
    let body = json!({"description": "", "members": members(&[&one])});
    let (group, _) = node.make("/monitor_groups", body).await;
    node.make("/pools", json!({"name": "a", "origins": origins(1), "monitor": one})).await;
    node.make("/pools", json!({"name": "b", "origins": origins(1), "monitor_group": group})).await;
    node.make("/pools", json!({"name": "c", "origins": origins(1)})).await;
    let names = |pools: Value| -> Vec<String> {
        let pools = pools.as_array().unwrap().clone();
        pools.iter().map(|pool| pool["name"].as_str().unwrap().to_owned()).collect()
    };
    let found = async |monitor: &str| {
        let path = node.bench.lb(&format!("/pools?monitor={monitor}"));
        names(node.bench.get(&path).await.result())
    };
    assert_eq!(found(&one).await, ["a", "b"]);
    assert_eq!(found(&other).await, [""; 0]);
    let path = node.bench.lb(&format!("/monitors/{one}/preview"));
    let preview = node.bench.post(&path, &json!({"expected_codes": "200"})).await.result();
    let mut tried: Vec<_> = preview["pools"].as_object().unwrap().values().cloned().collect();
    tried.sort_by_key(Value::to_string);
    assert_eq!(tried, ["a", "b"]);
}
