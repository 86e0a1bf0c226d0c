//! Certificates by name: exact, then the wildcard above it, then the one that every node makes for itself.

use std::sync::{Arc, Mutex};

use hashbrown::HashMap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use trimtab_connect::{Chain, ChainError, Challenges, KeyError};
use trimtab_live::{Cell, Certificates, Snapshot};
use trimtab_model::Certificate;

use super::TlsError;
use crate::worker::locked;

/// Answers handshakes.
pub(super) struct Resolver {
    cell: Cell,
    table: Mutex<Table>,
    /// For clients that name no host, and for hosts without a certificate.
    default: Arc<CertifiedKey>,
}

/// Answers an authority that looks whether a name is ours.
#[derive(Debug)]
pub(super) struct Asked(pub(super) Arc<Challenges>);

/// What the configuration of one moment comes to.
struct Table {
    made_of: Arc<Certificates>,
    by_name: HashMap<Box<str>, Arc<CertifiedKey>>,
}

/// Why a stored certificate is not served; it was checked when it was stored.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("read the chain")]
    Chain(#[from] ChainError),
    #[error("use the key with the chain")]
    Key(#[from] KeyError),
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
        let table = Mutex::new(Table::new(&cell.load()));
        Ok(Resolver { cell, table, default: Arc::new(default) })
    }

    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let current = self.cell.load();
        let mut table = locked(&self.table);
        if !Arc::ptr_eq(&table.made_of, &current.certificates) {
            *table = Table::new(&current);
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

// === impl Asked ===

impl ResolvesServerCert for Asked {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        hello.server_name().and_then(|name| self.0.find(name))
    }
}

// === impl Table ===

impl Table {
    /// Of each certificate the names in its zone alone: the others are not its owner's to be shown for.
    fn new(snapshot: &Snapshot) -> Table {
        let mut by_name = HashMap::new();
        let mut stored: Vec<_> = snapshot.certificates.values().collect();
        stored.sort_by_key(|certificate| certificate.rank());
        for certificate in stored {
            match certified(certificate) {
                Ok(key) => {
                    let key = Arc::new(key);
                    for host in snapshot.hosts_of(certificate) {
                        by_name.insert(host.as_str().into(), Arc::clone(&key));
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, id = %certificate.id, "a certificate is not served");
                }
            }
        }
        Table { made_of: Arc::clone(&snapshot.certificates), by_name }
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

fn certified(certificate: &Certificate) -> Result<CertifiedKey, Unusable> {
    Ok(Chain::read(&certificate.chain_pem)?.with_key(certificate.key_pem.reveal())?)
}
