//! Where sessions are kept: in the client's cookie, or under a key of its headers in this node's memory.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Mutex;

use hashbrown::HashMap;
use trimtab_model::BalancerId;
use trimtab_model::balancer::SessionAffinity;
use trimtab_steer::{Affinity, Found, Held, Sessions};

use crate::cookie;
use crate::head::{Known, RequestHead};

/// Sessions by header, of all balancers.
#[derive(Debug)]
pub(crate) struct Table {
    shards: Vec<Mutex<HashMap<u64, Entry>>>,
    /// Keyed anew with each start: no client can know which sessions share a shard.
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    held: Held,
    /// Seconds of the wall clock; moves with each request.
    expires: u64,
}

/// The sessions of one request.
pub(crate) struct OfRequest<'a> {
    pub(crate) head: &'a RequestHead,
    pub(crate) balancer: BalancerId,
    pub(crate) keys: &'a cookie::Keys,
    pub(crate) opened: &'a cookie::Opened,
    pub(crate) table: &'a Table,
    /// Seconds of the wall clock.
    pub(crate) now: u64,
}

/// Few threads meet in one of so many.
const SHARDS: usize = 64;
/// 64 of these are a million sessions, some 50 MB; one more takes the place of another.
const SESSIONS_PER_SHARD_MAX: usize = 16 * 1024;

// === impl Table ===

impl Table {
    pub(crate) fn new() -> Table {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Table { shards, hasher: RandomState::new() }
    }

    pub(crate) fn find(&self, key: u64, now: u64) -> Option<Held> {
        let shard = self.shard(key)?;
        shard.get(&key).filter(|entry| entry.expires > now).map(|entry| entry.held)
    }

    pub(crate) fn keep(&self, key: u64, held: Held, now: u64, idle_seconds: u32) {
        let Some(mut shard) = self.shard(key) else { return };
        if shard.len() >= SESSIONS_PER_SHARD_MAX && !shard.contains_key(&key) {
            make_room(&mut shard, now);
        }
        shard.insert(key, Entry { held, expires: now + u64::from(idle_seconds) });
    }

    fn shard(&self, key: u64) -> Option<std::sync::MutexGuard<'_, HashMap<u64, Entry>>> {
        let shard = self.shards.get(key as usize % SHARDS)?;
        Some(shard.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// None when the request has none of the headers, or not all where all are needed.
    pub(crate) fn key(
        &self,
        head: &RequestHead,
        balancer: BalancerId,
        affinity: &Affinity<'_>,
    ) -> Option<u64> {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(balancer.bytes());
        let has = affinity.visit_keys(head, |name, value| add(&mut hasher, name, value));
        has.then(|| hasher.finish())
    }
}

/// With their lengths, so that no two pairs read as one.
fn add(hasher: &mut impl Hasher, name: &[u8], value: &[u8]) {
    for part in [name, value] {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
}

/// What expired goes; else any one does.
fn make_room(shard: &mut HashMap<u64, Entry>, now: u64) {
    /// Entries looked at: an insertion must not walk the whole shard.
    const LOOKED_AT: usize = 16;
    let expired = shard.iter().take(LOOKED_AT).find(|(_, entry)| entry.expires <= now);
    let gone = expired.or_else(|| shard.iter().next()).map(|(key, _)| *key);
    if let Some(key) = gone {
        shard.remove(&key);
    }
}

impl Sessions for OfRequest<'_> {
    fn find(&self, affinity: &Affinity<'_>) -> Found {
        match affinity.kind {
            SessionAffinity::None => Found::None,
            SessionAffinity::Cookie | SessionAffinity::IpCookie => {
                let cookies = self.head.fields.values(Known::Cookie).filter_map(cookie::find);
                let open = |value| self.opened.open(self.keys, self.balancer, value, self.now);
                let mut held = cookies.filter_map(open);
                held.next().map_or(Found::None, Found::Held)
            }
            SessionAffinity::Header => match self.table.key(self.head, self.balancer, affinity) {
                None => Found::None,
                Some(key) => self.table.find(key, self.now).map_or(Found::New, Found::Held),
            },
        }
    }
}
