use trimtab_model::zone::{Rdata, RecordSettings};
use trimtab_model::{RecordId, Timestamp, ZoneId};

use super::*;

fn record(id: u8, name: &str, kind: RecordType, content: &str) -> Record {
    Record {
        id: RecordId::new([id; 16]),
        zone: ZoneId::new([0; 16]),
        name: name.parse().unwrap(),
        kind,
        content: content.into(),
        data: None,
        rdata: Rdata::default(),
        ttl: u32::from(id) * 60,
        priority: None,
        proxied: false,
        settings: RecordSettings::default(),
        comment: None,
        tags: Vec::new(),
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
        comment_modified_on: None,
        tags_modified_on: None,
    }
}

fn records() -> Vec<Record> {
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    vec![
        Record {
            proxied: true,
            comment: Some("Front door".into()),
            tags: tags(&["team:web", "prod"]),
            ..record(1, "www.example.com", RecordType::A, "192.0.2.1")
        },
        Record {
            tags: tags(&["team:mail"]),
            ..record(2, "mail.example.com", RecordType::A, "192.0.2.2")
        },
        record(3, "www.example.com", RecordType::Txt, "Hello"),
        record(4, "example.com", RecordType::Aaaa, "2001:db8::1"),
    ]
}

#[track_caller]
fn check(query: &[(&str, &str)], want: &[u8]) {
    let filter = RecordFilter::read(&Params::of(query)).unwrap();
    let kept = filter.apply(records());
    let ids: Vec<u8> = kept.iter().map(|record| record.id.bytes()[0]).collect();
    assert_eq!(ids, want, "{query:?}");
}

#[test]
fn each_filter_keeps_what_it_names() {
    check(&[], &[1, 2, 3, 4]);
    check(&[("direction", "desc")], &[4, 3, 2, 1]);
    check(&[("type", "A")], &[1, 2]);
    check(&[("name", "WWW.example.com.")], &[1, 3]);
    check(&[("name.exact", "www.example.com")], &[1, 3]);
    check(&[("name", "not a name")], &[]);
    check(&[("name.contains", "AIL")], &[2]);
    check(&[("name.startswith", "www")], &[1, 3]);
    check(&[("name.endswith", "e.com")], &[1, 2, 3, 4]);
    check(&[("content", "hello")], &[3]);
    check(&[("content.exact", "192.0.2.1")], &[1]);
    check(&[("content.startswith", "192")], &[1, 2]);
    check(&[("content.endswith", "::1")], &[4]);
    check(&[("proxied", "true")], &[1]);
    check(&[("proxied", "false")], &[2, 3, 4]);
    check(&[("comment", "front door")], &[1]);
    check(&[("comment.contains", "DOOR")], &[1]);
    check(&[("comment.present", "")], &[1]);
    check(&[("comment.absent", "true")], &[2, 3, 4]);
    check(&[("search", "door")], &[1]);
    check(&[("search", "team")], &[1, 2]);
    check(&[("search", "2001:")], &[4]);
    check(&[("type", "")], &[1, 2, 3, 4]);
}

#[test]
fn tags_are_found_by_name_and_value() {
    check(&[("tag", "team:web")], &[1]);
    check(&[("tag", "TEAM")], &[1, 2]);
    check(&[("tag.present", "prod")], &[1]);
    check(&[("tag.absent", "team")], &[3, 4]);
    check(&[("tag.exact", "team:mail")], &[2]);
    check(&[("tag.contains", "team:ai")], &[2]);
    check(&[("tag.startswith", "team:w")], &[1]);
    check(&[("tag.endswith", "team:eb")], &[1]);
    check(&[("tag.present", "prod"), ("tag.exact", "team:mail")], &[]);
    let either = [("tag.present", "prod"), ("tag.exact", "team:mail"), ("tag_match", "any")];
    check(&either, &[1, 2]);
}

#[test]
fn filters_are_joined_by_all_or_any() {
    check(&[("type", "A"), ("name", "www.example.com")], &[1]);
    check(&[("type", "A"), ("name", "www.example.com"), ("match", "any")], &[1, 2, 3]);
}

#[test]
fn lists_are_ordered_as_asked() {
    check(&[("order", "type")], &[1, 2, 4, 3]);
    check(&[("order", "name"), ("direction", "desc")], &[1, 3, 2, 4]);
    check(&[("order", "content")], &[1, 2, 4, 3]);
    check(&[("order", "ttl"), ("direction", "desc")], &[4, 3, 2, 1]);
    check(&[("order", "proxied"), ("direction", "asc")], &[2, 3, 4, 1]);
}

#[test]
fn one_name_is_read_alone_only_when_no_other_record_can_pass() {
    let only = |query: &[(&str, &str)]| {
        let filter = RecordFilter::read(&Params::of(query)).unwrap();
        filter.only_name().map(Name::to_string)
    };
    let www = Some("www.example.com".to_owned());
    assert_eq!(only(&[("name", "www.example.com"), ("type", "A")]), www);
    assert_eq!(only(&[("name", "www.example.com"), ("match", "any")]), www);
    assert_eq!(only(&[("name", "www.example.com"), ("type", "A"), ("match", "any")]), None);
    assert_eq!(only(&[("name.contains", "www")]), None);
}

#[test]
fn what_cannot_be_read_is_refused() {
    for query in [
        [("type", "SPF")],
        [("proxied", "yes")],
        [("match", "most")],
        [("order", "age")],
        [("direction", "up")],
        [("tag.exact", "team")],
        [("tag_match", "some")],
    ] {
        assert!(RecordFilter::read(&Params::of(&query)).is_err(), "{query:?}");
    }
}
