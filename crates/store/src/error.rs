//! What can go wrong, one enum per step; a conflict or a refusal is never mixed up with a failure.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::key::{Key, Prefix};
use crate::record::Rev;
use crate::txn::{
    ACTOR_BYTES_MAX, COMMENT_BYTES_MAX, LEASE_KEYS_MAX, LEASE_TTL_MAX, LEASE_TTL_MIN, LEASES_MAX,
    LeaseId, TXN_BYTES_MAX, TXN_GUARDS_MAX, TXN_WRITES_MAX,
};

/// Why a transaction was not committed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// No engine would take it; trying again changes nothing.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A guard did not hold and nothing was written; read again and decide again.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error("lease {0} has ended")]
    LeaseGone(LeaseId),
    /// The transaction was not acknowledged. It may have happened if the engine was lost just then.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// The guard that did not hold, and what was found instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {key} is not as expected: {}", Found(*current))]
pub struct Conflict {
    pub key: Key,
    /// When the key was last modified; `None` when there is no such key.
    pub current: Option<Rev>,
}

struct Found(Option<Rev>);

/// A transaction outside the limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("transaction writes nothing")]
    NothingToWrite,
    #[error("transaction has {0} writes, more than {TXN_WRITES_MAX}")]
    Writes(usize),
    #[error("transaction has {0} guards, more than {TXN_GUARDS_MAX}")]
    Guards(usize),
    #[error("transaction has {0} bytes, more than {TXN_BYTES_MAX}")]
    Bytes(usize),
    #[error("transaction replaces {0} bytes, more than {TXN_BYTES_MAX}")]
    Replaces(usize),
    #[error("transaction writes key {0} twice")]
    KeyTwice(Key),
    #[error("value of key {key} has {bytes} bytes, more than {max}")]
    Value { key: Key, bytes: usize, max: usize },
    #[error("name of the actor has {0} bytes, more than {ACTOR_BYTES_MAX}")]
    Actor(usize),
    #[error("comment has {0} bytes, more than {COMMENT_BYTES_MAX}")]
    Comment(usize),
    #[error("lease {0} has {LEASE_KEYS_MAX} keys, no more are allowed")]
    LeaseFull(LeaseId),
}

/// Why a revision cannot be read, watched from or compacted to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// Start again from a full read.
    #[error("revision {at} is gone, the store was compacted at {compacted}")]
    Compacted { at: Rev, compacted: Rev },
    /// The store was put back to an older copy, or the revision belongs to another store.
    #[error("revision {at} does not exist yet, the store is at {now}")]
    Future { at: Rev, now: Rev },
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Why a lease was not granted or kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("lease of {0:?} is not within {LEASE_TTL_MIN:?} to {LEASE_TTL_MAX:?}")]
    Ttl(Duration),
    #[error("there are {LEASES_MAX} leases, no more are allowed")]
    TooMany,
    #[error("lease {0} has ended")]
    Gone(LeaseId),
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// The engine could not do its work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failed {
    #[error("the store is closed")]
    Closed,
    /// Shared, because one failed write to disk fails every transaction that was part of it.
    #[error("could not {step}")]
    Sqlite {
        step: Step,
        #[source]
        source: Arc<rusqlite::Error>,
    },
}

/// What an engine was doing when it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    OpenReader,
    ReadRevision,
    ReadKey(Key),
    ReadPage(Prefix),
    ReadHistory(Key),
    ReadChanges { prefix: Prefix, after: Rev },
    Commit,
    GrantLease,
    EndLease(LeaseId),
    Compact(Rev),
    Sweep,
}

// === impl Found ===

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rev) => write!(f, "it was modified at revision {rev}"),
            None => f.write_str("it does not exist"),
        }
    }
}

// === impl Step ===

impl Step {
    pub(crate) fn failed(self) -> impl FnOnce(rusqlite::Error) -> Failed {
        |source| Failed::Sqlite { step: self, source: Arc::new(source) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::OpenReader => f.write_str("open a connection for reading"),
            Step::ReadRevision => f.write_str("read the revision"),
            Step::ReadKey(key) => write!(f, "read key {key}"),
            Step::ReadPage(prefix) => write!(f, "read the keys under {prefix:?}"),
            Step::ReadHistory(key) => write!(f, "read the history of {key}"),
            Step::ReadChanges { prefix, after } => {
                write!(f, "read the changes under {prefix:?} after revision {after}")
            }
            Step::Commit => f.write_str("commit"),
            Step::GrantLease => f.write_str("grant a lease"),
            Step::EndLease(id) => write!(f, "end lease {id}"),
            Step::Compact(rev) => write!(f, "compact at revision {rev}"),
            Step::Sweep => f.write_str("remove what was compacted"),
        }
    }
}
