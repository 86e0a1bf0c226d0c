//! What an explanation says of a proxied request alone.

use serde::Serialize;
use utoipa::ToSchema;

/// A proxied request, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationHttp)]
pub struct Http {
    pub method: String,
    /// Without the query, which may hold secrets; rules have read it nevertheless.
    pub path: String,
    /// What the client speaks: `http` or `https`.
    pub scheme: &'static str,
    /// What becomes of the session: `none`, `new`, `hit`, `drained`, `rebound` or `elsewhere`.
    pub session: &'static str,
    /// Where it was sent before, in vain.
    pub failed: Vec<Tried>,
    /// Where it goes; absent when a rule answers, and when there is no endpoint to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
    /// What a rule answers instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response: Option<Fixed>,
}

/// An endpoint that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationTried)]
pub struct Tried {
    pub pool: String,
    pub endpoint: String,
}

/// The connection to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationUpstream)]
pub struct Upstream {
    pub pool: String,
    pub endpoint: String,
    /// With its port.
    pub address: String,
    pub tls: bool,
    /// The `Host` header that it is sent.
    pub host: String,
}

/// An answer that needs no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationFixedResponse)]
pub struct Fixed {
    pub status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_body: Option<String>,
}
