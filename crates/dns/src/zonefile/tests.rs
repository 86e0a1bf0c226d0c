//! Files as other servers write them, and every record there and back.

use proptest::prelude::*;
use trimtab_model::zone::{Rdata, RecordSettings};
use trimtab_model::{Record, RecordId, Timestamp, ZoneId};

use super::*;
use crate::zone::tests::authority;

fn apex() -> Name {
    "example.com".parse().unwrap()
}

fn lines(text: &str) -> (Vec<String>, Vec<String>, usize) {
    let import = import(text, &apex()).unwrap();
    let records = import.records.iter().map(|r| {
        let proxied = if r.remark.proxied { " proxied" } else { "" };
        format!("{}: {} {} {} {}{proxied}", r.line, r.name, r.ttl, r.kind, r.parsed.content)
    });
    let problems = import.problems.iter().map(|p| format!("{}: {}", p.line, p.message));
    (records.collect(), problems.collect(), import.skipped)
}

#[test]
fn rfc1035_5_1_a_file_as_servers_write_it() {
    let text = r#"; a comment
$ORIGIN example.com.
$TTL 1h
@   IN SOA ns1 hostmaster ( 2024010101 ; serial
        1d 2h 4w 1h )
    NS  ns1.other.example.
@   MX  10 mail
www 60 IN A 192.0.2.1
    IN 120 A 192.0.2.2 ; the same owner cf_tags=cf-proxied:true,other
    AAAA 2001:db8::1
*.wild  CNAME www.example.com.
txt TXT ( "one; two" ; not a comment inside quotes
          three )
sub NS  ns.sub
$ORIGIN sub
ns  A   192.0.2.3
$ORIGIN .
deep.example.com 2w TYPE1 \# 4 C0000204
short.example.com 5 A 192.0.2.5
auto.example.com 1 A 192.0.2.6
"#;
    let records = [
        "7: example.com 3600 MX mail.example.com",
        "8: www.example.com 60 A 192.0.2.1",
        "9: www.example.com 120 A 192.0.2.2 proxied",
        "10: www.example.com 3600 AAAA 2001:db8::1",
        "11: *.wild.example.com 3600 CNAME www.example.com",
        "12: txt.example.com 3600 TXT \"one; two\" \"three\"",
        "14: sub.example.com 3600 NS ns.sub.example.com",
        "16: ns.sub.example.com 3600 A 192.0.2.3",
        "18: deep.example.com 86400 A 192.0.2.4",
        "19: short.example.com 30 A 192.0.2.5",
        "20: auto.example.com 1 A 192.0.2.6",
    ];
    assert_eq!(lines(text), (records.map(String::from).to_vec(), vec![], 2));
}

#[test]
fn a_bad_line_is_told_and_the_others_are_taken() {
    let text = r#"  A 192.0.2.1
good A 192.0.2.1
other.example.net. A 192.0.2.1
-bad- A 192.0.2.1
 A 192.0.2.9
a CH TXT x
a RRSIG A 13 2
a 300
a A 192.0.2.1 192.0.2.2
a A 192.0.2.1 )
a TXT "open
$INCLUDE other.zone
$TTL soon
$ORIGIN
last A 192.0.2.2
a A ( 192.0.2.1
"#;
    let problems = [
        "1: there is no record whose owner this one could have",
        "3: other.example.net is not in the zone example.com",
        "4: invalid hostname: -bad-.example.com",
        "5: there is no record whose owner this one could have",
        "6: class CH is not served",
        "7: type RRSIG is not served",
        "8: the record has no type",
        "9: Content for A record must be a valid IPv4 address.",
        "10: a parenthesis is closed that was not opened",
        "11: a quote is not closed",
        "12: $INCLUDE is not supported",
        "13: soon is no TTL",
        "14: $ORIGIN needs one word",
        "16: a parenthesis is not closed",
    ];
    let records = ["2: good.example.com 1 A 192.0.2.1", "15: last.example.com 1 A 192.0.2.2"];
    let lists = (records.map(String::from).to_vec(), problems.map(String::from).to_vec(), 0);
    assert_eq!(lines(text), lists);
}

