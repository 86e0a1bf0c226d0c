//! One job's ticks, and the probes that they set off.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use trimtab_live::{Event, Job, Report, clock};
use trimtab_model::{Moment, Pop};

use super::{Probe, told};
use crate::schedule::{Rhythm, Tick};
use crate::stats::{Labels, Series, Stats};

/// Probes with a connection open, of all jobs together: half of the 1024 descriptors that a process
/// may have by default. The rest waits, which shows as schedule lag.
const IN_FLIGHT_MAX: usize = 512;

/// What the tasks of all jobs share.
pub(super) struct Crew<P> {
    probe: P,
    events: mpsc::Sender<Event>,
    stats: Arc<Stats>,
    free: Semaphore,
    dice: RandomState,
    pending: Pending,
}

/// Whether what an observer believes of a job's target, named by its place, is about to change.
pub(super) type Pending = Box<dyn Fn(&Job, usize, Pop) -> bool + Send + Sync>;

/// One target seen by one observer.
#[derive(Clone)]
struct Slot {
    /// Place in the job's targets.
    target: usize,
    pop: Pop,
    series: Arc<Series>,
    /// Held while probing, so that no two probes overlap.
    turn: Arc<Mutex<()>>,
}

// === impl Crew ===

impl<P: Probe> Crew<P> {
    pub(super) fn new(
        probe: P,
        events: mpsc::Sender<Event>,
        stats: Arc<Stats>,
        pending: Pending,
    ) -> Crew<P> {
        let free = Semaphore::new(IN_FLIGHT_MAX);
        Crew { probe, events, stats, free, dice: RandomState::new(), pending }
    }

    pub(super) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Waits for the job's ticks and sets its probes off, for ever. `unknown` holds the places of
    /// the targets without a result, in rising order.
    pub(super) async fn run(self: Arc<Self>, job: Arc<Job>, unknown: Vec<usize>) {
        let slots = self.slots(&job);
        let mut rhythm = self.rhythm(&job, &unknown);
        let mut probes = JoinSet::new();
        loop {
            let (due, tick) = rhythm.next();
            sleep_until(clock::instant(due).into()).await;
            while let Some(ended) = probes.try_join_next() {
                told(ended, "probing an endpoint");
            }
            rhythm = rhythm.after(tick, now());
            let chosen = slots.iter().filter(|slot| match tick {
                Tick::FirstSight => unknown.binary_search(&slot.target).is_ok(),
                Tick::Regular => {
                    let hurries = job.schedule.fast.is_some();
                    let is_pending = hurries && (self.pending)(&job, slot.target, slot.pop);
                    job.schedule.is_due(slot.target, is_pending, due)
                }
            });
            for slot in chosen {
                match Arc::clone(&slot.turn).try_lock_owned() {
                    Ok(turn) => {
                        let (crew, job) = (Arc::clone(&self), Arc::clone(&job));
                        probes.spawn(crew.probe(job, slot.clone(), turn, due));
                    }
                    Err(_) => slot.series.skipped(),
                }
            }
        }
    }

    async fn probe(
        self: Arc<Self>,
        job: Arc<Job>,
        slot: Slot,
        turn: OwnedMutexGuard<()>,
        due: Moment,
    ) {
        let Some(target) = job.targets.get(slot.target) else { return };
        // Nobody closes the semaphore.
        let Ok(permit) = self.free.acquire().await else { return };
        let started = now();
        slot.series.began(started.saturating_duration_since(due));
        let (outcome, evidence) = self.probe.probe(&job, target, slot.pop).await;
        drop(permit);
        let at = now();
        slot.series.ended(&outcome, at.saturating_duration_since(started));
        let (pool, endpoint, monitor) = (job.pool, target.key, job.monitor.id);
        let report = Report { pop: slot.pop, pool, endpoint, monitor, outcome, evidence, at };
        if self.events.send(Event::Report(report)).await.is_err() {
            tracing::debug!("nobody takes reports any more");
        }
        drop(turn);
    }

    fn slots(&self, job: &Job) -> Vec<Slot> {
        let (monitor, pool) = (job.monitor.id, job.pool);
        let observers = job.observers.iter();
        let per_observer = observers.flat_map(|&pop| {
            let series = self.stats.series(Labels { monitor, pool, pop });
            (0..job.targets.len()).map(move |target| {
                let (series, turn) = (Arc::clone(&series), Arc::default());
                Slot { target, pop, series, turn }
            })
        });
        per_observer.collect()
    }

    fn rhythm(&self, job: &Job, unknown: &[usize]) -> Rhythm {
        let now = now();
        match unknown {
            [] => Rhythm::regular(job.schedule, now),
            [..] => Rhythm::first_sight(job.schedule, now, self.dice.hash_one(job.pool)),
        }
    }
}

/// tokio's clock, so that tests can turn it.
pub(super) fn now() -> Moment {
    clock::moment(tokio::time::Instant::now().into_std())
}
