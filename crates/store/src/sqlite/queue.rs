//! The way to the writer: a queue bounded by the bytes that wait in it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{CommitError, Failed, LeaseError, ReadError};
use crate::record::Rev;
use crate::txn::{Lease, LeaseId, TXN_BYTES_MAX, Txn};

/// What may wait: this many small commands, or two of the largest transactions.
const SLOTS: usize = 1_024;

/// A command takes one slot for each of these that it holds, and one if it holds nothing.
const SLOT_BYTES: usize = 2 * TXN_BYTES_MAX / SLOTS;

pub(super) type Reply<T> = oneshot::Sender<T>;

/// Everything the writer can be told.
pub(super) enum Command {
    Commit(Txn, Reply<Result<Rev, CommitError>>),
    Grant(Duration, Reply<Result<Lease, LeaseError>>),
    Keep(LeaseId, Reply<Result<(), LeaseError>>),
    Revoke(LeaseId, Reply<Result<(), LeaseError>>),
    Compact(Rev, Reply<Result<(), ReadError>>),
    /// A read of a store in memory, which has one connection only.
    Read(Box<dyn FnOnce(&mut Connection) + Send>),
    Close,
}

/// A command with the slots it holds until it is done.
pub(super) struct Queued {
    pub(super) command: Command,
    pub(super) slots: Option<OwnedSemaphorePermit>,
}

/// The sending end; all clones share the bound.
#[derive(Clone)]
pub(super) struct Queue {
    commands: SyncSender<Queued>,
    slots: Arc<Semaphore>,
}

/// The channel itself never fills: each command in it holds a slot, but for the one that closes.
pub(super) fn bounded() -> (Queue, Receiver<Queued>) {
    let (commands, received) = sync_channel(SLOTS + 1);
    (Queue { commands, slots: Arc::new(Semaphore::new(SLOTS)) }, received)
}

// === impl Queue ===

impl Queue {
    /// Waits for room, then for the answer. `bytes` is what the command holds in memory.
    pub(super) async fn ask<T>(
        &self,
        bytes: usize,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, Failed> {
        let wanted = u32::try_from(bytes.div_ceil(SLOT_BYTES).max(1)).unwrap_or(u32::MAX);
        let slots = Arc::clone(&self.slots).acquire_many_owned(wanted).await;
        let slots = slots.map_err(|_| Failed::Closed)?;
        let (reply, answer) = oneshot::channel();
        let queued = Queued { command: command(reply), slots: Some(slots) };
        self.commands.try_send(queued).map_err(|_| Failed::Closed)?;
        answer.await.map_err(|_| Failed::Closed)
    }

    /// Ends the writer after what is queued; nothing can be queued any more. Called once.
    pub(super) fn close(&self) {
        self.slots.close();
        let last = Queued { command: Command::Close, slots: None };
        if self.commands.try_send(last).is_err() {
            tracing::error!("the store's writer had ended by itself");
        }
    }
}

/// Answers a caller; one that no longer waits has dropped its end, and needs nothing.
pub(super) fn answer<T>(reply: Reply<T>, answer: T) {
    drop(reply.send(answer));
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::suite::txn;

    /// Nobody takes from the queue, so what is let in waits in memory.
    #[test]
    fn the_queue_is_bounded_by_number_and_by_bytes() {
        let check = |bytes: usize, wanted: usize| {
            let (queue, commands) = bounded();
            let mut asked = Vec::new();
            for _ in 0..SLOTS + 10 {
                let commit = |reply| Command::Commit(txn(vec![], vec![]), reply);
                let mut ask = Box::pin(queue.ask(bytes, commit));
                assert!((&mut ask).now_or_never().is_none());
                asked.push(ask);
            }
            assert_eq!(commands.try_iter().collect::<Vec<_>>().len(), wanted, "{bytes} bytes");
        };
        check(0, SLOTS);
        check(SLOT_BYTES, SLOTS);
        check(SLOT_BYTES + 1, SLOTS / 2);
        check(TXN_BYTES_MAX, 2);
    }
}
