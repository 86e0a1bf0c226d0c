//! When a policy tells nothing new.

use serde::{Deserialize, Serialize};

use crate::{AlertPolicyId, SilenceId, Timestamp};

/// Over ones are kept for whoever looks back, until somebody deletes them.
pub const SILENCES_MAX: usize = 500;

/// From start until end, the end not included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: SilenceId,
    pub policy: AlertPolicyId,
    pub start: Timestamp,
    pub end: Timestamp,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

// === impl Silence ===

impl Silence {
    pub fn holds_back(&self, policy: AlertPolicyId, now: Timestamp) -> bool {
        self.policy == policy && self.start <= now && now < self.end
    }
}
