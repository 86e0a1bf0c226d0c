//! Random transactions, reads, watches and compactions against a model that keeps every state.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use proptest::prelude::*;

use super::{Bench, key, soon, take, txn};
use crate::{
    Batch, Change, CommitError, Entry, Guard, Key, Prefix, Range, ReadError, Rev, Store, Value,
    Watch, Write,
};

const KEYS: [&str; 6] = ["a", "a/1", "a/2", "ab", "b", "é/1"];
const PREFIXES: [&str; 5] = ["", "a", "a/", "b", "é"];

/// Later than any key of the model, to see that nothing came before it.
const LAST: &str = "z";

/// Numbers stand for a place in a list, whatever its length.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Commit(Vec<(Condition, usize, usize)>, BTreeMap<usize, Option<u8>>),
    Read {
        prefix: usize,
        at: usize,
        limit: usize,
    },
    History {
        key: usize,
    },
    Watch {
        prefix: usize,
        after: usize,
    },
    /// A watch that is read when all is over.
    WatchLater {
        prefix: usize,
        after: usize,
    },
    Compact {
        at: usize,
    },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition {
    Absent,
    Exists,
    Unchanged,
    NoneNewer,
}

type State = BTreeMap<Key, Entry>;

/// What the store should hold: all states from the first revision on.
struct Model {
    /// The revision of an empty store.
    base: Rev,
    states: Vec<State>,
    batches: Vec<Batch>,
    compacted: Rev,
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let place = 0..1_000_usize;
    let condition = prop_oneof![
        2 => Just(Condition::Absent),
        2 => Just(Condition::Exists),
        3 => Just(Condition::Unchanged),
        2 => Just(Condition::NoneNewer),
    ];
    let guards = prop::collection::vec((condition, place.clone(), place.clone()), 0..3);
    let value = prop::option::weighted(0.7, any::<u8>());
    let writes = prop::collection::btree_map(0..KEYS.len(), value, 1..4);
    let two = (place.clone(), place.clone());
    let op = prop_oneof![
        10 => (guards, writes).prop_map(|(guards, writes)| Op::Commit(guards, writes)),
        4 => (two.clone(), 1..4_usize)
            .prop_map(|((prefix, at), limit)| Op::Read { prefix, at, limit }),
        2 => place.clone().prop_map(|key| Op::History { key }),
        2 => two.clone().prop_map(|(prefix, after)| Op::Watch { prefix, after }),
        1 => two.prop_map(|(prefix, after)| Op::WatchLater { prefix, after }),
        1 => place.prop_map(|at| Op::Compact { at }),
    ];
    prop::collection::vec(op, 1..60)
}

pub(crate) async fn follow(bench: &impl Bench, ops: Vec<Op>) {
    let store = bench.open();
    let base = store.now_rev().await.unwrap();
    let mut model = Model { base, states: vec![State::new()], batches: vec![], compacted: base };
    let mut later: Vec<(Prefix, Rev, Watch)> = Vec::new();
    for op in ops {
        match op {
            Op::Commit(guards, writes) => commit(&store, &mut model, guards, writes).await,
            Op::Read { prefix, at, limit } => {
                let (prefix, at) = (a_prefix(prefix), model.a_rev(at));
                assert_eq!(
                    read(&store, &prefix, at, limit).await,
                    model.read(&prefix, at),
                    "{prefix} at {at}"
                );
            }
            Op::History { key: place } => {
                let key = key(KEYS[place % KEYS.len()]);
                let past = store.history(key.clone(), None, 1_000).await.unwrap();
                let steps: Vec<_> = past.into_iter().map(|step| (step.rev, step.value)).collect();
                assert_eq!(steps, model.history(&key), "{key}");
            }
            Op::Watch { prefix, after } => {
                let (prefix, after) = (a_prefix(prefix), model.a_rev(after));
                check_watch(&model, &prefix, after, store.watch(prefix.clone(), after)).await;
            }
            Op::WatchLater { prefix, after } => {
                let (prefix, after) = (a_prefix(prefix), model.a_rev(after));
                later.push((prefix.clone(), after, store.watch(prefix, after)));
            }
            Op::Compact { at } => {
                let at = model.a_rev(at);
                store.compact(at).await.unwrap();
                model.compacted = model.compacted.max(at);
            }
        }
        assert_eq!(store.now_rev().await.unwrap(), model.now());
    }
    for (prefix, after, watch) in later {
        check_watch(&model, &prefix, after, watch).await;
    }
    check_end(&store, &mut model).await;
}

