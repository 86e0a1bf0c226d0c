//! An event: the health of a pool and its origins at the moment some of it changed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::limits::short;

/// Most origins of one event: as many as a pool may have.
pub const ORIGINS_MAX: usize = 1_000;
/// What monitors and places say of all origins of one event; more is cut off. A large fleet has a hundred places.
pub const SAID_MAX: usize = 10_000;

/// An event that has its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Rises with every event written; never used twice.
    pub id: i64,
    /// Microseconds since 1970.
    pub timestamp: i64,
    pub pool: PoolHealth,
    pub origins: Vec<OriginHealth>,
}

/// An event on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Microseconds since 1970.
    pub timestamp: i64,
    pub pool: PoolHealth,
    /// All origins of the pool, those that did not change as well.
    pub origins: Vec<OriginHealth>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolHealth {
    pub id: String,
    pub name: String,
    pub healthy: bool,
    /// This event changed `healthy`.
    pub changed: bool,
    pub minimum_origins: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginHealth {
    pub name: String,
    /// Where it was probed, when its address is a name.
    pub ip: Option<IpAddr>,
    pub address: String,
    pub enabled: bool,
    pub healthy: bool,
    /// This event changed `healthy`.
    pub changed: bool,
    pub failure_reason: Option<String>,
    /// Status of the last HTTP probe that had an answer.
    pub response_code: Option<u16>,
    /// What each monitor and place said; events of earlier versions have none, nor have origins that did not change.
    pub said: Vec<MonitorSaid>,
}

/// What one monitor said of an origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorSaid {
    pub id: String,
    pub healthy: bool,
    pub failure_reason: String,
    pub response_code: u16,
    pub must_be_healthy: bool,
    pub monitoring_only: bool,
    pub places: Vec<PlaceSaid>,
}

/// What it said from one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceSaid {
    pub pop: String,
    pub healthy: bool,
    pub failure_reason: String,
    pub response_code: u16,
    /// Microseconds.
    pub rtt: Option<u64>,
    /// Of a failure; events of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceSaid>,
}

/// What a probe that failed had to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceSaid {
    pub error: String,
    pub tries: u32,
    /// Names and microseconds.
    pub phases: Vec<(String, u64)>,
    /// The first bytes of the answer, escaped.
    pub answer: String,
    pub repeat: String,
}

/// Which events to give. What is absent does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Microseconds since 1970; from this moment on.
    pub since: Option<i64>,
    /// Microseconds since 1970; before this moment.
    pub until: Option<i64>,
    pub pool_id: Option<String>,
    pub pool_name: Option<String>,
    pub pool_healthy: Option<bool>,
    /// Events with an origin of this name; with `origin_healthy`, one origin that is both.
    pub origin_name: Option<String>,
    pub origin_healthy: Option<bool>,
    /// [`QUERY_LIMIT_DEFAULT`](crate::limits::QUERY_LIMIT_DEFAULT) when absent, never more than
    /// [`QUERY_LIMIT_MAX`](crate::limits::QUERY_LIMIT_MAX).
    pub limit: Option<usize>,
}

// === impl NewEvent ===

impl NewEvent {
    fn said(&self) -> usize {
        let said = self.origins.iter().flat_map(|origin| &origin.said);
        said.map(|said| said.places.len().saturating_add(1)).sum()
    }

    /// Whether it is within the limits of the log.
    pub(crate) fn fits(&self) -> bool {
        self.origins.len() <= ORIGINS_MAX
            && short(&self.pool.id)
            && short(&self.pool.name)
            && self.origins.iter().all(|origin| {
                short(&origin.name)
                    && short(&origin.address)
                    && origin.failure_reason.as_deref().is_none_or(short)
            })
            && self.said() <= SAID_MAX
    }
}
