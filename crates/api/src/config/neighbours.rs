//! Who refers to whom: what keeps a resource from being deleted, and what `references` lists.

use trimtab_api_types::v1::reference::{Reference, ReferenceType, ResourceType};
use trimtab_model::balancer::Scope;
use trimtab_model::{AccountId, Balancer, Monitor, MonitorId, Pool, PoolId, Zone};

use super::change::Change;
use super::{Config, balancers, monitors, pools, zones};
use crate::errors::{Error, Kind, Referrer};

/// Who refers to something, and the guards under which that is all.
pub(super) struct Referrers {
    pub(super) by: Vec<Referrer>,
    pub(super) unchanged: Change,
}

// === impl Config ===

impl Config {
    /// What belongs to an account. Zones stand for all that is in them.
    pub(super) async fn belongings(&self, account: AccountId) -> Result<Referrers, Error> {
        let zones = self.list::<Zone>(zones::PREFIX).await?;
        let monitors = self.list::<Monitor>(monitors::prefix(account)).await?;
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let scope = Scope::Account(account);
        let balancers = self.list::<Balancer>(balancers::prefix(scope)).await?;
        let of_account = zones.iter().filter(|zone| zone.account == account);
        let mut by: Vec<_> =
            of_account.map(|zone| referrer(Kind::Zone, zone.name.to_string(), zone.id)).collect();
        by.extend(balancers.iter().map(of_balancer));
        by.extend(pools.iter().map(|pool| referrer(Kind::Pool, pool.name.clone(), pool.id)));
        by.extend(
            monitors
                .iter()
                .map(|monitor| referrer(Kind::Monitor, monitor.description.clone(), monitor.id)),
        );
        let mut unchanged = Change::default();
        unchanged.if_none_newer(zones::PREFIX, zones.rev);
        unchanged.if_none_newer(monitors::prefix(account), monitors.rev);
        unchanged.if_none_newer(pools::prefix(account), pools.rev);
        unchanged.if_none_newer(balancers::prefix(scope), balancers.rev);
        Ok(Referrers { by, unchanged })
    }

    /// The balancers that name a pool.
    pub(super) async fn referrers_of_pool(&self, pool: PoolId) -> Result<Referrers, Error> {
        let balancers = self.list::<Balancer>(balancers::PREFIX).await?;
        let naming = balancers.iter().filter(|balancer| balancer.pools().contains(&pool));
        let by = naming.map(of_balancer).collect();
        let mut unchanged = Change::default();
        unchanged.if_none_newer(balancers::PREFIX, balancers.rev);
        Ok(Referrers { by, unchanged })
    }

    /// The pools that a monitor watches.
    pub(super) async fn referrers_of_monitor(
        &self,
        account: AccountId,
        monitor: MonitorId,
    ) -> Result<Referrers, Error> {
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let watched = pools.iter().filter(|pool| pool.watch.monitor == Some(monitor));
        let by = watched.map(|pool| referrer(Kind::Pool, pool.name.clone(), pool.id)).collect();
        let mut unchanged = Change::default();
        unchanged.if_none_newer(pools::prefix(account), pools.rev);
        Ok(Referrers { by, unchanged })
    }

    pub(crate) async fn references_of_pool(
        &self,
        account: AccountId,
        id: PoolId,
    ) -> Result<Vec<Reference>, Error> {
        let pool = self.pool(account, id).await?;
        let balancers = self.list::<Balancer>(balancers::PREFIX).await?;
        let monitors = self.list::<Monitor>(monitors::prefix(account)).await?;
        let balancers: Vec<&Balancer> = balancers.iter().collect();
        let monitors: Vec<&Monitor> = monitors.iter().collect();
        Ok(around_pool(&pool, &balancers, &monitors))
    }

    pub(crate) async fn references_of_monitor(
        &self,
        account: AccountId,
        id: MonitorId,
    ) -> Result<Vec<Reference>, Error> {
        let monitor = self.monitor(account, id).await?;
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let pools: Vec<&Pool> = pools.iter().collect();
        Ok(around_monitor(&monitor, &pools))
    }
}

fn referrer(kind: Kind, name: String, id: impl ToString) -> Referrer {
    Referrer { kind, name, id: id.to_string() }
}

fn of_balancer(balancer: &Balancer) -> Referrer {
    referrer(Kind::Balancer, balancer.name.to_string(), balancer.id)
}

// === neighbours of one resource ===

pub(super) fn around_balancer(balancer: &Balancer, pools: &[&Pool]) -> Vec<Reference> {
    let named = balancer.pools();
    let of_balancer = pools.iter().filter(|pool| named.contains(&pool.id));
    of_balancer.map(|pool| pool_reference(ReferenceType::Referral, pool)).collect()
}

pub(super) fn around_pool(
    pool: &Pool,
    balancers: &[&Balancer],
    monitors: &[&Monitor],
) -> Vec<Reference> {
    let naming = balancers.iter().filter(|balancer| balancer.pools().contains(&pool.id));
    let watching = monitors.iter().filter(|monitor| pool.watch.monitor == Some(monitor.id));
    let referrers = naming.map(|balancer| Reference {
        reference_type: ReferenceType::Referrer,
        resource_id: balancer.id.to_string(),
        resource_name: balancer.name.to_string(),
        resource_type: ResourceType::LoadBalancer,
    });
    let referrals = watching.map(|monitor| Reference {
        reference_type: ReferenceType::Referral,
        resource_id: monitor.id.to_string(),
        resource_name: monitor.description.clone(),
        resource_type: ResourceType::Monitor,
    });
    referrers.chain(referrals).collect()
}

pub(super) fn around_monitor(monitor: &Monitor, pools: &[&Pool]) -> Vec<Reference> {
    let watched = pools.iter().filter(|pool| pool.watch.monitor == Some(monitor.id));
    watched.map(|pool| pool_reference(ReferenceType::Referrer, pool)).collect()
}

fn pool_reference(reference_type: ReferenceType, pool: &Pool) -> Reference {
    Reference {
        reference_type,
        resource_id: pool.id.to_string(),
        resource_name: pool.name.clone(),
        resource_type: ResourceType::Pool,
    }
}
