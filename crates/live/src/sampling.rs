//! Which decisions are worth keeping: a few by chance, and those that somebody asked for.
//!
//! Whoever answers copies what a decision was made of and goes on; whoever takes the samples makes each decision again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use trimtab_model::Moment;

/// Where samples go.
#[derive(Debug)]
pub struct Sampling<Sample> {
    to: Sender<Sample>,
    /// Dice below this are sampled.
    below: u64,
    lost: Arc<AtomicU64>,
}

/// Why a decision is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    ByChance,
    AskedFor,
}

/// What one thread may still take in this second.
#[derive(Debug, Default)]
pub struct Allowance {
    second: Moment,
    by_chance: u32,
    asked_for: u32,
}

/// Of one thread. Each costs about a millisecond of somebody else's time, so that keeping decisions stays a small
/// part of the work whatever the load.
const BY_CHANCE_PER_SECOND_MAX: u32 = 2;
/// More than people ask for.
const ASKED_PER_SECOND_MAX: u32 = 20;

// === impl Sampling ===

impl<Sample> Sampling<Sample> {
    /// One decision in `every` by chance; 0 takes only those that are asked for. Samples that nobody has room for are
    /// counted.
    pub fn new(to: Sender<Sample>, every: u32, lost: Arc<AtomicU64>) -> Sampling<Sample> {
        let below = u64::MAX.checked_div(every.into()).unwrap_or(0);
        Sampling { to, below, lost }
    }

    /// Whether chance takes the decision that was made with these dice.
    #[inline]
    pub fn falls_on(&self, dice: u64) -> bool {
        dice < self.below
    }

    /// Never waits. False when nobody takes it.
    pub fn send(&self, sample: Sample) -> bool {
        let is_sent = self.to.try_send(sample).is_ok();
        if !is_sent {
            self.lose();
        }
        is_sent
    }

    /// One that could not even be made.
    pub fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl<Sample> Clone for Sampling<Sample> {
    fn clone(&self) -> Sampling<Sample> {
        Sampling { to: self.to.clone(), below: self.below, lost: Arc::clone(&self.lost) }
    }
}

// === impl Allowance ===

impl Allowance {
    /// False for what is too much in one second; that is not kept, and is not lost either.
    pub fn allows(&mut self, wish: Wish, now: Moment) -> bool {
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            *self = Allowance { second: now, by_chance: 0, asked_for: 0 };
        }
        let (taken, most) = match wish {
            Wish::AskedFor => (&mut self.asked_for, ASKED_PER_SECOND_MAX),
            Wish::ByChance => (&mut self.by_chance, BY_CHANCE_PER_SECOND_MAX),
        };
        *taken = taken.saturating_add(1);
        *taken <= most
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn a_second_has_a_budget_for_each_wish() {
        let (mut allowance, start) = (Allowance::default(), Moment::from_nanos(1 << 40));
        let mut allowed = |millis, count, wish| {
            let now = start + Duration::from_millis(millis);
            (0..count).filter(|_| allowance.allows(wish, now)).count()
        };
        assert_eq!(allowed(0, 50, Wish::ByChance), 2);
        assert_eq!(allowed(500, 50, Wish::AskedFor), 20, "what is asked for has its own");
        assert_eq!(allowed(999, 5, Wish::ByChance), 0);
        assert_eq!(allowed(1000, 1, Wish::ByChance), 1);
    }

    #[test]
    fn chance_takes_one_in_so_many_and_none_of_0() {
        let check = |every, dice, want| {
            let sampling = Sampling::<()>::new(mpsc::channel(1).0, every, Arc::default());
            assert_eq!(sampling.falls_on(dice), want, "{every} {dice}");
        };
        check(0, 0, false);
        check(1, u64::MAX - 1, true);
        check(2, u64::MAX / 2 - 1, true);
        check(2, u64::MAX / 2, false);
    }

    #[test]
    fn what_nobody_takes_is_lost_and_counted() {
        let (to, mut taken) = mpsc::channel(1);
        let lost = Arc::<AtomicU64>::default();
        let sampling = Sampling::new(to, 1, Arc::clone(&lost));
        assert_eq!([1, 2].map(|sample| sampling.send(sample)), [true, false]);
        assert_eq!((taken.try_recv().ok(), lost.load(Ordering::Relaxed)), (Some(1), 1));
    }
}
