//! Monitors on the wire.

mod extension;
mod notices;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::monitor::{
    BODY_BYTES_READ_MAX, CONSECUTIVE_MAX, DESCRIPTION_CHARS_MAX, EXPECTED_CODES_CHARS_MAX,
    ExpectedCodes, HEADER_NAME_CHARS_MAX, HEADER_VALUE_CHARS_MAX, HEADER_VALUES_MAX, HEADERS_MAX,
    INTERVAL_SECONDS_HOSTED_MIN, INTERVAL_SECONDS_MAX, MonitorType, PATH_CHARS_MAX, Pace, Probe,
    RETRIES_MAX, TIMEOUT_SECONDS,
};
use trimtab_model::{self as model, MonitorId, Name, Problems, Timestamp};
use utoipa::ToSchema;

use super::Limits;
use crate::body::{self, Node, Object, flag, hostname, line, shown, text, whole, word};
use crate::draft::{self, Draft, Resource, Stamp};

use extension::Own;

pub use extension::{DnsQuestion, GrpcHealth, SmtpTalk, TrimtabMonitor};
pub use notices::notices;

/// A recipe for probes. Every field is always there, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Monitor {
    #[schema(value_type = String)]
    pub id: MonitorId,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: MonitorType,
    pub description: String,
    pub method: String,
    pub path: String,
    pub port: u16,
    pub header: BTreeMap<String, Vec<String>>,
    pub timeout: u32,
    pub retries: u32,
    pub interval: u32,
    pub consecutive_up: u32,
    pub consecutive_down: u32,
    pub expected_codes: String,
    pub expected_body: String,
    pub follow_redirects: bool,
    pub allow_insecure: bool,
    pub probe_zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<TrimtabMonitor>,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
}

/// The other fields have a word of their own for "not set".
const RESET_BY_NULL: &[&str] = &["port", "trimtab"];
const CONNECTION_ESTABLISHED: &str = "connection_established";

/// Reads the body of a POST or PUT; also of a preview, which is a monitor that is not kept.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value, limits: &Limits) -> Result<Draft<model::Monitor>, Problems> {
    body::read(body, |body| monitor(body, limits)).map(Draft::new)
}

/// Reads a monitor inside another body.
pub(super) fn inline(node: &mut Node<'_>, limits: &Limits) -> Option<model::Monitor> {
    monitor(&mut node.object()?, limits)
}

/// Reads the body of a PATCH.
///
/// # Errors
/// Every problem of what the monitor would become.
pub fn patch(
    current: &model::Monitor,
    body: &Value,
    limits: &Limits,
) -> Result<Draft<model::Monitor>, Problems> {
    let fields = draft::merged(&Monitor::from(current), body, RESET_BY_NULL)?;
    read(&Value::Object(fields), limits)
}

// === impl Monitor ===

impl From<&model::Monitor> for Monitor {
    fn from(monitor: &model::Monitor) -> Monitor {
        let model::Monitor { id, probe, pace, description, created_on, modified_on } = monitor;
        Monitor {
            id: *id,
            kind: probe.kind,
            description: description.clone(),
            method: probe.method.clone(),
            path: probe.path.clone(),
            port: probe.port,
            header: probe.header.clone(),
            timeout: pace.timeout,
            retries: pace.retries,
            interval: pace.interval,
            consecutive_up: pace.consecutive_up,
            consecutive_down: pace.consecutive_down,
            expected_codes: probe.expected_codes.as_str().into(),
            expected_body: probe.expected_body.clone(),
            follow_redirects: probe.follow_redirects,
            allow_insecure: probe.allow_insecure,
            probe_zone: probe.probe_zone.as_ref().map(Name::to_string).unwrap_or_default(),
            trimtab: TrimtabMonitor::of(monitor),
            created_on: *created_on,
            modified_on: *modified_on,
        }
    }
}

// === impl model::Monitor ===

impl Resource for model::Monitor {
    type Id = MonitorId;

    fn stamp(&self) -> Stamp<MonitorId> {
        Stamp { id: self.id, created_on: self.created_on, modified_on: self.modified_on }
    }

