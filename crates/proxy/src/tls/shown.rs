//! What an origin is told of the certificate that a client showed.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::CommonState;
use rustls::pki_types::CertificateDer;
use trimtab_connect::identity::subject;

/// `verified; subject="…"; sha256=…`, made once for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown(Arc<str>);

/// Of a subject; the digest tells apart what it cuts.
const SUBJECT_CHARS_MAX: usize = 512;

// === impl Shown ===

impl Shown {
    /// None when the client showed none; one that does not verify ends the handshake.
    pub(crate) fn of(tls: &CommonState) -> Option<Shown> {
        Shown::of_chain(tls.peer_certificates()?)
    }

    pub(crate) fn of_chain(chain: &[CertificateDer<'_>]) -> Option<Shown> {
        chain.first().map(|leaf| Shown::of_leaf(leaf))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    fn of_leaf(der: &[u8]) -> Shown {
        let mut text = String::from("verified; subject=\"");
        // A certificate that was verified has a subject, which may be empty.
        for c in subject(der).unwrap_or_default().chars().take(SUBJECT_CHARS_MAX) {
            match c {
                '"' | '\\' => text.extend(['\\', c]),
                ' '..='~' => text.push(c),
                // A field value has no room for it (RFC 9110 section 5.5).
                _ => text.push('?'),
            }
        }
        text.push_str("\"; sha256=");
        for byte in ring::digest::digest(&ring::digest::SHA256, der).as_ref() {
            // Writing to a string cannot fail.
            let written = write!(text, "{byte:02x}");
            debug_assert!(written.is_ok());
        }
        Shown(text.into())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn a_subject_cannot_end_its_quotes_or_the_field() {
        let check = |subject: &str, want: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, subject);
            let leaf = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let shown = Shown::of_leaf(leaf.der());
            let (told, digest) = shown.text().rsplit_once("; sha256=").unwrap();
            assert_eq!(told, format!("verified; subject=\"{want}\""));
            assert!(
                digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()),
                "{digest}"
            );
        };
        check("a device", "CN=a device");
        check("a\"; sha256=\\", "CN=a\\\"; sha256=\\\\");
        check("a\r\nhost: b\u{e9}", "CN=a??host: b?");
        check(&"x".repeat(600), &format!("CN={}", "x".repeat(509)));
    }
}
