//! Pools.

use std::collections::BTreeSet;

use serde_json::Value;
use trimtab_api_types::Draft;
use trimtab_api_types::body::unknown;
use trimtab_api_types::v1::pool;
use trimtab_model::config::{Document, Key};
use trimtab_model::{AccountId, MonitorGroup, MonitorGroupId, MonitorId, Pool, PoolId, Problems};

use super::change::{Change, Outcome};
use super::identity::refuse_upstream;
use super::monitors::refused;
use super::stored::Listed;
use super::{Config, monitor_groups};
use crate::errors::{Error, Kind, code};
use crate::extract::AtAccount;
use crate::ids;

pub(super) fn prefix(account: AccountId) -> String {
    format!("pools/{account}/")
}

// === impl Config ===

impl Config {
    /// All pools of an account, or those that a monitor watches, alone or in a group.
    pub(crate) async fn pools(
        &self,
        account: AccountId,
        monitor: Option<MonitorId>,
    ) -> Result<Vec<Pool>, Error> {
        let mut pools = self.list::<Pool>(prefix(account)).await?.values();
        if let Some(monitor) = monitor {
            let groups = self.list::<MonitorGroup>(monitor_groups::prefix(account)).await?;
            let having = groups.iter().filter(|group| group.has(monitor)).map(|group| group.id);
            let having: BTreeSet<MonitorGroupId> = having.collect();
            let in_group =
                |pool: &Pool| pool.watch.monitor_group.is_some_and(|id| having.contains(&id));
            pools.retain(|pool| pool.watch.monitor == Some(monitor) || in_group(pool));
        }
        Ok(pools)
    }

    /// The pools that a group watches.
    pub(crate) async fn pools_of_group(
        &self,
        account: AccountId,
        group: MonitorGroupId,
    ) -> Result<Vec<Pool>, Error> {
        let mut pools = self.list::<Pool>(prefix(account)).await?.values();
        pools.retain(|pool| pool.watch.monitor_group == Some(group));
        Ok(pools)
    }

    pub(crate) async fn pool(&self, account: AccountId, id: PoolId) -> Result<Pool, Error> {
        Ok(self.require(&Key::Pool(account, id), Kind::Pool, id).await?.value)
    }

    /// Pools of other accounts: what belongs to none is gone, and shown to whoever asks.
    pub(crate) async fn pools_of_others(
        &self,
        account: AccountId,
    ) -> Result<BTreeSet<PoolId>, Error> {
        let mut theirs = BTreeSet::new();
        for other in self.accounts().await?.iter().filter(|other| other.id != account) {
            theirs.extend(self.list::<Pool>(prefix(other.id)).await?.iter().map(|pool| pool.id));
        }
        Ok(theirs)
    }

    pub(crate) async fn create_pool(&self, at: &AtAccount, body: &Value) -> Result<Pool, Error> {
        let draft = pool::read(body).map_err(refused)?;
        let id = PoolId::new(ids::random()?);
        self.transact(&at.token, || async {
            let pool = draft.clone().into_new(id, self.now());
            let mut change = self.pool_references(at.account, &pool).await?;
            let pools = self.list::<Pool>(prefix(at.account)).await?;
            name_is_free(&pools, &pool)?;
            change.if_none_newer(prefix(at.account), pools.rev);
            change.if_exists(&Key::Account(at.account))?;
            self.afford_pool(at.account, &pool).await?;
            put(&mut change, at.account, &pool)?;
            Ok(Outcome::Commit(change, pool))
        })
        .await
    }

    pub(crate) async fn replace_pool(
        &self,
        at: &AtAccount,
        id: PoolId,
        body: &Value,
    ) -> Result<Pool, Error> {
        self.amend_pool(at, id, |_current| pool::read(body)).await
    }

    pub(crate) async fn patch_pool(
        &self,
        at: &AtAccount,
        id: PoolId,
        body: &Value,
    ) -> Result<Pool, Error> {
        self.amend_pool(at, id, |current| pool::patch(current, body)).await
    }