/// After a last transaction a watch of everything gives what the model has, and then that one.
async fn check_end(store: &impl Store, model: &mut Model) {
    let watch = store.watch(Prefix::all(), model.compacted);
    let last = vec![Write::Put(key(LAST), super::value("last"))];
    assert_eq!(store.commit(txn(vec![], last.clone())).await.unwrap(), model.now().next());
    model.commit(&last);
    check_watch(model, &Prefix::all(), model.compacted, watch).await;
}

async fn commit(
    store: &impl Store,
    model: &mut Model,
    guards: Vec<(Condition, usize, usize)>,
    writes: BTreeMap<usize, Option<u8>>,
) {
    let guards: Vec<Guard> = guards
        .into_iter()
        .map(|(condition, place, rev)| {
            let key = key(KEYS[place % KEYS.len()]);
            match condition {
                Condition::Absent => Guard::Absent(key),
                Condition::Exists => Guard::Exists(key),
                Condition::Unchanged => {
                    let modified = model.likely_modified(&key, rev);
                    Guard::Unchanged { key, modified }
                }
                Condition::NoneNewer => {
                    Guard::NoneNewer { prefix: a_prefix(place), at: model.a_rev(rev) }
                }
            }
        })
        .collect();
    let writes: Vec<Write> = writes
        .into_iter()
        .map(|(place, value)| match value {
            Some(byte) => Write::Put(key(KEYS[place]), [byte].into()),
            None => Write::Delete(key(KEYS[place])),
        })
        .collect();
    let outcome = store.commit(txn(guards.clone(), writes.clone())).await;
    let failing = guards.iter().map(|guard| model.against(guard)).find(|found| !found.is_empty());
    match (outcome, failing) {
        (Ok(rev), None) => {
            model.commit(&writes);
            assert_eq!(rev, model.now());
        }
        (Err(CommitError::Conflict(conflict)), Some(against)) => {
            let found = (conflict.key, conflict.current);
            assert!(against.contains(&found), "{found:?} is not among {against:?}");
        }
        (outcome, failing) => panic!("{guards:?}: {outcome:?} but {failing:?}"),
    }
}

/// All entries of a prefix, in pages; or the compaction that hides them.
async fn read(
    store: &impl Store,
    prefix: &Prefix,
    at: Rev,
    limit: usize,
) -> Result<Vec<Entry>, Rev> {
    let mut range = Range { prefix: prefix.clone(), after: None, limit };
    let mut found = Vec::new();
    loop {
        let page = match store.read(range.clone(), Some(at)).await {
            Ok(page) => page,
            Err(ReadError::Compacted { compacted, .. }) => return Err(compacted),
            Err(other) => panic!("{other}"),
        };
        assert!(page.entries.len() <= limit);
        range.after = page.entries.last().map(|entry| entry.key.clone());
        found.extend(page.entries);
        if !page.more {
            return Ok(found);
        }
    }
}

async fn check_watch(model: &Model, prefix: &Prefix, after: Rev, mut watch: Watch) {
    if after < model.compacted {
        match soon(watch.next()).await {
            Some(Err(ReadError::Compacted { at, compacted })) => {
                assert_eq!((at, compacted), (after, model.compacted));
            }
            other => panic!("watch after {after}: {other:?}"),
        }
        return;
    }
    let wanted = model.changes(prefix, after);
    assert_eq!(take(&mut watch, wanted.len()).await, wanted, "{prefix} after {after}");
}

fn a_prefix(place: usize) -> Prefix {
    Prefix::new(PREFIXES[place % PREFIXES.len()])
}

