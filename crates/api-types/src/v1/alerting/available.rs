//! Which alerts there are, and over what they can be sent.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use trimtab_model::alert::{AlertType, Channel};
use utoipa::ToSchema;

/// A type of alert.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AvailableAlert {
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: AlertType,
    pub display_name: &'static str,
    pub description: &'static str,
    #[schema(value_type = Vec<Object>)]
    pub filter_options: Vec<Value>,
}

/// A way to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AlertEligible)]
pub struct Eligible {
    pub eligible: bool,
    /// False: a policy may name it, and nothing arrives until the node is set up for it.
    pub ready: bool,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: Channel,
}

/// By product.
pub fn available() -> BTreeMap<&'static str, Vec<AvailableAlert>> {
    let mut all: BTreeMap<_, Vec<AvailableAlert>> = BTreeMap::new();
    for &kind in AlertType::ALL {
        let (product, display_name, description) = match kind {
            AlertType::LoadBalancingHealth => (
                "Load Balancing",
                "Load Balancing Health Alert",
                "A pool or an endpoint became unhealthy or healthy",
            ),
            AlertType::PoolEnablement => {
                ("Load Balancing", "Pool Enablement", "A pool was enabled or disabled")
            }
            AlertType::HealthCheckStatus => (
                "Health Checks",
                "Health Checks status notification",
                "A standalone health check became unhealthy or healthy",
            ),
        };
        let filter_options = kind.filters().iter().map(|key| option(key)).collect();
        let alert = AvailableAlert { kind, display_name, description, filter_options };
        all.entry(product).or_default().push(alert);
    }
    all
}

/// `smtp`: does the node know a mail server?
pub fn eligible(smtp: bool) -> BTreeMap<Channel, Vec<Eligible>> {
    let ready = |kind| match kind {
        Channel::Email => smtp,
        Channel::PagerDuty | Channel::Webhook => true,
    };
    let one = |kind: Channel| (kind, vec![Eligible { eligible: true, ready: ready(kind), kind }]);
    Channel::ALL.iter().copied().map(one).collect()
}

fn option(key: &str) -> Value {
    let values: &[&str] = match key {
        "new_health" | "status" => &["Healthy", "Unhealthy"],
        "event_source" => &["pool", "origin"],
        "enabled" => &["true", "false"],
        _ => &[],
    };
    json!({"Key": key, "ComparisonOperator": "==", "Optional": true, "AvailableValues": values})
}
