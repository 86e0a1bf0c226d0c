//! What was last told: the open incidents. What is in none of them was last told to be well.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trimtab_model::alert::AlertType;
use trimtab_model::{AccountId, AlertPolicyId, PoolId, Timestamp};

use crate::seen::Subject;

/// Things in one incident; a larger outage is several, so that each fits a value of the store.
pub const MEMBERS_MAX: usize = 500;

/// Things that became unhealthy together, until all are well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub id: String,
    pub account: AccountId,
    pub alert_type: AlertType,
    pub began: Timestamp,
    pub members: Vec<Member>,
    /// Who was told that it began.
    pub told: Vec<ListenerId>,
    /// Who would have been told, had a silence not held it back: they are not told of the end either.
    pub silenced: Vec<ListenerId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub subject: Subject,
    /// None while it is unhealthy.
    pub ended: Option<Timestamp>,
}

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListenerId {
    Policy(AlertPolicyId),
    /// The `notification_email` of a pool.
    PoolMail(PoolId),
}

/// All open incidents, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told(pub BTreeMap<String, Incident>);

// === impl Incident ===

impl Incident {
    pub fn is_over(&self) -> bool {
        self.members.iter().all(|member| member.ended.is_some())
    }

    pub fn open(&self) -> impl Iterator<Item = &Subject> {
        self.members.iter().filter(|member| member.ended.is_none()).map(|member| &member.subject)
    }

    pub(crate) fn key(&self) -> String {
        format!("{INCIDENTS}{}/{}", self.account, self.id)
    }
}

/// Where incidents stand in the store.
pub const INCIDENTS: &str = "alerts/incidents/";

// === impl Told ===

impl Told {
    /// What was last told to be unhealthy.
    pub fn bad(&self) -> BTreeSet<&Subject> {
        self.0.values().flat_map(Incident::open).collect()
    }

    pub(crate) fn put(&mut self, incident: Incident) {
        match incident.is_over() {
            true => drop(self.0.remove(&incident.id)),
            false => drop(self.0.insert(incident.id.clone(), incident)),
        }
    }
}