#[test]
fn a_line_without_a_ttl_has_that_of_the_directive_or_of_the_last_record() {
    let ttls = |text: &str| {
        let import = import(text, &apex()).unwrap();
        import.records.iter().map(|record| record.ttl).collect::<Vec<_>>()
    };
    assert_eq!(ttls("a A 192.0.2.1\nb 90 A 192.0.2.1\nc A 192.0.2.1"), [1, 90, 90]);
    assert_eq!(ttls("$TTL 50\nb 90 A 192.0.2.1\nc A 192.0.2.1"), [90, 50]);
    assert_eq!(
        ttls("a 1h30m A 192.0.2.1\nb 1W A 192.0.2.1\nc 99999999d A 192.0.2.1"),
        [5400, 86_400]
    );
}

#[test]
fn files_lines_and_problem_lists_have_limits() {
    let large = " ".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(import(&large, &apex()), Err(TooLarge { bytes: TEXT_BYTES_MAX + 1 }));
    let long = format!("a TXT \"{}\"\nb A 192.0.2.1", "x".repeat(300_000));
    let (records, problems, _) = lines(&long);
    assert_eq!(records, ["2: b.example.com 1 A 192.0.2.1"]);
    assert_eq!(problems, ["1: longer than 300000 bytes"]);
    let many = import(&"bad\n".repeat(1_000), &apex()).unwrap();
    assert_eq!((many.problems.len(), many.problems_found), (PROBLEMS_MAX, 1_000));
}

#[test]
fn what_stands_behind_a_record_is_its_comment_and_its_tags() {
    let check = |behind: &str, comment: Option<&str>, tags: &[&str], proxied| {
        let text = format!("www 60 A 192.0.2.1 {behind}\n");
        let remark = import(&text, &apex()).unwrap().records.remove(0).remark;
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        assert_eq!(remark, Remark { comment: comment.map(str::to_owned), tags, proxied });
    };
    check("", None, &[], false);
    check(";;  to be moved; soon ", Some("to be moved; soon"), &[], false);
    check("; \u{7f}\u{1}; moved\tsoon", Some("moved soon"), &[], false);
    check("; cf_tags=cf-proxied:true", None, &[], true);
    check("; cf_tags=cf-proxied:false", None, &[], false);
    check("; web cf_tags=team:a b,cf-proxied:true,", Some("web"), &["team:a b"], true);
    check("; not cf_tags=a, but cf_tags=b", Some("not cf_tags=a, but"), &["b"], false);
    check(&format!("; {}", "x".repeat(600)), Some(&"x".repeat(500)), &[], false);
}

