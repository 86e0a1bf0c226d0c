//! Our words as SQLite values, and the two ways a walk through the tables can end early.

use std::sync::Arc;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::error::{Failed, Step};
use crate::key::Key;
use crate::record::{Rev, Value};
use crate::txn::LeaseId;

/// Why a walk ended: what was asked is refused, or the engine failed.
pub(super) enum Halt<E> {
    Refused(E),
    Engine(rusqlite::Error),
}

// === impl Halt ===

impl<E: From<Failed>> Halt<E> {
    pub(super) fn during(self, step: Step) -> E {
        match self {
            Halt::Refused(refused) => refused,
            Halt::Engine(source) => step.failed()(source).into(),
        }
    }
}

impl<E> From<rusqlite::Error> for Halt<E> {
    fn from(source: rusqlite::Error) -> Halt<E> {
        Halt::Engine(source)
    }
}

// === values ===

impl ToSql for Rev {
    /// SQLite's integers are signed; a revision beyond them is later than any there is.
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.value()).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Rev {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Rev> {
        unsigned(value).map(Rev::new)
    }
}

impl ToSql for LeaseId {
    /// An id beyond SQLite's integers was never granted.
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.value()).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for LeaseId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<LeaseId> {
        unsigned(value).map(LeaseId::new)
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Key> {
        String::column_result(value).map(Key::stored)
    }
}

/// The value in a column; NULL stands for a deletion.
pub(super) fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Value>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    Ok(bytes.map(Arc::from))
}

fn unsigned(value: ValueRef<'_>) -> FromSqlResult<u64> {
    let signed = value.as_i64()?;
    u64::try_from(signed).map_err(|_| FromSqlError::OutOfRange(signed))
}
