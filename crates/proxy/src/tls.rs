//! TLS with clients: the certificate that fits the name asked for, from the configuration of this moment.

mod certificates;
mod shown;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientHello, NoClientAuth, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream as ServerStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor, TlsStream};
use trimtab_connect::challenges::ACME_TLS;
use trimtab_connect::{ChainError, Challenges, provider, roots};
use trimtab_live::Cell;

use self::certificates::{Asked, Resolver};
pub(crate) use self::shown::Shown;
use crate::settings::{ClientCertificates, HANDSHAKE_TIMEOUT, Settings};

/// Makes TLS of accepted connections.
#[derive(Clone)]
pub(crate) struct Acceptor {
    clients: Arc<ServerConfig>,
    /// For an authority that looks whether a name is ours; no request is served by it.
    authorities: Arc<ServerConfig>,
    challenges: Arc<Challenges>,
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("set up the crypto provider")]
    Provider(#[source] rustls::Error),
    #[error("make a certificate for names without one")]
    SelfSigned(#[source] rcgen::Error),
    #[error("use the certificate for names without one")]
    Default(#[source] rustls::Error),
    #[error("read client_ca")]
    ClientCa(#[source] ChainError),
    #[error("use client_ca")]
    ClientVerifier(#[source] VerifierBuilderError),
    #[cfg(feature = "http3")]
    #[error("set up TLS for QUIC")]
    Quic(#[source] Box<dyn std::error::Error + Send + Sync>),
}

// === impl Acceptor ===

impl Acceptor {
    pub(crate) fn new(settings: &Settings, cell: &Cell) -> Result<Acceptor, TlsError> {
        let provider = provider::crypto();
        let resolver = Arc::new(Resolver::new(cell.clone(), &provider)?);
        let verifier = verifier(&settings.client_certificates, &provider)?;
        let mut clients = config(&provider, verifier, resolver)?;
        clients.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Its keys are made anew every few hours, and the one before is good for as long again.
        clients.ticketer = provider::ticketer().map_err(TlsError::Provider)?;
        let asked = Arc::new(Asked(Arc::clone(&settings.challenges)));
        let mut authorities = config(&provider, Arc::new(NoClientAuth), asked)?;
        authorities.alpn_protocols = vec![ACME_TLS.to_vec()];
        Ok(Acceptor {
            clients: Arc::new(clients),
            authorities: Arc::new(authorities),
            challenges: Arc::clone(&settings.challenges),
        })
    }

    /// The same for QUIC, whose requests begin after the handshake: data before it (0-RTT) can be replayed.
    #[cfg(feature = "http3")]
    pub(crate) fn for_quic(&self) -> Result<ServerConfig, TlsError> {
        let mut config = ServerConfig::clone(&self.clients);
        config.alpn_protocols = vec![b"h3".to_vec()];
        config.max_early_data_size = 0;
        config.ticketer = provider::ticketer().map_err(TlsError::Provider)?;
        Ok(config)
    }

    /// None when the client did not finish its handshake, for whatever reason, or wanted no more than that.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, self.handshake(stream)).await {
            Ok(Ok(stream)) => stream.map(TlsStream::Server),
            Ok(Err(error)) => {
                tracing::trace!(%error, "a TLS handshake failed");
                None
            }
            Err(_elapsed) => None,
        }
    }

    async fn handshake(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<Option<ServerStream<TcpStream>>> {
        if self.challenges.is_empty() {
            let acceptor = TlsAcceptor::from(Arc::clone(&self.clients));
            return acceptor.accept(stream).await.map(Some);
        }
        let begun = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        // RFC 8737 section 3: whoever offers it offers nothing else, and hangs up when it has seen the certificate.
        if offers_acme(&begun.client_hello()) {
            begun.into_stream(Arc::clone(&self.authorities)).await?;
            return Ok(None);
        }
        begun.into_stream(Arc::clone(&self.clients)).await.map(Some)
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

fn offers_acme(hello: &ClientHello<'_>) -> bool {
    hello.alpn().into_iter().flatten().any(|protocol| protocol == ACME_TLS)
}

fn config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ClientCertVerifier>,
    resolver: Arc<dyn ResolvesServerCert>,
) -> Result<ServerConfig, TlsError> {
    let versions = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Provider)?;
    Ok(versions.with_client_cert_verifier(verifier).with_cert_resolver(resolver))
}

fn verifier(
    wanted: &ClientCertificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let builder = |ca: &str| {
        let roots: RootCertStore = roots(ca).map_err(TlsError::ClientCa)?;
        let provider = Arc::clone(provider);
        Ok::<_, TlsError>(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider))
    };
    let built = match wanted {
        ClientCertificates::Off => return Ok(Arc::new(NoClientAuth)),
        ClientCertificates::Optional { ca } => builder(ca)?.allow_unauthenticated().build(),
        ClientCertificates::Required { ca } => builder(ca)?.build(),
    };
    built.map(|verifier| verifier as _).map_err(TlsError::ClientVerifier)
}
