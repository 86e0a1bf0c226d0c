//! What can go wrong between this node and an origin, the status that clients are told, and whether another endpoint may try.

use rustls::AlertDescription;
use trimtab_connect::{ConnectError, TlsFault};

use crate::exchange::Broken;

/// Why an origin gave no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// It answered with something that is no response.
    Unknown,
    Refused,
    /// It hung up before the first byte of a response.
    HungUp,
    /// It said that it did nothing about the request (RFC 9113 section 8.7).
    NotTaken,
    /// It hung up within the head of a response.
    CutShort,
    ConnectTimeout,
    Unreachable,
    /// It took the request and gave no answer in time.
    ResponseTimeout,
    TlsHandshake,
    Certificate,
    /// No pool has anything to offer, or its name leads nowhere.
    NoOrigin,
    /// Its queue of waiting requests is full.
    Busy,
}

// === impl Fault ===

impl Fault {
    /// 520 to 526 and 530, as the clients of the hosted product know them.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Fault::Unknown | Fault::CutShort => 520,
            Fault::Refused | Fault::HungUp | Fault::NotTaken => 521,
            Fault::ConnectTimeout => 522,
            Fault::Unreachable => 523,
            Fault::ResponseTimeout => 524,
            Fault::TlsHandshake => 525,
            Fault::Certificate => 526,
            Fault::NoOrigin => 530,
            Fault::Busy => 503,
        }
    }

    /// Another endpoint may be asked. Nothing of the request was taken where no connection was made, or where the origin
    /// says so; who hung up may have taken it, so that only what may be repeated is.
    pub(crate) const fn fails_over(self) -> FailsOver {
        match self {
            Fault::Refused
            | Fault::ConnectTimeout
            | Fault::Unreachable
            | Fault::TlsHandshake
            | Fault::Certificate
            | Fault::NotTaken
            | Fault::Busy => FailsOver::Always,
            Fault::HungUp | Fault::CutShort => FailsOver::Idempotent,
            Fault::Unknown | Fault::ResponseTimeout | Fault::NoOrigin => FailsOver::Never,
        }
    }

    /// Counts against the endpoint's health.
    pub(crate) const fn is_of_endpoint(self) -> bool {
        match self {
            Fault::NoOrigin | Fault::Busy | Fault::NotTaken => false,
            Fault::Unknown
            | Fault::Refused
            | Fault::HungUp
            | Fault::CutShort
            | Fault::ConnectTimeout
            | Fault::Unreachable
            | Fault::ResponseTimeout
            | Fault::TlsHandshake
            | Fault::Certificate => true,
        }
    }

    /// The label `reason` of metrics.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Fault::Unknown => "unknown",
            Fault::Refused => "refused",
            Fault::HungUp => "hung_up",
            Fault::NotTaken => "not_taken",
            Fault::CutShort => "cut_short",
            Fault::ConnectTimeout => "connect_timeout",
            Fault::Unreachable => "unreachable",
            Fault::ResponseTimeout => "response_timeout",
            Fault::TlsHandshake => "tls_handshake",
            Fault::Certificate => "certificate",
            Fault::NoOrigin => "no_origin",
            Fault::Busy => "busy",
        }
    }
}

/// Which requests another endpoint may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailsOver {
    Always,
    /// Those that may be done twice.
    Idempotent,
    Never,
}

impl From<&ConnectError> for Fault {
    fn from(error: &ConnectError) -> Fault {
        match error {
            ConnectError::Refused | ConnectError::Reset => Fault::Refused,
            ConnectError::Timeout => Fault::ConnectTimeout,
            ConnectError::NoRoute
            | ConnectError::NetworkUnreachable
            | ConnectError::Forbidden { .. }
            | ConnectError::Source { .. }
            | ConnectError::Other(_) => Fault::Unreachable,
            ConnectError::UnknownHost(_) | ConnectError::ResolverFailed { .. } => Fault::NoOrigin,
            ConnectError::Tls { fault, .. } => match fault {
                TlsFault::Untrusted | TlsFault::NameMismatch => Fault::Certificate,
                TlsFault::Protocol | TlsFault::UnrecognizedName | TlsFault::Handshake => {
                    Fault::TlsHandshake
                }
            },
        }
    }
}

impl From<&Broken> for Fault {
    /// Before the head of a response was whole.
    fn from(broken: &Broken) -> Fault {
        match broken {
            Broken::Io(error) if refuses_certificate(error) => Fault::TlsHandshake,
            Broken::Http2(error) if says_not_taken(error) => Fault::NotTaken,
            Broken::Io(_) | Broken::Http2(_) => Fault::HungUp,
            Broken::Ended => Fault::CutShort,
            Broken::Refused(_) | Broken::Response => Fault::Unknown,
        }
    }
}

/// A stream that it refused, or that is behind the last one that it names as it leaves: of those before that one it is
/// not the origin's leaving that is heard of, but the end of the connection.
fn says_not_taken(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// With TLS 1.3 our side of the handshake is done before the origin has seen the certificate that we show, or do not.
fn refuses_certificate(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::AlertReceived(alert)) = inner else { return false };
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::HandshakeFailure
    )
}
