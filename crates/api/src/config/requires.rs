//! What pools require beside their own endpoints: that it exists, and that it stays.

use std::collections::HashMap;

use trimtab_api_types::body::unknown;
use trimtab_model::config::Key;
use trimtab_model::pool::Subject;
use trimtab_model::{AccountId, HealthCheck, HealthCheckId, Pool, PoolId, Problems, Zone, ZoneId};

use super::change::Change;
use super::monitors::refused;
use super::stored::{Listed, Stored};
use super::{Config, health_checks, pools, zones};
use crate::errors::Error;

/// What there is in an account to be required.
struct Requirable {
    account: AccountId,
    pools: Listed<Pool>,
    checks: HashMap<HealthCheckId, ZoneId>,
}

// === impl Config ===

impl Config {
    /// Adds the guards under which all exists that a pool requires, and tells what does not.
    pub(super) async fn required_exist(
        &self,
        account: AccountId,
        pool: &Pool,
        change: &mut Change,
        problems: &mut Problems,
    ) -> Result<(), Error> {
        let required = pool.required();
        if required.is_empty() {
            return Ok(());
        }
        let there = self.requirable(account).await?;
        for (index, subject) in required.iter().enumerate() {
            if let Some(why) = there.lacks(pool, subject, change)? {
                problems.add(format!("/trimtab/requires/of/{index}"), why);
            }
        }
        Ok(())
    }

    async fn requirable(&self, account: AccountId) -> Result<Requirable, Error> {
        let zones = self.list::<Zone>(zones::PREFIX).await?;
        let own = |id: ZoneId| zones.iter().any(|zone| zone.id == id && zone.account == account);
        let checks = self.list::<HealthCheck>(health_checks::PREFIX).await?;
        let own_checks = checks.iter().filter(|check| own(check.zone));
        Ok(Requirable {
            account,
            pools: self.list(pools::prefix(account)).await?,
            checks: own_checks.map(|check| (check.id, check.zone)).collect(),
        })
    }

    /// An endpoint that another pool requires by its name keeps the name.
    pub(super) async fn refuse_lost_origins(
        &self,
        account: AccountId,
        change: &mut Change,
        current: &Pool,
        pool: &Pool,
    ) -> Result<(), Error> {
        let is_lost = |name: &str| has_origin(current, name) && !has_origin(pool, name);
        if !current.origins.iter().any(|origin| is_lost(&origin.name)) {
            return Ok(());
        }
        let pools = self.list::<Pool>(pools::prefix(account)).await?;
        let mut problems = Problems::default();
        for other in pools.iter().filter(|other| other.id != pool.id) {
            for subject in other.required() {
                if let Subject::Origin(id, name) = subject
                    && *id == pool.id
                    && is_lost(name)
                {
                    let message = format_args!(
                        "origin {name:?} is required by pool {:?} ({})",
                        other.name, other.id
                    );
                    problems.add("/origins", message);
                }
            }
        }
        change.if_none_newer(pools::prefix(account), pools.rev);
        problems.or(()).map_err(refused)
    }
}

// === impl Requirable ===

impl Requirable {
    /// Why the pool cannot require the subject; None where it can, as long as the guard holds.
    fn lacks(
        &self,
        pool: &Pool,
        subject: &Subject,
        change: &mut Change,
    ) -> Result<Option<String>, Error> {
        let why = match subject {
            Subject::Pool(id) if *id == pool.id => Some("a pool cannot require itself".into()),
            Subject::Pool(id) => {
                change.if_exists(&Key::Pool(self.account, *id))?;
                self.find(*id).is_none().then(|| unknown("pool", id))
            }
            Subject::Origin(id, name) if *id == pool.id => lacks_origin(pool, name),
            Subject::Origin(id, name) => match self.find(*id) {
                Some(found) => {
                    change.if_unchanged(&Key::Pool(self.account, *id), found.modified)?;
                    lacks_origin(&found.value, name)
                }
                None => Some(unknown("pool", id)),
            },
            Subject::HealthCheck(id) => match self.checks.get(id) {
                Some(zone) => {
                    change.if_exists(&Key::HealthCheck(*zone, *id))?;
                    None
                }
                None => Some(unknown("health check", id)),
            },
        };
        Ok(why)
    }

    fn find(&self, id: PoolId) -> Option<&Stored<Pool>> {
        self.pools.items.iter().find(|item| item.value.id == id)
    }
}

fn lacks_origin(pool: &Pool, name: &str) -> Option<String> {
    (!has_origin(pool, name)).then(|| unknown("origin", name))
}

fn has_origin(pool: &Pool, name: &str) -> bool {
    pool.origins.iter().any(|origin| origin.name == name)
}
