//! The tables of the store, as numbered steps; `PRAGMA user_version` says how many were taken.

use rusqlite::{Connection, TransactionBehavior};

/// Step N brings a file from version N - 1 to N. A step that was released never changes.
pub(super) const STEPS: &[&str] = &[VERSION_1];

/// `log` is the truth: every value a key ever had. `kv` says which of them are in force. A value is
/// stored once, in `log`.
const VERSION_1: &str = "
CREATE TABLE commits (
    rev     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,   -- microseconds since 1970
    actor   TEXT NOT NULL,
    comment TEXT
) STRICT;

CREATE TABLE log (
    rev      INTEGER NOT NULL,
    key      TEXT NOT NULL,
    value    BLOB,              -- NULL: deleted
    created  INTEGER NOT NULL,
    previous INTEGER            -- revision of the value this one replaced
) STRICT;
CREATE INDEX log_by_rev ON log (rev);
CREATE UNIQUE INDEX log_by_key ON log (key, rev);

CREATE TABLE kv (
    key      TEXT PRIMARY KEY,
    created  INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    lease    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX kv_by_lease ON kv (lease) WHERE lease IS NOT NULL;

CREATE TABLE leases (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    ttl_micros INTEGER NOT NULL
) STRICT;

CREATE TABLE compaction (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    compacted INTEGER NOT NULL, -- nothing before this revision can be read
    swept     INTEGER NOT NULL  -- and up to this one it was removed
) STRICT;
INSERT INTO compaction VALUES (1, 0, 0);

CREATE VIEW entries AS              -- for operators with sqlite3
    SELECT kv.key, CAST(log.value AS TEXT) AS value, kv.created, kv.modified,
           datetime(commits.at / 1000000, 'unixepoch') AS at, commits.actor, commits.comment
    FROM kv
    JOIN log ON log.key = kv.key AND log.rev = kv.modified
    LEFT JOIN commits ON commits.rev = kv.modified;
";

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("its schema has version {found}, this program knows versions up to {known}")]
    Newer { found: usize, known: usize },
    #[error("could not read its schema version")]
    Version(#[source] rusqlite::Error),
    #[error("could not bring its schema to version {to}")]
    Step {
        to: usize,
        #[source]
        source: rusqlite::Error,
    },
}

/// Takes the steps a file lacks, each whole or not at all.
pub(super) fn migrate(conn: &mut Connection, steps: &[&str]) -> Result<(), MigrateError> {
    let found = conn
        .pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
        .map_err(MigrateError::Version)? as usize;
    if found > steps.len() {
        return Err(MigrateError::Newer { found, known: steps.len() });
    }
    for (done, step) in steps.iter().enumerate().skip(found) {
        let to = done + 1;
        take(conn, step, to).map_err(|source| MigrateError::Step { to, source })?;
    }
    Ok(())
}

fn take(conn: &mut Connection, step: &str, to: usize) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(step)?;
    tx.execute_batch(&format!("PRAGMA user_version = {to}"))?;
    tx.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each version made of an empty file, so that a released step is not edited by mistake.
    #[test]
    fn version_1_has_these_tables() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &STEPS[..1]).unwrap();
        assert_eq!(version(&conn), 1);
        assert_eq!(
            columns(&conn),
            [
                "commits rev at actor comment",
                "compaction one compacted swept",
                "entries key value created modified at actor comment",
                "kv key created modified lease",
                "leases id ttl_micros",
                "log rev key value created previous",
            ]
        );
    }

    #[test]
    fn a_file_of_version_1_keeps_its_entries_through_later_steps() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn, &STEPS[..1]).unwrap();
        conn.execute_batch(
            "INSERT INTO commits VALUES (1, 0, 'a', NULL);
             INSERT INTO log VALUES (1, 'k', x'76', 1, NULL);
             INSERT INTO kv VALUES ('k', 1, 1, NULL);",
        )
        .unwrap();
        let mut later = STEPS.to_vec();
        later.push("ALTER TABLE commits ADD COLUMN node TEXT");
        migrate(&mut conn, &later).unwrap();
        assert_eq!(version(&conn), later.len());
        let found: (String, String) = conn
            .query_row("SELECT key, value FROM entries", [], |r| Ok((r.get(0)?, r.get(1)?)))
            .unwrap();
        assert_eq!(found, ("k".into(), "v".into()));
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let mut conn = Connection::open_in_memory().unwrap();
        let broken = "CREATE TABLE half (a); CREATE TABLE log (a);";
        let error = migrate(&mut conn, &[VERSION_1, broken]).unwrap_err();
        assert_eq!(error.to_string(), "could not bring its schema to version 2");
        assert_eq!(version(&conn), 1);
        assert!(!columns(&conn).iter().any(|table| table.starts_with("half")));
    }

    #[test]
    fn a_newer_schema_is_refused_and_untouched() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("PRAGMA user_version = 9").unwrap();
        let error = migrate(&mut conn, &STEPS[..1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "its schema has version 9, this program knows versions up to 1"
        );
        assert_eq!((version(&conn), columns(&conn)), (9, vec![]));
    }

    fn version(conn: &Connection) -> usize {
        conn.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).unwrap() as usize
    }

    /// Each table or view with its columns.
    fn columns(conn: &Connection) -> Vec<String> {
        let sql = "SELECT m.name || ' ' || group_concat(c.name, ' ')
                   FROM sqlite_schema m, pragma_table_info(m.name) c
                   WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'
                   GROUP BY m.name ORDER BY m.name";
        let mut statement = conn.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}
