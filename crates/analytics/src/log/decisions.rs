//! The kept decisions of the log, a ring: their table, writing, pruning, asking.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Retention;
use crate::decision::{DecisionFilter, Kept, KeptHead, Kind};
use crate::limits;

/// Ids rise by one with every decision, and only the lowest are ever deleted. So `id` says how many
/// are kept and `begins` how much they hold, and no pruning has to count.
///
/// `explanation` is last, so that its pages are not touched by who reads the others. It is plain
/// text, for an operator with `sqlite3`.
pub(super) const TABLE: &str = "
CREATE TABLE decisions (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,   -- microseconds since 1970
    trace       INTEGER NOT NULL,   -- its 64 bits as a signed number
    account     TEXT NOT NULL,
    balancer    TEXT NOT NULL,
    name        TEXT NOT NULL,
    begins      INTEGER NOT NULL,   -- bytes of all explanations before this one
    explanation TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_trace ON decisions (trace, account, at);
CREATE INDEX decisions_by_time ON decisions (account, at);
CREATE INDEX decisions_by_place ON decisions (begins);
";

/// The table with `kind`, which is before `explanation`, too; all decisions were of DNS until then.
pub(super) const WITH_KIND: &str = "
ALTER TABLE decisions RENAME TO decisions_before;
DROP INDEX decisions_by_trace;
DROP INDEX decisions_by_time;
DROP INDEX decisions_by_place;
CREATE TABLE decisions (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,   -- microseconds since 1970
    trace       INTEGER NOT NULL,   -- its 64 bits as a signed number
    account     TEXT NOT NULL,
    balancer    TEXT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,      -- dns or http
    begins      INTEGER NOT NULL,   -- bytes of all explanations before this one
    explanation TEXT NOT NULL
) STRICT;
INSERT INTO decisions
SELECT id, at, trace, account, balancer, name, 'dns', begins, explanation FROM decisions_before;
DROP TABLE decisions_before;
CREATE INDEX decisions_by_trace ON decisions (trace, account, at);
CREATE INDEX decisions_by_time ON decisions (account, at);
CREATE INDEX decisions_by_place ON decisions (begins);
";

const INSERT: &str = "
INSERT INTO decisions (at, trace, kind, account, balancer, name, explanation, begins)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(
    (SELECT begins + octet_length(explanation) FROM decisions
     WHERE id = (SELECT max(id) FROM decisions)), 0))";

const PRUNE_COUNT: &str = "DELETE FROM decisions WHERE id <= (SELECT max(id) FROM decisions) - ?1";

const PRUNE_BYTES: &str = "
DELETE FROM decisions WHERE begins <
    (SELECT begins + octet_length(explanation) FROM decisions
     WHERE id = (SELECT max(id) FROM decisions)) - ?1";

const FIND: &str = "
SELECT trace, at, kind, account, balancer, name, explanation FROM decisions
WHERE trace = ?1 AND account = ?2 ORDER BY at DESC, id DESC LIMIT 1";

/// Names are equal in any case of their ASCII letters: RFC 4343, section 3.
const HEADS: &str = "
SELECT trace, at, kind, account, balancer, name FROM decisions
WHERE account = ?1 AND at >= ?2 AND at < ?3
  AND (?4 IS NULL OR balancer = ?4)
  AND (?5 IS NULL OR name = ?5 COLLATE NOCASE)
ORDER BY at DESC, id DESC LIMIT ?6";

/// The decisions, and what they push out.
pub(super) fn write(
    conn: &Connection,
    decisions: &[Kept],
    retention: Retention,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(INSERT)?;
    for decision in decisions {
        let Kept { trace, timestamp, kind, account, balancer, name, explanation } = decision;
        let (trace, kind) = (trace.cast_signed(), kind.word());
        statement.execute(params![timestamp, trace, kind, account, balancer, name, explanation])?;
    }
    prune(conn, retention)
}

pub(super) fn prune(conn: &Connection, retention: Retention) -> rusqlite::Result<()> {
    let bytes = i64::try_from(retention.explanations_bytes).unwrap_or(i64::MAX);
    conn.prepare_cached(PRUNE_COUNT)?.execute([retention.decisions])?;
    conn.prepare_cached(PRUNE_BYTES)?.execute([bytes])?;
    Ok(())
}

/// The newest with this trace in this account.
pub(super) fn find(conn: &Connection, account: &str, trace: u64) -> rusqlite::Result<Option<Kept>> {
    let mut statement = conn.prepare_cached(FIND)?;
    statement.query_row(params![trace.cast_signed(), account], as_kept).optional()
}

/// Newest first.
pub(super) fn query(conn: &Connection, filter: &DecisionFilter) -> rusqlite::Result<Vec<KeptHead>> {
    let mut statement = conn.prepare_cached(HEADS)?;
    let found = statement.query_map(
        params![
            filter.account,
            filter.since.unwrap_or(i64::MIN),
            filter.until.unwrap_or(i64::MAX),
            filter.balancer,
            filter.name,
            limits::rows(filter.limit),
        ],
        as_head,
    )?;
    found.collect()
}

fn as_kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let KeptHead { trace, timestamp, kind, account, balancer, name } = as_head(row)?;
    Ok(Kept { trace, timestamp, kind, account, balancer, name, explanation: row.get(6)? })
}

fn as_head(row: &Row<'_>) -> rusqlite::Result<KeptHead> {
    Ok(KeptHead {
        trace: row.get::<_, i64>(0)?.cast_unsigned(),
        timestamp: row.get(1)?,
        kind: row.get(2)?,
        account: row.get(3)?,
        balancer: row.get(4)?,
        name: row.get(5)?,
    })
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Kind> {
        let word = value.as_str()?;
        Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests;