fn record(name: &str, kind: RecordType, ttl: u32, remark: Remark, rdata: Vec<u8>) -> Record {
    let at = Timestamp::from_micros(0);
    Record {
        id: RecordId::new([0; 16]),
        zone: ZoneId::new([0; 16]),
        name: name.parse().unwrap(),
        kind,
        content: String::new(),
        data: None,
        rdata: Rdata(rdata.into()),
        ttl,
        priority: None,
        proxied: remark.proxied,
        settings: RecordSettings::default(),
        comment: remark.comment,
        tags: remark.tags,
        created_on: at,
        modified_on: at,
        comment_modified_on: None,
        tags_modified_on: None,
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let name = "(\\*\\.)?([a-z0-9_]{1,5}\\.){0,3}example\\.com";
    let ttl = prop_oneof![Just(1), 30..86_400_u32];
    let kind = prop::sample::select(RecordType::ALL.to_vec());
    let text = prop::collection::vec(any::<u8>(), 0..300);
    (name, kind, ttl, any_remark(), text, any::<u128>()).prop_filter_map(
        "the zone's own NS records are not imported",
        |(name, kind, ttl, remark, text, bits)| {
            let rdata = sample(kind, &text, bits);
            let own = kind == RecordType::Ns && name == "example.com";
            (!own).then(|| record(&name, kind, ttl, remark, rdata))
        },
    )
}

fn any_remark() -> impl Strategy<Value = Remark> {
    let comment = prop::option::of("[a-zß\"(\\\\]([ -~]{0,9}cf_tags=)?[ -~é]{0,9}[a-z;=]");
    let tags = prop::collection::vec("[a-z]{1,3}(:[a-z \";=(]{0,5}[a-z])?", 0..3);
    (comment, tags, any::<bool>()).prop_map(|(comment, tags, proxied)| Remark {
        comment,
        tags,
        proxied,
    })
}

/// Sound data of a type, made of chance.
fn sample(kind: RecordType, text: &[u8], bits: u128) -> Vec<u8> {
    let numbers = bits.to_be_bytes();
    let string = |most: usize| {
        let text = &text[..text.len().min(most)];
        [&[text.len() as u8], text].concat()
    };
    let host = [string(20).to_ascii_lowercase(), vec![0]].concat();
    let host = if host[0] == 0 { vec![0] } else { host };
    let rest = [text, &[7]].concat();
    match kind {
        RecordType::A => numbers[..4].to_vec(),
        RecordType::Aaaa => numbers.to_vec(),
        RecordType::Cname | RecordType::Ns | RecordType::Ptr => host,
        RecordType::Mx => [&numbers[..2], &host].concat(),
        RecordType::Txt => [string(255), string(9)].concat(),
        RecordType::Caa => [&numbers[..1], b"\x05issue", text].concat(),
        RecordType::Cert => [&numbers[..5], &rest].concat(),
        RecordType::Dnskey | RecordType::Ds => [&numbers[..4], &rest].concat(),
        RecordType::Https | RecordType::Svcb => {
            [&numbers[..2], &host, b"\0\x03\0\x02\0\x35"].concat()
        }
        RecordType::Loc => {
            [&[0, 0x12, 0x16, 0x13, 0x80, 0, 1, 2, 0x7f, 9, 9, 9], &numbers[..4]].concat()
        }
        RecordType::Naptr => [&numbers[..4], &string(5), &string(9), &string(80), &host].concat(),
        RecordType::Openpgpkey => rest,
        RecordType::Smimea | RecordType::Tlsa => [&numbers[..3], &rest].concat(),
        RecordType::Srv => [&numbers[..6], &host].concat(),
        RecordType::Sshfp => [&numbers[..2], &rest].concat(),
        RecordType::Uri => [&numbers[..4], text].concat(),
    }
}

proptest! {
    #[test]
    fn what_is_exported_is_imported_as_the_same_records(
        records in prop::collection::vec(any_record(), 0..12),
    ) {
        let text = export(&apex(), &authority(), &records);
        let back = import(&text, &apex()).unwrap();
        prop_assert_eq!(&back.problems, &vec![], "{}", text);
        prop_assert_eq!(back.skipped, 3, "SOA and two name servers");
        let remark = |r: &Record| {
            Remark { comment: r.comment.clone(), tags: r.tags.clone(), proxied: r.proxied }
        };
        let whole = |name: &Name, kind, ttl, remark, rdata: &[u8]| {
            (name.clone(), kind, ttl, remark, rdata.to_vec())
        };
        let sent: Vec<_> =
            records.iter().map(|r| whole(&r.name, r.kind, r.ttl, remark(r), &r.rdata.0)).collect();
        let came: Vec<_> = back
            .records
            .iter()
            .map(|r| whole(&r.name, r.kind, r.ttl, r.remark.clone(), &r.parsed.rdata))
            .collect();
        prop_assert_eq!(came, sent, "{}", text);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "([a-z$\"();@.\\\\ \n0-9]|A |TXT |\\PC){0,200}") {
        import(&text, &apex()).unwrap();
    }
}
