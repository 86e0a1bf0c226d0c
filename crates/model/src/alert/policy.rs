//! Whom to tell of what.

use serde::{Deserialize, Serialize};

use crate::{AlertPolicyId, PagerDutyId, PoolId, Timestamp, WebhookId, words};

/// All of an account are looked at for every change of health.
pub const POLICIES_MAX: usize = 500;
pub const NAME_CHARS_MAX: usize = 255;
pub const DESCRIPTION_CHARS_MAX: usize = 1024;
/// One change is one message to each of them.
pub const DESTINATIONS_MAX: usize = 20;
/// RFC 5321 section 4.5.3.1.3, without the angle brackets.
pub const EMAIL_CHARS_MAX: usize = 254;
/// Pools or health checks that one filter names.
pub const FILTER_VALUES_MAX: usize = 1000;
/// `30m` and the like.
pub const INTERVAL_CHARS_MAX: usize = 16;
/// Of standalone health checks, 32 digits.
pub const CHECK_ID_CHARS_MAX: usize = 36;

words! {
    /// What a policy is about.
    AlertType {
        LoadBalancingHealth = "load_balancing_health_alert",
        PoolEnablement = "load_balancing_pool_enablement_alert",
        HealthCheckStatus = "health_check_status_notification",
    }
}

words! { NewHealth { Healthy = "Healthy", Unhealthy = "Unhealthy" } }

words! { EventSource { Pool = "pool", Origin = "origin" } }

words! { Enablement { Enabled = "true", Disabled = "false" } }

/// Tells some destinations of one type of change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertPolicy {
    pub id: AlertPolicyId,
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub alert_type: AlertType,
    /// Kept as it was sent: no type of alert that there is here repeats itself.
    pub alert_interval: Option<String>,
    pub mechanisms: Mechanisms,
    pub filters: Filters,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// Where a policy's messages go; at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mechanisms {
    pub email: Vec<String>,
    pub webhooks: Vec<WebhookId>,
    pub pagerduty: Vec<PagerDutyId>,
}

/// Which changes are told. What is empty does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    pub pool_id: Vec<PoolId>,
    pub new_health: Vec<NewHealth>,
    pub event_source: Vec<EventSource>,
    pub enabled: Vec<Enablement>,
    pub health_check_id: Vec<String>,
    pub status: Vec<NewHealth>,
}

// === impl AlertType ===

impl AlertType {
    /// The filters that mean something to it.
    pub const fn filters(self) -> &'static [&'static str] {
        match self {
            AlertType::LoadBalancingHealth => &["pool_id", "new_health", "event_source"],
            AlertType::PoolEnablement => &["pool_id", "enabled"],
            AlertType::HealthCheckStatus => &["health_check_id", "status"],
        }
    }
}

// === impl Mechanisms ===

impl Mechanisms {
    pub fn is_empty(&self) -> bool {
        self.email.is_empty() && self.webhooks.is_empty() && self.pagerduty.is_empty()
    }
}
