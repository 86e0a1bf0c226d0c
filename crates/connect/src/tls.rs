//! TLS towards endpoints: who is asked for, what is checked, and what went wrong.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use crate::provider;
use crate::{Chain, ChainError, ConnectError, KeyError, TlsFault, roots};

/// How much the server's certificate matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It must be for the name and lead to a known root.
    Certified,
    /// Any certificate passes (`allow_insecure`).
    Anyone,
}

/// What is offered by ALPN (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    Http1,
    Http2,
    /// Nothing is offered.
    Other,
}

/// The client's side of TLS, made once and shared by all connections.
#[derive(Clone, Debug)]
pub struct Tls {
    checked: Arc<ClientConfig>,
    unchecked: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
}

/// How one kind of connection is made: for many requests to endpoints that an operator knows.
#[derive(Clone, Copy, Debug)]
pub struct Profile<'a> {
    pub trust: Trust,
    pub http2: bool,
    /// PEM; instead of the system's roots.
    pub ca: Option<&'a str>,
    /// PEM: a chain, leaf first, and its key.
    pub client: Option<(&'a str, &'a str)>,
}

/// A profile made ready.
#[derive(Clone, Debug)]
pub struct Ready(Arc<ClientConfig>);

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("use the certificates of ca")]
    Ca(#[source] ChainError),
    #[error("use the client's certificate")]
    Chain(#[source] ChainError),
    #[error("use the client's key")]
    Key(#[source] KeyError),
    #[error("set up TLS")]
    Tls(#[from] Error),
}

/// Accepts every certificate and every signature.
#[derive(Debug)]
struct AcceptAnything {
    schemes: Vec<SignatureScheme>,
}

// === impl Tls ===

impl Tls {
    /// Fails only when the crypto provider supports no TLS version.
    pub fn new(roots: RootCertStore) -> Result<Tls, Error> {
        let provider = provider::crypto();
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        let anything = Arc::new(AcceptAnything { schemes });
        let roots = Arc::new(roots);
        let checked = versions(Arc::clone(&provider))?.with_root_certificates(Arc::clone(&roots));
        let unchecked = versions(provider)?.dangerous().with_custom_certificate_verifier(anything);
        Ok(Tls {
            checked: shared(checked.with_no_client_auth()),
            unchecked: shared(unchecked.with_no_client_auth()),
            roots,
        })
    }

    /// Sessions are resumed, unlike those of probes: a certificate that went bad is the probes' to find.
    pub fn ready(&self, profile: &Profile<'_>) -> Result<Ready, ProfileError> {
        let provider = provider::crypto();
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        let versions = versions(provider)?;
        let verified = match profile.trust {
            Trust::Anyone => {
                let anything = Arc::new(AcceptAnything { schemes });
                versions.dangerous().with_custom_certificate_verifier(anything)
            }
            Trust::Certified => versions.with_root_certificates(match profile.ca {
                None => Arc::clone(&self.roots),
                Some(pem) => Arc::new(roots(pem).map_err(ProfileError::Ca)?),
            }),
        };
        let mut config = match profile.client {
            None => verified.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = Chain::read(chain).map_err(ProfileError::Chain)?;
                let certified = chain.with_key(key).map_err(ProfileError::Key)?;
                verified.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
        };
        let protocol: &[u8] = if profile.http2 { b"h2" } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Ready(Arc::new(config)))
    }

    pub(crate) fn config(&self, trust: Trust, spoken: Spoken) -> Arc<ClientConfig> {
        let usual = match trust {
            Trust::Certified => &self.checked,
            Trust::Anyone => &self.unchecked,
        };
        let protocols = match spoken {
            Spoken::Http1 => return Arc::clone(usual),
            Spoken::Http2 => vec![b"h2".to_vec()],
            Spoken::Other => Vec::new(),
        };
        let mut config = ClientConfig::clone(usual);
        config.alpn_protocols = protocols;
        Arc::new(config)
    }
}

/// The roots that the operating system trusts, and what could not be read of them. With none at all
/// every checked certificate is untrusted.
pub fn os_roots() -> (RootCertStore, Vec<rustls_native_certs::Error>) {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some systems carry roots that no longer parse; they would not be used anyway.
    roots.add_parsable_certificates(found.certs);
    (roots, found.errors)
}

// === impl Ready ===

impl Ready {
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

fn versions(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn shared(mut config: ClientConfig) -> Arc<ClientConfig> {
    // A resumed session shows no certificate, so one that expired would go unnoticed.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

// === impl TlsFault ===

impl TlsFault {
    /// What an error of a TLS stream means to an operator; None when it is one of the stream below.
    pub fn within(cause: &io::Error) -> Option<TlsFault> {
        cause.get_ref().and_then(|inner| inner.downcast_ref()).map(fault)
    }
}

// `rustls::Error` is open: what it does not have yet is a failed handshake.
fn fault(error: &Error) -> TlsFault {
    match error {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => TlsFault::NameMismatch,
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => TlsFault::Untrusted,
        Error::AlertReceived(AlertDescription::UnrecognisedName) => TlsFault::UnrecognizedName,
        Error::AlertReceived(
            AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::NoApplicationProtocol,
        )
        | Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerIncompatible(_)
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord
        | Error::NoApplicationProtocol => TlsFault::Protocol,
        _ => TlsFault::Handshake,
    }
}

/// The error of a handshake: a reset stays a reset, everything else is TLS.
pub(crate) fn handshake_error(cause: io::Error) -> ConnectError {
    match cause.kind() {
        io::ErrorKind::ConnectionReset => ConnectError::Reset,
        io::ErrorKind::TimedOut => ConnectError::Timeout,
        _ => {
            let fault = TlsFault::within(&cause).unwrap_or(TlsFault::Handshake);
            ConnectError::Tls { fault, cause }
        }
    }
}

// === impl AcceptAnything ===

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use rustls::{CertRevocationListError, InvalidMessage, PeerIncompatible};

    use super::*;

    #[test]
    fn semantics_8_every_tls_error_has_its_cause() {
        for (error, want) in [
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), TlsFault::Untrusted),
            (Error::InvalidCertificate(CertificateError::Expired), TlsFault::Untrusted),
            (Error::InvalidCertificate(CertificateError::NotValidForName), TlsFault::NameMismatch),
            (Error::AlertReceived(AlertDescription::UnrecognisedName), TlsFault::UnrecognizedName),
            (Error::AlertReceived(AlertDescription::ProtocolVersion), TlsFault::Protocol),
            (Error::AlertReceived(AlertDescription::HandshakeFailure), TlsFault::Handshake),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), TlsFault::Protocol),
            (
                Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig),
                TlsFault::Protocol,
            ),
            (
                Error::InvalidCertRevocationList(CertRevocationListError::ParseError),
                TlsFault::Handshake,
            ),
        ] {
            let text = error.to_string();
            assert_eq!(TlsFault::within(&io::Error::other(error)), Some(want), "{text}");
        }
        assert_eq!(TlsFault::within(&io::ErrorKind::UnexpectedEof.into()), None);
    }
}
