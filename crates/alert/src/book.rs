//! The configuration as alerting reads it: kept up to date change by change.

use std::collections::BTreeMap;

use trimtab_model::config::Key;
use trimtab_model::pool::Notify;
use trimtab_model::{
    Account, AccountId, AlertDocument, AlertKey, AlertPolicyId, Change, Document, PagerDutyId,
    PoolId, SilenceId, Timestamp, WebhookId, alert,
};

/// Everything of all accounts.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    pub(crate) pools: BTreeMap<PoolId, PoolEntry>,
    pub(crate) policies: BTreeMap<(AccountId, AlertPolicyId), alert::AlertPolicy>,
    pub(crate) webhooks: BTreeMap<(AccountId, WebhookId), alert::Webhook>,
    pub(crate) pagerduty: BTreeMap<(AccountId, PagerDutyId), alert::PagerDuty>,
    pub(crate) silences: BTreeMap<(AccountId, SilenceId), alert::Silence>,
}

/// A pool as far as it matters here.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolEntry {
    pub account: AccountId,
    pub name: String,
    pub enabled: bool,
    /// It never was enabled: that it is not is no news.
    pub born_disabled: bool,
    pub disabled_at: Option<Timestamp>,
    pub notify: Notify,
}

/// What a reader of the store has to hand over, in any order.
pub const PREFIXES: [&str; 6] = [
    "accounts/",
    "pools/",
    "alerts/policies/",
    "alerts/webhooks/",
    "alerts/pagerduty/",
    "alerts/silences/",
];

// === impl Book ===

impl Book {
    /// What is of no interest is passed over.
    pub fn apply(&mut self, Change { key, document }: Change) {
        match (key, document) {
            (Key::Account(id), Some(Document::Account(account))) => {
                self.accounts.insert(id, account);
            }
            (Key::Account(id), _) => drop(self.accounts.remove(&id)),
            (Key::Pool(account, id), Some(Document::Pool(pool))) => {
                self.pools.insert(id, PoolEntry::of(account, &pool));
            }
            (Key::Pool(_, id), _) => drop(self.pools.remove(&id)),
            (Key::Alert(key), Some(Document::Alert(document))) => self.put(key, *document),
            (Key::Alert(key), _) => self.remove(&key),
            _ => {}
        }
    }

    pub(crate) fn account_name(&self, id: AccountId) -> &str {
        self.accounts.get(&id).map_or("", |account| &account.name)
    }

    pub(crate) fn is_silenced(
        &self,
        account: AccountId,
        id: AlertPolicyId,
        now: Timestamp,
    ) -> bool {
        let of_account = self.silences.iter().filter(|((of, _), _)| *of == account);
        of_account.into_iter().any(|(_, silence)| silence.holds_back(id, now))
    }

    fn put(&mut self, key: AlertKey, document: AlertDocument) {
        match (key, document) {
            (AlertKey::Policy(account, id), AlertDocument::Policy(policy)) => {
                self.policies.insert((account, id), policy);
            }
            (AlertKey::Webhook(account, id), AlertDocument::Webhook(webhook)) => {
                self.webhooks.insert((account, id), webhook);
            }
            (AlertKey::PagerDuty(account, id), AlertDocument::PagerDuty(service)) => {
                self.pagerduty.insert((account, id), service);
            }
            (AlertKey::Silence(account, id), AlertDocument::Silence(silence)) => {
                self.silences.insert((account, id), silence);
            }
            _ => {}
        }
    }

    fn remove(&mut self, key: &AlertKey) {
        match key {
            AlertKey::Policy(account, id) => drop(self.policies.remove(&(*account, *id))),
            AlertKey::Webhook(account, id) => drop(self.webhooks.remove(&(*account, *id))),
            AlertKey::PagerDuty(account, id) => drop(self.pagerduty.remove(&(*account, *id))),
            AlertKey::Silence(account, id) => drop(self.silences.remove(&(*account, *id))),
            AlertKey::Standing(..) | AlertKey::History(..) => {}
        }
    }
}

// === impl PoolEntry ===

impl PoolEntry {
    fn of(account: AccountId, pool: &trimtab_model::Pool) -> PoolEntry {
        PoolEntry {
            account,
            name: pool.name.clone(),
            enabled: pool.enabled,
            born_disabled: pool.disabled_at.is_some_and(|at| at == pool.created_on),
            disabled_at: pool.disabled_at,
            notify: pool.notify.clone(),
        }
    }
}
