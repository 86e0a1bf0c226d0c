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

use crate::counters::{AnswerKey, Counted, DecisionKey, Shared, TYPES};

/// A scrape is at most this far behind.
const HAND_OVER_EVERY: Duration = Duration::from_secs(1);
/// Different answers counted between two hand-overs; more are handed over at once.
const ANSWERS_MAX: usize = 4096;
/// Answers that are counted without a look into the table: a few balancers make most of them. A power of two.
const RECENT: usize = 128;
/// Bits of a place's number beyond those that number the places.
const SPARE_BITS: u32 = u64::BITS - RECENT.ilog2();

pub(crate) struct Tally {
    shared: Arc<Shared>,
    counted: Counted,
    /// Counts that are not in the table yet, each in the place that its key has.
    recent: Box<[Option<Recent>; RECENT]>,
    answers: HashMap<AnswerKey, u64, RandomState>,
    handed_over: Moment,
    told_of_failure: bool,
}

#[derive(Clone, Copy)]
struct Recent {
    /// The key as one number: all of it is compared at once.
    number: u128,
    key: AnswerKey,
    count: u64,
}

// === impl Tally ===

impl Tally {
    pub(crate) fn new(shared: Arc<Shared>) -> Tally {
        Tally {
            shared,
            counted: Counted::default(),
            recent: Box::new([None; RECENT]),
            answers: HashMap::default(),
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

    /// Counts of a batch what nobody was asked to answer, and what could not be sent.
    pub(crate) fn served(&mut self, served: &Served) {
        let Counted { queries: [udp, _], dropped, send_failed, .. } = &mut self.counted;
        let sums =
            [(udp, served.discarded), (dropped, served.discarded), (send_failed, served.failed)];
        for (sum, part) in sums {
            *sum = sum.saturating_add(u64::try_from(part).unwrap_or(u64::MAX));
        }
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
        if due || self.answers.len() >= ANSWERS_MAX {
            self.handed_over = now;
            self.flush();
        }
    }

    pub(crate) fn flush(&mut self) {
        for Recent { key, count, .. } in self.recent.iter_mut().filter_map(Option::take) {
            add(&mut self.answers, key, count);
        }
        for (key, count) in &self.answers {
            let sum = self.counted.decisions.entry(key.decision).or_default();
            *sum = sum.saturating_add(*count);
        }
        if !self.answers.is_empty() {
            self.shared.hand_over_draws(self.answers.drain());
        }
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
            let decision = DecisionKey {
                balancer: steered.balancer,
                pool: steered.why.pool,
                policy: steered.why.policy,
                chosen: steered.why.chosen,
            };
            self.decided(AnswerKey { decision, epoch: steered.epoch, first: steered.first });
        }
    }

    #[inline]
    fn decided(&mut self, key: AnswerKey) {
        let number = key.number();
        match self.recent.get_mut(place_of(number)) {
            Some(Some(known)) if known.number == number => one_more(&mut known.count),
            _ => self.begin_to_count(number, key),
        }
    }

    /// What had the place goes to the table.
    #[cold]
    fn begin_to_count(&mut self, number: u128, key: AnswerKey) {
        let Some(place) = self.recent.get_mut(place_of(number)) else { return };
        if let Some(Recent { key, count, .. }) = place.replace(Recent { number, key, count: 1 }) {
            add(&mut self.answers, key, count);
        }
    }
}

/// Balancers, pools and endpoints are small numbers, and those in use at a time are neighbours. Each of the three has
/// its half or its middle of a factor; these were searched for, so that neighbours lie far from each other.
fn place_of(number: u128) -> usize {
    let [who, what] = [(number >> 64) as u64, number as u64];
    let spread = who.wrapping_mul(0xFDBB_37B9_D4E4_DB03);
    let spread = spread.wrapping_add(what.wrapping_mul(0x4A94_5555_0001));
    (spread >> SPARE_BITS) as usize
}

fn add(answers: &mut HashMap<AnswerKey, u64, RandomState>, key: AnswerKey, count: u64) {
    let sum = answers.entry(key).or_default();
    *sum = sum.saturating_add(count);
}

fn one_more(count: &mut u64) {
    *count = count.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use trimtab_model::balancer::SteeringPolicy;
    use trimtab_steer::split::{Drawn, Draws};
    use trimtab_steer::why::PoolChoice;
    use trimtab_steer::{BalancerSlot, PoolSlot};

    use super::*;

    const FIRST: PoolChoice = PoolChoice::FirstUsable;

    fn key(balancer: u32, pool: u32, chosen: PoolChoice, epoch: u32, first: u16) -> AnswerKey {
        let decision = DecisionKey {
            balancer: BalancerSlot(balancer),
            pool: Some(PoolSlot(pool)),
            policy: SteeringPolicy::Off,
            chosen,
        };
        AnswerKey { decision, epoch, first: Some(first) }
    }

    fn place(key: &AnswerKey) -> usize {
        place_of(key.number())
    }

    /// Counts each key so often, in turns, with a hand-over in between.
    fn tallied(keys: &[(AnswerKey, u64)]) -> Arc<Shared> {
        let shared = Arc::new(Shared::default());
        let mut tally = Tally::new(Arc::clone(&shared));
        let rounds = keys.iter().map(|(_, times)| *times).max().unwrap_or(0);
        for round in 0..rounds {
            for &(key, _) in keys.iter().filter(|(_, times)| round < *times) {
                tally.decided(key);
            }
            if round == 1 {
                tally.flush();
            }
        }
        tally.flush();
        shared
    }

    #[test]
    fn answers_that_share_a_place_are_counted_apart_and_none_is_lost() {
        let same = (0..).map(|pool| key(0, pool, FIRST, 1, 0));
        let mut same = same.filter(|other| place(other) == place(&key(0, 5, FIRST, 1, 0)));
        let keys = [
            (same.next().unwrap(), 3),
            (same.next().unwrap(), 2),
            (key(0, 5, PoolChoice::Fallback, 1, 0), 4),
            (key(9, 1, FIRST, 1, 0), 1),
        ];
        let want: HashMap<DecisionKey, u64> =
            keys.iter().map(|(key, times)| (key.decision, *times)).collect();
        assert_eq!(want.len(), keys.len());
        assert_eq!(tallied(&keys).read().decisions, want);
    }

    #[test]
    fn decisions_are_one_sum_whatever_epoch_and_endpoint_but_draws_are_of_the_newest_epoch() {
        let shared = tallied(&[
            (key(0, 5, FIRST, 1, 0), 4),
            (key(0, 5, FIRST, 1, 1), 3),
            (key(0, 5, FIRST, 2, 1), 2),
            (key(0, 5, PoolChoice::Fallback, 2, 1), 6),
            (key(1, 5, FIRST, 1, 0), 1),
        ]);
        let decisions = [
            (key(0, 5, FIRST, 0, 0).decision, 9),
            (key(0, 5, PoolChoice::Fallback, 0, 0).decision, 6),
            (key(1, 5, FIRST, 0, 0).decision, 1),
        ];
        assert_eq!(shared.read().decisions, decisions.into_iter().collect());
        let drawn = |endpoint| Drawn { pool: Some(PoolSlot(5)), endpoint: Some(endpoint) };
        let draws =
            |epoch, endpoint, count| Draws { epoch, counts: [(drawn(endpoint), count)].into() };
        assert_eq!(shared.draws(BalancerSlot(0)), Some(draws(2, 1, 8)));
        assert_eq!(shared.draws(BalancerSlot(1)), Some(draws(1, 0, 1)));
        assert_eq!(shared.draws(BalancerSlot(2)), None);
    }

    #[test]
    fn what_was_too_long_to_be_looked_at_counts_as_received_and_dropped() {
        let shared = Arc::new(Shared::default());
        let mut tally = Tally::new(Arc::clone(&shared));
        tally.served(&Served { sent: 4, discarded: 3, failed: 2, ..Served::default() });
        tally.flush();
        let want = Counted { queries: [3, 0], dropped: 3, send_failed: 2, ..Counted::default() };
        assert_eq!(shared.read(), want);
    }

    #[test]
    fn neighbours_have_places_of_their_own() {
        let keys = |balancers: u32, pools: u32, endpoints: u16| {
            let pools = (0..balancers * pools).map(move |pool| (pool / pools, pool));
            let keys = pools.flat_map(|(b, pool)| {
                (0..endpoints).map(move |first| key(b, pool, FIRST, 1, first))
            });
            keys.map(|key| place(&key)).collect::<Vec<_>>()
        };
        let check = |balancers, pools, endpoints, shared_max: usize| {
            let places = keys(balancers, pools, endpoints);
            let distinct: std::collections::HashSet<_> = places.iter().collect();
            let shared = places.len() - distinct.len();
            assert!(shared <= shared_max, "{balancers} × {pools} × {endpoints}: {shared} shared");
        };
        check(1, 1, 100, 0);
        check(1, 6, 8, 1);
        check(1, 4, 20, 0);
        check(5, 2, 4, 0);
        check(40, 2, 1, 0);
        check(30, 1, 1, 0);
    }
}
