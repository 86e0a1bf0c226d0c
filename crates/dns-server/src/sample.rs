//! Decisions worth keeping: a few by chance, and those whose trace id was asked for.
//!
//! A thread that answers copies two messages and goes on; whoever takes the samples makes each decision again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use trimtab_dns::{Outcome, Transport};
use trimtab_live::Snapshot;
use trimtab_model::Moment;

/// One answered query, with all that its answer was made of.
#[derive(Debug)]
pub struct Sample {
    pub snapshot: Arc<Snapshot>,
    pub now: Moment,
    /// The dice of the decision, and its trace id.
    pub dice: u64,
    pub from: SocketAddr,
    pub via: Transport,
    pub query: Box<[u8]>,
    pub reply: Box<[u8]>,
}

/// Where samples go.
#[derive(Clone, Debug)]
pub struct Sampling {
    to: Sender<Sample>,
    /// Dice below this are sampled.
    below: u64,
    lost: Arc<AtomicU64>,
}

/// One thread's share of it.
#[derive(Debug)]
pub(crate) struct Sampler {
    sampling: Option<Sampling>,
    second: Moment,
    /// Taken in this second.
    by_chance: u32,
    asked_for: u32,
}

/// Of one thread. Each costs about a millisecond of somebody else's time, so that keeping decisions stays a small
/// part of the work whatever the load.
const BY_CHANCE_PER_SECOND_MAX: u32 = 2;
/// More than people ask for.
const ASKED_PER_SECOND_MAX: u32 = 20;

// === impl Sampling ===

impl Sampling {
    /// One decision in `every` by chance; 0 takes only those that are asked for.
    pub fn new(to: Sender<Sample>, every: u32) -> Sampling {
        let below = u64::MAX.checked_div(every.into()).unwrap_or(0);
        Sampling { to, below, lost: Arc::default() }
    }

    /// Samples that nobody had room for.
    pub fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }
}

// === impl Sampler ===

impl Sampler {
    pub(crate) fn new(sampling: Option<Sampling>) -> Sampler {
        Sampler { sampling, second: Moment::default(), by_chance: 0, asked_for: 0 }
    }

    /// Whether the decision is worth keeping. Every answer asks.
    #[inline]
    pub(crate) fn wants(&self, outcome: &Outcome, dice: u64) -> bool {
        let Some(sampling) = &self.sampling else { return false };
        let Outcome::Reply { facts, .. } = outcome else { return false };
        facts.steered.is_some() && (facts.traced || dice < sampling.below)
    }

    /// Never waits; what is too much is not kept.
    #[cold]
    pub(crate) fn take(&mut self, sample: Sample, outcome: &Outcome) {
        let Some(sampling) = &self.sampling else { return };
        if sample.now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            (self.second, self.by_chance, self.asked_for) = (sample.now, 0, 0);
        }
        let asked = matches!(outcome, Outcome::Reply { facts, .. } if facts.traced);
        let (taken, most) = match asked {
            true => (&mut self.asked_for, ASKED_PER_SECOND_MAX),
            false => (&mut self.by_chance, BY_CHANCE_PER_SECOND_MAX),
        };
        *taken = taken.saturating_add(1);
        if *taken > most {
            return;
        }
        if sampling.to.try_send(sample).is_err() {
            sampling.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use trimtab_dns::{DropReason, Facts, Node, Seed, Zones};
    use trimtab_geo::Builder;
    use trimtab_steer::{Site, World};

    use super::*;

    fn snapshot() -> Arc<Snapshot> {
        Arc::new(Snapshot {
            generation: 1,
            revision: 1,
            zones: Arc::new(Zones::new(Seed(1))),
            world: World {
                pools: Arc::default(),
                balancers: Arc::default(),
                geo: Arc::new(Builder::empty().unwrap().build()),
                site: Site::at("FRA".parse().unwrap()).unwrap(),
                epochs: Arc::default(),
            },
            node: Arc::new(Node::new()),
            jobs: Arc::default(),
            hosts: Arc::default(),
            certificates: Arc::default(),
            affinity_keys: Arc::default(),
            routes: Arc::default(),
            loads: Arc::default(),
        })
    }

    fn sample(snapshot: &Arc<Snapshot>, now: Moment) -> Sample {
        Sample {
            snapshot: Arc::clone(snapshot),
            now,
            dice: 1,
            from: ([192, 0, 2, 1], 53).into(),
            via: Transport::Udp,
            query: Box::new([]),
            reply: Box::new([]),
        }
    }

    #[test]
    fn what_is_not_decided_is_not_sampled() {
        let (to, _taken) = mpsc::channel(1);
        let sampler = Sampler::new(Some(Sampling::new(to, 1)));
        let plain = Outcome::Reply { len: 12, facts: Facts::default() };
        let traced = Outcome::Reply { len: 12, facts: Facts { traced: true, ..Facts::default() } };
        for outcome in [plain, traced, Outcome::Drop(DropReason::NoHeader)] {
            assert!(!sampler.wants(&outcome, 0), "{outcome:?}");
        }
    }

    #[test]
    fn a_thread_keeps_so_many_a_second_and_counts_what_nobody_takes() {
        let (to, mut taken) = mpsc::channel(100);
        let sampling = Sampling::new(to, 1);
        let (lost, mut sampler) = (sampling.lost(), Sampler::new(Some(sampling)));
        let (snapshot, start) = (snapshot(), Moment::from_nanos(1 << 40));
        let of = |traced| Outcome::Reply { len: 12, facts: Facts { traced, ..Facts::default() } };
        let mut kept = |millis, count, traced| {
            for _ in 0..count {
                let now = start + Duration::from_millis(millis);
                sampler.take(sample(&snapshot, now), &of(traced));
            }
            std::iter::from_fn(|| taken.try_recv().ok()).count()
        };
        assert_eq!(kept(0, 50, false), 2);
        assert_eq!(kept(500, 50, true), 20, "what is asked for has a budget of its own");
        assert_eq!(kept(999, 5, false), 0);
        assert_eq!(kept(1000, 1, false), 1);
        assert_eq!(lost.load(Ordering::Relaxed), 0, "what is too much is not lost");
        drop(taken);
        sampler.take(sample(&snapshot, start + Duration::from_secs(9)), &of(false));
        assert_eq!(lost.load(Ordering::Relaxed), 1);
    }
}
