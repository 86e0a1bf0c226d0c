//! Monitor groups: several monitors that judge the endpoints of a pool together.

use serde::{Deserialize, Serialize};

use crate::{MonitorGroupId, MonitorId, Timestamp};

/// Each member probes every endpoint; more would be a load test.
pub const MEMBERS_MAX: usize = 20;
pub const DESCRIPTION_CHARS_MAX: usize = 1024;

/// Monitors with a say each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorGroup {
    pub id: MonitorGroupId,
    pub description: String,
    pub members: Vec<Member>,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// One monitor of a group; each monitor is there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub monitor: MonitorId,
    /// One that is not neither probes nor votes.
    pub enabled: bool,
    /// Probes, and does not vote.
    pub monitoring_only: bool,
    /// Its failure alone makes an endpoint unhealthy.
    pub must_be_healthy: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a member that probes has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Its failure alone decides.
    Critical,
    /// One vote among others.
    Voter,
    /// Probes for the record.
    Witness,
}

// === impl MonitorGroup ===

impl MonitorGroup {
    pub fn has(&self, monitor: MonitorId) -> bool {
        self.members.iter().any(|member| member.monitor == monitor)
    }
}

// === impl Member ===

impl Member {
    /// None for a member that does not probe. Who only watches has no veto either.
    pub fn role(&self) -> Option<Role> {
        match (self.enabled, self.monitoring_only, self.must_be_healthy) {
            (false, _, _) => None,
            (true, true, _) => Some(Role::Witness),
            (true, false, true) => Some(Role::Critical),
            (true, false, false) => Some(Role::Voter),
        }
    }
}
