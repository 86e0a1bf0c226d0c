//! The thread of the log: takes records in order, several in one transaction.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Retention, decisions, events, tables};
use crate::decision::{DecisionFilter, Kept, KeptHead};
use crate::event::{Event, Filter, NewEvent};

/// Records that share one transaction.
const BATCH_MAX: usize = 256;

/// Everything the thread can be told.
pub(super) enum Command {
    Write(Record),
    Ask(Question),
    Close,
}

pub(super) enum Record {
    Event(NewEvent),
    /// With its share of the room for decisions that wait.
    Decision(Kept, OwnedSemaphorePermit),
}

pub(super) enum Question {
    Events(Filter, Reply<Vec<Event>>),
    Decisions(DecisionFilter, Reply<Vec<KeptHead>>),
    Decision { account: String, trace: u64, reply: Reply<Option<Kept>> },
}

pub(super) type Reply<T> = oneshot::Sender<rusqlite::Result<T>>;

pub(super) struct Writer {
    conn: Connection,
    commands: Receiver<Command>,
    retention: Retention,
    events: Notes,
    decisions: Notes,
}

/// What became of the records of one kind.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) written: AtomicU64,
    pub(super) dropped: AtomicU64,
}

/// Takes down whether records of one kind were written.
pub(super) struct Notes {
    kind: &'static str,
    tally: Arc<Tally>,
    /// The last write failed; said once, not for every record.
    failing: bool,
}

#[derive(Default)]
struct Batch {
    events: Vec<NewEvent>,
    decisions: Vec<Kept>,
    /// Given back with the batch, once its decisions are written.
    room: Vec<OwnedSemaphorePermit>,
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(
        conn: Connection,
        commands: Receiver<Command>,
        retention: Retention,
        [events, decisions]: [Notes; 2],
    ) -> Writer {
        Writer { conn, commands, retention, events, decisions }
    }

    pub(super) fn run(mut self) {
        let mut held = None;
        // An error says that the log was dropped.
        while let Some(command) = held.take().or_else(|| self.commands.recv().ok()) {
            match command {
                Command::Write(record) => {
                    let batch;
                    (batch, held) = self.gather(record);
                    self.write(&batch);
                }
                Command::Ask(question) => question.answer(&self.conn),
                Command::Close => return,
            }
        }
    }

    /// The records that wait, up to the first other command.
    fn gather(&self, first: Record) -> (Batch, Option<Command>) {
        let mut batch = Batch::default();
        batch.push(first);
        for _ in 1..BATCH_MAX {
            match self.commands.try_recv() {
                Ok(Command::Write(record)) => batch.push(record),
                Ok(other @ (Command::Ask(_) | Command::Close)) => return (batch, Some(other)),
                Err(_none) => break,
            }
        }
        (batch, None)
    }

    /// A transaction for each kind: what keeps one from being written does not lose the other.
    fn write(&mut self, batch: &Batch) {
        let Batch { events, decisions, room: _ } = batch;
        if !events.is_empty() {
            let change = |tx: &Connection| events::write(tx, events, self.retention);
            let written = tables::write(&mut self.conn, change);
            self.events.note(events.len(), written);
        }
        if !decisions.is_empty() {
            let change = |tx: &Connection| decisions::write(tx, decisions, self.retention);
            let written = tables::write(&mut self.conn, change);
            self.decisions.note(decisions.len(), written);
        }
    }
}

// === impl Question ===

impl Question {
    /// A caller that no longer waits has dropped its end, and needs nothing.
    fn answer(self, conn: &Connection) {
        match self {
            Question::Events(filter, reply) => drop(reply.send(events::query(conn, &filter))),
            Question::Decisions(filter, reply) => {
                drop(reply.send(decisions::query(conn, &filter)));
            }
            Question::Decision { account, trace, reply } => {
                drop(reply.send(decisions::find(conn, &account, trace)));
            }
        }
    }
}

// === impl Notes ===

impl Notes {
    pub(super) fn new(kind: &'static str, tally: &Arc<Tally>) -> Notes {
        Notes { kind, tally: Arc::clone(tally), failing: false }
    }

    fn note(&mut self, records: usize, written: rusqlite::Result<()>) {
        let was_failing = std::mem::replace(&mut self.failing, written.is_err());
        let count = if written.is_err() { &self.tally.dropped } else { &self.tally.written };
        count.fetch_add(records as u64, Ordering::Relaxed);
        if let Err(error) = written
            && !was_failing
        {
            tracing::error!(error = &error as &dyn Error, "could not write {}", self.kind);
        }
    }
}

// === impl Batch ===

impl Batch {
    fn push(&mut self, record: Record) {
        match record {
            Record::Event(event) => self.events.push(event),
            Record::Decision(decision, room) => {
                self.decisions.push(decision);
                self.room.push(room);
            }
        }
    }
}
