//! What a name server counts. Each thread writes its own; a scrape adds them up.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use trimtab_dns::Rcode;
use trimtab_model::balancer::SteeringPolicy;
use trimtab_steer::split::{Drawn, Draws};
use trimtab_steer::why::PoolChoice;
use trimtab_steer::{BalancerSlot, PoolSlot};

/// Types that are counted by name; the rest are "other".
pub const TYPES: [(u16, &str); 11] = [
    (1, "A"),
    (28, "AAAA"),
    (5, "CNAME"),
    (15, "MX"),
    (16, "TXT"),
    (2, "NS"),
    (6, "SOA"),
    (33, "SRV"),
    (65, "HTTPS"),
    (12, "PTR"),
    (257, "CAA"),
];

/// Which decisions are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionKey {
    pub balancer: BalancerSlot,
    pub pool: Option<PoolSlot>,
    pub policy: SteeringPolicy,
    pub chosen: PoolChoice,
}

/// Which answers are counted together while a thread counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerKey {
    pub(crate) decision: DecisionKey,
    /// The number of the balancer's epoch.
    pub(crate) epoch: u32,
    /// Index of the endpoint that came first.
    pub(crate) first: Option<u16>,
}

/// The sums of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// UDP, then TCP.
    pub queries: [u64; 2],
    pub by_rcode: [u64; Rcode::ALL.len()],
    /// In the order of [`TYPES`], then all others.
    pub by_type: [u64; TYPES.len() + 1],
    pub with_subnet: u64,
    pub truncated: u64,
    pub dropped: u64,
    pub send_failed: u64,
    pub receive_failed: u64,
    pub panics: u64,
    pub decisions: HashMap<DecisionKey, u64>,
}

/// One thread's counters: it writes plain numbers of its own and hands them over now and then.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    handed_over: Mutex<Counted>,
    /// Of each balancer's newest epoch. Apart from the sums: who wants those need not copy these.
    draws: Mutex<HashMap<BalancerSlot, Draws>>,
    panics: AtomicU64,
}

// === impl DecisionKey ===

impl Hash for DecisionKey {
    /// One write for what every steered answer hashes. How the pool was found is left to `==`.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let pool = self.pool.map_or(u32::MAX, |slot| slot.0);
        state.write_u64(u64::from(self.balancer.0) << 32 | u64::from(pool));
    }
}

// === impl AnswerKey ===

impl AnswerKey {
    /// Another number for every other key: balancer, pool, epoch, endpoint, and how the pool was found.
    #[inline]
    pub(crate) fn number(&self) -> u128 {
        let DecisionKey { balancer, pool, policy, chosen } = self.decision;
        let pool = pool.map_or(u32::MAX, |slot| slot.0);
        let who = u64::from(balancer.0) << 32 | u64::from(pool);
        let first = self.first.unwrap_or(u16::MAX);
        let how = u16::from_be_bytes([policy as u8, chosen as u8]);
        let what = u64::from(self.epoch) << 32 | u64::from(first) << 16 | u64::from(how);
        u128::from(who) << 64 | u128::from(what)
    }
}

impl Hash for AnswerKey {
    /// An epoch lasts far longer than a table does, so it is left to `==`.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.decision.hash(state);
        state.write_u16(self.first.unwrap_or(u16::MAX));
    }
}

// === impl Counted ===

impl Counted {
    pub(crate) fn sum(parts: impl Iterator<Item = Counted>) -> Counted {
        parts.fold(Counted::default(), |mut sum, part| {
            sum.add(&part);
            sum
        })
    }

    pub(crate) fn add(&mut self, other: &Counted) {
        add_all(&mut self.queries, &other.queries);
        add_all(&mut self.by_rcode, &other.by_rcode);
        add_all(&mut self.by_type, &other.by_type);
        for (sum, part) in [
            (&mut self.with_subnet, other.with_subnet),
            (&mut self.truncated, other.truncated),
            (&mut self.dropped, other.dropped),
            (&mut self.send_failed, other.send_failed),
            (&mut self.receive_failed, other.receive_failed),
            (&mut self.panics, other.panics),
        ] {
            *sum = sum.saturating_add(part);
        }
        for (key, count) in &other.decisions {
            let sum = self.decisions.entry(*key).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
}

fn add_all(sums: &mut [u64], parts: &[u64]) {
    for (sum, part) in sums.iter_mut().zip(parts) {
        *sum = sum.saturating_add(*part);
    }
}

// === impl Shared ===

impl Shared {
    pub(crate) fn hand_over(&self, counted: &Counted) {
        self.lock().add(counted);
    }

    /// Counts of epochs that are over are let go here, so that a table is as large as what is served.
    pub(crate) fn hand_over_draws(&self, answers: impl Iterator<Item = (AnswerKey, u64)>) {
        let mut draws = self.draws.lock().unwrap_or_else(PoisonError::into_inner);
        for (AnswerKey { decision, epoch, first }, count) in answers {
            let drawn = Drawn { pool: decision.pool, endpoint: first };
            draws.entry(decision.balancer).or_default().add_one(epoch, drawn, count);
        }
    }

    pub(crate) fn draws(&self, balancer: BalancerSlot) -> Option<Draws> {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).get(&balancer).cloned()
    }

    pub(crate) fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counted {
        let mut counted = self.lock().clone();
        counted.panics = counted.panics.saturating_add(self.panics.load(Ordering::Relaxed));
        counted
    }

    /// Sums are never left half-written, whatever panicked beside them.
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
