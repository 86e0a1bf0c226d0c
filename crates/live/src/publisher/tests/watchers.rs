//! Groups of monitors, what persons say, and calculated checks.

use trimtab_model::group::Member;
use trimtab_model::overrides::{Forced, Pattern};
use trimtab_model::pool::{Requires, Subject};
use trimtab_model::{HealthCheck, HealthCheckId, MonitorGroup, MonitorGroupId, OverrideId};
use trimtab_model::{Override, Wait, pool::Watch};

use super::*;

const GROUP: MonitorGroupId = MonitorGroupId::new([6; 16]);
const CHECK: HealthCheckId = HealthCheckId::new([8; 16]);
const OTHER: MonitorId = MonitorId::new([7; 16]);

fn other_monitor() -> Change {
    let Some(Document::Monitor(first)) = monitor(1).document else { unreachable!() };
    let second = model::Monitor { id: OTHER, ..first };
    Change { key: Key::Monitor(ACCOUNT, OTHER), document: Some(Document::Monitor(second)) }
}

fn group(critical: MonitorId, other_enabled: bool) -> Change {
    let member = |monitor| Member {
        monitor,
        enabled: monitor == MONITOR || other_enabled,
        monitoring_only: false,
        must_be_healthy: monitor == critical,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    let group = MonitorGroup {
        id: GROUP,
        description: String::new(),
        members: vec![member(MONITOR), member(OTHER)],
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    };
    let key = Key::MonitorGroup(ACCOUNT, GROUP);
    Change { key, document: Some(Document::MonitorGroup(group)) }
}

fn with(change: Change, watch: Watch) -> Change {
    let Change { key, document: Some(Document::Pool(pool)) } = change else { unreachable!() };
    Change { key, document: Some(Document::Pool(Box::new(model::Pool { watch, ..*pool }))) }
}

fn off(change: Change) -> Change {
    let Some(Document::Pool(pool)) = change.document else { panic!("not a pool") };
    let pool = model::Pool { enabled: false, ..*pool };
    Change { document: Some(Document::Pool(Box::new(pool))), ..change }
}

fn grouped(number: u8, hosts: &[u8]) -> Change {
    with(pool(number, hosts), Watch { monitor_group: Some(GROUP), ..Watch::default() })
}

fn said(number: u8, pattern: &str, state: Forced) -> Change {
    let id = OverrideId::new([number; 16]);
    let said = Override {
        id,
        pattern: Pattern::read(pattern).unwrap(),
        state,
        reason: "racks".into(),
        author: "alice".into(),
        until: None,
        created_on: Timestamp::from_micros(number.into()),
        modified_on: Timestamp::default(),
    };
    Change { key: Key::Override(ACCOUNT, id), document: Some(Document::Override(said)) }
}

fn taken_back(number: u8) -> Change {
    Change { key: Key::Override(ACCOUNT, OverrideId::new([number; 16])), document: None }
}

impl Bench {
    fn says(&mut self, monitor: MonitorId, host: u8, up: bool) {
        let origin = self.publisher.directory.pools[&pool_id(5)].origins.iter();
        let origin = origin.clone().find(|o| o.name == host.to_string()).unwrap();
        let endpoint = endpoint_key(pool_id(5), origin);
        let outcome = match up {
            true => Outcome::pass(200, Duration::from_millis(5)),
            false => Outcome::fail(FailureReason::TcpTimeout, 0, None),
        };
        let (pop, pool, at) = ("FRA".parse().unwrap(), pool_id(5), self.now);
        let report = Report { pop, pool, endpoint, monitor, outcome, evidence: None, at };
        self.publisher.apply_report(&report);
        self.publisher.rebuild_reported();
    }
}

#[test]
fn semantics_4_the_monitors_of_a_group_probe_apart_and_judge_together() {
    let mut bench = Bench::new(&["FRA"], None);
    let changes = vec![zone(), monitor(1), other_monitor(), group(OTHER, true), grouped(5, &[1])];
    bench.apply(changes, vec![]);
    let jobs = |bench: &mut Bench| -> Vec<MonitorId> {
        bench.publisher.snapshot().jobs.iter().map(|job| job.monitor.id).collect()
    };
    assert_eq!(jobs(&mut bench), [MONITOR, OTHER]);
    let verdict = |bench: &mut Bench| bench.pool(5).health.endpoints[0].verdict;
    bench.says(MONITOR, 1, true);
    assert_eq!(verdict(&mut bench), Verdict::Unknown, "the critical one is waited for");
    bench.says(OTHER, 1, true);
    assert_eq!(verdict(&mut bench), Verdict::Up);
    bench.says(MONITOR, 1, false);
    assert_eq!(verdict(&mut bench), Verdict::Up, "a tie is healthy");
    bench.says(OTHER, 1, false);
    assert_eq!(verdict(&mut bench), Verdict::Down);
    let last = std::iter::from_fn(|| bench.changes.try_recv().ok()).last().unwrap();
    let told = last.endpoints[0].monitors.iter().map(|it| (it.monitor, it.role, it.reason));
    let timeout = FailureReason::TcpTimeout;
    use trimtab_model::group::Role::{Critical, Voter};
    assert_eq!(told.collect::<Vec<_>>(), [(MONITOR, Voter, timeout), (OTHER, Critical, timeout)]);
    // Without the critical member the other one's word is enough.
    bench.apply(vec![group(OTHER, false)], vec![]);
    assert_eq!(jobs(&mut bench), [MONITOR]);
    bench.says(MONITOR, 1, true);
    assert_eq!(verdict(&mut bench), Verdict::Up);
}

#[test]
fn semantics_40_a_persons_word_outranks_probes_until_it_is_taken_back() {
    let mut bench = Bench::new(&["FRA"], None);
    let pools = vec![pool(5, &[1, 2]), pool(6, &[3]), balancer("www.example.com", &[5, 6])];
    bench.apply([vec![zone(), monitor(1)], pools].concat(), vec![]);
    for (pool, host) in [(5, 1), (5, 2), (6, 3)] {
        bench.report("FRA", pool, host, true);
    }
    assert_eq!(bench.ask("www.example.com"), Some(vec![1, 2]));
    bench.apply(vec![said(1, "5/1", Forced::Down)], vec![]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![2]));
    // The whole site at once, and one endpoint that stays.
    bench.apply(vec![said(2, "5", Forced::Drained)], vec![]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![3]));
    assert!(!bench.pool(5).endpoints[0].enabled);
    bench.apply(vec![said(3, "*/192.0.5.2", Forced::Up)], vec![]);
    bench.report("FRA", 5, 2, false);
    assert_eq!(bench.ask("www.example.com"), Some(vec![2]), "probes say otherwise");
    bench.apply(vec![taken_back(2), taken_back(3)], vec![]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![3]));
    bench.apply(vec![taken_back(1)], vec![]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![1]));
}

