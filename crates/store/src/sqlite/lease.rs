//! Leases: which there are is on disk, when they end is kept here.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Connection;

use super::sql::Halt;
use crate::error::{LeaseError, Step};
use crate::txn::{LEASES_MAX, Lease, LeaseId};

/// An end that could not be written is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

/// When each lease ends, on the monotonic clock.
pub(super) struct Leases {
    held: BTreeMap<LeaseId, Held>,
}

struct Held {
    ttl: Duration,
    ends: Duration,
}

// === impl Leases ===

impl Leases {
    /// Nobody could keep a lease while the store was closed, so each begins its time again.
    pub(super) fn load(conn: &Connection, now: Duration) -> rusqlite::Result<Leases> {
        let mut statement = conn.prepare("SELECT id, ttl_micros FROM leases")?;
        let rows = statement.query_map([], |row| {
            let ttl = Duration::from_micros(row.get::<_, i64>(1)?.unsigned_abs());
            Ok((row.get(0)?, Held { ttl, ends: now.saturating_add(ttl) }))
        })?;
        Ok(Leases { held: rows.collect::<rusqlite::Result<_>>()? })
    }

    pub(super) fn grant(
        &mut self,
        conn: &Connection,
        ttl: Duration,
        now: Duration,
    ) -> Result<Lease, LeaseError> {
        let id = insert(conn, ttl, self.held.len()).map_err(|h| h.during(Step::GrantLease))?;
        self.held.insert(id, Held { ttl, ends: now.saturating_add(ttl) });
        Ok(Lease { id, ttl })
    }

    pub(super) fn keep(&mut self, id: LeaseId, now: Duration) -> Result<(), LeaseError> {
        let held = self.held.get_mut(&id).ok_or(LeaseError::Gone(id))?;
        held.ends = now.saturating_add(held.ttl);
        Ok(())
    }

    pub(super) fn holds(&self, id: LeaseId) -> bool {
        self.held.contains_key(&id)
    }

    pub(super) fn forget(&mut self, id: LeaseId) {
        self.held.remove(&id);
    }

    pub(super) fn postpone(&mut self, id: LeaseId, now: Duration) {
        if let Some(held) = self.held.get_mut(&id) {
            held.ends = now.saturating_add(RETRY);
        }
    }

    /// The lease to end first, and when.
    pub(super) fn first(&self) -> Option<(LeaseId, Duration)> {
        self.held.iter().map(|(id, held)| (*id, held.ends)).min_by_key(|(_, ends)| *ends)
    }
}

fn insert(conn: &Connection, ttl: Duration, held: usize) -> Result<LeaseId, Halt<LeaseError>> {
    if held >= LEASES_MAX {
        return Err(Halt::Refused(LeaseError::TooMany));
    }
    let micros = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO leases (ttl_micros) VALUES (?1) RETURNING id";
    Ok(conn.query_row(sql, [micros], |row| row.get(0))?)
}
