//! Why a connection could not be made: causes are kept apart, because each is told to the operator by its own name.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::egress::Rule;

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("connection refused")]
    Refused,
    #[error("no connection in time")]
    Timeout,
    #[error("no route to host")]
    NoRoute,
    #[error("network unreachable")]
    NetworkUnreachable,
    #[error("connection reset by peer")]
    Reset,
    #[error("egress to {address} is forbidden: {by}")]
    Forbidden { address: SocketAddr, by: Rule },
    /// Mostly an address that this machine does not have.
    #[error("cannot leave from {address}")]
    Source {
        address: IpAddr,
        #[source]
        cause: io::Error,
    },
    #[error("unknown host {0}")]
    UnknownHost(String),
    #[error("resolver could not look up {name}")]
    ResolverFailed {
        name: String,
        #[source]
        cause: io::Error,
    },
    #[error("tls: {fault}")]
    Tls {
        fault: TlsFault,
        #[source]
        cause: io::Error,
    },
    #[error("connect")]
    Other(#[source] io::Error),
}

/// What went wrong in a TLS handshake, as far as an operator can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The chain ends in no known root, or a certificate in it is expired, revoked or broken.
    #[error("certificate is not trusted")]
    Untrusted,
    #[error("certificate is for another name")]
    NameMismatch,
    /// No common version or cipher, or what answers does not speak TLS.
    #[error("no common protocol")]
    Protocol,
    #[error("server does not know the name")]
    UnrecognizedName,
    #[error("handshake failed")]
    Handshake,
}

// === impl ConnectError ===

impl From<io::Error> for ConnectError {
    fn from(cause: io::Error) -> ConnectError {
        match cause.kind() {
            io::ErrorKind::ConnectionRefused => ConnectError::Refused,
            io::ErrorKind::TimedOut => ConnectError::Timeout,
            io::ErrorKind::HostUnreachable => ConnectError::NoRoute,
            io::ErrorKind::NetworkUnreachable => ConnectError::NetworkUnreachable,
            io::ErrorKind::ConnectionReset => ConnectError::Reset,
            _ => ConnectError::Other(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_keeps_its_cause() {
        // The numbers of Linux, so that the path from the system call on is covered.
        for (number, want) in [
            (111, "connection refused"),
            (110, "no connection in time"),
            (113, "no route to host"),
            (101, "network unreachable"),
            (104, "connection reset by peer"),
            (22, "connect"),
        ] {
            let cause = io::Error::from_raw_os_error(number);
            assert_eq!(ConnectError::from(cause).to_string(), want, "{number}");
        }
    }
}
