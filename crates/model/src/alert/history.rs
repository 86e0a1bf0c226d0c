//! What became of each message.

use serde::{Deserialize, Serialize};

use crate::alert::AlertType;
use crate::{AlertPolicyId, Timestamp, words};

words! {
    /// Over what a message goes.
    Channel { Email = "email", PagerDuty = "pagerduty", Webhook = "webhook" }
}

words! {
    /// How a message ended.
    DeliveryResult {
        Delivered = "delivered",
        /// A silence held it back.
        Silenced = "silenced",
        /// Refused in a way that no further try changes, or for too long.
        GivenUp = "given_up",
        /// Too many were waiting already.
        Dropped = "dropped",
    }
}

/// One message to one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The message's idempotency key.
    pub id: String,
    /// None: a pool's own `notification_email`.
    pub policy: Option<AlertPolicyId>,
    pub name: String,
    pub description: String,
    pub alert_type: AlertType,
    pub body: String,
    pub channel: Channel,
    /// A mail address, or the id of a webhook or of a PagerDuty service.
    pub destination: String,
    pub sent: Timestamp,
    pub result: DeliveryResult,
    pub attempts: u32,
    pub error: Option<String>,
    /// Shared by the start and the end of one incident.
    pub correlation: String,
}
