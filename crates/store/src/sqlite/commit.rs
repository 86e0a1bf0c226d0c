//! Transactions into tables: several in one write to disk, each with its own fate.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::sql::Halt;
use crate::error::{CommitError, Conflict, Invalid};
use crate::key::{Key, Prefix};
use crate::record::{Rev, Value};
use crate::txn::{Guard, LEASE_KEYS_MAX, LeaseId, TXN_BYTES_MAX, Txn, Write};

/// How the history names the end of a lease.
const LEASE_ACTOR: &str = "lease";

/// A deletion leaves no entry, so what is in force and newer is found from the log, which is short
/// after a recent revision however many keys the prefix has.
const NEWER: &str = "
SELECT kv.key, kv.modified FROM log INDEXED BY log_by_rev
CROSS JOIN kv ON kv.key = log.key AND kv.modified = log.rev
WHERE log.rev > ?1 AND log.key >= ?2 AND log.key < ?3 LIMIT 1";

pub(super) const IN_FORCE: &str = "
SELECT kv.created, kv.modified, length(log.value)
FROM kv CROSS JOIN log ON log.key = kv.key AND log.rev = kv.modified WHERE kv.key = ?1";

const PUT: &str = "
INSERT INTO kv (key, created, modified, lease) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (key) DO UPDATE SET modified = excluded.modified, lease = excluded.lease";

pub(super) const LEASED: &str = "SELECT key FROM kv WHERE lease = ?1 ORDER BY key";

/// What became of a group of transactions that were written to disk together.
pub(super) struct Group {
    pub(super) last: Rev,
    pub(super) fates: Vec<Result<Rev, CommitError>>,
}

/// A value that a write is about to replace.
struct InForce {
    created: Rev,
    modified: Rev,
    bytes: usize,
}

/// Commits each transaction that can be, in order, with one sync for all of them.
pub(super) fn commit<'t>(
    conn: &mut Connection,
    txns: impl Iterator<Item = &'t Txn>,
    at: i64,
) -> rusqlite::Result<Group> {
    let mut tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut last = last_rev(&tx)?;
    let mut fates = Vec::new();
    for txn in txns {
        let point = tx.savepoint()?;
        fates.push(match apply(&point, txn, last.next(), at) {
            Ok(()) => {
                point.commit()?;
                last = last.next();
                Ok(last)
            }
            Err(Halt::Refused(refused)) => {
                point.finish()?;
                Err(refused)
            }
            Err(Halt::Engine(failed)) => return Err(failed),
        });
    }
    tx.commit()?;
    Ok(Group { last, fates })
}

/// Removes a lease and deletes its keys in one transaction; the last revision after that.
pub(super) fn end_lease(conn: &mut Connection, id: LeaseId, at: i64) -> rusqlite::Result<Rev> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut last = last_rev(&tx)?;
    tx.prepare_cached("DELETE FROM leases WHERE id = ?1")?.execute([id])?;
    let keys = leased_keys(&tx, id)?;
    if !keys.is_empty() {
        last = last.next();
        record(&tx, last, at, LEASE_ACTOR, Some(&format!("lease {id} ended")))?;
    }
    for key in &keys {
        delete(&tx, last, key)?;
    }
    tx.commit()?;
    Ok(last)
}

