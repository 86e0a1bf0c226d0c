//! Compaction in two steps: a mark that hides the past at once, and a sweep that removes it while
//! the writer has nothing else to do.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::read::Window;
use super::sql::Halt;
use crate::error::ReadError;
use crate::key::Key;
use crate::record::Rev;

/// Revisions swept in one transaction: a few milliseconds in which commits wait.
const SWEEP_REVS: u64 = 128;

/// Values that nobody can see any more once everything up to `?2` is hidden: those that a revision
/// in the range replaced, and its deletions themselves.
const HIDDEN: &str = "
SELECT key, previous FROM log WHERE rev > ?1 AND rev <= ?2 AND previous IS NOT NULL
UNION ALL
SELECT key, rev FROM log WHERE rev > ?1 AND rev <= ?2 AND value IS NULL";

const FORGET: &str = "
DELETE FROM commits WHERE rev >= ?1 AND rev <= ?2 AND rev < ?3
AND NOT EXISTS (SELECT 1 FROM log WHERE log.rev = commits.rev)";

/// Whether hidden values remain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sweep {
    Unfinished,
    Finished,
}

/// Hides what is before `at`.
pub(super) fn mark(conn: &mut Connection, at: Rev) -> Result<(), Halt<ReadError>> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let window = Window::of(&tx)?;
    if at > window.now {
        return Err(Halt::Refused(ReadError::Future { at, now: window.now }));
    }
    if at > window.compacted {
        tx.execute("UPDATE compaction SET compacted = ?1", [at])?;
    }
    Ok(tx.commit()?)
}

/// Removes some of what is hidden. A crash between two calls loses nothing: the range that was
/// done is committed with its removal.
pub(super) fn sweep(conn: &mut Connection) -> rusqlite::Result<Sweep> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (compacted, swept): (Rev, Rev) =
        tx.query_row("SELECT compacted, swept FROM compaction", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if swept == compacted {
        return Ok(Sweep::Finished);
    }
    let through = compacted.min(Rev::new(swept.value().saturating_add(SWEEP_REVS)));
    for (key, rev) in hidden(&tx, swept, through)? {
        tx.prepare_cached("DELETE FROM log WHERE key = ?1 AND rev = ?2")?
            .execute(params![key, rev])?;
        tx.prepare_cached(FORGET)?.execute([rev, rev, compacted])?;
    }
    tx.prepare_cached(FORGET)?.execute([swept, through, compacted])?;
    tx.execute("UPDATE compaction SET swept = ?1", [through])?;
    tx.commit()?;
    Ok(if through == compacted { Sweep::Finished } else { Sweep::Unfinished })
}

fn hidden(tx: &Transaction<'_>, from: Rev, through: Rev) -> rusqlite::Result<Vec<(Key, Rev)>> {
    let mut statement = tx.prepare_cached(HIDDEN)?;
    statement.query_map([from, through], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
