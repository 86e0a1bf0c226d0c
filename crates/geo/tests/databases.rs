//! Databases as files have them: every layout, and what is none.
#![expect(clippy::unwrap_used, reason = "a test file whose checks are shared functions")]

use std::net::IpAddr;

use proptest::prelude::*;
use trimtab_geo::{Builder, Database, LoadError, Table};

static NESTED: &[u8] = include_bytes!("fixtures/nested-24.mmdb");
static NESTED_28: &[u8] = include_bytes!("fixtures/nested-28.mmdb");
static NESTED_32: &[u8] = include_bytes!("fixtures/nested-32.mmdb");
static FLAT_V4: &[u8] = include_bytes!("fixtures/flat-ipv4.mmdb");
static FLAT_V6: &[u8] = include_bytes!("fixtures/flat-ipv6.mmdb");
static ASN: &[u8] = include_bytes!("fixtures/asn.mmdb");
static OTHER: &[u8] = include_bytes!("fixtures/other.mmdb");

fn table(databases: &[&[u8]]) -> Table {
    let empty = Builder::empty().unwrap();
    let all = databases.iter().try_fold(empty, |builder, bytes| builder.mmdb(bytes));
    all.unwrap().build()
}

/// `US-CA 37.87,-122.27 /16`, as much of it as is known.
fn shown(table: &Table, address: &str) -> String {
    let located = table.locate(address.parse().unwrap());
    let place = located.place;
    let country = place.country.map_or("nowhere".into(), |country| country.to_string());
    let subdivision = place.subdivision.map(|code| format!("-{code}")).unwrap_or_default();
    let at = place.coordinates.map(|at| format!(" {},{}", at.latitude, at.longitude));
    format!("{country}{subdivision}{} /{}", at.unwrap_or_default(), located.prefix)
}

const OF_NESTED: &[(&str, &str)] = &[
    ("128.32.0.1", "US-CA 37.87,-122.27 /16"),
    ("142.103.255.255", "CA-BC 49.27,-123.26 /16"),
    ("203.0.113.7", "GB-ENG /24"),
    ("198.51.100.1", "nowhere /6"),
    ("8.8.8.8", "nowhere /1"),
    ("2607:f140::1", "US-CA 37.87,-122.27 /32"),
    ("2001:db8:1:2::3", "JP 35.68,139.69 /48"),
    ("::ffff:128.32.0.1", "US-CA 37.87,-122.27 /112"),
    ("2002:8020:1::1", "US-CA 37.87,-122.27 /32"),
    ("2001:0:1:2:3:4:7fdf:fffe", "US-CA 37.87,-122.27 /112"),
];

/// What a compact table is too coarse for.
const FINE: &[(&str, &str)] = &[
    ("192.0.2.127", "DE 50.11,8.68 /25"),
    ("192.0.2.128", "FR 48.85,2.35 /25"),
    ("2001:db8:2::1", "BR -23.55,-46.63 /49"),
    ("2001:db8:2:8000::1", "AR -34.6,-58.38 /49"),
];

fn check(table: &Table, rows: &[(&str, &str)]) {
    for (address, wanted) in rows {
        assert_eq!(shown(table, address), *wanted, "{address}");
    }
}

#[test]
fn the_nested_layout_is_read_with_nodes_of_every_size() {
    for bytes in [NESTED, NESTED_28, NESTED_32] {
        let table = table(&[bytes]);
        check(&table, OF_NESTED);
        check(&table, FINE);
        // Each known prefix and the space behind it; the aliases of IPv4 in IPv6 would add as many again.
        assert_eq!(table.source().ranges, 19);
    }
}

#[test]
fn the_flat_layout_is_read_from_a_file_for_each_family() {
    let table = table(&[FLAT_V6, FLAT_V4]);
    check(
        &table,
        &[
            ("128.32.0.1", "US-CA 37.87,-122.27 /16"),
            ("41.90.0.1", "KE -1.28,36.82 /16"),
            ("2607:f8f0::1", "CA-BC 49.27,-123.26 /32"),
        ],
    );
    let database =
        Database { name: "flat IPv4 (made for tests)".into(), built: Some(1_788_220_800) };
    assert_eq!((&table.source().places, &table.source().asns), (&Some(database), &None));
}

