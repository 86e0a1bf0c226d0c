//! When certificates end.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use trimtab_acme::board::Orders;
use trimtab_live::Certificates;
use trimtab_model::{Certificate, Timestamp};

use super::{counters, gauges};

/// Names that are told; those that end first. The others end later than all of these.
const NAMES_MAX: usize = 1_000;
const MICROS_PER_SEC: f64 = 1e6;

pub(super) fn encode(
    certificates: &Certificates,
    now: Timestamp,
    to: &mut DescriptorEncoder,
) -> fmt::Result {
    let help = "when the certificate that is shown for a name ends";
    let ends = ends(certificates, now)
        .into_iter()
        .map(|(name, micros)| (vec![("name", name.to_owned())], micros as f64 / MICROS_PER_SEC));
    gauges(to, "tls_certificate_expiry_timestamp_seconds", help, ends)
}

pub(super) fn encode_orders(orders: Orders, to: &mut DescriptorEncoder) -> fmt::Result {
    let Orders { issued, failed } = orders;
    let results = [("issued", issued), ("failed", failed)];
    let results = results.map(|(result, count)| (vec![("result", result.to_owned())], count));
    counters(to, "acme_orders", "certificates ordered, by what came of it", results)
}

/// By first host. Of several for one host the one that is shown counts.
fn ends(certificates: &Certificates, now: Timestamp) -> Vec<(&str, i64)> {
    let mut shown: BTreeMap<&str, &Certificate> = BTreeMap::new();
    for certificate in certificates.values() {
        let Some(name) = certificate.facts.hosts.first() else { continue };
        let known = shown.entry(name).or_insert(certificate);
        if known.rank_at(now) < certificate.rank_at(now) {
            *known = certificate;
        }
    }
    let shown = shown.into_iter();
    let mut ends: Vec<_> =
        shown.map(|(name, certificate)| (name, certificate.facts.expires_on.micros())).collect();
    ends.sort_by_key(|&(name, micros)| (micros, name));
    ends.truncate(NAMES_MAX);
    ends
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use trimtab_model::certificate::{
        BundleMethod, CertificateFacts, CertificateSource, CertificateType,
    };
    use trimtab_model::{CertificateId, SecretPem, ZoneId};

    use super::*;

    fn certificates(of: &[(&str, i64)]) -> Certificates {
        let one = |(index, (host, end)): (usize, &(&str, i64))| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&index.to_be_bytes());
            let certificate = Certificate {
                id: CertificateId::new(bytes),
                zone: ZoneId::new([1; 16]),
                chain_pem: String::new(),
                key_pem: SecretPem::new(""),
                facts: CertificateFacts {
                    hosts: vec![(*host).into(), "second.example".into()],
                    issuer: String::new(),
                    signature: String::new(),
                    starts_on: Timestamp::default(),
                    expires_on: Timestamp::from_micros(*end),
                },
                source: CertificateSource::Upload,
                kind: CertificateType::LegacyCustom,
                bundle_method: BundleMethod::Ubiquitous,
                geo_restriction: None,
                policy: None,
                priority: 9 - index.min(9) as u32,
                uploaded_on: Timestamp::default(),
                modified_on: Timestamp::default(),
            };
            (certificate.id, Arc::new(certificate))
        };
        of.iter().enumerate().map(one).collect()
    }

    #[test]
    fn a_name_ends_with_the_certificate_that_is_shown() {
        let certificates = certificates(&[("a.example", 5), ("b.example", 1), ("a.example", 7)]);
        let ends = |now| ends(&certificates, Timestamp::from_micros(now));
        assert_eq!(ends(0), [("b.example", 1), ("a.example", 5)]);
        assert_eq!(ends(5), [("b.example", 1), ("a.example", 7)]);
    }

    #[test]
    fn of_too_many_names_those_that_end_first_are_told() {
        let names: Vec<String> = (0..NAMES_MAX + 5).map(|number| format!("n{number}")).collect();
        let of: Vec<(&str, i64)> =
            names.iter().zip(1..).map(|(name, number)| (name.as_str(), -number)).collect();
        let certificates = certificates(&of);
        let told = ends(&certificates, Timestamp::default());
        assert_eq!((told.len(), told[0].0), (NAMES_MAX, "n1004"));
        assert!(!told.iter().any(|(name, _)| *name == "n4"));
    }
}
