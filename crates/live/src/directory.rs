//! The configuration as last read, by id, with a slot for everything that decisions point to.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use trimtab_model::balancer::Scope;
use trimtab_model::config::Key;
use trimtab_model::group::Role;
use trimtab_model::pool::Subject;
use trimtab_model::{
    AccountId, AffinityKeys, Balancer, BalancerId, CertificateId, Change, Document, HealthCheck,
    HealthCheckId, Monitor, MonitorGroup, MonitorGroupId, MonitorId, Override, OverrideId, Pool,
    PoolId, Zone, ZoneId,
};
use trimtab_steer::{BalancerSlot, PoolSlot};

use crate::Certificates;
use crate::checks::pool_of;
use crate::plan::Watcher;

/// Everything but records, which live in their zones.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) zones: HashMap<ZoneId, Zone>,
    pub(crate) monitors: HashMap<MonitorId, Arc<Monitor>>,
    pub(crate) groups: HashMap<MonitorGroupId, MonitorGroup>,
    pub(crate) pools: HashMap<PoolId, Pool>,
    /// Whose the pools are.
    accounts: HashMap<PoolId, AccountId>,
    /// Those that have a calculated check.
    requirers: BTreeSet<PoolId>,
    /// How many enabled balancers send clients to a pool.
    users: HashMap<PoolId, u32>,
    pub(crate) balancers: HashMap<BalancerId, Balancer>,
    pub(crate) pool_slots: Slots<PoolId>,
    pub(crate) balancer_slots: Slots<BalancerId>,
    /// Shared with the last snapshot, and copied when it changes after that.
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) affinity_keys: Arc<AffinityKeys>,
}

/// What a batch touched and must be built anew.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Touched {
    pub(crate) pools: BTreeSet<PoolId>,
    pub(crate) overrides: Vec<(OverrideId, Option<(AccountId, Override)>)>,
    pub(crate) checks: Vec<(HealthCheckId, Option<HealthCheck>)>,
    pub(crate) balancers: BTreeSet<BalancerId>,
    pub(crate) zones: BTreeSet<ZoneId>,
    /// Balancers whose own configuration was written, of all that must be built anew.
    pub(crate) rewritten: BTreeSet<BalancerId>,
    /// Names that balancers left, by zone.
    pub(crate) left: Vec<(ZoneId, trimtab_model::Name)>,
    /// Slots whose pool or balancer is gone.
    pub(crate) freed_pools: Vec<PoolSlot>,
    pub(crate) freed_balancers: Vec<BalancerSlot>,
    /// Apexes of zones that are gone.
    pub(crate) dropped: Vec<trimtab_model::Name>,
}

/// Numbers for things: the lowest free one for a new thing, the same one while it lives.
#[derive(Debug)]
pub(crate) struct Slots<Id> {
    of: HashMap<Id, u32>,
    free: BTreeSet<u32>,
}

// === impl Touched ===

impl Touched {
    pub(crate) fn may_end_endpoints(&self) -> bool {
        !(self.pools.is_empty() && self.freed_pools.is_empty() && self.checks.is_empty())
    }
}

// === impl Directory ===

impl Directory {
    pub(crate) fn apply(&mut self, changes: Vec<Change>) -> Touched {
        let mut touched = Touched::default();
        for Change { key, document } in changes {
            match (key, document) {
                (Key::Zone(id), document) => self.apply_zone(id, document, &mut touched),
                (Key::Monitor(_, id), document) => self.apply_monitor(id, document, &mut touched),
                (Key::MonitorGroup(_, id), document) => {
                    self.apply_group(id, document, &mut touched);
                }
                (Key::Override(account, id), document) => {
                    let said = match document {
                        Some(Document::Override(said)) => Some((account, said)),
                        _ => None,
                    };
                    touched.overrides.push((id, said));
                }
                (Key::HealthCheck(_, id), document) => {
                    let check = match document {
                        Some(Document::HealthCheck(check)) => Some(*check),
                        _ => None,
                    };
                    touched.checks.push((id, check));
                }
                (Key::Pool(account, id), document) => {
                    self.accounts.insert(id, account);
                    self.apply_pool(id, document, &mut touched);
                }
                (Key::Balancer(_, id), document) => {
                    self.apply_balancer(id, document, &mut touched);
                }
                (Key::Certificate(_, id), document) => self.apply_certificate(id, document),
                (Key::AffinityKeys, document) => self.apply_affinity_keys(document),
                // Records come as whole names; accounts and tokens are the API's own business, the account with an
                // authority is that of whoever orders certificates, alerting that of whoever delivers.
                (
                    Key::Record(..)
                    | Key::RecordName(..)
                    | Key::Account(_)
                    | Key::Token(_)
                    | Key::AcmeAccount
                    | Key::Alert(_),
                    _,
                ) => {}
            }
        }
        touched
    }

