use trimtab_dns::{Node, Seed};
use trimtab_live::{Batch, Clocks, Hosting, Observer, Publisher, Start};
use trimtab_model::config::Key;
use trimtab_model::monitor::{ExpectedCodes, Pace, Probe};
use trimtab_model::pool::CheckRegions;
use trimtab_model::{AccountId, Change, Document, Monitor, MonitorId, Pool, Region};
use trimtab_steer::Site;

use super::*;

const ACCOUNT: AccountId = AccountId::new([1; 16]);
const MONITOR: MonitorId = MonitorId::new([2; 16]);

fn monitor() -> Monitor {
    Monitor {
        id: MONITOR,
        probe: Probe {
            kind: "http".parse().unwrap(),
            method: "GET".into(),
            path: "/".into(),
            port: 0,
            header: Default::default(),
            expected_codes: ExpectedCodes::try_from("200".to_owned()).unwrap(),
            expected_body: String::new(),
            follow_redirects: false,
            allow_insecure: false,
            probe_zone: None,
            extension: None,
        },
        pace: Pace::default(),
        description: String::new(),
        created_on: Default::default(),
        modified_on: Default::default(),
    }
}

/// A node in Frankfurt with one pool of one endpoint that a monitor watches from these regions.
fn watched_from(check_regions: CheckRegions) -> Snapshot {
    let site = trimtab_geo::pop("FRA".parse().unwrap()).unwrap();
    let settings = trimtab_live::Settings {
        site: Site::at(site.code).unwrap(),
        observers: vec![Observer { pop: site.code, region: site.region }],
        node: Arc::new(Node::new()),
        hosting: Hosting {
            nameservers: vec!["ns1.example.net".parse().unwrap()],
            hostmaster: None,
            seed: Seed(1),
        },
        saved_to: None,
    };
    let geo = Arc::new(trimtab_geo::Builder::empty().unwrap().build());
    let start = Start { geo, saved: None, clocks: Clocks::now() };
    let mut publisher = Publisher::new(settings, start, mpsc::channel(1).0);
    let mut pool = Pool { origins: vec![trimtab_testkit::origin()], ..trimtab_testkit::pool() };
    pool.watch.monitor = Some(MONITOR);
    pool.watch.check_regions = check_regions;
    let changes = vec![
        Change {
            key: Key::Monitor(ACCOUNT, MONITOR),
            document: Some(Document::Monitor(monitor())),
        },
        Change { key: Key::Pool(ACCOUNT, pool.id), document: Some(Document::Pool(Box::new(pool))) },
    ];
    publisher.load(Batch { revision: 1, changes, names: vec![] });
    publisher.snapshot()
}

#[test]
fn a_node_waits_for_the_first_probe_of_what_it_probes() {
    let check = |regions: CheckRegions, want: usize| {
        assert_eq!(without_verdict(&watched_from(regions.clone())), want, "{regions:?}");
    };
    check(CheckRegions::Default, 1);
    check(CheckRegions::Named(vec![Region::Weu, Region::Saf]), 1);
    check(CheckRegions::Named(vec![Region::Saf]), 0);
}
