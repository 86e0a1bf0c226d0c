//! The writing thread: takes commands in order, ends leases in time, sweeps when idle.

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::commit::{self, Group};
use super::compact::{self, Sweep};
use super::lease::Leases;
use super::open::{FileLock, OpenError, Opened};
use super::queue::{Command, Queued, Reply, answer};
use crate::clock::Clock;
use crate::error::{CommitError, Failed, LeaseError, ReadError, Step};
use crate::record::Rev;
use crate::txn::{LeaseId, Txn};

/// Most transactions that share one sync: keeps the first of them from waiting long.
const GROUP_MAX: usize = 128;

pub(super) struct Writer {
    conn: Connection,
    commands: Receiver<Queued>,
    /// Taken from the queue while a group was gathered, to be done next.
    held: Option<Queued>,
    revs: watch::Sender<Rev>,
    clock: Arc<dyn Clock>,
    leases: Leases,
    sweep: Sweep,
    /// After the connection, so that the file is closed when the lock is let go.
    _lock: Option<FileLock>,
}

/// What the writer was woken by.
enum Event {
    Command(Queued),
    /// Nothing waits, and hidden values remain.
    Idle,
    LeaseDue,
    Gone,
}

/// A transaction and who waits for it.
struct Waiting {
    txn: Txn,
    reply: Reply<Result<Rev, CommitError>>,
    /// Its room in the queue, given back with the answer.
    _slots: Option<OwnedSemaphorePermit>,
}

// === impl Writer ===

impl Writer {
    /// The writer, and where it tells which revision is on disk.
    pub(super) fn new(
        opened: Opened,
        commands: Receiver<Queued>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Writer, watch::Receiver<Rev>), OpenError> {
        let state = |source| OpenError::State(Step::ReadRevision.failed()(source));
        let Opened { conn, lock } = opened;
        let leases = Leases::load(&conn, clock.monotonic()).map_err(state)?;
        let (revs, seen) = watch::channel(commit::last_rev(&conn).map_err(state)?);
        // A sweep may have been cut short by the last end.
        let sweep = Sweep::Unfinished;
        let writer = Writer { conn, commands, held: None, revs, clock, leases, sweep, _lock: lock };
        Ok((writer, seen))
    }

    pub(super) fn run(mut self) {
        loop {
            let event = self.next_event();
            // First of all: a lease that is over cannot be kept by a command that came late.
            self.end_due_leases();
            match event {
                Event::Command(Queued { command, slots }) => match command {
                    Command::Commit(txn, reply) => {
                        self.commit(Waiting { txn, reply, _slots: slots });
                    }
                    Command::Grant(ttl, reply) => {
                        let now = self.clock.monotonic();
                        answer(reply, self.leases.grant(&self.conn, ttl, now));
                    }
                    Command::Keep(id, reply) => {
                        answer(reply, self.leases.keep(id, self.clock.monotonic()));
                    }
                    Command::Revoke(id, reply) => answer(reply, self.revoke(id)),
                    Command::Compact(at, reply) => answer(reply, self.compact(at)),
                    Command::Read(read) => read(&mut self.conn),
                    Command::Close => return,
                },
                Event::Idle => self.sweep(),
                Event::LeaseDue => {}
                Event::Gone => return,
            }
        }
    }

    fn next_event(&mut self) -> Event {
        if let Some(held) = self.held.take() {
            return Event::Command(held);
        }
        if self.sweep == Sweep::Unfinished {
            return match self.commands.try_recv() {
                Ok(queued) => Event::Command(queued),
                Err(TryRecvError::Empty) => Event::Idle,
                Err(TryRecvError::Disconnected) => Event::Gone,
            };
        }
        let Some((_, ends)) = self.leases.first() else {
            return self.commands.recv().map_or(Event::Gone, Event::Command);
        };
        match self.commands.recv_timeout(ends.saturating_sub(self.clock.monotonic())) {
            Ok(queued) => Event::Command(queued),
            Err(RecvTimeoutError::Timeout) => Event::LeaseDue,
            Err(RecvTimeoutError::Disconnected) => Event::Gone,
        }
    }

    /// Commits a transaction together with those that wait behind it.
    fn commit(&mut self, first: Waiting) {
        let group = self.gather(first);
        let txns = group.iter().map(|waiting| &waiting.txn);
        match commit::commit(&mut self.conn, txns, self.clock.unix_micros()) {
            Ok(Group { last, fates }) => {
                self.announce(last);
                for (waiting, fate) in group.into_iter().zip(fates) {
                    answer(waiting.reply, fate);
                }
            }
            Err(source) => {
                let failed = Step::Commit.failed()(source);
                for waiting in group {
                    answer(waiting.reply, Err(failed.clone().into()));
                }
            }
        }
    }

    fn gather(&mut self, first: Waiting) -> Vec<Waiting> {
        let mut group = vec![first];
        while group.len() < GROUP_MAX {
            let Ok(Queued { command, slots }) = self.commands.try_recv() else { break };
            match command {
                Command::Commit(txn, reply) => group.push(Waiting { txn, reply, _slots: slots }),
                command => {
                    self.held = Some(Queued { command, slots });
                    break;
                }
            }
        }
        group
    }

    /// Wakes the watches.
    fn announce(&self, last: Rev) {
        self.revs.send_if_modified(|known| {
            let newer = last > *known;
            *known = last;
            newer
        });
    }

    fn end_due_leases(&mut self) {
        while let Some((id, ends)) = self.leases.first() {
            let now = self.clock.monotonic();
            if ends > now {
                return;
            }
            if let Err(error) = self.end_lease(id) {
                tracing::error!(error = &error as &dyn Error, "a lease goes on for a moment");
                self.leases.postpone(id, now);
            }
        }
    }

    fn revoke(&mut self, id: LeaseId) -> Result<(), LeaseError> {
        match self.leases.holds(id) {
            true => Ok(self.end_lease(id)?),
            false => Err(LeaseError::Gone(id)),
        }
    }

    fn end_lease(&mut self, id: LeaseId) -> Result<(), Failed> {
        let last = commit::end_lease(&mut self.conn, id, self.clock.unix_micros())
            .map_err(Step::EndLease(id).failed())?;
        self.leases.forget(id);
        self.announce(last);
        Ok(())
    }

    fn compact(&mut self, at: Rev) -> Result<(), ReadError> {
        compact::mark(&mut self.conn, at).map_err(|halt| halt.during(Step::Compact(at)))?;
        self.sweep = Sweep::Unfinished;
        Ok(())
    }

    /// What fails is hidden already, and is tried again after the next compaction or start.
    fn sweep(&mut self) {
        self.sweep = compact::sweep(&mut self.conn).unwrap_or_else(|source| {
            let error = Step::Sweep.failed()(source);
            tracing::error!(error = &error as &dyn Error, "old revisions stay on disk");
            Sweep::Finished
        });
    }
}
