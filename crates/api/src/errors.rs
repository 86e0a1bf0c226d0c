//! Everything that can go wrong, and the one `match` that gives each its status and numbers.

use std::error::Error as _;
use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use trimtab_analytics::QueryError;
use trimtab_api_types::v1::Failure;
use trimtab_api_types::v1::envelope::{ApiError, VALIDATION};
use trimtab_model::Problems;
use trimtab_model::config::Unreadable;
use trimtab_store::{BadKey, CommitError, Failed, Invalid, ReadError};

use crate::auth::Refusal;
use crate::feed::FeedClosed;
use crate::respond;
use crate::router::PREFIX;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Auth(#[from] Refusal),
    #[error("no route to {path}")]
    NoRoute { path: String },
    /// A part of the path that should be an id is none.
    #[error("{path} holds no identifier where one must be")]
    NotAnId { path: String },
    #[error("{path} does not take this method")]
    Method { path: String },
    #[error("body is longer than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("could not read the body")]
    BodyBroken(#[source] axum::Error),
    #[error("body is not the JSON it should be")]
    BodyMalformed(#[source] serde_json::Error),
    #[error("body is not the form it should be: {0}")]
    FormMalformed(String),
    #[error("refused by the {service:?} service: {problems}")]
    Refused { service: Service, problems: Problems },
    #[error("{kind} {id} does not exist")]
    Missing { kind: Kind, id: String },
    /// Something else than a load balancer answers for the name.
    #[error("no load balancer answers for {name}: {why}")]
    Unsteered { name: String, why: String },
    #[error("{kind} {id} is still used")]
    Referenced { kind: Kind, id: String, by: Vec<Referrer> },
    #[error("no probe of the pool has ended yet")]
    HealthUnavailable,
    #[error("{running} previews are running, no more are allowed")]
    TooManyPreviews { running: usize },
    /// Others wrote the same things again and again.
    #[error("gave up after {attempts} conflicting attempts to write")]
    Contended { attempts: u32 },
    #[error("transaction is too large for the store")]
    TooLarge(#[source] Invalid),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(CommitError),
    #[error("could not read what is stored")]
    Unreadable(#[from] Unreadable),
    #[error("could not encode as JSON")]
    Encode(#[from] serde_json::Error),
    #[error("could not name what is stored")]
    Key(#[from] BadKey),
    #[error("could not read events")]
    Events(#[from] QueryError),
    #[error(transparent)]
    Feed(#[from] FeedClosed),
    #[error("could not get random bytes")]
    Random(#[from] getrandom::Error),
    #[error("{0}")]
    Broken(&'static str),
}

/// Who refuses a body; each has its own way to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    LoadBalancing,
    Dns,
    /// Accounts, zones, tokens, queries: the problem's own number, else [`VALIDATION`].
    Plain,
}

/// Something that needs what is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) id: String,
}

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    AlertPolicy,
    Balancer,
    Certificate,
    Decision,
    HealthCheck,
    Monitor,
    MonitorGroup,
    Origin,
    Override,
    PagerDuty,
    Pool,
    Preview,
    Record,
    Region,
    Setting,
    Silence,
    Token,
    Webhook,
    Zone,
}

/// The numbers of errors. Clients look at the status; people look these up.
pub(crate) mod code {
    pub(crate) const MISSING: u32 = 1001;
    pub(crate) const NOT_UNIQUE: u32 = 1003;
    pub(crate) const REFERENCED: u32 = 1005;
    pub(crate) const HEALTH_UNAVAILABLE: u32 = 1006;
    pub(crate) const ZONE_EXISTS: u32 = 1061;
    /// Of certificates, as the hosted product documents them; 2102 and 2107 are ours.
    pub(crate) const CERTIFICATE_INVALID: u32 = 1002;
    pub(crate) const CERTIFICATES_MAX: u32 = 1212;
    pub(crate) const CERTIFICATE_EXISTS: u32 = 1220;
    pub(crate) const CERTIFICATE_CHAIN: u32 = 2100;
    pub(crate) const CERTIFICATE_ABSENT: u32 = 2101;
    pub(crate) const CERTIFICATE_EXPIRED: u32 = 2102;
    pub(crate) const CERTIFICATE_HOSTS: u32 = 2103;
    pub(crate) const KEY_UNREADABLE: u32 = 2106;
    pub(crate) const KEY_UNSUPPORTED: u32 = 2107;
    pub(crate) const KEY_UNMATCHED: u32 = 2200;
    pub(crate) const MALFORMED_JSON: u32 = 6007;
    pub(crate) const NO_ROUTE: u32 = 7000;
    pub(crate) const COULD_NOT_ROUTE: u32 = 7003;
    pub(crate) const INTERNAL: u32 = 10013;
    pub(crate) const METHOD: u32 = 10405;
    pub(crate) const TOO_LARGE: u32 = 10413;
    pub(crate) const TOO_MANY: u32 = 10429;
    /// As for data that cannot be served: the hosted API has no number for it.
    pub(crate) const SET_TOO_LARGE: u32 = 9009;
    pub(crate) const RECORD_MISSING: u32 = 81044;
    pub(crate) const ADDRESS_OR_CNAME_EXISTS: u32 = 81053;
    pub(crate) const CNAME_EXISTS: u32 = 81054;
    pub(crate) const NS_EXISTS: u32 = 81056;
    pub(crate) const RECORD_EXISTS: u32 = 81057;
    pub(crate) const RECORD_IDENTICAL: u32 = 81058;
}

/// Referrers that a refusal to delete names; a person removes these before reading on.
const REFERRERS_NAMED_MAX: usize = 20;

/// Seconds; a contended or failed write is worth another try right away.
const RETRY_SOON: u64 = 1;

// === impl Error ===

impl Error {
    pub(crate) fn refused(service: Service, problems: Problems) -> Error {
        Error::Refused { service, problems }
    }

    /// One refusal with a number of its own.
    pub(crate) fn coded(pointer: &str, code: u32, message: impl fmt::Display) -> Error {
        let mut problems = Problems::default();
        problems.add_coded(pointer, code, message);
        Error::refused(Service::Plain, problems)
    }

    pub(crate) fn missing(kind: Kind, id: impl ToString) -> Error {
        Error::Missing { kind, id: id.to_string() }
    }

    /// For those who read logs: our own failures with their causes. What a caller did wrong stays
    /// between us and the caller.
    fn log(&self, status: StatusCode) {
        if status.is_server_error() {
            let mut causes = String::new();
            let mut cause = self.source();
            while let Some(why) = cause {
                causes.push_str(&format!(": {why}"));
                cause = why.source();
            }
            tracing::error!("request failed: {self}{causes}");
        } else {
            tracing::debug!("request refused: {self}");
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Error {
        Error::Read(failed.into())
    }
}

impl From<CommitError> for Error {
    fn from(why: CommitError) -> Error {
        match why {
            CommitError::Invalid(invalid) => Error::TooLarge(invalid),
            CommitError::Conflict(_) | CommitError::LeaseGone(_) | CommitError::Failed(_) => {
                Error::Commit(why)
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, failure) = answer(&self);
        self.log(status);
        let mut response = respond::json(status, &failure);
        let retry_after = match &self {
            Error::Auth(refusal) => refusal.retry_after(),
            Error::TooManyPreviews { .. } | Error::Contended { .. } => Some(RETRY_SOON),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_SOON),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The status and what the caller is told.
fn answer(error: &Error) -> (StatusCode, Failure) {
    match error {
        Error::Auth(refusal) => refusal.answer(),
        Error::NoRoute { path } => (StatusCode::NOT_FOUND, could_not_route(path)),
        Error::NotAnId { path } => (StatusCode::BAD_REQUEST, could_not_route(path)),
        Error::Method { .. } => {
            let message = "Method not allowed for this URI";
            (StatusCode::METHOD_NOT_ALLOWED, one(code::METHOD, message))
        }
        Error::BodyTooLarge { limit } => {
            let message = format!("Request body is longer than {limit} bytes");
            (StatusCode::PAYLOAD_TOO_LARGE, one(code::TOO_LARGE, message))
        }
        Error::BodyBroken(_) => {
            (StatusCode::BAD_REQUEST, one(code::MALFORMED_JSON, "Request body ended too early"))
        }
        Error::BodyMalformed(why) => {
            let message = format!("Malformed JSON in request body: {why}");
            (StatusCode::BAD_REQUEST, one(code::MALFORMED_JSON, message))
        }
        Error::FormMalformed(why) => {
            let message = format!("Malformed form in request body: {why}");
            (StatusCode::BAD_REQUEST, one(code::MALFORMED_JSON, message))
        }
        Error::Refused { service, problems } => (StatusCode::BAD_REQUEST, service.say(problems)),
        Error::Missing { kind: Kind::Record, .. } => {
            (StatusCode::NOT_FOUND, one(code::RECORD_MISSING, "Record does not exist."))
        }
        Error::Missing { kind, id } => missing(*kind, id),
        Error::Unsteered { name, why } => missing(Kind::Balancer, &format!("{name}: {why}")),
        Error::Referenced { by, .. } => (StatusCode::PRECONDITION_FAILED, referenced(by)),
        Error::HealthUnavailable => {
            let message = "Health info unavailable";
            (StatusCode::NOT_FOUND, one(code::HEALTH_UNAVAILABLE, message))
        }
        Error::TooManyPreviews { running } => {
            let message = format!("{running} previews are running, try again soon");
            (StatusCode::TOO_MANY_REQUESTS, one(code::TOO_MANY, message))
        }
        Error::TooLarge(why) => {
            (StatusCode::PAYLOAD_TOO_LARGE, one(code::TOO_LARGE, why.to_string()))
        }
        Error::Contended { .. }
        | Error::Read(_)
        | Error::Commit(_)
        | Error::Events(_)
        | Error::Feed(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, one(code::INTERNAL, "service failure"))
        }
        Error::Unreadable(_)
        | Error::Encode(_)
        | Error::Key(_)
        | Error::Random(_)
        | Error::Broken(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, one(code::INTERNAL, "internal error"))
        }
    }
}

/// What the paths of this API begin with.
const ROOTS: [&str; 5] = ["accounts", "ips", "trimtab", "user", "zones"];

fn one(code: u32, message: impl Into<String>) -> Failure {
    Failure::new(vec![ApiError::new(code, message)])
}

fn missing(kind: Kind, what: &str) -> (StatusCode, Failure) {
    (StatusCode::NOT_FOUND, one(code::MISSING, format!("{kind} not found: {what}")))
}

/// Scripts know these two together; where nothing begins with the path, no identifier is to blame.
fn could_not_route(path: &str) -> Failure {
    let no_route = ApiError::new(code::NO_ROUTE, "No route for that URI");
    let below = path.strip_prefix(PREFIX).unwrap_or(path).trim_start_matches('/');
    if !ROOTS.contains(&below.split('/').next().unwrap_or("")) {
        return Failure::new(vec![no_route]);
    }
    let message = format!("Could not route to {path}, perhaps your object identifier is invalid?");
    Failure::new(vec![ApiError::new(code::COULD_NOT_ROUTE, message), no_route])
}

/// The hosted API does not say by whom; we do.
fn referenced(by: &[Referrer]) -> Failure {
    let message = "This object is referenced by other objects, delete them first.";
    let error = ApiError::new(code::REFERENCED, message);
    let named = by.iter().take(REFERRERS_NAMED_MAX).fold(error, |error, referrer| {
        let Referrer { kind, name, id } = referrer;
        error.because(code::REFERENCED, format!("referenced by {kind} {name:?} ({id})"))
    });
    Failure::new(vec![match by.len().checked_sub(REFERRERS_NAMED_MAX) {
        None | Some(0) => named,
        Some(more) => named.because(code::REFERENCED, format!("and by {more} more")),
    }])
}

// === impl Service ===

impl Service {
    fn say(self, problems: &Problems) -> Failure {
        match self {
            Service::LoadBalancing => Failure::validation(problems),
            Service::Dns => Failure::dns_validation(problems),
            Service::Plain => Failure::refused(VALIDATION, problems),
        }
    }
}

// === impl Kind ===

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Account => "account",
            Kind::AlertPolicy => "alert policy",
            Kind::Decision => "decision",
            Kind::Balancer => "load balancer",
            Kind::Certificate => "certificate",
            Kind::HealthCheck => "health check",
            Kind::Monitor => "monitor",
            Kind::MonitorGroup => "monitor group",
            Kind::Origin => "origin",
            Kind::Override => "override",
            Kind::PagerDuty => "pagerduty service",
            Kind::Pool => "pool",
            Kind::Preview => "preview",
            Kind::Record => "record",
            Kind::Region => "region",
            Kind::Setting => "setting",
            Kind::Silence => "silence",
            Kind::Token => "token",
            Kind::Webhook => "webhook",
            Kind::Zone => "zone",
        })
    }
}
