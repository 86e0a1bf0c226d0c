//! Health, previews and events: what the API tells of the world as it is.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use trimtab_analytics::{NewEvent, OriginHealth, PoolHealth as LoggedPool};
use trimtab_health::{
    EndpointHealth, FailureReason, MemberHealth, Observation, Outcome, PoolHealth, Probing, Rule,
    Schedule, Thresholds, Verdict, Vote,
};
use trimtab_live::Snapshot;
use trimtab_model::balancer::{AffinityAttributes, SessionAffinity};
use trimtab_model::{self as model, Moment, MonitorId, PoolId, Pop, Region, Timestamp};
use trimtab_steer::{Balancer, Pool, PoolSlot, World};

use super::bench::{Bench, Transcript, cell, redact, settings};
use crate::PreviewPort;
use crate::health::Clocks;

/// A live pool whose endpoints were probed once from each place, with these outcomes.
async fn live(bench: &Bench, id: &str, outcomes: &[(&str, &[Outcome])]) -> Pool {
    let config = bench.app.config.pool(bench.account, id.parse().unwrap()).await.unwrap();
    let (now, limits) = (trimtab_live::clock::now(), Thresholds::new(1, 1));
    let endpoints = (0..config.origins.len()).map(|index| {
        let observers: Vec<(Pop, Observation)> = outcomes
            .iter()
            .filter_map(|(pop, outcomes)| {
                let seen = Observation::unknown(now).after(*outcomes.get(index)?, limits, now);
                Some((pop.parse().unwrap(), seen))
            })
            .collect();
        let votes: Vec<Vote> = observers
            .iter()
            .map(|(_, seen)| Vote { region: Region::Weu, state: seen.state })
            .collect();
        let member = MemberHealth::alone(Rule::AllPops.verdict(&votes), observers.into());
        EndpointHealth::judge(Box::new([member]), None)
    });
    let schedule = Schedule::new(now, Duration::from_secs(60), limits);
    let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
    let enabled = config.origins.iter().map(|origin| origin.enabled);
    let health = PoolHealth::new(endpoints.collect(), enabled, config.minimum_origins, probings);
    Pool::build(&config, health)
}

#[tokio::test]
async fn the_health_of_a_pool_is_told_place_by_place() {
    let bench = Bench::new().await;
    let monitor = bench.monitor().await;
    let body = json!({
        "name": "p", "monitor": monitor, "minimum_origins": 2,
        "origins": [
            {"name": "a", "address": "192.0.2.1"}, {"name": "b", "address": "2001:DB8::5"},
        ],
    });
    let id = bench.post(&bench.lb("/pools"), &body).await.id();
    let up = Outcome::pass(200, Duration::from_micros(12_140));
    let down = Outcome::fail(FailureReason::CodeMismatch, 503, Some(Duration::from_millis(3)));
    let places: [(&str, &[Outcome]); 4] =
        [("FRA", &[up, up]), ("LHR", &[up, down]), ("LGW", &[down, down]), ("AMS", &[up])];
    let pool = live(&bench, &id, &places).await;
    let seeing = Bench::beside(&bench, cell(vec![pool])).await;
    let got = seeing.get(&seeing.lb(&format!("/pools/{id}/health"))).await;
    insta::assert_snapshot!(redact(&serde_json::to_string_pretty(&got.json()).unwrap()));
    let shown = seeing.get(&seeing.lb(&format!("/pools/{id}"))).await.result();
    assert_eq!(shown["healthy"], false);
    seeing.put_back(&seeing.lb(&format!("/pools/{id}"))).await;
}

