//! Groups of monitors.

use serde_json::Value;
use trimtab_api_types::Draft;
use trimtab_api_types::body::unknown;
use trimtab_api_types::v1::monitor_group;
use trimtab_model::config::{Document, Key};
use trimtab_model::{AccountId, MonitorGroup, MonitorGroupId, Problems};

use super::Config;
use super::change::{Change, Outcome};
use super::monitors::refused;
use crate::errors::{Error, Kind};
use crate::extract::AtAccount;
use crate::ids;

pub(super) fn prefix(account: AccountId) -> String {
    format!("monitor-groups/{account}/")
}

// === impl Config ===

impl Config {
    pub(crate) async fn monitor_groups(
        &self,
        account: AccountId,
    ) -> Result<Vec<MonitorGroup>, Error> {
        Ok(self.list(prefix(account)).await?.values())
    }

    pub(crate) async fn monitor_group(
        &self,
        account: AccountId,
        id: MonitorGroupId,
    ) -> Result<MonitorGroup, Error> {
        let key = Key::MonitorGroup(account, id);
        Ok(self.require(&key, Kind::MonitorGroup, id).await?.value)
    }

    pub(crate) async fn create_monitor_group(
        &self,
        at: &AtAccount,
        body: &Value,
    ) -> Result<MonitorGroup, Error> {
        let draft = monitor_group::read(body).map_err(refused)?;
        let group = draft.into_new(MonitorGroupId::new(ids::random()?), self.now());
        self.transact(&at.token, || async {
            let mut change = self.members(at.account, &group).await?;
            change.if_exists(&Key::Account(at.account))?;
            put(&mut change, at.account, &group)?;
            Ok(Outcome::Commit(change, group.clone()))
        })
        .await
    }

    pub(crate) async fn replace_monitor_group(
        &self,
        at: &AtAccount,
        id: MonitorGroupId,
        body: &Value,
    ) -> Result<MonitorGroup, Error> {
        self.amend_monitor_group(at, id, |_current| monitor_group::read(body)).await
    }

    pub(crate) async fn patch_monitor_group(
        &self,
        at: &AtAccount,
        id: MonitorGroupId,
        body: &Value,
    ) -> Result<MonitorGroup, Error> {
        self.amend_monitor_group(at, id, |current| monitor_group::patch(current, body)).await
    }

    async fn amend_monitor_group(
        &self,
        at: &AtAccount,
        id: MonitorGroupId,
        draft: impl Fn(&MonitorGroup) -> Result<Draft<MonitorGroup>, Problems>,
    ) -> Result<MonitorGroup, Error> {
        let key = Key::MonitorGroup(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<MonitorGroup>(&key, Kind::MonitorGroup, id).await?;
            let draft = draft(&current.value).map_err(refused)?;
            let (group, changed) = draft.onto(&current.value, self.now());
            let mut change = self.members(at.account, &group).await?;
            if !changed {
                return Ok(Outcome::Nothing(group));
            }
            self.afford_group(at.account, &group).await?;
            change.if_unchanged(&key, current.modified)?;
            put(&mut change, at.account, &group)?;
            Ok(Outcome::Commit(change, group))
        })
        .await
    }

    /// Refused while a pool is watched by it. Gives what was deleted.
    pub(crate) async fn delete_monitor_group(
        &self,
        at: &AtAccount,
        id: MonitorGroupId,
    ) -> Result<MonitorGroup, Error> {
        let key = Key::MonitorGroup(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<MonitorGroup>(&key, Kind::MonitorGroup, id).await?;
            let referrers = self.referrers_of_group(at.account, id).await?;
            let mut change = referrers.unless_any(Kind::MonitorGroup, id)?;
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, current.value))
        })
        .await
    }

    /// The guards under which every member is a monitor of the account.
    async fn members(&self, account: AccountId, group: &MonitorGroup) -> Result<Change, Error> {
        let mut change = Change::default();
        let mut problems = Problems::default();
        for (index, member) in group.members.iter().enumerate() {
            let key = Key::Monitor(account, member.monitor);
            change.if_exists(&key)?;
            if !self.exists(&key).await? {
                let place = format!("/members/{index}/monitor_id");
                problems.add(place, unknown("monitor", member.monitor));
            }
        }
        problems.or(change).map_err(refused)
    }
}

fn put(change: &mut Change, account: AccountId, group: &MonitorGroup) -> Result<(), Error> {
    change.put(&Key::MonitorGroup(account, group.id), &Document::MonitorGroup(group.clone()))
}