#[test]
fn what_a_person_says_of_an_endpoint_without_a_monitor_is_told_from_beginning_to_end() {
    let mut bench = Bench::new(&["FRA"], None);
    let alone = || with(pool(5, &[1]), Watch::default());
    bench.apply(vec![zone(), monitor(1), alone()], vec![]);
    let told = |bench: &mut Bench, changes: Vec<Change>| {
        bench.apply(changes, vec![]);
        let changes = std::iter::from_fn(|| bench.changes.try_recv().ok());
        changes.map(|it| (it.healthy, it.endpoints[0].changed)).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut bench, vec![said(1, "5/1", Forced::Down)]), [(false, true)]);
    assert_eq!(told(&mut bench, vec![taken_back(1)]), [(true, true)]);
    // What a monitor said is no news any more when it is detached.
    bench.apply(vec![pool(5, &[1])], vec![]);
    bench.report("FRA", 5, 1, false);
    assert_eq!(told(&mut bench, vec![]), [(false, true)]);
    assert_eq!(told(&mut bench, vec![alone()]), []);
}

#[test]
fn a_calculated_check_takes_a_pool_out_while_too_few_of_others_are_healthy() {
    let mut bench = Bench::new(&["FRA"], None);
    let of = vec![Subject::Pool(pool_id(6)), Subject::Origin(pool_id(7), "8".into())];
    let requires = Some(Box::new(Requires { at_least: 2, of }));
    let watch = Watch { monitor: Some(MONITOR), requires, ..Watch::default() };
    let pools = vec![with(pool(5, &[1]), watch), pool(6, &[6]), pool(7, &[7, 8]), pool(9, &[9])];
    let changes = [vec![zone(), monitor(1)], pools, vec![balancer("www.example.com", &[5, 9])]];
    bench.apply(changes.concat(), vec![]);
    for (pool, host) in [(5, 1), (6, 6), (7, 7), (9, 9)] {
        bench.report("FRA", pool, host, true);
    }
    assert_eq!(bench.pool(5).usable, Usable::Requires);
    assert_eq!(bench.ask("www.example.com"), Some(vec![9]));
    bench.report("FRA", 7, 8, true);
    assert_eq!(bench.ask("www.example.com"), Some(vec![1]));
    let told = |bench: &mut Bench| {
        let changes = std::iter::from_fn(|| bench.changes.try_recv().ok());
        changes.last().map(|it| (it.pool, it.healthy, it.changed))
    };
    assert_eq!(told(&mut bench), Some((pool_id(5), true, true)));
    bench.report("FRA", 6, 6, false);
    assert_eq!(bench.ask("www.example.com"), Some(vec![9]));
    assert_eq!(told(&mut bench), Some((pool_id(5), false, true)));
}

