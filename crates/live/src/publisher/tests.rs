use std::collections::BTreeMap;
use std::net::SocketAddr;

use trimtab_dns::{Outcome as Answered, Rcode, Scratch, Seed, Transport, answer};
use trimtab_health::{FailureReason, Outcome, PoolStatus, Verdict};
use trimtab_model::balancer::{Scope, Steering};
use trimtab_model::config::Key;
use trimtab_model::monitor::{ExpectedCodes, Pace, Probe};
use trimtab_model::pool::Address;
use trimtab_model::zone::Rdata;
use trimtab_model::{
    self as model, AccountId, BalancerId, Change, Document, MonitorId, Name, RecordId, Timestamp,
    ZoneId,
};
use trimtab_steer::pool::Usable;

use super::*;
use crate::NameRecords;
use crate::observers::endpoint_key;

mod certificates;
mod ejections;
mod epochs;
mod host_names;
mod proxied;
mod watchers;

const ACCOUNT: AccountId = AccountId::new([1; 16]);
const ZONE: ZoneId = ZoneId::new([2; 16]);
const MONITOR: MonitorId = MonitorId::new([3; 16]);
const BALANCER: BalancerId = BalancerId::new([4; 16]);

fn pool_id(number: u8) -> PoolId {
    PoolId::new([number; 16])
}

fn zone() -> Change {
    let zone = model::Zone {
        id: ZONE,
        account: ACCOUNT,
        name: "example.com".parse().unwrap(),
        paused: false,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
        activated_on: Timestamp::default(),
    };
    Change { key: Key::Zone(ZONE), document: Some(Document::Zone(zone)) }
}

fn monitor(consecutive_down: u32) -> Change {
    let monitor = model::Monitor {
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
        pace: Pace { consecutive_down, ..Pace::default() },
        description: String::new(),
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    };
    let key = Key::Monitor(ACCOUNT, MONITOR);
    Change { key, document: Some(Document::Monitor(monitor)) }
}

fn pool(number: u8, hosts: &[u8]) -> Change {
    let origins = hosts.iter().map(|&host| model::Origin {
        name: host.to_string(),
        address: Address::Ip([192, 0, number, host].into()),
        ..trimtab_testkit::origin()
    });
    let pool = model::Pool {
        id: pool_id(number),
        name: number.to_string(),
        origins: origins.collect(),
        watch: model::pool::Watch { monitor: Some(MONITOR), ..Default::default() },
        ..trimtab_testkit::pool()
    };
    let key = Key::Pool(ACCOUNT, pool.id);
    Change { key, document: Some(Document::Pool(Box::new(pool))) }
}

fn balancer(name: &str, pools: &[u8]) -> Change {
    let pools: Vec<PoolId> = pools.iter().map(|&number| pool_id(number)).collect();
    let balancer = model::Balancer {
        id: BALANCER,
        scope: Scope::Zone(ZONE),
        name: name.parse().unwrap(),
        steering: Steering {
            fallback_pool: *pools.last().unwrap(),
            default_pools: pools,
            ..trimtab_testkit::steering()
        },
        ..trimtab_testkit::balancer()
    };
    let key = Key::Balancer(Scope::Zone(ZONE), BALANCER);
    Change { key, document: Some(Document::Balancer(Box::new(balancer))) }
}

fn record(name: &str, address: [u8; 4]) -> NameRecords {
    let name: Name = name.parse().unwrap();
    let record = model::Record {
        id: RecordId::new([9; 16]),
        zone: ZONE,
        name: name.clone(),
        kind: model::RecordType::A,
        content: String::new(),
        data: None,
        rdata: Rdata(address.into()),
        ttl: 300,
        priority: None,
        proxied: false,
        settings: Default::default(),
        comment: None,
        tags: Vec::new(),
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
        comment_modified_on: None,
        tags_modified_on: None,
    };
    NameRecords { zone: ZONE, name, records: vec![record] }
}

/// A publisher without a task: what goes in and what the next snapshot answers.
struct Bench {
    publisher: Publisher,
    changes: mpsc::Receiver<HealthChange>,
    revision: u64,
    now: Moment,
}

