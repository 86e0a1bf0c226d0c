//! Standalone health checks of the next snapshot.

use std::sync::Arc;

use trimtab_health::EndpointHealth;
use trimtab_model::group::Role;
use trimtab_model::{HealthCheck, HealthCheckId, PoolId};

use super::Publisher;
use crate::checks::{CheckHealth, Configured, asked, pool_of};
use crate::observers::Circumstances;
use crate::plan::Watcher;

// === impl Publisher ===

impl Publisher {
    /// A check was written, or deleted.
    pub(super) fn configure_check(&mut self, id: HealthCheckId, check: Option<HealthCheck>) {
        let pool = pool_of(id);
        match check {
            Some(check) => {
                let watcher = Watcher { monitor: Arc::new(check.monitor()), role: Role::Voter };
                let asked = asked(&check.probe);
                let configured = Configured { pool: check.pool(), watcher, asked, check };
                self.checks.configured.insert(pool, configured);
                self.build_check(pool);
            }
            None => {
                self.checks.configured.remove(&pool);
                self.set_jobs(pool, Vec::new());
                if self.checks.put(id, None) {
                    self.dependents.extend(self.directory.requiring(pool));
                }
            }
        }
        self.rebuild_dependents();
    }

    /// Their zones may have another name, or come after them.
    pub(super) fn rebuild_checks(&mut self) {
        let all: Vec<PoolId> = self.checks.configured.keys().copied().collect();
        for pool in all {
            self.build_check(pool);
        }
    }

    /// Nothing happens for a pool that is no check's.
    pub(super) fn build_check(&mut self, id: PoolId) {
        let Some(Configured { check, pool, watcher, asked }) = self.checks.configured.get(&id)
        else {
            return;
        };
        let Some(zone) = self.directory.zones.get(&check.zone) else { return };
        let around = Circumstances {
            watchers: std::slice::from_ref(watcher),
            is_used: true,
            ejections: &[],
            rulings: &[],
            asked: *asked,
        };
        let before = self.checks.known.get(&check.id).map(|before| &before.health);
        let known = CheckHealth {
            account: zone.account,
            zone: zone.id,
            zone_name: zone.name.clone(),
            name: check.name.as_str().into(),
            address: check.address.to_string().into(),
            suspended: check.suspended,
            health: self.observers.health(pool, &around, before),
        };
        let jobs = self.observers.jobs(pool, None, &around);
        let check = check.id;
        let before = (self.is_check_well(check), self.is_check_restored(check));
        self.checks.put(check, Some(known));
        if before != (self.is_check_well(check), self.is_check_restored(check)) {
            self.dependents.extend(self.directory.requiring(id));
        }
        self.set_jobs(id, jobs);
    }

    /// For calculated checks: one that is suspended or knows nothing is not.
    pub(super) fn is_check_well(&self, id: HealthCheckId) -> bool {
        self.checks.known.get(&id).is_some_and(|check| check.is_healthy() == Some(true))
    }

    /// Nobody waits for the next probe of one that is suspended.
    pub(super) fn is_check_restored(&self, id: HealthCheckId) -> bool {
        let check = self.checks.known.get(&id).filter(|check| !check.suspended);
        check.and_then(|check| check.endpoint()).is_some_and(EndpointHealth::is_restored)
    }
}
