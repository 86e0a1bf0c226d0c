//! Balancers, of zones and of accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use trimtab_api_types::Draft;
use trimtab_api_types::body::unknown;
use trimtab_api_types::v1::balancer::{self, Owner};
use trimtab_model::balancer::Scope;
use trimtab_model::config::{Document, Key};
use trimtab_model::{AccountId, Balancer, BalancerId, Name, Pool, PoolId, Problems, Token, Zone};

use super::change::{Change, Outcome};
use super::monitors::refused;
use super::stored::Stored;
use super::{Config, pools};
use crate::errors::{Error, Kind, code};
use crate::ids;

/// All balancers of all zones and accounts.
pub(super) const PREFIX: &str = "balancers/";

/// Different pools that one balancer may name; each is a guard of the transaction.
const POOLS_NAMED_MAX: usize = 5_000;

/// Pools looked up one by one; beyond that, reading all of them is cheaper.
const POOLS_LOOKED_UP_MAX: usize = 32;

/// The pools that a balancer names.
pub(super) type NamedPools = BTreeMap<PoolId, Stored<Pool>>;

/// Where balancers are, and who asks.
pub(crate) struct BalancerPlace {
    pub(crate) token: Arc<Token>,
    pub(crate) owner: BalancerOwner,
}

/// A public balancer lies in a zone, a private one in an account.
pub(crate) enum BalancerOwner {
    Zone(Arc<Zone>),
    Account(AccountId),
}

/// Under which all keys of one zone's or account's balancers are.
pub(super) fn prefix(scope: Scope) -> String {
    match scope {
        Scope::Zone(zone) => format!("{PREFIX}zone/{zone}/"),
        Scope::Account(account) => format!("{PREFIX}account/{account}/"),
    }
}

// === impl BalancerPlace ===

impl BalancerPlace {
    pub(crate) fn zone(&self) -> Option<&Zone> {
        match &self.owner {
            BalancerOwner::Zone(zone) => Some(zone),
            BalancerOwner::Account(_) => None,
        }
    }

    fn owner(&self) -> Owner<'_> {
        match &self.owner {
            BalancerOwner::Zone(zone) => Owner::Zone(zone),
            BalancerOwner::Account(account) => Owner::Account(*account),
        }
    }

    fn scope(&self) -> Scope {
        match &self.owner {
            BalancerOwner::Zone(zone) => Scope::Zone(zone.id),
            BalancerOwner::Account(account) => Scope::Account(*account),
        }
    }

    /// Whose pools it may name.
    fn account(&self) -> AccountId {
        match &self.owner {
            BalancerOwner::Zone(zone) => zone.account,
            BalancerOwner::Account(account) => *account,
        }
    }

    fn owner_key(&self) -> Key {
        match &self.owner {
            BalancerOwner::Zone(zone) => Key::Zone(zone.id),
            BalancerOwner::Account(account) => Key::Account(*account),
        }
    }

    fn key(&self, id: BalancerId) -> Key {
        Key::Balancer(self.scope(), id)
    }
}

// === impl Config ===

impl Config {
    pub(crate) async fn balancers(&self, at: &BalancerPlace) -> Result<Vec<Balancer>, Error> {
        Ok(self.list(prefix(at.scope())).await?.values())
    }

    pub(crate) async fn balancer(
        &self,
        at: &BalancerPlace,
        id: BalancerId,
    ) -> Result<Balancer, Error> {
        Ok(self.require(&at.key(id), Kind::Balancer, id).await?.value)
    }

    pub(crate) async fn create_balancer(
        &self,
        at: &BalancerPlace,
        body: &Value,
    ) -> Result<Balancer, Error> {
        let draft = balancer::read(body, &at.owner()).map_err(refused)?;
        let id = BalancerId::new(ids::random()?);
        self.transact(&at.token, || async {
            let (mut change, pools) = self.balancer_references(at, draft.resource()).await?;
            self.hostname_is_free(at, &mut change, &draft.resource().name).await?;
            change.if_exists(&at.owner_key())?;
            let balancer = draft.clone().into_new(id, self.now());
            self.refuse_balancer_loops(&mut change, None, &balancer, &pools).await?;
            put(&mut change, &balancer)?;
            Ok(Outcome::Commit(change, balancer))
        })
        .await
    }

    pub(crate) async fn replace_balancer(
        &self,
        at: &BalancerPlace,
        id: BalancerId,
        body: &Value,
    ) -> Result<Balancer, Error> {
        self.amend_balancer(at, id, |_current| balancer::read(body, &at.owner())).await
    }

