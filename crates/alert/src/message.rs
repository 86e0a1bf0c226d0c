//! One message as it waits to be sent: all facts, no words yet.

use serde::{Deserialize, Serialize};
use trimtab_model::alert::{AlertPolicy, AlertType};
use trimtab_model::{Account, AccountId, AlertPolicyId, PoolId, Timestamp, words};

use crate::seen::Subject;

/// Things that one message describes; more are counted. Beyond a screen nobody reads on at night.
pub const DETAILS_MAX: usize = 20;

words! {
    /// Whether what a message is about goes on.
    Phase {
        Start = "ALERT_STATE_EVENT_START",
        End = "ALERT_STATE_EVENT_END",
    }
}

words! {
    /// What became of one thing.
    Turn {
        Unhealthy = "Unhealthy",
        Healthy = "Healthy",
        /// Nobody watches it any more.
        Unwatched = "Unwatched",
    }
}

/// What one listener is told at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The same from start to end of an incident.
    pub correlation: String,
    pub phase: Phase,
    pub alert_type: AlertType,
    pub at: Timestamp,
    pub account: AccountId,
    pub account_name: String,
    /// None: a pool's own mail address.
    pub policy: Option<AlertPolicyId>,
    pub policy_name: String,
    pub policy_description: String,
    pub news: Vec<News>,
    /// News for which there was no room.
    pub more: usize,
    /// Of the same incident, still unhealthy.
    pub still: usize,
    /// Somebody asked for it to see it arrive.
    pub test: bool,
}

/// One thing that turned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    pub subject: Subject,
    pub turn: Turn,
    pub facts: Facts,
}

/// What is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Of the pool or the check.
    pub name: String,
    pub origin: String,
    pub address: String,
    /// Why, in the words of probes or of what a pool requires; empty when all is well.
    pub reason: String,
    pub response_code: u16,
    /// Those who see it fail, such as `FRA, IAD`.
    pub seen_by: String,
    pub origins_up: usize,
    pub origins: usize,
    pub minimum_origins: u32,
    /// Since when it was unhealthy; None for what became so just now.
    pub since: Option<Timestamp>,
    /// What becomes of the traffic, a sentence for each load balancer.
    pub traffic: Vec<Traffic>,
    /// Of a standalone check.
    pub check: Option<CheckFacts>,
}

/// A load balancer that uses the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub balancer: String,
    /// Other pools of it that are usable.
    pub elsewhere: Vec<String>,
    /// Answers when no pool is usable.
    pub fallback: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFacts {
    pub zone_id: String,
    pub zone_name: String,
    pub failing_regions: Vec<String>,
}

// === impl Message ===

impl Message {
    /// Says that nothing happened.
    pub fn test(account: &Account, policy: Option<&AlertPolicy>, at: Timestamp) -> Message {
        let name = policy.map_or("Test", |policy| policy.name.as_str());
        let news = News {
            subject: Subject::Pool(PoolId::new([0; 16])),
            turn: Turn::Healthy,
            facts: Facts { name: "test".into(), ..Facts::default() },
        };
        Message {
            correlation: crate::fresh_id(),
            phase: Phase::Start,
            alert_type: policy.map_or(AlertType::default(), |policy| policy.alert_type),
            at,
            account: account.id,
            account_name: account.name.clone(),
            policy: policy.map(|policy| policy.id),
            policy_name: name.to_owned(),
            policy_description: String::new(),
            news: vec![news],
            more: 0,
            still: 0,
            test: true,
        }
    }
}

// === impl News ===

impl News {
    pub fn is_origin(&self) -> bool {
        matches!(self.subject, Subject::Origin(..))
    }
}