/// Pool 5 has no monitor and requires this one thing, which three failed probes in a row turn.
fn check_rests_on(subject: Subject, fail: impl Fn(&mut Bench), known: impl Fn(&mut Bench) -> Wait) {
    let requires = Some(Box::new(Requires { at_least: 1, of: vec![subject.clone()] }));
    let watch = Watch { requires, ..Watch::default() };
    let Some(Document::HealthCheck(mut check)) = standalone(false).document else { unreachable!() };
    check.pace.consecutive_fails = 3;
    let document = Some(Document::HealthCheck(check));
    let check = Change { key: Key::HealthCheck(ZONE, CHECK), document };
    let pools = [with(pool(5, &[1]), watch), pool(6, &[6]), balancer("www.example.com", &[5])];
    let mut bench = Bench::new(&["FRA"], None);
    bench.apply([vec![zone(), monitor(3), check], pools.to_vec()].concat(), vec![]);
    bench.report("FRA", 6, 6, true);
    report_check(&mut bench, true);
    let told = |bench: &mut Bench| {
        let (world, now) = (bench.publisher.snapshot().world, bench.now);
        let balancer = world.balancers.iter().flatten().next().unwrap();
        let client = trimtab_steer::Client {
            name: b"www.example.com.",
            address: [10, 0, 0, 1].into(),
            subnet: None,
            wanted: trimtab_model::Wanted::A,
            load: None,
            session: false,
            http: None,
        };
        let decision = trimtab_steer::decide(&world, balancer, &client, now, 1);
        assert_eq!(decision.pool.map(|pool| pool.usable), Some(Usable::Yes));
        decision.soonest_flip
    };
    let before = told(&mut bench);
    assert_eq!(before, known(&mut bench), "{subject:?}");
    fail(&mut bench);
    let after = told(&mut bench);
    assert_eq!(after, known(&mut bench), "{subject:?} after a probe that failed");
    assert_eq!(after.and_then(Duration::from_secs(60).into()), before, "{subject:?}");
}

#[test]
fn semantics_27_an_answer_rests_on_what_its_pool_requires() {
    let of_pool = |bench: &mut Bench| bench.pool(6).health.soonest_flip(bench.now);
    let fail = |bench: &mut Bench| _ = bench.report("FRA", 6, 6, false);
    check_rests_on(Subject::Pool(pool_id(6)), fail, of_pool);
    check_rests_on(Subject::Origin(pool_id(6), "6".into()), fail, of_pool);
    let of_check = |bench: &mut Bench| {
        let known = bench.publisher.snapshot().checks;
        known[&CHECK].health.soonest_flip(bench.now)
    };
    check_rests_on(Subject::HealthCheck(CHECK), |bench| _ = report_check(bench, false), of_check);
}

