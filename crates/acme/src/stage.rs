//! A world for tests: a publisher with one zone, to which balancers and certificates come.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::sync::mpsc;
use trimtab_dns::{Node, Seed};
use trimtab_live::{Batch, Clocks, Hosting, NameRecords, Publisher, Settings, Snapshot, Start};
use trimtab_model::balancer::Scope;
use trimtab_model::certificate::{
    BundleMethod, CertificateFacts, CertificateSource, CertificateType,
};
use trimtab_model::config::Key;
use trimtab_model::zone::{Rdata, RecordSettings};
use trimtab_model::{
    AccountId, Balancer, BalancerId, Certificate, CertificateId, Change, Document, Moment, Pool,
    Record, RecordId, RecordType, SecretPem, Timestamp, Zone, ZoneId,
};
use trimtab_steer::Site;

pub(crate) const ZONE: ZoneId = ZoneId::new([1; 16]);

pub(crate) fn publisher() -> Publisher {
    let nameserver = "ns1.example.net".parse().unwrap();
    let node = Node::new().with_addresses(&[Ipv4Addr::LOCALHOST.into()]).unwrap();
    let settings = Settings {
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        observers: Vec::new(),
        node: Arc::new(node),
        hosting: Hosting { nameservers: vec![nameserver], hostmaster: None, seed: Seed(1) },
        saved_to: None,
    };
    let geo = Arc::new(trimtab_geo::Builder::empty().unwrap().build());
    let clocks = Clocks { monotonic: Moment::from_nanos(1), ..Clocks::now() };
    let mut publisher =
        Publisher::new(settings, Start { geo, saved: None, clocks }, mpsc::channel(1).0);
    publisher.load(Batch { changes: vec![zone(), pool()], ..Batch::default() });
    publisher
}

/// With these balancers and certificates.
pub(crate) fn snapshot(changes: Vec<Change>) -> Snapshot {
    let mut publisher = publisher();
    publisher.load(Batch { revision: 1, changes, names: Vec::new() });
    publisher.snapshot()
}

fn zone() -> Change {
    let zone = Zone {
        id: ZONE,
        account: AccountId::new([1; 16]),
        name: "example.com".parse().unwrap(),
        paused: false,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
        activated_on: Timestamp::default(),
    };
    Change { key: Key::Zone(ZONE), document: Some(Document::Zone(zone)) }
}

/// The fallback of every balancer.
fn pool() -> Change {
    let id = trimtab_testkit::steering().fallback_pool;
    let pool = Pool { id, ..trimtab_testkit::pool() };
    let document = Some(Document::Pool(Box::new(pool)));
    Change { key: Key::Pool(AccountId::new([1; 16]), id), document }
}

/// An enabled, proxied balancer.
pub(crate) fn balancer(id: u8, name: &str) -> Balancer {
    let id = BalancerId::new([id; 16]);
    let name = name.parse().unwrap();
    Balancer { id, name, scope: Scope::Zone(ZONE), proxied: true, ..trimtab_testkit::balancer() }
}

pub(crate) fn put_balancer(balancer: Balancer) -> Change {
    let key = Key::Balancer(balancer.scope, balancer.id);
    Change { key, document: Some(Document::Balancer(Box::new(balancer))) }
}

/// For one host, between two times in seconds.
pub(crate) fn certificate(
    id: u8,
    source: CertificateSource,
    host: &str,
    (starts, ends): (i64, i64),
) -> Change {
    let [starts_on, expires_on] = [starts, ends].map(seconds);
    let certificate = Certificate {
        id: CertificateId::new([id; 16]),
        zone: ZONE,
        source,
        chain_pem: String::new(),
        key_pem: SecretPem::new(""),
        facts: CertificateFacts {
            hosts: vec![host.into()],
            issuer: String::new(),
            signature: String::new(),
            starts_on,
            expires_on,
        },
        kind: CertificateType::SniCustom,
        bundle_method: BundleMethod::Ubiquitous,
        geo_restriction: None,
        policy: None,
        priority: 0,
        uploaded_on: starts_on,
        modified_on: starts_on,
    };
    let key = Key::Certificate(ZONE, certificate.id);
    Change { key, document: Some(Document::Certificate(Box::new(certificate))) }
}

pub(crate) fn text_record(name: &str, kind: RecordType, rdata: Vec<u8>) -> NameRecords {
    let name: trimtab_model::Name = name.parse().unwrap();
    let record = Record {
        id: RecordId::new([1; 16]),
        zone: ZONE,
        name: name.clone(),
        kind,
        content: String::new(),
        data: None,
        rdata: Rdata(rdata.into()),
        ttl: 30,
        priority: None,
        proxied: false,
        settings: RecordSettings::default(),
        comment: None,
        tags: Vec::new(),
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
        comment_modified_on: None,
        tags_modified_on: None,
    };
    NameRecords { zone: ZONE, name, records: vec![record] }
}

pub(crate) fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}
