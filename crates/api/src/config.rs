//! The configuration as the API changes it: read from the store, check against what is there, commit
//! under guards, and answer when it is served.

mod accounts;
pub(crate) mod affinity;
mod alerting;
mod allowance;
mod balancers;
mod certificates;
mod change;
mod health_checks;
mod identity;
mod loops;
mod monitor_groups;
mod monitors;
mod neighbours;
mod overrides;
mod pools;
mod records;
mod requires;
pub(crate) mod search;
pub(crate) mod stored;
mod tokens;
mod usage;
mod zones;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::{sleep, timeout};
use trimtab_live::Cell;
use trimtab_model::config::Key;
use trimtab_model::{Timestamp, Token};
use trimtab_store::{AnyStore, Clock, CommitError, Prefix, Rev, Store, Txn};

use self::change::{Change, Outcome};
use self::stored::{Kept, Listed, Stored};
use crate::auth::Tokens;
use crate::errors::{Error, Kind};
use crate::ids;

pub(crate) use accounts::ZoneAccounts;
pub(crate) use allowance::Allowance;
pub(crate) use balancers::{BalancerOwner, BalancerPlace};
pub(crate) use health_checks::new_health_check;
pub(crate) use monitors::refused;
pub(crate) use records::filter::RecordFilter;
pub(crate) use records::import::Imported;
pub(crate) use zones::{NamedZone, ZoneFilter};

/// Everything the API reads and writes.
pub(crate) struct Config {
    store: AnyStore,
    cell: Cell,
    clock: Arc<dyn Clock>,
    tokens: Arc<Tokens>,
    allowance: Allowance,
    /// First tries share it. Whoever met a conflict tries again with it alone, so that many writers of
    /// one thing all get through.
    turns: RwLock<()>,
}

/// How one try of a write goes beside the others of this node.
enum Turn<'a> {
    WithOthers(RwLockReadGuard<'a, ()>),
    Alone(RwLockWriteGuard<'a, ()>),
}

/// Tries of one write. After the first only other nodes can be in the way, each time less likely.
const ATTEMPTS_MAX: u32 = 12;

/// After the n-th conflict a writer waits up to n times this.
const BACK_OFF_STEP: Duration = Duration::from_millis(4);

/// How long an answer waits until DNS and the proxy of this node serve what was written, so that a client
/// that looks right after sees it. A slow publisher delays the answer by no more than this.
const SERVED_WITHIN: Duration = Duration::from_secs(1);

// === impl Config ===

impl Config {
    pub(crate) fn new(
        store: AnyStore,
        cell: Cell,
        clock: Arc<dyn Clock>,
        tokens: Arc<Tokens>,
        allowance: Allowance,
    ) -> Config {
        Config { store, cell, clock, tokens, allowance, turns: RwLock::new(()) }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.unix_micros())
    }

    async fn list<T: Kept>(&self, prefix: impl Into<String>) -> Result<Listed<T>, Error> {
        stored::list(&self.store, Prefix::new(prefix.into())).await
    }

    async fn find<T: Kept>(&self, key: &Key) -> Result<Option<Stored<T>>, Error> {
        stored::find(&self.store, key).await
    }

    /// An index entry, which holds no document.
    async fn text(&self, key: &Key) -> Result<Option<String>, Error> {
        let entry = self.store.entry(stored::store_key(key)?, None).await?;
        Ok(entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned()))
    }

    async fn exists(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.store.entry(stored::store_key(key)?, None).await?.is_some())
    }

    async fn require<T: Kept>(
        &self,
        key: &Key,
        kind: Kind,
        id: impl ToString,
    ) -> Result<Stored<T>, Error> {
        self.find(key).await?.ok_or_else(|| Error::missing(kind, id))
    }

    /// Runs `attempt` until its change meets no conflict, and answers when the change is served.
    async fn transact<T, Attempt: Future<Output = Result<Outcome<T>, Error>>>(
        &self,
        by: &Token,
        attempt: impl Fn() -> Attempt,
    ) -> Result<T, Error> {
        let mut turn = Turn::WithOthers(self.turns.read().await);
        for tries in 1..=ATTEMPTS_MAX {
            let (mut change, value) = match attempt().await? {
                Outcome::Nothing(value) => return Ok(value),
                Outcome::Commit(change, value) => (change, value),
            };
            let (served, owners) = (change.is_served(), change.take_owners());
            match self.write(by, change).await {
                Ok(rev) => {
                    drop(turn);
                    if served {
                        self.until_served(rev).await;
                    }
                    return Ok(value);
                }
                Err(Error::Commit(CommitError::Conflict(conflict))) => {
                    if let Some(gone) = owners.missing(&conflict) {
                        return Err(gone);
                    }
                }
                Err(why) => return Err(why),
            }
            turn = self.next_turn(turn, tries).await?;
        }
        Err(Error::Contended { attempts: ATTEMPTS_MAX })
    }

    /// Alone among the writers of this node. If that was not enough, another node is as busy: wait for
    /// a moment that is another one there.
    async fn next_turn<'a>(&'a self, last: Turn<'a>, tries: u32) -> Result<Turn<'a>, Error> {
        match last {
            Turn::WithOthers(turn) => {
                drop(turn);
                Ok(Turn::Alone(self.turns.write().await))
            }
            Turn::Alone(turn) => {
                let [random, ..] = ids::random()?;
                let most = BACK_OFF_STEP.saturating_mul(tries);
                sleep(most.mul_f64(f64::from(random) / f64::from(u8::MAX))).await;
                Ok(Turn::Alone(turn))
            }
        }
    }

    /// For what no other change can conflict with.
    async fn commit(&self, by: &Token, change: Change) -> Result<(), Error> {
        let served = change.is_served();
        let rev = self.write(by, change).await?;
        if served {
            self.until_served(rev).await;
        }
        Ok(())
    }

    async fn write(&self, by: &Token, change: Change) -> Result<Rev, Error> {
        let (guards, writes) = change.into_parts();
        let txn = Txn { guards, writes, actor: by.id.to_string(), comment: None };
        Ok(self.store.commit(txn).await?)
    }

    /// Never fails: what is on disk is acknowledged, served or not.
    async fn until_served(&self, rev: Rev) {
        let mut published = self.cell.subscribe();
        let reached = published.wait_for(|_| self.cell.load().revision >= rev.value());
        if timeout(SERVED_WITHIN, reached).await.is_err() {
            tracing::warn!("revision {rev} is stored and not served after {SERVED_WITHIN:?}");
        }
    }
}
