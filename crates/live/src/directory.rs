//! The configuration as last read, by id, with a slot for everything that decisions point to.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use trimtab_model::balancer::Scope;
use trimtab_model::config::Key;
use trimtab_model::{
    AffinityKeys, Balancer, BalancerId, CertificateId, Change, Document, Monitor, MonitorId, Pool,
    PoolId, Zone, ZoneId,
};
use trimtab_steer::{BalancerSlot, PoolSlot};

use crate::Certificates;

/// Everything but records, which live in their zones.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) zones: HashMap<ZoneId, Zone>,
    pub(crate) monitors: HashMap<MonitorId, Arc<Monitor>>,
    pub(crate) pools: HashMap<PoolId, Pool>,
    pub(crate) balancers: HashMap<BalancerId, Balancer>,
    pub(crate) pool_slots: Slots<PoolId>,
    pub(crate) balancer_slots: Slots<BalancerId>,
    /// Shared with the last snapshot, and copied when it changes after that.
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) affinity_keys: Arc<AffinityKeys>,
}

/// What a batch touched and must be built anew.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) pools: BTreeSet<PoolId>,
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

// === impl Directory ===

impl Directory {
    pub(crate) fn apply(&mut self, changes: Vec<Change>) -> Touched {
        let mut touched = Touched::default();
        for Change { key, document } in changes {
            match (key, document) {
                (Key::Zone(id), document) => self.apply_zone(id, document, &mut touched),
                (Key::Monitor(_, id), document) => self.apply_monitor(id, document, &mut touched),
                (Key::Pool(_, id), document) => self.apply_pool(id, document, &mut touched),
                (Key::Balancer(_, id), document) => {
                    self.apply_balancer(id, document, &mut touched);
                }
                (Key::Certificate(_, id), document) => self.apply_certificate(id, document),
                (Key::AffinityKeys, document) => self.apply_affinity_keys(document),
                // Records come as whole names; accounts and tokens are the API's own business, the account with an
                // authority is that of whoever orders certificates.
                (
                    Key::Record(..)
                    | Key::RecordName(..)
                    | Key::Account(_)
                    | Key::Token(_)
                    | Key::MonitorGroup(..)
                    | Key::Override(..)
                    | Key::AcmeAccount,
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

    /// The pools that some enabled balancer can send traffic to are the ones worth naming in a log.
    pub(crate) fn monitor_of(&self, pool: &Pool) -> Option<&Arc<Monitor>> {
        self.monitors.get(&pool.watch.monitor?)
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
        let users = self.pools.values().filter(|pool| pool.watch.monitor == Some(id));
        touched.pools.extend(users.map(|pool| pool.id));
    }

    fn apply_pool(&mut self, id: PoolId, document: Option<Document>, touched: &mut Touched) {
        match document {
            Some(Document::Pool(pool)) => {
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
