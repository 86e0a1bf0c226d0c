//! Certificates that an authority looks at before it believes that a name is ours (RFC 8737): the issuer puts
//! them here, the listeners show them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::sign::CertifiedKey;

/// The protocol of such a handshake (RFC 8737 section 6.2).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// By name. Empty but for the seconds in which an authority looks.
#[derive(Debug, Default)]
pub struct Challenges(Mutex<HashMap<Box<str>, Arc<CertifiedKey>>>);

/// A certificate is shown while this lives.
#[derive(Debug)]
#[must_use]
pub struct Placed {
    at: Arc<Challenges>,
    name: Box<str>,
}

// === impl Challenges ===

impl Challenges {
    /// In the place of any other for the name, which is in lower case.
    pub fn place(self: &Arc<Challenges>, name: &str, certificate: CertifiedKey) -> Placed {
        self.table().insert(name.into(), Arc::new(certificate));
        Placed { at: Arc::clone(self), name: name.into() }
    }

    pub fn is_empty(&self) -> bool {
        self.table().is_empty()
    }

    pub fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.table().get(&*name.to_ascii_lowercase()).cloned()
    }

    /// Nothing that holds the lock can panic half way.
    fn table(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<CertifiedKey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Placed ===

impl Drop for Placed {
    fn drop(&mut self) {
        self.at.table().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;
    use rustls::pki_types::PrivateKeyDer;

    use super::*;
    use crate::provider;

    #[test]
    fn a_certificate_is_found_by_its_name_in_any_case_while_its_place_is_held() {
        let made = generate_simple_self_signed(vec!["www.example.com".into()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let key = provider::key(key).unwrap();
        let certificate = CertifiedKey::new(vec![made.cert.der().clone()], key);
        let challenges = Arc::<Challenges>::default();
        let placed = challenges.place("www.example.com", certificate);
        let found = ["WWW.example.com", "example.com"].map(|name| challenges.find(name).is_some());
        assert_eq!((found, challenges.is_empty()), ([true, false], false));
        drop(placed);
        assert!(challenges.is_empty() && challenges.find("www.example.com").is_none());
    }
}