    pub(crate) fn pool_slot(&self, id: PoolId) -> Option<PoolSlot> {
        self.pool_slots.of.get(&id).map(|&slot| PoolSlot(slot))
    }

    pub(crate) fn balancer_slot(&self, id: BalancerId) -> Option<BalancerSlot> {
        self.balancer_slots.of.get(&id).map(|&slot| BalancerSlot(slot))
    }

    pub(crate) fn account_of(&self, pool: PoolId) -> Option<AccountId> {
        self.accounts.get(&pool).copied()
    }

    /// Some balancer sends clients there, or another pool hangs on it.
    pub(crate) fn is_used(&self, pool: PoolId) -> bool {
        self.users.contains_key(&pool) || self.requiring(pool).next().is_some()
    }

    /// The pools whose calculated checks ask after this one, or after what a standalone check is probed as.
    pub(crate) fn requiring(&self, id: PoolId) -> impl Iterator<Item = PoolId> {
        let asks = move |subject: &Subject| match subject {
            Subject::Pool(pool) | Subject::Origin(pool, _) => *pool == id,
            Subject::HealthCheck(check) => pool_of(*check) == id,
        };
        let requirers = self.requirers.iter().filter_map(|pool| self.pools.get(pool));
        let requiring = requirers.filter(move |pool| {
            pool.watch.requires.as_deref().is_some_and(|wanted| wanted.of.iter().any(asks))
        });
        requiring.map(|pool| pool.id)
    }

    /// Who watches a pool: its monitor, or those members of its group that probe.
    pub(crate) fn watchers(&self, pool: &Pool) -> Vec<Watcher> {
        let of_group = pool.watch.monitor_group.and_then(|id| self.groups.get(&id));
        let members = of_group.into_iter().flat_map(|group| &group.members);
        let members = members.filter_map(|member| Some((member.monitor, member.role()?)));
        let alone = pool.watch.monitor.map(|monitor| (monitor, Role::Voter));
        let watcher = |(monitor, role)| {
            Some(Watcher { monitor: Arc::clone(self.monitors.get(&monitor)?), role })
        };
        alone.into_iter().chain(members).filter_map(watcher).collect()
    }

    fn apply_group(
        &mut self,
        id: MonitorGroupId,
        document: Option<Document>,
        touched: &mut Touched,
    ) {
        match document {
            Some(Document::MonitorGroup(group)) => {
                self.groups.insert(id, group);
            }
            _ => {
                self.groups.remove(&id);
            }
        }
        let users = self.pools.values().filter(|pool| pool.watch.monitor_group == Some(id));
        touched.pools.extend(users.map(|pool| pool.id));
    }

    /// Pools that get their first user or lose their last are touched: they are probed at another pace.
    fn count_users(
        &mut self,
        before: Option<&Balancer>,
        after: Option<&Balancer>,
        touched: &mut Touched,
    ) {
        let pools = |balancer: Option<&Balancer>| -> BTreeSet<PoolId> {
            let enabled = balancer.filter(|balancer| balancer.enabled);
            enabled.into_iter().flat_map(Balancer::pools).collect()
        };
        let (before, after) = (pools(before), pools(after));
        for &pool in after.difference(&before) {
            let users = self.users.entry(pool).or_default();
            *users = users.saturating_add(1);
            if *users == 1 && self.pools.contains_key(&pool) {
                touched.pools.insert(pool);
            }
        }
        for pool in before.difference(&after) {
            let Some(users) = self.users.get_mut(pool) else { continue };
            *users = users.saturating_sub(1);
            if *users == 0 {
                self.users.remove(pool);
                if self.pools.contains_key(pool) {
                    touched.pools.insert(*pool);
                }
            }
        }
    }

    fn apply_zone(&mut self, id: ZoneId, document: Option<Document>, touched: &mut Touched) {
        match document {
            Some(Document::Zone(zone)) => {
                touched.zones.insert(id);
                // Balancers may have been read before their zone.
                let inside = self.balancers.values().filter(|b| b.scope == Scope::Zone(id));
                touched.balancers.extend(inside.map(|balancer| balancer.id));
                self.zones.insert(id, zone);
            }
            _ => touched.dropped.extend(self.zones.remove(&id).map(|zone| zone.name)),
        }
    }

