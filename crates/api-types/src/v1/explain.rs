//! Why a name gets its answer: the question, the decision step by step with its evidence, and what would change it.
//! Not part of the hosted API.

mod http;
mod question;

use serde::Serialize;
use trimtab_model::Timestamp;
use utoipa::ToSchema;

use crate::number::Number;

pub use http::{Fixed, Http, Tried, Upstream};
pub use question::{Question, Request, Scheme, SessionAt, read, trace_or_ray};

/// A decision, and everything that it rested on.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Explanation {
    /// 16 hexadecimal digits: the dice of the decision. Answers carry it for operators who ask.
    pub trace_id: String,
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Of the configuration in the store.
    pub revision: u64,
    pub name: String,
    /// `A`, `AAAA`, `MX`, `SRV`, or `HTTP` for a request.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub client: Asker,
    pub load_balancer: AskedBalancer,
    /// The request and where it goes; absent for DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// In the order of the answer; decisions by chance draw anew with each question.
    pub addresses: Vec<String>,
    /// The same with their evidence.
    pub answers: Vec<Answered>,
    /// Seconds; 0 for a request, which has none.
    pub ttl: u32,
    /// Seconds, before the TTL was bounded.
    pub configured_ttl: u32,
    /// From then until a verdict that this rests on could change; absent without a monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soonest_flip_ms: Option<u64>,
    /// Bits of the client subnet that the answer holds for.
    pub scope: u8,
    /// Empty when there is no address to give.
    pub pool: String,
    pub policy: String,
    /// `steered`, `session`, `failover`, `fixed_response`, `fallback`, `no_health`, or `proxied` for a question of DNS
    /// that this node's own addresses answer.
    pub reason: &'static str,
    /// Where the client was taken to be; absent when the policy did not ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Located>,
    /// Pool sets and rules in the order they were looked at.
    pub rules: Vec<Ruled>,
    /// Pools in the order they were looked at.
    pub candidates: Vec<Candidate>,
    /// What would be chosen without the chosen pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUp>,
    /// The changes that would make the answer another one, the smallest first.
    pub flips: Vec<Flip>,
    /// The same question a thousand times with other dice.
    pub tries: Vec<Tries>,
    pub steps: Vec<Step>,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationClient)]
pub struct Asker {
    /// The address that the query or request came from.
    pub resolver: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs: Option<String>,
}

/// Which load balancer answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationLoadBalancer)]
pub struct AskedBalancer {
    pub id: String,
    pub name: String,
    pub proxied: bool,
}

/// One record of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ExplanationAnswer)]
pub struct Answered {
    pub data: String,
    pub pool: String,
    pub endpoint: Endpoint,
}

/// Where the client was taken to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationLocation)]
pub struct Located {
    /// `ecs`, `resolver_ip`, `client_ip` or `pop`.
    pub source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subdivision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Bits of the address for which the same place holds.
    pub prefix: u8,
}

/// A pool set or rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationRule)]
pub struct Ruled {
    pub name: String,
    pub holds: bool,
}

/// A pool that was looked at. Figures are there where the policy asks for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = ExplanationCandidate)]
pub struct Candidate {
    pub pool: String,
    pub id: String,
    /// `chosen`, `in`, `shed` or `out`.
    pub state: &'static str,
    /// Why it is out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub weight: Option<Number>,
    /// Those of the question; a weight counts as w / (n + 1) with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_requests: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub distance_km: Option<Number>,
    /// With its bias.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub counts_as_km: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub rtt_ms: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub shed_percent: Option<Number>,
    /// Of all candidates together at most a hundred.
    pub endpoints: Vec<Endpoint>,
}

/// What is known of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ExplanationEndpoint)]
pub struct Endpoint {
    pub name: String,
    pub address: String,
    pub enabled: bool,
    #[schema(value_type = f64)]
    pub weight: Number,
    /// `up`, `down`, `unknown` or `unmonitored`.
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub rtt_ms: Option<Number>,
    pub observers: Vec<Observer>,
    /// What a person or a feed says, over what probes say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
}

/// Somebody's word on an endpoint, which outranks probes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ExplanationRuling)]
pub struct Ruling {
    /// `up`, `down` or `drained`; absent where only a weight is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// The share of its own weight that is left to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub weight: Option<Number>,
    /// `override` or `feed`.
    pub by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_id: Option<String>,
    pub author: String,
    pub reason: String,
    pub since_seconds: u64,
    /// None: until it is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

/// How one place sees an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ExplanationObserver)]
pub struct Observer {
    pub pop: String,
    /// `up`, `down` or `unknown`.
    pub state: &'static str,
    pub since_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub rtt_ms: Option<Number>,
    /// Of its last probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// The pool that comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationRunnerUp)]
pub struct RunnerUp {
    pub pool: String,
    /// As `reason` of the explanation.
    pub reason: &'static str,
    pub description: String,
}

/// A change that would make the answer another one.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ExplanationFlip)]
pub struct Flip {
    /// `draw`, `endpoint_down`, `endpoint_up`, `nearer` or `faster`.
    pub change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Probes in a row that must agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<u32>,
    /// Not sooner than in so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest_ms: Option<u64>,
    pub description: String,
}

/// How often a pool is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ExplanationTries)]
pub struct Tries {
    /// Empty for no pool.
    pub pool: String,
    #[schema(value_type = f64)]
    pub percent: Number,
}

/// One step of the decision, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationStep)]
pub struct Step {
    /// `question`, `rule`, `persistence`, `session`, `failover`, `policy`, `location`, `geo_list`, `candidate_out`, `weight`,
    /// `distance`, `latency`, `load_shedding`, `draw`, `pool`, `fallback`, `endpoints`, `answer`, `ttl`, `upstream` or
    /// `fixed_response`.
    pub step_name: &'static str,
    pub description: String,
}

/// A decision that was kept, without its explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeptDecision {
    pub trace_id: String,
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// `dns` or `http`.
    pub kind: &'static str,
    pub load_balancer_id: String,
    pub name: String,
}
