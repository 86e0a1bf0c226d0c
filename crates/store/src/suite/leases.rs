//! Presence and election: keys that vanish with their lease.

use std::time::Duration;

use super::{Bench, all, change, conflict, key, pairs, put, take, txn, value, write};
use crate::txn::LEASES_MAX;
use crate::{Batch, CommitError, Guard, LeaseError, LeaseId, Prefix, Store, Write};

const TTL: Duration = Duration::from_secs(10);

pub(crate) async fn keys_vanish_with_their_lease(bench: &impl Bench) {
    let store = bench.open();
    let lease = store.lease(TTL).await.unwrap();
    let other = store.lease(TTL * 3).await.unwrap();
    let writes = vec![
        under(lease.id, "a", "1"),
        put("b", "1"),
        under(lease.id, "c", "1"),
        under(other.id, "d", "1"),
    ];
    let written = write(&store, writes).await;
    bench.pass(&store, lease.ttl / 2).await;
    assert_eq!(all(&store, "", None).await.len(), 4);
    bench.pass(&store, lease.ttl / 2).await;
    let mut watch = store.watch(Prefix::all(), written);
    let changes = vec![change("a", None, Some("1")), change("c", None, Some("1"))];
    assert_eq!(take(&mut watch, 1).await, [Batch { rev: written.next(), changes }]);
    assert_eq!(all(&store, "", None).await, pairs(&[("b", "1"), ("d", "1")]));
    let past = store.history(key("a"), None, 1).await.unwrap();
    assert_eq!(past[0].actor, "lease");
}

pub(crate) async fn keep_alive_begins_the_time_again(bench: &impl Bench) {
    let store = bench.open();
    let lease = store.lease(TTL).await.unwrap();
    let mut last = write(&store, vec![under(lease.id, "a", "1")]).await;
    for _ in 0..5 {
        bench.pass(&store, lease.ttl / 2).await;
        store.keep_alive(lease.id).await.unwrap();
        last = write(&store, vec![put("b", "still")]).await;
    }
    assert_eq!(all(&store, "a", None).await.len(), 1);
    bench.pass(&store, lease.ttl).await;
    let mut watch = store.watch(Prefix::new("a"), last);
    assert_eq!(take(&mut watch, 1).await[0].changes, [change("a", None, Some("1"))]);
}

pub(crate) async fn a_plain_put_frees_a_key(bench: &impl Bench) {
    let store = bench.open();
    let lease = store.lease(TTL).await.unwrap();
    write(&store, vec![under(lease.id, "freed", "1"), under(lease.id, "kept", "1")]).await;
    write(&store, vec![put("freed", "2")]).await;
    store.revoke(lease.id).await.unwrap();
    assert_eq!(all(&store, "", None).await, pairs(&[("freed", "2")]));
}

pub(crate) async fn an_election_has_one_winner(bench: &impl Bench) {
    let store = bench.open();
    let run = async |name: &str| {
        let lease = store.lease(TTL).await.unwrap();
        let guard = Guard::Absent(key("leader"));
        let outcome = store.commit(txn(vec![guard], vec![under(lease.id, "leader", name)])).await;
        (lease, outcome)
    };
    let (first, won) = run("ann").await;
    let won = won.unwrap();
    assert_eq!(conflict(run("bob").await.1).current, Some(won));
    store.revoke(first.id).await.unwrap();
    run("bob").await.1.unwrap();
    assert_eq!(all(&store, "", None).await, pairs(&[("leader", "bob")]));
}

pub(crate) async fn an_ended_lease_is_gone(bench: &impl Bench) {
    let store = bench.open();
    let lease = store.lease(TTL).await.unwrap();
    let before = store.now_rev().await.unwrap();
    store.revoke(lease.id).await.unwrap();
    let never = LeaseId::new(u64::MAX >> 1);
    for id in [lease.id, never] {
        let kept = store.keep_alive(id).await;
        assert!(matches!(kept, Err(LeaseError::Gone(gone)) if gone == id), "{kept:?}");
        let revoked = store.revoke(id).await;
        assert!(matches!(revoked, Err(LeaseError::Gone(gone)) if gone == id), "{revoked:?}");
        let outcome = store.commit(txn(vec![], vec![put("a", "1"), under(id, "b", "1")])).await;
        assert!(matches!(outcome, Err(CommitError::LeaseGone(gone)) if gone == id), "{outcome:?}");
    }
    assert_eq!(all(&store, "", None).await, []);
    assert_eq!(store.now_rev().await.unwrap(), before);
}

pub(crate) async fn a_lease_life_has_limits(bench: &impl Bench) {
    let store = bench.open();
    for asked in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(86_401)] {
        let refused = store.lease(asked).await;
        assert!(matches!(refused, Err(LeaseError::Ttl(ttl)) if ttl == asked), "{refused:?}");
    }
}

pub(crate) async fn leases_are_counted(bench: &impl Bench) {
    let store = bench.open();
    let mut granted = Vec::new();
    for _ in 0..LEASES_MAX {
        granted.push(store.lease(TTL).await.unwrap().id);
    }
    let refused = store.lease(TTL).await;
    assert!(matches!(refused, Err(LeaseError::TooMany)), "{refused:?}");
    store.revoke(granted[7]).await.unwrap();
    let next = store.lease(TTL).await.unwrap().id;
    assert!(!granted.contains(&next), "an id was given twice");
}

fn under(lease: LeaseId, at: &str, text: &str) -> Write {
    Write::PutUnder(lease, key(at), value(text))
}
