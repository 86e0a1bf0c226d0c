//! Connections that read while the writer writes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction};
use tokio::sync::Semaphore;

use super::open;
use super::queue::{Command, Queue, answer};
use super::sql::Halt;
use crate::error::{Failed, Step};

/// Reads at a time. Few, since the data path reads from its snapshot and never from here.
const READERS: usize = 4;

/// Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub(super) enum Readers {
    Pool(Arc<Pool>),
    /// Behind the writer, on its connection: a database in memory has no other.
    Writer(Queue),
}

pub(super) struct Pool {
    path: PathBuf,
    slots: Arc<Semaphore>,
    /// Opened when first needed; one that a panic took is opened again.
    idle: Mutex<Vec<Connection>>,
}

// === impl Readers ===

impl Readers {
    pub(super) fn pool(path: &Path) -> Readers {
        let slots = Arc::new(Semaphore::new(READERS));
        Readers::Pool(Arc::new(Pool { path: path.into(), slots, idle: Mutex::default() }))
    }

    pub(super) fn behind(writer: Queue) -> Readers {
        Readers::Writer(writer)
    }

    /// Before the writer ends: the last to close the file writes the log back into it, and one that
    /// only reads cannot.
    pub(super) fn close(&self) {
        match self {
            Readers::Pool(pool) => pool.close(),
            // Closes with the queue.
            Readers::Writer(_) => {}
        }
    }

    /// Runs a read within one transaction, so that it sees one state.
    pub(super) async fn run<T, E>(
        &self,
        step: Step,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, Halt<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Failed> + Send + 'static,
    {
        match self {
            Readers::Pool(pool) => pool.run(step, read).await,
            Readers::Writer(queue) => {
                let read = |reply| {
                    Command::Read(Box::new(move |conn| answer(reply, within(conn, step, read))))
                };
                queue.ask(0, read).await?
            }
        }
    }
}

// === impl Pool ===

impl Pool {
    async fn run<T, E>(
        self: &Arc<Pool>,
        step: Step,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, Halt<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Failed> + Send + 'static,
    {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Failed::Closed)?;
        let pool = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let mut conn = pool.take()?;
            let found = within(&mut conn, step, read);
            pool.put_back(conn);
            drop(slot);
            found
        });
        match reading.await {
            Ok(found) => found,
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            // The runtime is shutting down.
            Err(_) => Err(Failed::Closed.into()),
        }
    }

    fn take(&self) -> Result<Connection, Failed> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(conn) => Ok(conn),
            None => open::reader(&self.path).map_err(Step::OpenReader.failed()),
        }
    }

    fn put_back(&self, conn: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.slots.is_closed() {
            idle.push(conn);
        }
    }

    fn close(&self) {
        self.slots.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn within<T, E: From<Failed>>(
    conn: &mut Connection,
    step: Step,
    read: impl FnOnce(&Transaction<'_>) -> Result<T, Halt<E>>,
) -> Result<T, E> {
    let found = conn.transaction().map_err(Halt::Engine).and_then(|tx| read(&tx));
    found.map_err(|halt| halt.during(step))
}
