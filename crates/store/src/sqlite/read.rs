//! Reading keys now, at an older revision, and through their past.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::sql::{Halt, value};
use crate::error::{Failed, ReadError};
use crate::key::Key;
use crate::record::{Entry, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Page, Past, Range, Rev, Value};

/// The value of one key in force at a revision, or the mark of its deletion.
const ENTRY: &str = "
SELECT key, value, created, rev FROM log WHERE key = ?1 AND rev <= ?2 ORDER BY rev DESC LIMIT 1";

const PAGE_NOW: &str = "
SELECT kv.key, log.value, kv.created, kv.modified
FROM kv CROSS JOIN log ON log.key = kv.key AND log.rev = kv.modified
WHERE kv.key >= ?1 AND kv.key < ?2 ORDER BY kv.key LIMIT ?3";

const PAGE_THEN: &str = "
SELECT key, value, created, rev FROM log AS l INDEXED BY log_by_key
WHERE key >= ?1 AND key < ?2 AND rev = (
    SELECT max(rev) FROM log WHERE key = l.key AND rev <= ?4
) AND value IS NOT NULL ORDER BY key LIMIT ?3";

/// After a compaction the value in force then is the oldest step; what is older may be there still,
/// not yet swept.
const HISTORY: &str = "
SELECT log.rev, commits.at, commits.actor, commits.comment, log.value
FROM log JOIN commits ON commits.rev = log.rev
WHERE log.key = ?1 AND log.rev < ?2 AND (log.rev > ?3 OR (
    log.value IS NOT NULL
    AND log.rev = (SELECT max(rev) FROM log WHERE key = ?1 AND rev <= ?3)
)) ORDER BY log.rev DESC LIMIT ?4";

/// The revisions that can be read.
pub(super) struct Window {
    pub(super) compacted: Rev,
    pub(super) now: Rev,
}

/// A list that ends at a number of items or of bytes, whichever comes first.
struct Filling<T> {
    items: Vec<T>,
    bytes: usize,
    limit: usize,
}

// === impl Window ===

impl Window {
    pub(super) fn of(conn: &Connection) -> rusqlite::Result<Window> {
        let sql = "SELECT compacted, (SELECT coalesce(max(rev), 0) FROM commits) FROM compaction";
        conn.prepare_cached(sql)?
            .query_row([], |row| Ok(Window { compacted: row.get(0)?, now: row.get(1)? }))
    }

    pub(super) fn admit(&self, at: Rev) -> Result<(), ReadError> {
        if at < self.compacted {
            return Err(ReadError::Compacted { at, compacted: self.compacted });
        }
        if at > self.now {
            return Err(ReadError::Future { at, now: self.now });
        }
        Ok(())
    }

    fn admit_or_now(&self, at: Option<Rev>) -> Result<Rev, Halt<ReadError>> {
        let Some(at) = at else { return Ok(self.now) };
        self.admit(at).map_err(Halt::Refused)?;
        Ok(at)
    }
}

// === impl Filling ===

impl<T> Filling<T> {
    fn new(limit: usize) -> Filling<T> {
        Filling { items: Vec::new(), bytes: 0, limit: limit.clamp(1, PAGE_ENTRIES_MAX) }
    }

    fn full(&self) -> bool {
        self.items.len() >= self.limit || self.bytes >= PAGE_BYTES_MAX
    }

    fn push(&mut self, item: T, bytes: usize) {
        self.items.push(item);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

pub(super) fn now(conn: &Connection) -> Result<Rev, Halt<Failed>> {
    Ok(Window::of(conn)?.now)
}

pub(super) fn entry(
    conn: &Connection,
    key: Key,
    at: Option<Rev>,
) -> Result<Option<Entry>, Halt<ReadError>> {
    let at = Window::of(conn)?.admit_or_now(at)?;
    let found = conn.prepare_cached(ENTRY)?.query_row(params![key, at], as_entry).optional()?;
    Ok(found.flatten())
}

pub(super) fn page(
    conn: &Connection,
    range: &Range,
    at: Option<Rev>,
) -> Result<Page, Halt<ReadError>> {
    let window = Window::of(conn)?;
    let rev = window.admit_or_now(at)?;
    let (start, end) = (range.prefix.start(range.after.as_ref()), range.prefix.end());
    let mut page = Filling::new(range.limit);
    // One more than fits, to know whether more remain.
    let wanted = i64::try_from(page.limit + 1).unwrap_or(i64::MAX);
    let mut statement;
    let mut rows = if rev == window.now {
        statement = conn.prepare_cached(PAGE_NOW)?;
        statement.query(params![start, end, wanted])?
    } else {
        statement = conn.prepare_cached(PAGE_THEN)?;
        statement.query(params![start, end, wanted, rev])?
    };
    while let Some(row) = rows.next()? {
        if page.full() {
            return Ok(Page { rev, entries: page.items, more: true });
        }
        if let Some(entry) = as_entry(row)? {
            let bytes = entry.key.as_str().len() + entry.value.len();
            page.push(entry, bytes);
        }
    }
    Ok(Page { rev, entries: page.items, more: false })
}

pub(super) fn history(
    conn: &Connection,
    key: &Key,
    before: Option<Rev>,
    limit: usize,
) -> Result<Vec<Past>, Halt<Failed>> {
    let compacted = Window::of(conn)?.compacted;
    let before = before.unwrap_or(Rev::new(u64::MAX));
    let mut past = Filling::new(limit);
    let wanted = i64::try_from(past.limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(HISTORY)?;
    let mut rows = statement.query(params![key, before, compacted, wanted])?;
    while let Some(row) = rows.next()? {
        let step = as_past(row)?;
        let bytes = step.value.as_deref().map_or(0, <[u8]>::len);
        past.push(step, bytes);
        if past.full() {
            break;
        }
    }
    Ok(past.items)
}

fn as_entry(row: &Row<'_>) -> rusqlite::Result<Option<Entry>> {
    let value: Option<Value> = value(row, 1)?;
    let Some(value) = value else { return Ok(None) };
    let (key, created, modified) = (row.get(0)?, row.get(2)?, row.get(3)?);
    Ok(Some(Entry { key, value, created, modified }))
}

fn as_past(row: &Row<'_>) -> rusqlite::Result<Past> {
    Ok(Past {
        rev: row.get(0)?,
        at_unix_micros: row.get(1)?,
        actor: row.get(2)?,
        comment: row.get(3)?,
        value: value(row, 4)?,
    })
}