#[test]
fn semantics_5_what_a_calculated_check_counts_is_from_before_a_restart_until_it_is_looked_at() {
    let of = vec![Subject::Pool(pool_id(6)), Subject::HealthCheck(CHECK)];
    let watch =
        Watch { requires: Some(Box::new(Requires { at_least: 2, of })), ..Watch::default() };
    let pools = [with(pool(5, &[1]), watch), pool(6, &[6])];
    let world = [vec![zone(), monitor(1), standalone(false)], pools.to_vec()].concat();
    let mut before = Bench::new(&["FRA"], None);
    before.apply(world.clone(), vec![]);
    before.report("FRA", 6, 6, true);
    report_check(&mut before, true);
    assert!(!before.pool(5).is_restored());
    let mut after = Bench::new(&["FRA"], Some(saved(&before)));
    after.apply(world, vec![]);
    assert_eq!((after.pool(5).usable, after.pool(5).is_restored()), (Usable::Yes, true));
    after.report("FRA", 6, 6, true);
    assert!(after.pool(5).is_restored());
    report_check(&mut after, true);
    assert!(!after.pool(5).is_restored());
}

#[test]
fn semantics_5_what_nobody_probes_is_waited_for_by_nobody() {
    let of = vec![Subject::Pool(pool_id(6)), Subject::HealthCheck(CHECK)];
    let watch =
        Watch { requires: Some(Box::new(Requires { at_least: 1, of })), ..Watch::default() };
    let mut before = Bench::new(&["FRA"], None);
    before.apply(vec![zone(), monitor(1), pool(6, &[6]), standalone(false)], vec![]);
    before.report("FRA", 6, 6, true);
    report_check(&mut before, true);
    let mut after = Bench::new(&["FRA"], Some(saved(&before)));
    let five = with(pool(5, &[1]), watch);
    after.apply(vec![zone(), monitor(1), five, pool(6, &[6]), standalone(false)], vec![]);
    assert!(after.pool(5).is_restored());
    after.apply(vec![standalone(true)], vec![]);
    assert!(after.pool(5).is_restored(), "the pool is still to be looked at");
    after.apply(vec![off(pool(6, &[6]))], vec![]);
    assert!(!after.pool(5).is_restored());
    after.apply(vec![standalone(false)], vec![]);
    assert!(after.pool(5).is_restored());
}

#[test]
fn semantics_5_what_was_not_probed_for_a_while_is_as_after_a_restart() {
    let mut bench = Bench::new(&["FRA"], None);
    bench.apply(vec![zone(), monitor(1), pool(5, &[1]), standalone(false)], vec![]);
    let on = || with(pool(5, &[1]), Watch { monitor: Some(MONITOR), ..Watch::default() });
    for pause in [off(on()), with(on(), Watch::default())] {
        bench.report("FRA", 5, 1, true);
        assert!(!bench.pool(5).is_restored());
        bench.apply(vec![pause], vec![]);
        assert!(!bench.pool(5).is_restored(), "nobody looks");
        bench.apply(vec![on()], vec![]);
        assert_eq!((bench.pool(5).usable, bench.pool(5).is_restored()), (Usable::Yes, true));
        // Another interval is no pause.
        bench.report("FRA", 5, 1, true);
        bench.apply(vec![balancer("www.example.com", &[5])], vec![]);
        assert!(!bench.pool(5).is_restored());
    }
    report_check(&mut bench, true);
    bench.apply(vec![standalone(true)], vec![]);
    bench.apply(vec![standalone(false)], vec![]);
    let known = |bench: &mut Bench| {
        let checks = bench.publisher.snapshot().checks;
        (checks[&CHECK].is_healthy(), checks[&CHECK].endpoint().unwrap().is_restored())
    };
    assert_eq!(known(&mut bench), (Some(true), true));
    bench.apply(vec![standalone_at(8443, false)], vec![]);
    assert_eq!(known(&mut bench), (None, false), "of another port nothing is known");
    assert_eq!(report_check(&mut bench, false), Some(Verdict::Down));
}

