//! The store on one machine: a SQLite file with one writing thread and a few reading connections.
//!
//! Threads: `store-writer` (see [`writer`]), owned by the handle and joined by [`Sqlite::close`] or
//! by dropping the last clone. Reads run on the runtime's blocking threads; a watch has no task.

mod commit;
mod compact;
mod lease;
mod migrations;
mod open;
mod queue;
mod read;
mod readers;
mod sql;
mod watch;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync;

use self::open::Opened;
use self::queue::{Command, Queue};
use self::readers::Readers;
use self::writer::Writer;
use crate::clock::{Clock, SystemClock};
use crate::error::{CommitError, Failed, LeaseError, ReadError, Step};
use crate::key::{Key, Prefix};
use crate::record::{Entry, Page, Past, Range, Rev};
use crate::store::{Store, Watch};
use crate::txn::{Lease, LeaseId, Txn, check_ttl};

pub use self::migrations::MigrateError;
pub use self::open::OpenError;

/// Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Queue,
    readers: Readers,
    /// The last revision on disk: wakes the watches, carries no changes itself.
    revs: sync::watch::Receiver<Rev>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

// === impl Sqlite ===

impl Sqlite {
    /// Opens or creates the file, brings its tables up to date and starts the writer. Blocks on
    /// the disk: call it before serving.
    pub fn open(path: &Path) -> Result<Sqlite, OpenError> {
        Sqlite::open_with(path, Arc::new(SystemClock::start()))
    }

    pub fn open_with(path: &Path, clock: Arc<dyn Clock>) -> Result<Sqlite, OpenError> {
        let opened = open::file(path)?;
        let readers = Readers::pool(path);
        Sqlite::start(opened, Some(readers), clock)
    }

    /// A store that is gone when closed; for the demo and for tests.
    pub fn in_memory() -> Result<Sqlite, OpenError> {
        Sqlite::in_memory_with(Arc::new(SystemClock::start()))
    }

    pub fn in_memory_with(clock: Arc<dyn Clock>) -> Result<Sqlite, OpenError> {
        Sqlite::start(open::memory()?, None, clock)
    }

    /// Without readers of their own, reads take their turn in the writer's queue.
    fn start(
        opened: Opened,
        readers: Option<Readers>,
        clock: Arc<dyn Clock>,
    ) -> Result<Sqlite, OpenError> {
        let (queue, commands) = queue::bounded();
        let (writer, revs) = Writer::new(opened, commands, clock)?;
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(|| writer.run())
            .map_err(OpenError::Thread)?;
        let readers = readers.unwrap_or_else(|| Readers::behind(queue.clone()));
        let writer = Mutex::new(Some(thread));
        Ok(Sqlite { inner: Arc::new(Inner { queue, readers, revs, writer }) })
    }

    /// Answers what is queued, ends the writer and lets go of the file. Later calls and watches
    /// find the store closed.
    pub async fn close(&self) -> Result<(), Failed> {
        let Some(thread) = self.inner.stop() else { return Ok(()) };
        match tokio::task::spawn_blocking(|| thread.join()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_panicked)) => Err(Failed::Closed),
            // The runtime ends before the thread did; the thread ends by itself.
            Err(_) => Ok(()),
        }
    }
}

impl Store for Sqlite {
    async fn now_rev(&self) -> Result<Rev, Failed> {
        self.inner.readers.run(Step::ReadRevision, |conn| read::now(conn)).await
    }

    async fn entry(&self, key: Key, at: Option<Rev>) -> Result<Option<Entry>, ReadError> {
        let step = Step::ReadKey(key.clone());
        self.inner.readers.run(step, move |conn| read::entry(conn, key, at)).await
    }

    async fn read(&self, range: Range, at: Option<Rev>) -> Result<Page, ReadError> {
        let step = Step::ReadPage(range.prefix.clone());
        self.inner.readers.run(step, move |conn| read::page(conn, &range, at)).await
    }

    async fn commit(&self, txn: Txn) -> Result<Rev, CommitError> {
        txn.check()?;
        let bytes = txn.bytes();
        self.inner.queue.ask(bytes, |reply| Command::Commit(txn, reply)).await?
    }

    fn watch(&self, prefix: Prefix, after: Rev) -> Watch {
        watch::stream(self.inner.readers.clone(), self.inner.revs.clone(), prefix, after)
    }

    async fn lease(&self, ttl: Duration) -> Result<Lease, LeaseError> {
        check_ttl(ttl)?;
        self.inner.queue.ask(0, |reply| Command::Grant(ttl, reply)).await?
    }

    async fn keep_alive(&self, id: LeaseId) -> Result<(), LeaseError> {
        self.inner.queue.ask(0, |reply| Command::Keep(id, reply)).await?
    }

    async fn revoke(&self, id: LeaseId) -> Result<(), LeaseError> {
        self.inner.queue.ask(0, |reply| Command::Revoke(id, reply)).await?
    }

    async fn history(
        &self,
        key: Key,
        before: Option<Rev>,
        limit: usize,
    ) -> Result<Vec<Past>, Failed> {
        let step = Step::ReadHistory(key.clone());
        self.inner.readers.run(step, move |conn| read::history(conn, &key, before, limit)).await
    }

    async fn compact(&self, at: Rev) -> Result<(), ReadError> {
        self.inner.queue.ask(0, |reply| Command::Compact(at, reply)).await?
    }
}

// === impl Inner ===

impl Inner {
    /// Tells the writer to end; the thread to join, unless that was done before.
    fn stop(&self) -> Option<JoinHandle<()>> {
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.readers.close();
        self.queue.close();
        Some(thread)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(thread) = self.stop() else { return };
        if thread.join().is_err() {
            tracing::error!("the store's writer had panicked");
        }
    }
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
