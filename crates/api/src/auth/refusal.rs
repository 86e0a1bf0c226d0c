//! Why somebody is not let in, and what they are told.

use std::fmt;

use axum::http::StatusCode;
use trimtab_api_types::v1::Failure;
use trimtab_api_types::v1::envelope::ApiError;
use trimtab_model::{Permission, Timestamp, TokenStatus};

/// Why a request is refused before anything is done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no credentials")]
    NoCredentials,
    #[error("malformed credentials: {}", Numbers(.0))]
    Malformed(Vec<(u32, &'static str)>),
    #[error("no token has this value")]
    Unknown,
    /// The same, asked for by `tokens/verify`.
    #[error("no token has this value")]
    UnknownVerified,
    #[error("token is {0}")]
    Inactive(TokenStatus),
    #[error("token is not valid before {0}")]
    Early(Timestamp),
    #[error("token lacks {needs:?} for {what}")]
    Forbidden { needs: Option<Permission>, what: String },
    #[error("token asks too often")]
    TooFast { retry_after_seconds: u64 },
    #[error("too many failed attempts from this address")]
    TooManyFailures { retry_after_seconds: u64 },
}

struct Numbers<'a>(&'a [(u32, &'static str)]);

const MISSING_HEADERS: u32 = 9106;
const INVALID_HEADERS: u32 = 6003;
const AUTHENTICATION: u32 = 10000;
const INVALID_TOKEN: u32 = 1000;
const UNAUTHORIZED: u32 = 9109;
const THROTTLED: u32 = 971;
const TOO_MANY_FAILURES: u32 = 10502;

// === impl Refusal ===

impl Refusal {
    pub(crate) fn malformed(chain: impl Into<Vec<(u32, &'static str)>>) -> Refusal {
        Refusal::Malformed(chain.into())
    }

    /// Attempts that somebody who guesses would make.
    pub(crate) fn is_a_guess(&self) -> bool {
        match self {
            Refusal::Malformed(_) | Refusal::Unknown | Refusal::UnknownVerified => true,
            Refusal::NoCredentials
            | Refusal::Inactive(_)
            | Refusal::Early(_)
            | Refusal::Forbidden { .. }
            | Refusal::TooFast { .. }
            | Refusal::TooManyFailures { .. } => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Refusal::TooFast { retry_after_seconds }
            | Refusal::TooManyFailures { retry_after_seconds } => Some(*retry_after_seconds),
            Refusal::NoCredentials
            | Refusal::Malformed(_)
            | Refusal::Unknown
            | Refusal::UnknownVerified
            | Refusal::Inactive(_)
            | Refusal::Early(_)
            | Refusal::Forbidden { .. } => None,
        }
    }

    pub(crate) fn answer(&self) -> (StatusCode, Failure) {
        let (status, error) = match self {
            Refusal::NoCredentials => {
                let text = "Missing X-Auth-Key, X-Auth-Email or Authorization headers";
                (StatusCode::BAD_REQUEST, ApiError::new(MISSING_HEADERS, text))
            }
            Refusal::Malformed(chain) => {
                let error = ApiError::new(INVALID_HEADERS, "Invalid request headers");
                let chained =
                    |error: ApiError, &(code, text): &(u32, &str)| error.because(code, text);
                (StatusCode::BAD_REQUEST, chain.iter().fold(error, chained))
            }
            Refusal::Unknown => {
                (StatusCode::FORBIDDEN, ApiError::new(AUTHENTICATION, "Authentication error"))
            }
            Refusal::UnknownVerified => {
                (StatusCode::UNAUTHORIZED, ApiError::new(INVALID_TOKEN, "Invalid API Token"))
            }
            Refusal::Inactive(_) | Refusal::Early(_) => {
                let error = ApiError::new(UNAUTHORIZED, "Invalid access token");
                (StatusCode::FORBIDDEN, error.because(UNAUTHORIZED, format!("the {self}")))
            }
            Refusal::Forbidden { needs, what } => (StatusCode::FORBIDDEN, forbidden(*needs, what)),
            Refusal::TooFast { .. } => {
                let text = "Please wait and consider throttling your request speed";
                (StatusCode::TOO_MANY_REQUESTS, ApiError::new(THROTTLED, text))
            }
            Refusal::TooManyFailures { .. } => {
                let text = "Too many authentication failures";
                (StatusCode::TOO_MANY_REQUESTS, ApiError::new(TOO_MANY_FAILURES, text))
            }
        };
        (status, Failure::new(vec![error]))
    }
}

/// Names the permission that is missing, so that nobody has to guess it.
fn forbidden(needs: Option<Permission>, what: &str) -> ApiError {
    let error = ApiError::new(UNAUTHORIZED, "Unauthorized to access requested resource");
    match needs {
        Some(needs) => {
            let why = format!("the token needs {:?} for {what}", needs.word());
            error.because(UNAUTHORIZED, why)
        }
        None => error.because(UNAUTHORIZED, what),
    }
}

// === impl Numbers ===

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(|(code, _)| code.to_string()).collect();
        f.write_str(&numbers.join(", "))
    }
}
