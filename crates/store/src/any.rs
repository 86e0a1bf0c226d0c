//! The store a program holds: one of the engines.

use std::time::Duration;

use crate::error::{CommitError, Failed, LeaseError, ReadError};
use crate::key::{Key, Prefix};
use crate::record::{Entry, Page, Past, Range, Rev};
use crate::sqlite::Sqlite;
use crate::store::{Store, Watch};
use crate::txn::{Lease, LeaseId, Txn};

/// Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub enum AnyStore {
    Sqlite(Sqlite),
}

// === impl AnyStore ===

impl AnyStore {
    /// Ends the engine's threads once everything queued has been answered.
    pub async fn close(&self) -> Result<(), Failed> {
        match self {
            AnyStore::Sqlite(store) => store.close().await,
        }
    }
}

impl From<Sqlite> for AnyStore {
    fn from(store: Sqlite) -> AnyStore {
        AnyStore::Sqlite(store)
    }
}

impl Store for AnyStore {
    async fn now_rev(&self) -> Result<Rev, Failed> {
        match self {
            AnyStore::Sqlite(store) => store.now_rev().await,
        }
    }

    async fn entry(&self, key: Key, at: Option<Rev>) -> Result<Option<Entry>, ReadError> {
        match self {
            AnyStore::Sqlite(store) => store.entry(key, at).await,
        }
    }

    async fn read(&self, range: Range, at: Option<Rev>) -> Result<Page, ReadError> {
        match self {
            AnyStore::Sqlite(store) => store.read(range, at).await,
        }
    }

    async fn commit(&self, txn: Txn) -> Result<Rev, CommitError> {
        match self {
            AnyStore::Sqlite(store) => store.commit(txn).await,
        }
    }

    fn watch(&self, prefix: Prefix, after: Rev) -> Watch {
        match self {
            AnyStore::Sqlite(store) => store.watch(prefix, after),
        }
    }

    async fn lease(&self, ttl: Duration) -> Result<Lease, LeaseError> {
        match self {
            AnyStore::Sqlite(store) => store.lease(ttl).await,
        }
    }

    async fn keep_alive(&self, id: LeaseId) -> Result<(), LeaseError> {
        match self {
            AnyStore::Sqlite(store) => store.keep_alive(id).await,
        }
    }

    async fn revoke(&self, id: LeaseId) -> Result<(), LeaseError> {
        match self {
            AnyStore::Sqlite(store) => store.revoke(id).await,
        }
    }

    async fn history(
        &self,
        key: Key,
        before: Option<Rev>,
        limit: usize,
    ) -> Result<Vec<Past>, Failed> {
        match self {
            AnyStore::Sqlite(store) => store.history(key, before, limit).await,
        }
    }

    async fn compact(&self, at: Rev) -> Result<(), ReadError> {
        match self {
            AnyStore::Sqlite(store) => store.compact(at).await,
        }
    }
}
