//! The events of the log: their tables, writing, pruning, asking.

use std::net::IpAddr;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::Retention;
use crate::event::{Event, Filter, MonitorSaid, NewEvent, OriginHealth, PoolHealth};
use crate::limits;

pub(super) const TABLES: &str = "
CREATE TABLE events (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    at              INTEGER NOT NULL,   -- microseconds since 1970
    pool_id         TEXT NOT NULL,
    pool_name       TEXT NOT NULL,
    healthy         INTEGER NOT NULL,
    changed         INTEGER NOT NULL,
    minimum_origins INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);

CREATE TABLE origins (
    event          INTEGER NOT NULL REFERENCES events ON DELETE CASCADE,
    place          INTEGER NOT NULL,
    name           TEXT NOT NULL,
    ip             TEXT,
    address        TEXT NOT NULL,
    enabled        INTEGER NOT NULL,
    healthy        INTEGER NOT NULL,
    changed        INTEGER NOT NULL,
    failure_reason TEXT,
    response_code  INTEGER,
    PRIMARY KEY (event, place)
) STRICT, WITHOUT ROWID;
";

/// JSON, or null.
pub(super) const WITH_SAID: &str = "ALTER TABLE origins ADD COLUMN said TEXT;";

const INSERT_EVENT: &str = "
INSERT INTO events (at, pool_id, pool_name, healthy, changed, minimum_origins)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const INSERT_ORIGIN: &str = "
INSERT INTO origins (event, place, name, ip, address, enabled, healthy, changed, failure_reason,
                     response_code, said)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

const PRUNE_COUNT: &str = "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?1";
const PRUNE_AGE: &str = "DELETE FROM events WHERE at < (SELECT max(at) FROM events) - ?1";

const EVENTS: &str = "
SELECT id, at, pool_id, pool_name, healthy, changed, minimum_origins FROM events
WHERE at >= ?1 AND at < ?2
  AND (?3 IS NULL OR pool_id = ?3)
  AND (?4 IS NULL OR pool_name = ?4)
  AND (?5 IS NULL OR healthy = ?5)
  AND (?6 IS NULL AND ?7 IS NULL OR EXISTS (
      SELECT 1 FROM origins WHERE event = id
      AND (?6 IS NULL OR name = ?6) AND (?7 IS NULL OR origins.healthy = ?7)))
ORDER BY at DESC, id DESC LIMIT ?8";

const ORIGINS: &str = "
SELECT name, ip, address, enabled, healthy, changed, failure_reason, response_code, said FROM origins
WHERE event = ?1 ORDER BY place";

/// The events, and what they push out.
pub(super) fn write(
    conn: &Connection,
    events: &[NewEvent],
    retention: Retention,
) -> rusqlite::Result<()> {
    for event in events {
        insert(conn, event)?;
    }
    prune(conn, retention)
}

pub(super) fn prune(conn: &Connection, retention: Retention) -> rusqlite::Result<()> {
    let age = i64::try_from(retention.age.as_micros()).unwrap_or(i64::MAX);
    conn.prepare_cached(PRUNE_COUNT)?.execute([retention.events])?;
    conn.prepare_cached(PRUNE_AGE)?.execute([age])?;
    Ok(())
}

/// Newest first.
pub(super) fn query(conn: &Connection, filter: &Filter) -> rusqlite::Result<Vec<Event>> {
    let mut origins = conn.prepare_cached(ORIGINS)?;
    let mut statement = conn.prepare_cached(EVENTS)?;
    let found = statement.query_map(
        params![
            filter.since.unwrap_or(i64::MIN),
            filter.until.unwrap_or(i64::MAX),
            filter.pool_id,
            filter.pool_name,
            filter.pool_healthy,
            filter.origin_name,
            filter.origin_healthy,
            limits::rows(filter.limit),
        ],
        as_event,
    )?;
    let with_origins = |event: rusqlite::Result<Event>| {
        let mut event = event?;
        event.origins = origins.query_map([event.id], as_origin)?.collect::<Result<_, _>>()?;
        Ok(event)
    };
    found.map(with_origins).collect()
}

fn insert(conn: &Connection, event: &NewEvent) -> rusqlite::Result<()> {
    let NewEvent { timestamp, pool, origins } = event;
    conn.prepare_cached(INSERT_EVENT)?.execute(params![
        timestamp,
        pool.id,
        pool.name,
        pool.healthy,
        pool.changed,
        pool.minimum_origins,
    ])?;
    let id = conn.last_insert_rowid();
    let mut statement = conn.prepare_cached(INSERT_ORIGIN)?;
    for (place, origin) in (0_i64..).zip(origins) {
        statement.execute(params![
            id,
            place,
            origin.name,
            origin.ip.map(|ip| ip.to_string()),
            origin.address,
            origin.enabled,
            origin.healthy,
            origin.changed,
            origin.failure_reason,
            origin.response_code,
            said_text(origin)?,
        ])?;
    }
    Ok(())
}

fn as_event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let pool = PoolHealth {
        id: row.get(2)?,
        name: row.get(3)?,
        healthy: row.get(4)?,
        changed: row.get(5)?,
        minimum_origins: row.get(6)?,
    };
    Ok(Event { id: row.get(0)?, timestamp: row.get(1)?, pool, origins: Vec::new() })
}

fn as_origin(row: &Row<'_>) -> rusqlite::Result<OriginHealth> {
    Ok(OriginHealth {
        name: row.get(0)?,
        ip: address(row, 1)?,
        address: row.get(2)?,
        enabled: row.get(3)?,
        healthy: row.get(4)?,
        changed: row.get(5)?,
        failure_reason: row.get(6)?,
        response_code: row.get(7)?,
        said: said(row, 8)?,
    })
}

fn said_text(origin: &OriginHealth) -> rusqlite::Result<Option<String>> {
    if origin.said.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(&origin.said);
    text.map(Some).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn said(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<MonitorSaid>> {
    let text: Option<String> = row.get(column)?;
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<IpAddr>> {
    let text: Option<String> = row.get(column)?;
    let parsed = text.map(|text| text.parse::<IpAddr>()).transpose();
    parsed.map_err(|bad| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, bad.into()))
}
