//! Counters of all probes, written by each probe without a lock and read at a scrape.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use trimtab_health::{FailureReason, Outcome, Passed};
use trimtab_model::{MonitorId, PoolId, Pop};

/// Upper bounds of the duration buckets, in microseconds; the last bucket has none. From a loopback
/// answer to the longest time limit, with more of them where real networks are.
pub const BUCKET_MICROS: [u64; 12] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// Which probes a set of counters is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels {
    pub monitor: MonitorId,
    pub pool: PoolId,
    pub pop: Pop,
}

/// The counters of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    pub passes: u64,
    /// By reason; those that never happened are left out.
    pub fails: Vec<(FailureReason, u64)>,
    /// Probes per bucket of [`BUCKET_MICROS`], not added up; the last is for everything longer.
    pub buckets: [u64; BUCKET_MICROS.len() + 1],
    /// The time of all probes together, retries and all.
    pub duration: Duration,
    /// How long after its tick the latest probe began.
    pub lag: Duration,
    /// Ticks at which a target's probe before was still under way.
    pub skipped: u64,
    pub since_last_pass: Option<Duration>,
}

/// All counters of a prober; one set per pool, monitor and observer that is probed now.
#[derive(Debug)]
pub struct Stats {
    series: Mutex<HashMap<Labels, Arc<Series>>>,
    started: Instant,
}

/// One set of counters, shared by the probes that write it.
#[derive(Debug)]
pub(crate) struct Series {
    passes: AtomicU64,
    fails: [AtomicU64; FailureReason::ALL.len()],
    buckets: [AtomicU64; BUCKET_MICROS.len() + 1],
    duration_micros: AtomicU64,
    lag_micros: AtomicU64,
    skipped: AtomicU64,
    /// Since `started`; 0 is never.
    last_pass_micros: AtomicU64,
    started: Instant,
}

// === impl Stats ===

impl Stats {
    pub(crate) fn new() -> Stats {
        Stats { series: Mutex::default(), started: Instant::now() }
    }

    /// In the order of the labels.
    pub fn read(&self) -> Vec<(Labels, Counts)> {
        let read = |(labels, series): (&Labels, &Arc<Series>)| (*labels, series.read());
        let mut all: Vec<_> = self.lock().iter().map(read).collect();
        all.sort_unstable_by_key(|(labels, _)| *labels);
        all
    }

    pub(crate) fn series(&self, labels: Labels) -> Arc<Series> {
        let new = || Arc::new(Series::new(self.started));
        Arc::clone(self.lock().entry(labels).or_insert_with(new))
    }

    /// What is no longer probed is no longer counted.
    pub(crate) fn keep_only(&self, probed: impl Fn(&Labels) -> bool) {
        self.lock().retain(|labels, _| probed(labels));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Labels, Arc<Series>>> {
        // Counters are never half-written, whatever panicked beside them.
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Series ===

impl Series {
    fn new(started: Instant) -> Series {
        Series {
            passes: AtomicU64::new(0),
            fails: std::array::from_fn(|_| AtomicU64::new(0)),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            duration_micros: AtomicU64::new(0),
            lag_micros: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            last_pass_micros: AtomicU64::new(0),
            started,
        }
    }

    pub(crate) fn began(&self, lag: Duration) {
        self.lag_micros.store(micros(lag), Relaxed);
    }

    pub(crate) fn skipped(&self) {
        self.skipped.fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self, outcome: &Outcome, took: Duration) {
        match outcome.passed {
            Passed::Pass => {
                self.passes.fetch_add(1, Relaxed);
                self.last_pass_micros.store(micros(self.started.elapsed()).max(1), Relaxed);
            }
            Passed::Fail => {
                let place = FailureReason::ALL.iter().position(|&reason| reason == outcome.reason);
                let count = place.and_then(|place| self.fails.get(place));
                count.into_iter().for_each(|count| {
                    count.fetch_add(1, Relaxed);
                });
            }
        }
        let took = micros(took);
        let place = BUCKET_MICROS.partition_point(|&bound| bound < took);
        self.buckets.get(place).into_iter().for_each(|count| {
            count.fetch_add(1, Relaxed);
        });
        self.duration_micros.fetch_add(took, Relaxed);
    }

    fn read(&self) -> Counts {
        let fails = FailureReason::ALL.iter().copied().zip(self.fails.each_ref());
        let fails = fails.map(|(reason, count)| (reason, count.load(Relaxed)));
        let last_pass = match self.last_pass_micros.load(Relaxed) {
            0 => None,
            at => Some(Duration::from_micros(at)),
        };
        Counts {
            passes: self.passes.load(Relaxed),
            fails: fails.filter(|&(_, count)| count != 0).collect(),
            buckets: self.buckets.each_ref().map(|count| count.load(Relaxed)),
            duration: Duration::from_micros(self.duration_micros.load(Relaxed)),
            lag: Duration::from_micros(self.lag_micros.load(Relaxed)),
            skipped: self.skipped.load(Relaxed),
            since_last_pass: last_pass.map(|at| self.started.elapsed().saturating_sub(at)),
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn counters_tell_what_happened() {
        let stats = Stats::new();
        let labels = Labels {
            monitor: MonitorId::new([1; 16]),
            pool: PoolId::new([2; 16]),
            pop: "FRA".parse().unwrap(),
        };
        let series = stats.series(labels);
        let ms = Duration::from_millis;
        advance(ms(100)).await;
        series.began(ms(3));
        series.ended(&Outcome::pass(200, ms(1)), ms(1));
        series.ended(&Outcome::fail(FailureReason::TcpTimeout, 0, None), ms(15_000));
        series.ended(&Outcome::fail(FailureReason::TcpTimeout, 0, None), ms(40));
        stats.series(labels).skipped();
        advance(ms(700)).await;
        let want = Counts {
            passes: 1,
            fails: vec![(FailureReason::TcpTimeout, 2)],
            buckets: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1],
            duration: ms(15_041),
            lag: ms(3),
            skipped: 1,
            since_last_pass: Some(ms(700)),
        };
        assert_eq!(stats.read(), [(labels, want)]);
        stats.keep_only(|_| false);
        assert_eq!(stats.read(), []);
    }
}
