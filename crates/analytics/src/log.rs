//! The event log: a SQLite file of health events and kept decisions that one thread, `event-log`,
//! writes and reads.
//!
//! Whoever reports one never waits. Queries go the same way, so they see everything that was
//! reported before them.

mod decisions;
mod events;
mod tables;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use self::tables::TablesError;
use self::writer::{Command, Notes, Question, Record, Reply, Tally, Writer};
use crate::decision::{DecisionFilter, Kept, KeptHead};
use crate::event::{Event, Filter, NewEvent};

/// Events that may wait to be written: more than a large installation has when every pool changes
/// at once. Beyond it events are dropped and counted.
const QUEUE_MAX: usize = 4_096;

/// Decisions that may wait to be written, in a room of their own: they never take that of events,
/// and the largest of them take 67 MB of memory.
const DECISIONS_WAITING_MAX: usize = 256;

/// Queries at a time; more wait, so that they never take the room of events.
const QUERIES_MAX: usize = 16;

/// Events kept unless told otherwise: some tens of megabytes, and still this month where a pool
/// flaps every few minutes.
const EVENTS_KEPT: u32 = 100_000;

/// How long events are kept unless told otherwise: the month that a report looks back on.
const AGE_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Decisions kept unless told otherwise: at one in a second, those of the last five hours.
const DECISIONS_KEPT: u32 = 20_000;

/// Bytes of their explanations kept unless told otherwise: some kilobytes for each decision, and
/// with the events a file that any disk has room for.
const EXPLANATIONS_BYTES_KEPT: u64 = 64 * 1024 * 1024;

/// How much is kept; the oldest go when any of these is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub events: u32,
    /// Of events, before the newest of them.
    pub age: Duration,
    pub decisions: u32,
    /// Of the explanations of all decisions together.
    pub explanations_bytes: u64,
}

/// Ends its thread when dropped.
pub struct EventLog {
    commands: SyncSender<Command>,
    queries: Semaphore,
    events: Arc<Tally>,
    decisions: Arc<Tally>,
    decisions_room: Arc<Semaphore>,
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
    /// As much waits to be written as may; try again.
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
        Retention {
            events: EVENTS_KEPT,
            age: AGE_KEPT,
            decisions: DECISIONS_KEPT,
            explanations_bytes: EXPLANATIONS_BYTES_KEPT,
        }
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
        let (commands, received) = sync_channel(QUEUE_MAX + DECISIONS_WAITING_MAX);
        let (events, decisions) = (Arc::<Tally>::default(), Arc::<Tally>::default());
        let notes = [Notes::new("health events", &events), Notes::new("decisions", &decisions)];
        let writer = Writer::new(conn, received, retention, notes);
        let thread = thread::Builder::new()
            .name("event-log".into())
            .spawn(|| writer.run())
            .map_err(OpenError::Thread)?;
        Ok(EventLog {
            commands,
            queries: Semaphore::new(QUERIES_MAX),
            events,
            decisions,
            decisions_room: Arc::new(Semaphore::new(DECISIONS_WAITING_MAX)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Never waits and never fails: what cannot be taken is counted by [`EventLog::dropped`].
    pub fn append(&self, event: NewEvent) {
        if !event.fits() || self.commands.try_send(Command::Write(Record::Event(event))).is_err() {
            self.events.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that were lost: the queue was full, the event too large, the disk failed or the log
    /// was closed.
    pub fn dropped(&self) -> u64 {
        self.events.dropped.load(Ordering::Relaxed)
    }

    /// Never waits and never fails: what cannot be taken is counted by
    /// [`EventLog::decisions_dropped`].
    pub fn keep(&self, decision: Kept) {
        if decision.fits()
            && let Ok(room) = Arc::clone(&self.decisions_room).try_acquire_owned()
            && self.commands.try_send(Command::Write(Record::Decision(decision, room))).is_ok()
        {
            return;
        }
        self.decisions.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Decisions that were written.
    pub fn decisions_kept(&self) -> u64 {
        self.decisions.written.load(Ordering::Relaxed)
    }

    /// Decisions that were lost, for the reasons that [`EventLog::dropped`] has for events.
    pub fn decisions_dropped(&self) -> u64 {
        self.decisions.dropped.load(Ordering::Relaxed)
    }

    /// The events that pass a filter, newest first.
    pub async fn query(&self, filter: Filter) -> Result<Vec<Event>, QueryError> {
        self.ask(|reply| Question::Events(filter, reply)).await
    }

    /// The newest decision of an account with this trace, while it is kept.
    pub async fn decision(&self, account: &str, trace: u64) -> Result<Option<Kept>, QueryError> {
        let account = account.into();
        self.ask(|reply| Question::Decision { account, trace, reply }).await
    }

    /// The decisions that pass a filter, newest first.
    pub async fn decisions(&self, filter: DecisionFilter) -> Result<Vec<KeptHead>, QueryError> {
        self.ask(|reply| Question::Decisions(filter, reply)).await
    }

    async fn ask<T>(&self, question: impl FnOnce(Reply<T>) -> Question) -> Result<T, QueryError> {
        let _turn = self.queries.acquire().await.map_err(|_| QueryError::Closed)?;
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(Command::Ask(question(reply))).map_err(|refused| match refused {
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
