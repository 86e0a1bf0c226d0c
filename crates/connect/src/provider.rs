//! The cryptography that all TLS here is made of: that of `ring`, or of AWS-LC in a program that was built with it.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as chosen;
#[cfg(not(feature = "aws-lc-rs"))]
use rustls::crypto::ring as chosen;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::ProducesTickets;
use rustls::sign::SigningKey;
use rustls::{Error, SignatureScheme};

/// Versions, ciphers and key exchanges as the provider has them by default.
pub fn crypto() -> Arc<CryptoProvider> {
    Arc::new(chosen::default_provider())
}

/// The key of a certificate: RSA, ECDSA P-256 or P-384, Ed25519, whatever else the provider can do.
///
/// # Errors
/// When it is of another type, or damaged.
pub fn key(der: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
    let key = chosen::default_provider().key_provider.load_private_key(der)?;
    // AWS-LC signs with it, and a program with ring finds the same store.
    if key.choose_scheme(&[SignatureScheme::ECDSA_NISTP521_SHA512]).is_some() {
        return Err(Error::General("P-521 is not a supported type of key".into()));
    }
    Ok(key)
}

/// What seals session tickets (RFC 5077), with keys of its own that it makes anew every few hours.
///
/// # Errors
/// When the system has no random bytes.
pub fn ticketer() -> Result<Arc<dyn ProducesTickets>, Error> {
    chosen::Ticketer::new()
}

#[cfg(test)]
mod tests {
    use rustls::{CipherSuite, NamedGroup};

    use super::*;

    #[test]
    fn every_provider_has_the_same_ciphers_and_the_groups_that_it_has_by_default() {
        use CipherSuite::{
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
        };
        use NamedGroup::{X25519, X25519MLKEM768, secp256r1, secp384r1};
        let provider = crypto();
        let suites: Vec<CipherSuite> =
            provider.cipher_suites.iter().map(|suite| suite.suite()).collect();
        assert_eq!(
            suites,
            [
                TLS13_AES_256_GCM_SHA384,
                TLS13_AES_128_GCM_SHA256,
                TLS13_CHACHA20_POLY1305_SHA256,
                TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            ]
        );
        let groups: Vec<NamedGroup> = provider.kx_groups.iter().map(|group| group.name()).collect();
        let expected: &[NamedGroup] = if cfg!(feature = "aws-lc-rs") {
            &[X25519MLKEM768, X25519, secp256r1, secp384r1]
        } else {
            &[X25519, secp256r1, secp384r1]
        };
        assert_eq!(groups, expected);
    }
}
