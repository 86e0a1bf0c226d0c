//! Certificates and keys from PEM to what a handshake needs: the same code checks them when they are saved and
//! loads them when they are used.

use std::collections::BTreeSet;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use trimtab_model::certificate::{CHAIN_CERTIFICATES_MAX, CertificateFacts};
use trimtab_model::{Name, Timestamp};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{
    OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA,
    OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384,
    OID_SIG_ECDSA_WITH_SHA512, OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::provider;
use crate::session::Shown;

/// Seconds. RFC 5280 section 4.1.2.5 writes "never expires" as the end of 9999, which lies outside what our times
/// can say in every time zone; this is the day before.
const LATEST_SECONDS: i64 = 253_402_207_200;
const MICROS_PER_SEC: i64 = 1_000_000;

/// A certificate, and those that lead from it towards a root.
#[derive(Clone, Debug)]
pub struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    facts: CertificateFacts,
}

/// Why a text is not a chain. Certificates are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error("is not PEM")]
    Pem(#[source] pem::Error),
    #[error("holds no certificate")]
    Empty,
    #[error("holds more than {CHAIN_CERTIFICATES_MAX} certificates")]
    TooMany,
    #[error("holds something that is not a certificate")]
    Foreign,
    #[error("certificate {0} is not X.509")]
    NotX509(usize),
    #[error("certificate {0} did not issue the one before it")]
    OutOfOrder(usize),
    #[error("certificate {0} cannot be a root")]
    NotARoot(usize, #[source] rustls::Error),
}

/// Why a text is not the key of a chain. None of these carries a part of the text.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("holds no private key in PEM: PKCS#8, PKCS#1 or SEC1")]
    Missing,
    #[error("is encrypted, and nobody could decrypt it when a client comes")]
    Encrypted,
    #[error(
        "is damaged, or not of a supported type: RSA from 2048 bits, ECDSA P-256 or P-384, Ed25519"
    )]
    Unsupported,
    #[error("does not belong to the certificate")]
    Unmatched,
    /// The chain's fault, found only now.
    #[error("certificate 1 cannot be used for TLS")]
    Certificate(#[source] rustls::Error),
}

// === impl Chain ===

impl Chain {
    /// Reads certificates, leaf first, each further one the issuer of the one before.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn read(text: &str) -> Result<Chain, ChainError> {
        let certificates = certificates(text, CHAIN_CERTIFICATES_MAX)?;
        let parsed = certificates.iter().zip(1..).map(|(der, number)| parse(der, number));
        let parsed: Vec<X509Certificate<'_>> = parsed.collect::<Result<_, _>>()?;
        for (pair, number) in parsed.windows(2).zip(2..) {
            if let [issued, issuer] = pair
                && issued.issuer().as_raw() != issuer.subject().as_raw()
            {
                return Err(ChainError::OutOfOrder(number));
            }
        }
        let facts = facts(parsed.first().ok_or(ChainError::Empty)?);
        Ok(Chain { certificates, facts })
    }

    /// What the leaf says of itself; certificates of clients may name no hosts.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The chain with its key, ready to be shown.
    ///
    /// # Errors
    /// When the text is not the key of the leaf.
    pub fn with_key(&self, text: &str) -> Result<CertifiedKey, KeyError> {
        if text.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        // What PEM has to say may repeat a line of the key.
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::Missing)?;
        let key = provider::key(key);
        let key = key.map_err(|_| KeyError::Unsupported)?;
        let certified = CertifiedKey::new(self.certificates.clone(), key);
        match certified.keys_match() {
            Ok(()) => Ok(certified),
            Err(rustls::Error::InconsistentKeys(_)) => Err(KeyError::Unmatched),
            Err(why) => Err(KeyError::Certificate(why)),
        }
    }
}

/// Certificates that are trusted in place of the system's roots.
///
/// # Errors
/// When the text holds anything but certificates, or one that cannot be a root.
pub fn roots(text: &str) -> Result<RootCertStore, ChainError> {
    let mut roots = RootCertStore::empty();
    for (der, number) in certificates(text, usize::MAX)?.into_iter().zip(1..) {
        roots.add(der).map_err(|why| ChainError::NotARoot(number, why))?;
    }
    Ok(roots)
}

