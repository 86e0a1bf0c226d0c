//! A large zone stays small, and a change to it copies little. Alone in its process, so that memory can be told apart.
#![expect(clippy::unwrap_used, reason = "what a test calls fails like the test")]

use std::sync::Arc;

use trimtab_dns::{Authority, RecordInput, Seed, Soa, Zone, ZoneBuilder, Zones};
use trimtab_model::{Name, RecordType, ZoneId};

const NAMES: usize = 100_000;
/// The promise is 150; this is what holds.
const BYTES_PER_NAME_MAX: usize = 80;
/// Versions of the zone that are alive at once, each with one change.
const VERSIONS: usize = 1_000;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn a_record(rdata: &[u8]) -> RecordInput<'_> {
    RecordInput { kind: RecordType::A, ttl: 300, rdata }
}

/// Bytes of memory that the process holds.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn build() -> Zone {
    let soa = Soa::new(name("ns1.example.net"), name("hostmaster.example.net"), 1);
    let authority = Authority { nameservers: vec![name("ns1.example.net")], soa };
    let id = ZoneId::new([1; 16]);
    let mut builder = ZoneBuilder::new(id, &name("example.com"), &authority, Seed(42));
    for number in 0..NAMES {
        let rdata = u32::try_from(number).unwrap().to_be_bytes();
        assert!(builder.push(&name(&format!("host-{number:06}.example.com")), a_record(&rdata)));
    }
    builder.finish()
}

#[test]
fn a_hundred_thousand_names_take_few_bytes_each_and_versions_share_them() {
    let before = resident();
    let zone = build();
    let built = resident();
    assert_eq!(zone.names(), NAMES + 1);
    let bytes_per_name = built.saturating_sub(before) / NAMES;
    assert!(bytes_per_name <= BYTES_PER_NAME_MAX, "{bytes_per_name} bytes for each name");

    let mut zones = Zones::new(Seed(42));
    let mut zone = Arc::new(zone);
    let mut versions = Vec::new();
    for number in 0..VERSIONS {
        let mut next = Zone::clone(&zone);
        next.set_records(&name(&format!("host-{number:06}.example.com")), &[a_record(&[9; 4])]);
        zone = Arc::new(next);
        zones.insert(Arc::clone(&zone));
        versions.push(zones.clone());
    }
    let bytes_per_version = resident().saturating_sub(built) / VERSIONS;
    assert!(bytes_per_version <= 32 * 1024, "{bytes_per_version} bytes for each version");
    assert_eq!(versions.len(), VERSIONS);
}