    async fn amend_pool(
        &self,
        at: &AtAccount,
        id: PoolId,
        draft: impl Fn(&Pool) -> Result<Draft<Pool>, Problems>,
    ) -> Result<Pool, Error> {
        let key = Key::Pool(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<Pool>(&key, Kind::Pool, id).await?;
            let draft = draft(&current.value).map_err(refused)?;
            let (pool, changed) = draft.onto(&current.value, self.now());
            let mut change = self.pool_references(at.account, &pool).await?;
            if !changed {
                return Ok(Outcome::Nothing(pool));
            }
            if pool.name != current.value.name {
                let pools = self.list::<Pool>(prefix(at.account)).await?;
                name_is_free(&pools, &pool)?;
                change.if_none_newer(prefix(at.account), pools.rev);
            }
            self.refuse_lost_origins(at.account, &mut change, &current.value, &pool).await?;
            self.refuse_pool_loops(&mut change, &current.value, &pool).await?;
            self.afford_pool(at.account, &pool).await?;
            change.if_unchanged(&key, current.modified)?;
            put(&mut change, at.account, &pool)?;
            Ok(Outcome::Commit(change, pool))
        })
        .await
    }

    /// Takes the mail address away from every pool. All of them: the hosted API stops after a page.
    pub(crate) async fn clear_emails(
        &self,
        at: &AtAccount,
        body: &Value,
    ) -> Result<Vec<Pool>, Error> {
        pool::read_clear_emails(body).map_err(refused)?;
        self.transact(&at.token, || async {
            let mut pools = self.list::<Pool>(prefix(at.account)).await?;
            let mut change = Change::default();
            for stored in &mut pools.items {
                let pool = &mut stored.value;
                if pool.notify.email.is_empty() {
                    continue;
                }
                pool.notify.email.clear();
                pool.modified_on = self.now();
                change.if_unchanged(&Key::Pool(at.account, pool.id), stored.modified)?;
                put(&mut change, at.account, pool)?;
            }
            let pools = pools.values();
            Ok(if change.writes() == 0 {
                Outcome::Nothing(pools)
            } else {
                Outcome::Commit(change, pools)
            })
        })
        .await
    }

    /// Refused while a balancer names it or another pool requires it.
    pub(crate) async fn delete_pool(&self, at: &AtAccount, id: PoolId) -> Result<(), Error> {
        let key = Key::Pool(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<Pool>(&key, Kind::Pool, id).await?;
            let referrers = self.referrers_of_pool(at.account, id).await?;
            let mut change = referrers.unless_any(Kind::Pool, id)?;
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }

    /// The guards under which everything exists that a pool refers to, if the rest of it can be used.
    async fn pool_references(&self, account: AccountId, pool: &Pool) -> Result<Change, Error> {
        let mut change = Change::default();
        let mut problems = Problems::default();
        if let Some(monitor) = pool.watch.monitor {
            let key = Key::Monitor(account, monitor);
            change.if_exists(&key)?;
            if !self.exists(&key).await? {
                problems.add("/monitor", unknown("monitor", monitor));
            }
        }
        if let Some(group) = pool.watch.monitor_group {
            let key = Key::MonitorGroup(account, group);
            change.if_exists(&key)?;
            if !self.exists(&key).await? {
                problems.add("/monitor_group", unknown("monitor group", group));
            }
        }
        self.required_exist(account, pool, &mut change, &mut problems).await?;
        refuse_upstream(pool, &mut problems);
        problems.or(change).map_err(refused)
    }
}

/// To be asked before a pool has the name.
fn name_is_free(pools: &Listed<Pool>, pool: &Pool) -> Result<(), Error> {
    if pools.iter().any(|other| other.name == pool.name) {
        return Err(Error::coded("/name", code::NOT_UNIQUE, "value not unique"));
    }
    Ok(())
}

fn put(change: &mut Change, account: AccountId, pool: &Pool) -> Result<(), Error> {
    change.put(&Key::Pool(account, pool.id), &Document::Pool(Box::new(pool.clone())))
}
