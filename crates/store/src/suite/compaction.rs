//! A compaction hides what is before it and nothing else.

use futures_util::StreamExt;

use super::{Bench, all, change, delete, key, pairs, put, soon, take, write};
use crate::{Batch, Guard, Prefix, Range, ReadError, Rev, Store};

pub(crate) async fn hides_older_revisions_and_keeps_later_ones(bench: &impl Bench) {
    let store = bench.open();
    let empty = store.now_rev().await.unwrap();
    let first = write(&store, vec![put("a", "1"), put("b", "1"), put("c", "1")]).await;
    let second = write(&store, vec![put("a", "2"), delete("b")]).await;
    let third = write(&store, vec![put("a", "3"), delete("c")]).await;
    store.compact(second).await.unwrap();

    for at in [empty, first] {
        let gone = store.read(Range::of(Prefix::all()), Some(at)).await;
        assert_compacted(gone, at, second);
        assert_compacted(store.entry(key("a"), Some(at)).await, at, second);
    }
    assert_eq!(all(&store, "", Some(second)).await, pairs(&[("a", "2"), ("c", "1")]));
    assert_eq!(all(&store, "", Some(third)).await, pairs(&[("a", "3")]));
    assert_eq!(all(&store, "", None).await, pairs(&[("a", "3")]));

    let mut watch = store.watch(Prefix::all(), second);
    let changes = vec![change("a", Some("3"), Some("2")), change("c", None, Some("1"))];
    assert_eq!(take(&mut watch, 1).await, [Batch { rev: third, changes }]);

    let guarded = super::txn(vec![Guard::Absent(key("b"))], vec![put("b", "4")]);
    assert_eq!(store.commit(guarded).await.unwrap(), third.next());
}

pub(crate) async fn ends_watches_behind_it(bench: &impl Bench) {
    let store = bench.open();
    let first = write(&store, vec![put("a", "1")]).await;
    let second = write(&store, vec![put("a", "2")]).await;
    let mut ahead = store.watch(Prefix::all(), first);
    assert_eq!(take(&mut ahead, 1).await[0].rev, second);
    let third = write(&store, vec![put("a", "3")]).await;
    store.compact(second).await.unwrap();

    let mut behind = store.watch(Prefix::all(), first);
    assert_compacted(soon(behind.next()).await.unwrap(), first, second);
    assert!(soon(behind.next()).await.is_none());
    assert_eq!(take(&mut ahead, 1).await[0].rev, third);
}

pub(crate) async fn keeps_the_history_in_force(bench: &impl Bench) {
    let store = bench.open();
    let first = write(&store, vec![put("kept", "1"), put("deleted", "1")]).await;
    let second = write(&store, vec![put("kept", "2")]).await;
    let third = write(&store, vec![delete("deleted"), put("other", "3")]).await;
    let fourth = write(&store, vec![put("kept", "4")]).await;
    let revs = async |at: &str| -> Vec<Rev> {
        let past = store.history(key(at), None, 10).await.unwrap();
        past.iter().map(|step| step.rev).collect()
    };
    assert_eq!(revs("kept").await, [fourth, second, first]);
    assert_eq!(revs("deleted").await, [third, first]);
    store.compact(third).await.unwrap();
    assert_eq!(revs("kept").await, [fourth, second]);
    assert_eq!(revs("deleted").await, []);
    store.compact(fourth).await.unwrap();
    assert_eq!(revs("kept").await, [fourth]);
    assert_eq!(revs("other").await, [third]);
    let past = store.history(key("other"), None, 1).await.unwrap();
    assert_eq!(past[0].actor, "tester");
}

pub(crate) async fn may_be_repeated(bench: &impl Bench) {
    let store = bench.open();
    let first = write(&store, vec![put("a", "1")]).await;
    let second = write(&store, vec![put("a", "2")]).await;
    store.compact(second).await.unwrap();
    store.compact(second).await.unwrap();
    store.compact(first).await.unwrap();
    assert_compacted(store.entry(key("a"), Some(first)).await, first, second);
    let refused = store.compact(second.next()).await;
    assert!(
        matches!(refused, Err(ReadError::Future { at, now }) if at == second.next() && now == second)
    );
    assert_eq!(write(&store, vec![put("a", "3")]).await, second.next());
}

fn assert_compacted<T>(outcome: Result<T, ReadError>, at: Rev, compacted: Rev) {
    match outcome {
        Err(ReadError::Compacted { at: a, compacted: c }) => assert_eq!((a, c), (at, compacted)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("revision {at} can still be read"),
    }
}
