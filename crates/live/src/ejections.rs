//! Endpoints that failed requests took out, and those that came back not long ago. A restart forgives all of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use trimtab_health::{Ejection, Signal};
use trimtab_model::{Moment, Pool, PoolId};

use crate::observers::endpoint_key;

/// By endpoint; those that were never out are not among them, so that no more are kept than endpoints.
#[derive(Debug, Default)]
pub(crate) struct Ejections {
    of: HashMap<(PoolId, u64), Ejection>,
    /// When the first of those that are out is over.
    next_end: Option<Moment>,
}

// === impl Ejections ===

impl Ejections {
    /// True when the endpoint is out now and was not, or the other way round.
    pub(crate) fn take(&mut self, endpoint: (PoolId, u64), signal: Signal, at: Moment) -> bool {
        let before = self.of.get(&endpoint).copied().unwrap_or_default();
        let after = before.after(signal, at);
        if before == after {
            return false;
        }
        self.of.insert(endpoint, after);
        self.next_end = self.of.values().filter_map(|ejection| ejection.ends()).min();
        true
    }

    pub(crate) fn next_end(&self) -> Option<Moment> {
        self.next_end
    }

    /// Lets those back whose time is over; gives their pools.
    pub(crate) fn end(&mut self, now: Moment) -> BTreeSet<PoolId> {
        let over = self.of.iter().filter(|(_, it)| it.ends().is_some_and(|end| end <= now));
        let over: Vec<(PoolId, u64)> = over.map(|(&endpoint, _)| endpoint).collect();
        for &endpoint in &over {
            self.take(endpoint, Signal::Elapsed, now);
        }
        over.into_iter().map(|(pool, _)| pool).collect()
    }

    /// In the order of the pool's endpoints; none where the pool wants none.
    pub(crate) fn of_pool(&self, pool: &Pool) -> Box<[Ejection]> {
        let wanted = wants_ejection(pool);
        let of = |origin| self.of.get(&(pool.id, endpoint_key(pool.id, origin))).copied();
        let origins = pool.origins.iter();
        origins.map(|origin| of(origin).filter(|_| wanted).unwrap_or_default()).collect()
    }

    /// Forgets endpoints that no pool has any more.
    pub(crate) fn keep_only(&mut self, living: &HashSet<(PoolId, u64)>) {
        self.of.retain(|endpoint, _| living.contains(endpoint));
        self.next_end = self.of.values().filter_map(|ejection| ejection.ends()).min();
    }
}

/// A pool that says nothing does.
pub(crate) fn wants_ejection(pool: &Pool) -> bool {
    pool.upstream.as_deref().is_none_or(|upstream| upstream.ejection)
}
