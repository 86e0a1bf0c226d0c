//! The tasks that probe: they follow the snapshot's jobs and report what they see.
//!
//! Tasks, each owned by the one above it and gone when that one is:
//! - one that follows the snapshot ([`Prober`]);
//! - one per job, which waits for its ticks ([`roster`]);
//! - one per probe under way, at most one for each target and observer ([`crew`]).

mod crew;
mod roster;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use trimtab_health::{Evidence, Observation, Outcome, PoolHealth, State};
use trimtab_live::{Cell, Event, Job, Snapshot, Target};
use trimtab_model::{Moment, Pop};

use self::crew::{Crew, Pending};
use self::roster::Roster;
use crate::{Check, Stats, Uplinks, check};

/// A simulated way from an observer to an endpoint, added to the time to connect.
pub type Simulate = Arc<dyn Fn(Pop, &Target) -> Duration + Send + Sync>;

/// How to probe, beside what the jobs say.
#[derive(Clone, Default)]
pub struct Settings {
    pub simulate: Option<Simulate>,
}

/// Probes until it is stopped or dropped.
#[derive(Debug)]
pub struct Prober {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    stats: Arc<Stats>,
}

/// What a tick does to each target; tests have their own.
trait Probe: Send + Sync + 'static {
    fn probe(&self, job: &Job, target: &Target, pop: Pop) -> impl Future<Output = Seen> + Send;
}

/// How a probe ended, and what there is to show for it if it failed.
type Seen = (Outcome, Option<Arc<Evidence>>);

/// Real probes over the network.
struct Network {
    uplinks: Uplinks,
    simulate: Option<Simulate>,
}

// === impl Prober ===

impl Prober {
    /// Must be called on a runtime; the prober's tasks run there.
    pub fn start(
        cell: &Cell,
        events: mpsc::Sender<Event>,
        uplinks: Uplinks,
        settings: Settings,
    ) -> Prober {
        let stats = Arc::new(Stats::new());
        let network = Network { uplinks, simulate: settings.simulate };
        let crew = Crew::new(network, events, Arc::clone(&stats), pending_in(cell.clone()));
        let roster = Roster::new(crew);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(cell.clone(), roster, stopped));
        Prober { tasks, stop, stats }
    }

    /// For the scrape; counts on while the prober runs.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Gives up the probes under way: a restart begins with what was reported before.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            told(ended, "following the snapshot");
        }
    }
}

async fn follow<P: Probe>(cell: Cell, mut roster: Roster<P>, mut stopped: watch::Receiver<bool>) {
    let mut newer = cell.subscribe();
    loop {
        catch_up(&mut roster, &cell.load());
        tokio::select! {
            // An error is a prober that was dropped.
            _ = stopped.wait_for(|stop| *stop) => break,
            changed = newer.changed() => if changed.is_err() { break },
        }
    }
    roster.stop().await;
}

fn catch_up<P: Probe>(roster: &mut Roster<P>, snapshot: &Snapshot) {
    let now = crew::now();
    roster.apply(&snapshot.jobs, |job| unknown_targets(job, snapshot.health_of(job), now));
}

/// The places of the job's targets of which some observer has no opinion, or one that was due for a probe while
/// nobody probed.
fn unknown_targets(job: &Job, health: Option<&PoolHealth>, now: Moment) -> Vec<usize> {
    let is_overdue = |seen: &Observation| seen.restored && seen.seen + job.schedule.interval <= now;
    let known = |place: usize, pop: &Pop| {
        let seen = observation(job, health, place, *pop);
        seen.is_some_and(|seen| seen.state != State::Unknown && !is_overdue(seen))
    };
    let places = 0..job.targets.len();
    places.filter(|&place| !job.observers.iter().all(|pop| known(place, pop))).collect()
}

/// Looks into the snapshot of the moment.
fn pending_in(cell: Cell) -> Pending {
    Box::new(move |job, place, pop| {
        let snapshot = cell.load();
        let seen = observation(job, snapshot.health_of(job), place, pop);
        seen.is_some_and(|seen| seen.state.is_pending())
    })
}

/// What an observer believes of one of the job's targets; None before its first probe.
fn observation<'a>(
    job: &Job,
    health: Option<&'a PoolHealth>,
    place: usize,
    pop: Pop,
) -> Option<&'a Observation> {
    let health = health?;
    let member = health.probings.iter().position(|it| it.monitor == job.monitor.id)?;
    let seen = &health.endpoints.get(place)?.members.get(member)?.observers;
    seen.iter().find(|(observer, _)| *observer == pop).map(|(_, seen)| seen)
}

/// A task that panicked is a failed release; one that was aborted was meant to be.
fn told(ended: Result<(), JoinError>, doing: &'static str) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, doing, "a task of the prober panicked");
    }
}

// === impl Network ===

impl Probe for Network {
    async fn probe(&self, job: &Job, target: &Target, pop: Pop) -> Seen {
        let delay = self.simulate.as_ref().map_or(Duration::ZERO, |simulate| simulate(pop, target));
        let check = Check { monitor: &job.monitor, pool: job.pool, target, delay };
        let connector = self.uplinks.of(pop);
        let attempt = check::run(connector, &check).await;
        if let Err(error) = &attempt.result {
            tracing::debug!(
                error = error as &dyn std::error::Error,
                pool = %job.pool_name, origin = %target.name, %pop, tries = attempt.tries,
                "probe failed"
            );
        }
        (attempt.outcome(), attempt.evidence(&check, connector.source()).map(Arc::new))
    }
}

// === impl Settings ===

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("simulate", &self.simulate.is_some()).finish()
    }
}

#[cfg(test)]
mod tests;
