//! One thread's own numbers, handed over about once a second so that the path of a query writes nothing shared.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use trimtab_dns::{Facts, Outcome, Rcode, Transport};
use trimtab_live::clock;
use trimtab_model::Moment;
use trimtab_net::udp::Served;

use crate::counters::{Counted, DecisionKey, Shared, TYPES};

/// A scrape is at most this far behind.
const HAND_OVER_EVERY: Duration = Duration::from_secs(1);
/// Different decisions counted between two hand-overs; more are handed over at once.
const DECISIONS_MAX: usize = 4096;
/// Decisions that are counted without a look into the table: a few balancers make most of them.
const RECENT: usize = 64;

pub(crate) struct Tally {
    shared: Arc<Shared>,
    counted: Counted,
    /// Counts that are not in the table yet, each in the place that its key has.
    recent: Box<[Option<(DecisionKey, u64)>; RECENT]>,
    decisions: HashMap<DecisionKey, u64, RandomState>,
    handed_over: Moment,
    told_of_failure: bool,
}

// === impl Tally ===

impl Tally {
    pub(crate) fn new(shared: Arc<Shared>) -> Tally {
        Tally {
            shared,
            counted: Counted::default(),
            recent: Box::new([None; RECENT]),
            decisions: HashMap::default(),
            handed_over: clock::now(),
            told_of_failure: false,
        }
    }

    pub(crate) fn answered(&mut self, over: Transport, outcome: &Outcome) {
        let [udp, tcp] = &mut self.counted.queries;
        one_more(match over {
            Transport::Udp => udp,
            Transport::Tcp => tcp,
        });
        match outcome {
            Outcome::Reply { facts, .. } => self.replied(facts),
            Outcome::Drop(_) => one_more(&mut self.counted.dropped),
        }
    }

    pub(crate) fn served(&mut self, served: &Served) {
        let failed = u64::try_from(served.failed).unwrap_or(u64::MAX);
        self.counted.send_failed = self.counted.send_failed.saturating_add(failed);
        if let (Some(failure), false) = (served.failure, self.told_of_failure) {
            self.told_of_failure = true;
            tracing::warn!(%failure, "an answer could not be sent; further ones are only counted");
        }
    }

    pub(crate) fn receive_failed(&mut self, error: &io::Error) {
        one_more(&mut self.counted.receive_failed);
        if !self.told_of_failure {
            self.told_of_failure = true;
            tracing::error!(%error, "queries cannot be received; further failures are only counted");
        }
        // Whatever it is, it must not turn the thread into a busy loop.
        std::thread::sleep(Duration::from_millis(10));
    }

    pub(crate) fn panicked(&mut self) {
        self.shared.panicked();
    }

    /// Called once a batch with the batch's own clock reading.
    pub(crate) fn tick(&mut self, now: Moment) {
        let due = now.saturating_duration_since(self.handed_over) >= HAND_OVER_EVERY;
        if due || self.decisions.len() >= DECISIONS_MAX {
            self.handed_over = now;
            self.flush();
        }
    }

    pub(crate) fn flush(&mut self) {
        for (key, count) in self.recent.iter_mut().filter_map(Option::take) {
            add(&mut self.decisions, key, count);
        }
        self.counted.decisions.extend(self.decisions.drain());
        if self.counted != Counted::default() {
            self.shared.hand_over(&self.counted);
            self.counted = Counted::default();
        }
    }

    fn replied(&mut self, facts: &Facts) {
        let rcode = Rcode::ALL.iter().position(|&rcode| rcode == facts.rcode);
        if let Some(count) = rcode.and_then(|index| self.counted.by_rcode.get_mut(index)) {
            one_more(count);
        }
        let kind =
            facts.qtype.and_then(|qtype| TYPES.iter().position(|&(number, _)| number == qtype));
        if let Some(count) = self.counted.by_type.get_mut(kind.unwrap_or(TYPES.len())) {
            one_more(count);
        }
        let flags = [
            (&mut self.counted.with_subnet, facts.subnet),
            (&mut self.counted.truncated, facts.truncated),
        ];
        for (count, true_here) in flags {
            *count = count.saturating_add(true_here.into());
        }
        if let Some(steered) = facts.steered {
            let key = DecisionKey {
                balancer: steered.balancer,
                pool: steered.why.pool,
                policy: steered.why.policy,
                chosen: steered.why.chosen,
            };
            self.decided(key);
        }
    }

    fn decided(&mut self, key: DecisionKey) {
        let Some(place) = self.recent.get_mut(place_of(&key)) else { return };
        match place {
            Some((known, count)) if *known == key => one_more(count),
            _ => {
                if let Some((other, count)) = place.replace((key, 1)) {
                    add(&mut self.decisions, other, count);
                }
            }
        }
    }
}

/// Pools of one balancer have neighbouring slots, and so do balancers.
fn place_of(key: &DecisionKey) -> usize {
    let pool = key.pool.map_or(0, |slot| slot.0);
    (key.balancer.0.wrapping_mul(7).wrapping_add(pool) as usize) % RECENT
}

fn add(decisions: &mut HashMap<DecisionKey, u64, RandomState>, key: DecisionKey, count: u64) {
    let sum = decisions.entry(key).or_default();
    *sum = sum.saturating_add(count);
}

fn one_more(count: &mut u64) {
    *count = count.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use trimtab_model::balancer::SteeringPolicy;
    use trimtab_steer::why::PoolChoice;
    use trimtab_steer::{BalancerSlot, PoolSlot};

    use super::*;

    #[test]
    fn decisions_that_share_a_place_are_counted_apart_and_none_is_lost() {
        let shared = Arc::new(Shared::default());
        let mut tally = Tally::new(Arc::clone(&shared));
        let key = |balancer, pool, chosen| DecisionKey {
            balancer: BalancerSlot(balancer),
            pool: Some(PoolSlot(pool)),
            policy: SteeringPolicy::Off,
            chosen,
        };
        let first = PoolChoice::FirstUsable;
        let keys = [
            (key(0, 5, first), 3),
            (key(0, 5 + RECENT as u32, first), 2),
            (key(0, 5, PoolChoice::Fallback), 4),
            (key(9, 1, first), 1),
        ];
        for round in 0..4 {
            for &(key, _) in keys.iter().filter(|(_, times)| round < *times) {
                tally.decided(key);
            }
            if round == 1 {
                tally.flush();
            }
        }
        tally.flush();
        assert_eq!(shared.read().decisions, keys.into_iter().collect());
    }
}
