//! What can go wrong with an order, whose side it is, and when to come back.

use std::time::Duration;

use instant_acme::{Error as Acme, Problem};
use trimtab_connect::{ChainError, KeyError, ProfileError};
use trimtab_model::Name;

use crate::settings::Challenge;
use crate::storage::StorageError;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    #[error("set up TLS towards the authority")]
    Tls(#[from] ProfileError),
    #[error("open an account with the authority")]
    Account(#[source] Acme),
    #[error("the account's key")]
    AccountKey(#[source] rcgen::Error),
    #[error("{0}")]
    Keep(&'static str, #[source] StorageError),
    #[error("ask the authority for an order")]
    Order(#[source] Acme),
    #[error("the authority does not take {0} for this name")]
    NoChallenge(Challenge),
    #[error("make the certificate of the challenge")]
    Proof(#[source] rcgen::Error),
    #[error("use the certificate of the challenge")]
    ProofKey(#[source] rustls::Error),
    #[error("this node's DNS does not answer TXT {0}: is it delegated or an alias?")]
    NotAnswered(Name),
    #[error("the authority did not accept the proof")]
    Refused(#[source] Refusal),
    #[error("wait for the authority")]
    Waiting(#[source] Acme),
    #[error("fetch the certificate")]
    Fetch(#[source] Acme),
    #[error("the authority's certificate")]
    Chain(#[source] ChainError),
    #[error("the key of the authority's certificate")]
    Key(#[source] KeyError),
    #[error("not finished after {} seconds", .0.as_secs())]
    Late(Duration),
    #[error("stored, and not served after {} seconds", .0.as_secs())]
    NotServed(Duration),
}

/// What an authority says about a name.
#[derive(Debug, thiserror::Error)]
#[error("{}", said.as_deref().unwrap_or("it does not say why"))]
pub(crate) struct Refusal {
    pub(crate) said: Option<String>,
}

/// An order that came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) why: OrderError,
    /// What the authority asked for (RFC 8555 section 6.6).
    pub(crate) retry_after: Option<Duration>,
}

/// Whom a failure holds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    Name,
    /// Other names would fare the same.
    Everything,
}

/// Of an error's words; an authority may quote a whole page.
const TEXT_CHARS_MAX: usize = 500;

// === impl OrderError ===

impl OrderError {
    pub(crate) fn blame(&self) -> Blame {
        match self {
            OrderError::Tls(_)
            | OrderError::Account(_)
            | OrderError::AccountKey(_)
            | OrderError::Keep(..) => Blame::Everything,
            OrderError::Order(cause) | OrderError::Waiting(cause) | OrderError::Fetch(cause) => {
                match cause {
                    Acme::Api(problem) if !is_everybodys(problem) => Blame::Name,
                    // Slow for one name is slow for all.
                    _ => Blame::Everything,
                }
            }
            OrderError::NoChallenge(_)
            | OrderError::Proof(_)
            | OrderError::ProofKey(_)
            | OrderError::NotAnswered(_)
            | OrderError::Refused(_)
            | OrderError::Chain(_)
            | OrderError::Key(_)
            | OrderError::Late(_)
            | OrderError::NotServed(_) => Blame::Name,
        }
    }

    /// Another account may fare better.
    pub(crate) fn is_of_unknown_account(&self) -> bool {
        match self {
            OrderError::Account(Acme::Api(problem)) | OrderError::Order(Acme::Api(problem)) => {
                is(problem, "accountDoesNotExist")
            }
            _ => false,
        }
    }

    /// With its causes.
    pub(crate) fn text(&self) -> String {
        let causes = std::iter::successors(Some(self as &dyn std::error::Error), |e| e.source());
        let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        text.chars().take(TEXT_CHARS_MAX).collect()
    }
}

/// RFC 8555 section 6.7: what the account or the authority itself is in trouble for.
fn is_everybodys(problem: &Problem) -> bool {
    ["rateLimited", "serverInternal", "accountDoesNotExist", "unauthorized", "userActionRequired"]
        .iter()
        .any(|word| is(problem, word))
}

fn is(problem: &Problem, word: &str) -> bool {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    kind.strip_prefix("urn:ietf:params:acme:error:") == Some(word)
}
