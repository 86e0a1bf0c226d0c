//! A transaction: what must hold, what to write, and who says so.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use crate::error::{Invalid, LeaseError};
use crate::key::{Key, Prefix};
use crate::record::{Rev, VALUE_BYTES_MAX, Value};

/// Most writes in one transaction, so that an import of a large DNS zone is one step that happens
/// or does not. An etcd server takes 128 by default and needs `--max-txn-ops` raised to allow as
/// many; an engine never splits a transaction behind the caller's back.
pub const TXN_WRITES_MAX: usize = 10_000;

/// Most guards in one transaction: each of the writes may have its own.
pub const TXN_GUARDS_MAX: usize = TXN_WRITES_MAX;

/// Most bytes of keys and values in one transaction. What it replaces may be as much again, since a
/// watcher holds both. An etcd server needs `--max-request-bytes` raised to allow as much.
pub const TXN_BYTES_MAX: usize = 32 << 20;

/// Longest name of an actor: a token's name with its id, or an address.
pub const ACTOR_BYTES_MAX: usize = 256;

/// Longest comment: a sentence or two, like the subject of a commit.
pub const COMMENT_BYTES_MAX: usize = 1_024;

/// Longest value under a lease: facts about a node. With [`LEASE_KEYS_MAX`] it keeps the end of a
/// lease within one transaction.
pub const LEASED_VALUE_BYTES_MAX: usize = 2_048;

/// Most keys under one lease, which all vanish in one transaction.
pub const LEASE_KEYS_MAX: usize = TXN_WRITES_MAX;

/// Most leases at a time: every node of a large installation with several roles each.
pub const LEASES_MAX: usize = 1_000;

/// Shortest life of a lease: below it one delayed packet would end a presence.
pub const LEASE_TTL_MIN: Duration = Duration::from_secs(1);

/// Longest life of a lease; what should stay longer is not presence.
pub const LEASE_TTL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Writes that happen all together and only if every guard holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    pub guards: Vec<Guard>,
    /// Each key at most once, as in etcd.
    pub writes: Vec<Write>,
    /// Who does this: shown in the history.
    pub actor: String,
    pub comment: Option<String>,
}

/// A condition on the state before the transaction. Only what etcd's comparisons can express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    Absent(Key),
    Exists(Key),
    /// The key exists and was last modified at this revision.
    Unchanged {
        key: Key,
        modified: Rev,
    },
    /// No key now under the prefix was modified after `at`. Deletions are not seen, as in etcd.
    NoneNewer {
        prefix: Prefix,
        at: Rev,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Also frees the key from a lease it may be under.
    Put(Key, Value),
    /// The key vanishes with the lease.
    PutUnder(LeaseId, Key, Value),
    /// Deleting what is absent is no error and no change.
    Delete(Key),
}

/// Names a lease; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(u64);

/// A promise to come back within `ttl`. The engine may grant longer than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub id: LeaseId,
    pub ttl: Duration,
}

// === impl Txn ===

impl Txn {
    /// Refuses what no engine would take, before it queues.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        self.check_sizes()?;
        let mut seen = HashSet::with_capacity(self.writes.len());
        for write in &self.writes {
            write.check()?;
            if !seen.insert(write.key()) {
                return Err(Invalid::KeyTwice(write.key().clone()));
            }
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), Invalid> {
        let within = |found: usize, max: usize, refused: fn(usize) -> Invalid| match found > max {
            true => Err(refused(found)),
            false => Ok(()),
        };
        if self.writes.is_empty() {
            return Err(Invalid::NothingToWrite);
        }
        within(self.writes.len(), TXN_WRITES_MAX, Invalid::Writes)?;
        within(self.guards.len(), TXN_GUARDS_MAX, Invalid::Guards)?;
        within(self.bytes(), TXN_BYTES_MAX, Invalid::Bytes)?;
        within(self.actor.len(), ACTOR_BYTES_MAX, Invalid::Actor)?;
        within(self.comment.as_ref().map_or(0, String::len), COMMENT_BYTES_MAX, Invalid::Comment)
    }

    /// Keys and values together.
    pub(crate) fn bytes(&self) -> usize {
        let guards = self.guards.iter().map(Guard::bytes);
        guards.chain(self.writes.iter().map(Write::bytes)).fold(0, usize::saturating_add)
    }
}

// === impl Guard ===

impl Guard {
    fn bytes(&self) -> usize {
        match self {
            Guard::Absent(key) | Guard::Exists(key) | Guard::Unchanged { key, .. } => {
                key.as_str().len()
            }
            Guard::NoneNewer { prefix, .. } => prefix.as_str().len(),
        }
    }
}

// === impl Write ===

impl Write {
    pub fn key(&self) -> &Key {
        match self {
            Write::Put(key, _) | Write::PutUnder(_, key, _) | Write::Delete(key) => key,
        }
    }

    fn bytes(&self) -> usize {
        let value = match self {
            Write::Put(_, value) | Write::PutUnder(_, _, value) => value.len(),
            Write::Delete(_) => 0,
        };
        self.key().as_str().len().saturating_add(value)
    }

    fn check(&self) -> Result<(), Invalid> {
        let (key, bytes, max) = match self {
            Write::Put(key, value) => (key, value.len(), VALUE_BYTES_MAX),
            Write::PutUnder(_, key, value) => (key, value.len(), LEASED_VALUE_BYTES_MAX),
            Write::Delete(_) => return Ok(()),
        };
        match bytes > max {
            true => Err(Invalid::Value { key: key.clone(), bytes, max }),
            false => Ok(()),
        }
    }
}

// === impl LeaseId ===

impl LeaseId {
    pub const fn new(id: u64) -> LeaseId {
        LeaseId(id)
    }

    pub const fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The life a lease may be asked for.
pub(crate) fn check_ttl(ttl: Duration) -> Result<(), LeaseError> {
    match (LEASE_TTL_MIN..=LEASE_TTL_MAX).contains(&ttl) {
        true => Ok(()),
        false => Err(LeaseError::Ttl(ttl)),
    }
}
