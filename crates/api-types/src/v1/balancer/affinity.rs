//! Session affinity of a balancer and, partly given, of its rules.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Serialize;
use trimtab_model::balancer::{
    self as model, AFFINITY_HEADER_CHARS_MAX, AFFINITY_HEADERS_MAX, COOKIE_TTL, COOKIE_TTL_DEFAULT,
    DRAIN_SECONDS_MAX, HEADER_TTL, HEADER_TTL_DEFAULT, SameSite, Secure, SessionAffinity,
    ZeroDowntimeFailover,
};
use utoipa::ToSchema;

use crate::body::{Node, Object, flag, shown, whole, word};

/// How sessions are kept. The header fields are there once header affinity lists a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionAffinityAttributes {
    pub drain_duration: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_all_headers: Option<bool>,
    #[schema(value_type = String)]
    pub samesite: SameSite,
    #[schema(value_type = String)]
    pub secure: Secure,
    #[schema(value_type = String)]
    pub zero_downtime_failover: ZeroDowntimeFailover,
}

/// `SessionAffinityAttributes` of a rule: as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartialAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_all_headers: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub samesite: Option<SameSite>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub secure: Option<Secure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub zero_downtime_failover: Option<ZeroDowntimeFailover>,
}

const ATTRIBUTES: &str = "session_affinity_attributes";

/// Affinity without a proxied balancer is taken and has no effect ([`super::notices`] says so): refusing
/// it would make switching `proxied` off and on again a change of two fields.
pub(super) fn read(body: &mut Object<'_>) -> Option<model::Affinity> {
    let kind = body.or("session_affinity", SessionAffinity::None, affinity_word);
    let ttl = body.optional("session_affinity_ttl", whole(affinity_ttls(kind)));
    let attributes = body.or(ATTRIBUTES, Default::default(), |node| attributes(node, kind));
    if kind == Some(SessionAffinity::Header) && !body.has(ATTRIBUTES) {
        body.refuse(ATTRIBUTES, NO_HEADERS);
    }
    let kind = kind?;
    Some(model::Affinity { kind, ttl: ttl?.or(usual_ttl(kind)), attributes: attributes? })
}

const NO_HEADERS: &str = "header affinity needs at least one header name";

pub(super) const fn usual_ttl(kind: SessionAffinity) -> Option<u32> {
    match kind {
        SessionAffinity::None => None,
        SessionAffinity::Cookie | SessionAffinity::IpCookie => Some(COOKIE_TTL_DEFAULT),
        SessionAffinity::Header => Some(HEADER_TTL_DEFAULT),
    }
}

/// Seconds; everything that some kind allows while the kind is not known.
pub(in crate::v1) fn affinity_ttls(kind: Option<SessionAffinity>) -> RangeInclusive<u32> {
    match kind {
        Some(SessionAffinity::Cookie | SessionAffinity::IpCookie) => COOKIE_TTL,
        Some(SessionAffinity::Header) => HEADER_TTL,
        Some(SessionAffinity::None) | None => *HEADER_TTL.start()..=*COOKIE_TTL.end(),
    }
}

/// `""` is none.
pub(in crate::v1) fn affinity_word(node: &mut Node<'_>) -> Option<SessionAffinity> {
    if node.text()?.is_empty() { Some(SessionAffinity::None) } else { word(node) }
}

/// The attributes that a rule may override: all but `drain_duration`.
pub(in crate::v1) fn partial_attributes(node: &mut Node<'_>) -> Option<model::PartialAttributes> {
    let mut fields = node.object()?;
    if fields.has("drain_duration") {
        fields.refuse("drain_duration", "drain_duration cannot be overridden");
    }
    partial(&mut fields)
}

// === rendering ===

impl From<&model::AffinityAttributes> for SessionAffinityAttributes {
    fn from(attributes: &model::AffinityAttributes) -> SessionAffinityAttributes {
        let by_header = !attributes.headers.is_empty() || attributes.require_all_headers;
        SessionAffinityAttributes {
            drain_duration: attributes.drain_duration,
            headers: (!attributes.headers.is_empty()).then(|| attributes.headers.clone()),
            require_all_headers: by_header.then_some(attributes.require_all_headers),
            samesite: attributes.samesite,
            secure: attributes.secure,
            zero_downtime_failover: attributes.zero_downtime_failover,
        }
    }
}

impl From<&model::PartialAttributes> for PartialAttributes {
    fn from(attributes: &model::PartialAttributes) -> PartialAttributes {
        let model::PartialAttributes {
            headers,
            require_all_headers,
            samesite,
            secure,
            zero_downtime_failover,
        } = attributes.clone();
        PartialAttributes { headers, require_all_headers, samesite, secure, zero_downtime_failover }
    }
}

// === reading ===

fn attributes(
    node: &mut Node<'_>,
    kind: Option<SessionAffinity>,
) -> Option<model::AffinityAttributes> {
    let mut fields = node.object()?;
    let drain = fields.or("drain_duration", 0, whole(0..=DRAIN_SECONDS_MAX));
    let given = partial(&mut fields)?;
    let by_header = kind == Some(SessionAffinity::Header);
    let headers = given.headers.unwrap_or_default();
    if by_header && headers.is_empty() {
        fields.refuse("headers", NO_HEADERS);
    }
    if by_header && given.zero_downtime_failover == Some(ZeroDowntimeFailover::Sticky) {
        fields.refuse("zero_downtime_failover", "sticky failover is not for header affinity");
    }
    Some(model::AffinityAttributes {
        drain_duration: drain?,
        headers,
        require_all_headers: given.require_all_headers.unwrap_or_default(),
        samesite: given.samesite.unwrap_or_default(),
        secure: given.secure.unwrap_or_default(),
        zero_downtime_failover: given.zero_downtime_failover.unwrap_or_default(),
    })
}

fn partial(fields: &mut Object<'_>) -> Option<model::PartialAttributes> {
    let headers = fields.optional("headers", headers);
    let require_all_headers = fields.optional("require_all_headers", flag);
    let samesite = fields.optional("samesite", word);
    let secure = fields.optional("secure", word);
    let failover = fields.optional("zero_downtime_failover", word);
    if samesite == Some(Some(SameSite::None)) && secure == Some(Some(Secure::Never)) {
        fields.refuse("secure", "secure \"Never\" is not possible with samesite \"None\"");
    }
    Some(model::PartialAttributes {
        headers: headers?,
        require_all_headers: require_all_headers?,
        samesite: samesite?,
        secure: secure?,
        zero_downtime_failover: failover?,
    })
}

fn headers(node: &mut Node<'_>) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    node.list("header", 0..=AFFINITY_HEADERS_MAX, |item| {
        let name = item.text()?;
        if !is_affinity_header(name) {
            item.refuse(format_args!("invalid header name: {}", shown(name)));
            return None;
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            item.refuse(format_args!("duplicate header name: {name}"));
            return None;
        }
        Some(name.to_owned())
    })
}

/// A header name, or `cookie:<name>,<name>` for some cookies alone.
fn is_affinity_header(text: &str) -> bool {
    let mut names = text.strip_prefix("cookie:").unwrap_or(text).split(',');
    let one = text.starts_with("cookie:") || !text.contains(',');
    one && text.len() <= AFFINITY_HEADER_CHARS_MAX && names.all(is_affinity_name)
}

fn is_affinity_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
