//! The thread of the log: takes events in order, several in one transaction.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::Retention;
use super::tables;
use crate::event::{Event, Filter, NewEvent};

/// Events that share one transaction.
const BATCH_MAX: usize = 256;

/// Everything the thread can be told.
pub(super) enum Command {
    Append(NewEvent),
    Query(Filter, oneshot::Sender<rusqlite::Result<Vec<Event>>>),
    Close,
}

pub(super) struct Writer {
    conn: Connection,
    commands: Receiver<Command>,
    retention: Retention,
    dropped: Arc<AtomicU64>,
    /// The last write failed; said once, not for every event.
    failing: bool,
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(
        conn: Connection,
        commands: Receiver<Command>,
        retention: Retention,
        dropped: Arc<AtomicU64>,
    ) -> Writer {
        Writer { conn, commands, retention, dropped, failing: false }
    }

    pub(super) fn run(mut self) {
        let mut held = None;
        // An error says that the log was dropped.
        while let Some(command) = held.take().or_else(|| self.commands.recv().ok()) {
            match command {
                Command::Append(event) => {
                    let events;
                    (events, held) = self.gather(event);
                    self.write(&events);
                }
                // A caller that no longer waits has dropped its end, and needs nothing.
                Command::Query(filter, reply) => {
                    drop(reply.send(tables::query(&self.conn, &filter)));
                }
                Command::Close => return,
            }
        }
    }

    /// The events that wait, up to the first other command.
    fn gather(&self, first: NewEvent) -> (Vec<NewEvent>, Option<Command>) {
        let mut events = vec![first];
        while events.len() < BATCH_MAX {
            match self.commands.try_recv() {
                Ok(Command::Append(event)) => events.push(event),
                Ok(other) => return (events, Some(other)),
                Err(_none) => break,
            }
        }
        (events, None)
    }

    fn write(&mut self, events: &[NewEvent]) {
        let written = tables::write(&mut self.conn, events, self.retention);
        let was_failing = std::mem::replace(&mut self.failing, written.is_err());
        if let Err(error) = written {
            self.dropped.fetch_add(events.len() as u64, Ordering::Relaxed);
            if !was_failing {
                tracing::error!(error = &error as &dyn Error, "could not write health events");
            }
        }
    }
}
