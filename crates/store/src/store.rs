//! The contract every engine keeps.

use std::time::Duration;

use futures_util::stream::BoxStream;

use crate::error::{CommitError, Failed, LeaseError, ReadError};
use crate::key::{Key, Prefix};
use crate::record::{Batch, Entry, Page, Past, Range, Rev};
use crate::txn::{Lease, LeaseId, Txn};

/// Batches of changes in order of revision. It may be dropped and polled at any point without
/// losing one. After an error it ends; it also ends when the store is closed.
pub type Watch = BoxStream<'static, Result<Batch, ReadError>>;

/// One key space with etcd's semantics.
///
/// Every committed transaction takes the next revision, also when all it does is delete what is
/// not there. A compaction at C forgets what could only be seen before C: states at C and later
/// can still be read, and watches can start after C or later.
pub trait Store: Send + Sync {
    /// The revision of the last transaction.
    fn now_rev(&self) -> impl Future<Output = Result<Rev, Failed>> + Send;

    /// One key, now or at an older revision.
    fn entry(
        &self,
        key: Key,
        at: Option<Rev>,
    ) -> impl Future<Output = Result<Option<Entry>, ReadError>> + Send;

    /// A page of keys in order, now or at an older revision.
    fn read(
        &self,
        range: Range,
        at: Option<Rev>,
    ) -> impl Future<Output = Result<Page, ReadError>> + Send;

    /// Answers once the transaction is on disk. Dropping the future does not call it off.
    fn commit(&self, txn: Txn) -> impl Future<Output = Result<Rev, CommitError>> + Send;

    /// Every transaction after `after` that changed a key under the prefix: none skipped, none
    /// repeated, none in parts.
    fn watch(&self, prefix: Prefix, after: Rev) -> Watch;

    /// Begins a lease. Takes no revision. Leases outlive a restart, and begin their time again.
    fn lease(&self, ttl: Duration) -> impl Future<Output = Result<Lease, LeaseError>> + Send;

    /// Begins the time of a lease again.
    fn keep_alive(&self, id: LeaseId) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// Ends a lease at once: its keys vanish in one transaction.
    fn revoke(&self, id: LeaseId) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// The life of a key, newest first, from before a revision or from now. A page as large as
    /// `limit` and the limits of pages allow; an empty one ends it. The value in force at a
    /// compaction stays, with its actor; what came before it is gone.
    fn history(
        &self,
        key: Key,
        before: Option<Rev>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Past>, Failed>> + Send;

    /// Forgets what could only be seen before this revision. Compacting where it already was
    /// changes nothing.
    fn compact(&self, at: Rev) -> impl Future<Output = Result<(), ReadError>> + Send;
}
