//! The `trimtab` object of a monitor: what our own kinds ask and expect.

use serde::Serialize;
use trimtab_model::monitor::extension::{
    self as model, ANSWER_CHARS_MAX, QueryType, ResponseCode, SERVICE_CHARS_MAX, TIMEOUT_MILLIS,
};
use trimtab_model::monitor::{MonitorType, Pace};
use utoipa::ToSchema;

use crate::body::{Node, Object, flag, hostname, line, whole, word};

/// What the hosted API has no field for; only what was written is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrimtabMonitor {
    /// Milliseconds of one try, in place of `timeout` and not above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 10, maximum = 10_000)]
    pub timeout_ms: Option<u32>,
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

// === impl TrimtabMonitor ===

impl From<&model::Extension> for TrimtabMonitor {
    fn from(extension: &model::Extension) -> TrimtabMonitor {
        let model::Extension { timeout_ms, smtp, dns, grpc } = extension;
        TrimtabMonitor {
            timeout_ms: *timeout_ms,
            smtp: smtp.map(|smtp| SmtpTalk { starttls: smtp.starttls }),
            dns: dns.as_ref().map(|dns| DnsQuestion {
                name: dns.name.to_string(),
                rtype: dns.rtype,
                rcode: dns.rcode,
                answer: dns.answer.clone(),
            }),
            grpc: grpc
                .as_ref()
                .map(|grpc| GrpcHealth { service: grpc.service.clone(), tls: grpc.tls }),
        }
    }
}

// === reading ===

/// Inner None: nothing of ours was asked for.
pub(super) fn read(
    body: &mut Object<'_>,
    kind: MonitorType,
    pace: Option<&Pace>,
) -> Option<Option<model::Extension>> {
    if kind == MonitorType::Dns && !body.has("trimtab") {
        body.refuse("trimtab", "trimtab.dns is required for dns monitors");
    }
    let limit = pace.map(|pace| pace.timeout.saturating_mul(1000));
    let own = body.or("trimtab", model::Extension::default(), |node| fields(node, kind, limit));
    Some(Some(own?).filter(|own| !own.is_empty()))
}

fn fields(node: &mut Node<'_>, kind: MonitorType, limit: Option<u32>) -> Option<model::Extension> {
    let mut own = node.object()?;
    own.refuse_all_but(&["dns", "grpc", "smtp", "timeout_ms"]);
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
    let timeout_ms = own.optional("timeout_ms", whole(TIMEOUT_MILLIS));
    if let (Some(Some(asked)), Some(limit)) = (timeout_ms, limit)
        && asked > limit
    {
        own.refuse("timeout_ms", format_args!("timeout_ms is longer than timeout, {limit} ms"));
    }
    let (smtp, dns) = (own.optional("smtp", smtp), own.optional("dns", dns));
    let grpc = own.optional("grpc", grpc);
    Some(model::Extension { timeout_ms: timeout_ms?, smtp: smtp?, dns: dns?, grpc: grpc? })
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
