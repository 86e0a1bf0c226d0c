//! Failed requests beside probes: who is out, for how long, and whose word is the better one.

use trimtab_model::pool::Upstream;

use super::*;

/// A pool of these hosts, with or without a monitor and ejection.
fn pool_that(hosts: &[u8], monitor: Option<MonitorId>, ejection: bool) -> Change {
    let mut change = pool(5, hosts);
    if let Some(Document::Pool(pool)) = &mut change.document {
        pool.watch.monitor = monitor;
        pool.upstream = Some(Box::new(Upstream { ejection, ..Upstream::default() }));
    }
    change
}

fn bench(change: Change) -> Bench {
    let mut bench = Bench::new(&["FRA"], None);
    bench.apply(vec![balancer("www.example.com", &[5]), monitor(2), change, zone()], vec![]);
    bench
}

/// All of them up.
fn monitored(hosts: &[u8]) -> Bench {
    let mut bench = bench(pool_that(hosts, Some(MONITOR), true));
    for &host in hosts {
        bench.report("FRA", 5, host, true);
    }
    bench
}

impl Bench {
    fn later(&mut self, seconds: u64) -> &mut Bench {
        self.now = self.now + Duration::from_secs(seconds);
        self
    }

    fn passive(&mut self, host: u8) -> Passive {
        let origins = &self.publisher.directory.pools[&pool_id(5)].origins;
        let origin = origins.iter().find(|origin| origin.name == host.to_string()).unwrap();
        let endpoint = endpoint_key(pool_id(5), origin);
        Passive { pool: pool_id(5), endpoint, at: self.now }
    }

    /// Without building the pool: others may come in the same turn.
    fn fails(&mut self, host: u8) -> Duration {
        let passive = self.passive(host);
        self.publisher.apply_passive(passive)
    }

    /// `u`p, `d`own, `-` unmonitored, `!` ejected; the pools whose time is over are built anew.
    fn verdicts(&mut self) -> String {
        let over = self.publisher.ejections.end(self.now);
        self.publisher.reported.extend(over);
        self.publisher.rebuild_reported();
        let letter = |health: &trimtab_health::EndpointHealth| match health.verdict {
            Verdict::Up => 'u',
            Verdict::Down => 'd',
            Verdict::Unmonitored => '-',
            Verdict::Unknown => '?',
            Verdict::Ejected { .. } => '!',
        };
        self.pool(5).health.endpoints.iter().map(letter).collect()
    }

    /// Ejections and refused ones, by endpoint.
    fn counts(&mut self) -> Vec<(u64, u64)> {
        let snapshot = self.publisher.snapshot();
        let load = snapshot.loads.pool(trimtab_steer::PoolSlot(0)).unwrap();
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        load.endpoints.iter().map(|it| (read(&it.ejections), read(&it.ejections_refused))).collect()
    }
}

#[test]
fn semantics_40_failed_requests_take_an_endpoint_out_until_its_time_is_over() {
    let mut bench = monitored(&[1, 2]);
    assert_eq!(bench.fails(1), FLIP_COALESCE);
    assert_eq!(bench.verdicts(), "!u");
    assert_eq!(bench.ask("www.example.com"), Some(vec![2]));
    assert_eq!(bench.later(29).verdicts(), "!u");
    assert_eq!(bench.later(1).verdicts(), "uu");
    let up = &bench.pool(5).health.endpoints[0];
    assert_eq!(up.since, Some(bench.now), "it is up since then");
    bench.later(5).fails(1);
    assert_eq!(bench.later(59).verdicts(), "!u", "twice as long");
    assert_eq!(bench.later(1).verdicts(), "uu");
    assert_eq!(bench.counts(), [(2, 0), (0, 0)]);
}

#[test]
fn semantics_40_a_probe_that_passes_after_it_ends_an_ejection() {
    let mut bench = monitored(&[1, 2]);
    bench.fails(1);
    assert_eq!(bench.verdicts(), "!u");
    bench.report("FRA", 5, 1, true);
    assert_eq!(bench.verdicts(), "!u", "it may have begun before");
    assert_eq!(bench.later(1).report("FRA", 5, 1, true), FLIP_COALESCE);
    assert_eq!(bench.verdicts(), "uu");
}

#[test]
fn semantics_40_weak_signals_lose_to_probes() {
    let mut bench = monitored(&[1, 2, 3]);
    bench.fails(1);
    assert_eq!(bench.verdicts(), "!uu");
    // Two that fail are down, whatever requests say, and one that passes is up.
    bench.later(1).report("FRA", 5, 1, false);
    assert_eq!(bench.verdicts(), "!uu", "one that fails is no end");
    bench.later(1).report("FRA", 5, 1, false);
    assert_eq!(bench.verdicts(), "duu");
    bench.fails(1);
    assert_eq!(bench.later(60).verdicts(), "duu", "down by probes, not ejected");
    bench.report("FRA", 5, 1, true);
    assert_eq!(bench.verdicts(), "uuu");
    assert_eq!(bench.counts()[0], (1, 0));
}

