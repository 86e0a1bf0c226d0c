//! What is outside the limits is refused and changes nothing.

use std::time::Duration;

use super::{Bench, delete, key, put, txn, write};
use crate::record::VALUE_BYTES_MAX;
use crate::txn::{
    ACTOR_BYTES_MAX, COMMENT_BYTES_MAX, LEASE_KEYS_MAX, LEASED_VALUE_BYTES_MAX, TXN_BYTES_MAX,
    TXN_GUARDS_MAX, TXN_WRITES_MAX,
};
use crate::{CommitError, Guard, Invalid, LeaseId, Prefix, Range, Store, Txn, Write};

pub(crate) async fn what_is_too_large_is_refused(bench: &impl Bench) {
    let store = bench.open();
    let before = write(&store, vec![put("k", "1")]).await;
    let lease = store.lease(Duration::from_secs(10)).await.unwrap().id;
    for (refused, wanted) in too_large(lease) {
        match store.commit(refused).await {
            Err(CommitError::Invalid(found)) => assert_eq!(found, wanted),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    assert_eq!(store.now_rev().await.unwrap(), before);
}

fn too_large(lease: LeaseId) -> Vec<(Txn, Invalid)> {
    let large = |bytes: usize| -> crate::Value { vec![b'v'; bytes].into() };
    let many = |count: usize| (0..count).map(|n| delete(&format!("{n}"))).collect::<Vec<_>>();
    let full = |n: usize| Write::Put(key(&format!("{n:02}")), large(VALUE_BYTES_MAX));
    let over = VALUE_BYTES_MAX + 1;
    let over_lease = LEASED_VALUE_BYTES_MAX + 1;
    let guards = vec![Guard::Exists(key("k")); TXN_GUARDS_MAX + 1];
    let plain = || txn(vec![], vec![put("k", "2")]);
    vec![
        (txn(vec![], vec![]), Invalid::NothingToWrite),
        (txn(vec![], many(TXN_WRITES_MAX + 1)), Invalid::Writes(TXN_WRITES_MAX + 1)),
        (txn(guards, vec![delete("k")]), Invalid::Guards(TXN_GUARDS_MAX + 1)),
        (txn(vec![], (0..32).map(full).collect()), Invalid::Bytes(TXN_BYTES_MAX + 32 * "00".len())),
        (
            txn(vec![], vec![Write::Put(key("k"), large(over))]),
            Invalid::Value { key: key("k"), bytes: over, max: VALUE_BYTES_MAX },
        ),
        (
            txn(vec![], vec![Write::PutUnder(lease, key("k"), large(over_lease))]),
            Invalid::Value { key: key("k"), bytes: over_lease, max: LEASED_VALUE_BYTES_MAX },
        ),
        (txn(vec![], vec![put("k", "2"), delete("k")]), Invalid::KeyTwice(key("k"))),
        (
            Txn { actor: "a".repeat(ACTOR_BYTES_MAX + 1), ..plain() },
            Invalid::Actor(ACTOR_BYTES_MAX + 1),
        ),
        (
            Txn { comment: Some("c".repeat(COMMENT_BYTES_MAX + 1)), ..plain() },
            Invalid::Comment(COMMENT_BYTES_MAX + 1),
        ),
    ]
}

pub(crate) async fn the_largest_transaction_is_taken(bench: &impl Bench) {
    let store = bench.open();
    let names: Vec<String> = (0..TXN_WRITES_MAX).map(|n| format!("{n:05}")).collect();
    let imported = Txn {
        guards: names.iter().map(|name| Guard::Absent(key(name))).collect(),
        writes: names.iter().map(|name| put(name, name)).collect(),
        actor: "a".repeat(ACTOR_BYTES_MAX),
        comment: Some("c".repeat(COMMENT_BYTES_MAX)),
    };
    let rev = store.commit(imported).await.unwrap();
    let range = Range { after: Some(key("08999")), ..Range::of(Prefix::all()) };
    let page = store.read(range, None).await.unwrap();
    assert_eq!((page.rev, page.entries.len(), page.more), (rev, 1_000, false));
}

pub(crate) async fn a_lease_takes_so_many_keys(bench: &impl Bench) {
    let store = bench.open();
    let lease = store.lease(Duration::from_secs(3_600)).await.unwrap().id;
    let under = |n: usize| Write::PutUnder(lease, key(&format!("{n:05}")), super::value("1"));
    write(&store, (0..LEASE_KEYS_MAX).map(under).collect()).await;
    let full = write(&store, vec![under(0)]).await;
    match store.commit(txn(vec![], vec![under(LEASE_KEYS_MAX)])).await {
        Err(CommitError::Invalid(found)) => assert_eq!(found, Invalid::LeaseFull(lease)),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.now_rev().await.unwrap(), full);
    store.revoke(lease).await.unwrap();
    let page = store.read(Range::of(Prefix::all()), None).await.unwrap();
    assert_eq!((page.rev, page.entries), (full.next(), vec![]));
}
