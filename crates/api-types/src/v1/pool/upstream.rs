//! How the proxy reaches the endpoints of a pool: `upstream` of its `trimtab` object.

use serde::Serialize;
use trimtab_model::pool::upstream::{
    self as model, AGE_SECONDS, CONNECT_TIMEOUT_MILLIS, CONNECTIONS_MAX, IDLE_TIMEOUT_SECONDS,
    PEM_CHARS_MAX, PENDING_MAX, RESPONSE_TIMEOUT_SECONDS, SLOW_START_SECONDS_MAX, UpstreamTls,
};
use trimtab_model::{Pool, SecretPem};
use utoipa::ToSchema;

use crate::body::{Node, flag, hostname, text, whole, word};

/// How the proxy reaches endpoints. `client_key` can be written beside these and is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Upstream {
    /// `auto`, `off` or `on`.
    #[schema(value_type = String)]
    pub tls: UpstreamTls,
    pub http2: bool,
    pub verify: bool,
    /// For SNI and verification; the request's `Host` without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// PEM; instead of the system's roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// PEM, leaf first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// Milliseconds.
    #[schema(minimum = 1, maximum = 60_000, default = 2_000)]
    pub connect_timeout: u32,
    /// Seconds.
    #[schema(minimum = 1, maximum = 6_000, default = 100)]
    pub response_timeout: u32,
    /// Seconds.
    #[schema(minimum = 1, maximum = 900, default = 900)]
    pub idle_timeout: u32,
    /// Seconds; each connection has up to a tenth more or less.
    #[schema(minimum = 1, maximum = 86_400, default = 900)]
    pub max_age: u32,
    /// For each endpoint; 0 is no limit.
    #[schema(minimum = 0, maximum = 100_000, default = 0)]
    pub max_connections: u32,
    /// For each endpoint.
    #[schema(minimum = 0, maximum = 100_000, default = 100)]
    pub max_pending: u32,
    /// Seconds; 0 is at once.
    #[schema(minimum = 0, maximum = 3_600, default = 0)]
    pub slow_start: u32,
    pub ejection: bool,
}

const FIELDS: &[&str] = &[
    "ca",
    "client_certificate",
    "client_key",
    "connect_timeout",
    "ejection",
    "http2",
    "idle_timeout",
    "max_age",
    "max_connections",
    "max_pending",
    "response_timeout",
    "server_name",
    "slow_start",
    "tls",
    "verify",
];

// === impl Upstream ===

impl From<&model::Upstream> for Upstream {
    fn from(upstream: &model::Upstream) -> Upstream {
        Upstream {
            tls: upstream.tls,
            http2: upstream.http2,
            verify: upstream.verify,
            server_name: upstream.server_name.clone(),
            ca: upstream.ca.clone(),
            client_certificate: upstream.client_certificate.clone(),
            connect_timeout: upstream.connect_timeout,
            response_timeout: upstream.response_timeout,
            idle_timeout: upstream.idle_timeout,
            max_age: upstream.max_age,
            max_connections: upstream.max_connections,
            max_pending: upstream.max_pending,
            slow_start: upstream.slow_start,
            ejection: upstream.ejection,
        }
    }
}

/// As long as the client's certificate is the same, a body without its key means the key that is there.
pub(super) fn keep_key(pool: &mut Pool, before: Option<&Pool>) {
    let known = before.and_then(|pool| pool.upstream.as_deref());
    if let Some((upstream, known)) = pool.upstream.as_deref_mut().zip(known)
        && upstream.client_key.is_none()
        && upstream.client_certificate == known.client_certificate
    {
        upstream.client_key = known.client_key.clone();
    }
}

// === reading ===

/// Whether PEM is what it should be is for those to say who load it.
pub(super) fn read(node: &mut Node<'_>) -> Option<model::Upstream> {
    let mut fields = node.object()?;
    fields.refuse_all_but(FIELDS);
    let usual = model::Upstream::default();
    let tls = fields.or("tls", usual.tls, word);
    let http2 = fields.or("http2", usual.http2, flag);
    let verify = fields.or("verify", usual.verify, flag);
    let server_name = fields.or("server_name", None, server_name);
    let ca = fields.or("ca", None, pem);
    let client_certificate = fields.or("client_certificate", None, pem);
    let client_key = fields.or("client_key", None, pem);
    if let (Some(None), Some(Some(_))) = (&client_certificate, &client_key) {
        fields.refuse("client_key", "client_key needs a client_certificate");
    }
    let connect_timeout =
        fields.or("connect_timeout", usual.connect_timeout, whole(CONNECT_TIMEOUT_MILLIS));
    let response_timeout =
        fields.or("response_timeout", usual.response_timeout, whole(RESPONSE_TIMEOUT_SECONDS));
    let idle_timeout = fields.or("idle_timeout", usual.idle_timeout, whole(IDLE_TIMEOUT_SECONDS));
    let max_age = fields.or("max_age", usual.max_age, whole(AGE_SECONDS));
    let max_connections =
        fields.or("max_connections", usual.max_connections, whole(0..=CONNECTIONS_MAX));
    let max_pending = fields.or("max_pending", usual.max_pending, whole(0..=PENDING_MAX));
    let slow_start = fields.or("slow_start", usual.slow_start, whole(0..=SLOW_START_SECONDS_MAX));
    let ejection = fields.or("ejection", usual.ejection, flag);
    Some(model::Upstream {
        tls: tls?,
        http2: http2?,
        verify: verify?,
        server_name: server_name?,
        ca: ca?,
        client_certificate: client_certificate?,
        client_key: client_key?.map(SecretPem::new),
        connect_timeout: connect_timeout?,
        response_timeout: response_timeout?,
        idle_timeout: idle_timeout?,
        max_age: max_age?,
        max_connections: max_connections?,
        max_pending: max_pending?,
        slow_start: slow_start?,
        ejection: ejection?,
    })
}

/// `""` is none, as elsewhere.
fn server_name(node: &mut Node<'_>) -> Option<Option<String>> {
    if node.text()?.is_empty() {
        return Some(None);
    }
    let name = hostname(node)?;
    if name.is_wildcard() {
        node.refuse_named("is a wildcard, and nothing can be asked for by one");
        return None;
    }
    Some(Some(name.to_string()))
}

/// `""` is none. The refusals say nothing of the text: it may be a key.
fn pem(node: &mut Node<'_>) -> Option<Option<String>> {
    text(PEM_CHARS_MAX)(node).map(|pem| Some(pem).filter(|pem| !pem.is_empty()))
}

#[cfg(test)]
mod tests;