#[test]
fn semantics_5_what_was_known_outlives_every_page_of_a_start_and_only_what_is_gone_is_forgotten() {
    let world = [zone(), standalone(false), monitor(1), pool(5, &[1]), pool(6, &[6])];
    let mut before = Bench::new(&["FRA"], None);
    before.apply(world.to_vec(), vec![]);
    before.report("FRA", 5, 1, true);
    before.report("FRA", 6, 6, true);
    report_check(&mut before, true);
    let mut after = Bench::new(&["FRA"], Some(saved(&before)));
    let [zone, check, monitor, five, _gone] = world;
    for page in [zone, check, monitor, pool(4, &[4]), five] {
        after.load(vec![page]);
    }
    assert_eq!(after.pool(5).usable, Usable::Yes);
    let checks = after.publisher.snapshot().checks;
    assert_eq!(checks[&CHECK].is_healthy(), Some(true));
    assert_eq!(after.publisher.observers.all().count(), 3);
    after.publisher.forget_the_gone();
    assert_eq!(after.publisher.observers.all().count(), 2);
}

#[test]
fn a_pool_is_probed_at_full_pace_as_soon_as_a_balancer_uses_it() {
    let mut bench = Bench::new(&["FRA"], None);
    bench.apply(vec![zone(), monitor(1), pool(5, &[1])], vec![]);
    let interval = |bench: &mut Bench| {
        bench.publisher.snapshot().jobs.iter().map(|job| job.schedule.interval.as_secs()).max()
    };
    assert_eq!(interval(&mut bench), Some(240));
    bench.apply(vec![balancer("www.example.com", &[5])], vec![]);
    assert_eq!(interval(&mut bench), Some(60));
    let key = Key::Balancer(Scope::Zone(ZONE), BALANCER);
    bench.apply(vec![Change { key, document: None }], vec![]);
    assert_eq!(interval(&mut bench), Some(240));
    // Nobody is sent there, but another pool hangs on it.
    let requires = Requires { at_least: 1, of: vec![Subject::Pool(pool_id(5))] };
    let watch = Watch { requires: Some(Box::new(requires)), ..Watch::default() };
    bench.apply(vec![with(pool(6, &[6]), watch)], vec![]);
    assert_eq!(interval(&mut bench), Some(60));
    bench.apply(vec![Change { key: Key::Pool(ACCOUNT, pool_id(6)), document: None }], vec![]);
    assert_eq!(interval(&mut bench), Some(240));
}

#[test]
fn semantics_40_what_is_fed_acts_with_the_next_snapshot_and_is_listed() {
    use trimtab_model::Fed;
    use trimtab_model::feed::{FedOrigin, FedWord};
    let mut bench = Bench::new(&["FRA"], None);
    let changes = vec![zone(), monitor(1), pool(5, &[1, 2]), balancer("www.example.com", &[5])];
    bench.apply(changes, vec![]);
    bench.report("FRA", 5, 1, true);
    bench.report("FRA", 5, 2, true);
    let origin = FedOrigin {
        place: 0,
        name: "1".into(),
        address: Address::Ip([192, 0, 5, 1].into()),
        port: 0,
    };
    let word = FedWord {
        state: Some(Forced::Down),
        weight: None,
        note: String::new(),
        author: "scaler".into(),
        since: wall_time(),
        lasts: Duration::from_secs(30),
    };
    let past = Timestamp::from_micros(word.since.micros() - 60_000_000);
    let fed = Fed { account: ACCOUNT, pool: pool_id(5), origin, word: Some(word.clone()) };
    let (acts, mut acted) = oneshot::channel();
    bench.publisher.apply_feed(crate::event::Feeding { fed: fed.clone(), acts });
    assert!(acted.try_recv().is_err(), "whoever fed waits for the snapshot");
    bench.publisher.rebuild_reported();
    assert_eq!(bench.ask("www.example.com"), Some(vec![2]));
    assert_eq!(*bench.publisher.snapshot().fed, std::slice::from_ref(&fed));
    check_restart(&bench, &[2], 1);
    let (acts, _) = oneshot::channel();
    bench
        .publisher
        .apply_feed(crate::event::Feeding { fed: Fed { word: None, ..fed.clone() }, acts });
    bench.publisher.rebuild_reported();
    assert_eq!(bench.ask("www.example.com"), Some(vec![1, 2]));
    assert!(bench.publisher.snapshot().fed.is_empty());
    check_restart(&bench, &[1, 2], 0);

    // Over while the node did not run.
    let word = FedWord { since: past, ..word };
    let (acts, _) = oneshot::channel();
    bench
        .publisher
        .apply_feed(crate::event::Feeding { fed: Fed { word: Some(word), ..fed }, acts });
    check_restart(&bench, &[1, 2], 0);
}

