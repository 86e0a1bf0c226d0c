//! Alerting on the wire: policies, destinations, silences, history.

pub mod available;
pub mod history;
pub mod pagerduty;
pub mod policy;
pub mod silence;
pub mod tested;
pub mod webhook;

#[cfg(test)]
mod tests;

use serde::Serialize;
use utoipa::ToSchema;

pub use available::{AvailableAlert, Eligible};
pub use history::History;
pub use pagerduty::PagerDuty;
pub use policy::AlertPolicy;
pub use silence::Silence;
pub use tested::Tested;
pub use webhook::Webhook;

/// What most writes of alerting answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AlertWritten)]
pub struct Written {
    pub id: String,
}
