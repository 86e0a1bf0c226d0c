//! The `trimtab` object of a monitor: what our own kinds ask and expect, and a finer pace.

use serde::Serialize;
use trimtab_model::monitor::extension::{
    self as model, ANSWER_CHARS_MAX, QueryType, ResponseCode, SERVICE_CHARS_MAX, TIMEOUT_MILLIS,
};
use trimtab_model::monitor::{FAST_INTERVAL_SECONDS, FORGIVE_AFTER, Monitor, MonitorType, Pace};
use utoipa::ToSchema;

use crate::body::{Node, Object, flag, hostname, line, whole, word};

/// What the hosted API has no field for; only what was written is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrimtabMonitor {
    /// Milliseconds of one try, in place of `timeout` and not above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 10, maximum = 10_000)]
    pub timeout_ms: Option<u32>,
    /// Seconds between probes of an endpoint whose state is about to change; `interval` is a multiple of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1800)]
    pub fast_interval: Option<u32>,
    /// Passes in a row after which the failures of an endpoint that is up are forgotten; the first pass where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 2, maximum = 100)]
    pub forgive_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<SmtpTalk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsQuestion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<GrpcHealth>,
}

/// How an `smtp` monitor talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SmtpTalk {
    pub starttls: bool,
}

/// What a `dns` monitor asks and must be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DnsQuestion {
    pub name: String,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub rtype: QueryType,
    #[schema(value_type = String)]
    pub rcode: ResponseCode,
    /// The data of one record, as `dig` shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Whose health a `grpc` monitor asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GrpcHealth {
    pub service: String,
    pub tls: bool,
}

/// What the object says: what is probed, and at which pace.
#[derive(Default)]
pub(super) struct Own {
    pub(super) extension: model::Extension,
    pub(super) fast_interval: Option<u32>,
    pub(super) forgive_after: Option<u32>,
}

// === impl TrimtabMonitor ===

impl TrimtabMonitor {
    /// None where nothing of ours was asked for.
    pub(super) fn of(monitor: &Monitor) -> Option<TrimtabMonitor> {
        let Pace { fast_interval, forgive_after, .. } = monitor.pace;
        let extension = monitor.probe.extension.as_deref();
        if extension.is_none() && fast_interval.is_none() && forgive_after.is_none() {
            return None;
        }
        let model::Extension { timeout_ms, smtp, dns, grpc } =
            extension.cloned().unwrap_or_default();
        Some(TrimtabMonitor {
            timeout_ms,
            fast_interval,
            forgive_after,
            smtp: smtp.map(|smtp| SmtpTalk { starttls: smtp.starttls }),
            dns: dns.map(|dns| DnsQuestion {
                name: dns.name.to_string(),
                rtype: dns.rtype,
                rcode: dns.rcode,
                answer: dns.answer,
            }),
            grpc: grpc.map(|grpc| GrpcHealth { service: grpc.service, tls: grpc.tls }),
        })
    }
}

// === reading ===

pub(super) fn read(body: &mut Object<'_>, kind: MonitorType, pace: Option<&Pace>) -> Option<Own> {
    if kind == MonitorType::Dns && !body.has("trimtab") {
        body.refuse("trimtab", "trimtab.dns is required for dns monitors");
    }
    body.or("trimtab", Own::default(), |node| fields(node, kind, pace))
}

fn fields(node: &mut Node<'_>, kind: MonitorType, pace: Option<&Pace>) -> Option<Own> {
    let mut own = node.object()?;
    own.refuse_all_but(&["dns", "fast_interval", "forgive_after", "grpc", "smtp", "timeout_ms"]);
    let parts =
        [("smtp", MonitorType::Smtp), ("dns", MonitorType::Dns), ("grpc", MonitorType::Grpc)];
    for (part, owner) in parts {
        if kind != owner && own.has(part) {
            own.refuse(part, format_args!("{part} is for {owner} monitors"));
        }
    }
    if kind == MonitorType::Dns && !own.has("dns") {
        own.refuse("dns", "dns is required for dns monitors");
    }
    let timeout_ms = timeout_ms(&mut own, pace);
    let fast_interval = fast_interval(&mut own, pace);
    let forgive_after = own.optional("forgive_after", whole(FORGIVE_AFTER));
    let (smtp, dns) = (own.optional("smtp", smtp), own.optional("dns", dns));
    let grpc = own.optional("grpc", grpc);
    Some(Own {
        extension: model::Extension {
            timeout_ms: timeout_ms?,
            smtp: smtp?,
            dns: dns?,
            grpc: grpc?,
        },
        fast_interval: fast_interval?,
        forgive_after: forgive_after?,
    })
}

fn timeout_ms(own: &mut Object<'_>, pace: Option<&Pace>) -> Option<Option<u32>> {
    let asked = own.optional("timeout_ms", whole(TIMEOUT_MILLIS));
    let limit = pace.map(|pace| pace.timeout.saturating_mul(1000));
    if let (Some(Some(asked)), Some(limit)) = (asked, limit)
        && asked > limit
    {
        own.refuse("timeout_ms", format_args!("timeout_ms is longer than timeout, {limit} ms"));
    }
    asked
}

/// Beats of the interval stay beats of the faster pace, so that anyone can foretell both.
fn fast_interval(own: &mut Object<'_>, pace: Option<&Pace>) -> Option<Option<u32>> {
    let asked = own.optional("fast_interval", whole(FAST_INTERVAL_SECONDS));
    if let (Some(Some(asked)), Some(Pace { interval, .. })) = (asked, pace)
        && (asked >= *interval || !interval.is_multiple_of(asked))
    {
        let message = "fast_interval must be shorter than interval and divide it";
        own.refuse("fast_interval", format_args!("{message}, {interval} s"));
    }
    asked
}

fn smtp(node: &mut Node<'_>) -> Option<model::Smtp> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["starttls"]);
    Some(model::Smtp { starttls: fields.or("starttls", false, flag)? })
}

fn dns(node: &mut Node<'_>) -> Option<model::Dns> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["answer", "name", "rcode", "type"]);
    let name = fields.required("name", hostname);
    let rtype = fields.or("type", QueryType::A, word);
    let rcode = fields.or("rcode", ResponseCode::NoError, word);
    let answer = fields.optional("answer", line(ANSWER_CHARS_MAX));
    if matches!((&answer, rcode), (Some(Some(_)), Some(code)) if code != ResponseCode::NoError) {
        fields.refuse("answer", "answer needs the rcode NOERROR");
    }
    let answer = answer?.filter(|answer| !answer.is_empty());
    Some(model::Dns { name: name?, rtype: rtype?, rcode: rcode?, answer })
}

fn grpc(node: &mut Node<'_>) -> Option<model::Grpc> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["service", "tls"]);
    let service = fields.or("service", String::new(), line(SERVICE_CHARS_MAX));
    let tls = fields.or("tls", false, flag);
    Some(model::Grpc { service: service?, tls: tls? })
}
