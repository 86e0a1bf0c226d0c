//! Certificates by name: exact, then the wildcard above it, then the one that every node makes for itself.

use std::sync::{Arc, Mutex};

use hashbrown::HashMap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use trimtab_live::{Cell, Certificates};
use trimtab_model::Certificate;

use super::TlsError;
use crate::worker::locked;

/// Answers handshakes.
pub(super) struct Resolver {
    cell: Cell,
    provider: Arc<CryptoProvider>,
    table: Mutex<Table>,
    /// For clients that name no host, and for hosts without a certificate.
    default: Arc<CertifiedKey>,
}

/// What the configuration of one moment comes to.
struct Table {
    made_of: Arc<Certificates>,
    by_name: HashMap<Box<str>, Arc<CertifiedKey>>,
}

/// Why a stored certificate is not served; it was checked when it was stored.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("read the chain or the key")]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error("use the key with the chain")]
    Key(#[from] rustls::Error),
}

// === impl Resolver ===

impl Resolver {
    pub(super) fn new(cell: Cell, provider: &Arc<CryptoProvider>) -> Result<Resolver, TlsError> {
        let made = rcgen::generate_simple_self_signed(vec!["trimtab.invalid".into()]);
        let made = made.map_err(TlsError::SelfSigned)?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let key = key.map_err(|text| TlsError::Default(rustls::Error::General(text.into())))?;
        let chain = vec![made.cert.der().clone()];
        let default = CertifiedKey::from_der(chain, key, provider).map_err(TlsError::Default)?;
        let made_of = Arc::clone(&cell.load().certificates);
        let table = Mutex::new(Table::new(made_of, provider));
        Ok(Resolver { cell, provider: Arc::clone(provider), table, default: Arc::new(default) })
    }

    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let current = Arc::clone(&self.cell.load().certificates);
        let mut table = locked(&self.table);
        if !Arc::ptr_eq(&table.made_of, &current) {
            *table = Table::new(current, &self.provider);
        }
        table.find(name)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().and_then(|name| self.find(name));
        Some(found.unwrap_or_else(|| Arc::clone(&self.default)))
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

// === impl Table ===

impl Table {
    fn new(certificates: Arc<Certificates>, provider: &CryptoProvider) -> Table {
        let mut by_name = HashMap::new();
        let mut stored: Vec<_> = certificates.values().collect();
        stored.sort_by_key(|certificate| certificate.rank());
        for certificate in stored {
            match certified(certificate, provider) {
                Ok(key) => {
                    let key = Arc::new(key);
                    for host in &certificate.facts.hosts {
                        by_name.insert(host.to_ascii_lowercase().into(), Arc::clone(&key));
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, id = %certificate.id, "a certificate is not served");
                }
            }
        }
        Table { made_of: certificates, by_name }
    }

    /// A wildcard stands for one label (RFC 6125 section 6.4.3).
    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let above = || Some(format!("*.{}", name.split_once('.')?.1));
        let exact = self.by_name.get(&*name);
        let found = exact.or_else(|| self.by_name.get(&*above()?));
        found.map(Arc::clone)
    }
}

fn certified(
    certificate: &Certificate,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Unusable> {
    let chain = CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes());
    let chain: Vec<CertificateDer<'static>> = chain.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.reveal().as_bytes())?;
    Ok(CertifiedKey::from_der(chain, key, provider)?)
}
