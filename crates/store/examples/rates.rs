//! Measures a store on a file: commits alone and together, the way to a watch, reading many keys.
//! `cargo run --release -p trimtab-store --example rates -- DIRECTORY`

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::task::JoinSet;
use trimtab_store::{CommitError, Key, Prefix, Range, Rev, Sqlite, Store, Txn, Write};

type Outcome<T> = Result<T, Box<dyn Error>>;

const COMMITS: u32 = 2_000;
const WRITERS: u32 = 32;
const KEYS: u32 = 100_000;
const VALUE_BYTES: usize = 600;

#[tokio::main]
async fn main() -> Outcome<()> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("name a directory")?);
    let path = dir.join("rates.db");
    let store = Sqlite::open(&path)?;
    alone(&store).await?;
    together(&store).await?;
    to_watch(&store).await?;
    many_keys(&store).await?;
    store.close().await?;
    Ok(())
}

async fn alone(store: &Sqlite) -> Outcome<()> {
    let started = Instant::now();
    for n in 0..COMMITS {
        store.commit(one(&format!("alone/{n}"))?).await?;
    }
    tell("commits of one writer, each second", per_second(COMMITS, started))
}

async fn together(store: &Sqlite) -> Outcome<()> {
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        let txns: Vec<Txn> = (0..COMMITS / 4)
            .map(|n| one(&format!("together/{writer}/{n}")))
            .collect::<Outcome<_>>()?;
        writers.spawn(async move {
            for txn in txns {
                store.commit(txn).await?;
            }
            Ok::<(), CommitError>(())
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    let commits = WRITERS * (COMMITS / 4);
    tell("commits of 32 writers, each second", per_second(commits, started))
}

/// From before a commit to its batch at a watch, the sync included.
async fn to_watch(store: &Sqlite) -> Outcome<()> {
    let mut watch = store.watch(Prefix::new("watched/"), store.now_rev().await?);
    let mut took = Vec::new();
    for n in 0..COMMITS {
        let txn = one(&format!("watched/{n}"))?;
        let started = Instant::now();
        let (committed, seen) = tokio::join!(store.commit(txn), watch.next());
        took.push(started.elapsed());
        committed?;
        seen.ok_or("the watch ended")??;
    }
    took.sort();
    let at = |percent: usize| micros(took[took.len() * percent / 100]);
    tell("commit to watch, median, microseconds", at(50))?;
    tell("commit to watch, 99 of 100 within, microseconds", at(99))
}

async fn many_keys(store: &Sqlite) -> Outcome<()> {
    let started = Instant::now();
    let mut first = Rev::ZERO;
    for chunk in 0..KEYS / 10_000 {
        let names = (0..10_000).map(|n| format!("many/{:06}", chunk * 10_000 + n));
        let writes = names.map(|name| put(&name)).collect::<Outcome<_>>()?;
        first = store.commit(txn(writes)).await?;
    }
    tell("import of 100,000 keys in 10 transactions, milliseconds", millis(started))?;
    store.commit(one("many/later")?).await?;
    let started = Instant::now();
    let keys = count(store, None).await?;
    tell(&format!("read of {keys} keys in pages, milliseconds"), millis(started))?;
    let started = Instant::now();
    let keys = count(store, Some(first)).await?;
    tell(&format!("read of {keys} keys at an older revision, milliseconds"), millis(started))?;
    let now = store.now_rev().await?;
    let started = Instant::now();
    store.compact(now).await?;
    store.commit(one("many/after")?).await?;
    tell("compaction and the commit after it, milliseconds", millis(started))
}

async fn count(store: &Sqlite, at: Option<Rev>) -> Outcome<usize> {
    let mut range = Range::of(Prefix::new("many/"));
    let mut at = at;
    let mut keys = 0;
    loop {
        let page = store.read(range.clone(), at).await?;
        keys += page.entries.len();
        at = Some(page.rev);
        range.after = page.entries.last().map(|entry| entry.key.clone());
        if !page.more {
            return Ok(keys);
        }
    }
}

fn one(name: &str) -> Outcome<Txn> {
    Ok(txn(vec![put(name)?]))
}

fn txn(writes: Vec<Write>) -> Txn {
    Txn { guards: vec![], writes, actor: "rates".into(), comment: None }
}

fn put(name: &str) -> Outcome<Write> {
    Ok(Write::Put(Key::new(name)?, vec![b'v'; VALUE_BYTES].into()))
}

fn per_second(count: u32, started: Instant) -> u128 {
    u128::from(count) * 1_000_000 / started.elapsed().as_micros().max(1)
}

fn micros(took: Duration) -> u128 {
    took.as_micros()
}

fn millis(started: Instant) -> u128 {
    started.elapsed().as_millis()
}

fn tell(what: &str, figure: u128) -> Outcome<()> {
    writeln!(std::io::stdout(), "{figure:>9}  {what}")?;
    Ok(())
}
