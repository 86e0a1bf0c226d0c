//! What the store gives back: entries, pages of them, batches of changes and the past of a key.

use std::fmt;
use std::sync::Arc;

use crate::key::{Key, Prefix};

/// Longest value. Holds the largest document the API accepts, and fits etcd's default request.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Most entries in one page and most steps in one answer about the past; what a person or an API
/// page asks for at once, and a few milliseconds of reading.
pub const PAGE_ENTRIES_MAX: usize = 1_000;

/// A page ends early once its keys and values hold this much, so that large values do not make a
/// large page; at least one entry is always given.
pub const PAGE_BYTES_MAX: usize = 8 << 20;

/// What a key holds; the store never looks inside.
pub type Value = Arc<[u8]>;

/// A point in the life of the store. Rises by one with every transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rev(u64);

/// A key as it stands at some revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: Key,
    pub value: Value,
    /// When this key came to be; a key deleted and put again is created anew.
    pub created: Rev,
    pub modified: Rev,
}

/// Which keys to read: those of a prefix, after one of them, in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub prefix: Prefix,
    /// The last key of the page before.
    pub after: Option<Key>,
    /// Brought into 1 to [`PAGE_ENTRIES_MAX`].
    pub limit: usize,
}

/// One answer to a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What the page shows. Read the following pages at this revision to see one state.
    pub rev: Rev,
    pub entries: Vec<Entry>,
    /// Keys remain after the last entry.
    pub more: bool,
}

/// Everything one transaction changed under the prefix watched, in the order it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub rev: Rev,
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub key: Key,
    /// `None`: the key was deleted.
    pub value: Option<Value>,
    /// What the key held before this transaction.
    pub previous: Option<Value>,
}

/// One step in the life of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub rev: Rev,
    /// Wall clock of the node that committed, microseconds since 1970. Revisions give the order,
    /// not this: clocks are set back now and then.
    pub at_unix_micros: i64,
    pub actor: String,
    pub comment: Option<String>,
    /// `None`: the key was deleted.
    pub value: Option<Value>,
}

// === impl Rev ===

impl Rev {
    /// Before the first transaction.
    pub const ZERO: Rev = Rev(0);

    pub const fn new(rev: u64) -> Rev {
        Rev(rev)
    }

    pub const fn value(self) -> u64 {
        self.0
    }

    pub(crate) const fn next(self) -> Rev {
        Rev(self.0.saturating_add(1))
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Range ===

impl Range {
    /// The first page of a prefix.
    pub fn of(prefix: Prefix) -> Range {
        Range { prefix, after: None, limit: PAGE_ENTRIES_MAX }
    }
}
