//! What must be probed, by whom and when: part of the snapshot, so that prober and answers agree.

use std::sync::Arc;

use trimtab_health::Schedule;
use trimtab_model::group::Role;
use trimtab_model::pool::Address;
use trimtab_model::{Monitor, MonitorId, PoolId, Pop, Upstream};
use trimtab_steer::PoolSlot;

/// One pool's probes with one monitor: every target, from every observer, at the beats of the schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub pool: PoolId,
    /// None for a check that belongs to no pool.
    pub slot: Option<PoolSlot>,
    pub pool_name: Box<str>,
    pub monitor: Arc<Monitor>,
    pub targets: Box<[Target]>,
    pub observers: Box<[Pop]>,
    pub schedule: Schedule,
}

/// A monitor that watches a pool, and its say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Watcher {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) role: Role,
}

/// One endpoint to probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Depends on pool, address and port, and on what a standalone check asks: a changed endpoint is a new one, a
    /// reordered list is not.
    pub key: u64,
    pub name: Box<str>,
    pub address: Address,
    /// 0: the monitor's own port decides.
    pub port: u16,
    /// The endpoint's `Host` header, which outranks the monitor's.
    pub host: Option<Box<str>>,
    /// How the proxy reaches it: for monitors that take the proxy's path.
    pub upstream: Option<Arc<Upstream>>,
}

// === impl Job ===

impl Job {
    /// Everything it looks at: an endpoint's key, through whom and from where.
    pub(crate) fn probes(&self) -> impl Iterator<Item = (u64, (MonitorId, Pop))> + '_ {
        self.targets.iter().flat_map(|target| {
            self.observers.iter().map(|pop| (target.key, (self.monitor.id, *pop)))
        })
    }
}
