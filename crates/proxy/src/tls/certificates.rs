//! Certificates by name: exact, then the wildcard above it, then the one that every node makes for itself. What the
//! client cannot use or will not believe is the last choice.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use hashbrown::HashMap;
use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use trimtab_connect::{Chain, ChainError, Challenges, KeyError};
use trimtab_live::{Cell, Certificates, Snapshot};
use trimtab_model::certificate::CertificateFacts;
use trimtab_model::{Certificate, Timestamp};

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
    candidates: Candidates,
}

/// What may be shown for each name; what ranks highest comes first.
#[derive(Default)]
struct Candidates(HashMap<Box<str>, Vec<Candidate>>);

#[derive(Clone)]
struct Candidate {
    key: Arc<CertifiedKey>,
    valid: Range<Timestamp>,
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

    fn find(&self, name: &str, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let current = self.cell.load();
        let mut table = locked(&self.table);
        if !Arc::ptr_eq(&table.made_of, &current.certificates) {
            *table = Table::new(&current);
        }
        let reads = |key: &CertifiedKey| key.key.choose_scheme(schemes).is_some();
        let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
        table.candidates.find(name, now, reads)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let find = |name| self.find(name, hello.signature_schemes());
        let found = hello.server_name().and_then(find);
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
        let mut candidates = Candidates::default();
        let mut stored: Vec<_> = snapshot.certificates.values().collect();
        stored.sort_by_key(|certificate| Reverse(certificate.rank()));
        for certificate in stored {
            match certified(certificate) {
                Ok(key) => {
                    let candidate = Candidate::new(key, &certificate.facts);
                    for host in snapshot.hosts_of(certificate) {
                        candidates.add(host.as_str(), candidate.clone());
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, id = %certificate.id, "a certificate is not served");
                }
            }
        }
        Table { made_of: Arc::clone(&snapshot.certificates), candidates }
    }
}

// === impl Candidates ===

impl Candidates {
    fn add(&mut self, host: &str, candidate: Candidate) {
        self.0.entry(host.into()).or_default().push(candidate);
    }

    /// A wildcard stands for one label (RFC 6125 section 6.4.3). One that the client has no signature scheme for would
    /// end the handshake, so that even an expired one that it can read goes before it.
    fn find(
        &self,
        name: &str,
        now: Timestamp,
        reads: impl Fn(&CertifiedKey) -> bool,
    ) -> Option<Arc<CertifiedKey>> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let above = name.split_once('.').map(|(_, above)| format!("*.{above}"));
        let names = std::iter::once(&name).chain(&above);
        let candidates = names.filter_map(|name| self.0.get(name.as_str())).flatten();
        // The first of equals.
        let best = candidates.min_by_key(|one| (!reads(&one.key), !one.valid.contains(&now)));
        best.map(|one| Arc::clone(&one.key))
    }
}

// === impl Candidate ===

impl Candidate {
    fn new(key: CertifiedKey, facts: &CertificateFacts) -> Candidate {
        Candidate { key: Arc::new(key), valid: facts.starts_on..facts.expires_on }
    }
}

fn certified(certificate: &Certificate) -> Result<CertifiedKey, Unusable> {
    Ok(Chain::read(&certificate.chain_pem)?.with_key(certificate.key_pem.reveal())?)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
    use rustls::SignatureAlgorithm;

    use super::*;

    type Row = (&'static str, (i64, i64), SignatureAlgorithm);

    fn candidate((_, (starts, ends), algorithm): &Row) -> Candidate {
        let pair = KeyPair::generate_for(match algorithm {
            SignatureAlgorithm::ED25519 => &PKCS_ED25519,
            _ => &PKCS_ECDSA_P256_SHA256,
        });
        let pair = pair.unwrap();
        let made = CertificateParams::default().self_signed(&pair).unwrap();
        let chain = Chain::read(&made.pem()).unwrap();
        let key = Arc::new(chain.with_key(&pair.serialize_pem()).unwrap());
        Candidate { key, valid: Timestamp::from_micros(*starts)..Timestamp::from_micros(*ends) }
    }

    /// Which of the rows a client is shown at 10 that reads those algorithms.
    fn check(rows: &[Row], name: &str, reads: &[SignatureAlgorithm], want: Option<usize>) {
        let made: Vec<Candidate> = rows.iter().map(candidate).collect();
        let mut candidates = Candidates::default();
        for (row, one) in rows.iter().zip(&made) {
            candidates.add(row.0, one.clone());
        }
        let now = Timestamp::from_micros(10);
        let found = candidates.find(name, now, |key| reads.contains(&key.key.algorithm()));
        let found = found.map(|key| made.iter().position(|one| Arc::ptr_eq(&one.key, &key)));
        assert_eq!(found, want.map(Some), "{rows:?} for {name}");
    }

    #[test]
    fn the_highest_that_is_valid_now_is_shown_and_without_one_the_highest() {
        const EC: SignatureAlgorithm = SignatureAlgorithm::ECDSA;
        let (host, wildcard) = ("a.example", "*.example");
        let (past, current, future) = ((1, 10), (10, 11), (11, 20));
        let rows = |rows: &[(&'static str, (i64, i64))]| {
            rows.iter().map(|&(host, valid)| (host, valid, EC)).collect::<Vec<Row>>()
        };
        let check = |of: &[_], want| check(&rows(of), "A.example.", &[EC], want);
        check(&[(host, current), (host, current)], Some(0));
        check(&[(host, future), (host, past), (host, current)], Some(2));
        check(&[(host, past), (host, future)], Some(0));
        check(&[(wildcard, current), (host, current)], Some(1));
        check(&[(wildcard, current), (host, past)], Some(0));
        check(&[(wildcard, past), (host, past)], Some(1));
        check(&[("b.example", current)], None);
    }

    #[test]
    fn a_client_is_shown_one_that_it_can_read() {
        use SignatureAlgorithm::{ECDSA, ED25519};
        let current = (0, 20);
        let both = [("a.example", current, ECDSA), ("a.example", current, ED25519)];
        check(&both, "a.example", &[ECDSA, ED25519], Some(0));
        check(&both, "a.example", &[ED25519], Some(1));
        check(&both, "a.example", &[], Some(0));
        let past = [("a.example", current, ECDSA), ("a.example", (0, 1), ED25519)];
        check(&past, "a.example", &[ED25519], Some(1));
    }
}