#[test]
fn systems_come_from_a_database_of_their_own() {
    let table = table(&[NESTED, ASN]);
    let asn = |address: &str| table.asn(address.parse().unwrap());
    assert_eq!(asn("128.32.0.1"), Some(25));
    assert_eq!(asn("142.103.0.1"), Some(393_249));
    assert_eq!(asn("2607:f140::1"), Some(25));
    assert_eq!(asn("2002:8020:1::1"), Some(25));
    assert_eq!(asn("8.8.8.8"), None);
    check(&table, OF_NESTED);
}

#[test]
fn a_database_takes_the_place_of_the_base_for_its_family_only() {
    let base = Builder::embedded().unwrap();
    let table = base.mmdb(FLAT_V4).unwrap().build();
    let country = |address: &str| table.locate(address.parse().unwrap()).place.country;
    assert_eq!(country("41.90.0.1"), "KE".parse().ok());
    assert_eq!(country("200.160.2.3"), None);
    assert_eq!(country("2607:f140::1"), "US".parse().ok());
    assert_eq!(table.asn("128.32.0.1".parse().unwrap()), Some(25));
}

#[test]
fn filler_for_space_that_nobody_has_is_no_place() {
    let table = table(&[NESTED]);
    check(
        &table,
        &[
            ("2000::1", "nowhere /16"),
            ("3fff::1", "nowhere /4"),
            ("2a02:aa00::1", "CH 46.87,7.08 /32"),
        ],
    );
}

#[test]
fn a_geofeed_wins_over_databases_and_cuts_their_prefixes() {
    let feed = "128.32.7.0/24,JP,,,,35.5,139.5,64500\n2001:db8:2::/64,KR,,,\n128.32.0.0/24,,,,";
    let table = Builder::empty()
        .and_then(|builder| builder.geofeed(feed)?.mmdb(NESTED)?.mmdb(ASN))
        .unwrap()
        .build();
    check(
        &table,
        &[
            ("128.32.7.1", "JP 35.5,139.5 /24"),
            ("128.32.6.1", "US-CA 37.87,-122.27 /24"),
            ("128.32.8.1", "US-CA 37.87,-122.27 /21"),
            ("128.32.0.1", "nowhere /24"),
            ("128.32.1.1", "US-CA 37.87,-122.27 /24"),
            ("128.32.128.1", "US-CA 37.87,-122.27 /17"),
            ("2001:db8:2::1", "KR /64"),
            ("2001:db8:2:1::1", "BR -23.55,-46.63 /64"),
            ("2001:db8:2:8000::1", "AR -34.6,-58.38 /49"),
        ],
    );
    let asn = |address: &str| table.asn(address.parse().unwrap());
    assert_eq!((asn("128.32.7.1"), asn("128.32.8.1")), (Some(64_500), Some(25)));
    assert_eq!(table.source().overrides, 3);
}

#[test]
fn a_rebuilt_compact_table_answers_like_the_database() {
    let direct = table(&[NESTED, ASN]);
    let raw = direct.to_compact().unwrap();
    let packed = ruzstd::encoding::compress_to_vec(
        raw.as_slice(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    let text = direct.source().to_text();
    let rebuilt = Builder::empty().unwrap().compact(&packed, &text).unwrap().build();
    for (address, wanted) in OF_NESTED {
        let without_subdivision = wanted.replace("GB-ENG", "GB");
        assert_eq!(shown(&rebuilt, address), without_subdivision, "{address}");
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(rebuilt.asn(address), direct.asn(address), "{address}");
    }
    check(&rebuilt, &[("192.0.2.128", "DE 50.11,8.68 /24")]);
    assert_eq!(rebuilt.source().places, direct.source().places);
    assert_eq!(rebuilt.to_compact().unwrap(), raw, "what is compact already stays as it is");
}

#[test]
fn what_is_no_database_of_places_says_so() {
    let check = |bytes: &[u8], message: &str| {
        let refused = Builder::empty().unwrap().mmdb(bytes).unwrap_err();
        assert!(matches!(refused, LoadError::Mmdb(_)));
        assert_eq!(refused.to_string(), message);
    };
    check(b"", "not a readable mmdb");
    check(&NESTED[..NESTED.len() / 2], "not a readable mmdb");
    check(
        OTHER,
        "mmdb of type \"Connection-Type (made for tests)\" has neither countries nor autonomous \
         systems in a layout we know",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn a_damaged_database_is_never_a_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        flat in any::<bool>(),
    ) {
        let mut bytes = if flat { FLAT_V4.to_vec() } else { NESTED.to_vec() };
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(builder) = Builder::empty().unwrap().mmdb(&bytes) {
            let table = builder.build();
            prop_assert!(table.locate("128.32.0.1".parse().unwrap()).prefix <= 32);
        }
    }
}
