//! The neighbours of one resource, as `references` and searches list them.

use trimtab_api_types::v1::reference::ReferenceType::{Referral, Referrer};
use trimtab_api_types::v1::reference::{Reference, ReferenceType, ResourceType};
use trimtab_model::pool::Subject;
use trimtab_model::{Balancer, HealthCheck, Monitor, MonitorGroup, Pool, PoolId};

/// Everything of an account that refers to each other.
pub(in crate::config) struct Neighbourhood {
    pub(in crate::config) balancers: Vec<Balancer>,
    pub(in crate::config) pools: Vec<Pool>,
    pub(in crate::config) monitors: Vec<Monitor>,
    pub(in crate::config) groups: Vec<MonitorGroup>,
    pub(in crate::config) checks: Vec<HealthCheck>,
}

// === impl Neighbourhood ===

impl Neighbourhood {
    pub(in crate::config) fn of_balancer(&self, balancer: &Balancer) -> Vec<Reference> {
        let named = balancer.pools();
        let of_balancer = self.pools.iter().filter(|pool| named.contains(&pool.id));
        of_balancer.map(|pool| to_pool(Referral, pool)).collect()
    }

    /// Those that use the pool come first.
    pub(in crate::config) fn of_pool(&self, pool: &Pool) -> Vec<Reference> {
        let naming = self.balancers.iter().filter(|one| one.pools().contains(&pool.id));
        let others = || self.pools.iter().filter(|other| other.id != pool.id);
        let requiring = others().filter(|other| requires(other, pool.id));
        let monitors = self.monitors.iter().filter(|one| pool.watch.monitor == Some(one.id));
        let groups = self.groups.iter().filter(|one| pool.watch.monitor_group == Some(one.id));
        let required = others().filter(|other| requires(pool, other.id));
        let checks = self
            .checks
            .iter()
            .filter(|check| pool.required().contains(&Subject::HealthCheck(check.id)));
        naming
            .map(|one| to_balancer(Referrer, one))
            .chain(requiring.map(|other| to_pool(Referrer, other)))
            .chain(monitors.map(|one| to_monitor(Referral, one)))
            .chain(groups.map(|one| to_group(Referral, one)))
            .chain(required.map(|other| to_pool(Referral, other)))
            .chain(checks.map(|one| to_check(Referral, one)))
            .collect()
    }

    pub(in crate::config) fn of_monitor(&self, monitor: &Monitor) -> Vec<Reference> {
        let watched = self.pools.iter().filter(|pool| pool.watch.monitor == Some(monitor.id));
        let groups = self.groups.iter().filter(|group| group.has(monitor.id));
        watched
            .map(|pool| to_pool(Referrer, pool))
            .chain(groups.map(|group| to_group(Referrer, group)))
            .collect()
    }

    pub(in crate::config) fn of_group(&self, group: &MonitorGroup) -> Vec<Reference> {
        let watched = self.pools.iter().filter(|pool| pool.watch.monitor_group == Some(group.id));
        let members = self.monitors.iter().filter(|monitor| group.has(monitor.id));
        watched
            .map(|pool| to_pool(Referrer, pool))
            .chain(members.map(|monitor| to_monitor(Referral, monitor)))
            .collect()
    }
}

/// A pool, or an endpoint of it.
fn requires(pool: &Pool, id: PoolId) -> bool {
    pool.required().iter().any(|subject| subject.pool() == Some(id))
}

fn to_balancer(reference_type: ReferenceType, to: &Balancer) -> Reference {
    reference(reference_type, ResourceType::LoadBalancer, to.id, to.name.to_string())
}

fn to_pool(reference_type: ReferenceType, to: &Pool) -> Reference {
    reference(reference_type, ResourceType::Pool, to.id, to.name.clone())
}

fn to_monitor(reference_type: ReferenceType, to: &Monitor) -> Reference {
    reference(reference_type, ResourceType::Monitor, to.id, to.description.clone())
}

fn to_group(reference_type: ReferenceType, to: &MonitorGroup) -> Reference {
    reference(reference_type, ResourceType::MonitorGroup, to.id, to.description.clone())
}

fn to_check(reference_type: ReferenceType, to: &HealthCheck) -> Reference {
    reference(reference_type, ResourceType::HealthCheck, to.id, to.name.clone())
}

fn reference(
    reference_type: ReferenceType,
    resource_type: ResourceType,
    id: impl ToString,
    name: String,
) -> Reference {
    Reference { reference_type, resource_id: id.to_string(), resource_name: name, resource_type }
}
