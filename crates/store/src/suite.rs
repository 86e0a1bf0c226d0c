//! The tests every engine passes. They are written against [`Store`] and know no engine: an engine
//! gives a [`Bench`] and names it in `contract!`.

pub(crate) mod compaction;
pub(crate) mod concurrency;
pub(crate) mod guards;
pub(crate) mod leases;
pub(crate) mod limits;
pub(crate) mod model;
pub(crate) mod reading;
pub(crate) mod watching;

use std::time::Duration;

use futures_util::StreamExt;

use crate::{Batch, Change, CommitError, Conflict, Guard, Key, Prefix, Range, Rev, Store, Txn};
use crate::{Value, Watch, Write};

/// Nothing here takes long; a test that waits this long waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes stores of one engine, and moves their time.
pub(crate) trait Bench {
    type Store: Store + Clone + 'static;

    /// An empty store that nobody else writes to.
    fn open(&self) -> Self::Store;

    /// Lets time pass for the store's leases.
    fn pass(&self, store: &Self::Store, time: Duration) -> impl Future<Output = ()>;
}

/// Runs every test of the contract on one bench.
macro_rules! contract {
    ($engine:ident, $bench:expr) => {
        mod $engine {
            use super::*;

            $crate::suite::contract!(@ $bench,
                guards { each_guard_holds_or_conflicts, a_conflict_writes_nothing,
                         none_newer_sees_puts_and_not_deletions },
                reading { pages_cover_a_prefix_in_order, a_page_ends_early_with_large_values,
                          older_revisions_stay_readable, created_and_modified_follow_the_key,
                          revisions_to_come_are_refused, history_names_who_and_why,
                          history_is_paged_backwards },
                watching { a_watch_resumes_after_any_revision, a_watch_sees_its_prefix_only,
                           a_transaction_is_one_batch, a_watch_waits_for_what_is_committed_later,
                           a_slow_watch_misses_nothing, polls_that_are_dropped_lose_nothing,
                           a_watch_from_the_future_is_refused },
                compaction { hides_older_revisions_and_keeps_later_ones, ends_watches_behind_it,
                             keeps_the_history_in_force, may_be_repeated },
                leases { keys_vanish_with_their_lease, keep_alive_begins_the_time_again,
                         a_plain_put_frees_a_key, an_election_has_one_winner, an_ended_lease_is_gone,
                         a_lease_life_has_limits, leases_are_counted },
                limits { what_is_too_large_is_refused, the_largest_transaction_is_taken,
                         a_lease_takes_so_many_keys },
                concurrency { each_revision_is_given_once, a_counter_loses_no_increment }
            );
        }
    };
    (@ $bench:expr, $($module:ident { $($test:ident),+ }),+) => {
        $($(
            #[tokio::test]
            async fn $test() {
                $crate::suite::$module::$test(&$bench).await;
            }
        )+)+
    };
}
pub(crate) use contract;

// === short words for tests ===

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub(crate) fn value(text: &str) -> Value {
    text.as_bytes().into()
}

pub(crate) fn put(at: &str, text: &str) -> Write {
    Write::Put(key(at), value(text))
}

pub(crate) fn delete(at: &str) -> Write {
    Write::Delete(key(at))
}

pub(crate) fn txn(guards: Vec<Guard>, writes: Vec<Write>) -> Txn {
    Txn { guards, writes, actor: "tester".into(), comment: None }
}

pub(crate) fn change(at: &str, new: Option<&str>, previous: Option<&str>) -> Change {
    Change { key: key(at), value: new.map(value), previous: previous.map(value) }
}

pub(crate) async fn write(store: &impl Store, writes: Vec<Write>) -> Rev {
    store.commit(txn(vec![], writes)).await.unwrap()
}

/// The conflict a commit ends in; any other outcome fails the test.
pub(crate) fn conflict(outcome: Result<Rev, CommitError>) -> Conflict {
    match outcome {
        Err(CommitError::Conflict(conflict)) => conflict,
        other => panic!("no conflict: {other:?}"),
    }
}

/// Keys and values under a prefix, read page by page.
pub(crate) async fn all(
    store: &impl Store,
    prefix: &str,
    at: Option<Rev>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut range = Range { limit: 3, ..Range::of(Prefix::new(prefix)) };
    let mut at = at;
    loop {
        let page = store.read(range.clone(), at).await.unwrap();
        at = Some(page.rev);
        range.after = page.entries.last().map(|entry| entry.key.clone());
        found.extend(page.entries.iter().map(|entry| {
            (entry.key.to_string(), String::from_utf8(entry.value.to_vec()).unwrap())
        }));
        if !page.more {
            return found;
        }
    }
}

pub(crate) fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing came")
}

/// The next batches of a watch.
pub(crate) async fn take(watch: &mut Watch, count: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    for _ in 0..count {
        batches.push(soon(watch.next()).await.expect("the watch ended").unwrap());
    }
    batches
}
