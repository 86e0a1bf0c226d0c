//! The limits that events and decisions share.

/// Longest text of a row: a name of 255 characters, whatever they are and however they are escaped,
/// or a failure reason.
pub const TEXT_BYTES_MAX: usize = 1_024;

/// Rows given when a query does not say how many.
pub const QUERY_LIMIT_DEFAULT: usize = 100;

/// Most rows given to one query; `until` leads to those before.
pub const QUERY_LIMIT_MAX: usize = 1_000;

pub(crate) fn short(text: &str) -> bool {
    text.len() <= TEXT_BYTES_MAX
}

/// As many rows as a query that asks for `limit` gets, in SQLite's type.
pub(crate) fn rows(limit: Option<usize>) -> i64 {
    let rows = limit.unwrap_or(QUERY_LIMIT_DEFAULT).min(QUERY_LIMIT_MAX);
    i64::try_from(rows).unwrap_or(i64::MAX)
}