/// What a node answers that starts with what this one knew, and how many words it lists.
fn check_restart(before: &Bench, answer: &[u8], words: usize) {
    let mut after = Bench::new(&["FRA"], Some(saved(before)));
    let changes = vec![zone(), monitor(1), pool(5, &[1, 2]), balancer("www.example.com", &[5])];
    after.apply(changes, vec![]);
    assert_eq!(after.ask("www.example.com").as_deref(), Some(answer));
    assert_eq!(after.publisher.snapshot().fed.len(), words);
}

fn standalone(suspended: bool) -> Change {
    standalone_at(443, suspended)
}

fn standalone_at(port: u16, suspended: bool) -> Change {
    use trimtab_model::health_check::{CheckPace, CheckProbe};
    let check = HealthCheck {
        id: CHECK,
        zone: ZONE,
        name: "gateway".into(),
        description: String::new(),
        address: Address::Ip([192, 0, 2, 99].into()),
        check_regions: Default::default(),
        suspended,
        pace: CheckPace {
            interval: 60,
            retries: 0,
            timeout: 5,
            consecutive_fails: 1,
            consecutive_successes: 1,
        },
        probe: CheckProbe::Tcp { port },
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    };
    let document = Some(Document::HealthCheck(Box::new(check)));
    Change { key: Key::HealthCheck(ZONE, CHECK), document }
}

/// One probe of the check from FRA; what is known of it then.
fn report_check(bench: &mut Bench, up: bool) -> Option<Verdict> {
    let jobs = bench.publisher.snapshot().jobs;
    let job = jobs.iter().find(|job| job.slot.is_none()).unwrap();
    let outcome = match up {
        true => Outcome::pass(0, Duration::from_millis(5)),
        false => Outcome::fail(FailureReason::TcpTimeout, 0, None),
    };
    let (pop, monitor) = ("FRA".parse().unwrap(), job.monitor.id);
    let (pool, endpoint, at) = (job.pool, job.targets[0].key, bench.now);
    let report = Report { pop, pool, endpoint, monitor, outcome, evidence: None, at };
    bench.publisher.apply_report(&report);
    bench.publisher.rebuild_reported();
    let known = bench.publisher.snapshot().checks;
    known[&CHECK].endpoint().map(|it| it.verdict)
}

#[test]
fn a_standalone_check_is_probed_and_judged_and_pools_may_require_it() {
    let requires = Requires { at_least: 1, of: vec![Subject::HealthCheck(CHECK)] };
    let watch = Watch { requires: Some(Box::new(requires)), ..Watch::default() };
    let mut bench = Bench::new(&["FRA"], None);
    bench.apply(vec![zone(), standalone(false), with(pool(5, &[1]), watch)], vec![]);
    assert_eq!(bench.pool(5).usable, Usable::Requires);
    let jobs = bench.publisher.snapshot().jobs;
    let job = jobs.iter().find(|job| job.slot.is_none()).unwrap();
    assert_eq!((job.pool.bytes(), job.monitor.probe.port), (CHECK.bytes(), 443));
    assert_eq!(report_check(&mut bench, true), Some(Verdict::Up));
    assert_eq!(bench.pool(5).usable, Usable::Yes);
    assert_eq!(report_check(&mut bench, false), Some(Verdict::Down));
    assert_eq!(bench.pool(5).usable, Usable::Requires);
    assert_eq!(report_check(&mut bench, true), Some(Verdict::Up));
    bench.apply(vec![standalone(true)], vec![]);
    assert_eq!(bench.pool(5).usable, Usable::Requires, "a suspended one is not healthy");
    assert!(bench.publisher.snapshot().jobs.is_empty());
    bench.apply(vec![Change { key: Key::HealthCheck(ZONE, CHECK), document: None }], vec![]);
    assert!(bench.publisher.snapshot().checks.is_empty());
}
