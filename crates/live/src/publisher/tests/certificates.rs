//! Certificates and the keys of session cookies on their way into snapshots.

use trimtab_model::certificate::{
    BundleMethod, CertificateFacts, CertificateSource, CertificateType,
};
use trimtab_model::{AffinityKeys, Certificate, CertificateId, SecretBytes, SecretPem};

use super::*;

fn key(id: u8) -> Key {
    Key::Certificate(ZONE, CertificateId::new([id; 16]))
}

fn certificate(id: u8, host: &str) -> Certificate {
    Certificate {
        id: CertificateId::new([id; 16]),
        zone: ZONE,
        chain_pem: String::new(),
        key_pem: SecretPem::new(""),
        facts: CertificateFacts {
            hosts: vec![host.into()],
            issuer: String::new(),
            signature: String::new(),
            starts_on: Timestamp::default(),
            expires_on: Timestamp::default(),
        },
        source: CertificateSource::Upload,
        kind: CertificateType::LegacyCustom,
        bundle_method: BundleMethod::Force,
        geo_restriction: None,
        policy: None,
        priority: 0,
        uploaded_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    }
}

fn written(id: u8, host: &str) -> Change {
    let document = Document::Certificate(Box::new(certificate(id, host)));
    Change { key: key(id), document: Some(document) }
}

fn hosts(bench: &mut Bench) -> Vec<String> {
    let snapshot = bench.publisher.snapshot();
    snapshot.certificates.values().flat_map(|one| one.facts.hosts.clone()).collect()
}

#[test]
fn certificates_come_change_and_go() {
    let mut bench = Bench::new(&["FRA"], None);
    bench.apply(vec![written(2, "b.example"), written(1, "a.example")], vec![]);
    assert_eq!(hosts(&mut bench), ["a.example", "b.example"]);
    bench.apply(vec![written(1, "c.example")], vec![]);
    assert_eq!(hosts(&mut bench), ["c.example", "b.example"]);
    let gone = |id| Change { key: key(id), document: None };
    bench.apply(vec![gone(1), gone(9)], vec![]);
    assert_eq!(hosts(&mut bench), ["b.example"]);
}

#[test]
fn what_did_not_change_is_the_same_value() {
    let mut bench = up_and_running();
    let keys = AffinityKeys::default().rotated(SecretBytes::new([7; 32]), Timestamp::default());
    let document = Some(Document::AffinityKeys(keys.clone()));
    let changes = vec![
        written(1, "a.example"),
        written(2, "b.example"),
        Change { key: Key::AffinityKeys, document },
    ];
    bench.apply(changes, vec![]);
    let before = bench.publisher.snapshot();
    assert_eq!(*before.affinity_keys, keys);
    bench.apply(vec![pool(5, &[1]), Change { key: key(9), document: None }], vec![]);
    let same = bench.publisher.snapshot();
    assert!(Arc::ptr_eq(&before.certificates, &same.certificates));
    assert!(Arc::ptr_eq(&before.affinity_keys, &same.affinity_keys));
    bench.apply(vec![written(2, "c.example")], vec![]);
    let after = bench.publisher.snapshot();
    let is_same = |id| {
        let id = CertificateId::new([id; 16]);
        Arc::ptr_eq(&before.certificates[&id], &after.certificates[&id])
    };
    assert_eq!((is_same(1), is_same(2)), (true, false));
    assert_eq!(before.certificates[&CertificateId::new([2; 16])].facts.hosts, ["b.example"]);
}

#[test]
fn a_certificate_is_for_the_names_in_its_zone_alone() {
    let mut bench = up_and_running();
    let snapshot = bench.publisher.snapshot();
    let check = |zone, hosts: &[&str], want: &[&str]| {
        let mut certificate = Certificate { zone, ..certificate(1, "") };
        certificate.facts.hosts = hosts.iter().map(ToString::to_string).collect();
        let found: Vec<String> = snapshot.hosts_of(&certificate).map(|n| n.to_string()).collect();
        assert_eq!(found, want, "{hosts:?}");
    };
    let inside = ["example.com", "*.example.com", "a.b.example.com"];
    check(ZONE, &inside, &inside);
    check(ZONE, &["example.org", "www.example.com", "notexample.com"], &["www.example.com"]);
    check(ZoneId::new([0xee; 16]), &inside, &[]);
}