impl Bench {
    fn new(pops: &[&str], saved: Option<Saved>) -> Bench {
        let (sender, changes) = mpsc::channel(16);
        let observers = pops.iter().map(|code| {
            let site = trimtab_geo::pop(code.parse().unwrap()).unwrap();
            Observer { pop: site.code, region: site.region }
        });
        let settings = Settings {
            site: Site::at("FRA".parse().unwrap()).unwrap(),
            observers: observers.collect(),
            node: Arc::new(Node::new()),
            hosting: Hosting {
                nameservers: vec!["ns1.example.net".parse().unwrap()],
                hostmaster: None,
                seed: Seed(1),
            },
            saved_to: None,
        };
        let geo = Arc::new(trimtab_geo::Builder::empty().unwrap().build());
        let clocks = Clocks::now();
        let publisher = Publisher::new(settings, Start { geo, saved, clocks }, sender);
        Bench { publisher, changes, revision: 0, now: clocks.monotonic }
    }

    fn apply(&mut self, changes: Vec<Change>, names: Vec<NameRecords>) {
        self.revision += 1;
        let batch = Batch { revision: self.revision, changes, names };
        self.publisher.take(Event::Config(batch), self.now);
    }

    /// One page of what a node reads at its start.
    fn load(&mut self, page: Vec<Change>) {
        self.publisher.load(Batch { revision: 1, changes: page, names: vec![] });
    }

    /// The addresses answered for an A question, by their last byte; None for NXDOMAIN and refusals.
    fn ask(&mut self, name: &str) -> Option<Vec<u8>> {
        let snapshot = self.publisher.snapshot();
        let mut query = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(label.len() as u8);
            query.extend(label.bytes());
        }
        query.extend([0, 0, 1, 0, 1]);
        let from = SocketAddr::from(([10, 0, 0, 1], 53));
        let mut out = [0; 512];
        let mut scratch = Scratch::new();
        let view = snapshot.view();
        let now = clock::now();
        let over = Transport::Udp;
        match answer(&query, from, over, &view, now, 1, &mut scratch, &mut out) {
            Answered::Reply { len, facts } if facts.rcode == Rcode::NoError => {
                let count = usize::from(out[7]);
                let answers = out[query.len()..len].chunks(16).take(count);
                let mut hosts: Vec<u8> = answers.map(|answer| answer[15]).collect();
                hosts.sort();
                Some(hosts)
            }
            _ => None,
        }
    }

    fn report(&mut self, pop: &str, pool: u8, host: u8, up: bool) -> Duration {
        let origin = self.publisher.directory.pools[&pool_id(pool)].origins.iter();
        let origin = origin.clone().find(|o| o.name == host.to_string()).unwrap();
        let outcome = match up {
            true => Outcome::pass(200, Duration::from_millis(5)),
            false => Outcome::fail(FailureReason::TcpConnectionFailed, 0, None),
        };
        let report = Report {
            pop: pop.parse().unwrap(),
            pool: pool_id(pool),
            endpoint: endpoint_key(pool_id(pool), origin),
            monitor: MONITOR,
            outcome,
            evidence: None,
            at: self.now,
        };
        let wait = self.publisher.apply_report(&report);
        self.publisher.rebuild_reported();
        wait
    }

    fn pool(&mut self, number: u8) -> Arc<Pool> {
        let world = self.publisher.snapshot().world;
        Arc::clone(world.pools.iter().flatten().find(|pool| pool.id == pool_id(number)).unwrap())
    }
}

fn saved(bench: &Bench) -> Saved {
    let Publisher { observers, hosts, rulings, .. } = &bench.publisher;
    Saved::of(observers, hosts.all(), rulings, Clocks::now())
}

fn up_and_running() -> Bench {
    let mut bench = Bench::new(&["FRA"], None);
    let changes = vec![
        // In the order of keys in the store: what points comes before what is pointed to.
        balancer("www.example.com", &[5, 6]),
        monitor(2),
        pool(5, &[1, 2]),
        pool(6, &[3]),
        zone(),
    ];
    bench.apply(changes, vec![record("mail.example.com", [192, 0, 9, 9])]);
    bench.publisher.snapshot();
    for (pool, host) in [(5, 1), (5, 2), (6, 3)] {
        bench.report("FRA", pool, host, true);
    }
    bench
}

