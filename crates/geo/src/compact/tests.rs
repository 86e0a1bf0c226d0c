use proptest::prelude::*;

use super::*;
use crate::builder::{Builder, LoadError};
use crate::family::Kind;
use crate::ranges::Range;
use crate::spot::{Position, Spot};

/// The bytes of a table: rows of places, then starts and values of each of the four lists.
fn table(rows: &[[u8; 8]], lists: [(&[u64], &[u64]); 4]) -> Vec<u8> {
    let mut out = MAGIC.as_bytes().to_vec();
    section(&mut out, &rows.concat());
    for (starts, values) in lists {
        section(&mut out, &numbers(starts));
        section(&mut out, &numbers(values));
    }
    out
}

fn section(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    numbers.iter().for_each(|&number| varint::write(number, &mut bytes));
    bytes
}

fn compressed(raw: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(raw, ruzstd::encoding::CompressionLevel::Fastest)
}

fn load(raw: &[u8]) -> Result<Builder, LoadError> {
    Builder::empty().unwrap().compact(&compressed(raw), "")
}

const NONE: [u8; 8] = [0; 8];
const GERMANY: [u8; 8] = *b"DE\0\0\x93\x13\x64\x03";
const CALIFORNIA: [u8; 8] = *b"USCA\xc2\x0e\x3f\xd0";
const EMPTY: (&[u64], &[u64]) = (&[], &[]);

#[test]
fn a_table_is_read_as_it_is_documented() {
    let raw = table(
        &[GERMANY, NONE, CALIFORNIA],
        [(&[0, 10, 1], &[1, 0, 2]), (&[1, 2], &[2, 1]), (&[300], &[4_200_000_000]), EMPTY],
    );
    let sections = Sections::read(&raw).unwrap();
    let germany = Spot {
        country: "DE".parse().ok(),
        subdivision: None,
        position: Some(Position { latitude: 5011, longitude: 868 }),
    };
    let california = Spot {
        country: "US".parse().ok(),
        subdivision: "CA".parse().ok(),
        position: Some(Position { latitude: 3778, longitude: -12225 }),
    };
    assert_eq!(sections.places().unwrap(), [germany, Spot::default(), california]);
    let visited = |spans: Spans<'_>| {
        let mut all = Vec::new();
        spans
            .visit(|found| {
                all.push(found);
                Ok(())
            })
            .unwrap();
        all
    };
    let found = |first, last, value| Range { first, last, value };
    let v4 = [found(0, 0x9ff, 1), found(0xa00, 0xaff, 0), found(0xb00, 0xffff_ffff, 2)];
    assert_eq!(visited(sections.place_ranges(Kind::V4)), v4);
    let (one, three, end) = (V6_FIRST + 1, V6_FIRST + 3, 0x3fff_ffff_ffff);
    let v6 = [found(one, three - 1, 2), found(three, end, 1)];
    assert_eq!(visited(sections.place_ranges(Kind::V6)), v6);
    let asns = [found(300 << 8, 0xffff_ffff, 4_200_000_000)];
    assert_eq!(visited(sections.system_ranges(Kind::V4)), asns);
    assert_eq!(visited(sections.system_ranges(Kind::V6)), []);
}

#[test]
fn what_lies_before_behind_and_outside_the_lists_is_unknown() {
    let raw = table(
        &[GERMANY],
        [(&[0x0a_0000], &[0]), (&[0x0db8_0000, 1], &[0, 0]), (&[0x0a_0000], &[7]), EMPTY],
    );
    let table = load(&raw).unwrap().build();
    let check = |address: &str, country: Option<&str>, prefix, asn| {
        let address = address.parse().unwrap();
        let located = table.locate(address);
        let found = located.place.country.map(|country| country.to_string());
        assert_eq!((found.as_deref(), located.prefix), (country, prefix), "{address}");
        assert_eq!(table.asn(address), asn, "{address}");
    };
    check("9.255.255.255", None, 7, None);
    check("10.0.0.0", Some("DE"), 7, Some(7));
    check("255.1.2.3", Some("DE"), 1, Some(7));
    check("2000:1::1", None, 21, None);
    check("2000:db8::", Some("DE"), 29, None);
    check("4000::1", None, 2, None);
    check("::1", None, 3, None);
}

#[test]
fn a_malformed_table_says_what_is_wrong() {
    let check = |raw: &[u8], message: &str| {
        assert_eq!(load(raw).unwrap_err().to_string(), message);
    };
    let v4 = |starts: &'static [u64], values: &'static [u64]| {
        table(&[GERMANY], [(starts, values), EMPTY, EMPTY, EMPTY])
    };
    check(b"", "compact geo table does not begin with \"GEOD1\"");
    check(b"GEOD2", "compact geo table does not begin with \"GEOD1\"");
    check(b"GEOD1\x01\0\0", "compact geo table ends inside section 0");
    let sound = v4(&[0], &[0]);
    check(&sound[..sound.len() - 1], "compact geo table ends inside section 8");
    check(
        &v4(&[0, 1], &[0]),
        "compact geo table: a number or a pair of starts and values is cut off",
    );
    check(
        &v4(&[0], &[0, 0]),
        "compact geo table: a number or a pair of starts and values is cut off",
    );
    check(&v4(&[0], &[1]), "compact geo table: place 1 is not in its list");
    check(&v4(&[0, 0, 1], &[0, 0, 0]), "range start 0x0 is out of order");
    check(&v4(&[1 << 24], &[0]), "range start 0x100000000 is out of order");
    check(&v4(&[1, u64::MAX >> 2], &[0, 0]), "range start 0x100000000 is out of order");
    let rows = |row: [u8; 8]| table(&[row], [EMPTY; 4]);
    check(&rows(*b"de\0\0\0\0\0\0"), "compact geo table: place 0 is not one");
    check(&rows(*b"DE\0A\0\0\0\0"), "compact geo table: place 0 is not one");
    check(&rows(*b"DE\0\0\xff\x7f\0\0"), "compact geo table: place 0 is not one");
    let asn = table(&[], [EMPTY, EMPTY, (&[0], &[1 << 32]), EMPTY]);
    check(&asn, "compact geo table: system 4294967296 is not one");
    let not_zstd = Builder::empty().unwrap().compact(b"not zstd", "").unwrap_err();
    assert_eq!(not_zstd.to_string(), "compact geo table is not zstd");
}

#[test]
fn a_bomb_is_refused() {
    let zeros = compressed(&vec![0; RAW_BYTES_MAX as usize + 1]);
    assert!(zeros.len() < 1 << 20);
    assert_eq!(
        unpack(&zeros).unwrap_err().to_string(),
        "compact geo table is larger than 134217728 bytes"
    );
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(
        at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200, garbage in any::<Vec<u8>>(),
    ) {
        let mut raw = table(
            &[GERMANY, NONE, CALIFORNIA],
            [(&[0, 10, 1], &[1, 0, 2]), (&[1, 2], &[2, 1]), (&[3], &[4]), (&[5], &[6])],
        );
        let length = raw.len();
        raw[at % length] = byte;
        raw.truncate(length - cut % 2 * cut % length);
        match load(&raw) {
            Ok(builder) => drop(builder.build()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        prop_assert!(unpack(&garbage).is_err() || garbage.len() > 4);
    }
}
