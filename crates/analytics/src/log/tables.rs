//! What the tables of the log share: the file, its version, its transactions.

use std::time::Duration;

use rusqlite::Connection;

use super::{Retention, decisions, events};

/// How long to wait for an operator with `sqlite3`.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Each makes the tables of one version of those of the version before; the first starts with none.
/// A step that was released never changes.
const STEPS: [&str; 4] =
    [events::TABLES, decisions::TABLE, decisions::WITH_KIND, events::WITH_SAID];

/// The version of the tables after every step.
const VERSION: u32 = STEPS.len() as u32;

/// Why the tables of a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    #[error("its tables have version {found}, this program knows version {VERSION}")]
    Newer { found: u32 },
    #[error("could not prepare its tables")]
    Prepare(#[from] rusqlite::Error),
}

/// A crash of the machine may lose the last rows, and never more than those.
pub(super) fn tune(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_WAIT)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_mode| Ok(()))?;
    conn.pragma_update(None, "synchronous", "NORMAL")
}

/// Makes the tables that are missing, and prunes what a shorter retention no longer keeps.
pub(super) fn prepare(conn: &mut Connection, retention: Retention) -> Result<(), TablesError> {
    conn.pragma_update(None, "foreign_keys", true)?;
    let tx = conn.transaction()?;
    let found: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = STEPS.get(found as usize..) else {
        return Err(TablesError::Newer { found });
    };
    for step in missing {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "user_version", VERSION)?;
    events::prune(&tx, retention)?;
    decisions::prune(&tx, retention)?;
    Ok(tx.commit()?)
}

/// All that `change` does, or nothing.
pub(super) fn write(
    conn: &mut Connection,
    change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let tx = conn.transaction()?;
    change(&tx)?;
    tx.commit()
}
