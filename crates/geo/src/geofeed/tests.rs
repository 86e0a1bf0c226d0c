use proptest::prelude::*;

use super::*;
use crate::feed::{FEED_LINES_MAX, FEED_PROBLEMS_MAX};

fn entry(prefix: &str, country: &str, region: &str, position: Option<(f64, f64)>) -> Entry {
    let coordinates = position.and_then(|(lat, lon)| Coordinates::new(lat, lon));
    let spot = Spot {
        country: country.parse().ok(),
        subdivision: region.parse().ok(),
        position: coordinates.map(Position::from),
    };
    Entry { prefix: prefix.parse().unwrap(), spot, asn: None }
}

fn problems(text: &str) -> Vec<(usize, String)> {
    let problems = Geofeed::parse(text).unwrap_err();
    problems.first.into_iter().map(|problem| (problem.line, problem.text)).collect()
}

#[test]
fn rfc8805_section_2_lines_are_read() {
    let check = |line: &str, wanted: Entry| {
        assert_eq!(Geofeed::parse(line).map(|feed| feed.entries), Ok(vec![wanted]), "{line}");
    };
    let berlin = Some((52.56, 13.29));
    check("192.0.2.0/25,US,US-AL,,", entry("192.0.2.0/25", "US", "AL", None));
    check("192.0.2.5,US,US-AL,Alabaster,", entry("192.0.2.5/32", "US", "AL", None));
    check("2001:db8::1,de,,Berlin,", entry("2001:db8::1/128", "DE", "", berlin));
    check("2001:db8:ffff::/48,DE", entry("2001:db8:ffff::/48", "DE", "", None));
    check("10.0.0.0/8 , pl , pl-mz ,,02-784", entry("10.0.0.0/8", "PL", "MZ", None));
    // Section 2.1.2: no place at all.
    check("192.0.2.0/24,,,,", entry("192.0.2.0/24", "", "", None));
    check("192.0.2.0/24,ZZ,,,", entry("192.0.2.0/24", "", "", None));
    // Section 2.1.3: further fields are passed over.
    check(
        "10.0.0.0/8,DE,,,,1.5,-2.25,,new,fields",
        entry("10.0.0.0/8", "DE", "", Some((1.5, -2.25))),
    );
    // Coordinates win over the city.
    check("10.0.0.0/8,DE,,Berlin,,50,8", entry("10.0.0.0/8", "DE", "", Some((50.0, 8.0))));
    let with_asn = Entry { asn: Some(64_496), ..entry("10.1.0.0/16", "JP", "", None) };
    check("10.1.0.0/16,JP,,,,,,64496", with_asn);
}

#[test]
fn comments_and_empty_lines_are_passed_over() {
    let text = "\u{feff}# a comment, with commas\r\n\r\n10.0.0.0/8,DE,,,\r\n  \n#10.0.0.0/8\n10.1.0.0/16,FR,,,";
    let feed = Geofeed::parse(text).unwrap();
    let wanted = [entry("10.0.0.0/8", "DE", "", None), entry("10.1.0.0/16", "FR", "", None)];
    assert_eq!(feed.entries, wanted);
}

#[test]
fn every_problem_is_reported_with_its_line() {
    let check = |line: &str, wanted: &[&str]| {
        let wanted: Vec<_> = wanted.iter().map(|text| (1, String::from(*text))).collect();
        assert_eq!(problems(line), wanted, "{line}");
    };
    check("moon,DE,,,", &["\"moon\" is not an address or prefix"]);
    check("10.0.0.0/33,DE,,,", &["\"10.0.0.0/33\" is not an address or prefix"]);
    check("10.1.2.3/8,DE,,,", &["10.1.2.3/8 has bits set behind its length: write 10.0.0.0/8"]);
    check("10.0.0.0/8,Germany,,,", &["\"Germany\" is not a country code such as DE"]);
    check("10.0.0.0/8,XX,,,", &["\"XX\" is not a country code such as DE"]);
    check("10.0.0.0/8,US,Texas,,", &["\"Texas\" is not a region code such as US-CA"]);
    check("10.0.0.0/8,US,CA-QC,,", &["region CA-QC is not in country US"]);
    check("10.0.0.0/8,,CA-QC,,", &["region CA-QC needs its country"]);
    let no_degrees = "\"91\",\"0\" is not a latitude and longitude in degrees";
    check("10.0.0.0/8,DE,,,,91,0", &[no_degrees]);
    check("10.0.0.0/8,DE,,,,,8", &["\"\",\"8\" is not a latitude and longitude in degrees"]);
    check("10.0.0.0/8,DE,,,,nan,8", &["\"nan\",\"8\" is not a latitude and longitude in degrees"]);
    check("10.0.0.0/8,DE,,,,,,AS1", &["\"AS1\" is not the number of an autonomous system"]);
    check("10.0.0.0/8,DE,,,,,,0", &["\"0\" is not the number of an autonomous system"]);
    check("10.0.0.0/8,DE,,\"Berlin,", &["a quoted field does not end"]);
    let alias = "2002:a00::/24 holds IPv4 addresses: write the prefix of those";
    check("2002:a00::/24,DE,,,", &[alias]);
    check("2001::/32,DE,,,", &["2001::/32 holds IPv4 addresses: write the prefix of those"]);
    let mapped = "::ffff:10.0.0.0/104 holds IPv4 addresses: write the prefix of those";
    check("::ffff:10.0.0.0/104,DE,,,", &[mapped]);
    check(
        "x,y,,,,1,",
        &[
            "\"x\" is not an address or prefix",
            "\"y\" is not a country code such as DE",
            "\"1\",\"\" is not a latitude and longitude in degrees",
        ],
    );
    check(&format!("10.0.0.0/8,{}", "x".repeat(1024)), &["longer than 1024 bytes"]);
}

#[test]
fn rfc8805_section_2_1_3_repeated_prefixes_are_an_error() {
    let text = "10.0.0.0/8,DE,,,\n# between\n10.1.0.0/16,DE,,,\n10.0.0.0/8,FR,,,\n2001:db8::1,FR\n2001:db8::1/128,FR";
    let wanted = [(4, "10.0.0.0/8 is on line 1 too"), (6, "2001:db8::1/128 is on line 5 too")];
    assert_eq!(problems(text), wanted.map(|(line, text)| (line, text.into())));
}

#[test]
fn problems_are_listed_up_to_a_limit_and_counted_behind_it() {
    let refused = Geofeed::parse(&"x\n".repeat(FEED_PROBLEMS_MAX + 7)).unwrap_err();
    assert_eq!((refused.first.len(), refused.more), (FEED_PROBLEMS_MAX, 7));
    let shown = Geofeed::parse("x,DE\n\ny,DE").unwrap_err().to_string();
    let wanted = "geofeed is refused: line 1: \"x\" is not an address or prefix; \
        line 3: \"y\" is not an address or prefix";
    assert_eq!(shown, wanted);
}

#[test]
fn a_feed_of_too_many_lines_is_refused_unread() {
    let text = "\n".repeat(FEED_LINES_MAX + 1);
    assert_eq!(problems(&text), [(0, "more than 67108864 bytes or 1000000 lines".into())]);
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "([0-9a-z:./,\"#-]{0,30}\n){0,5}") {
        if let Err(problems) = Geofeed::parse(&text) {
            prop_assert!(!problems.first.is_empty());
        }
    }
}
