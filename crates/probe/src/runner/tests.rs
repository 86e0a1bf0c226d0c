use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use trimtab_health::{
    EndpointHealth, FailureReason, MemberHealth, Observation, Probing, Schedule, Thresholds,
    Verdict,
};
use trimtab_live::{Report, clock};
use trimtab_model::monitor::{ExpectedCodes, MonitorType, Pace, Probe as Recipe};
use trimtab_model::pool::Address;
use trimtab_model::{Monitor, MonitorId, PoolId, Timestamp};

use super::*;
use crate::Counts;

const SECOND: Duration = Duration::from_secs(1);
const FRA: &str = "FRA";

/// Takes its time, then passes; remembers when it was asked about what.
struct Fake {
    start: Instant,
    takes: Duration,
    asked: Mutex<Vec<(u64, String)>>,
    under_way: Mutex<(usize, usize)>,
}

impl Probe for Arc<Fake> {
    async fn probe(&self, _: &Job, target: &Target, pop: Pop) -> Seen {
        let second = self.start.elapsed().as_secs();
        self.asked.lock().unwrap().push((second, format!("{}@{pop}", target.name)));
        assert_ne!(&*target.name, "panics", "as the test wants it");
        {
            let (now, most) = &mut *self.under_way.lock().unwrap();
            *now += 1;
            *most = (*most).max(*now);
        }
        sleep(self.takes).await;
        self.under_way.lock().unwrap().0 -= 1;
        (Outcome::pass(200, self.takes), None)
    }
}

/// A roster with a fake probe, and the other end of its reports.
struct World {
    fake: Arc<Fake>,
    roster: Roster<Arc<Fake>>,
    stats: Arc<Stats>,
    reports: mpsc::Receiver<Event>,
}

impl World {
    fn new(takes: Duration) -> World {
        let start = Instant::now();
        let (asked, under_way) = (Mutex::default(), Mutex::default());
        let fake = Arc::new(Fake { start, takes, asked, under_way });
        let (events, reports) = mpsc::channel(10_000);
        let stats = Arc::new(Stats::new());
        // The first target of every job is about to change.
        let pending = Box::new(|_: &Job, place: usize, _| place == 0);
        let crew = Crew::new(Arc::clone(&fake), events, Arc::clone(&stats), pending);
        World { fake, roster: Roster::new(crew), stats, reports }
    }

    fn apply(&mut self, jobs: &[&Arc<Job>], unknown: &[usize]) {
        let jobs = Arc::new(jobs.iter().map(|job| Arc::clone(job)).collect());
        self.roster.apply(&jobs, |_| unknown.to_vec());
    }

    /// Everything asked up to just before this second, in order.
    async fn asked_until(&self, second: u32) -> Vec<(u64, String)> {
        sleep_until(self.fake.start + second * SECOND - SECOND / 1000).await;
        let mut asked = self.fake.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }

    fn counts(&self, pool: u8) -> Option<Counts> {
        let all = self.stats.read().into_iter();
        all.filter(|(labels, _)| labels.pool == PoolId::new([pool; 16])).map(|(_, c)| c).next()
    }
}

/// Probed every ten seconds, counted from now.
fn job(pool: u8, targets: &[&str], observers: &[&str]) -> Arc<Job> {
    let target = |(key, name): (usize, &&str)| Target {
        key: key as u64,
        name: (*name).into(),
        address: Address::Ip([192, 0, 2, 1].into()),
        port: 0,
        host: None,
        upstream: None,
    };
    let phase = clock::moment(Instant::now().into_std());
    Arc::new(Job {
        pool: PoolId::new([pool; 16]),
        slot: None,
        pool_name: "pool".into(),
        monitor: Arc::new(monitor()),
        targets: targets.iter().enumerate().map(target).collect(),
        observers: observers.iter().map(|pop| pop.parse().unwrap()).collect(),
        schedule: Schedule::new(phase, 10 * SECOND, Thresholds::new(0, 0)),
    })
}

fn monitor() -> Monitor {
    Monitor {
        id: MonitorId::new([9; 16]),
        probe: Recipe {
            kind: MonitorType::Tcp,
            method: "connection_established".into(),
            path: String::new(),
            port: 80,
            header: Default::default(),
            expected_codes: ExpectedCodes::none(),
            expected_body: String::new(),
            follow_redirects: false,
            allow_insecure: false,
            probe_zone: None,
            extension: None,
        },
        pace: Pace::default(),
        description: String::new(),
        created_on: Timestamp::from_micros(0),
        modified_on: Timestamp::from_micros(0),
    }
}