#[tokio::test]
async fn semantics_6_a_disabled_endpoint_counts_at_no_place() {
    let bench = Bench::new().await;
    let monitor = bench.monitor().await;
    let body = json!({
        "name": "p", "monitor": monitor,
        "origins": [
            {"name": "a", "address": "192.0.2.1", "enabled": false},
            {"name": "b", "address": "192.0.2.2"},
        ],
    });
    let id = bench.post(&bench.lb("/pools"), &body).await.id();
    let up = Outcome::pass(200, Duration::from_millis(5));
    let down = Outcome::fail(FailureReason::TcpConnectionFailed, 0, None);
    let pool = live(&bench, &id, &[("FRA", &[up, down]), ("LHR", &[down, up])]).await;
    let seeing = Bench::beside(&bench, cell(vec![pool])).await;
    let told = seeing.get(&seeing.lb(&format!("/pools/{id}/health"))).await.result();
    let places = told["pop_health"].as_object().unwrap().values();
    let places: Vec<_> = places
        .map(|place| (place["healthy"].clone(), place["origins"].as_array().unwrap().len()))
        .collect();
    assert_eq!(places, [(json!(false), 2), (json!(true), 2)]);
}

#[tokio::test]
async fn what_is_not_known_is_not_told() {
    let bench = Bench::new().await;
    let (id, monitor) = (bench.pool("p").await, bench.monitor().await);
    let health = bench.lb(&format!("/pools/{id}/health"));
    let want = json!({"pool_id": id, "pop_health": {"healthy": false, "origins": null}});
    assert_eq!(bench.get(&health).await.result(), want);
    let pool = bench.lb(&format!("/pools/{id}"));
    assert_eq!(bench.get(&pool).await.result().get("healthy"), None);
    bench.patch(&pool, &json!({"monitor": monitor})).await;
    let got = bench.get(&health).await;
    assert_eq!(got.refusal(), (404, vec![1006]));
    assert_eq!(got.json()["errors"][0]["message"], "Health info unavailable");
    let unprobed = live(&bench, &id, &[]).await;
    let seeing = Bench::beside(&bench, cell(vec![unprobed])).await;
    assert_eq!(seeing.get(&health).await.refusal(), (404, vec![1006]));
}

#[tokio::test]
async fn a_preview_is_probed_and_kept_for_a_while() {
    let bench = Bench::new().await;
    let body = json!({"name": "p", "origins": [
        {"name": "a", "address": "192.0.2.1"}, {"name": "b", "address": "origin.example.com"},
    ]});
    let pool = bench.post(&bench.lb("/pools"), &body).await.id();
    let monitor = bench.monitor().await;
    bench.patch(&bench.lb(&format!("/pools/{pool}")), &json!({"monitor": monitor})).await;
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let talk = Transcript::new(&bench);
    for path in [format!("/pools/{pool}/preview"), format!("/monitors/{monitor}/preview")] {
        let probe = json!({"expected_codes": "200", "type": "http"});
        let got = talk.send("POST", &bench.lb(&path), Some(probe)).await;
        let id = got.result()["preview_id"].as_str().unwrap().to_owned();
        let result = bench.lb(&format!("/preview/{id}"));
        while bench.get(&result).await.result() == json!({}) {
            tokio::task::yield_now().await;
        }
        talk.send("GET", &result, None).await;
        let theirs = format!("/accounts/{other}/load_balancers/preview/{id}");
        assert_eq!(bench.get(&theirs).await.refusal(), (404, vec![1001]));
        assert_eq!(bench.get(&format!("/user/load_balancers/preview/{id}")).await.status, 200);
        bench.clock.pass(Duration::from_secs(600));
        assert_eq!(bench.get(&result).await.refusal(), (404, vec![1001]));
    }
    let bad = json!({"type": "http"});
    talk.send("POST", &bench.lb(&format!("/pools/{pool}/preview")), Some(bad)).await;
    insta::assert_snapshot!(talk.finish());
}

