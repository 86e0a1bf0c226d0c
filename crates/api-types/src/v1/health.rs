//! Health of a pool's endpoints, place by place.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use trimtab_model::pool::Address;
use trimtab_model::{PoolId, Timestamp};
use utoipa::ToSchema;

use super::matrix::Evidence;

/// The answer of `pools/{id}/health`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PoolHealth {
    #[schema(value_type = String)]
    pub pool_id: PoolId,
    pub pop_health: PopHealth,
    /// Absent while there is nothing to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<PoolHealthExtension>,
}

/// What places do not see, because requests or a person had the say.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PoolHealthExtension {
    /// Those that are ejected or drain.
    pub origins: Vec<OriginAway>,
}

/// An endpoint that gets no new requests for a while.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OriginAway {
    pub name: String,
    pub address: String,
    /// 0: the protocol's own port.
    pub port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejected: Option<Ejected>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
}

/// Failed requests took it out; a probe that passes brings it back before.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Ejected {
    pub failure_reason: String,
    #[schema(value_type = String)]
    pub until: Timestamp,
    pub seconds_left: u64,
}

/// It is disabled and keeps its sessions, by the longest drain of the load balancers that use the pool.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Drain {
    #[schema(value_type = String)]
    pub until: Timestamp,
    pub seconds_left: u64,
    /// Requests under way on the node that answers.
    pub requests_open: u32,
}

/// Per place, such as `Amsterdam, NL`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PopHealth {
    Probed(BTreeMap<String, PlaceHealth>),
    /// The pool has no monitor.
    Unmonitored(Unmonitored),
}

/// Always `{"healthy": false, "origins": null}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unmonitored {
    pub healthy: bool,
    #[schema(value_type = Option<Object>)]
    pub origins: (),
}

/// How one place sees the pool. Each endpoint is an object of its own, with its address as the one key.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlaceHealth {
    pub healthy: bool,
    pub origins: Vec<BTreeMap<String, OriginHealth>>,
}

/// How one place sees one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OriginHealth {
    pub failure_reason: String,
    pub healthy: bool,
    /// 0 where the probe has no status.
    pub response_code: u16,
    #[schema(value_type = String)]
    pub rtt: Rtt,
    /// What the hosted API does not tell; only of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<OriginExtension>,
}

/// What a failure can be found out by.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OriginExtension {
    pub evidence: Evidence,
}

/// A round trip, written as `12.1ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rtt(pub Duration);

// === impl PopHealth ===

impl PopHealth {
    pub fn unmonitored() -> PopHealth {
        PopHealth::Unmonitored(Unmonitored::default())
    }
}

// === impl PlaceHealth ===

impl PlaceHealth {
    pub fn new(
        healthy: bool,
        origins: impl Iterator<Item = (String, OriginHealth)>,
    ) -> PlaceHealth {
        let origins = origins.map(|(address, health)| BTreeMap::from([(address, health)]));
        PlaceHealth { healthy, origins: origins.collect() }
    }
}

// === impl Rtt ===

impl Serialize for Rtt {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:.1}ms", self.0.as_secs_f64() * 1000.0))
    }
}

/// The key of an endpoint in a preview: host names end in a dot there.
pub fn preview_key(address: &Address) -> String {
    match address {
        Address::Ip(ip) => ip.to_string(),
        Address::Host(name) => format!("{name}."),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn origin() -> OriginHealth {
        OriginHealth {
            failure_reason: "No failures".into(),
            healthy: true,
            response_code: 401,
            rtt: Rtt(Duration::from_micros(12_100)),
            trimtab: None,
        }
    }

    #[test]
    fn each_endpoint_is_an_object_with_its_address_as_the_one_key() {
        let place = PlaceHealth::new(true, [("2001:db8::5".to_owned(), origin())].into_iter());
        let health = PoolHealth {
            pool_id: PoolId::new([1; 16]),
            pop_health: PopHealth::Probed(BTreeMap::from([("Amsterdam, NL".to_owned(), place)])),
            trimtab: None,
        };
        let endpoint = json!({
            "failure_reason": "No failures", "healthy": true, "response_code": 401, "rtt": "12.1ms",
        });
        let want = json!({
            "pool_id": "01010101010101010101010101010101",
            "pop_health": {
                "Amsterdam, NL": {"healthy": true, "origins": [{"2001:db8::5": endpoint}]},
            },
        });
        assert_eq!(serde_json::to_value(health).unwrap(), want);
    }

    #[test]
    fn a_pool_without_monitor_has_no_places() {
        let health = serde_json::to_value(PopHealth::unmonitored()).unwrap();
        assert_eq!(health, json!({"healthy": false, "origins": null}));
    }

    #[test]
    fn host_names_end_in_a_dot_in_a_preview() {
        for (address, key) in [("origin.example.com", "origin.example.com."), ("::1", "::1")] {
            assert_eq!(preview_key(&Address::read(address).unwrap()), key);
        }
    }

    #[test]
    fn round_trips_are_milliseconds_with_one_digit() {
        for (micros, text) in [(0, "0.0ms"), (12_149, "12.1ms"), (1_500_000, "1500.0ms")] {
            let rtt = serde_json::to_value(Rtt(Duration::from_micros(micros))).unwrap();
            assert_eq!(rtt, text);
        }
    }
}
