//! The table inside the program: addresses whose place is known, and what holds for all of it.
#![expect(clippy::unwrap_used, reason = "a test file whose checks are shared functions")]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use proptest::prelude::*;
use trimtab_geo::{Builder, Table};
use trimtab_model::Region;

static TABLE: LazyLock<Table> = LazyLock::new(|| Builder::embedded().unwrap().build());

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn known_addresses_are_where_they_are() {
    let check = |text: &str, place: &str, position: (f64, f64), asn: Option<u32>| {
        let found = TABLE.locate(address(text)).place;
        let country = found.country.map(|code| code.to_string()).unwrap_or_default();
        let subdivision = found.subdivision.map(|code| format!("-{code}")).unwrap_or_default();
        assert_eq!(format!("{country}{subdivision}"), place, "{text}");
        let at = found.coordinates.map(|at| (at.latitude, at.longitude));
        assert_eq!(at, Some(position), "{text}");
        assert_eq!(TABLE.asn(address(text)), asn, "{text}");
    };
    check("128.32.0.1", "US-CA", (37.78, -122.25), Some(25));
    check("142.103.1.1", "CA-BC", (49.22, -123.04), Some(393_249));
    check("41.90.0.1", "KE", (-1.21, 36.86), Some(33_771));
    check("200.160.2.3", "BR", (-23.6, -46.7), Some(22_548));
    check("2607:f140::1", "US-CA", (37.78, -122.25), Some(25));
    check("2607:f8f0::1", "CA-BC", (49.22, -123.04), None);
    check("::ffff:128.32.0.1", "US-CA", (37.78, -122.25), Some(25));
    check("2002:8020:1::1", "US-CA", (37.78, -122.25), Some(25));
}

#[test]
fn addresses_of_five_continents_are_in_their_regions() {
    let check = |text: &str, region| {
        assert_eq!(TABLE.locate(address(text)).place.region, Some(region), "{text}");
    };
    check("128.32.0.1", Region::Wnam);
    check("142.103.1.1", Region::Wnam);
    check("2600::1", Region::Enam);
    check("200.160.2.3", Region::Ssam);
    check("41.90.0.1", Region::Saf);
    check("196.25.1.1", Region::Saf);
    check("105.112.0.1", Region::Naf);
    check("133.11.0.1", Region::Neas);
    check("139.130.4.5", Region::Oc);
    check("81.2.69.1", Region::Weu);
    check("2003::1", Region::Weu);
}

#[test]
fn space_without_clients_has_no_place() {
    let check = |text: &str| {
        let found = TABLE.locate(address(text)).place;
        assert_eq!((found.country, found.region, found.point), (None, None, None), "{text}");
        assert_eq!(TABLE.asn(address(text)), None, "{text}");
    };
    for text in ["10.0.0.1", "127.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "0.0.0.0"] {
        check(text);
    }
    for text in ["::", "::1", "fe80::1", "fc00::1", "2001:db8::1", "3fff::1", "2000::1", "ff02::1"]
    {
        check(text);
    }
}

#[test]
fn every_place_has_a_country_with_a_region() {
    assert_eq!(TABLE.places().len(), 8_902);
    let (unknown, places) = TABLE.places().split_first().unwrap();
    assert_eq!(unknown.country, None);
    let mut countries = BTreeSet::new();
    let mut regions = BTreeSet::new();
    for place in places {
        let (country, region) = (place.country.unwrap(), place.region);
        countries.insert(country);
        regions.insert(region.unwrap_or_else(|| panic!("{country} has no region")));
        assert!(TABLE.regions().regions_of(country).contains(&region.unwrap()), "{place:?}");
        assert!(place.coordinates.is_some() && place.point.is_some(), "{place:?}");
    }
    assert_eq!(countries.len(), 250);
    assert_eq!(regions.into_iter().collect::<Vec<_>>(), Region::ALL);
}

#[test]
fn the_source_is_named_for_attribution_and_age() {
    let source = TABLE.source();
    let places = source.places.as_ref().unwrap();
    assert_eq!(
        (places.name.as_str(), places.built),
        ("DB-IP City Lite 2026-09", Some(1_788_220_800))
    );
    assert_eq!(places.attribution().map(|shown| shown.text), Some("IP Geolocation by DB-IP"));
    assert_eq!(source.asns.as_ref().map(|asns| asns.name.as_str()), Some("Origin-ASN 2026-09"));
    assert_eq!((source.ranges > 5_000_000, source.overrides), (true, 0));
}

/// All addresses under the prefix of an answer have that answer: what a resolver may keep (RFC 7871 section 7.2.1).
fn sound(address: IpAddr, others: &[u128]) -> Result<(), TestCaseError> {
    let located = TABLE.locate(address);
    for &other in others {
        let neighbour = match address {
            IpAddr::V4(v4) => {
                let beyond = u32::MAX.checked_shr(located.prefix.into()).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !beyond | other as u32 & beyond))
            }
            IpAddr::V6(v6) => {
                let beyond = u128::MAX.checked_shr(located.prefix.into()).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !beyond | other & beyond))
            }
        };
        let of_neighbour = TABLE.locate(neighbour);
        prop_assert!(
            std::ptr::eq(of_neighbour.place, located.place),
            "{neighbour} under {address}"
        );
        prop_assert_eq!(of_neighbour.prefix, located.prefix);
    }
    Ok(())
}

proptest! {
    #[test]
    fn rfc7871_section_7_2_1_an_ipv4_prefix_has_one_answer(
        bits in any::<u32>(),
        others in proptest::collection::vec(any::<u128>(), 50),
    ) {
        sound(IpAddr::V4(Ipv4Addr::from_bits(bits)), &others)?;
    }

    #[test]
    fn rfc7871_section_7_2_1_an_ipv6_prefix_has_one_answer(
        top in prop_oneof![
            0x2001_0200_u32..0x2001_ffff, 0x2400_0000_u32..0x2404_0000, 0x2600_0000_u32..0x2610_0000,
            0x2804_0000_u32..0x2804_8000, 0x2a00_0000_u32..0x2a14_0000, any::<u32>(),
        ],
        rest in any::<u128>(),
        others in proptest::collection::vec(any::<u128>(), 50),
    ) {
        let bits = u128::from(top) << 96 | rest >> 32;
        sound(IpAddr::V6(Ipv6Addr::from_bits(bits)), &others)?;
    }
}
