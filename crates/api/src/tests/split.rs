//! The split of a balancer, over the API: pools and endpoints beside their weights.

use std::sync::Arc;

use serde_json::{Value, json};
use trimtab_dns::{Seed, Zones};
use trimtab_health::PoolHealth;
use trimtab_live::{Cell, Snapshot};
use trimtab_model::balancer::{RandomSteering, Scope, Steering, SteeringPolicy};
use trimtab_model::pool::{Address, OriginPolicy, Weight};
use trimtab_model::{Balancer, Origin, Pool, PoolId, Timestamp, ZoneId};
use trimtab_steer::split::{Drawn, Draws};
use trimtab_steer::{BalancerSlot, Epoch, PoolSlot};

use super::bench::{self, Bench};
use crate::DrawsPort;

/// 2026-01-31T12:00:00Z.
const SINCE: Timestamp = Timestamp::from_micros(1_769_860_800_000_000);
const EPOCH: u32 = 3;

/// `*.canary.example.com` in the second slot: 70 % to a pool of two endpoints, 30 % to one that hashes clients.
fn serving(ids: [PoolId; 2], zone: ZoneId) -> Cell {
    let [even, hashed] = ids;
    let address = Address::Ip([192, 0, 2, 2].into());
    let origins = vec![
        trimtab_testkit::origin(),
        Origin { name: "b".into(), address, ..trimtab_testkit::origin() },
    ];
    let pools = [
        Pool { id: even, name: "even".into(), origins: origins.clone(), ..trimtab_testkit::pool() },
        Pool {
            id: hashed,
            name: "hashed".into(),
            origins,
            origin_steering: OriginPolicy::Hash,
            ..trimtab_testkit::pool()
        },
    ];
    let share = |share| Weight::from_share(share, 10).unwrap();
    let config = Balancer {
        scope: Scope::Zone(zone),
        name: "*.canary.example.com".parse().unwrap(),
        steering: Steering {
            policy: SteeringPolicy::Random,
            default_pools: ids.to_vec(),
            fallback_pool: hashed,
            random: RandomSteering {
                pool_weights: [(even, share(0.7)), (hashed, share(0.3))].into(),
                ..RandomSteering::default()
            },
            ..trimtab_testkit::steering()
        },
        ..trimtab_testkit::balancer()
    };
    let slot =
        |id| ids.iter().zip(0..).find(|(other, _)| **other == id).map(|(_, at)| PoolSlot(at));
    let balancer = trimtab_steer::Balancer::build(&config, slot).unwrap();
    let built =
        pools.iter().map(|pool| trimtab_steer::Pool::build(pool, PoolHealth::unmonitored(2)));
    let mut snapshot = Snapshot::clone(&bench::cell(built.collect()).load());
    snapshot.world.balancers = Arc::new(vec![None, Some(Arc::new(balancer))]);
    let epoch = Epoch { number: EPOCH, since: SINCE };
    snapshot.world.epochs = Arc::new(vec![Epoch::default(), epoch]);
    let mut zones = Zones::new(Seed(7));
    zones.insert(Arc::new(bench::hosted("example.com", zone, &[(&config.name, 1)])));
    snapshot.zones = Arc::new(zones);
    Cell::new(snapshot)
}

/// 700 of 1,000 answers from the first pool, evenly from its endpoints.
fn drawn(epoch: u32) -> DrawsPort {
    Arc::new(move |slot| {
        let drawn = |pool, endpoint| Drawn { pool: Some(PoolSlot(pool)), endpoint };
        let counts = [
            (drawn(0, Some(0)), 340),
            (drawn(0, Some(1)), 340),
            (drawn(0, None), 20),
            (drawn(1, Some(1)), 300),
        ];
        match slot {
            BalancerSlot(1) => Draws { epoch, counts: counts.into() },
            _ => Draws::default(),
        }
    })
}

async fn node(epoch: u32) -> (Bench, String) {
    let first = Bench::new().await;
    let ids = [first.pool("even").await, first.pool("hashed").await];
    let zone = first.zone("example.com").await.parse().unwrap();
    let cell = serving(ids.map(|id| id.parse().unwrap()), zone);
    let path = format!("/accounts/{}/trimtab/split?name=", first.account);
    (Bench::drawing(&first, cell, drawn(epoch)).await, path)
}

fn part(answers: u64, [drawn, low, high]: [f64; 3], configured: Value, verdict: &str) -> Value {
    json!({
        "answers": answers, "drawn_percent": drawn, "configured_percent": configured,
        "low_percent": low, "high_percent": high, "verdict": verdict,
    })
}

fn with(mut part: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    part.as_object_mut().unwrap().extend(more);
    part
}

#[tokio::test]
async fn pools_and_endpoints_stand_beside_their_weights() {
    let (node, path) = node(EPOCH).await;
    let got = node.get(&format!("{path}www.canary.example.com")).await;
    let ids: Vec<Value> =
        got.result()["pools"].as_array().unwrap().iter().map(|pool| pool["id"].clone()).collect();
    let hash = "a hash of the client's address decides";
    let endpoint = |name: &str| match name {
        "b" => json!({"name": name, "address": "192.0.2.2"}),
        _ => json!({"name": name, "address": "192.0.2.1"}),
    };
    let halves = part(340, [50.0, 43.74, 56.26], json!(50.0), "too_few");
    let even = json!({
        "pool": "even", "id": ids[0],
        "endpoints": [with(halves.clone(), endpoint("origin")), with(halves, endpoint("b"))],
    });
    let none = part(0, [0.0, 0.0, 3.48], Value::Null, "by_client");
    let all = part(300, [100.0, 96.52, 100.0], Value::Null, "by_client");
    let by_hash = |name: &str| with(endpoint(name), json!({"why": hash}));
    let hashed = json!({
        "pool": "hashed", "id": ids[1],
        "endpoints": [with(none, by_hash("origin")), with(all, by_hash("b"))],
    });
    let want = json!({
        "name": "*.canary.example.com",
        "since": "2026-01-31T12:00:00.000000Z",
        "answers": 1000,
        "verdict": "too_few",
        "pools": [
            with(part(700, [70.0, 65.04, 74.53], json!(70.0), "as_configured"), even),
            with(part(300, [30.0, 25.47, 34.96], json!(30.0), "as_configured"), hashed),
        ],
    });
    assert_eq!((got.status, got.result()), (200, want), "{}", got.text);
}

#[tokio::test]
async fn answers_of_an_older_epoch_are_none() {
    let (node, path) = node(EPOCH - 1).await;
    let got = node.get(&format!("{path}www.canary.example.com")).await.result();
    assert_eq!((&got["answers"], &got["verdict"]), (&json!(0), &json!("too_few")));
}

#[tokio::test]
async fn a_name_that_is_missing_or_nobody_s_is_refused_and_so_is_who_may_not_read() {
    let (node, path) = node(EPOCH).await;
    assert_eq!(node.get(&format!("{path}www.example.com")).await.refusal().0, 404);
    assert_eq!(node.get(&path).await.refusal().0, 400);
    assert_eq!(node.get(&format!("{path}no%20name")).await.refusal().0, 400);
    let zones = json!({"com.cloudflare.api.account.zone.*": "*"});
    let token = node.token(&["Zone Read"], zones).await;
    let path = format!("{path}www.canary.example.com");
    assert_eq!(node.send_as(&token, "GET", &path, None).await.refusal().0, 403);
}
