//! Opening the file: one process at a time, only its owner may read it, WAL, current tables.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::migrations::{MigrateError, STEPS, migrate};
use crate::error::Failed;

/// How long to wait for somebody else at the file, such as an operator with `sqlite3`.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The WAL is cut back to this after a large transaction.
const WAL_BYTES_KEPT: u32 = 64 << 20;

/// KiB of pages that each connection keeps, where SQLite by itself takes 2,000: five connections are
/// open after a while, and what they read again the kernel still has.
const CACHE_KIB: u32 = 512;

/// Every statement of the writer or a reader stays prepared.
const STATEMENTS_KEPT: usize = 64;

/// Certificates' keys and tokens are in the file.
const OWNER_ONLY: u32 = 0o600;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("could not create {path}")]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not lock {path}")]
    Lock {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is in use by another process ({holder})")]
    InUse { path: PathBuf, holder: String },
    #[error("could not open {path}")]
    Open {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("{path} cannot have a write-ahead log, it stays in journal mode {mode}")]
    NoWal { path: PathBuf, mode: String },
    #[error("cannot use {path}")]
    Schema {
        path: PathBuf,
        #[source]
        source: MigrateError,
    },
    #[error("could not start the writer's thread")]
    Thread(#[source] io::Error),
    #[error("could not read the state of the store")]
    State(#[source] Failed),
}

/// A connection that may write, and what keeps other processes away.
pub(super) struct Opened {
    pub(super) conn: Connection,
    pub(super) lock: Option<FileLock>,
}

/// Held by an open file, so that the kernel frees it however the process ends.
pub(super) struct FileLock {
    held: File,
}

// === impl FileLock ===

impl Drop for FileLock {
    /// By name and not by closing only: a process just being started has a copy of the open file
    /// until it runs its own program.
    fn drop(&mut self) {
        if let Err(error) = self.held.unlock() {
            tracing::warn!(%error, "the store's lock is let go by closing it");
        }
    }
}

pub(super) fn file(path: &Path) -> Result<Opened, OpenError> {
    let lock = lock(path)?;
    create(path).map_err(|source| OpenError::Create { path: path.into(), source })?;
    let open = |source| OpenError::Open { path: path.into(), source };
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(open)?;
    let mode: String = conn
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(open)?;
    if mode != "wal" {
        return Err(OpenError::NoWal { path: path.into(), mode });
    }
    conn.pragma_update(None, "synchronous", "FULL").map_err(open)?;
    conn.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, |_| Ok(()))
        .map_err(open)?;
    migrate(&mut conn, STEPS).map_err(|source| OpenError::Schema { path: path.into(), source })?;
    Ok(Opened { conn, lock: Some(lock) })
}

pub(super) fn memory() -> Result<Opened, OpenError> {
    let path = Path::new(":memory:");
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|source| OpenError::Open { path: path.into(), source })?;
    migrate(&mut conn, STEPS).map_err(|source| OpenError::Schema { path: path.into(), source })?;
    Ok(Opened { conn, lock: None })
}

/// One more connection to a file that is open already.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_WAIT)?;
    conn.pragma_update(None, "cache_size", -i64::from(CACHE_KIB))?; // below zero, it counts KiB
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Else SQLite plans most of our statements anew each time they are run, lest another plan be
    // better for the values bound. None of ours would be.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(conn)
}

/// The WAL and its index take the permissions of this file.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(OWNER_ONLY).open(path)
}

/// A file beside the database, because SQLite's own exclusive mode would also shut out an operator
/// who only reads.
fn lock(database: &Path) -> Result<FileLock, OpenError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = |source| OpenError::Lock { path: path.clone(), source };
    let mut held = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY)
        .open(&path)
        .map_err(failed)?;
    match held.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { path: database.into(), holder: holder(&mut held) });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    held.set_len(0).map_err(failed)?;
    writeln!(held, "{}", std::process::id()).map_err(failed)?;
    Ok(FileLock { held })
}

/// Who wrote itself into the lock file; only a hint for people.
fn holder(lock: &mut File) -> String {
    let mut pid = String::new();
    match lock.take(32).read_to_string(&mut pid) {
        Ok(_) if !pid.trim().is_empty() => format!("pid {}", pid.trim()),
        Ok(_) | Err(_) => "pid unknown".into(),
    }
}
