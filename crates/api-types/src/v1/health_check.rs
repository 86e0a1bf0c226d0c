//! Standalone health checks on the wire.

mod reading;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::health_check::{
    self as model, CheckMethod, CheckProbe, CheckStatus, CheckType, HttpCheck,
};
use trimtab_model::monitor::ExpectedCodes;
use trimtab_model::pool::{Address, CheckRegions};
use trimtab_model::{HealthCheckId, Problems, Region, Timestamp, ZoneId};
use utoipa::ToSchema;

use super::Limits;
use crate::body;
use crate::draft::{self, Draft, Resource, Stamp};

/// An address that is probed without belonging to a pool.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HealthCheck {
    #[schema(value_type = String)]
    pub id: HealthCheckId,
    pub name: String,
    pub description: String,
    #[schema(value_type = String)]
    pub address: Address,
    /// `HTTP`, `HTTPS` or `TCP`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: CheckType,
    /// Southern Asia is `IN` here.
    pub check_regions: Option<Vec<String>>,
    /// Seconds.
    pub interval: u32,
    pub retries: u32,
    /// Seconds.
    pub timeout: u32,
    pub consecutive_fails: u32,
    pub consecutive_successes: u32,
    pub suspended: bool,
    /// Null for TCP.
    pub http_config: Option<HealthCheckHttp>,
    /// Null for HTTP and HTTPS.
    pub tcp_config: Option<HealthCheckTcp>,
    /// `unknown`, `healthy`, `unhealthy` or `suspended`.
    #[schema(value_type = String)]
    pub status: CheckStatus,
    /// Empty before the first probe and while suspended.
    pub failure_reason: String,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
}

/// The request of a check, and what it expects.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HealthCheckHttp {
    #[schema(value_type = String)]
    pub method: CheckMethod,
    pub port: u16,
    pub path: String,
    pub expected_codes: Vec<String>,
    pub expected_body: String,
    pub follow_redirects: bool,
    pub allow_insecure: bool,
    pub header: Option<BTreeMap<String, Vec<String>>>,
}

/// The connection of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HealthCheckTcp {
    /// `connection_established`, the only one.
    pub method: &'static str,
    pub port: u16,
}

/// What has been found out, by whoever knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// None before the first probe.
    pub healthy: Option<bool>,
    pub failure_reason: String,
}

const RESET_BY_NULL: &[&str] = &["check_regions", "http_config", "tcp_config"];
/// The code of Southern Asia here, and in no other part of the API.
const SOUTHERN_ASIA: &str = "IN";

/// Reads the body of a POST, of a PUT, and of a preview, which is a check that is not kept.
///
/// # Errors
/// Every problem of the body.
pub fn read(
    body: &Value,
    zone: ZoneId,
    limits: &Limits,
) -> Result<Draft<model::HealthCheck>, Problems> {
    body::read(body, |body| reading::check(body, zone, limits)).map(Draft::new)
}

/// Reads the body of a PATCH. A check that changes its type leaves the configuration of the other one behind.
///
/// # Errors
/// Every problem of what the check would become.
pub fn patch(
    current: &model::HealthCheck,
    body: &Value,
    limits: &Limits,
) -> Result<Draft<model::HealthCheck>, Problems> {
    let shown = HealthCheck::new(current, Found::default());
    let mut fields = draft::merged(&shown, body, RESET_BY_NULL)?;
    let is_tcp = fields.get("type").and_then(Value::as_str) == Some(CheckType::Tcp.word());
    let left = if is_tcp { "http_config" } else { "tcp_config" };
    if body.get(left).is_none() {
        fields.remove(left);
    }
    let says_port = body.pointer("/http_config/port").is_some();
    // A port that is only the usual one of HTTP or HTTPS is not a choice for the other.
    if reading::has_usual_port(&current.probe)
        && !says_port
        && let Some(Value::Object(http)) = fields.get_mut("http_config")
    {
        http.remove("port");
    }
    read(&Value::Object(fields), current.zone, limits)
}

// === impl HealthCheck ===

impl HealthCheck {
    pub fn new(check: &model::HealthCheck, found: Found) -> HealthCheck {
        let (http_config, tcp_config) = match &check.probe {
            CheckProbe::Http(http) | CheckProbe::Https(http) => {
                (Some(HealthCheckHttp::from(http)), None)
            }
            CheckProbe::Tcp { port } => (None, Some(HealthCheckTcp::new(*port))),
        };
        let (status, failure_reason) = match check.suspended {
            true => (CheckStatus::Suspended, String::new()),
            false => told(found),
        };
        HealthCheck {
            id: check.id,
            name: check.name.clone(),
            description: check.description.clone(),
            address: check.address.clone(),
            kind: check.kind(),
            check_regions: region_words(&check.check_regions),
            interval: check.pace.interval,
            retries: check.pace.retries,
            timeout: check.pace.timeout,
            consecutive_fails: check.pace.consecutive_fails,
            consecutive_successes: check.pace.consecutive_successes,
            suspended: check.suspended,
            http_config,
            tcp_config,
            status,
            failure_reason,
            created_on: check.created_on,
            modified_on: check.modified_on,
        }
    }

    /// What a trial has found, which is made even of a check that is to be suspended.
    pub fn tried(check: &model::HealthCheck, found: Found) -> HealthCheck {
        let (status, failure_reason) = told(found);
        HealthCheck { status, failure_reason, ..HealthCheck::new(check, Found::default()) }
    }
}

fn told(found: Found) -> (CheckStatus, String) {
    match found.healthy {
        None => (CheckStatus::Unknown, String::new()),
        Some(true) => (CheckStatus::Healthy, found.failure_reason),
        Some(false) => (CheckStatus::Unhealthy, found.failure_reason),
    }
}

fn region_words(regions: &CheckRegions) -> Option<Vec<String>> {
    let word = |region: &Region| match region {
        Region::Sas => SOUTHERN_ASIA.to_owned(),
        other => other.to_string(),
    };
    match regions {
        CheckRegions::Default => None,
        CheckRegions::All => Some(vec![CheckRegions::ALL_WORD.into()]),
        CheckRegions::Named(regions) => Some(regions.iter().map(word).collect()),
    }
}

// === impl HealthCheckHttp ===

impl From<&HttpCheck> for HealthCheckHttp {
    fn from(http: &HttpCheck) -> HealthCheckHttp {
        let codes = http.expected_codes.iter().map(ExpectedCodes::as_str);
        HealthCheckHttp {
            method: http.method,
            port: http.port,
            path: http.path.clone(),
            expected_codes: codes.map(str::to_owned).collect(),
            expected_body: http.expected_body.clone(),
            follow_redirects: http.follow_redirects,
            allow_insecure: http.allow_insecure,
            header: http.header.clone(),
        }
    }
}

// === impl HealthCheckTcp ===

impl HealthCheckTcp {
    fn new(port: u16) -> HealthCheckTcp {
        HealthCheckTcp { method: reading::CONNECTION_ESTABLISHED, port }
    }
}

// === impl model::HealthCheck ===

impl Resource for model::HealthCheck {
    type Id = HealthCheckId;

    fn stamp(&self) -> Stamp<HealthCheckId> {
        Stamp { id: self.id, created_on: self.created_on, modified_on: self.modified_on }
    }

    fn stamped(self, stamp: Stamp<HealthCheckId>) -> model::HealthCheck {
        let Stamp { id, created_on, modified_on } = stamp;
        model::HealthCheck { id, created_on, modified_on, ..self }
    }
}

#[cfg(test)]
mod tests;
