//! How a pool of the next snapshot comes about: configuration, what was seen, what persons say, what others are.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use trimtab_model::pool::{Requires, Subject};
use trimtab_model::{self as model, AccountId, Moment, Override, OverrideId, PoolId};
use trimtab_steer::Pool;
use trimtab_steer::pool::{Required, Requirement};

use super::{Publisher, clocks, put};
use crate::Loads;
use crate::changes::HealthChange;
use crate::event::Feeding;
use crate::observers::{Circumstances, endpoint_key};
use crate::rulings;

// === impl Publisher ===

impl Publisher {
    pub(super) fn build_pool(&mut self, id: PoolId) {
        let Some(config) = self.directory.pools.get(&id) else {
            // A standalone check may have been reported on, and its next flip be nearer.
            self.dependents.extend(self.directory.requiring(id));
            return;
        };
        let Some(slot) = self.directory.pool_slot(id) else { return };
        let before = self.pools.get(slot.0 as usize).and_then(Option::as_deref);
        let rulings = self.rulings.of_pool(id);
        let config = &*rulings::ruled(config, rulings, clocks());
        let watchers = self.directory.watchers(config);
        let around = Circumstances {
            watchers: &watchers,
            is_used: self.directory.is_used(id),
            ejections: &self.ejections.of_pool(config),
            rulings,
            asked: 0,
        };
        let known = before.filter(|before| same_endpoints(before, config)).map(|b| &b.health);
        let health = self.observers.health(config, &around, known);
        let jobs = self.observers.jobs(config, Some(slot), &around);
        self.hosts.follow(before, config);
        let requires = config.watch.requires.as_deref();
        let pool = Pool::resolved(config, health, |name| self.hosts.addresses(name))
            .measured_by(self.geo.latencies())
            .monitored_by(watchers.first().map(|watcher| &*watcher.monitor))
            .requiring(requires.map(|wanted| self.requirement(wanted)))
            .resting_on(requires.map(|wanted| self.required(wanted)));
        if let Some(change) = HealthChange::between(before, &pool, config, SystemTime::now()) {
            self.tell(change);
        }
        if !before.is_some_and(|before| before.draws_as(&pool)) {
            self.epochs.pool_changed(slot);
        }
        if !before.is_some_and(|before| before.speaks_as(&pool)) {
            self.dependents.extend(self.directory.requiring(id));
        }
        let keys = config.origins.iter().map(|origin| endpoint_key(id, origin));
        Loads::follow(&mut self.loads, slot, keys.collect());
        put(&mut self.pools, slot.0, Some(Arc::new(pool)));
        self.set_jobs(id, jobs);
    }

    /// A job that stays the same stays the same value, so that its probes go on undisturbed.
    pub(super) fn set_jobs(&mut self, pool: PoolId, jobs: Vec<crate::Job>) {
        let before = self.jobs.get(&pool).map(Vec::as_slice).unwrap_or_default();
        if before.iter().map(Arc::as_ref).eq(&jobs) {
            return;
        }
        self.observers.remember(pool, before, &jobs);
        let kept = |job: crate::Job| {
            let same = before.iter().find(|before| ***before == job);
            same.map_or_else(|| Arc::new(job.clone()), Arc::clone)
        };
        let jobs: Vec<_> = jobs.into_iter().map(kept).collect();
        self.listed = None;
        match jobs.is_empty() {
            true => self.jobs.remove(&pool),
            false => self.jobs.insert(pool, jobs),
        };
    }

    /// Pools that others of this batch are required by; calculated checks do not nest, so that one round is enough.
    pub(super) fn rebuild_dependents(&mut self) {
        for id in std::mem::take(&mut self.dependents) {
            self.build_pool(id);
        }
        self.dependents.clear();
    }

    fn requirement(&self, wanted: &Requires) -> Requirement {
        let is_well = |subject: &Subject| match subject {
            Subject::Pool(id) => self.built(*id).is_some_and(Pool::is_well),
            Subject::Origin(id, name) => {
                self.built(*id).is_some_and(|pool| pool.is_endpoint_well(name))
            }
            Subject::HealthCheck(id) => self.is_check_well(*id),
        };
        let is_restored = |subject: &Subject| match subject {
            Subject::Pool(id) | Subject::Origin(id, _) => {
                self.built(*id).is_some_and(Pool::is_restored)
            }
            Subject::HealthCheck(id) => self.is_check_restored(*id),
        };
        let restored = wanted.of.iter().any(is_restored);
        Requirement { restored, ..Requirement::count(wanted, is_well) }
    }

