//! Which jobs run: one task each, replaced when the job changes.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinSet};
use trimtab_live::Job;
use trimtab_model::{MonitorId, PoolId};

use super::crew::Crew;
use super::{Probe, told};

pub(super) struct Roster<P> {
    crew: Arc<Crew<P>>,
    running: HashMap<Key, Running>,
    tasks: JoinSet<()>,
    /// The list that was applied last.
    applied: Option<Arc<Vec<Arc<Job>>>>,
}

type Key = (PoolId, MonitorId);

struct Running {
    job: Arc<Job>,
    task: AbortHandle,
}

// === impl Roster ===

impl<P: Probe> Roster<P> {
    pub(super) fn new(crew: Crew<P>) -> Roster<P> {
        let (running, tasks) = (HashMap::new(), JoinSet::new());
        Roster { crew: Arc::new(crew), running, tasks, applied: None }
    }

    /// Starts, replaces and ends tasks so that exactly these jobs run. `unknown` tells which of a
    /// job's targets have no result yet. Costs little when the
    /// jobs are those of last time, as they are while only health changes.
    pub(super) fn apply(
        &mut self,
        jobs: &Arc<Vec<Arc<Job>>>,
        unknown: impl Fn(&Job) -> Vec<usize>,
    ) {
        self.reap();
        if self.applied.as_ref().is_some_and(|applied| same(applied, jobs)) {
            return;
        }
        let mut before = std::mem::take(&mut self.running);
        for job in jobs.iter() {
            let running = match before.remove(&key(job)) {
                Some(running) if running.job == *job => running,
                Some(changed) => {
                    changed.task.abort();
                    self.start(job, unknown(job))
                }
                None => self.start(job, unknown(job)),
            };
            self.running.insert(key(job), running);
        }
        before.into_values().for_each(|gone| gone.task.abort());
        self.crew.stats().keep_only(|labels| {
            let running = self.running.get(&(labels.pool, labels.monitor));
            running.is_some_and(|running| running.job.observers.contains(&labels.pop))
        });
        self.applied = Some(Arc::clone(jobs));
    }

    pub(super) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    fn start(&mut self, job: &Arc<Job>, unknown: Vec<usize>) -> Running {
        let task = self.tasks.spawn(Arc::clone(&self.crew).run(Arc::clone(job), unknown));
        Running { job: Arc::clone(job), task }
    }

    /// A job whose task panicked starts again with the next list of jobs, whatever is on it.
    fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            if ended.as_ref().is_err_and(|error| error.is_panic()) {
                self.running.retain(|_, running| !running.task.is_finished());
                self.applied = None;
            }
            told(ended, "waiting for a job's ticks");
        }
    }
}

fn same(some: &[Arc<Job>], others: &[Arc<Job>]) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|(one, other)| Arc::ptr_eq(one, other))
}

fn key(job: &Job) -> Key {
    (job.pool, job.monitor.id)
}
