//! Where alerting's resources stand in the store, all under `alerts/`.

use std::fmt;

use serde::Serialize;

use crate::alert::{AlertPolicy, HistoryEntry, PagerDuty, Silence, Standing, Webhook};
use crate::{AccountId, AlertPolicyId, PagerDutyId, SilenceId, WebhookId};

/// Which resource of alerting a key names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AlertKey {
    Policy(AccountId, AlertPolicyId),
    Webhook(AccountId, WebhookId),
    /// Written by whoever delivers, so that no edit of the webhook meets it.
    Standing(AccountId, WebhookId),
    PagerDuty(AccountId, PagerDutyId),
    Silence(AccountId, SilenceId),
    /// In the order of time.
    History(AccountId, String),
}

/// One stored resource of alerting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AlertDocument {
    Policy(AlertPolicy),
    Webhook(Webhook),
    Standing(Standing),
    PagerDuty(PagerDuty),
    Silence(Silence),
    History(HistoryEntry),
}

// === impl AlertKey ===

impl AlertKey {
    /// What stands between `alerts` and the account.
    const fn folder(&self) -> &'static str {
        match self {
            AlertKey::Policy(..) => "policies",
            AlertKey::Webhook(..) => "webhooks",
            AlertKey::Standing(..) => "standing",
            AlertKey::PagerDuty(..) => "pagerduty",
            AlertKey::Silence(..) => "silences",
            AlertKey::History(..) => "history",
        }
    }

    /// None for folders that this version does not know, and for those that only the deliverer reads.
    pub fn read(folder: &str, account: &str, id: &str) -> Option<AlertKey> {
        let account = account.parse().ok()?;
        Some(match folder {
            "policies" => AlertKey::Policy(account, id.parse().ok()?),
            "webhooks" => AlertKey::Webhook(account, id.parse().ok()?),
            "standing" => AlertKey::Standing(account, id.parse().ok()?),
            "pagerduty" => AlertKey::PagerDuty(account, id.parse().ok()?),
            "silences" => AlertKey::Silence(account, id.parse().ok()?),
            "history" => AlertKey::History(account, id.into()),
            _ => return None,
        })
    }
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alerts/{}/", self.folder())?;
        match self {
            AlertKey::Policy(account, id) => write!(f, "{account}/{id}"),
            AlertKey::Webhook(account, id) | AlertKey::Standing(account, id) => {
                write!(f, "{account}/{id}")
            }
            AlertKey::PagerDuty(account, id) => write!(f, "{account}/{id}"),
            AlertKey::Silence(account, id) => write!(f, "{account}/{id}"),
            AlertKey::History(account, id) => write!(f, "{account}/{id}"),
        }
    }
}

// === impl AlertDocument ===

impl AlertDocument {
    /// # Errors
    /// When the value is not a resource of the key's kind.
    pub fn decode(key: &AlertKey, value: &[u8]) -> Result<AlertDocument, serde_json::Error> {
        match key {
            AlertKey::Policy(..) => serde_json::from_slice(value).map(AlertDocument::Policy),
            AlertKey::Webhook(..) => serde_json::from_slice(value).map(AlertDocument::Webhook),
            AlertKey::Standing(..) => serde_json::from_slice(value).map(AlertDocument::Standing),
            AlertKey::PagerDuty(..) => serde_json::from_slice(value).map(AlertDocument::PagerDuty),
            AlertKey::Silence(..) => serde_json::from_slice(value).map(AlertDocument::Silence),
            AlertKey::History(..) => serde_json::from_slice(value).map(AlertDocument::History),
        }
    }
}
