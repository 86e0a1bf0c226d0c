//! What there is now: of each thing that alerts are about, how it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trimtab_model::alert::AlertType;
use trimtab_model::{AccountId, HealthCheckId, PoolId};

/// What an alert can be about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Pool(PoolId),
    /// By its name, which is unique in its pool.
    Origin(PoolId, String),
    /// Whether the configuration lets the pool be used.
    Enablement(PoolId),
    /// A standalone health check.
    Check(HealthCheckId),
}

/// How a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Good,
    Bad,
    /// Nobody knows yet, or it is taken out on purpose: what was told stays.
    NoWord,
    /// Nobody watches it: what was begun is ended.
    Unwatched,
}

/// How everything is. What is not in it is gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) subjects: BTreeMap<Subject, Sighting>,
    /// Pools that exist and of which the snapshot says nothing yet.
    pub(crate) unseen: BTreeSet<PoolId>,
    /// What endpoints are called, by what stays when that changes.
    pub(crate) endpoints: BTreeMap<(PoolId, u64), String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) account: AccountId,
    pub(crate) condition: Condition,
}

// === impl Subject ===

impl Subject {
    pub fn alert_type(&self) -> AlertType {
        match self {
            Subject::Pool(_) | Subject::Origin(..) => AlertType::LoadBalancingHealth,
            Subject::Enablement(_) => AlertType::PoolEnablement,
            Subject::Check(_) => AlertType::HealthCheckStatus,
        }
    }

    /// What a text calls it when nobody knows its name.
    pub(crate) fn id(&self) -> String {
        match self {
            Subject::Pool(id) | Subject::Origin(id, _) | Subject::Enablement(id) => id.to_string(),
            Subject::Check(id) => id.to_string(),
        }
    }

    pub fn pool(&self) -> Option<PoolId> {
        match self {
            Subject::Pool(pool) | Subject::Origin(pool, _) | Subject::Enablement(pool) => {
                Some(*pool)
            }
            Subject::Check(_) => None,
        }
    }
}

// === impl Seen ===

impl Seen {
    pub(crate) fn put(&mut self, subject: Subject, account: AccountId, condition: Condition) {
        self.subjects.insert(subject, Sighting { account, condition });
    }

    /// Of something that is gone nobody says that it is well.
    pub(crate) fn condition(&self, subject: &Subject) -> Condition {
        match (self.subjects.get(subject), subject) {
            (Some(seen), _) => seen.condition,
            (None, Subject::Pool(pool) | Subject::Origin(pool, _))
                if self.unseen.contains(pool) =>
            {
                Condition::NoWord
            }
            (None, _) => Condition::Unwatched,
        }
    }

    /// What stays of an endpoint when it gets another name.
    pub(crate) fn endpoint(&self, subject: &Subject) -> Option<u64> {
        let Subject::Origin(pool, name) = subject else { return None };
        let mut of_pool = self.endpoints.range((*pool, 0)..=(*pool, u64::MAX));
        of_pool.find(|(_, called)| *called == name).map(|((_, endpoint), _)| *endpoint)
    }

    /// None while it has the name that it had.
    pub(crate) fn renamed(&self, subject: &Subject, endpoint: Option<u64>) -> Option<Subject> {
        let Subject::Origin(pool, _) = subject else { return None };
        let called = self.endpoints.get(&(*pool, endpoint?))?;
        let is_there = self.subjects.contains_key(subject);
        (!is_there).then(|| Subject::Origin(*pool, called.clone()))
    }

    pub(crate) fn bad(&self) -> impl Iterator<Item = (&Subject, AccountId)> {
        let bad = self.subjects.iter().filter(|(_, seen)| seen.condition == Condition::Bad);
        bad.map(|(subject, seen)| (subject, seen.account))
    }
}
