//! A watch gives every transaction once, whole and in order.

use futures_util::{FutureExt, StreamExt};

use super::{Bench, change, delete, put, soon, take, write};
use crate::{Batch, Prefix, ReadError, Rev, Store};

pub(crate) async fn a_watch_resumes_after_any_revision(bench: &impl Bench) {
    let store = bench.open();
    let empty = store.now_rev().await.unwrap();
    for n in 0..20 {
        write(&store, vec![put("k", &n.to_string())]).await;
    }
    let mut watch = store.watch(Prefix::all(), empty);
    let whole = take(&mut watch, 20).await;
    let revs: Vec<_> = whole.iter().map(|batch| batch.rev.value() - empty.value()).collect();
    assert_eq!(revs, Vec::from_iter(1..=20));
    for (seen, batch) in whole.iter().enumerate() {
        let mut resumed = store.watch(Prefix::all(), batch.rev);
        assert_eq!(take(&mut resumed, 19 - seen).await, whole[seen + 1..]);
    }
}

pub(crate) async fn a_watch_sees_its_prefix_only(bench: &impl Bench) {
    let store = bench.open();
    let empty = store.now_rev().await.unwrap();
    let mut watch = store.watch(Prefix::new("pools/"), empty);
    let first = write(&store, vec![put("pools/a", "1"), put("zones/a", "1")]).await;
    write(&store, vec![put("pools", "1"), put("pools0", "1"), put("zones/b", "1")]).await;
    let third = write(&store, vec![delete("pools/a"), delete("pools/never")]).await;
    let wanted = [
        Batch { rev: first, changes: vec![change("pools/a", Some("1"), None)] },
        Batch { rev: third, changes: vec![change("pools/a", None, Some("1"))] },
    ];
    assert_eq!(take(&mut watch, 2).await, wanted);
}

pub(crate) async fn a_transaction_is_one_batch(bench: &impl Bench) {
    let store = bench.open();
    let empty = store.now_rev().await.unwrap();
    let first = write(&store, vec![put("b", "1"), put("a", "1"), put("c", "1")]).await;
    let second = write(&store, vec![delete("a"), put("c", "2"), put("b", "1")]).await;
    let third = write(&store, vec![put("a", "3")]).await;
    let mut watch = store.watch(Prefix::all(), empty);
    let created = |at| change(at, Some("1"), None);
    assert_eq!(
        take(&mut watch, 3).await,
        [
            Batch { rev: first, changes: vec![created("b"), created("a"), created("c")] },
            Batch {
                rev: second,
                changes: vec![
                    change("a", None, Some("1")),
                    change("c", Some("2"), Some("1")),
                    change("b", Some("1"), Some("1")),
                ],
            },
            Batch { rev: third, changes: vec![change("a", Some("3"), None)] },
        ]
    );
}

pub(crate) async fn a_watch_waits_for_what_is_committed_later(bench: &impl Bench) {
    let store = bench.open();
    let now = write(&store, vec![put("a", "1")]).await;
    let mut watch = store.watch(Prefix::all(), now);
    for n in 0..5 {
        let (seen, rev) = tokio::join!(take(&mut watch, 1), async {
            // Lets the watch look first, and find nothing.
            tokio::task::yield_now().await;
            write(&store, vec![put("b", &n.to_string())]).await
        });
        assert_eq!(seen[0].rev, rev);
    }
}

/// More transactions than a page holds, before the watch is polled for the second time.
pub(crate) async fn a_slow_watch_misses_nothing(bench: &impl Bench) {
    let store = bench.open();
    let empty = store.now_rev().await.unwrap();
    let mut watch = store.watch(Prefix::all(), empty);
    let first = write(&store, vec![put("k", "first")]).await;
    assert_eq!(take(&mut watch, 1).await[0].rev, first);
    let writes = (0..2_300).map(|n| {
        let store = store.clone();
        async move { write(&store, vec![put("k", &n.to_string())]).await }
    });
    let mut wanted = futures_util::future::join_all(writes).await;
    wanted.sort();
    let seen: Vec<Rev> = take(&mut watch, 2_300).await.iter().map(|batch| batch.rev).collect();
    assert_eq!(seen, wanted);
}

pub(crate) async fn polls_that_are_dropped_lose_nothing(bench: &impl Bench) {
    let store = bench.open();
    let empty = store.now_rev().await.unwrap();
    let mut watch = store.watch(Prefix::all(), empty);
    let mut wanted = Vec::new();
    let mut seen = Vec::new();
    for n in 0..50 {
        seen.extend(watch.next().now_or_never().flatten().map(|batch| batch.unwrap().rev));
        wanted.push(write(&store, vec![put("k", &n.to_string())]).await);
        seen.extend(watch.next().now_or_never().flatten().map(|batch| batch.unwrap().rev));
    }
    let rest = take(&mut watch, 50 - seen.len()).await;
    seen.extend(rest.iter().map(|batch| batch.rev));
    assert_eq!(seen, wanted);
}

pub(crate) async fn a_watch_from_the_future_is_refused(bench: &impl Bench) {
    let store = bench.open();
    let now = write(&store, vec![put("a", "1")]).await;
    let mut watch = store.watch(Prefix::all(), now.next());
    let refused = soon(watch.next()).await.unwrap();
    assert!(
        matches!(refused, Err(ReadError::Future { at, now: n }) if at == now.next() && n == now)
    );
    assert!(soon(watch.next()).await.is_none());
}
