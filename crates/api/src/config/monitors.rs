//! Monitors.

use serde_json::Value;
use trimtab_api_types::Draft;
use trimtab_api_types::v1::{Limits, monitor};
use trimtab_model::config::{Document, Key};
use trimtab_model::{AccountId, Monitor, MonitorId, Problems};

use super::Config;
use super::change::{Change, Outcome};
use crate::errors::{Error, Kind, Service};
use crate::extract::AtAccount;
use crate::ids;

pub(super) fn prefix(account: AccountId) -> String {
    format!("monitors/{account}/")
}

// === impl Config ===

impl Config {
    pub(crate) async fn monitors(&self, account: AccountId) -> Result<Vec<Monitor>, Error> {
        Ok(self.list(prefix(account)).await?.values())
    }

    pub(crate) async fn monitor(
        &self,
        account: AccountId,
        id: MonitorId,
    ) -> Result<Monitor, Error> {
        Ok(self.require(&Key::Monitor(account, id), Kind::Monitor, id).await?.value)
    }

    pub(crate) async fn create_monitor(
        &self,
        at: &AtAccount,
        body: &Value,
        limits: &Limits,
    ) -> Result<Monitor, Error> {
        let draft = monitor::read(body, limits).map_err(refused)?;
        let monitor = draft.into_new(MonitorId::new(ids::random()?), self.now());
        self.transact(&at.token, || async {
            let mut change = Change::default();
            change.if_exists(&Key::Account(at.account))?;
            let key = Key::Monitor(at.account, monitor.id);
            change.put(&key, &Document::Monitor(monitor.clone()))?;
            Ok(Outcome::Commit(change, monitor.clone()))
        })
        .await
    }

    pub(crate) async fn replace_monitor(
        &self,
        at: &AtAccount,
        id: MonitorId,
        body: &Value,
        limits: &Limits,
    ) -> Result<Monitor, Error> {
        self.amend_monitor(at, id, |_current| monitor::read(body, limits)).await
    }

    pub(crate) async fn patch_monitor(
        &self,
        at: &AtAccount,
        id: MonitorId,
        body: &Value,
        limits: &Limits,
    ) -> Result<Monitor, Error> {
        self.amend_monitor(at, id, |current| monitor::patch(current, body, limits)).await
    }

    async fn amend_monitor(
        &self,
        at: &AtAccount,
        id: MonitorId,
        draft: impl Fn(&Monitor) -> Result<Draft<Monitor>, Problems>,
    ) -> Result<Monitor, Error> {
        let key = Key::Monitor(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<Monitor>(&key, Kind::Monitor, id).await?;
            let draft = draft(&current.value).map_err(refused)?;
            let (monitor, changed) = draft.onto(&current.value, self.now());
            if !changed {
                return Ok(Outcome::Nothing(monitor));
            }
            self.afford_monitor(&monitor)?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            change.put(&key, &Document::Monitor(monitor.clone()))?;
            Ok(Outcome::Commit(change, monitor))
        })
        .await
    }

    /// Refused while a pool is watched by it or a group has it.
    pub(crate) async fn delete_monitor(&self, at: &AtAccount, id: MonitorId) -> Result<(), Error> {
        let key = Key::Monitor(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<Monitor>(&key, Kind::Monitor, id).await?;
            let referrers = self.referrers_of_monitor(at.account, id).await?;
            let mut change = referrers.unless_any(Kind::Monitor, id)?;
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }
}

pub(crate) fn refused(problems: Problems) -> Error {
    Error::refused(Service::LoadBalancing, problems)
}
