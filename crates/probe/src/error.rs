//! Why a probe failed: the cause with all that is known of it, and the one reason that the API tells.

use std::error::Error;
use std::io;

use trimtab_connect::{ConnectError, TlsFault};
use trimtab_health::FailureReason;
use trimtab_model::monitor::MonitorType;

use crate::Phase;

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The host name led to no address that may be probed.
    #[error("resolve")]
    Resolve(#[source] ConnectError),
    #[error("connect")]
    Connect(#[source] ConnectError),
    #[error("no verdict in time: {0:?} was under way")]
    TimedOut(Phase),
    #[error("connection reset during the exchange")]
    Reset,
    #[error("tls broke off during the exchange: {fault}")]
    Tls {
        fault: TlsFault,
        #[source]
        cause: io::Error,
    },
    #[error("connection broke off during the exchange")]
    Broken(#[source] io::Error),
    #[error("answer is not http")]
    InvalidResponse(#[source] hyper::Error),
    #[error("status {status} is not expected")]
    WrongStatus { status: u16 },
    #[error("body does not hold what is expected")]
    WrongBody { status: u16 },
    #[error("status {status} redirects to {location:?}, which is no http address")]
    BadRedirect { status: u16, location: String },
    #[error("status {status} still redirects after {hops} redirects")]
    TooManyRedirects { status: u16, hops: usize },
    /// The monitor asks for a request that cannot be written.
    #[error("request cannot be made: {0}")]
    BadRequest(&'static str),
    #[error("neither endpoint nor monitor says a port")]
    NoPort,
    #[error("{0} monitors are not probed by this version")]
    NotProbed(MonitorType),
}

// === impl ProbeError ===

impl ProbeError {
    pub fn reason(&self) -> FailureReason {
        match self {
            ProbeError::Resolve(error) => unresolved(error),
            ProbeError::Connect(error) => unconnected(error),
            ProbeError::TimedOut(Phase::Resolve) => FailureReason::DnsInternal,
            ProbeError::TimedOut(Phase::Connect) => FailureReason::TcpTimeout,
            ProbeError::TimedOut(Phase::Tls | Phase::FirstByte | Phase::Body) => {
                FailureReason::HttpTimeout
            }
            ProbeError::Reset => FailureReason::ConnectionReset,
            ProbeError::Tls { fault, .. } => insecure(*fault),
            ProbeError::Broken(_) => FailureReason::Other,
            ProbeError::InvalidResponse(_) | ProbeError::BadRedirect { .. } => {
                FailureReason::HttpInvalidResponse
            }
            ProbeError::WrongStatus { .. } | ProbeError::TooManyRedirects { .. } => {
                FailureReason::CodeMismatch
            }
            ProbeError::WrongBody { .. } => FailureReason::BodyMismatch,
            ProbeError::BadRequest(_) | ProbeError::NoPort | ProbeError::NotProbed(_) => {
                FailureReason::MonitorConfig
            }
        }
    }

    /// The status of the answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            ProbeError::WrongStatus { status }
            | ProbeError::WrongBody { status }
            | ProbeError::BadRedirect { status, .. }
            | ProbeError::TooManyRedirects { status, .. } => Some(*status),
            ProbeError::Resolve(_)
            | ProbeError::Connect(_)
            | ProbeError::TimedOut(_)
            | ProbeError::Reset
            | ProbeError::Tls { .. }
            | ProbeError::Broken(_)
            | ProbeError::InvalidResponse(_)
            | ProbeError::BadRequest(_)
            | ProbeError::NoPort
            | ProbeError::NotProbed(_) => None,
        }
    }

    /// hyper hides what happened below it in the chain of causes.
    pub(crate) fn of_exchange(error: hyper::Error) -> ProbeError {
        let Some(cause) = io_cause(&error) else { return ProbeError::InvalidResponse(error) };
        match cause.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ProbeError::Reset,
            io::ErrorKind::UnexpectedEof => ProbeError::InvalidResponse(error),
            kind => match TlsFault::within(cause) {
                Some(fault) => ProbeError::Tls { fault, cause: io::Error::new(kind, error) },
                None => ProbeError::Broken(io::Error::new(kind, error)),
            },
        }
    }
}

fn unresolved(error: &ConnectError) -> FailureReason {
    match error {
        ConnectError::UnknownHost(_) => FailureReason::DnsUnknownHost,
        // A name that leads only to forbidden addresses counts as one that cannot be resolved.
        ConnectError::Forbidden { .. } | ConnectError::ResolverFailed { .. } => {
            FailureReason::DnsInternal
        }
        other => unconnected(other),
    }
}

fn unconnected(error: &ConnectError) -> FailureReason {
    match error {
        ConnectError::Refused => FailureReason::TcpConnectionFailed,
        ConnectError::Timeout => FailureReason::TcpTimeout,
        ConnectError::NoRoute => FailureReason::NoRoute,
        ConnectError::NetworkUnreachable => FailureReason::NetworkUnreachable,
        ConnectError::Reset => FailureReason::ConnectionReset,
        ConnectError::Forbidden { .. } => FailureReason::MonitorConfig,
        ConnectError::UnknownHost(_) => FailureReason::DnsUnknownHost,
        ConnectError::ResolverFailed { .. } => FailureReason::DnsInternal,
        ConnectError::Tls { fault, .. } => insecure(*fault),
        ConnectError::Other(_) => FailureReason::Other,
    }
}

fn insecure(fault: TlsFault) -> FailureReason {
    match fault {
        TlsFault::Untrusted => FailureReason::TlsUntrusted,
        TlsFault::NameMismatch => FailureReason::TlsNameMismatch,
        TlsFault::Protocol => FailureReason::TlsProtocol,
        TlsFault::UnrecognizedName => FailureReason::TlsUnrecognizedName,
        TlsFault::Handshake => FailureReason::TlsHandshake,
    }
}

fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
