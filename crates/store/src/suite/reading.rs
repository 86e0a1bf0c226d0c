//! Pages, older revisions and the past of a key.

use super::{Bench, all, delete, key, pairs, put, write};
use crate::record::PAGE_BYTES_MAX;
use crate::{Entry, Past, Prefix, Range, ReadError, Rev, Store, Txn, Write};

pub(crate) async fn pages_cover_a_prefix_in_order(bench: &impl Bench) {
    let store = bench.open();
    let names: Vec<String> = (0..2_500).map(|n| format!("p/{n:04}")).collect();
    write(&store, names.iter().map(|name| put(name, name)).collect()).await;
    write(&store, vec![put("o", "before"), put("p", "before"), put("p0", "after")]).await;

    let mut range = Range { limit: usize::MAX, ..Range::of(Prefix::new("p/")) };
    let mut sizes = Vec::new();
    let mut seen = Vec::new();
    loop {
        let page = store.read(range.clone(), None).await.unwrap();
        sizes.push(page.entries.len());
        seen.extend(page.entries.iter().map(|entry| entry.key.to_string()));
        range.after = page.entries.last().map(|entry| entry.key.clone());
        if !page.more {
            break;
        }
    }
    assert_eq!(sizes, [1_000, 1_000, 500]);
    assert_eq!(seen, names);

    let exact = Range { limit: 2_500, after: Some(key("p/1499")), ..range };
    let page = store.read(exact, None).await.unwrap();
    assert_eq!((page.entries.len(), page.more), (1_000, false));
}

pub(crate) async fn a_page_ends_early_with_large_values(bench: &impl Bench) {
    let store = bench.open();
    let large = "v".repeat(1 << 20);
    for n in 0..12 {
        write(&store, vec![put(&format!("k{n:02}"), &large)]).await;
    }
    let page = store.read(Range::of(Prefix::all()), None).await.unwrap();
    assert_eq!((page.entries.len(), page.more), (PAGE_BYTES_MAX >> 20, true));
    let past = store.history(key("k00"), None, 1_000).await.unwrap();
    assert_eq!(past.len(), 1);
}

pub(crate) async fn older_revisions_stay_readable(bench: &impl Bench) {
    let store = bench.open();
    let empty = store.now_rev().await.unwrap();
    let first = write(&store, vec![put("a", "1"), put("b", "1")]).await;
    let second = write(&store, vec![put("b", "2"), put("c", "2")]).await;
    let third = write(&store, vec![delete("a"), delete("never")]).await;
    let fourth = write(&store, vec![delete("never")]).await;
    let fifth = write(&store, vec![put("a", "5")]).await;
    assert_eq!(
        [first, second, third, fourth, fifth].map(|rev| rev.value() - empty.value()),
        [1, 2, 3, 4, 5]
    );
    let check = async |at, wanted: &[(&str, &str)]| {
        assert_eq!(all(&store, "", at).await, pairs(wanted), "at {at:?}");
    };
    check(Some(empty), &[]).await;
    check(Some(first), &[("a", "1"), ("b", "1")]).await;
    check(Some(second), &[("a", "1"), ("b", "2"), ("c", "2")]).await;
    check(Some(third), &[("b", "2"), ("c", "2")]).await;
    check(Some(fourth), &[("b", "2"), ("c", "2")]).await;
    check(Some(fifth), &[("a", "5"), ("b", "2"), ("c", "2")]).await;
    check(None, &[("a", "5"), ("b", "2"), ("c", "2")]).await;
}

pub(crate) async fn created_and_modified_follow_the_key(bench: &impl Bench) {
    let store = bench.open();
    let first = write(&store, vec![put("k", "1")]).await;
    let second = write(&store, vec![put("k", "2")]).await;
    let third = write(&store, vec![delete("k")]).await;
    let fourth = write(&store, vec![put("k", "4")]).await;
    let check = async |at, wanted: Option<(&str, Rev, Rev)>| {
        let wanted = wanted.map(|(value, created, modified)| Entry {
            key: key("k"),
            value: super::value(value),
            created,
            modified,
        });
        assert_eq!(store.entry(key("k"), at).await.unwrap(), wanted, "at {at:?}");
        let page = store.read(Range::of(Prefix::new("k")), at).await.unwrap();
        assert_eq!(page.entries, Vec::from_iter(wanted), "at {at:?}");
    };
    check(Some(first), Some(("1", first, first))).await;
    check(Some(second), Some(("2", first, second))).await;
    check(Some(third), None).await;
    check(Some(fourth), Some(("4", fourth, fourth))).await;
    check(None, Some(("4", fourth, fourth))).await;
}

pub(crate) async fn revisions_to_come_are_refused(bench: &impl Bench) {
    let store = bench.open();
    let now = write(&store, vec![put("k", "1")]).await;
    let refused = store.read(Range::of(Prefix::all()), Some(now.next())).await;
    assert!(
        matches!(refused, Err(ReadError::Future { at, now: n }) if at == now.next() && n == now)
    );
    let refused = store.entry(key("k"), Some(Rev::new(u64::MAX))).await;
    assert!(matches!(refused, Err(ReadError::Future { .. })));
}

pub(crate) async fn history_names_who_and_why(bench: &impl Bench) {
    let store = bench.open();
    let step = async |actor: &str, comment: Option<&str>, write: Write| {
        let comment = comment.map(String::from);
        let txn = Txn { guards: vec![], writes: vec![write], actor: actor.into(), comment };
        store.commit(txn).await.unwrap()
    };
    let first = step("ann", None, put("k", "1")).await;
    step("zoe", None, put("k2", "other")).await;
    let second = step("bob", Some("lower the weight"), put("k", "2")).await;
    let third = step("ann", Some("no longer used"), delete("k")).await;

    let told: Vec<_> =
        store.history(key("k"), None, 10).await.unwrap().into_iter().map(told).collect();
    let wanted = |rev, actor: &str, comment: Option<&str>, value: Option<&str>| {
        (rev, actor.to_string(), comment.map(String::from), value.map(super::value))
    };
    assert_eq!(
        told,
        [
            wanted(third, "ann", Some("no longer used"), None),
            wanted(second, "bob", Some("lower the weight"), Some("2")),
            wanted(first, "ann", None, Some("1")),
        ]
    );
    assert_eq!(store.history(key("never"), None, 10).await.unwrap(), []);
}

pub(crate) async fn history_is_paged_backwards(bench: &impl Bench) {
    let store = bench.open();
    let mut revs = Vec::new();
    for n in 0..7 {
        revs.push(write(&store, vec![put("k", &n.to_string())]).await);
    }
    revs.reverse();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let past = store.history(key("k"), before, 3).await.unwrap();
        let Some(last) = past.last() else { break };
        before = Some(last.rev);
        seen.push(past.iter().map(|step| step.rev).collect::<Vec<_>>());
    }
    assert_eq!(seen, [&revs[..3], &revs[3..6], &revs[6..]]);
}

fn told(past: Past) -> (Rev, String, Option<String>, Option<crate::Value>) {
    (past.rev, past.actor, past.comment, past.value)
}