    fn stamped(self, stamp: Stamp<MonitorId>) -> model::Monitor {
        let Stamp { id, created_on, modified_on } = stamp;
        model::Monitor { id, created_on, modified_on, ..self }
    }
}

fn monitor(body: &mut Object<'_>, limits: &Limits) -> Option<model::Monitor> {
    let kind = body.or("type", MonitorType::Http, word);
    let description = body.or("description", String::new(), text(DESCRIPTION_CHARS_MAX));
    let pace = pace(body, limits);
    // Without a type nothing can be said of the fields that depend on it.
    let probe = probe(body, kind?);
    let own = extension::read(body, kind?, pace.as_ref());
    let Own { extension, fast_interval, forgive_after } = own?;
    let extension = Some(extension).filter(|own| !own.is_empty()).map(Box::new);
    Some(model::Monitor {
        id: MonitorId::new([0; 16]),
        probe: Probe { extension, ..probe? },
        pace: Pace { fast_interval, forgive_after, ..pace? },
        description: description?,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

fn pace(body: &mut Object<'_>, limits: &Limits) -> Option<Pace> {
    let usual = Pace::default();
    let intervals = limits.monitor_interval_min..=INTERVAL_SECONDS_MAX;
    let timeout = body.or("timeout", usual.timeout, whole(TIMEOUT_SECONDS));
    let retries = body.or("retries", usual.retries, whole(0..=RETRIES_MAX));
    let interval = body.or("interval", usual.interval, whole(intervals));
    let up = body.or("consecutive_up", usual.consecutive_up, whole(0..=CONSECUTIVE_MAX));
    let down = body.or("consecutive_down", usual.consecutive_down, whole(0..=CONSECUTIVE_MAX));
    let pace = Pace {
        timeout: timeout?,
        retries: retries?,
        interval: interval?,
        consecutive_up: up?,
        consecutive_down: down?,
        ..Pace::default()
    };
    if !leaves_room(&pace) {
        body.refuse("interval", "interval must be greater than (retries + 1) * timeout");
        return None;
    }
    Some(pace)
}

/// The hosted API wants every retry to fit before the next probe. An interval below its floor exists only
/// where an operator lowered the floor, for demonstrations and tests, and is taken as it is.
fn leaves_room(pace: &Pace) -> bool {
    pace.interval < INTERVAL_SECONDS_HOSTED_MIN || pace.interval > (pace.retries + 1) * pace.timeout
}

fn probe(body: &mut Object<'_>, kind: MonitorType) -> Option<Probe> {
    let method = body.or("method", String::new(), |node| method(node, kind));
    let path = body.or("path", String::new(), path);
    let port = body.or("port", 0, whole(0..=u16::MAX));
    let header = body.or("header", BTreeMap::new(), headers);
    let codes = body.or("expected_codes", ExpectedCodes::none(), expected_codes);
    let expected_body = body.or("expected_body", String::new(), text(BODY_BYTES_READ_MAX));
    let follow_redirects = body.or("follow_redirects", false, flag);
    let allow_insecure = body.or("allow_insecure", false, flag);
    let probe_zone = body.or("probe_zone", None, zone);
    if is_http(kind) && codes.as_ref().is_some_and(ExpectedCodes::is_none) {
        body.refuse(
            "expected_codes",
            format_args!("expected_codes is required for {kind} monitors"),
        );
    }
    if needs_port(kind) && port == Some(0) {
        body.refuse("port", format_args!("port is required for {kind} monitors"));
    }
    Some(Probe {
        kind,
        method: method.map(|word| or_usual(word, usual_method(kind)))?,
        path: path.map(|path| or_usual(path, if is_http(kind) { "/" } else { "" }))?,
        port: port?,
        header: header?,
        expected_codes: codes?,
        expected_body: expected_body?,
        follow_redirects: follow_redirects?,
        allow_insecure: allow_insecure?,
        probe_zone: probe_zone?,
        extension: None,
    })
}

const fn is_http(kind: MonitorType) -> bool {
    match kind {
        MonitorType::Http | MonitorType::Https => true,
        MonitorType::Tcp
        | MonitorType::UdpIcmp
        | MonitorType::IcmpPing
        | MonitorType::Smtp
        | MonitorType::Ldap
        | MonitorType::Dns
        | MonitorType::Grpc => false,
    }
}

/// As the hosted API has it for its kinds; of ours, gRPC is the one without a usual port.
const fn needs_port(kind: MonitorType) -> bool {
    match kind {
        MonitorType::Tcp | MonitorType::UdpIcmp | MonitorType::Smtp | MonitorType::Grpc => true,
        MonitorType::Http
        | MonitorType::Https
        | MonitorType::IcmpPing
        | MonitorType::Ldap
        | MonitorType::Dns => false,
    }
}

const fn usual_method(kind: MonitorType) -> &'static str {
    match kind {
        MonitorType::Http | MonitorType::Https => "GET",
        MonitorType::Tcp => CONNECTION_ESTABLISHED,
        MonitorType::UdpIcmp
        | MonitorType::IcmpPing
        | MonitorType::Smtp
        | MonitorType::Ldap
        | MonitorType::Dns
        | MonitorType::Grpc => "",
    }
}

/// Go clients send `""` for what is not set.
fn or_usual(given: String, usual: &str) -> String {
    if given.is_empty() { usual.into() } else { given }
}

/// Terraform sends its own default, `GET`, for every type; where the method means nothing it is kept as sent.
fn method(node: &mut Node<'_>, kind: MonitorType) -> Option<String> {
    let method = node.text()?;
    match method {
        "" | "GET" | "HEAD" => Some(method.into()),
        CONNECTION_ESTABLISHED if !is_http(kind) => Some(method.into()),
        _ => {
            node.refuse_named(format_args!("{:?} is not one of GET, HEAD", shown(method)));
            None
        }
    }
}

/// What may stand in a request line: RFC 9112 section 3.2.1, no spaces, nothing outside ASCII.
pub(super) fn path(node: &mut Node<'_>) -> Option<String> {
    let path = text(PATH_CHARS_MAX)(node)?;
    let sound = path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic());
    if !path.is_empty() && !sound {
        node.refuse_named(format_args!("{:?} is not a request path such as /health", shown(&path)));
        return None;
    }
    Some(path)
}

pub(super) fn headers(node: &mut Node<'_>) -> Option<BTreeMap<String, Vec<String>>> {
    let headers = node.map(HEADERS_MAX, |values| {
        values.list("header value", 1..=HEADER_VALUES_MAX, line(HEADER_VALUE_CHARS_MAX))
    })?;
    Some(headers.into_iter().map(|(HeaderName(name), values)| (name, values)).collect())
}

fn expected_codes(node: &mut Node<'_>) -> Option<ExpectedCodes> {
    let codes = text(EXPECTED_CODES_CHARS_MAX)(node)?;
    match ExpectedCodes::try_from(codes.clone()) {
        Ok(codes) => Some(codes),
        Err(_) => {
            let codes = shown(&codes);
            node.refuse_named(format_args!("{codes:?} is not a list such as 200, 2xx or 200-299"));
            None
        }
    }
}

/// `""` is no zone.
fn zone(node: &mut Node<'_>) -> Option<Option<Name>> {
    if node.text()?.is_empty() { Some(None) } else { hostname(node).map(Some) }
}

/// A header that a monitor may send, in the letters it was written in.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct HeaderName(String);

// === impl HeaderName ===

impl FromStr for HeaderName {
    type Err = String;

    /// RFC 9110 section 5.6.2: a token. The probe's User-Agent names the pool, so it stays.
    fn from_str(text: &str) -> Result<HeaderName, String> {
        let token =
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !token || !(1..=HEADER_NAME_CHARS_MAX).contains(&text.len()) {
            return Err(format!("{text:?} is not a header name"));
        }
        if text.eq_ignore_ascii_case("user-agent") {
            return Err(format!("{text:?} cannot be replaced"));
        }
        Ok(HeaderName(text.into()))
    }
}

#[cfg(test)]
mod tests;
