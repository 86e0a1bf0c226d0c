//! Guards hold or conflict, and a conflict leaves no trace.

use super::{Bench, all, conflict, delete, key, pairs, put, txn, write};
use crate::{Conflict, Guard, Prefix, Rev, Store};

/// The key a guard conflicts on, and when that was modified.
type Expected = Option<(&'static str, Option<Rev>)>;

pub(crate) async fn each_guard_holds_or_conflicts(bench: &impl Bench) {
    let store = bench.open();
    let first = write(&store, vec![put("there", "1"), put("gone", "1")]).await;
    let second = write(&store, vec![put("there", "2"), delete("gone")]).await;
    let mut last = second;
    let unchanged = |at: &str, modified| Guard::Unchanged { key: key(at), modified };
    let rows: Vec<(Guard, Expected)> = vec![
        (Guard::Absent(key("never")), None),
        (Guard::Absent(key("gone")), None),
        (Guard::Absent(key("there")), Some(("there", Some(second)))),
        (Guard::Exists(key("there")), None),
        (Guard::Exists(key("never")), Some(("never", None))),
        (Guard::Exists(key("gone")), Some(("gone", None))),
        (unchanged("there", second), None),
        (unchanged("there", first), Some(("there", Some(second)))),
        (unchanged("never", Rev::ZERO), Some(("never", None))),
        (unchanged("gone", first), Some(("gone", None))),
    ];
    for (guard, wanted) in rows {
        let outcome = store.commit(txn(vec![guard.clone()], vec![put("other", "x")])).await;
        match wanted {
            None => {
                last = last.next();
                assert_eq!(outcome.unwrap(), last, "{guard:?}");
            }
            Some((at, current)) => {
                assert_eq!(conflict(outcome), Conflict { key: key(at), current }, "{guard:?}");
            }
        }
    }
    assert_eq!(store.now_rev().await.unwrap(), last);
}

pub(crate) async fn a_conflict_writes_nothing(bench: &impl Bench) {
    let store = bench.open();
    let first = write(&store, vec![put("a", "1")]).await;
    let guards = vec![Guard::Exists(key("a")), Guard::Absent(key("a"))];
    let outcome = store.commit(txn(guards, vec![put("a", "2"), put("b", "2")])).await;
    assert_eq!(conflict(outcome), Conflict { key: key("a"), current: Some(first) });
    assert_eq!(all(&store, "", None).await, pairs(&[("a", "1")]));
    assert_eq!(store.now_rev().await.unwrap(), first);
}

pub(crate) async fn none_newer_sees_puts_and_not_deletions(bench: &impl Bench) {
    let store = bench.open();
    let listed = write(&store, vec![put("pools/a", "1"), put("pools/b", "1")]).await;
    let none_newer = |at| Guard::NoneNewer { prefix: Prefix::new("pools/"), at };
    let guarded = |at| txn(vec![none_newer(at)], vec![put("elsewhere", "x")]);

    store.commit(guarded(listed)).await.unwrap();
    write(&store, vec![delete("pools/a"), put("poolz", "1")]).await;
    store.commit(guarded(listed)).await.unwrap();

    let newer = write(&store, vec![put("pools/c", "1")]).await;
    let found = Conflict { key: key("pools/c"), current: Some(newer) };
    assert_eq!(conflict(store.commit(guarded(listed)).await), found);
    store.commit(guarded(newer)).await.unwrap();

    write(&store, vec![delete("pools/c")]).await;
    store.commit(guarded(listed)).await.unwrap();
}
