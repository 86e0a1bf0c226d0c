//! What was last told: the open incidents. What is in none of them was last told to be well.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trimtab_model::alert::AlertType;
use trimtab_model::{AccountId, AlertPolicyId, PoolId, Timestamp};

use crate::message::{CheckFacts, Facts};
use crate::parcel::Destination;
use crate::seen::{Seen, Subject};

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
    /// Earlier versions kept none.
    #[serde(default)]
    pub(crate) owed: Vec<Owed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub subject: Subject,
    /// What it, or the pool that it is of, was called when it began: it may be gone when it ends. Earlier versions
    /// kept none.
    #[serde(default)]
    pub name: String,
    /// Of a standalone check, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckFacts>,
    /// Of an endpoint: what stays when it gets another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<u64>,
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

/// Destinations that hear of the end, although nobody may name them any more by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub(crate) listener: ListenerId,
    /// As messages call it.
    pub(crate) name: String,
    pub(crate) to: Vec<Destination>,
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

    /// Of what is gone, what it was called.
    pub(crate) fn remembered(&self, subject: &Subject, known: Facts) -> Facts {
        if !known.name.is_empty() {
            return known;
        }
        let member = self.members.iter().find(|member| member.subject == *subject);
        let (name, check) =
            member.map_or_else(Default::default, |it| (it.name.clone(), it.check.clone()));
        let name = if name.is_empty() { subject.id() } else { name };
        Facts { name, check, ..known }
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

    /// An endpoint that has another name is the same endpoint: it was told under the one it had.
    pub(crate) fn renamed(&self, seen: &Seen) -> Cow<'_, Told> {
        let now = |member: &Member| {
            let open = member.ended.is_none();
            open.then(|| seen.renamed(&member.subject, member.endpoint)).flatten()
        };
        let mut members = self.0.values().flat_map(|incident| &incident.members);
        if !members.any(|member| now(member).is_some()) {
            return Cow::Borrowed(self);
        }
        let mut told = self.clone();
        for member in told.0.values_mut().flat_map(|incident| &mut incident.members) {
            if let Some(subject) = now(member) {
                member.subject = subject;
            }
        }
        Cow::Owned(told)
    }

    pub(crate) fn put(&mut self, incident: Incident) {
        match incident.is_over() {
            true => drop(self.0.remove(&incident.id)),
            false => drop(self.0.insert(incident.id.clone(), incident)),
        }
    }
}
