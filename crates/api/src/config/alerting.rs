//! Alerting: policies here, what they lead to and what holds them back in the parts.

mod destinations;
mod silences;

use serde_json::Value;
use trimtab_api_types::Draft;
use trimtab_api_types::body::unknown;
use trimtab_api_types::v1::alerting::policy;
use trimtab_model::alert::policy::POLICIES_MAX;
use trimtab_model::alert::{AlertDocument, AlertKey, AlertPolicy, HistoryEntry};
use trimtab_model::config::{Document, Key};
use trimtab_model::{AccountId, AlertPolicyId, Problems};

use super::Config;
use super::change::{Change, Outcome};
use super::stored::Kept;
use crate::errors::{Error, Kind, Referrer, Service};
use crate::extract::AtAccount;
use crate::ids;

// === impl Config ===

impl Config {
    pub(crate) async fn alert_policies(
        &self,
        account: AccountId,
    ) -> Result<Vec<AlertPolicy>, Error> {
        Ok(self.list(prefix("policies", account)).await?.values())
    }

    pub(crate) async fn alert_policy(
        &self,
        account: AccountId,
        id: AlertPolicyId,
    ) -> Result<AlertPolicy, Error> {
        let key = Key::Alert(AlertKey::Policy(account, id));
        Ok(self.require(&key, Kind::AlertPolicy, id).await?.value)
    }

    pub(crate) async fn create_alert_policy(
        &self,
        at: &AtAccount,
        body: &Value,
    ) -> Result<AlertPolicy, Error> {
        let draft = policy::read(body).map_err(refused)?;
        let id = AlertPolicyId::new(ids::random()?);
        self.transact(&at.token, || async {
            let policy = draft.clone().into_new(id, self.now());
            let mut change = self.alert_references(at.account, &policy, None).await?;
            self.there_is_room::<AlertPolicy>(&mut change, "policies", at, POLICIES_MAX).await?;
            change.if_exists(&Key::Account(at.account))?;
            put_policy(&mut change, at.account, &policy)?;
            Ok(Outcome::Commit(change, policy))
        })
        .await
    }

    pub(crate) async fn replace_alert_policy(
        &self,
        at: &AtAccount,
        id: AlertPolicyId,
        body: &Value,
    ) -> Result<AlertPolicy, Error> {
        let key = Key::Alert(AlertKey::Policy(at.account, id));
        self.transact(&at.token, || async {
            let current = self.require::<AlertPolicy>(&key, Kind::AlertPolicy, id).await?;
            let draft: Draft<AlertPolicy> =
                policy::replace(&current.value, body).map_err(refused)?;
            let (policy, changed) = draft.onto(&current.value, self.now());
            if !changed {
                return Ok(Outcome::Nothing(policy));
            }
            let before = Some(&current.value);
            let mut change = self.alert_references(at.account, &policy, before).await?;
            change.if_unchanged(&key, current.modified)?;
            put_policy(&mut change, at.account, &policy)?;
            Ok(Outcome::Commit(change, policy))
        })
        .await
    }

    /// Its silences go with it.
    pub(crate) async fn delete_alert_policy(
        &self,
        at: &AtAccount,
        id: AlertPolicyId,
    ) -> Result<(), Error> {
        let key = Key::Alert(AlertKey::Policy(at.account, id));
        self.transact(&at.token, || async {
            let current = self.require::<AlertPolicy>(&key, Kind::AlertPolicy, id).await?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            for silence in self.silences(at.account).await? {
                if silence.policy == id {
                    change.delete(&Key::Alert(AlertKey::Silence(at.account, silence.id)))?;
                }
            }
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }

    /// Newest first.
    pub(crate) async fn alert_history(
        &self,
        account: AccountId,
    ) -> Result<Vec<HistoryEntry>, Error> {
        let mut entries: Vec<HistoryEntry> = self.list(prefix("history", account)).await?.values();
        entries.sort_by(|a, b| (b.sent, &b.id).cmp(&(a.sent, &a.id)));
        Ok(entries)
    }

    /// The guards under which everything exists that a policy names. Pools that went after it named them may stay.
    async fn alert_references(
        &self,
        account: AccountId,
        policy: &AlertPolicy,
        before: Option<&AlertPolicy>,
    ) -> Result<Change, Error> {
        let (mut change, mut problems) = (Change::default(), Problems::default());
        for (index, id) in policy.mechanisms.webhooks.iter().enumerate() {
            let key = Key::Alert(AlertKey::Webhook(account, *id));
            change.if_exists(&key)?;
            if !self.exists(&key).await? {
                problems.add(format!("/mechanisms/webhooks/{index}/id"), unknown("webhook", id));
            }
        }
        for (index, id) in policy.mechanisms.pagerduty.iter().enumerate() {
            let key = Key::Alert(AlertKey::PagerDuty(account, *id));
            change.if_exists(&key)?;
            if !self.exists(&key).await? {
                let what = unknown("pagerduty service", id);
                problems.add(format!("/mechanisms/pagerduty/{index}/id"), what);
            }
        }
        for (index, id) in policy.filters.pool_id.iter().enumerate() {
            let known = before.is_some_and(|before| before.filters.pool_id.contains(id));
            if !known && !self.exists(&Key::Pool(account, *id)).await? {
                problems.add(format!("/filters/pool_id/{index}"), unknown("pool", id));
            }
        }
        problems.or(change).map_err(refused)
    }

    /// The policies for which `names` holds.
    async fn alert_referrers(
        &self,
        change: &mut Change,
        account: AccountId,
        names: impl Fn(&AlertPolicy) -> bool,
    ) -> Result<Vec<Referrer>, Error> {
        let policies = self.list::<AlertPolicy>(prefix("policies", account)).await?;
        change.if_none_newer(prefix("policies", account), policies.rev);
        let named = policies.iter().filter(|policy| names(policy));
        Ok(named
            .map(|policy| Referrer {
                kind: Kind::AlertPolicy,
                name: policy.name.clone(),
                id: policy.id.to_string(),
            })
            .collect())
    }

    async fn there_is_room<T: Kept>(
        &self,
        change: &mut Change,
        folder: &str,
        at: &AtAccount,
        most: usize,
    ) -> Result<(), Error> {
        let listed = self.list::<T>(prefix(folder, at.account)).await?;
        change.if_none_newer(prefix(folder, at.account), listed.rev);
        if listed.items.len() < most {
            return Ok(());
        }
        let mut problems = Problems::default();
        problems.add("", format_args!("the account has {most} {folder}, more are not allowed"));
        Err(refused(problems))
    }
}

fn put_policy(change: &mut Change, account: AccountId, policy: &AlertPolicy) -> Result<(), Error> {
    let key = Key::Alert(AlertKey::Policy(account, policy.id));
    change.put(&key, &document(AlertDocument::Policy(policy.clone())))
}

fn document(document: AlertDocument) -> Document {
    Document::Alert(Box::new(document))
}

fn prefix(folder: &str, account: AccountId) -> String {
    format!("alerts/{folder}/{account}/")
}

fn refused(problems: Problems) -> Error {
    Error::refused(Service::Plain, problems)
}
