//! Decisions worth keeping: a few by chance, and those whose trace id was asked for.
//!
//! A thread that answers copies two messages and goes on; whoever takes the samples makes each decision again.

use std::net::SocketAddr;
use std::sync::Arc;

use trimtab_dns::{Outcome, Transport};
use trimtab_live::{Allowance, Sampling, Snapshot, Wish};
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

/// One thread's share of it.
#[derive(Debug)]
pub(crate) struct Sampler {
    sampling: Option<Sampling<Sample>>,
    allowance: Allowance,
}

// === impl Sampler ===

impl Sampler {
    pub(crate) fn new(sampling: Option<Sampling<Sample>>) -> Sampler {
        Sampler { sampling, allowance: Allowance::default() }
    }

    /// Whether the decision is worth keeping. Every answer asks.
    #[inline]
    pub(crate) fn wants(&self, outcome: &Outcome, dice: u64) -> bool {
        let Some(sampling) = &self.sampling else { return false };
        let Outcome::Reply { facts, .. } = outcome else { return false };
        facts.steered.is_some() && (facts.traced || sampling.falls_on(dice))
    }

    /// Never waits; what is too much is not kept.
    #[cold]
    pub(crate) fn take(&mut self, sample: Sample, outcome: &Outcome) {
        let Some(sampling) = &self.sampling else { return };
        let wish = match outcome {
            Outcome::Reply { facts, .. } if facts.traced => Wish::AskedFor,
            Outcome::Reply { .. } | Outcome::Drop(_) => Wish::ByChance,
        };
        if self.allowance.allows(wish, sample.now) {
            // What nobody takes is counted there.
            let _is_sent = sampling.send(sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

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
            checks: Arc::default(),
            fed: Arc::default(),
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
        let sampler = Sampler::new(Some(Sampling::new(to, 1, Arc::default())));
        let plain = Outcome::Reply { len: 12, facts: Facts::default() };
        let traced = Outcome::Reply { len: 12, facts: Facts { traced: true, ..Facts::default() } };
        for outcome in [plain, traced, Outcome::Drop(DropReason::NoHeader)] {
            assert!(!sampler.wants(&outcome, 0), "{outcome:?}");
        }
    }

    #[test]
    fn a_thread_keeps_so_many_a_second_and_counts_what_nobody_takes() {
        let (to, mut taken) = mpsc::channel(100);
        let lost = Arc::<AtomicU64>::default();
        let mut sampler = Sampler::new(Some(Sampling::new(to, 1, Arc::clone(&lost))));
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