#[tokio::test]
async fn only_so_many_previews_run_at_a_time() {
    let go = Arc::new(Notify::new());
    let waits = Arc::clone(&go);
    let slow: PreviewPort = Arc::new(move |_monitor, targets| {
        let go = Arc::clone(&waits);
        Box::pin(async move {
            go.notified().await;
            targets.iter().map(|_| (Outcome::pass(200, Duration::ZERO), None)).collect()
        })
    });
    let bench = Bench::start(cell(Vec::new()), settings(), slow).await;
    let path = bench.lb(&format!("/pools/{}/preview", bench.pool("p").await));
    let probe = json!({"expected_codes": "200"});
    let mut first = None;
    for _ in 0..8 {
        let got = bench.post(&path, &probe).await;
        assert_eq!(got.status, 200);
        first = first.or(got.result()["preview_id"].as_str().map(str::to_owned));
    }
    let full = bench.post(&path, &probe).await;
    assert_eq!((full.refusal(), full.retry_after.as_deref()), ((429, vec![10429]), Some("1")));
    let result = bench.lb(&format!("/preview/{}", first.unwrap()));
    assert_eq!(bench.get(&result).await.result(), json!({}));
    tokio::task::yield_now().await;
    go.notify_waiters();
    while bench.get(&result).await.result() == json!({}) {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.post(&path, &probe).await.status, 200);
}

fn event(at: i64, pool: &str, healthy: bool) -> NewEvent {
    NewEvent {
        timestamp: 1_767_225_600_000_000 + at,
        pool: LoggedPool {
            id: pool.into(),
            name: "p".into(),
            healthy,
            changed: true,
            minimum_origins: 1,
        },
        origins: vec![OriginHealth {
            name: "a".into(),
            ip: None,
            address: "192.0.2.1".into(),
            enabled: true,
            healthy,
            changed: true,
            failure_reason: (!healthy).then(|| "TCP Timeout".into()),
            response_code: healthy.then_some(200),
            said: Vec::new(),
        }],
    }
}

#[tokio::test]
async fn events_are_told_newest_first_and_filtered() {
    let bench = Bench::new().await;
    let pool = bench.pool("p").await;
    let other = bench.post("/accounts", &json!({"name": "Other"})).await.id();
    let body = json!({"name": "q", "origins": [{"name": "a", "address": "192.0.2.1"}]});
    let theirs = bench.post(&format!("/accounts/{other}/load_balancers/pools"), &body).await.id();
    bench.events.append(event(1, &pool, false));
    bench.events.append(event(2, &theirs, false));
    bench.events.append(event(3, &pool, true));
    let path = "/user/load_balancing_analytics/events";
    let talk = Transcript::new(&bench);
    talk.send("GET", path, None).await;
    insta::assert_snapshot!(talk.finish());
    let check = async |query: &str, want: &[u64]| {
        let got = bench.get(&format!("{path}?{query}")).await.result();
        let ids: Vec<u64> =
            got.as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, want, "{query}");
    };
    check("", &[3, 1]).await;
    check("pool_healthy=true", &[3]).await;
    check("pool_healthy=false", &[1]).await;
    check("origin_healthy=false&origin_name=a", &[1]).await;
    check(&format!("pool_id={pool}&until=2026-01-01T00:00:00.000002Z"), &[1]).await;
    check("since=2026-01-01T00:00:00.000002Z", &[3]).await;
    check("pool_name=nobody", &[]).await;
    assert_eq!(bench.get(&format!("{path}?since=monday")).await.refusal(), (400, vec![1002]));
}

/// Three endpoints: the first ejected, the second disabled at 1000 s, the third at 930 s.
fn away_pool(monitor: Option<MonitorId>, now: Moment) -> (model::Pool, Pool) {
    let origin = |host: u8, disabled: Option<i64>| model::Origin {
        name: host.to_string(),
        address: model::pool::Address::Ip([192, 0, 2, host].into()),
        enabled: disabled.is_none(),
        disabled_at: disabled.map(|at| Timestamp::from_micros(at * 1_000_000)),
        ..trimtab_testkit::origin()
    };
    let config = model::Pool {
        origins: vec![origin(1, None), origin(2, Some(1000)), origin(3, Some(930))],
        watch: model::pool::Watch { monitor, ..model::pool::Watch::default() },
        ..trimtab_testkit::pool()
    };
    let mut endpoints = [(); 3].map(|()| EndpointHealth::unmonitored());
    endpoints[0].verdict = Verdict::Ejected { until: now + Duration::from_millis(24_500) };
    if monitor.is_some() {
        let up = Outcome::pass(200, Duration::from_millis(5));
        let seen = Observation::unknown(now).after(up, Thresholds::new(1, 1), now);
        let observers = Box::new([("FRA".parse().unwrap(), seen)]);
        endpoints[0].members = Box::new([MemberHealth::alone(Verdict::Up, observers)]);
    }
    let pool = Pool::build(&config, PoolHealth::unprobed(Box::new(endpoints)));
    (config, pool)
}

