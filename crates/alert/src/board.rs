//! What became of messages since the process began, and how many wait.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use trimtab_model::Timestamp;
use trimtab_model::alert::{Channel, DeliveryResult};

/// Written by one engine.
#[derive(Debug, Default)]
pub struct Board(Mutex<Tally>);

/// One reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub ended: BTreeMap<(Channel, DeliveryResult), u64>,
    /// Tries that failed and are made again.
    pub failed: BTreeMap<Channel, u64>,
    pub waiting: usize,
    /// When the oldest of those was made.
    pub oldest: Option<Timestamp>,
}

// === impl Board ===

impl Board {
    pub fn tally(&self) -> Tally {
        self.lock().clone()
    }

    pub(crate) fn ended(&self, channel: Channel, result: DeliveryResult) {
        *self.lock().ended.entry((channel, result)).or_default() += 1;
    }

    pub(crate) fn failed(&self, channel: Channel) {
        *self.lock().failed.entry(channel).or_default() += 1;
    }

    pub(crate) fn waits(&self, waiting: usize, oldest: Option<Timestamp>) {
        let mut tally = self.lock();
        (tally.waiting, tally.oldest) = (waiting, oldest);
    }

    /// Nothing that holds the lock can panic half way.
    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
