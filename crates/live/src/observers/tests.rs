use std::collections::BTreeMap;

use trimtab_health::{FailureReason, Outcome, PoolStatus};
use trimtab_model::monitor::{ExpectedCodes, Pace, Probe};
use trimtab_model::pool::Watch;
use trimtab_model::{MonitorId, Origin, Timestamp};

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
        let report =
            Report { pop: pop.parse().unwrap(), pool: pool.id, endpoint, outcome, at: now };
        observers.record(&report, limits_of(&monitor));
    }
    observers.health(pool, Some(&monitor), &[], None)
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
    let pops: Vec<String> =
        health.endpoints[0].observers.iter().map(|(pop, _)| pop.to_string()).collect();
    assert_eq!(
        (pops.as_slice(), health.status),
        (&["FRA".into(), "IAD".into()][..], PoolStatus::Critical)
    );
}
