//! Why a probe failed: the cause with all that is known of it, and the one reason that the API tells.

use std::error::Error;
use std::io;

use trimtab_connect::{ConnectError, IcmpError, ProfileError, TlsFault};
use trimtab_health::FailureReason;
use trimtab_model::monitor::MonitorType;
use trimtab_model::monitor::extension::ResponseCode;

use crate::Phase;
use crate::grpc::Serving;

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
    /// The pool's TLS settings, which the monitor is to use, are unusable.
    #[error("use the pool's own TLS settings")]
    Profile(#[source] ProfileError),
    #[error("neither endpoint nor monitor says a port")]
    NoPort,
    /// Something answers, and in another language.
    #[error("answer is not {protocol}: {why}")]
    NotSpoken { protocol: MonitorType, why: &'static str },
    #[error("nothing listens on the port: the host says that it is unreachable")]
    ClosedPort,
    #[error("icmp")]
    NoIcmp(#[source] IcmpError),
    #[error("{step} is answered with {code} and not with {wanted}: {text:?}")]
    SmtpReply { step: &'static str, code: u16, wanted: u16, text: String },
    #[error("server does not offer STARTTLS")]
    NoStartTls,
    #[error("bind is refused with result {code}: {text:?}")]
    LdapResult { code: u16, text: String },
    #[error("response code is {code} and not {wanted}")]
    DnsCode { code: u8, wanted: ResponseCode },
    #[error("no answer is {wanted:?}, there is {got}")]
    DnsAnswer { wanted: String, got: String },
    #[error("call ends with grpc-status {code}: {text:?}")]
    GrpcStatus { code: u16, text: String },
    #[error("service is {0}")]
    NotServing(Serving),
    #[error("http/2 broke off")]
    Http2(#[source] h2::Error),
}

// === impl ProbeError ===

impl ProbeError {
    pub fn reason(&self) -> FailureReason {
        match self {
            ProbeError::Resolve(error) => unresolved(error),
            ProbeError::Connect(error) => unconnected(error),
            ProbeError::TimedOut(Phase::Resolve) => FailureReason::DnsInternal,
            ProbeError::TimedOut(Phase::Connect) => FailureReason::TcpTimeout,
            ProbeError::TimedOut(Phase::Tls | Phase::FirstByte | Phase::Body | Phase::Silence) => {
                FailureReason::HttpTimeout
            }
            ProbeError::Reset => FailureReason::ConnectionReset,
            ProbeError::Tls { fault, .. } => insecure(*fault),
            ProbeError::Broken(_) => FailureReason::Other,
            ProbeError::InvalidResponse(_)
            | ProbeError::BadRedirect { .. }
            | ProbeError::NotSpoken { .. }
            | ProbeError::Http2(_) => FailureReason::HttpInvalidResponse,
            ProbeError::WrongStatus { .. }
            | ProbeError::TooManyRedirects { .. }
            | ProbeError::SmtpReply { .. }
            | ProbeError::LdapResult { .. }
            | ProbeError::DnsCode { .. }
            | ProbeError::GrpcStatus { .. } => FailureReason::CodeMismatch,
            ProbeError::WrongBody { .. }
            | ProbeError::DnsAnswer { .. }
            | ProbeError::NotServing(_) => FailureReason::BodyMismatch,
            ProbeError::ClosedPort => FailureReason::TcpConnectionFailed,
            ProbeError::NoStartTls => FailureReason::TlsProtocol,
            ProbeError::BadRequest(_)
            | ProbeError::Profile(_)
            | ProbeError::NoPort
            | ProbeError::NoIcmp(_) => FailureReason::MonitorConfig,
        }
    }

    /// The status of the answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            ProbeError::WrongStatus { status }
            | ProbeError::WrongBody { status }
            | ProbeError::BadRedirect { status, .. }
            | ProbeError::TooManyRedirects { status, .. } => Some(*status),
            ProbeError::SmtpReply { code, .. }
            | ProbeError::LdapResult { code, .. }
            | ProbeError::GrpcStatus { code, .. } => Some(*code),
            ProbeError::DnsCode { code, .. } => Some(u16::from(*code)),
            // What it holds is wrong, and its code is the one that was expected.
            ProbeError::DnsAnswer { .. } | ProbeError::NotServing(_) => Some(0),
            ProbeError::Resolve(_)
            | ProbeError::Connect(_)
            | ProbeError::TimedOut(_)
            | ProbeError::Reset
            | ProbeError::Tls { .. }
            | ProbeError::Broken(_)
            | ProbeError::InvalidResponse(_)
            | ProbeError::BadRequest(_)
            | ProbeError::Profile(_)
            | ProbeError::NoPort
            | ProbeError::NotSpoken { .. }
            | ProbeError::ClosedPort
            | ProbeError::NoIcmp(_)
            | ProbeError::NoStartTls
            | ProbeError::Http2(_) => None,
        }
    }

    /// What broke a conversation that is not hyper's.
    pub(crate) fn of_talk(error: io::Error) -> ProbeError {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ProbeError::Reset,
            _ => match TlsFault::within(&error) {
                Some(fault) => ProbeError::Tls { fault, cause: error },
                None => ProbeError::Broken(error),
            },
        }
    }

    pub(crate) fn of_http2(error: h2::Error) -> ProbeError {
        match error.is_io().then(|| error.get_io()).flatten() {
            Some(cause) => match cause.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ProbeError::Reset,
                _ => ProbeError::Http2(error),
            },
            None => ProbeError::Http2(error),
        }
    }

    pub(crate) fn of_icmp(error: IcmpError) -> ProbeError {
        match error {
            IcmpError::Network(error) => ProbeError::Connect(error),
            error @ IcmpError::NotPermitted(_) => ProbeError::NoIcmp(error),
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
        ConnectError::Forbidden { .. } | ConnectError::Source { .. } => {
            FailureReason::MonitorConfig
        }
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