pub(super) fn last_rev(conn: &Connection) -> rusqlite::Result<Rev> {
    let sql = "SELECT coalesce(max(rev), 0) FROM commits";
    conn.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn apply(conn: &Connection, txn: &Txn, rev: Rev, at: i64) -> Result<(), Halt<CommitError>> {
    for guard in &txn.guards {
        check(conn, guard)?;
    }
    record(conn, rev, at, &txn.actor, txn.comment.as_deref())?;
    let mut replaced = 0_usize;
    let mut leases = BTreeSet::new();
    for write in &txn.writes {
        replaced = replaced.saturating_add(match write {
            Write::Put(key, value) => put(conn, rev, key, value, None)?,
            Write::PutUnder(lease, key, value) => {
                leases.insert(*lease);
                put(conn, rev, key, value, Some(*lease))?
            }
            Write::Delete(key) => delete(conn, rev, key)?,
        });
    }
    if replaced > TXN_BYTES_MAX {
        return Err(Halt::Refused(Invalid::Replaces(replaced).into()));
    }
    leases.into_iter().try_for_each(|lease| check_lease(conn, lease))
}

fn check(conn: &Connection, guard: &Guard) -> Result<(), Halt<CommitError>> {
    let conflict = match guard {
        Guard::Absent(key) => modified(conn, key)?.map(|rev| (key.clone(), Some(rev))),
        Guard::Exists(key) => match modified(conn, key)? {
            Some(_) => None,
            None => Some((key.clone(), None)),
        },
        Guard::Unchanged { key, modified: wanted } => match modified(conn, key)? {
            Some(found) if found == *wanted => None,
            found => Some((key.clone(), found)),
        },
        Guard::NoneNewer { prefix, at } => newer(conn, prefix, *at)?.map(|(k, rev)| (k, Some(rev))),
    };
    match conflict {
        Some((key, current)) => Err(Halt::Refused(Conflict { key, current }.into())),
        None => Ok(()),
    }
}

fn modified(conn: &Connection, key: &Key) -> rusqlite::Result<Option<Rev>> {
    let sql = "SELECT modified FROM kv WHERE key = ?1";
    conn.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()
}

fn newer(conn: &Connection, prefix: &Prefix, at: Rev) -> rusqlite::Result<Option<(Key, Rev)>> {
    conn.prepare_cached(NEWER)?
        .query_row(params![at, prefix.start(None), prefix.end()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

/// After the writes, since a key may have been under the lease before.
fn check_lease(conn: &Connection, lease: LeaseId) -> Result<(), Halt<CommitError>> {
    let mut known = conn.prepare_cached("SELECT 1 FROM leases WHERE id = ?1")?;
    if !known.exists([lease])? {
        return Err(Halt::Refused(CommitError::LeaseGone(lease)));
    }
    let mut count = conn.prepare_cached("SELECT count(*) FROM kv WHERE lease = ?1")?;
    let keys: usize = count.query_row([lease], |row| row.get::<_, u32>(0))? as usize;
    match keys > LEASE_KEYS_MAX {
        true => Err(Halt::Refused(Invalid::LeaseFull(lease).into())),
        false => Ok(()),
    }
}

fn leased_keys(conn: &Connection, lease: LeaseId) -> rusqlite::Result<Vec<Key>> {
    let mut statement = conn.prepare_cached(LEASED)?;
    statement.query_map([lease], |row| row.get(0))?.collect()
}

fn record(
    conn: &Connection,
    rev: Rev,
    at: i64,
    actor: &str,
    comment: Option<&str>,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO commits (rev, at, actor, comment) VALUES (?1, ?2, ?3, ?4)";
    conn.prepare_cached(sql)?.execute(params![rev, at, actor, comment]).map(drop)
}

/// Puts a key; gives the size of what it replaced.
fn put(
    conn: &Connection,
    rev: Rev,
    key: &Key,
    value: &Value,
    lease: Option<LeaseId>,
) -> rusqlite::Result<usize> {
    let before = in_force(conn, key)?;
    let created = before.as_ref().map_or(rev, |before| before.created);
    log(conn, rev, key, Some(value), created, before.as_ref())?;
    conn.prepare_cached(PUT)?.execute(params![key, created, rev, lease])?;
    Ok(before.map_or(0, |before| before.bytes))
}

/// Deletes a key if it is there; gives the size of what it held.
fn delete(conn: &Connection, rev: Rev, key: &Key) -> rusqlite::Result<usize> {
    let Some(before) = in_force(conn, key)? else { return Ok(0) };
    log(conn, rev, key, None, before.created, Some(&before))?;
    conn.prepare_cached("DELETE FROM kv WHERE key = ?1")?.execute([key])?;
    Ok(before.bytes)
}

fn in_force(conn: &Connection, key: &Key) -> rusqlite::Result<Option<InForce>> {
    let read = |row: &rusqlite::Row<'_>| {
        let bytes = row.get::<_, u32>(2)? as usize;
        Ok(InForce { created: row.get(0)?, modified: row.get(1)?, bytes })
    };
    conn.prepare_cached(IN_FORCE)?.query_row([key], read).optional()
}

fn log(
    conn: &Connection,
    rev: Rev,
    key: &Key,
    value: Option<&Value>,
    created: Rev,
    before: Option<&InForce>,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO log (rev, key, value, created, previous) VALUES (?1, ?2, ?3, ?4, ?5)";
    let previous = before.map(|before| before.modified);
    let value = value.map(|value| &value[..]);
    conn.prepare_cached(sql)?.execute(params![rev, key, value, created, previous]).map(drop)
}
