//! Who refers to whom: what keeps a resource from being deleted, and what `references` lists.

mod around;

use trimtab_api_types::v1::reference::Reference;
use trimtab_model::balancer::Scope;
use trimtab_model::pool::Subject;
use trimtab_model::{
    AccountId, Balancer, HealthCheck, HealthCheckId, Monitor, MonitorGroup, MonitorGroupId,
    MonitorId, Override, Pool, PoolId, Zone,
};

use super::change::Change;
use super::stored::Listed;
use super::{Config, balancers, health_checks, monitor_groups, monitors, overrides, pools, zones};
use crate::errors::{Error, Kind, Referrer};

pub(super) use around::Neighbourhood;

/// Who refers to something, and the guards under which that is all.
pub(super) struct Referrers {
    by: Vec<Referrer>,
    unchanged: Change,
}

// === impl Referrers ===

impl Referrers {
    /// The guards under which nobody refers to it; refused if somebody does.
    pub(super) fn unless_any(self, kind: Kind, id: impl ToString) -> Result<Change, Error> {
        if self.by.is_empty() {
            return Ok(self.unchanged);
        }
        Err(Error::Referenced { kind, id: id.to_string(), by: self.by })
    }
}

// === impl Config ===

impl Config {
    /// What belongs to an account. Zones stand for all that is in them.
    pub(super) async fn belongings(&self, account: AccountId) -> Result<Referrers, Error> {
        let zones = self.list::<Zone>(zones::PREFIX).await?;
        let monitors = self.list::<Monitor>(monitors::prefix(account)).await?;
        let groups = self.list::<MonitorGroup>(monitor_groups::prefix(account)).await?;
        let overrides = self.list::<Override>(overrides::prefix(account)).await?;
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let scope = Scope::Account(account);
        let balancers = self.list::<Balancer>(balancers::prefix(scope)).await?;
        let of_account = zones.iter().filter(|zone| zone.account == account);
        let mut by: Vec<_> =
            of_account.map(|zone| referrer(Kind::Zone, zone.name.to_string(), zone.id)).collect();
        by.extend(balancers.iter().map(of_balancer));
        by.extend(pools.iter().map(of_pool));
        by.extend(groups.iter().map(of_group));
        by.extend(
            monitors
                .iter()
                .map(|monitor| referrer(Kind::Monitor, monitor.description.clone(), monitor.id)),
        );
        by.extend(
            overrides
                .iter()
                .map(|one| referrer(Kind::Override, one.pattern.as_str().to_owned(), one.id)),
        );
        let mut unchanged = Change::default();
        unchanged.if_none_newer(zones::PREFIX, zones.rev);
        unchanged.if_none_newer(monitors::prefix(account), monitors.rev);
        unchanged.if_none_newer(monitor_groups::prefix(account), groups.rev);
        unchanged.if_none_newer(overrides::prefix(account), overrides.rev);
        unchanged.if_none_newer(pools::prefix(account), pools.rev);
        unchanged.if_none_newer(balancers::prefix(scope), balancers.rev);
        Ok(Referrers { by, unchanged })
    }

    /// The balancers that name a pool, and the other pools that require it or an endpoint of it.
    pub(super) async fn referrers_of_pool(
        &self,
        account: AccountId,
        id: PoolId,
    ) -> Result<Referrers, Error> {
        let balancers = self.list::<Balancer>(balancers::PREFIX).await?;
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let naming = balancers.iter().filter(|balancer| balancer.pools().contains(&id));
        let requires = |pool: &&Pool| {
            pool.id != id && pool.required().iter().any(|subject| subject.pool() == Some(id))
        };
        let mut by: Vec<_> = naming.map(of_balancer).collect();
        by.extend(pools.iter().filter(requires).map(of_pool));
        let mut unchanged = Change::default();
        unchanged.if_none_newer(balancers::PREFIX, balancers.rev);
        unchanged.if_none_newer(pools::prefix(account), pools.rev);
        Ok(Referrers { by, unchanged })
    }

