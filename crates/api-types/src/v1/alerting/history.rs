//! What was sent, on the wire.

use serde::Serialize;
use trimtab_model::alert::{AlertType, Channel, DeliveryResult, HistoryEntry};
use trimtab_model::{AlertPolicyId, Timestamp};
use utoipa::ToSchema;

/// One message to one destination.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AlertHistory)]
pub struct History {
    pub id: String,
    /// Of the policy.
    pub name: String,
    pub description: String,
    pub alert_body: String,
    #[schema(value_type = String)]
    pub alert_type: AlertType,
    /// A mail address, or the id of a webhook or of a PagerDuty service.
    pub mechanism: String,
    #[schema(value_type = String)]
    pub mechanism_type: Channel,
    /// Empty for the mail address of a pool.
    pub policy_id: String,
    #[schema(value_type = String)]
    pub sent: Timestamp,
    pub trimtab: HistoryExtension,
}

/// Not part of the hosted API.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AlertHistoryExtension)]
pub struct HistoryExtension {
    /// `delivered`, `silenced`, `given_up` or `dropped`.
    #[schema(value_type = String)]
    pub result: DeliveryResult,
    pub attempts: u32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Shared by the start and the end of an incident.
    pub alert_correlation_id: String,
}

// === impl History ===

impl From<&HistoryEntry> for History {
    fn from(entry: &HistoryEntry) -> History {
        let entry = entry.clone();
        History {
            id: entry.id,
            name: entry.name,
            description: entry.description,
            alert_body: entry.body,
            alert_type: entry.alert_type,
            mechanism: entry.destination,
            mechanism_type: entry.channel,
            policy_id: entry.policy.as_ref().map(AlertPolicyId::to_string).unwrap_or_default(),
            sent: entry.sent,
            trimtab: HistoryExtension {
                result: entry.result,
                attempts: entry.attempts,
                error: entry.error,
                alert_correlation_id: entry.correlation,
            },
        }
    }
}
