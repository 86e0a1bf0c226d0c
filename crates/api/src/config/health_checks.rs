//! Standalone health checks of a zone.

use serde_json::Value;
use trimtab_api_types::Draft;
use trimtab_api_types::v1::{Limits, health_check};
use trimtab_model::config::{Document, Key};
use trimtab_model::health_check::HEALTH_CHECKS_MAX;
use trimtab_model::{HealthCheck, HealthCheckId, Problems, Timestamp, ZoneId};

use super::Config;
use super::change::{Change, Outcome};
use crate::errors::{Error, Kind, Service};
use crate::extract::AtZone;
use crate::ids;

/// Of all zones.
pub(super) const PREFIX: &str = "health-checks/";

pub(super) fn prefix(zone: ZoneId) -> String {
    format!("{PREFIX}{zone}/")
}

// === impl Config ===

impl Config {
    pub(crate) async fn health_checks(&self, zone: ZoneId) -> Result<Vec<HealthCheck>, Error> {
        Ok(self.list(prefix(zone)).await?.values())
    }

    pub(crate) async fn health_check(
        &self,
        zone: ZoneId,
        id: HealthCheckId,
    ) -> Result<HealthCheck, Error> {
        Ok(self.require(&Key::HealthCheck(zone, id), Kind::HealthCheck, id).await?.value)
    }

    pub(crate) async fn create_health_check(
        &self,
        at: &AtZone,
        body: &Value,
        limits: &Limits,
    ) -> Result<HealthCheck, Error> {
        let check = new_health_check(at, body, limits, self.now())?;
        self.transact(&at.token, || async {
            let others = self.list::<HealthCheck>(prefix(at.zone.id)).await?;
            if others.items.len() >= HEALTH_CHECKS_MAX {
                return Err(too_many());
            }
            self.afford_health_check(&check)?;
            let mut change = Change::default();
            change.if_exists(&Key::Zone(at.zone.id))?;
            change.if_none_newer(prefix(at.zone.id), others.rev);
            put(&mut change, &check)?;
            Ok(Outcome::Commit(change, check.clone()))
        })
        .await
    }

    pub(crate) async fn replace_health_check(
        &self,
        at: &AtZone,
        id: HealthCheckId,
        body: &Value,
        limits: &Limits,
    ) -> Result<HealthCheck, Error> {
        let draft = |current: &HealthCheck| health_check::read(body, current.zone, limits);
        self.amend_health_check(at, id, draft).await
    }

    pub(crate) async fn patch_health_check(
        &self,
        at: &AtZone,
        id: HealthCheckId,
        body: &Value,
        limits: &Limits,
    ) -> Result<HealthCheck, Error> {
        let draft = |current: &HealthCheck| health_check::patch(current, body, limits);
        self.amend_health_check(at, id, draft).await
    }

    async fn amend_health_check(
        &self,
        at: &AtZone,
        id: HealthCheckId,
        draft: impl Fn(&HealthCheck) -> Result<Draft<HealthCheck>, Problems>,
    ) -> Result<HealthCheck, Error> {
        let key = Key::HealthCheck(at.zone.id, id);
        self.transact(&at.token, || async {
            let current = self.require::<HealthCheck>(&key, Kind::HealthCheck, id).await?;
            let draft = draft(&current.value).map_err(refused)?;
            let (check, changed) = draft.onto(&current.value, self.now());
            if !changed {
                return Ok(Outcome::Nothing(check));
            }
            self.afford_health_check(&check)?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            put(&mut change, &check)?;
            Ok(Outcome::Commit(change, check))
        })
        .await
    }

    /// Refused while a pool requires it.
    pub(crate) async fn delete_health_check(
        &self,
        at: &AtZone,
        id: HealthCheckId,
    ) -> Result<(), Error> {
        let key = Key::HealthCheck(at.zone.id, id);
        self.transact(&at.token, || async {
            let current = self.require::<HealthCheck>(&key, Kind::HealthCheck, id).await?;
            let referrers = self.referrers_of_checks(at.zone.account, &[id]).await?;
            let mut change = referrers.unless_any(Kind::HealthCheck, id)?;
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }
}

/// One that is made, or only tried.
pub(crate) fn new_health_check(
    at: &AtZone,
    body: &Value,
    limits: &Limits,
    now: Timestamp,
) -> Result<HealthCheck, Error> {
    let draft = health_check::read(body, at.zone.id, limits).map_err(refused)?;
    Ok(draft.into_new(HealthCheckId::new(ids::random()?), now))
}

fn put(change: &mut Change, check: &HealthCheck) -> Result<(), Error> {
    let key = Key::HealthCheck(check.zone, check.id);
    change.put(&key, &Document::HealthCheck(Box::new(check.clone())))
}

fn too_many() -> Error {
    let mut problems = Problems::default();
    let message =
        format_args!("the zone has {HEALTH_CHECKS_MAX} health checks, more are not allowed");
    problems.add("", message);
    refused(problems)
}

fn refused(problems: Problems) -> Error {
    Error::refused(Service::Plain, problems)
}