fn seen(list: &[(u64, &str)]) -> Vec<(u64, String)> {
    list.iter().map(|&(at, what)| (at, what.to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn every_target_is_probed_from_every_observer_at_every_tick() {
    let mut world = World::new(SECOND / 4);
    world.apply(&[&job(1, &["a", "b"], &["FRA", "IAD"])], &[]);
    let tick = ["a@FRA", "a@IAD", "b@FRA", "b@IAD"];
    let want: Vec<_> = [10, 20].iter().flat_map(|&at| tick.map(|what| (at, what))).collect();
    assert_eq!(world.asked_until(30).await, seen(&want));

    let mut reports = Vec::new();
    while let Ok(Event::Report(report)) = world.reports.try_recv() {
        reports.push(report);
    }
    assert_eq!(reports.len(), 8);
    let at = clock::moment((world.fake.start + 10 * SECOND + SECOND / 4).into_std());
    let outcome = Outcome::pass(200, SECOND / 4);
    let pop = FRA.parse().unwrap();
    let (pool, monitor) = (PoolId::new([1; 16]), monitor().id);
    let want = Report { pop, pool, endpoint: 1, monitor, outcome, evidence: None, at };
    assert!(reports.contains(&want), "{reports:?}");
}

#[tokio::test(start_paused = true)]
async fn targets_without_a_result_are_probed_within_a_second() {
    let mut world = World::new(SECOND / 1000);
    world.apply(&[&job(1, &["a", "b", "c"], &[FRA])], &[0, 2]);
    let first = seen(&[(0, "a@FRA"), (0, "c@FRA")]);
    assert_eq!(world.asked_until(10).await, first);
    let regular = seen(&[(10, "a@FRA"), (10, "b@FRA"), (10, "c@FRA")]);
    assert_eq!(world.asked_until(20).await, [first, regular].concat());
}

#[tokio::test(start_paused = true)]
async fn targets_about_to_change_are_probed_faster() {
    let mut world = World::new(SECOND / 1000);
    let job = job(1, &["a", "b"], &[FRA]);
    let schedule = Schedule { fast: Some(5 * SECOND), ..job.schedule };
    world.apply(&[&Arc::new(Job { schedule, ..Job::clone(&job) })], &[]);
    let want = [(5, "a@FRA"), (10, "a@FRA"), (10, "b@FRA"), (15, "a@FRA")];
    assert_eq!(world.asked_until(20).await, seen(&want));
}

#[tokio::test(start_paused = true)]
async fn a_large_pool_is_probed_in_turns() {
    let mut world = World::new(SECOND / 1000);
    let job = job(1, &["a", "b", "c"], &[FRA]);
    let schedule = job.schedule.in_turns(64);
    world.apply(&[&Arc::new(Job { schedule, ..Job::clone(&job) })], &[]);
    let want = [(5, "b@FRA"), (10, "a@FRA"), (10, "c@FRA"), (15, "b@FRA")];
    assert_eq!(world.asked_until(20).await, seen(&want));
}

#[tokio::test(start_paused = true)]
async fn probes_of_one_target_never_overlap_and_skipped_ticks_are_counted() {
    let mut world = World::new(25 * SECOND);
    world.apply(&[&job(1, &["a"], &[FRA])], &[]);
    assert_eq!(world.asked_until(50).await, seen(&[(10, "a@FRA"), (40, "a@FRA")]));
    assert_eq!(world.counts(1).unwrap().skipped, 2);
    assert_eq!(world.fake.under_way.lock().unwrap().1, 1);
}

#[tokio::test(start_paused = true)]
async fn probes_under_way_are_bounded_and_waiting_shows_as_lag() {
    let names: Vec<String> = (0..600).map(|n| format!("e{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::new(3 * SECOND);
    world.apply(&[&job(1, &names, &[FRA])], &[]);
    assert_eq!(world.asked_until(20).await.len(), 600);
    assert_eq!(world.fake.under_way.lock().unwrap().1, 512);
    let counts = world.counts(1).unwrap();
    assert_eq!((counts.passes, counts.lag, counts.skipped), (600, 3 * SECOND, 0));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_vanishes_stops_and_its_counters_go() {
    let mut world = World::new(SECOND / 4);
    let (gone, stays) = (job(1, &["a"], &[FRA]), job(2, &["b"], &[FRA]));
    world.apply(&[&gone, &stays], &[]);
    world.asked_until(15).await;
    assert_eq!(world.counts(1).unwrap().passes, 1);
    world.apply(&[&stays], &[]);
    let want = seen(&[(10, "a@FRA"), (10, "b@FRA"), (20, "b@FRA"), (30, "b@FRA")]);
    assert_eq!(world.asked_until(40).await, want);
    assert_eq!(world.counts(1), None);
    assert_eq!(world.counts(2).unwrap().passes, 3);
}

#[tokio::test(start_paused = true)]
async fn a_changed_job_starts_again_and_leaves_the_others_alone() {
    let mut world = World::new(5 * SECOND);
    let (before, other) = (job(1, &["a"], &[FRA]), job(2, &["b"], &[FRA]));
    let more =
        Job { targets: job(1, &["a", "new"], &[FRA]).targets.clone(), ..Job::clone(&before) };
    world.apply(&[&before, &other], &[]);
    world.asked_until(12).await;
    world.apply(&[&Arc::new(more), &Arc::new(Job::clone(&other))], &[1]);
    let want = seen(&[
        (10, "a@FRA"),
        (10, "b@FRA"),
        (12, "new@FRA"),
        (20, "a@FRA"),
        (20, "b@FRA"),
        (20, "new@FRA"),
    ]);
    let mut asked = world.asked_until(30).await;
    // The dice may put the new endpoint's first probe into the next second.
    asked.iter_mut().filter(|(at, _)| [11, 12].contains(at)).for_each(|(at, _)| *at = 12);
    assert_eq!(asked, want);
    // What the other job had under way at the change was not given up.
    assert_eq!(world.counts(2).unwrap().passes, 2);
    assert_eq!(world.counts(1).unwrap().passes, 3);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_costs_only_itself() {
    let mut world = World::new(SECOND / 4);
    world.apply(&[&job(1, &["a", "panics"], &[FRA])], &[]);
    let tick = |at| [(at, "a@FRA"), (at, "panics@FRA")];
    assert_eq!(world.asked_until(30).await, seen(&[tick(10), tick(20)].concat()));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_probed_after_the_end() {
    let mut world = World::new(SECOND / 4);
    world.apply(&[&job(1, &["a"], &[FRA])], &[]);
    world.asked_until(15).await;
    let (fake, mut reports) = (world.fake, world.reports);
    world.roster.stop().await;
    sleep(100 * SECOND).await;
    assert_eq!(*fake.asked.lock().unwrap(), seen(&[(10, "a@FRA")]));
    assert!(matches!(reports.recv().await, Some(Event::Report(_))));
    assert!(reports.recv().await.is_none(), "every task has let go of the channel");
}

#[test]
fn semantics_5_targets_are_known_when_every_observer_has_an_opinion_for_which_no_probe_is_overdue()
{
    let job = job_outside_a_runtime();
    let at = job.schedule.phase;
    let fail = Outcome::fail(FailureReason::TcpTimeout, 0, None);
    let unknown = Observation::unknown(at);
    let down = unknown.clone().after(fail, job.schedule.limits, at);
    let restored = |later| Observation { restored: true, seen: at + later, ..down.clone() };
    let endpoint = |observers: &[(&str, Observation)]| EndpointHealth {
        members: Box::new([MemberHealth::alone(
            Verdict::Unknown,
            observers.iter().map(|(pop, seen)| (pop.parse().unwrap(), seen.clone())).collect(),
        )]),
        ..EndpointHealth::unmonitored()
    };
    let endpoints = [
        endpoint(&[("FRA", down.clone()), ("IAD", down.clone())]),
        endpoint(&[("FRA", down.clone())]),
        endpoint(&[("FRA", down.clone()), ("IAD", unknown)]),
        endpoint(&[]),
        endpoint(&[("FRA", restored(SECOND)), ("IAD", restored(SECOND))]),
        endpoint(&[("FRA", restored(SECOND)), ("IAD", restored(Duration::ZERO))]),
    ];
    let probings = [Probing::alone(job.monitor.id, job.schedule)].into();
    let health = PoolHealth::new(endpoints.into(), [true; 6].into_iter(), 1, probings);
    let now = at + job.schedule.interval;
    assert_eq!(unknown_targets(&job, Some(&health), now), [1, 2, 3, 5]);
    assert_eq!(unknown_targets(&job, None, now), [0, 1, 2, 3, 4, 5]);
}

fn job_outside_a_runtime() -> Arc<Job> {
    job(1, &["a", "b", "c", "d", "e", "f"], &["FRA", "IAD"])
}