    /// All of the configuration is read: what was remembered of anything else belongs to nobody.
    pub(super) fn forget_the_gone(&mut self) {
        self.hosts.forget_remembered();
        self.rulings.keep_pools(|pool| self.directory.pools.contains_key(&pool));
        self.fed = None;
        self.forget_endpoints();
    }

    /// Observations of endpoints that are gone would otherwise be kept for ever.
    pub(super) fn forget_endpoints(&mut self) {
        let of = |pool: &model::Pool, asked: u64| -> Vec<(PoolId, u64)> {
            let key = |origin| endpoint_key(pool.id, origin) ^ asked;
            pool.origins.iter().map(|origin| (pool.id, key(origin))).collect()
        };
        let pools = self.directory.pools.values().flat_map(|pool| of(pool, 0));
        let checks = self.checks.configured.values().flat_map(|it| of(&it.pool, it.asked));
        let living: HashSet<(PoolId, u64)> = pools.chain(checks).collect();
        self.observers.keep_only(&living);
        self.ejections.keep_only(&living);
    }

    fn required(&self, wanted: &Requires) -> Required {
        let (mut pools, mut checks) = (Vec::new(), Vec::new());
        for subject in &wanted.of {
            match subject {
                Subject::Pool(id) | Subject::Origin(id, _) => {
                    pools.extend(self.directory.pool_slot(*id));
                }
                Subject::HealthCheck(id) => {
                    checks.extend(self.checks.known.get(id).map(|check| check.health.clone()));
                }
            }
        }
        pools.sort_unstable();
        pools.dedup();
        Required { pools: pools.into(), checks: checks.into() }
    }

    fn built(&self, id: PoolId) -> Option<&Pool> {
        let slot = self.directory.pool_slot(id)?;
        self.pools.get(slot.0 as usize)?.as_deref()
    }

    /// Takes in what persons say; gives the pools that they spoke of before or speak of now.
    pub(super) fn hear(
        &mut self,
        said: impl Iterator<Item = (OverrideId, Option<(AccountId, Override)>)>,
    ) -> BTreeSet<PoolId> {
        let mut named = BTreeSet::new();
        for (id, said) in said {
            let before = self.rulings.put(id, said.clone());
            for (account, said) in before.iter().chain(&said) {
                let pools = self.directory.pools.values();
                let pools = pools.filter(|pool| {
                    self.directory.account_of(pool.id) == Some(*account)
                        && rulings::names_any(said, pool)
                });
                named.extend(pools.map(|pool| pool.id));
            }
        }
        named
    }

    pub(super) fn work_out_rulings(&mut self, pools: &BTreeSet<PoolId>) {
        let now = clocks();
        for id in pools {
            let Some(pool) = self.directory.pools.get(id) else { continue };
            let Some(account) = self.directory.account_of(*id) else { continue };
            self.rulings.work_out(account, pool, now);
        }
    }

    /// What another system says acts with the next snapshot.
    pub(super) fn apply_feed(&mut self, Feeding { fed, acts }: Feeding) {
        let id = fed.pool;
        let pool = self.directory.pools.get(&id);
        if pool.is_some_and(|pool| self.rulings.feed(fed, pool)) {
            self.work_out_rulings(&BTreeSet::from([id]));
            self.reported.insert(id);
            self.fed = None;
        }
        self.waiting.push(acts);
    }

    pub(super) fn end_rulings(&mut self, now: Moment) {
        let over = self.rulings.over(now);
        self.fed = None;
        self.work_out_rulings(&over);
        self.reported.extend(over);
    }
}

fn same_endpoints(before: &Pool, config: &model::Pool) -> bool {
    before.endpoints.len() == config.origins.len()
        && before.endpoints.iter().zip(&config.origins).all(|(a, b)| a.address == b.address)
}