/// Whom a certificate is of, such as `CN=example`; None when it is not X.509.
pub fn subject(der: &[u8]) -> Option<String> {
    // It passed a verifier, which reads no more of it than it must.
    parse(der, 1).ok().map(|certificate| certificate.subject().to_string())
}

/// What a certificate says of itself; None when it is not X.509.
pub(crate) fn shown(der: &[u8]) -> Option<Shown> {
    // Whoever accepts every certificate may be shown anything.
    let leaf = parse(der, 1).ok()?;
    let CertificateFacts { hosts, expires_on, .. } = facts(&leaf);
    Some(Shown { subject: leaf.subject().to_string(), hosts, expires_on })
}

fn certificates(text: &str, most: usize) -> Result<Vec<CertificateDer<'static>>, ChainError> {
    let mut certificates = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        let (kind, der) = section.map_err(ChainError::Pem)?;
        // A key that was pasted here by mistake would be kept with what is shown to everyone.
        if kind != SectionKind::Certificate {
            return Err(ChainError::Foreign);
        }
        if certificates.len() == most {
            return Err(ChainError::TooMany);
        }
        certificates.push(CertificateDer::from(der));
    }
    if certificates.is_empty() { Err(ChainError::Empty) } else { Ok(certificates) }
}

fn parse(der: &[u8], number: usize) -> Result<X509Certificate<'_>, ChainError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err(ChainError::NotX509(number)),
    }
}

fn facts(leaf: &X509Certificate<'_>) -> CertificateFacts {
    let validity = leaf.validity();
    CertificateFacts {
        hosts: hosts(leaf),
        issuer: display_name(leaf.issuer()),
        signature: signature(leaf),
        starts_on: timestamp(validity.not_before.timestamp()),
        expires_on: timestamp(validity.not_after.timestamp()),
    }
}

/// RFC 6125 section 6.4.4: the common name counts only where no alternative name is a DNS name.
fn hosts(leaf: &X509Certificate<'_>) -> Vec<String> {
    // An extension that cannot be read names nothing.
    let alternatives = leaf.subject_alternative_name().ok().flatten();
    let listed = alternatives.iter().flat_map(|names| &names.value.general_names);
    let mut names: Vec<&str> = listed
        .filter_map(|name| match name {
            GeneralName::DNSName(host) => Some(*host),
            _ => None,
        })
        .collect();
    if names.is_empty() {
        names.extend(leaf.subject().iter_common_name().filter_map(text));
    }
    let mut seen = BTreeSet::new();
    let hosts = names.iter().filter_map(|name| name.parse::<Name>().ok());
    hosts.filter(|host| seen.insert(host.clone())).map(|host| host.to_string()).collect()
}

/// How people call an authority: by its organisation, else its common name, else everything there is.
fn display_name(name: &X509Name<'_>) -> String {
    let organisation = name.iter_organization().find_map(text);
    let short = organisation.or_else(|| name.iter_common_name().find_map(text));
    short.map_or_else(|| name.to_string(), str::to_owned)
}

fn text<'a>(attribute: &'a AttributeTypeAndValue<'_>) -> Option<&'a str> {
    attribute.as_str().ok()
}

/// In the words of the hosted API; the number of an algorithm that has none.
fn signature(leaf: &X509Certificate<'_>) -> String {
    let words = [
        (OID_PKCS1_SHA256WITHRSA, "SHA256WithRSA"),
        (OID_PKCS1_SHA384WITHRSA, "SHA384WithRSA"),
        (OID_PKCS1_SHA512WITHRSA, "SHA512WithRSA"),
        (OID_PKCS1_SHA1WITHRSA, "SHA1WithRSA"),
        (OID_PKCS1_RSASSAPSS, "RSAPSS"),
        (OID_SIG_ECDSA_WITH_SHA256, "ECDSAWithSHA256"),
        (OID_SIG_ECDSA_WITH_SHA384, "ECDSAWithSHA384"),
        (OID_SIG_ECDSA_WITH_SHA512, "ECDSAWithSHA512"),
        (OID_SIG_ED25519, "Ed25519"),
    ];
    let algorithm = &leaf.signature_algorithm.algorithm;
    let word = words.iter().find(|(known, _)| known == algorithm).map(|(_, word)| *word);
    word.map_or_else(|| algorithm.to_id_string(), str::to_owned)
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.clamp(0, LATEST_SECONDS) * MICROS_PER_SEC)
}

#[cfg(test)]
mod tests;
