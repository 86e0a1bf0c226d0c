//! What a TLS handshake agreed on and showed, for people to read.

use std::fmt;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use trimtab_model::Timestamp;

use crate::identity;

/// One session with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Such as `TLSv1_3`.
    pub version: String,
    pub cipher: String,
    /// Of the endpoint's certificate; None when that is not X.509.
    pub certificate: Option<Shown>,
}

/// Whom a certificate is of, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub subject: String,
    pub hosts: Vec<String>,
    pub expires_on: Timestamp,
}

// === impl Session ===

impl Session {
    pub fn of(stream: &TlsStream<TcpStream>) -> Session {
        let (_, session) = stream.get_ref();
        let version = session.protocol_version().map(|version| format!("{version:?}"));
        let cipher = session.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite()));
        let leaf = session.peer_certificates().and_then(|chain| chain.first());
        Session {
            version: version.unwrap_or_default(),
            cipher: cipher.unwrap_or_default(),
            certificate: leaf.and_then(|leaf| identity::shown(leaf)),
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.cipher)?;
        let Some(Shown { subject, hosts, expires_on }) = &self.certificate else { return Ok(()) };
        write!(f, ", certificate of \"{subject}\"")?;
        if !hosts.is_empty() {
            write!(f, " for {}", hosts.join(" "))?;
        }
        write!(f, " until {expires_on}")
    }
}
