//! Many writers at once.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::{Bench, all, key, pairs, put, take, txn, write};
use crate::{CommitError, Guard, Prefix, Rev, Store};

const WRITERS: usize = 16;
const COMMITS: usize = 40;

/// No gap and no revision twice, each seen once by a watch with exactly what its writer wrote,
/// though every other transaction conflicts.
pub(crate) async fn each_revision_is_given_once(bench: &impl Bench) {
    let store = bench.open();
    let empty = write(&store, vec![put("taken", "x")]).await;
    let mut watch = store.watch(Prefix::all(), empty);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            let mut given = Vec::new();
            for n in 0..COMMITS {
                let name = format!("w{writer}/{n}");
                let absent = if n % 2 == 0 { &name } else { "taken" };
                let guards = vec![Guard::Absent(key(absent))];
                match store.commit(txn(guards, vec![put(&name, &name)])).await {
                    Ok(rev) => given.push((rev, name)),
                    Err(CommitError::Conflict(_)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            given
        });
    }
    let given: BTreeMap<Rev, String> = writers.join_all().await.into_iter().flatten().collect();
    let revs: Vec<u64> = given.keys().map(|rev| rev.value() - empty.value()).collect();
    assert_eq!(revs, Vec::from_iter(1..=(WRITERS * COMMITS / 2) as u64));
    let seen: BTreeMap<Rev, String> = take(&mut watch, given.len())
        .await
        .into_iter()
        .map(|batch| (batch.rev, batch.changes[0].key.to_string()))
        .collect();
    assert_eq!(seen, given);
}

pub(crate) async fn a_counter_loses_no_increment(bench: &impl Bench) {
    let store = bench.open();
    write(&store, vec![put("counter", "0")]).await;
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            for _ in 0..10 {
                while !increment(&store).await {}
            }
        });
    }
    writers.join_all().await;
    assert_eq!(all(&store, "", None).await, pairs(&[("counter", "80")]));
}

async fn increment(store: &impl Store) -> bool {
    let entry = store.entry(key("counter"), None).await.unwrap().unwrap();
    let count: u32 = std::str::from_utf8(&entry.value).unwrap().parse().unwrap();
    let guards = vec![Guard::Unchanged { key: entry.key, modified: entry.modified }];
    let outcome = store.commit(txn(guards, vec![put("counter", &(count + 1).to_string())])).await;
    match outcome {
        Ok(_) => true,
        Err(CommitError::Conflict(_)) => false,
        Err(other) => panic!("{other}"),
    }
}
