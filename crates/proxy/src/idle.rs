//! Connections to origins that wait for their next request, of one thread.

use std::net::SocketAddr;
use std::time::Duration;

use hashbrown::HashMap;
use tokio::time::Instant;

use crate::h1::Wire;

/// Connections that can stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) address: SocketAddr,
    /// Stands for everything else that a connection was made with: TLS and whom it trusts, and the virtual network.
    pub(crate) identity: u64,
}

/// The pool. The one that came last is used first, so that what is not needed grows old and is closed.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    waiting: HashMap<Key, Vec<Waiting>, foldhash::fast::RandomState>,
    count: usize,
}

#[derive(Debug)]
struct Waiting {
    wire: Wire,
    until: Instant,
}

/// To one endpoint, from one thread.
const WAITING_PER_KEY_MAX: usize = 1024;
/// To all endpoints, from one thread; each is a file descriptor.
const WAITING_MAX: usize = 8 * 1024;

// === impl Idle ===

impl Idle {
    pub(crate) fn take(&mut self, key: &Key, now: Instant) -> Option<Wire> {
        let waiting = self.waiting.get_mut(key)?;
        let last = waiting.pop()?;
        self.count -= 1;
        if last.until > now {
            return Some(last.wire);
        }
        // Those below it have waited longer.
        self.count -= waiting.len();
        waiting.clear();
        None
    }

    pub(crate) fn give(&mut self, key: Key, mut wire: Wire, now: Instant, limit: Duration) {
        if self.count >= WAITING_MAX {
            return;
        }
        let waiting = self.waiting.entry(key).or_default();
        if waiting.len() < WAITING_PER_KEY_MAX {
            wire.rest();
            waiting.push(Waiting { wire, until: now + limit });
            self.count += 1;
        }
    }

    /// Closes what has waited too long; endpoints that are gone leave nothing behind.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.waiting.retain(|_, waiting| {
            waiting.retain(|one| one.until > now);
            !waiting.is_empty()
        });
        self.count = self.waiting.values().map(Vec::len).sum();
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }
}
