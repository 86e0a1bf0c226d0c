//! What happened to pools and endpoints.

use serde::Serialize;
use trimtab_model::{MonitorId, PoolId, Timestamp};
use utoipa::ToSchema;

use super::matrix::Evidence;
use crate::number::Number;

/// One change of health.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Event {
    pub id: u64,
    #[schema(value_type = String)]
    pub timestamp: Timestamp,
    pub pool: EventPool,
    pub origins: Vec<EventOrigin>,
}

/// The pool right after the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventPool {
    #[schema(value_type = String)]
    pub id: PoolId,
    pub name: String,
    pub healthy: bool,
    pub changed: bool,
    pub minimum_origins: u32,
}

/// An endpoint right after the change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventOrigin {
    pub name: String,
    /// Empty for a host name that has not been resolved.
    pub ip: String,
    pub address: String,
    pub enabled: bool,
    pub healthy: bool,
    pub changed: bool,
    pub failure_reason: String,
    pub response_code: u16,
    /// The members of a monitor group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<EventMonitor>,
    /// What the hosted API does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<EventExtension>,
}

/// What each place saw, for endpoints that changed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventExtension {
    pub places: Vec<EventPlace>,
}

/// What one place saw at the moment of the change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventPlace {
    pub pop: String,
    /// Through which monitor.
    pub monitor: String,
    pub healthy: bool,
    pub failure_reason: String,
    pub response_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub rtt_ms: Option<Number>,
    /// Of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What one monitor of a group saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventMonitor {
    #[schema(value_type = String)]
    pub id: MonitorId,
    pub healthy: bool,
    pub failure_reason: String,
    pub response_code: u16,
    pub must_be_healthy: bool,
    pub monitoring_only: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_shows_the_pool_and_its_endpoints_after_the_change() {
        let event = Event {
            id: 7,
            timestamp: Timestamp::from_micros(1_767_225_600_000_000),
            pool: EventPool {
                id: PoolId::new([1; 16]),
                name: "primary".into(),
                healthy: false,
                changed: true,
                minimum_origins: 1,
            },
            origins: vec![EventOrigin {
                name: "a".into(),
                ip: "192.0.2.1".into(),
                address: "192.0.2.1".into(),
                enabled: true,
                healthy: false,
                changed: true,
                failure_reason: "TCP connection failed".into(),
                response_code: 0,
                monitors: Vec::new(),
                trimtab: None,
            }],
        };
        let want = json!({
            "id": 7,
            "timestamp": "2026-01-01T00:00:00.000000Z",
            "pool": {
                "id": "01010101010101010101010101010101",
                "name": "primary",
                "healthy": false,
                "changed": true,
                "minimum_origins": 1,
            },
            "origins": [{
                "name": "a",
                "ip": "192.0.2.1",
                "address": "192.0.2.1",
                "enabled": true,
                "healthy": false,
                "changed": true,
                "failure_reason": "TCP connection failed",
                "response_code": 0,
            }],
        });
        assert_eq!(serde_json::to_value(event).unwrap(), want);
    }
}