/// A proxied balancer with cookies and a drain of a minute, over that pool and no other.
fn draining(pool: PoolId, drain_duration: u32) -> Balancer {
    let attributes = AffinityAttributes { drain_duration, ..AffinityAttributes::default() };
    let config = model::Balancer {
        proxied: true,
        affinity: model::balancer::Affinity {
            kind: SessionAffinity::Cookie,
            attributes,
            ..trimtab_testkit::balancer().affinity
        },
        steering: model::balancer::Steering {
            default_pools: vec![pool],
            fallback_pool: pool,
            ..trimtab_testkit::steering()
        },
        ..trimtab_testkit::balancer()
    };
    Balancer::build(&config, |_| Some(PoolSlot(0))).unwrap()
}

#[test]
fn semantics_33_and_40_what_is_left_of_drains_and_ejections_is_counted_down() {
    let monotonic = Moment::default() + Duration::from_secs(100);
    let told = |monitor, drain, wall: i64| {
        let (config, pool) = away_pool(monitor, monotonic);
        let snapshot = cell(vec![pool]).load();
        let balancers = vec![Some(Arc::new(draining(config.id, drain)))];
        let world = World { balancers: Arc::new(balancers), ..snapshot.world.clone() };
        let snapshot = Snapshot { world, ..Snapshot::clone(&snapshot) };
        let now = Clocks { monotonic, wall: Timestamp::from_micros(wall * 1_000_000) };
        serde_json::to_value(crate::health::of_pool(&snapshot, &config, now).unwrap()).unwrap()
    };
    let ejected = |until: &str| {
        json!({
            "name": "1", "address": "192.0.2.1", "port": 0,
            "ejected": {
                "failure_reason": "Ejected after failed requests", "until": until, "seconds_left": 25,
            },
        })
    };
    let drained = |until: &str, seconds_left: u64| {
        json!({
            "name": "2", "address": "192.0.2.2", "port": 0,
            "drain": {"until": until, "seconds_left": seconds_left, "requests_open": 0},
        })
    };
    let of = |told: serde_json::Value| told["trimtab"]["origins"].clone();
    let (first, second) = ("1970-01-01T00:17:14.500000Z", "1970-01-01T00:17:40.000000Z");
    assert_eq!(of(told(None, 60, 1010)), json!([ejected(first), drained(second, 50)]));
    let (first, last) = ("1970-01-01T00:18:03.500000Z", "1970-01-01T00:18:04.500000Z");
    assert_eq!(of(told(None, 60, 1059)), json!([ejected(first), drained(second, 1)]));
    assert_eq!(of(told(None, 60, 1060)), json!([ejected(last)]), "its time is over");
    let first = "1970-01-01T00:17:14.500000Z";
    assert_eq!(of(told(None, 0, 1010)), json!([ejected(first)]), "nobody drains");
    let probed = told(Some(MonitorId::new([3; 16])), 60, 1010);
    let seen = json!({
        "failure_reason": "Ejected after failed requests", "healthy": false,
        "response_code": 200, "rtt": "5.0ms",
    });
    let place =
        json!({"Frankfurt-am-Main, DE": {"healthy": false, "origins": [{"192.0.2.1": seen}]}});
    assert_eq!((&probed["pop_health"], of(probed.clone())), (&place, of(told(None, 60, 1010))));
}