    /// The pools that a monitor watches, and the groups that it is in.
    pub(super) async fn referrers_of_monitor(
        &self,
        account: AccountId,
        monitor: MonitorId,
    ) -> Result<Referrers, Error> {
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let groups = self.list::<MonitorGroup>(monitor_groups::prefix(account)).await?;
        let mut referrers = among(account, &pools, |pool| pool.watch.monitor == Some(monitor));
        let has = |group: &&MonitorGroup| group.has(monitor);
        referrers.by.extend(groups.iter().filter(has).map(of_group));
        referrers.unchanged.if_none_newer(monitor_groups::prefix(account), groups.rev);
        Ok(referrers)
    }

    /// The pools that a group watches.
    pub(super) async fn referrers_of_group(
        &self,
        account: AccountId,
        group: MonitorGroupId,
    ) -> Result<Referrers, Error> {
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        Ok(among(account, &pools, |pool| pool.watch.monitor_group == Some(group)))
    }

    /// The pools that require one of these health checks.
    pub(super) async fn referrers_of_checks(
        &self,
        account: AccountId,
        checks: &[HealthCheckId],
    ) -> Result<Referrers, Error> {
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let is_one = |subject: &Subject| match subject {
            Subject::HealthCheck(id) => checks.contains(id),
            Subject::Pool(_) | Subject::Origin(..) => false,
        };
        Ok(among(account, &pools, |pool| pool.required().iter().any(is_one)))
    }

    pub(crate) async fn references_of_pool(
        &self,
        account: AccountId,
        id: PoolId,
    ) -> Result<Vec<Reference>, Error> {
        let pool = self.pool(account, id).await?;
        Ok(self.neighbourhood(account).await?.of_pool(&pool))
    }

    pub(crate) async fn references_of_monitor(
        &self,
        account: AccountId,
        id: MonitorId,
    ) -> Result<Vec<Reference>, Error> {
        let monitor = self.monitor(account, id).await?;
        Ok(self.neighbourhood(account).await?.of_monitor(&monitor))
    }

    pub(crate) async fn references_of_group(
        &self,
        account: AccountId,
        id: MonitorGroupId,
    ) -> Result<Vec<Reference>, Error> {
        let group = self.monitor_group(account, id).await?;
        Ok(self.neighbourhood(account).await?.of_group(&group))
    }

    pub(super) async fn neighbourhood(&self, account: AccountId) -> Result<Neighbourhood, Error> {
        Ok(Neighbourhood {
            balancers: self.balancers_of(account).await?,
            pools: self.list(pools::prefix(account)).await?.values(),
            monitors: self.list(monitors::prefix(account)).await?.values(),
            groups: self.list(monitor_groups::prefix(account)).await?.values(),
            // Those of other accounts are required by none of this one's pools.
            checks: self.list::<HealthCheck>(health_checks::PREFIX).await?.values(),
        })
    }
}

/// The pools of an account for which it is so.
fn among(account: AccountId, pools: &Listed<Pool>, is_one: impl Fn(&Pool) -> bool) -> Referrers {
    let by = pools.iter().filter(|pool| is_one(pool)).map(of_pool).collect();
    let mut unchanged = Change::default();
    unchanged.if_none_newer(pools::prefix(account), pools.rev);
    Referrers { by, unchanged }
}

fn referrer(kind: Kind, name: String, id: impl ToString) -> Referrer {
    Referrer { kind, name, id: id.to_string() }
}

fn of_balancer(balancer: &Balancer) -> Referrer {
    referrer(Kind::Balancer, balancer.name.to_string(), balancer.id)
}

fn of_pool(pool: &Pool) -> Referrer {
    referrer(Kind::Pool, pool.name.clone(), pool.id)
}

fn of_group(group: &MonitorGroup) -> Referrer {
    referrer(Kind::MonitorGroup, group.description.clone(), group.id)
}
