//! The watch: reads the log page by page; the writer's notice only says that there is more.

use std::collections::VecDeque;

use futures_util::stream::{self, StreamExt};
use rusqlite::{Connection, params};
use tokio::sync;

use super::read::Window;
use super::readers::Readers;
use super::sql::{Halt, value};
use crate::error::{Failed, ReadError, Step};
use crate::key::Prefix;
use crate::record::{Batch, Change, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Rev};
use crate::store::Watch;

const CHANGES: &str = "
SELECT log.rev, log.key, log.value, before.value
FROM log INDEXED BY log_by_rev
LEFT JOIN log AS before ON before.key = log.key AND before.rev = log.previous
WHERE log.rev > ?1 AND log.key >= ?2 AND log.key < ?3 ORDER BY log.rev, log.rowid";

/// A watch between two batches. It holds one page of the log, whatever happens meanwhile.
struct Tail {
    readers: Readers,
    revs: sync::watch::Receiver<Rev>,
    prefix: Prefix,
    /// Everything up to here was read.
    read: Rev,
    waiting: VecDeque<Batch>,
    ended: bool,
}

/// Whole transactions from the log.
struct Stretch {
    batches: VecDeque<Batch>,
    /// All changes up to here are in it.
    through: Rev,
}

pub(super) fn stream(
    readers: Readers,
    revs: sync::watch::Receiver<Rev>,
    prefix: Prefix,
    after: Rev,
) -> Watch {
    let tail = Tail { readers, revs, prefix, read: after, waiting: VecDeque::new(), ended: false };
    stream::unfold(tail, Tail::next).boxed()
}

// === impl Tail ===

impl Tail {
    async fn next(mut self) -> Option<(Result<Batch, ReadError>, Tail)> {
        while !self.ended {
            if let Some(batch) = self.waiting.pop_front() {
                return Some((Ok(batch), self));
            }
            // Marked as seen before the log is read, so that nothing committed later is missed.
            let known = *self.revs.borrow_and_update();
            match self.read_on().await {
                Ok(()) => {}
                Err(ReadError::Failed(Failed::Closed)) => return None,
                Err(error) => {
                    self.ended = true;
                    return Some((Err(error), self));
                }
            }
            let caught_up = self.waiting.is_empty() && self.read >= known;
            if caught_up && self.revs.changed().await.is_err() {
                return None;
            }
        }
        None
    }

    async fn read_on(&mut self) -> Result<(), ReadError> {
        let (prefix, after) = (self.prefix.clone(), self.read);
        let step = Step::ReadChanges { prefix: prefix.clone(), after };
        let read = move |conn: &rusqlite::Transaction<'_>| changes(conn, &prefix, after);
        let stretch = self.readers.run(step, read).await?;
        self.waiting = stretch.batches;
        self.read = stretch.through;
        Ok(())
    }
}

/// The transactions after a revision, as many as fit a page but never a part of one.
fn changes(conn: &Connection, prefix: &Prefix, after: Rev) -> Result<Stretch, Halt<ReadError>> {
    let window = Window::of(conn)?;
    window.admit(after).map_err(Halt::Refused)?;
    let mut statement = conn.prepare_cached(CHANGES)?;
    let mut rows = statement.query(params![after, prefix.start(None), prefix.end()])?;
    let mut batches: VecDeque<Batch> = VecDeque::new();
    let (mut count, mut bytes) = (0, 0_usize);
    while let Some(row) = rows.next()? {
        let rev: Rev = row.get(0)?;
        let change = Change { key: row.get(1)?, value: value(row, 2)?, previous: value(row, 3)? };
        let size = size(&change);
        match batches.back_mut() {
            Some(batch) if batch.rev == rev => batch.changes.push(change),
            Some(Batch { rev: through, .. })
                if count >= PAGE_ENTRIES_MAX || bytes >= PAGE_BYTES_MAX =>
            {
                let through = *through;
                return Ok(Stretch { batches, through });
            }
            Some(_) | None => batches.push_back(Batch { rev, changes: vec![change] }),
        }
        count += 1;
        bytes = bytes.saturating_add(size);
    }
    Ok(Stretch { batches, through: window.now })
}

fn size(change: &Change) -> usize {
    let values = [&change.value, &change.previous];
    values.into_iter().flatten().map(|value| value.len()).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{commit, open};
    use crate::suite::{key, txn};
    use crate::{Txn, Write};

    /// What bounds the memory of a slow watch.
    #[test]
    fn a_stretch_of_the_log_ends_at_a_page_but_never_within_a_transaction() {
        let check = |writes: usize, bytes: usize, wanted: &[u64]| {
            let mut conn = open::memory().unwrap().conn;
            let txns: Vec<Txn> = (0..9).map(|_| txn(vec![], puts(writes, bytes))).collect();
            commit::commit(&mut conn, txns.iter(), 0).unwrap();
            let mut ends = vec![];
            let mut after = Rev::ZERO;
            while after < Rev::new(9) {
                let Ok(stretch) = changes(&conn, &Prefix::all(), after) else { panic!() };
                assert!(stretch.batches.iter().all(|batch| batch.changes.len() == writes));
                assert_eq!(stretch.batches.front().unwrap().rev, after.next());
                assert_eq!(stretch.batches.back().unwrap().rev, stretch.through);
                after = stretch.through;
                ends.push(after.value());
            }
            assert_eq!(ends, wanted, "{writes} writes of {bytes} bytes");
        };
        check(1, 1, &[9]);
        check(400, 1, &[3, 6, 9]);
        check(1_000, 1, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        check(1, 1 << 20, &[5, 9]);
        check(10, 1 << 20, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    fn puts(writes: usize, bytes: usize) -> Vec<Write> {
        let write = |n| Write::Put(key(&format!("{n}")), vec![b'v'; bytes].into());
        (0..writes).map(write).collect()
    }
}