    pub(crate) async fn patch_balancer(
        &self,
        at: &BalancerPlace,
        id: BalancerId,
        body: &Value,
    ) -> Result<Balancer, Error> {
        self.amend_balancer(at, id, |current| balancer::patch(current, body, &at.owner())).await
    }

    async fn amend_balancer(
        &self,
        at: &BalancerPlace,
        id: BalancerId,
        draft: impl Fn(&Balancer) -> Result<Draft<Balancer>, Problems>,
    ) -> Result<Balancer, Error> {
        let key = at.key(id);
        self.transact(&at.token, || async {
            let current = self.require::<Balancer>(&key, Kind::Balancer, id).await?;
            let draft = draft(&current.value).map_err(refused)?;
            let (mut change, pools) = self.balancer_references(at, draft.resource()).await?;
            let (balancer, changed) = draft.onto(&current.value, self.now());
            if !changed {
                return Ok(Outcome::Nothing(balancer));
            }
            if balancer.name != current.value.name {
                self.hostname_is_free(at, &mut change, &balancer.name).await?;
            }
            let before = Some(&current.value);
            self.refuse_balancer_loops(&mut change, before, &balancer, &pools).await?;
            change.if_unchanged(&key, current.modified)?;
            put(&mut change, &balancer)?;
            Ok(Outcome::Commit(change, balancer))
        })
        .await
    }

    pub(crate) async fn delete_balancer(
        &self,
        at: &BalancerPlace,
        id: BalancerId,
    ) -> Result<(), Error> {
        let key = at.key(id);
        self.transact(&at.token, || async {
            let current = self.require::<Balancer>(&key, Kind::Balancer, id).await?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }

    /// Every pool that a balancer names, and the guards under which they are as they were read: a pool that gains
    /// a host name meanwhile may lead back to the balancer.
    async fn balancer_references(
        &self,
        at: &BalancerPlace,
        balancer: &Balancer,
    ) -> Result<(Change, NamedPools), Error> {
        let named = balancer::pools(balancer);
        let distinct: BTreeSet<PoolId> = named.iter().map(|(_, pool)| *pool).collect();
        let mut problems = Problems::default();
        if distinct.len() > POOLS_NAMED_MAX {
            problems.add("", format_args!("the body names over {POOLS_NAMED_MAX} pools"));
            return Err(refused(problems));
        }
        let existing = self.existing_pools(at.account(), &distinct).await?;
        for (pointer, pool) in named.iter().filter(|(_, pool)| !existing.contains_key(pool)) {
            problems.add(pointer, unknown("pool", pool));
        }
        let mut change = Change::default();
        for (pool, stored) in &existing {
            change.if_unchanged(&Key::Pool(at.account(), *pool), stored.modified)?;
        }
        problems.or((change, existing)).map_err(refused)
    }

    async fn existing_pools(
        &self,
        account: AccountId,
        wanted: &BTreeSet<PoolId>,
    ) -> Result<NamedPools, Error> {
        if wanted.len() > POOLS_LOOKED_UP_MAX {
            let pools = self.list::<Pool>(pools::prefix(account)).await?.items.into_iter();
            let named = pools.filter(|pool| wanted.contains(&pool.value.id));
            return Ok(named.map(|pool| (pool.value.id, pool)).collect());
        }
        let mut existing = NamedPools::new();
        for &id in wanted {
            if let Some(pool) = self.find(&Key::Pool(account, id)).await? {
                existing.insert(id, pool);
            }
        }
        Ok(existing)
    }

    /// To be asked before a balancer has the name.
    async fn hostname_is_free(
        &self,
        at: &BalancerPlace,
        change: &mut Change,
        name: &Name,
    ) -> Result<(), Error> {
        let prefix = prefix(at.scope());
        let balancers = self.list::<Balancer>(&*prefix).await?;
        if balancers.iter().any(|other| other.name == *name) {
            return Err(Error::coded("/name", code::NOT_UNIQUE, "value not unique"));
        }
        change.if_none_newer(prefix, balancers.rev);
        Ok(())
    }
}

fn put(change: &mut Change, balancer: &Balancer) -> Result<(), Error> {
    let key = Key::Balancer(balancer.scope, balancer.id);
    change.put(&key, &Document::Balancer(Box::new(balancer.clone())))
}