#[test]
fn configuration_in_any_order_is_answered() {
    let mut bench = up_and_running();
    assert_eq!(bench.ask("www.example.com"), Some(vec![1, 2]));
    assert_eq!(bench.ask("mail.example.com"), Some(vec![9]));
    assert_eq!(bench.ask("nobody.example.com"), None);
}

#[test]
fn a_dead_endpoint_leaves_the_answer_after_its_threshold_and_comes_back() {
    let mut bench = up_and_running();
    assert_eq!(bench.report("FRA", 5, 1, false), FLIP_COALESCE, "a streak began: the TTL shrinks");
    assert_eq!(bench.ask("www.example.com"), Some(vec![1, 2]));
    bench.report("FRA", 5, 1, false);
    assert_eq!(bench.ask("www.example.com"), Some(vec![2]));
    bench.report("FRA", 5, 2, false);
    bench.report("FRA", 5, 2, false);
    assert_eq!(bench.ask("www.example.com"), Some(vec![3]), "the next pool");
    assert_eq!(bench.report("FRA", 5, 2, false), DETAIL_COALESCE, "nothing new");
    bench.report("FRA", 5, 2, true);
    assert_eq!(bench.ask("www.example.com"), Some(vec![2]), "back");
}

#[test]
fn every_flip_is_told_once_with_all_endpoints() {
    let mut bench = up_and_running();
    while bench.changes.try_recv().is_ok() {}
    bench.report("FRA", 5, 1, false);
    assert!(bench.changes.try_recv().is_err(), "a streak is no flip");
    bench.report("FRA", 5, 1, false);
    let change = bench.changes.try_recv().unwrap();
    assert_eq!(
        (change.status, change.healthy, change.changed),
        (PoolStatus::Degraded, true, false)
    );
    let told: Vec<_> =
        change.endpoints.iter().map(|e| (&*e.name, e.verdict, e.changed, e.reason)).collect();
    let refused = FailureReason::TcpConnectionFailed;
    let healthy = FailureReason::None;
    assert_eq!(told, [("1", Verdict::Down, true, refused), ("2", Verdict::Up, false, healthy)]);
    bench.report("FRA", 5, 1, false);
    assert!(bench.changes.try_recv().is_err());
}

#[test]
fn semantics_3_two_of_three_regions_decide() {
    let mut bench = Bench::new(&["FRA", "IAD", "NRT"], None);
    let changes = vec![zone(), monitor(1), pool(5, &[1]), balancer("www.example.com", &[5])];
    bench.apply(changes, vec![]);
    bench.report("FRA", 5, 1, true);
    bench.report("IAD", 5, 1, true);
    bench.report("NRT", 5, 1, false);
    assert_eq!(bench.pool(5).usable, Usable::Yes);
    bench.report("IAD", 5, 1, false);
    assert_eq!(bench.pool(5).usable, Usable::Critical);
    assert_eq!(bench.pool(5).health.endpoints[0].votes().count(), 3);
}

#[test]
fn semantics_5_a_restart_resumes_what_was_known() {
    let mut before = up_and_running();
    for _ in 0..2 {
        before.report("FRA", 5, 1, false);
    }
    let saved = saved(&before);
    let mut after = Bench::new(&["FRA"], Some(saved));
    let changes = vec![
        zone(),
        monitor(2),
        pool(5, &[1, 2]),
        pool(6, &[3]),
        balancer("www.example.com", &[5, 6]),
    ];
    after.apply(changes, vec![]);
    assert_eq!(after.ask("www.example.com"), Some(vec![2]), "before any probe");
    assert!(after.changes.try_recv().is_err(), "a restart is no news");
    assert!(after.pool(5).is_restored());
    for (host, passed) in [(1, false), (2, true)] {
        assert!(after.pool(5).is_restored(), "until every endpoint was looked at");
        after.report("FRA", 5, host, passed);
    }
    assert!(!after.pool(5).is_restored());
}

