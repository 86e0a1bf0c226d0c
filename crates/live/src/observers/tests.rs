use std::collections::BTreeMap;

use trimtab_health::{FailureReason, Outcome, PoolStatus};
use trimtab_model::group::Role;
use trimtab_model::monitor::{ExpectedCodes, Pace, Probe};
use trimtab_model::pool::Watch;
use trimtab_model::{MonitorId, Timestamp};

use super::*;

const MONITOR: MonitorId = MonitorId::new([3; 16]);

fn monitor() -> Arc<Monitor> {
    Arc::new(Monitor {
        id: MONITOR,
        probe: Probe {
            kind: "http".parse().unwrap(),
            method: "GET".into(),
            path: "/".into(),
            port: 0,
            header: BTreeMap::new(),
            expected_codes: ExpectedCodes::try_from("200".to_owned()).unwrap(),
            expected_body: String::new(),
            follow_redirects: false,
            allow_insecure: false,
            probe_zone: None,
            extension: None,
        },
        pace: Pace { consecutive_down: 1, ..Pace::default() },
        description: String::new(),
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

fn pool(check_regions: CheckRegions, regional_health: bool) -> Pool {
    let watch =
        Watch { monitor: Some(MONITOR), check_regions, regional_health, ..Watch::default() };
    let origins = vec![Origin { name: "a".into(), ..trimtab_testkit::origin() }];
    Pool { origins, watch, ..trimtab_testkit::pool() }
}

fn sites(pops: &[&str]) -> Vec<Observer> {
    let site = |code: &&str| trimtab_geo::pop(code.parse().unwrap()).unwrap();
    let observer = |site: &trimtab_geo::PopSite| Observer { pop: site.code, region: site.region };
    pops.iter().map(site).map(observer).collect()
}

/// What a node thinks of the pool's endpoint whose own place comes first, after probes like `FRA:up IAD:down`.
fn seen_from(pops: &[&str], pool: &Pool, probes: &str) -> PoolHealth {
    let (now, monitor) = (Moment::default(), monitor());
    let mut observers = Observers::new(sites(pops), now);
    for probe in probes.split_whitespace() {
        let (pop, state) = probe.split_once(':').unwrap();
        let outcome = match state {
            "up" => Outcome::pass(200, Duration::from_millis(5)),
            _ => Outcome::fail(FailureReason::TcpConnectionFailed, 0, None),
        };
        let endpoint = endpoint_key(pool.id, &pool.origins[0]);
        let report = Report {
            pop: pop.parse().unwrap(),
            pool: pool.id,
            endpoint,
            monitor: MONITOR,
            outcome,
            evidence: None,
            at: now,
        };
        observers.record(&report, Thresholds::of(&monitor.pace));
    }
    observers.health(pool, &around(&[watcher(monitor)]), None)
}

fn watcher(monitor: Arc<Monitor>) -> Watcher {
    Watcher { monitor, role: Role::Voter }
}

fn around(watchers: &[Watcher]) -> Circumstances<'_> {
    Circumstances { watchers, is_used: true, ejections: &[], rulings: &[], asked: 0 }
}

fn named(regions: &str) -> CheckRegions {
    CheckRegions::Named(regions.split_whitespace().map(|word| word.parse().unwrap()).collect())
}

#[test]
fn semantics_3_with_regional_health_sources_a_node_believes_its_own_region_first() {
    let frankfurt = ["FRA", "CDG", "IAD", "NRT"];
    let check = |pops: &[&str], regions: CheckRegions, probes: &str, want: [Verdict; 2]| {
        let verdict = |regional| {
            let health = seen_from(pops, &pool(regions.clone(), regional), probes);
            health.endpoints[0].verdict
        };
        assert_eq!([verdict(false), verdict(true)], want, "{pops:?} {regions:?}: {probes}");
    };
    use Verdict::{Down, Unknown, Up};
    let three = || named("WEU ENAM NEAS");
    check(&frankfurt, three(), "FRA:up IAD:down NRT:down", [Down, Up]);
    check(&frankfurt, three(), "FRA:down IAD:up NRT:up", [Up, Down]);
    check(&frankfurt, three(), "FRA:up CDG:down IAD:up NRT:up", [Up, Down]);
    // The same observations, seen from another place.
    check(&["IAD", "FRA", "NRT"], three(), "FRA:up IAD:down NRT:up", [Up, Down]);
    // Nobody near has probed, or nobody near is to.
    check(&frankfurt, three(), "IAD:up NRT:up", [Up, Up]);
    check(&frankfurt, named("ENAM NEAS"), "FRA:up IAD:down NRT:down", [Down, Down]);
    check(&frankfurt, three(), "", [Unknown, Unknown]);
    check(&frankfurt, CheckRegions::All, "FRA:up IAD:down NRT:down", [Down, Up]);
    check(&frankfurt, CheckRegions::All, "IAD:up NRT:down", [Down, Down]);
}

#[test]
fn regional_health_hides_no_observer_and_reaches_the_status_of_the_pool() {
    let pool = pool(named("WEU ENAM"), true);
    let health = seen_from(&["FRA", "IAD"], &pool, "FRA:down IAD:up");
    let pops: Vec<String> = health.endpoints[0].votes().map(|(pop, _)| pop.to_string()).collect();
    assert_eq!(
        (pops.as_slice(), health.status),
        (&["FRA".into(), "IAD".into()][..], PoolStatus::Critical)
    );
}

#[test]
fn a_pool_that_nobody_uses_is_probed_less_often_and_a_hurried_one_faster() {
    let hurried = Monitor {
        pace: Pace { interval: 60, fast_interval: Some(5), ..Pace::default() },
        ..Monitor::clone(&monitor())
    };
    let watchers = [watcher(Arc::new(hurried))];
    let observers = Observers::new(sites(&["FRA"]), Moment::default());
    let schedule = |is_used| {
        let around = Circumstances { is_used, ..around(&watchers) };
        let pool = pool(CheckRegions::Default, false);
        let jobs = observers.jobs(&pool, Some(PoolSlot(0)), &around);
        let health = observers.health(&pool, &around, None);
        assert_eq!(jobs[0].schedule, health.probings[0].schedule);
        (jobs[0].schedule.interval.as_secs(), jobs[0].schedule.fast.map(|it| it.as_secs()))
    };
    assert_eq!([schedule(true), schedule(false)], [(60, Some(5)), (240, Some(5))]);
}

#[test]
fn large_pools_take_turns() {
    let observers = Observers::new(sites(&["FRA", "IAD"]), Moment::default());
    let watchers = [watcher(monitor())];
    let parts = |origins: usize| {
        let pool = Pool {
            origins: vec![trimtab_testkit::origin(); origins],
            ..pool(CheckRegions::Default, false)
        };
        observers.jobs(&pool, Some(PoolSlot(0)), &around(&watchers))[0].schedule.parts.get()
    };
    assert_eq!([parts(1), parts(16), parts(17), parts(1000)], [1, 1, 2, 64]);
}
