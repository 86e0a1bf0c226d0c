//! Load balancers of the next snapshot, and which of them proxied requests are led to.

use std::collections::BTreeSet;
use std::sync::Arc;

use trimtab_model::balancer::Scope;
use trimtab_model::{BalancerId, Name, ZoneId};
use trimtab_steer::{Balancer, BalancerSlot};

use super::{Publisher, put};
use crate::Routes;
use crate::routes::Route;

// === impl Publisher ===

impl Publisher {
    pub(super) fn build_balancer(&mut self, id: BalancerId) {
        let Some(config) = self.directory.balancers.get(&id) else { return };
        let Some(slot) = self.directory.balancer_slot(id) else { return };
        let mut built = Balancer::build(config, |pool| self.directory.pool_slot(pool));
        let serves = built.is_some() && config.enabled;
        if let Scope::Zone(zone) = config.scope {
            let is_paused = self.directory.zones.get(&zone).is_some_and(|zone| zone.paused);
            if let Some(balancer) = built.as_mut().filter(|_| is_paused) {
                balancer.proxied = false;
            }
            let slot = serves.then_some(slot);
            self.hosted.set_balancer(zone, &config.name, slot);
        }
        let built = built.map(Arc::new);
        let before = put(&mut self.balancers, slot.0, built.clone());
        self.reroute(before.as_deref(), built.as_deref());
    }

    /// Those of these zones: a zone that is paused is DNS and nothing else.
    pub(super) fn balancers_of(&self, zones: &BTreeSet<ZoneId>) -> BTreeSet<BalancerId> {
        if zones.is_empty() {
            return BTreeSet::new();
        }
        let all = self.directory.balancers.values();
        let in_zones = all.filter(|balancer| match balancer.scope {
            Scope::Zone(zone) => zones.contains(&zone),
            Scope::Account(_) => false,
        });
        in_zones.map(|balancer| balancer.id).collect()
    }

    /// Routes are built anew when a name is proxied that was not, or is no more.
    pub(super) fn reroute(&mut self, before: Option<&Balancer>, after: Option<&Balancer>) {
        let [before, after] = [before, after].map(|balancer| balancer.and_then(proxied_name));
        if before != after {
            self.routes = None;
        }
    }

    pub(super) fn build_routes(&self) -> Routes {
        let slots = (0..).map(BalancerSlot).zip(&self.balancers);
        Routes::build(slots.filter_map(|(slot, balancer)| {
            let (name, zone) = proxied_name(balancer.as_deref()?)?;
            let zone = &self.directory.zones.get(&zone)?.name;
            Some(Route { name, zone, balancer: slot })
        }))
    }
}

/// Balancers of accounts are private: no request names them.
fn proxied_name(balancer: &Balancer) -> Option<(&Name, ZoneId)> {
    match balancer.scope {
        Scope::Zone(zone) if balancer.enabled && balancer.proxied => Some((&balancer.name, zone)),
        Scope::Zone(_) | Scope::Account(_) => None,
    }
}
