//! How much an account has.

use trimtab_api_types::v1::usage::Usage;
use trimtab_model::balancer::Scope;
use trimtab_model::pool::ORIGINS_MAX;
use trimtab_model::{AccountId, Balancer, Monitor, MonitorGroup, Pool, Record, Zone, ZoneId};

use super::{Config, balancers, monitor_groups, monitors, pools, records, zones};
use crate::errors::Error;

// === impl Config ===

impl Config {
    pub(crate) async fn usage(
        &self,
        account: AccountId,
        monitor_interval_min: u32,
    ) -> Result<Usage, Error> {
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let monitors = self.list::<Monitor>(monitors::prefix(account)).await?;
        let groups = self.list::<MonitorGroup>(monitor_groups::prefix(account)).await?;
        Ok(Usage {
            load_balancers: self.balancers_of(account).await?.len() as u64,
            max_origins_per_pool: ORIGINS_MAX as u64,
            minimum_monitor_interval: monitor_interval_min.into(),
            monitor_groups: groups.items.len() as u64,
            monitors: monitors.items.len() as u64,
            origins: pools.iter().map(|pool| pool.origins.len() as u64).sum(),
            pools: pools.items.len() as u64,
        })
    }

    pub(crate) async fn records_in(&self, zone: ZoneId) -> Result<u64, Error> {
        Ok(self.list::<Record>(records::prefix(zone)).await?.items.len() as u64)
    }

    /// Those of the account itself and of its zones.
    pub(crate) async fn balancers_of(&self, account: AccountId) -> Result<Vec<Balancer>, Error> {
        let zones = self.list::<Zone>(zones::PREFIX).await?;
        let of_account = |balancer: &Balancer| match balancer.scope {
            Scope::Account(id) => id == account,
            Scope::Zone(id) => zones.iter().any(|zone| zone.id == id && zone.account == account),
        };
        let mut balancers = self.list::<Balancer>(balancers::PREFIX).await?.values();
        balancers.retain(of_account);
        Ok(balancers)
    }
}
