//! A process that is killed while it commits: what it was told is on disk is on disk, whole.
//!
//! The parent runs this test binary again as the child, which commits numbered keys from several
//! tasks and prints each revision once it was acknowledged. SIGKILL comes after some line.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Guard, Key, Prefix, Range, Rev, Sqlite, Store, Txn, Write};

/// Set in the child: where its store is, and the first number of its keys.
const STORE: &str = "TRIMTAB_TEST_CRASH_STORE";
const FIRST: &str = "TRIMTAB_TEST_CRASH_FIRST";

/// The name of the child's test.
const CHILD: &str = "sqlite::crash::child";

const KILLS: u32 = 20;
const WRITERS: u64 = 4;

/// Keys of one transaction, to see that none is there in part.
const PARTS: u64 = 3;

/// Only does something as the child of the other test.
#[tokio::test]
async fn child() {
    let (Ok(path), Ok(first)) = (std::env::var(STORE), std::env::var(FIRST)) else { return };
    let first: u64 = first.parse().unwrap();
    let store = Sqlite::open(Path::new(&path)).unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (first + writer..).step_by(WRITERS as usize) {
                let rev = store.commit(numbered(number)).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {number} {rev}").unwrap();
                out.flush().unwrap();
            }
        })
    });
    futures_util::future::join_all(writers).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_sigkill() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("trimtab.db");
    let mut dice = Dice(u64::from(std::process::id()) | 1);
    let mut acknowledged = BTreeMap::new();
    for round in 0..KILLS {
        let lines = 1 + dice.next() % 120;
        let before = acknowledged.len();
        let first = u64::from(round) * 1_000_000;
        acknowledged.extend(killed_after(lines, &path, first));
        assert!(acknowledged.len() as u64 >= before as u64 + lines);
        check(&path, &acknowledged).await;
    }
}

/// Runs the child until it has acknowledged so many, kills it, and gives all it acknowledged.
fn killed_after(lines: u64, path: &Path, first: u64) -> BTreeMap<u64, Rev> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture", "--test-threads=1"])
        .env(STORE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = BTreeMap::new();
    let out = BufReader::new(child.stdout.take().unwrap());
    for line in out.lines() {
        let line = line.unwrap();
        let Some((_, told)) = line.split_once("acknowledged ") else { continue };
        let (number, rev) = told.split_once(' ').unwrap();
        acknowledged.insert(number.parse().unwrap(), Rev::new(rev.parse().unwrap()));
        if acknowledged.len() as u64 == lines {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    acknowledged
}

async fn check(path: &Path, acknowledged: &BTreeMap<u64, Rev>) {
    let store = Sqlite::open(path).unwrap();
    let found = numbers(&store).await;
    for (number, rev) in acknowledged {
        assert_eq!(found.get(number), Some(rev), "number {number}");
    }
    let mut revs: Vec<u64> = found.values().map(|rev| rev.value()).collect();
    revs.sort_unstable();
    assert_eq!(revs, Vec::from_iter(1..=store.now_rev().await.unwrap().value()));
    store.close().await.unwrap();

    let operator = rusqlite::Connection::open(path).unwrap();
    let verdict: String =
        operator.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

/// Every number in the store with the revision that wrote all its parts.
async fn numbers(store: &Sqlite) -> BTreeMap<u64, Rev> {
    let mut parts: BTreeMap<u64, Vec<Rev>> = BTreeMap::new();
    let mut range = Range::of(Prefix::all());
    loop {
        let page = store.read(range.clone(), None).await.unwrap();
        for entry in &page.entries {
            let number = entry.key.as_str().split('/').nth(1).unwrap().parse().unwrap();
            parts.entry(number).or_default().push(entry.modified);
        }
        range.after = page.entries.last().map(|entry| entry.key.clone());
        if !page.more {
            break;
        }
    }
    let whole = |(number, revs): (u64, Vec<Rev>)| {
        assert_eq!(revs, [revs[0]; PARTS as usize], "number {number}");
        (number, revs[0])
    };
    parts.into_iter().map(whole).collect()
}

fn numbered(number: u64) -> Txn {
    let key = |part: u64| Key::new(format!("n/{number}/{part}")).unwrap();
    let write = |part| Write::Put(key(part), number.to_string().into_bytes().into());
    Txn {
        guards: vec![Guard::Absent(key(0))],
        writes: (0..PARTS).map(write).collect(),
        actor: "child".into(),
        comment: None,
    }
}

/// Marsaglia's xorshift: which line is the last need not be secret.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
