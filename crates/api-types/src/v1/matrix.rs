//! Who sees what: every endpoint from every place through every monitor, and how that became its state.

use std::borrow::Cow;

use serde::Serialize;
use trimtab_model::{BalancerId, MonitorId, PoolId, Timestamp};
use utoipa::ToSchema;

use super::explain::Ruling;
use crate::number::Number;

/// One pool's part of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MatrixPool {
    #[schema(value_type = String)]
    pub id: PoolId,
    pub name: String,
    pub enabled: bool,
    /// `healthy`, `degraded`, `critical` or `unknown`.
    pub status: &'static str,
    /// May it be used? If not, `why_not` says why.
    pub usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<&'static str>,
    /// What an endpoint needs to be up.
    pub rule: String,
    /// Of each endpoint, by all places and monitors together.
    #[schema(value_type = f64)]
    pub checks_per_minute: Number,
    /// The places that probe, by their codes.
    pub places: Vec<String>,
    pub origins: Vec<MatrixOrigin>,
}

/// The status of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BalancerHealth {
    #[schema(value_type = String)]
    pub id: BalancerId,
    pub name: String,
    pub enabled: bool,
    /// `healthy`, `degraded` or `critical`.
    pub status: &'static str,
    pub pools: Vec<BalancerPool>,
}

/// One of its pools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BalancerPool {
    #[schema(value_type = String)]
    pub id: PoolId,
    pub name: String,
    pub usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<&'static str>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MatrixOrigin {
    pub name: String,
    pub address: String,
    pub port: u16,
    pub enabled: bool,
    /// `up`, `down`, `unknown`, `unmonitored` or `ejected`.
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub since: Option<Timestamp>,
    pub failure_reason: &'static str,
    /// How the votes became the state, in words.
    pub because: String,
    /// What a person or a feed says, over what probes say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    pub monitors: Vec<MatrixMonitor>,
}

/// One monitor's say.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MatrixMonitor {
    #[schema(value_type = String)]
    pub id: MonitorId,
    /// `votes`, `must_be_healthy` or `monitoring_only`.
    pub role: &'static str,
    pub state: &'static str,
    pub regions: Vec<MatrixRegion>,
    pub places: Vec<MatrixPlace>,
}

/// One region's votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatrixRegion {
    pub region: String,
    pub up: u32,
    /// Those with an opinion.
    pub of: u32,
}

/// What one place sees.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MatrixPlace {
    pub pop: String,
    pub state: &'static str,
    /// Since when it is of that mind.
    #[schema(value_type = String)]
    pub since: Timestamp,
    /// The last probe.
    #[schema(value_type = String)]
    pub seen: Timestamp,
    pub failure_reason: &'static str,
    pub response_code: u16,
    /// Smoothed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub rtt_ms: Option<Number>,
    /// Of a last probe that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What a probe that failed can be found out by.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ProbeEvidence)]
pub struct Evidence {
    /// What went wrong, with its causes.
    pub error: String,
    pub tries: u32,
    pub phases: Vec<EvidencePhase>,
    /// The first bytes of an unexpected answer, escaped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// A command that does the same by hand.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repeat: String,
}

/// A part of the probe.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EvidencePhase {
    #[schema(value_type = String)]
    pub name: Cow<'static, str>,
    #[schema(value_type = f64)]
    pub ms: Number,
}
