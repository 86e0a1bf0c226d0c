//! Certificates of a zone: what the proxy's listeners show, chosen by the name that a client asks for.

use serde::{Deserialize, Serialize};

use crate::{CertificateId, SecretPem, Timestamp, ZoneId, words};

/// Of a chain in PEM; a handshake carries it, and ten large certificates fit.
pub const CHAIN_CHARS_MAX: usize = 64 * 1024;
/// Clients give up on longer chains.
pub const CHAIN_CERTIFICATES_MAX: usize = 10;
/// Of a private key in PEM; RSA with 8,192 bits fits twice.
pub const KEY_CHARS_MAX: usize = 16 * 1024;
/// Certificates of one zone; all of them are read when one is added.
pub const CERTIFICATES_MAX: usize = 1_000;
/// The expression that says where a key may be held.
pub const POLICY_CHARS_MAX: usize = 1_024;
pub const PRIORITY_MAX: u32 = 1_000_000_000;

words! {
    /// What the hosted API does to a chain; here it is shown as it came.
    BundleMethod { Ubiquitous = "ubiquitous", Optimal = "optimal", Force = "force" }
}
words! {
    /// Whether clients without SNI may be shown the certificate.
    CertificateType { LegacyCustom = "legacy_custom", SniCustom = "sni_custom" }
}
words! {
    /// Where the hosted API holds the key; kept and without effect.
    GeoRestriction { Us = "us", Eu = "eu", HighestSecurity = "highest_security" }
}

words! {
    /// Who brings a certificate and its successors.
    CertificateSource { Upload = "upload", Acme = "acme" }
}

/// A certificate with its chain and its key, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub id: CertificateId,
    pub zone: ZoneId,
    #[serde(default)]
    pub source: CertificateSource,
    /// Leaf first, each further one the issuer of the one before.
    pub chain_pem: String,
    pub key_pem: SecretPem,
    #[serde(flatten)]
    pub facts: CertificateFacts,
    #[serde(rename = "type")]
    pub kind: CertificateType,
    pub bundle_method: BundleMethod,
    pub geo_restriction: Option<GeoRestriction>,
    pub policy: Option<String>,
    /// Where two are for one name, the higher wins.
    pub priority: u32,
    /// When the chain or the key came.
    pub uploaded_on: Timestamp,
    pub modified_on: Timestamp,
}

/// What a leaf says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Lower case; wildcards are `*.` and a name. Never empty.
    pub hosts: Vec<String>,
    pub issuer: String,
    /// Such as `SHA256WithRSA`.
    pub signature: String,
    pub starts_on: Timestamp,
    pub expires_on: Timestamp,
}

words! {
    /// What time makes of a certificate.
    CertificateStatus { Active = "active", Expired = "expired", Pending = "pending" }
}

// === impl Certificate ===

impl Certificate {
    /// The greater is shown where two are for one name: what somebody uploaded, then `legacy_custom` before
    /// `sni_custom`, then by priority, then the one that was uploaded last.
    pub fn rank(&self) -> impl Ord + use<> {
        let legacy = match self.kind {
            CertificateType::LegacyCustom => true,
            CertificateType::SniCustom => false,
        };
        let uploaded = match self.source {
            CertificateSource::Upload => true,
            CertificateSource::Acme => false,
        };
        (uploaded, legacy, self.priority, self.uploaded_on, self.id)
    }

    /// The same of one moment: one that clients believe goes before one that they do not.
    pub fn rank_at(&self, now: Timestamp) -> impl Ord + use<> {
        (self.facts.status(now) == CertificateStatus::Active, self.rank())
    }
}

// === impl CertificateFacts ===

impl CertificateFacts {
    pub fn status(&self, now: Timestamp) -> CertificateStatus {
        if self.expires_on <= now {
            CertificateStatus::Expired
        } else if now < self.starts_on {
            CertificateStatus::Pending
        } else {
            CertificateStatus::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(kind: CertificateType, priority: u32, uploaded: i64) -> Certificate {
        Certificate {
            id: CertificateId::new([1; 16]),
            zone: ZoneId::new([2; 16]),
            source: CertificateSource::Upload,
            chain_pem: "chain".into(),
            key_pem: SecretPem::new("the key"),
            facts: CertificateFacts {
                hosts: vec!["www.example.com".into()],
                issuer: "An authority".into(),
                signature: "SHA256WithRSA".into(),
                starts_on: Timestamp::from_micros(10),
                expires_on: Timestamp::from_micros(20),
            },
            kind,
            bundle_method: BundleMethod::Ubiquitous,
            geo_restriction: None,
            policy: None,
            priority,
            uploaded_on: Timestamp::from_micros(uploaded),
            modified_on: Timestamp::from_micros(uploaded),
        }
    }

    #[test]
    fn an_upload_outranks_then_a_legacy_certificate_then_priority_then_the_last_upload() {
        use CertificateType::{LegacyCustom, SniCustom};
        let mut managed = certificate(LegacyCustom, 9, 9);
        managed.source = CertificateSource::Acme;
        assert!(managed.rank() < certificate(SniCustom, 0, 0).rank());
        let ranked =
            [(SniCustom, 9, 9), (LegacyCustom, 0, 9), (LegacyCustom, 1, 1), (LegacyCustom, 1, 2)];
        let ranks = ranked.map(|(kind, priority, at)| certificate(kind, priority, at).rank());
        assert!(ranks.is_sorted());
    }

    #[test]
    fn what_is_valid_now_outranks_what_is_not() {
        let at = Timestamp::from_micros;
        let mut pending = certificate(CertificateType::LegacyCustom, 9, 9);
        pending.facts.starts_on = at(15);
        let valid = certificate(CertificateType::SniCustom, 0, 0);
        let wins = |now| valid.rank_at(at(now)) > pending.rank_at(at(now));
        assert_eq!([9, 14, 15, 20].map(wins), [false, true, false, false]);
    }

    #[test]
    fn a_certificate_is_active_from_its_first_moment_until_before_its_last() {
        let facts = certificate(CertificateType::LegacyCustom, 0, 0).facts;
        let status = |now| facts.status(Timestamp::from_micros(now)).word();
        assert_eq!([9, 10, 19, 20].map(status), ["pending", "active", "active", "expired"]);
    }

    #[test]
    fn what_is_stored_is_read_back_and_the_key_is_not_shown() {
        let certificate = certificate(CertificateType::SniCustom, 3, 5);
        let stored = serde_json::to_string(&certificate).unwrap();
        assert_eq!(serde_json::from_str::<Certificate>(&stored).unwrap(), certificate);
        assert!(!format!("{certificate:?}").contains("the key"));
        let before = stored.replace(r#""source":"upload","#, "");
        assert_eq!(serde_json::from_str::<Certificate>(&before).unwrap(), certificate);
    }
}
