//! Every type there and back, and against the parser of another maker.

use domain::base::rdata::ComposeRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn zone() -> Name {
    "example.com".parse().unwrap()
}

fn read(kind: &str, content: &str, priority: Option<u16>) -> Result<Parsed, BadRdata> {
    parse(kind.parse().unwrap(), content, priority, None, &zone())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What another maker's scanner makes of a zone file's line, for the types it knows.
fn other_maker(kind: RecordType, text: &str) -> Option<Vec<u8>> {
    let line = format!("example.com. 300 IN {kind} {text}\n");
    let mut file = Zonefile::from(line.as_str());
    let Ok(Some(Entry::Record(record))) = file.next_entry() else { return None };
    let mut rdata = Vec::new();
    record.data().compose_rdata(&mut rdata).unwrap();
    Some(rdata)
}

/// Type, priority, content as given, content as shown, wire in hexadecimal.
#[rustfmt::skip]
const SAMPLES: &[(&str, Option<u16>, &str, &str, &str)] = &[
    ("A", None, "192.0.2.1", "192.0.2.1", "c0000201"),
    ("AAAA", None, "2001:DB8:0::1", "2001:db8::1", "20010db8000000000000000000000001"),
    ("CNAME", None, "Foo.Example.net.", "foo.example.net", "03666f6f076578616d706c65036e657400"),
    ("CNAME", None, "@", "example.com", "076578616d706c6503636f6d00"),
    ("NS", None, "ns1.example.net", "ns1.example.net", "036e7331076578616d706c65036e657400"),
    ("PTR", None, r#"a\.b.example"#, r#"a\.b.example"#, "03612e62076578616d706c6500"),
    ("PTR", None, r#"a\."#, r#"a\."#, "02612e00"),
    ("NS", None, r#"a\.."#, r#"a\."#, "02612e00"),
    ("MX", Some(10), "mx.example", "mx.example", "000a026d78076578616d706c6500"),
    ("MX", None, "10 mx.example.", "mx.example", "000a026d78076578616d706c6500"),
    ("MX", Some(0), ".", ".", "000000"),
    ("TXT", None, r#"v=spf1 -all; "x""#, r#"v=spf1 -all; "x""#, "10763d73706631202d616c6c3b20227822"),
    ("TXT", None, r#""a b" "\200""#, r#""a b" "\200""#, "0361206201c8"),
    ("TXT", None, "größe", "größe", "076772c3b6c39f65"),
    ("CAA", None, r#"0 Issue "ca.example; a=1""#, r#"0 issue "ca.example; a=1""#, "0005697373756563612e6578616d706c653b20613d31"),
    ("CERT", None, "PKIX 7 RSASHA256 AAEC Aw==", "1 7 8 AAECAw==", "000100070800010203"),
    ("DNSKEY", None, "257 3 13 AAECAw==", "257 3 13 AAECAw==", "0101030d00010203"),
    ("DS", None, "60485 5 1 2BB183AF", "60485 5 1 2BB183AF", "ec4505012bb183af"),
    ("HTTPS", None, r#"1 . alpn="h3,h2" port=8443"#, "1 . alpn=h3,h2 port=8443", "000100000100060268330268320003000220fb"),
    ("SVCB", None, "0 Pool.example.net", "0 pool.example.net.", "000004706f6f6c076578616d706c65036e657400"),
    ("LOC", None, "IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m", "000016138b3cf018810cbce0009895b8"),
    ("LOC", None, "42 S 71 6 W 0", "42 0 0.000 S 71 6 0.000 W 0.00m 1.00m 10000.00m 10.00m", "0012161376fcdf0070be5c4000989680"),
    ("NAPTR", None, r#"100 10 "U" "E2U+sip" "!^.*$!sip:i@example.com!" ."#, r#"100 10 "U" "E2U+sip" "!^.*$!sip:i@example.com!" ."#, "0064000a0155074532552b73697018215e2e2a24217369703a69406578616d706c652e636f6d2100"),
    ("OPENPGPKEY", None, "AAEC Aw==", "AAECAw==", "00010203"),
    ("SMIMEA", None, "3 1 1 abCD", "3 1 1 abCD", "030101abcd"),
    ("TLSA", None, "3 1 1 ab cd", "3 1 1 abcd", "030101abcd"),
    ("SRV", Some(5), "0 5060 Sip.example.com", "0 5060 sip.example.com", "0005000013c403736970076578616d706c6503636f6d00"),
    ("SRV", None, "5 0 5060 sip.example.com.", "0 5060 sip.example.com", "0005000013c403736970076578616d706c6503636f6d00"),
    ("SSHFP", None, "1 2 859be6ed", "1 2 859be6ed", "0102859be6ed"),
    ("URI", Some(10), r#"1 "https://example.com/a b""#, r#"1 "https://example.com/a b""#, "000a000168747470733a2f2f6578616d706c652e636f6d2f612062"),
];

#[test]
fn every_type_is_read_and_shown() {
    for &(kind, priority, content, shown, wire) in SAMPLES {
        let parsed = read(kind, content, priority).unwrap();
        assert_eq!((hex(&parsed.rdata).as_str(), parsed.content.as_str()), (wire, shown), "{kind}");
        let again = read(kind, &parsed.content, parsed.priority).unwrap();
        assert_eq!(again, parsed, "what is shown can be sent back");
        if let Some(data) = &parsed.data {
            let kind = kind.parse().unwrap();
            let from_data = parse(kind, "", parsed.priority, Some(data), &zone()).unwrap();
            assert_eq!(from_data, parsed, "the object says the same");
        }
    }
    for kind in RecordType::ALL {
        assert!(SAMPLES.iter().any(|sample| sample.0 == kind.word()), "{kind} has no sample");
    }
}

#[test]
fn zone_file_text_of_every_type_means_the_same_to_another_maker() {
    for &(kind, priority, content, _, _) in SAMPLES {
        let rdata = read(kind, content, priority).unwrap().rdata;
        let kind = kind.parse().unwrap();
        let text = display_file(kind, &rdata).unwrap();
        let tokens = Token::read_all(&text).unwrap();
        assert_eq!(parse_file(kind, &tokens, "example.com").unwrap().rdata, rdata, "{kind} {text}");
        match other_maker(kind, &text) {
            Some(theirs) => assert_eq!(hex(&theirs), hex(&rdata), "{kind} {text}"),
            None => assert!(
                matches!(
                    kind,
                    RecordType::Loc | RecordType::Cert | RecordType::Smimea | RecordType::Uri
                ),
                "{kind} {text}"
            ),
        }
    }
}

#[test]
fn data_objects_are_read_and_given_back_as_they_came() {
    let check = |kind: &str, priority, data: Value, content: &str| {
        let parsed = parse(kind.parse().unwrap(), "", priority, Some(&data), &zone()).unwrap();
        assert_eq!((parsed.content.as_str(), parsed.data), (content, Some(data)));
    };
    let srv = json!({"priority": 10, "weight": 60, "port": 5060, "target": "Big.example.com",
        "service": "_sip", "proto": "_tcp", "name": "example.com"});
    check("SRV", None, srv, "60 5060 big.example.com");
    check("SRV", Some(7), json!({"weight": 0, "port": 1, "target": "a"}), "0 1 a");
    check(
        "CAA",
        None,
        json!({"flags": "0", "tag": "issue", "value": "\"; x"}),
        r#"0 issue "\"; x""#,
    );
    check("URI", Some(1), json!({"weight": 2, "target": "ftp://a b"}), r#"2 "ftp://a b""#);
    let digest = json!({"key_tag": 1, "algorithm": 13, "digest_type": 2, "digest": "B5BB 9D80"});
    check("DS", None, digest, "1 13 2 B5BB9D80");
    let https = json!({"priority": 1, "target": ".", "value": "alpn=\"h3,h2\""});
    check("HTTPS", None, https, "1 . alpn=h3,h2");
    let place = json!({"lat_degrees": 31, "lat_minutes": 58, "lat_seconds": 52.1, "lat_direction": "S",
        "long_degrees": 115, "long_minutes": 49, "long_seconds": 11.7, "long_direction": "E",
        "altitude": 20, "size": 10, "precision_horz": 10, "precision_vert": 2.0});
    check("LOC", None, place, "31 58 52.100 S 115 49 11.700 E 20.00m 10.00m 10.00m 2.00m");
}

#[test]
fn a_priority_is_where_the_api_shows_it() {
    let check = |kind: &str, content: &str, priority, data: Option<Value>, want| {
        let parsed = parse(kind.parse().unwrap(), content, priority, data.as_ref(), &zone());
        let parsed = parsed.unwrap();
        let shown = parsed.data.and_then(|data| data.get("priority").cloned());
        assert_eq!((parsed.priority, shown), want, "{kind} {content} {priority:?} {data:?}");
    };
    let srv = |priority: u16| json!({"priority": priority, "weight": 0, "port": 1, "target": "a"});
    let uri = json!({"priority": 5, "weight": 0, "target": "x"});
    // Content is shown without one: who writes one means it, whatever is the usual one.
    check("MX", "10 mx.example", Some(0), None, (Some(10), None));
    check("MX", "mx.example", Some(7), None, (Some(7), None));
    check("SRV", "0 1 a", Some(7), None, (Some(7), Some(json!(7))));
    check("SRV", "", Some(7), Some(srv(8)), (Some(8), Some(json!(8))));
    check("URI", "", Some(7), Some(uri.clone()), (Some(7), None));
    check("URI", "", None, Some(uri), (Some(5), None));
}

#[test]
fn bytes_that_are_no_text_have_no_object() {
    for (kind, content) in [("CAA", r#"0 issue "\255abc""#), ("URI", r#"1 1 "\200q""#)] {
        let parsed = read(kind, content, None).unwrap();
        assert_eq!(parsed.data, None, "{kind}");
        assert_eq!(read(kind, &parsed.content, parsed.priority).unwrap(), parsed, "{kind}");
    }
}

#[test]
fn one_word_of_an_object_stays_one_word() {
    let check = |field: &str, text: &str| {
        let mut data = json!({"priority": "1", "weight": 1, "port": " 50 ", "target": "a.example"});
        data[field] = text.into();
        let refused = parse(RecordType::Srv, "", None, Some(&data), &zone()).unwrap_err().message;
        assert!(refused.contains(field) && refused.contains("one word"), "{refused}");
    };
    check("priority", "1 0");
    check("port", "50 60");
    check("target", "my host. example.com");
}

#[test]
fn a_url_is_no_name() {
    let refused = read("CNAME", "https://a.example/", None).unwrap_err().message;
    assert!(refused.ends_with("it must be a domain name and not a URL."), "{refused}");
    assert!(read("CNAME", "0/25.2.0.192.in-addr.arpa", None).is_ok(), "RFC 2317 section 4");
}

#[test]
fn refusals_name_type_and_field() {
    let check = |kind: &str, content: &str, code: u16, message: &str| {
        let (want, refused) = (message.to_owned(), read(kind, content, None));
        assert_eq!(refused, Err(BadRdata { code, message: want }), "{kind} {content}");
    };
    check("A", "::1", 9005, "Content for A record must be a valid IPv4 address.");
    check("A", "192.0.2.1 x", 9005, "Content for A record must be a valid IPv4 address.");
    check("AAAA", "192.0.2.1", 9006, "Content for AAAA record must be a valid IPv6 address.");
    check(
        "CNAME",
        "192.0.2.1",
        9007,
        "Content for CNAME record is invalid: target is \"192.0.2.1\"; it must be a domain name and not an address.",
    );
    check(
        "CNAME",
        "a..b",
        9007,
        "Content for CNAME record is invalid: target is \"a..b\"; it must be a domain name.",
    );
    check("MX", "mx.example", 9101, "priority is a required data field.");
    check("MX", "", 9101, "content is a required data field.");
    check("SRV", "5 0 5060", 9101, "priority is a required data field.");
    check(
        "SRV",
        "5 0 70000 a",
        9009,
        "Content for SRV record is invalid: port is \"70000\"; it must be a number from 0 to 65535.",
    );
    check("CAA", "0 issue", 9101, "value is a required data field.");
    check(
        "CAA",
        "256 issue x",
        9009,
        "Content for CAA record is invalid: flags is \"256\"; it must be a number from 0 to 255.",
    );
    check(
        "DS",
        "1 13 2 xyz",
        9009,
        "Content for DS record is invalid: digest is \"xyz\"; it must be hexadecimal.",
    );
    check("TXT", "\"open", 9009, "Content for TXT record is invalid: a quote is not closed.");
    check(
        "LOC",
        "91 N 0 E 0",
        9009,
        "Content for LOC record is invalid: location is \"91\"; it must be degrees, minutes and seconds in range.",
    );
    check(
        "LOC",
        "90 0 1 N 0 E 0",
        9009,
        "Content for LOC record is invalid: location is \"N\"; it must be behind at most 90 or 180 degrees.",
    );
    let missing = parse(RecordType::Srv, "", Some(1), Some(&json!({"weight": 1})), &zone());
    let message = "port is a required data field.".to_owned();
    assert_eq!(missing, Err(BadRdata { code: 9101, message }));
}

#[test]
fn rfc1035_3_3_14_long_texts_become_several_strings() {
    for (given, strings) in [(255, vec![255]), (256, vec![255, 1]), (600, vec![255, 255, 90])] {
        let text = "x".repeat(given);
        for content in [text.clone(), format!("\"{text}\"")] {
            let rdata = read("TXT", &content, None).unwrap().rdata;
            let mut rest = rdata.as_slice();
            for length in &strings {
                assert_eq!(usize::from(rest[0]), *length);
                rest = &rest[1 + length..];
            }
            assert!(rest.is_empty());
        }
    }
    let code = read("TXT", &"x".repeat(64_000), None).unwrap_err().code;
    assert_eq!(code, CODE_OTHER, "no TCP message holds it");
}

#[test]
fn rfc3597_5_generic_data_is_checked_like_any_other() {
    let file = |text: &str| {
        let tokens = Token::read_all(text).unwrap();
        parse_file(RecordType::A, &tokens, "example.com").map(|parsed| parsed.content)
    };
    assert_eq!(file(r"\# 4 C0 000201"), Ok("192.0.2.1".into()));
    assert!(file(r"\# 5 C0000201").is_err());
    assert!(file(r"\# 3 C00002").is_err());
    assert!(file(r"\# 4 xyz").is_err());
}

#[test]
fn names_in_zone_files_are_relative_to_the_origin() {
    let file = |text: &str| {
        let tokens = Token::read_all(text).unwrap();
        parse_file(RecordType::Cname, &tokens, "example.com").unwrap().content
    };
    assert_eq!(file("www"), "www.example.com");
    assert_eq!(file("www."), "www");
    assert_eq!(file(r"www\."), r"www\..example.com");
    assert_eq!(file("@"), "example.com");
    let root = parse_file(RecordType::Cname, &[Token::plain("www")], "").unwrap();
    assert_eq!(root.content, "www");
}

proptest! {
    #[test]
    fn shown_bytes_of_any_type_are_read_back(
        kind in prop::sample::select(RecordType::ALL.to_vec()),
        rdata in prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..40),
    ) {
        if let Some(text) = display_file(kind, &rdata) {
            let tokens = Token::read_all(&text).unwrap();
            let again = parse_file(kind, &tokens, "example.com");
            // Letter case and the digits of lengths are not kept; service parameters may be unordered.
            if let Ok(again) = again {
                let shown = display_file(kind, &again.rdata).unwrap();
                prop_assert_eq!(shown.to_ascii_lowercase(), text.to_ascii_lowercase());
                let content = display(kind, &again.rdata).unwrap();
                let priority = again.priority;
                let sent = parse(kind, &content, priority, None, &zone()).unwrap();
                prop_assert_eq!(sent.rdata, again.rdata);
            } else {
                prop_assert!(matches!(kind, RecordType::Https | RecordType::Svcb | RecordType::Caa
                    | RecordType::Cname | RecordType::Ns), "{kind} {text}");
            }
        }
    }

    #[test]
    fn any_content_is_read_without_a_panic(
        kind in prop::sample::select(RecordType::ALL.to_vec()),
        content: String,
        priority: Option<u16>,
    ) {
        if let Ok(parsed) = parse(kind, &content, priority, None, &zone()) {
            prop_assert!(display_file(kind, &parsed.rdata).is_some());
        }
    }
}

#[test]
fn an_address_is_no_name_with_or_without_the_last_dot() {
    for content in ["192.0.2.1", "192.0.2.1."] {
        let refused = read("PTR", content, None).unwrap_err();
        assert!(refused.message.ends_with("a domain name and not an address."), "{refused:?}");
    }
}
