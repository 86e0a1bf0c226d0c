//! What a balancer drew beside what its weights ask for. Not part of the hosted API.

use serde::Serialize;
use trimtab_model::{PoolId, Timestamp};
use utoipa::ToSchema;

/// One balancer since anything that it draws from last changed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Split {
    pub name: String,
    /// When configuration, health or weights of the balancer and its pools last changed.
    #[schema(value_type = String)]
    pub since: Timestamp,
    /// Of this node since then, up to about a second ago.
    pub answers: u64,
    /// The worst of all verdicts: `as_configured`, `by_client`, `too_few` or `differs`.
    pub verdict: &'static str,
    pub pools: Vec<PoolSplit>,
}

/// A pool's part of the balancer's answers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PoolSplit {
    pub pool: String,
    #[schema(value_type = String)]
    pub id: PoolId,
    #[serde(flatten)]
    pub part: Part,
    pub endpoints: Vec<EndpointSplit>,
}

/// An endpoint's part of those answers of its pool that told an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndpointSplit {
    pub name: String,
    pub address: String,
    #[serde(flatten)]
    pub part: Part,
}

/// A drawn share and the configured one, in percent with two decimals.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = SplitPart)]
pub struct Part {
    pub answers: u64,
    pub drawn_percent: f64,
    /// Null when no weight says what the share should be.
    pub configured_percent: Option<f64>,
    /// The share that the draws come from lies between these two with 99.9 % confidence.
    pub low_percent: f64,
    pub high_percent: f64,
    pub verdict: &'static str,
    /// Why there is no configured share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_stand_beside_names_and_only_unknown_shares_say_why() {
        let part = Part {
            answers: 3,
            drawn_percent: 100.0,
            configured_percent: None,
            low_percent: 21.7,
            high_percent: 100.0,
            verdict: "by_client",
            why: Some("a hash decides"),
        };
        let endpoint = EndpointSplit { name: "a".into(), address: "192.0.2.1".into(), part };
        let want = json!({
            "name": "a", "address": "192.0.2.1", "answers": 3, "drawn_percent": 100.0,
            "configured_percent": null, "low_percent": 21.7, "high_percent": 100.0,
            "verdict": "by_client", "why": "a hash decides",
        });
        assert_eq!(serde_json::to_value(&endpoint).unwrap(), want);
        let part = Part { configured_percent: Some(100.0), why: None, ..endpoint.part };
        assert_eq!(serde_json::to_value(part).unwrap().get("why"), None);
    }
}
