//! Watching a probe: what is asked for, and the lines of the answer.

use serde::Serialize;
use serde_json::Value;
use trimtab_model::pool::ORIGIN_TEXT_CHARS_MAX;
use trimtab_model::{self as model, MonitorId, PoolId, Pop, Problems};
use utoipa::ToSchema;

use super::Limits;
use super::health::Rtt;
use crate::body::{self, Node, id, line, word};

/// What is to be probed, as the body says it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeOrder {
    pub monitor: Recipe,
    pub pool: PoolId,
    /// By name; None: all of the pool.
    pub origin: Option<String>,
    /// None: the node's own place.
    pub pop: Option<Pop>,
}

/// A monitor that is stored, or one that is not.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    Stored(MonitorId),
    Inline(Box<model::Monitor>),
}

/// The fields of an order, for those who read the documentation.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ProbeOrder)]
pub struct Order {
    /// An id, or a monitor as in a preview.
    #[schema(value_type = Object)]
    pub monitor: Value,
    pub pool: String,
    pub origin: Option<String>,
    /// A place that this node probes for.
    pub pop: Option<String>,
}

/// One line of the answer: a step of the probe of one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProbeLine {
    pub origin: String,
    pub address: String,
    #[schema(value_type = String)]
    pub pop: Pop,
    /// Milliseconds since the probe of this endpoint began.
    pub at_ms: f64,
    /// `try`, `resolved`, `connected`, `secured`, `sent`, `answered`, `redirected`, `judged`, and at the
    /// end `verdict`.
    pub step: &'static str,
    pub text: String,
    /// On the last line of an endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ProbeVerdict>,
}

/// What came of the probe of one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProbeVerdict {
    pub healthy: bool,
    pub failure_reason: String,
    pub response_code: u16,
    #[schema(value_type = String)]
    pub rtt: Rtt,
    /// The retries that were needed are counted too.
    pub tries: u32,
    pub phases: ProbePhases,
    /// How an unexpected answer began, escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The command that repeats it by hand; secrets are left out.
    pub repeat: String,
}

/// Milliseconds of each part of the last try; absent where it did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ProbePhases {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolve: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<f64>,
    /// Waiting for an error that should not come; no part of `rtt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<f64>,
}

/// The `step` of a line with a verdict.
pub const VERDICT: &str = "verdict";

/// Reads the body of a POST.
///
/// # Errors
/// Every problem of the body, those of an inline monitor included.
pub fn read(body: &Value, limits: &Limits) -> Result<ProbeOrder, Problems> {
    body::read(body, |fields| {
        fields.refuse_all_but(&["monitor", "origin", "pool", "pop"]);
        let monitor = fields.required("monitor", |node| recipe(node, limits));
        let pool = fields.required("pool", id("pool"));
        let origin = fields.optional("origin", line(ORIGIN_TEXT_CHARS_MAX));
        let pop = fields.optional("pop", word);
        Some(ProbeOrder { monitor: monitor?, pool: pool?, origin: origin?, pop: pop? })
    })
}

fn recipe(node: &mut Node<'_>, limits: &Limits) -> Option<Recipe> {
    if node.value().is_object() {
        let monitor = super::monitor::inline(node, limits)?;
        return Some(Recipe::Inline(Box::new(monitor)));
    }
    id("monitor")(node).map(Recipe::Stored)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::v1::samples::refusals;

    const POOL: &str = "01010101010101010101010101010101";

    #[test]
    fn a_monitor_is_an_id_or_itself() {
        let order = |body: Value| read(&body, &Limits::default()).unwrap();
        let stored = order(json!({"monitor": "02020202020202020202020202020202", "pool": POOL}));
        let pool = PoolId::new([1; 16]);
        let monitor = Recipe::Stored(MonitorId::new([2; 16]));
        assert_eq!(stored, ProbeOrder { monitor, pool, origin: None, pop: None });
        let body = json!({
            "monitor": {"type": "tcp", "port": 22}, "pool": POOL, "origin": "a", "pop": "FRA"
        });
        let Recipe::Inline(inline) = order(body).monitor else { panic!("it is no id") };
        assert_eq!((inline.probe.kind.word(), inline.probe.port), ("tcp", 22));
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let body = json!({"monitor": {"type": "tcp", "timeout": 11}, "pop": "frankfurt", "x": 1});
        let got = refusals(read(&body, &Limits::default()));
        let pointers: Vec<&str> = got.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/x", "/monitor/timeout", "/monitor/port", "/pool", "/pop"]);
        let none = refusals(read(&json!({"pool": POOL}), &Limits::default()));
        assert_eq!(none, [("/monitor".to_owned(), "monitor is required".to_owned())]);
    }

    #[test]
    fn a_line_says_only_what_there_is() {
        let phases = ProbePhases { connect: Some(1.5), ..ProbePhases::default() };
        let line = ProbeLine {
            origin: "a".into(),
            address: "192.0.2.1".into(),
            pop: "FRA".parse().unwrap(),
            at_ms: 2.25,
            step: VERDICT,
            text: "No failures".into(),
            verdict: Some(ProbeVerdict {
                healthy: true,
                failure_reason: "No failures".into(),
                response_code: 0,
                rtt: Rtt(std::time::Duration::from_micros(1500)),
                tries: 1,
                phases,
                answer: None,
                repeat: "nc -vz -w 5 192.0.2.1 22".into(),
            }),
        };
        let want = json!({
            "origin": "a", "address": "192.0.2.1", "pop": "FRA", "at_ms": 2.25, "step": "verdict",
            "text": "No failures",
            "verdict": {
                "healthy": true, "failure_reason": "No failures", "response_code": 0,
                "rtt": "1.5ms", "tries": 1, "phases": {"connect": 1.5},
                "repeat": "nc -vz -w 5 192.0.2.1 22",
            },
        });
        assert_eq!(serde_json::to_value(line).unwrap(), want);
    }
}