#[test]
fn semantics_40_at_most_half_are_out_and_never_the_last_that_serves() {
    let mut bench = monitored(&[1, 2, 3, 4]);
    // All in one turn, as when what they share fails.
    for host in [4, 2, 1, 3] {
        bench.fails(host);
    }
    assert_eq!(bench.verdicts(), "u!u!");
    assert_eq!(bench.counts(), [(0, 1), (1, 0), (0, 1), (1, 0)]);
    // Probes leave one: then requests have nothing to say against it, nor against those that are out.
    for host in [1, 3] {
        for _ in 0..2 {
            bench.report("FRA", 5, host, false);
        }
    }
    assert_eq!(bench.verdicts(), "d!du");
    bench.fails(4);
    assert_eq!(bench.verdicts(), "d!du");
    assert_eq!(bench.counts()[3], (1, 1));
}

#[test]
fn semantics_40_pools_without_a_monitor_too() {
    let mut bench = bench(pool_that(&[1, 2], None, true));
    bench.fails(1);
    assert_eq!(bench.verdicts(), "!-");
    assert_eq!(
        (bench.pool(5).usable, bench.pool(5).health.status),
        (Usable::Yes, PoolStatus::Unknown)
    );
    assert_eq!(bench.ask("www.example.com"), Some(vec![2]));
    assert_eq!(bench.later(30).verdicts(), "--");
    assert_eq!(bench.pool(5).health.endpoints[0].since, Some(bench.now));
    let mut alone = self::bench(pool_that(&[1], None, true));
    alone.fails(1);
    assert_eq!((alone.verdicts(), alone.counts()), ("-".into(), vec![(0, 1)]));
}

#[test]
fn a_pool_that_wants_no_ejection_has_none() {
    let mut bench = bench(pool_that(&[1, 2], None, false));
    assert_eq!(bench.fails(1), DETAIL_COALESCE);
    assert_eq!((bench.verdicts(), bench.counts()), ("--".into(), vec![(0, 0); 2]));
    bench.apply(vec![pool_that(&[1, 2], None, true)], vec![]);
    bench.fails(1);
    assert_eq!(bench.verdicts(), "!-");
    bench.apply(vec![pool_that(&[1, 2], None, false)], vec![]);
    assert_eq!(bench.verdicts(), "--", "from the moment that it wants none");
}

#[test]
fn ejections_are_told_with_their_reason_and_forgotten_with_their_endpoint() {
    let mut bench = monitored(&[1, 2]);
    while bench.changes.try_recv().is_ok() {}
    bench.fails(1);
    bench.verdicts();
    let change = bench.changes.try_recv().unwrap();
    assert_eq!((change.status, change.healthy), (PoolStatus::Degraded, true));
    let told: Vec<_> = change.endpoints.iter().map(|e| (e.changed, e.reason)).collect();
    assert_eq!(told, [(true, FailureReason::Ejected), (false, FailureReason::None)]);
    bench.later(30).verdicts();
    assert!(bench.changes.try_recv().unwrap().endpoints[0].changed);
    bench.fails(1);
    bench.apply(vec![pool_that(&[2, 3], Some(MONITOR), true)], vec![]);
    assert_eq!(bench.publisher.ejections.next_end(), None);
}

#[test]
fn a_restart_forgives() {
    let mut before = monitored(&[1, 2]);
    before.fails(1);
    assert_eq!(before.verdicts(), "!u");
    let mut after = Bench::new(&["FRA"], Some(saved(&before)));
    after.apply(vec![monitor(2), pool_that(&[1, 2], Some(MONITOR), true)], vec![]);
    assert_eq!(after.verdicts(), "uu");
}

#[tokio::test(start_paused = true)]
async fn the_publisher_wakes_up_when_an_ejection_ends() {
    let mut bench = bench(pool_that(&[1, 2], None, true));
    let cell = Cell::new(bench.publisher.snapshot());
    let mut seen = cell.subscribe();
    let (events, inbox) = mpsc::channel(8);
    let mut passive = bench.passive(1);
    let task = tokio::spawn(bench.publisher.run(cell.clone(), inbox));
    let start = tokio::time::Instant::now();
    passive.at = clock::moment(start.into_std());
    events.send(Event::Passive(passive)).await.unwrap();
    let serving = || {
        cell.load()
            .world
            .pool(trimtab_steer::PoolSlot(0))
            .unwrap()
            .serving(trimtab_model::Wanted::Endpoint)
            .members()
            .len()
    };
    seen.changed().await.unwrap();
    assert_eq!((start.elapsed() < FLIP_COALESCE * 2, serving()), (true, 1));
    seen.changed().await.unwrap();
    let ended = start.elapsed();
    assert_eq!(serving(), 2);
    let second = Duration::from_secs(1);
    assert!((second * 30..second * 31).contains(&ended), "{ended:?}");
    drop(events);
    task.await.unwrap();
}
