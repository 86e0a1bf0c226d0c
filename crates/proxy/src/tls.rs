//! TLS with clients: the certificate that fits the name asked for, from the configuration of this moment.

mod certificates;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};
use trimtab_live::Cell;

use self::certificates::Resolver;
use crate::settings::HANDSHAKE_TIMEOUT;

/// Makes TLS of accepted connections.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("set up the crypto provider")]
    Provider(#[source] rustls::Error),
    #[error("make a certificate for names without one")]
    SelfSigned(#[source] rcgen::Error),
    #[error("use the certificate for names without one")]
    Default(#[source] rustls::Error),
}

// === impl Acceptor ===

impl Acceptor {
    pub(crate) fn new(cell: &Cell) -> Result<Acceptor, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let resolver = Arc::new(Resolver::new(cell.clone(), &provider)?);
        let versions = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Provider)?;
        let mut config = versions.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Its keys are made anew every few hours, and the one before is good for as long again.
        config.ticketer = ring::Ticketer::new().map_err(TlsError::Provider)?;
        Ok(Acceptor(TlsAcceptor::from(Arc::new(config))))
    }

    /// None when the client did not finish its handshake, for whatever reason.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, self.0.accept(stream)).await {
            Ok(Ok(stream)) => Some(TlsStream::Server(stream)),
            Ok(Err(error)) => {
                tracing::trace!(%error, "a TLS handshake failed");
                None
            }
            Err(_elapsed) => None,
        }
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}
