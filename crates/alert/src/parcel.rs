//! One message to one destination, as the store keeps it until it was taken.

use serde::{Deserialize, Serialize};
use trimtab_model::alert::{Channel, DeliveryResult, HistoryEntry};
use trimtab_model::{AccountId, AlertKey, PagerDutyId, Timestamp, WebhookId};

use crate::message::Message;
use crate::storage::{Write, to_json};
use crate::text;

/// Where parcels wait, in the order in which they were made.
pub(crate) const OUTBOX: &str = "alerts/outbox/";

/// Of a text in the history.
const BODY_CHARS_MAX: usize = 4000;

/// Who takes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Destination {
    Email(String),
    Webhook(AccountId, WebhookId),
    PagerDuty(AccountId, PagerDutyId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parcel {
    pub(crate) number: u64,
    /// Stays the same over every try and every restart.
    pub(crate) id: String,
    pub(crate) to: Destination,
    pub(crate) made: Timestamp,
    pub(crate) message: Message,
}

/// How a parcel ended.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) at: Timestamp,
    pub(crate) result: DeliveryResult,
    pub(crate) attempts: u32,
    pub(crate) error: Option<String>,
}

// === impl Destination ===

impl Destination {
    pub(crate) fn channel(&self) -> Channel {
        match self {
            Destination::Email(_) => Channel::Email,
            Destination::Webhook(..) => Channel::Webhook,
            Destination::PagerDuty(..) => Channel::PagerDuty,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Destination::Email(mail) => mail.clone(),
            Destination::Webhook(_, id) => id.to_string(),
            Destination::PagerDuty(_, id) => id.to_string(),
        }
    }
}

// === impl Parcel ===

impl Parcel {
    pub(crate) fn key(&self) -> String {
        // Twenty digits hold every number, so that the order of keys is that of numbers.
        format!("{OUTBOX}{:020}", self.number)
    }

    pub(crate) fn put(&self) -> Result<Write, serde_json::Error> {
        Ok(Write::Put(self.key(), to_json(self)?))
    }

    /// The entry of the history, and its key.
    pub(crate) fn ended(&self, ending: Ending) -> Result<Write, serde_json::Error> {
        let Ending { at, result, attempts, error } = ending;
        let message = &self.message;
        let entry = HistoryEntry {
            id: self.id.clone(),
            policy: message.policy,
            name: message.policy_name.clone(),
            description: message.policy_description.clone(),
            alert_type: message.alert_type,
            body: text::body(message).chars().take(BODY_CHARS_MAX).collect(),
            channel: self.to.channel(),
            destination: self.to.name(),
            sent: at,
            result,
            attempts,
            error,
            correlation: message.correlation.clone(),
        };
        let id = format!("{:020}-{}", at.micros().max(0), self.id);
        let key = AlertKey::History(message.account, id);
        Ok(Write::Put(key.to_string(), to_json(&entry)?))
    }
}
