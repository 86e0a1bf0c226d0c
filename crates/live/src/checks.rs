//! Standalone health checks: endpoints that are probed and judged like those of pools, and that no traffic goes to.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use trimtab_health::{EndpointHealth, PoolHealth, Verdict};
use trimtab_model::health_check::CheckProbe;
use trimtab_model::{AccountId, HealthCheck, HealthCheckId, Name, Pool, PoolId, ZoneId};

use crate::plan::Watcher;

/// What is known of every check.
pub type Checks = BTreeMap<HealthCheckId, Arc<CheckHealth>>;

/// One check at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckHealth {
    pub account: AccountId,
    pub zone: ZoneId,
    pub zone_name: Name,
    pub name: Box<str>,
    pub address: Box<str>,
    pub suspended: bool,
    /// Of a pool whose one endpoint is what the check looks at.
    pub health: PoolHealth,
}

/// The checks as they are configured, each with the pool and the monitor that it is probed as.
#[derive(Debug, Default)]
pub(crate) struct CheckTable {
    pub(crate) configured: HashMap<PoolId, Configured>,
    /// Shared with the last snapshot, and copied when it changes after that.
    pub(crate) known: Arc<Checks>,
}

#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) check: HealthCheck,
    pub(crate) pool: Pool,
    pub(crate) watcher: Watcher,
    /// What it asks, as part of its endpoint's key.
    pub(crate) asked: u64,
}

/// A check's id is that of the pool that it is probed as.
pub(crate) fn pool_of(id: HealthCheckId) -> PoolId {
    PoolId::new(*id.bytes())
}

/// And back.
pub fn check_of(id: PoolId) -> HealthCheckId {
    HealthCheckId::new(*id.bytes())
}

/// Tells apart what checks ask, so that nothing is known of another port or path. How an answer is judged is no part
/// of it: by that goes the next probe.
pub(crate) fn asked(probe: &CheckProbe) -> u64 {
    // The hasher's keys are fixed, so the key is the same after a restart of the same build.
    let mut hasher = DefaultHasher::new();
    std::mem::discriminant(probe).hash(&mut hasher);
    match probe {
        CheckProbe::Http(http) | CheckProbe::Https(http) => {
            (http.method.word(), http.port, &http.path, &http.header).hash(&mut hasher);
        }
        CheckProbe::Tcp { port } => port.hash(&mut hasher),
    }
    hasher.finish()
}

// === impl CheckHealth ===

impl CheckHealth {
    /// None before any probe.
    pub fn endpoint(&self) -> Option<&EndpointHealth> {
        self.health.endpoints.first()
    }

    /// None while it is suspended or nothing is known.
    pub fn is_healthy(&self) -> Option<bool> {
        match self.endpoint().filter(|_| !self.suspended)?.verdict {
            Verdict::Up => Some(true),
            Verdict::Down => Some(false),
            Verdict::Unknown | Verdict::Unmonitored | Verdict::Ejected { .. } => None,
        }
    }
}

// === impl CheckTable ===

impl CheckTable {
    /// True when what was known of it is something else now.
    pub(crate) fn put(&mut self, id: HealthCheckId, health: Option<CheckHealth>) -> bool {
        if self.known.get(&id).map(Arc::as_ref) == health.as_ref() {
            return false;
        }
        let known = Arc::make_mut(&mut self.known);
        match health {
            Some(health) => known.insert(id, Arc::new(health)),
            None => known.remove(&id),
        };
        true
    }
}
