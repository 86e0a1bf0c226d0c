//! The contract on a file and in memory, and what only SQLite does.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use proptest::prelude::*;
use rusqlite::StatementStatus;
use tempfile::TempDir;

use super::*;
use crate::suite::{self, Bench, contract, key, put, soon, take, txn, value, write};
use crate::{AnyStore, Guard, Invalid, Write};

/// Time stands still until a test moves it.
#[derive(Default)]
struct ManualClock {
    micros: AtomicU64,
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }

    fn unix_micros(&self) -> i64 {
        self.micros.load(Ordering::Relaxed).cast_signed()
    }
}

impl ManualClock {
    fn pass(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap();
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// A writer that waits for a lease does not notice a clock moved by hand; any command wakes it.
async fn wake(store: &impl Store) {
    let asleep = store.keep_alive(LeaseId::new(0)).await;
    assert!(matches!(asleep, Err(LeaseError::Gone(_))));
}

/// Through [`AnyStore`], as programs use it.
#[derive(Default)]
struct InMemory {
    clock: Arc<ManualClock>,
}

impl Bench for InMemory {
    type Store = AnyStore;

    fn open(&self) -> AnyStore {
        Sqlite::in_memory_with(Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap().into()
    }

    async fn pass(&self, store: &AnyStore, time: Duration) {
        self.clock.pass(time);
        wake(store).await;
    }
}

/// The directory is removed with the bench.
struct OnFile {
    dir: TempDir,
    clock: Arc<ManualClock>,
}

impl Default for OnFile {
    fn default() -> OnFile {
        OnFile { dir: TempDir::new().unwrap(), clock: Arc::default() }
    }
}

impl Bench for OnFile {
    type Store = Sqlite;

    fn open(&self) -> Sqlite {
        let path = self.dir.path().join("trimtab.db");
        Sqlite::open_with(&path, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    async fn pass(&self, store: &Sqlite, time: Duration) {
        self.clock.pass(time);
        wake(store).await;
    }
}

contract!(in_memory, InMemory::default());
contract!(on_file, OnFile::default());

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn in_memory_follows_the_model(ops in suite::model::ops()) {
        follow(&InMemory::default(), ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn on_file_follows_the_model(ops in suite::model::ops()) {
        follow(&OnFile::default(), ops);
    }
}

fn follow(bench: &impl Bench, ops: Vec<suite::model::Op>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(suite::model::follow(bench, ops));
}

// === what only SQLite does ===

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let bench = OnFile::default();
    let store = bench.open();
    let first = write(&store, vec![put("a", "1"), put("b", "1")]).await;
    let second = write(&store, vec![put("a", "2")]).await;
    store.close().await.unwrap();

    let store = bench.open();
    assert_eq!(store.now_rev().await.unwrap(), second);
    assert_eq!(suite::all(&store, "", Some(first)).await, suite::pairs(&[("a", "1"), ("b", "1")]));
    let mut watch = store.watch(Prefix::all(), first);
    let third = write(&store, vec![put("a", "3")]).await;
    let revs: Vec<Rev> = take(&mut watch, 2).await.iter().map(|batch| batch.rev).collect();
    assert_eq!(revs, [second, third]);
}

#[tokio::test]
async fn a_lease_begins_its_time_again_after_opening() {
    let bench = OnFile::default();
    let ttl = Duration::from_secs(10);
    let store = bench.open();
    let lease = store.lease(ttl).await.unwrap();
    write(&store, vec![Write::PutUnder(lease.id, key("here"), value("1"))]).await;
    store.close().await.unwrap();
    bench.clock.pass(ttl * 100);

    let store = bench.open();
    assert_eq!(suite::all(&store, "", None).await.len(), 1);
    bench.pass(&store, ttl / 2).await;
    store.keep_alive(lease.id).await.unwrap();
    bench.pass(&store, ttl).await;
    assert_eq!(suite::all(&store, "", None).await, []);
}

#[tokio::test]
async fn the_history_tells_the_wall_clock() {
    let bench = InMemory::default();
    let store = bench.open();
    bench.clock.pass(Duration::from_secs(5));
    write(&store, vec![put("a", "1")]).await;
    assert_eq!(store.history(key("a"), None, 1).await.unwrap()[0].at_unix_micros, 5_000_000);
}

/// A commit is acknowledged after SQLite's own; these settings make that one wait for the disk, and
/// for an operator who writes.
#[test]
fn commits_wait_for_the_disk() {
    let dir = TempDir::new().unwrap();
    let conn = open::file(&dir.path().join("trimtab.db")).unwrap().conn;
    let setting = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let journal: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    const FULL: i64 = 2;
    assert_eq!((journal.as_str(), setting("synchronous")), ("wal", FULL));
    assert_eq!(setting("busy_timeout"), 5_000);
}

#[tokio::test]
async fn a_second_opening_of_the_file_is_refused() {
    let bench = OnFile::default();
    let store = bench.open();
    let path = bench.dir.path().join("trimtab.db");
    let refused = Sqlite::open(&path).err().unwrap();
    let wanted =
        format!("{} is in use by another process (pid {})", path.display(), std::process::id());
    assert_eq!(refused.to_string(), wanted);
    store.close().await.unwrap();
    Sqlite::open(&path).unwrap();
}

#[tokio::test]
async fn an_operator_can_read_the_file_while_it_is_in_use() {
    let bench = OnFile::default();
    let store = bench.open();
    write(&store, vec![put("pools/a", "{\"name\":\"a\"}")]).await;
    let path = bench.dir.path().join("trimtab.db");
    let operator = open::reader(&path).unwrap();
    let found: (String, String, String) = operator
        .query_row("SELECT key, value, actor FROM entries", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(found, ("pools/a".into(), "{\"name\":\"a\"}".into(), "tester".into()));
    write(&store, vec![put("pools/a", "{}")]).await;
}

#[test]
fn a_connection_keeps_few_pages_in_memory() {
    let bench = OnFile::default();
    let path = bench.dir.path().join("trimtab.db");
    let opened = [open::file(&path).unwrap().conn, open::reader(&path).unwrap()];
    for conn in opened {
        let kept: i64 = conn.pragma_query_value(None, "cache_size", |row| row.get(0)).unwrap();
        assert_eq!(kept, -512, "KiB");
    }
}

#[test]
fn a_statement_is_planned_once() {
    let opened = open::memory().unwrap();
    for key in ["a", "b", "c"] {
        let mut statement = opened.conn.prepare_cached(commit::IN_FORCE).unwrap();
        assert!(!statement.exists([key]).unwrap());
    }
    let statement = opened.conn.prepare_cached(commit::IN_FORCE).unwrap();
    assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
}

/// Its index is a partial one, and so taken only by plans that know the lease is not NULL.
#[test]
fn keys_of_a_lease_are_found_by_their_index() {
    let conn = open::memory().unwrap().conn;
    let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", commit::LEASED)).unwrap();
    let steps = plan.query_map([1], |row| row.get::<_, String>("detail")).unwrap();
    let steps: Vec<String> = steps.map(Result::unwrap).collect();
    assert_eq!(steps, ["SEARCH kv USING COVERING INDEX kv_by_lease (lease=?)"]);
}

#[tokio::test]
async fn commits_wait_for_somebody_else_who_writes() {
    let bench = OnFile::default();
    let store = bench.open();
    let operator = rusqlite::Connection::open(bench.dir.path().join("trimtab.db")).unwrap();
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (rev, ()) = tokio::join!(write(&store, vec![put("a", "1")]), async {
        tokio::task::yield_now().await;
        operator.execute_batch("COMMIT").unwrap();
    });
    assert_eq!(rev, Rev::new(1));
}

#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let bench = OnFile::default();
    let _store = bench.open();
    let mut modes: Vec<(String, u32)> = std::fs::read_dir(bench.dir.path())
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            (file.file_name().into_string().unwrap(), mode)
        })
        .collect();
    modes.sort();
    let names = ["trimtab.db", "trimtab.db-shm", "trimtab.db-wal", "trimtab.db.lock"];
    assert_eq!(modes, names.map(|name| (name.to_string(), 0o600)));
}

#[tokio::test]
async fn a_newer_file_is_refused() {
    let bench = OnFile::default();
    bench.open().close().await.unwrap();
    let path = bench.dir.path().join("trimtab.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = Sqlite::open(&path).err().unwrap();
    assert_eq!(refused.to_string(), format!("cannot use {}", path.display()));
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(cause, "its schema has version 99, this program knows versions up to 1");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_stays() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trimtab.db");
    std::fs::write(&path, "shopping list: eggs, flour, milk, and something long enough").unwrap();
    let refused = Sqlite::open(&path).err().unwrap();
    assert_eq!(refused.to_string(), format!("could not open {}", path.display()));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("shopping list"));
    let refused = Sqlite::open(Path::new("/nowhere/trimtab.db")).err().unwrap();
    assert_eq!(refused.to_string(), "could not lock /nowhere/trimtab.db.lock");
}

#[tokio::test]
async fn a_closed_store_answers_that_it_is_closed() {
    for store in [InMemory::default().open(), OnFile::default().open().into()] {
        let mut watch = store.watch(Prefix::all(), Rev::ZERO);
        write(&store, vec![put("a", "1")]).await;
        take(&mut watch, 1).await;
        store.close().await.unwrap();
        store.close().await.unwrap();
        assert!(soon(watch.next()).await.is_none());
        assert!(matches!(store.now_rev().await, Err(Failed::Closed)));
        let outcome = store.commit(txn(vec![], vec![put("a", "1")])).await;
        assert!(matches!(outcome, Err(CommitError::Failed(Failed::Closed))), "{outcome:?}");
        assert!(soon(store.watch(Prefix::all(), Rev::ZERO).next()).await.is_none());
    }
}

#[tokio::test]
async fn a_waiting_watch_ends_when_the_store_closes() {
    let store = InMemory::default().open();
    let mut watch = store.watch(Prefix::all(), Rev::ZERO);
    let (end, closed) = tokio::join!(soon(watch.next()), async {
        tokio::task::yield_now().await;
        store.close().await
    });
    assert!(end.is_none());
    closed.unwrap();
}

#[tokio::test]
async fn closing_leaves_one_whole_file() {
    let bench = OnFile::default();
    let store = bench.open();
    write(&store, vec![put("a", "1")]).await;
    assert_eq!(suite::all(&store, "", None).await.len(), 1);
    let mut watch = store.watch(Prefix::all(), Rev::ZERO);
    take(&mut watch, 1).await;
    store.close().await.unwrap();
    let files = std::fs::read_dir(bench.dir.path()).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["trimtab.db", "trimtab.db.lock"]);
}

#[tokio::test]
async fn dropping_the_last_clone_lets_go_of_the_file() {
    let bench = OnFile::default();
    for n in 0..5 {
        let store = bench.open();
        assert_eq!(write(&store, vec![put("a", "1")]).await, Rev::new(n + 1));
    }
}

/// So much may wait in the queue or at a watch that the sum of what is replaced has a limit too.
#[tokio::test]
async fn replacing_too_much_at_once_is_refused() {
    let store = InMemory::default().open();
    let large: crate::Value = vec![b'v'; crate::record::VALUE_BYTES_MAX].into();
    let names: Vec<String> = (0..33).map(|n| format!("{n:02}")).collect();
    for name in &names {
        write(&store, vec![Write::Put(key(name), large.clone())]).await;
    }
    let before = store.now_rev().await.unwrap();
    let all = names.iter().map(|name| Write::Delete(key(name))).collect();
    match store.commit(txn(vec![], all)).await {
        Err(CommitError::Invalid(found)) => assert_eq!(found, Invalid::Replaces(33 << 20)),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.now_rev().await.unwrap(), before);
    let most = names[..32].iter().map(|name| Write::Delete(key(name))).collect();
    assert_eq!(write(&store, most).await, before.next());
}

/// A full disk, near enough: the group fails as a whole, and later ones find it as it was.
#[tokio::test]
async fn a_failed_write_changes_nothing() {
    let bench = OnFile::default();
    let store = bench.open();
    let before = write(&store, vec![put("a", "1")]).await;
    let path = bench.dir.path().join("trimtab.db");
    let operator = rusqlite::Connection::open(&path).unwrap();
    operator
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        .unwrap();
    let outcome = store.commit(txn(vec![Guard::Exists(key("a"))], vec![put("a", "2")])).await;
    assert_eq!(outcome.unwrap_err().to_string(), "could not commit");
    assert_eq!(store.now_rev().await.unwrap(), before);
    operator.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(write(&store, vec![put("a", "3")]).await, before.next());
}

/// Rows of the log and of the commits, once the sweep is done.
async fn rows_after_sweep(bench: &OnFile) -> (u32, u32) {
    let operator = open::reader(&bench.dir.path().join("trimtab.db")).unwrap();
    let count = |sql: &str| operator.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    while count("SELECT count(*) FROM compaction WHERE swept < compacted") > 0 {
        tokio::task::yield_now().await;
    }
    (count("SELECT count(*) FROM log"), count("SELECT count(*) FROM commits"))
}

#[tokio::test]
async fn the_sweep_removes_what_is_hidden_and_resumes_after_opening() {
    let bench = OnFile::default();
    let store = bench.open();
    write(&store, vec![put("steady", "1")]).await;
    let writes =
        (0..300).map(|n| write(&store, vec![put("busy", if n % 2 == 0 { "0" } else { "1" })]));
    futures_util::future::join_all(writes).await;
    write(&store, vec![put("short", "1")]).await;
    let now = write(&store, vec![suite::delete("short")]).await;
    write(&store, vec![suite::delete("never")]).await;
    store.compact(now).await.unwrap();
    // Closed in the middle of the sweep, most likely.
    store.close().await.unwrap();

    let store = bench.open();
    assert_eq!(soon(rows_after_sweep(&bench)).await, (2, 4));
    let now = store.now_rev().await.unwrap();
    store.compact(now).await.unwrap();
    assert_eq!(soon(rows_after_sweep(&bench)).await, (2, 3));
    let past = store.history(key("steady"), None, 10).await.unwrap();
    assert_eq!(past.iter().map(|step| step.rev.value()).collect::<Vec<_>>(), [1]);
    assert_eq!(write(&store, vec![put("busy", "2")]).await, now.next());
}
