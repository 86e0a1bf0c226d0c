use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("testdata/", $name))
    };
}

/// A leaf, the intermediate that issued it, and the root that issued that.
struct Authority {
    leaf: String,
    leaf_key: String,
    intermediate: String,
    root: String,
}

// === impl Authority ===

impl Authority {
    fn new() -> Authority {
        let root = CertifiedIssuer::self_signed(issuer("Root"), KeyPair::generate().unwrap());
        let root = root.unwrap();
        let key = KeyPair::generate().unwrap();
        let intermediate = CertifiedIssuer::signed_by(issuer("Intermediate"), key, &root).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &intermediate).unwrap();
        Authority {
            leaf: leaf.pem(),
            leaf_key: key.serialize_pem(),
            intermediate: intermediate.pem(),
            root: root.pem(),
        }
    }

    fn chain(&self) -> String {
        format!("{}{}{}", self.leaf, self.intermediate, self.root)
    }
}

fn issuer(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn said<T, E: std::fmt::Display>(outcome: Result<T, E>) -> String {
    outcome.map_or_else(|why| why.to_string(), |_| "ok".into())
}

#[test]
fn every_form_of_a_key_is_read_and_belongs_to_its_certificate_alone() {
    let check = |chain: &str, key: &str, want: &str| {
        assert_eq!(said(Chain::read(chain).unwrap().with_key(key)), want, "{key}");
    };
    let (rsa, p256) = (data!("rsa.pem"), data!("p256.pem"));
    check(rsa, data!("rsa.pkcs8.key"), "ok");
    check(rsa, data!("rsa.pkcs1.key"), "ok");
    check(p256, data!("p256.sec1.key"), "ok");
    check(data!("ed25519.pem"), data!("ed25519.key"), "ok");
    check(rsa, data!("p256.sec1.key"), "does not belong to the certificate");
    check(p256, data!("rsa.pkcs8.key"), "does not belong to the certificate");
    let encrypted = "is encrypted, and nobody could decrypt it when a client comes";
    check(p256, data!("encrypted.key"), encrypted);
    check(rsa, data!("encrypted.pkcs1.key"), encrypted);
    let unsupported =
        "is damaged, or not of a supported type: RSA from 2048 bits, ECDSA P-256 or P-384, Ed25519";
    check(data!("p521.pem"), data!("p521.sec1.key"), unsupported);
    check(rsa, data!("small.key"), unsupported);
    let missing = "holds no private key in PEM: PKCS#8, PKCS#1 or SEC1";
    check(rsa, "", missing);
    check(rsa, rsa, missing);
    check(rsa, "-----BEGIN PRIVATE KEY-----\nMIIB\n", missing);
    check(data!("version1.pem"), data!("p256.sec1.key"), "certificate 1 cannot be used for TLS");
}

#[test]
fn a_chain_is_shown_as_it_was_written() {
    let authority = Authority::new();
    let certified = Chain::read(&authority.chain()).unwrap().with_key(&authority.leaf_key).unwrap();
    let ders = [&authority.leaf, &authority.intermediate, &authority.root]
        .map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap());
    assert_eq!(certified.cert, ders);
}

#[test]
fn a_chain_goes_from_the_leaf_upwards() {
    let Authority { leaf, leaf_key, intermediate, root } = &Authority::new();
    let check = |parts: &[&str], want: &str| {
        assert_eq!(said(Chain::read(&parts.concat())), want, "{}", parts.concat());
    };
    check(&[leaf], "ok");
    check(&[leaf, intermediate], "ok");
    check(&["Bag Attributes\n", leaf, "\n\n# and so on\n", intermediate, root], "ok");
    check(&[intermediate, leaf], "certificate 2 did not issue the one before it");
    check(&[leaf, intermediate, leaf], "certificate 3 did not issue the one before it");
    check(&[leaf, leaf_key], "holds something that is not a certificate");
    check(&[], "holds no certificate");
    check(&["certificate"], "holds no certificate");
    check(&[&leaf[..leaf.len() / 2]], "is not PEM");
    let long = [root.as_str()].repeat(CHAIN_CERTIFICATES_MAX + 1);
    check(&long[1..], "ok");
    check(&long, "holds more than 10 certificates");
    let odd = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    check(&[leaf, odd], "certificate 2 is not X.509");
}

#[test]
fn a_leaf_says_whom_it_is_for_and_who_issued_it() {
    let check = |pem: &str, hosts: &[&str], issuer: &str, signature: &str| {
        let chain = Chain::read(pem).unwrap();
        let facts = chain.facts();
        assert_eq!((&*facts.issuer, &*facts.signature), (issuer, signature));
        assert_eq!(facts.hosts, hosts, "{issuer}");
    };
    let hosts = ["www.example.com", "*.example.com"];
    check(data!("rsa.pem"), &hosts, "ignored.example.com", "SHA256WithRSA");
    check(data!("p256.pem"), &["p256.example.com"], "Example Ltd", "ECDSAWithSHA256");
    check(data!("ed25519.pem"), &["ed25519.example.com"], "Example Ltd", "Ed25519");
    let nameless = issuer("An authority, not a host");
    let nameless = nameless.self_signed(&KeyPair::generate().unwrap()).unwrap();
    check(&nameless.pem(), &[], "An authority, not a host", "ECDSAWithSHA256");
}

#[test]
fn validity_is_told_to_the_second_and_for_ever_is_a_time_that_can_be_told() {
    let check = |years: (i32, i32), want: [&str; 2]| {
        let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 2, 3);
        params.not_after = rcgen::date_time_ymd(years.1, 12, 31);
        let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
        let chain = Chain::read(&pem).unwrap();
        let facts = chain.facts();
        assert_eq!([facts.starts_on, facts.expires_on].map(|at| at.to_string()), want);
    };
    check((2026, 2027), ["2026-02-03T00:00:00.000000Z", "2027-12-31T00:00:00.000000Z"]);
    check((1960, 9999), ["1970-01-01T00:00:00.000000Z", "9999-12-30T22:00:00.000000Z"]);
}

#[test]
fn roots_are_certificates_and_nothing_else() {
    let authority = Authority::new();
    assert_eq!(roots(&authority.root).unwrap().len(), 1);
    assert_eq!(roots(&format!("{0}{0}", authority.root)).unwrap().len(), 2);
    assert_eq!(said(roots("")), "holds no certificate");
    assert_eq!(said(roots(&authority.leaf_key)), "holds something that is not a certificate");
    let odd = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert_eq!(said(roots(odd)), "certificate 1 cannot be a root");
}