#[test]
fn changes_move_names_and_pools() {
    let mut bench = up_and_running();
    bench.apply(vec![balancer("new.example.com", &[6])], vec![]);
    assert_eq!(bench.ask("www.example.com"), None);
    assert_eq!(bench.ask("new.example.com"), Some(vec![3]));
    bench.apply(vec![], vec![record("new.example.com", [192, 0, 9, 8])]);
    assert_eq!(bench.ask("new.example.com"), Some(vec![3]), "the balancer wins");
    let gone = Change { key: Key::Balancer(Scope::Zone(ZONE), BALANCER), document: None };
    bench.apply(vec![gone], vec![]);
    assert_eq!(bench.ask("new.example.com"), Some(vec![8]), "the record comes back");
    let none = NameRecords { records: vec![], ..record("new.example.com", [0; 4]) };
    bench.apply(vec![], vec![none]);
    assert_eq!(bench.ask("new.example.com"), None);
    let gone = Change { key: Key::Pool(ACCOUNT, pool_id(5)), document: None };
    bench.apply(vec![gone], vec![]);
    let snapshot = bench.publisher.snapshot();
    assert_eq!(snapshot.world.pools.iter().flatten().count(), 1);
    assert_eq!(snapshot.jobs.len(), 1);
    let gone = Change { key: Key::Zone(ZONE), document: None };
    bench.apply(vec![gone], vec![]);
    assert_eq!(bench.ask("mail.example.com"), None, "refused");
}

#[test]
fn an_edit_of_the_list_keeps_the_health_of_endpoints_that_stay() {
    let mut bench = up_and_running();
    bench.apply(vec![pool(5, &[2, 7, 1])], vec![]);
    let verdicts = |bench: &mut Bench| {
        bench.pool(5).health.endpoints.iter().map(|e| e.verdict).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&mut bench), [Verdict::Up, Verdict::Unknown, Verdict::Up]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![1, 2]));
    bench.apply(vec![pool(5, &[7])], vec![]);
    bench.apply(vec![pool(5, &[1, 7])], vec![]);
    assert_eq!(verdicts(&mut bench), [Verdict::Unknown, Verdict::Unknown], "it was away");
}

#[tokio::test(start_paused = true)]
async fn flips_are_public_within_the_coalescing_time_and_details_later() {
    let mut bench = up_and_running();
    let cell = Cell::new(bench.publisher.snapshot());
    let mut seen = cell.subscribe();
    let origin = &bench.publisher.directory.pools[&pool_id(5)].origins[0];
    let endpoint = endpoint_key(pool_id(5), origin);
    let (events, inbox) = mpsc::channel(8);
    let task = tokio::spawn(bench.publisher.run(cell.clone(), inbox));
    let send = async |outcome| {
        let (pop, at) = ("FRA".parse().unwrap(), bench.now);
        let (pool, monitor, evidence) = (pool_id(5), MONITOR, None);
        let report = Report { pop, pool, endpoint, monitor, outcome, evidence, at };
        events.send(Event::Report(report)).await.unwrap();
    };
    let waited = async |seen: &mut tokio::sync::watch::Receiver<u64>| {
        let start = tokio::time::Instant::now();
        seen.changed().await.unwrap();
        start.elapsed()
    };
    send(Outcome::fail(FailureReason::TcpTimeout, 0, None)).await;
    let flip = waited(&mut seen).await;
    send(Outcome::fail(FailureReason::TcpTimeout, 0, None)).await;
    waited(&mut seen).await;
    send(Outcome::fail(FailureReason::TcpTimeout, 0, None)).await;
    let detail = waited(&mut seen).await;
    assert!((FLIP_COALESCE..FLIP_COALESCE * 2).contains(&flip), "{flip:?}");
    assert!((DETAIL_COALESCE..DETAIL_COALESCE * 2).contains(&detail), "{detail:?}");
    drop(events);
    task.await.unwrap();
}

#[test]
fn pools_get_their_numbers_in_the_table_of_latencies() {
    let mut bench = Bench::new(&["FRA"], None);
    let table = trimtab_geo::Builder::empty().unwrap();
    let table = table.latencies("source,pool,ms\nWEU,other,5\nWEU,5,5\n").unwrap().build();
    let number = table.latencies().unwrap().pool_number("5");
    bench.publisher.geo = Arc::new(table);
    bench.apply(vec![zone(), monitor(1), pool(5, &[1]), pool(6, &[2])], vec![]);
    let snapshot = bench.publisher.snapshot();
    let pools = snapshot.world.pools.iter().flatten();
    assert_eq!(pools.map(|pool| pool.loaded).collect::<Vec<_>>(), [number, None]);
    assert!(number.is_some());
}
