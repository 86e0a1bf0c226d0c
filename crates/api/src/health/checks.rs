//! The state of standalone health checks.

use std::sync::Arc;

use trimtab_api_types::v1::health_check::Found;
use trimtab_health::FailureReason;
use trimtab_model::HealthCheckId;

/// What is known of a check; None for one that nobody probes yet. Filled in by whoever runs the live model.
pub type ChecksPort = Arc<dyn Fn(HealthCheckId) -> Option<CheckState> + Send + Sync>;

/// What probes of a check have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckState {
    /// None before the first verdict.
    pub healthy: Option<bool>,
    /// Of the last probe.
    pub reason: FailureReason,
}

pub(crate) fn of_check(port: &ChecksPort, id: HealthCheckId) -> Found {
    match port(id) {
        Some(CheckState { healthy, reason }) => {
            Found { healthy, failure_reason: reason.word().into() }
        }
        None => Found::default(),
    }
}
