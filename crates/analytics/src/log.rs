//! The event log: a SQLite file that one thread, `event-log`, writes and reads.
//!
//! Whoever reports an event never waits. Queries go the same way as events, so they see every event
//! that was appended before them.

mod tables;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use self::tables::TablesError;
use self::writer::{Command, Writer};
use crate::event::{Event, Filter, NewEvent};

/// Events that may wait to be written: more than a large installation has when every pool changes
/// at once. Beyond it events are dropped and counted.
const QUEUE_MAX: usize = 4_096;

/// Queries at a time; more wait, so that they never take the room of events.
const QUERIES_MAX: usize = 16;

/// Events kept unless told otherwise: some tens of megabytes, and still this month where a pool
/// flaps every few minutes.
const EVENTS_KEPT: u32 = 100_000;

/// How long events are kept unless told otherwise: the month that a report looks back on.
const AGE_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many events are kept, and for how long. Whichever is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub events: u32,
    /// Before the newest event.
    pub age: Duration,
}

/// Ends its thread when dropped.
pub struct EventLog {
    commands: SyncSender<Command>,
    queries: Semaphore,
    dropped: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("could not open {path}")]
    Open {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("cannot use {path}")]
    Tables {
        path: PathBuf,
        #[source]
        source: TablesError,
    },
    #[error("could not start the thread of the event log")]
    Thread(#[source] io::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("the event log is closed")]
    Closed,
    /// As many events wait as may; try again.
    #[error("the event log is busy")]
    Busy,
    #[error("could not read the event log")]
    Read(#[source] rusqlite::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    #[error("the thread of the event log panicked")]
    Panicked,
}

// === impl Retention ===

impl Default for Retention {
    fn default() -> Retention {
        Retention { events: EVENTS_KEPT, age: AGE_KEPT }
    }
}

// === impl EventLog ===

impl EventLog {
    /// Opens or creates the file. Blocks on the disk: call it before serving.
    pub fn open(path: &Path, retention: Retention) -> Result<EventLog, OpenError> {
        let open = |source| OpenError::Open { path: path.into(), source };
        let conn = Connection::open(path).map_err(open)?;
        tables::tune(&conn).map_err(open)?;
        EventLog::start(conn, path, retention)
    }

    /// A log that is gone when dropped; for the demo and for tests.
    pub fn in_memory(retention: Retention) -> Result<EventLog, OpenError> {
        let path = Path::new(":memory:");
        let conn = Connection::open_in_memory()
            .map_err(|source| OpenError::Open { path: path.into(), source })?;
        EventLog::start(conn, path, retention)
    }

    fn start(
        mut conn: Connection,
        path: &Path,
        retention: Retention,
    ) -> Result<EventLog, OpenError> {
        tables::prepare(&mut conn, retention)
            .map_err(|source| OpenError::Tables { path: path.into(), source })?;
        let (commands, received) = sync_channel(QUEUE_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = Writer::new(conn, received, retention, Arc::clone(&dropped));
        let thread = thread::Builder::new()
            .name("event-log".into())
            .spawn(|| writer.run())
            .map_err(OpenError::Thread)?;
        let (queries, thread) = (Semaphore::new(QUERIES_MAX), Mutex::new(Some(thread)));
        Ok(EventLog { commands, queries, dropped, thread })
    }

    /// Never waits and never fails: what cannot be taken is counted by [`EventLog::dropped`].
    pub fn append(&self, event: NewEvent) {
        if !event.fits() || self.commands.try_send(Command::Append(event)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that were lost: the queue was full, the event too large, the disk failed or the log
    /// was closed.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The events that pass a filter, newest first.
    pub async fn query(&self, filter: Filter) -> Result<Vec<Event>, QueryError> {
        let _turn = self.queries.acquire().await.map_err(|_| QueryError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Query(filter, reply)).map_err(|refused| match refused {
            TrySendError::Full(_) => QueryError::Busy,
            TrySendError::Disconnected(_) => QueryError::Closed,
        })?;
        let found = answer.await.map_err(|_| QueryError::Closed)?;
        found.map_err(QueryError::Read)
    }

    /// Writes what waits and ends the thread. Blocks until that is done.
    pub fn close(&self) -> Result<(), CloseError> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        self.queries.close();
        if self.commands.send(Command::Close).is_err() {
            tracing::error!("the event log had ended by itself");
        }
        thread.join().map_err(|_panic| CloseError::Panicked)
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "closing the event log");
        }
    }
}

#[cfg(test)]
mod tests;
