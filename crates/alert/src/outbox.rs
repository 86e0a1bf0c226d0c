//! Who is sent what next: one message at a time to each destination, in the order in which they were made.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;
use trimtab_model::Timestamp;

use crate::parcel::{Destination, Parcel};
use crate::retry;

/// Messages that wait; what comes on top of them goes to the history unsent. All of them are in memory, with some
/// kilobytes each.
pub(crate) const PARCELS_MAX: usize = 2000;
/// Destinations that are spoken to at the same time.
const UNDER_WAY_MAX: usize = 16;

/// All parcels that the store has.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queues: BTreeMap<Destination, Queue>,
    under_way: usize,
}

#[derive(Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    /// The first one is being sent.
    is_under_way: bool,
    /// Of the first one, in a row.
    failures: u32,
    not_before: Option<Instant>,
}

// === impl Outbox ===

impl Outbox {
    pub(crate) fn put(&mut self, parcel: Parcel) {
        self.queues.entry(parcel.to.clone()).or_default().parcels.push_back(parcel);
    }

    pub(crate) fn has(&self, parcel: &Parcel) -> bool {
        let queue = self.queues.get(&parcel.to);
        queue.is_some_and(|queue| queue.parcels.iter().any(|known| known.id == parcel.id))
    }

    pub(crate) fn len(&self) -> usize {
        self.queues.values().map(|queue| queue.parcels.len()).sum()
    }

    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.queues.values().filter_map(|queue| queue.parcels.front()).map(|p| p.made).min()
    }

    /// Of those whose time has come, the one that was made first; it is under way from then on.
    pub(crate) fn begin(&mut self, now: Instant) -> Option<Parcel> {
        if self.under_way >= UNDER_WAY_MAX {
            return None;
        }
        let due = self.queues.values_mut().filter(|queue| queue.is_due(now));
        let queue = due.min_by_key(|queue| queue.parcels.front().map(|parcel| parcel.number))?;
        let parcel = queue.parcels.front()?.clone();
        queue.is_under_way = true;
        self.under_way += 1;
        Some(parcel)
    }

    /// When the next one is due that only waits; None when none does, or there is no room for more.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        let waiting = self.queues.values().filter(|q| !q.is_under_way && !q.parcels.is_empty());
        let at = waiting.filter_map(|queue| queue.not_before).min();
        at.filter(|_| self.under_way < UNDER_WAY_MAX)
    }

    /// Tries so far, the one that just ended included.
    pub(crate) fn attempts(&self, to: &Destination) -> u32 {
        self.queues.get(to).map_or(1, |queue| queue.failures.saturating_add(1))
    }

    /// It is not to be sent again.
    pub(crate) fn ended(&mut self, to: &Destination) {
        if let Some(queue) = self.back(to) {
            queue.parcels.pop_front();
            (queue.failures, queue.not_before) = (0, None);
            if queue.parcels.is_empty() {
                self.queues.remove(to);
            }
        }
    }

    /// It is to be sent again.
    pub(crate) fn failed(&mut self, to: &Destination, now: Instant, dice: u64) {
        if let Some(queue) = self.back(to) {
            queue.failures = queue.failures.saturating_add(1);
            queue.not_before = Some(now + retry::wait(queue.failures, dice));
        }
    }

    fn back(&mut self, to: &Destination) -> Option<&mut Queue> {
        let queue = self.queues.get_mut(to).filter(|queue| queue.is_under_way)?;
        queue.is_under_way = false;
        self.under_way = self.under_way.saturating_sub(1);
        Some(queue)
    }
}

// === impl Queue ===

impl Queue {
    fn is_due(&self, now: Instant) -> bool {
        let waited = self.not_before.is_none_or(|at| at <= now);
        waited && !self.is_under_way && !self.parcels.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trimtab_model::{Account, AccountId};

    use super::*;
    use crate::message::Message;

    fn parcel(number: u64, to: &str) -> Parcel {
        let id = AccountId::new([1; 16]);
        let made = Timestamp::from_micros(i64::try_from(number).unwrap());
        let (name, created_on) = (String::new(), made);
        let account = Account { id, name, enforce_twofactor: false, created_on };
        let message = Message::test(&account, None, made);
        Parcel { number, id: number.to_string(), to: mail(to), made, message }
    }

    fn mail(to: &str) -> Destination {
        Destination::Email(to.into())
    }

    fn begun(outbox: &mut Outbox, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| outbox.begin(now)).map(|parcel| parcel.number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_destination_gets_one_at_a_time_in_order_and_keeps_no_other_waiting() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        for (number, to) in [(1, "a"), (2, "a"), (3, "b")] {
            outbox.put(parcel(number, to));
        }
        assert_eq!(begun(&mut outbox, now), [1, 3]);
        outbox.failed(&mail("a"), now, u64::MAX);
        outbox.ended(&mail("b"));
        assert_eq!((outbox.len(), outbox.attempts(&mail("a"))), (2, 2));
        assert_eq!(outbox.oldest(), Some(Timestamp::from_micros(1)));
        assert_eq!(begun(&mut outbox, now), Vec::<u64>::new());
        let later = now + Duration::from_secs(1);
        assert_eq!(outbox.next_at(), Some(later));
        assert_eq!(begun(&mut outbox, later), [1]);
        outbox.ended(&mail("a"));
        assert_eq!(begun(&mut outbox, later), [2]);
        outbox.ended(&mail("a"));
        assert_eq!((outbox.len(), outbox.next_at()), (0, None));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_spoken_to_at_once_and_no_more() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        for number in 0..UNDER_WAY_MAX as u64 + 1 {
            outbox.put(parcel(number, &number.to_string()));
        }
        assert_eq!(begun(&mut outbox, now).len(), UNDER_WAY_MAX);
        outbox.ended(&mail("0"));
        assert_eq!(begun(&mut outbox, now), [UNDER_WAY_MAX as u64]);
    }
}