// === impl Model ===

impl Model {
    fn now(&self) -> Rev {
        Rev::new(self.base.value() + self.states.len() as u64 - 1)
    }

    fn a_rev(&self, place: usize) -> Rev {
        Rev::new(self.base.value() + (place % self.states.len()) as u64)
    }

    fn state(&self, at: Rev) -> &State {
        &self.states[(at.value() - self.base.value()) as usize]
    }

    /// Usually right, so that guards hold now and then.
    fn likely_modified(&self, key: &Key, place: usize) -> Rev {
        match self.state(self.now()).get(key) {
            Some(entry) if !place.is_multiple_of(4) => entry.modified,
            _ => self.a_rev(place),
        }
    }

    /// The keys a guard can conflict on; none when it holds.
    fn against(&self, guard: &Guard) -> Vec<(Key, Option<Rev>)> {
        let state = self.state(self.now());
        let found = |key: &Key| state.get(key).map(|entry| entry.modified);
        match guard {
            Guard::Absent(key) => match found(key) {
                Some(rev) => vec![(key.clone(), Some(rev))],
                None => vec![],
            },
            Guard::Exists(key) => match found(key) {
                Some(_) => vec![],
                None => vec![(key.clone(), None)],
            },
            Guard::Unchanged { key, modified } => match found(key) {
                Some(rev) if rev == *modified => vec![],
                other => vec![(key.clone(), other)],
            },
            Guard::NoneNewer { prefix, at } => state
                .values()
                .filter(|entry| prefix.matches(&entry.key) && entry.modified > *at)
                .map(|entry| (entry.key.clone(), Some(entry.modified)))
                .collect(),
        }
    }

    fn commit(&mut self, writes: &[Write]) {
        let rev = self.now().next();
        let mut state = self.state(self.now()).clone();
        let mut changes = Vec::new();
        for write in writes {
            let key = write.key().clone();
            let before = state.get(&key).cloned();
            let value = match write {
                Write::Put(_, value) | Write::PutUnder(_, _, value) => Some(value.clone()),
                Write::Delete(_) => None,
            };
            match &value {
                Some(value) => {
                    let created = before.as_ref().map_or(rev, |entry| entry.created);
                    let entry =
                        Entry { key: key.clone(), value: value.clone(), created, modified: rev };
                    state.insert(key.clone(), entry);
                }
                None => drop(state.remove(&key)),
            }
            let previous = before.map(|entry| entry.value);
            if value.is_some() || previous.is_some() {
                changes.push(Change { key, value, previous });
            }
        }
        self.states.push(state);
        self.batches.push(Batch { rev, changes });
    }

    fn read(&self, prefix: &Prefix, at: Rev) -> Result<Vec<Entry>, Rev> {
        if at < self.compacted {
            return Err(self.compacted);
        }
        let state = self.state(at).values();
        Ok(state.filter(|entry| prefix.matches(&entry.key)).cloned().collect())
    }

    fn changes(&self, prefix: &Prefix, after: Rev) -> Vec<Batch> {
        let mut found = Vec::new();
        for batch in self.batches.iter().filter(|batch| batch.rev > after) {
            let changes = batch.changes.iter().filter(|change| prefix.matches(&change.key));
            let changes: Vec<Change> = changes.cloned().collect();
            if !changes.is_empty() {
                found.push(Batch { rev: batch.rev, changes });
            }
        }
        found
    }

    fn history(&self, key: &Key) -> Vec<(Rev, Option<Value>)> {
        let changes = self.batches.iter().flat_map(|batch| {
            let of_key = batch.changes.iter().filter(|change| change.key == *key);
            of_key.map(|change| (batch.rev, change.value.clone()))
        });
        let (old, mut seen): (Vec<_>, Vec<_>) =
            changes.partition(|(rev, _)| *rev <= self.compacted);
        let in_force = old.into_iter().next_back().filter(|(_, value)| value.is_some());
        seen.splice(0..0, in_force);
        seen.reverse();
        seen
    }
}