    fn apply_monitor(&mut self, id: MonitorId, document: Option<Document>, touched: &mut Touched) {
        match document {
            Some(Document::Monitor(monitor)) => {
                self.monitors.insert(id, Arc::new(monitor));
            }
            _ => {
                self.monitors.remove(&id);
            }
        }
        let groups = self.groups.values();
        let groups = groups.filter(|group| group.members.iter().any(|it| it.monitor == id));
        let groups: Vec<MonitorGroupId> = groups.map(|group| group.id).collect();
        let users = self.pools.values().filter(|pool| {
            let of_group = pool.watch.monitor_group.is_some_and(|group| groups.contains(&group));
            of_group || pool.watch.monitor == Some(id)
        });
        touched.pools.extend(users.map(|pool| pool.id));
    }

    fn apply_pool(&mut self, id: PoolId, document: Option<Document>, touched: &mut Touched) {
        let after = match &document {
            Some(Document::Pool(after)) => after.required(),
            _ => &[],
        };
        let before = self.pools.get(&id).map(Pool::required).unwrap_or_default();
        // What another pool hangs on is probed at full pace.
        let required = before.iter().chain(after).filter_map(Subject::pool);
        touched.pools.extend(required.filter(|pool| self.pools.contains_key(pool)));
        match document {
            Some(Document::Pool(pool)) => {
                match pool.watch.requires {
                    Some(_) => self.requirers.insert(id),
                    None => self.requirers.remove(&id),
                };
                if self.pools.insert(id, *pool).is_none() {
                    // Balancers may have been read before their pools.
                    self.pool_slots.take(id);
                    let users = self.balancers.values().filter(|b| b.pools().contains(&id));
                    touched.balancers.extend(users.map(|balancer| balancer.id));
                }
                touched.pools.insert(id);
            }
            _ => {
                self.pools.remove(&id);
                self.accounts.remove(&id);
                self.requirers.remove(&id);
                touched.pools.remove(&id);
                touched.freed_pools.extend(self.pool_slots.give_back(&id).map(PoolSlot));
            }
        }
    }

    fn apply_balancer(
        &mut self,
        id: BalancerId,
        document: Option<Document>,
        touched: &mut Touched,
    ) {
        let before = self.balancers.remove(&id);
        let after = match &document {
            Some(Document::Balancer(after)) => Some(&**after),
            _ => None,
        };
        self.count_users(before.as_ref(), after, touched);
        if let Some((Scope::Zone(zone), name)) = before.map(|b| (b.scope, b.name)) {
            touched.left.push((zone, name));
        }
        match document {
            Some(Document::Balancer(balancer)) => {
                self.balancer_slots.take(id);
                self.balancers.insert(id, *balancer);
                touched.balancers.insert(id);
                touched.rewritten.insert(id);
            }
            _ => {
                touched.balancers.remove(&id);
                touched.rewritten.remove(&id);
                let freed = self.balancer_slots.give_back(&id);
                touched.freed_balancers.extend(freed.map(BalancerSlot));
            }
        }
    }

    fn apply_certificate(&mut self, id: CertificateId, document: Option<Document>) {
        match document {
            Some(Document::Certificate(certificate)) => {
                Arc::make_mut(&mut self.certificates).insert(id, Arc::from(certificate));
            }
            // Deleting one that was unreadable, and so never came, changes nothing.
            _ if self.certificates.contains_key(&id) => {
                Arc::make_mut(&mut self.certificates).remove(&id);
            }
            _ => {}
        }
    }

    fn apply_affinity_keys(&mut self, document: Option<Document>) {
        self.affinity_keys = match document {
            Some(Document::AffinityKeys(keys)) => Arc::new(keys),
            _ => Arc::default(),
        };
    }
}

// === impl Slots ===

impl<Id> Default for Slots<Id> {
    fn default() -> Slots<Id> {
        Slots { of: HashMap::new(), free: BTreeSet::new() }
    }
}

impl<Id: Eq + Hash> Slots<Id> {
    fn take(&mut self, id: Id) -> u32 {
        if let Some(&slot) = self.of.get(&id) {
            return slot;
        }
        let next = u32::try_from(self.of.len()).unwrap_or(u32::MAX);
        let slot = self.free.pop_first().unwrap_or(next);
        self.of.insert(id, slot);
        slot
    }

    fn give_back(&mut self, id: &Id) -> Option<u32> {
        let slot = self.of.remove(id)?;
        self.free.insert(slot);
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_stay_while_a_thing_lives_and_are_used_again() {
        let mut slots = Slots::default();
        assert_eq!(["a", "b", "c"].map(|id| slots.take(id)), [0, 1, 2]);
        assert_eq!(slots.give_back(&"b"), Some(1));
        assert_eq!(slots.give_back(&"b"), None);
        assert_eq!(["c", "d", "e"].map(|id| slots.take(id)), [2, 1, 3]);
    }
}
