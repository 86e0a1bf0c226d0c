use serde_json::json;

use super::*;
use crate::v1::samples::{self, refusals, with};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_767_225_660_000_000);

fn minimal() -> Value {
    json!({"type": "A", "name": "www", "content": "192.0.2.1"})
}

fn drafted(body: &Value) -> RecordDraft {
    read(body, &samples::zone()).unwrap()
}

fn parsed(content: &str) -> Parsed {
    Parsed { content: content.into(), data: None, rdata: Rdata(Box::from([192, 0, 2, 1])) }
}

fn made(body: &Value) -> model::Record {
    let content = body["content"].as_str().unwrap();
    drafted(body).into_new(RecordId::new([1; 16]), &samples::zone(), parsed(content), NOW)
}

/// The minimal body with one change is refused for just this.
fn check(change: Value, pointer: &str, code: Option<u32>, message: &str) {
    let problems = read(&with(&minimal(), change.clone()), &samples::zone()).unwrap_err();
    let got: Vec<_> =
        problems.iter().map(|p| (p.pointer.as_str(), p.code, p.message.as_str())).collect();
    assert_eq!(got, [(pointer, code, message)], "{change}");
}

#[test]
fn defaults_are_echoed() {
    let want = json!({
        "id": "01010101010101010101010101010101",
        "name": "www.example.com",
        "type": "A",
        "content": "192.0.2.1",
        "proxiable": true,
        "proxied": false,
        "ttl": 1,
        "settings": {},
        "meta": {},
        "comment": null,
        "tags": [],
        "created_on": "2026-01-01T00:00:00.000000Z",
        "modified_on": "2026-01-01T00:00:00.000000Z",
    });
    assert_eq!(serde_json::to_value(Record::from(&made(&minimal()))).unwrap(), want);
}

#[test]
fn names_are_relative_absolute_or_the_zone_itself() {
    let check = |sent: &str, want: &str| {
        let draft = drafted(&with(&minimal(), json!({"name": sent})));
        assert_eq!(draft.name.as_str(), want, "{sent}");
    };
    check("@", "example.com");
    check("example.com", "example.com");
    check("example.com.", "example.com");
    check("www", "www.example.com");
    check("www.example.com", "www.example.com");
    check("WWW.Example.COM.", "www.example.com");
    check("*", "*.example.com");
    check("_sip._tcp", "_sip._tcp.example.com");
    check("www.example.org", "www.example.org.example.com");
    let long = format!("{}.{}", "a".repeat(60), "b".repeat(60));
    check(&long, &format!("{long}.example.com"));
}

#[test]
fn each_field_has_its_range() {
    let ttl = "Invalid TTL. Must be between 30 and 86400 seconds, or 1 for Automatic";
    let name = |text: &str| format!("DNS name is invalid: {text}");
    check(json!({"name": null}), "/name", None, "name is required");
    check(json!({"name": "www.example.org."}), "/name", Some(9000), &name("www.example.org."));
    check(json!({"name": "a..b"}), "/name", Some(9000), &name("a..b"));
    check(json!({"name": ""}), "/name", Some(9000), &name(""));
    check(json!({"type": null}), "/type", None, "type is required");
    check(json!({"content": null}), "/content", None, "content is required");
    check(json!({"content": 1}), "/content", None, "content is not a string");
    check(json!({"ttl": 0}), "/ttl", Some(9021), ttl);
    check(json!({"ttl": 29}), "/ttl", Some(9021), ttl);
    check(json!({"ttl": 86_401}), "/ttl", Some(9021), ttl);
    check(json!({"ttl": "auto"}), "/ttl", None, "ttl is not a whole number");
    let proxied = "Invalid 'proxied' value, must be a boolean";
    check(json!({"proxied": "true"}), "/proxied", Some(9003), proxied);
    let unproxied = json!({"type": "TXT", "proxied": true});
    check(unproxied, "/proxied", Some(9004), "This record type cannot be proxied.");
    check(json!({"priority": 65_536}), "/priority", None, "priority is not in range [0, 65535]");
    check(
        json!({"settings": {"ipv4_only": 1}}),
        "/settings/ipv4_only",
        None,
        "ipv4_only is not true or false",
    );
    check(
        json!({"comment": "x".repeat(501)}),
        "/comment",
        None,
        "comment is longer than 500 characters",
    );
    check(
        json!({"tags": vec!["a"; 21]}),
        "/tags",
        None,
        "the tags list length must be in range [0, 20]",
    );
    check(json!({"tags": [":x"]}), "/tags/0", None, "invalid tag: \":x\"");
}

#[test]
fn an_unknown_type_names_the_known_ones() {
    let got = refusals(read(&with(&minimal(), json!({"type": "SPF"})), &samples::zone()));
    let words = RecordType::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ");
    assert_eq!(got, [("/type".to_owned(), format!("type \"SPF\" is not one of {words}"))]);
}

#[test]
fn ttl_1_is_automatic_and_30_is_the_shortest() {
    for ttl in [1, 30, 86_400] {
        assert_eq!(drafted(&with(&minimal(), json!({"ttl": ttl}))).ttl, ttl);
    }
}

#[test]
fn data_outranks_content_for_the_types_that_have_it() {
    let check = |body: Value, want: Written| {
        assert_eq!(drafted(&with(&minimal(), body.clone())).written, want, "{body}");
    };
    let data = json!({"flags": 0, "tag": "issue", "value": "ca.example"});
    let content = || Written::Content("192.0.2.1".into());
    check(json!({"type": "CAA", "data": data.clone()}), Written::Data(data.clone()));
    check(json!({"type": "CAA"}), content());
    check(json!({"type": "A", "data": data}), content());
    check(json!({"type": "CNAME", "content": "x.example."}), Written::Content("x.example.".into()));
    check(json!({"type": "TXT", "content": "\"v=1\""}), Written::Content("\"v=1\"".into()));
}

#[test]
fn data_is_flat() {
    let with_data = |data: Value| json!({"type": "SRV", "data": data});
    check(with_data(json!([])), "/data", None, "data is not an object");
    check(with_data(json!({"port": [1]})), "/data/port", None, "port is not a number or a string");
    let wide: Map<_, _> = (0..17).map(|n| (n.to_string(), json!(1))).collect();
    check(with_data(Value::Object(wide)), "/data", None, "data has over 16 keys");
}

#[test]
fn priority_belongs_to_mx_and_uri_and_is_0_by_default() {
    let of_uri = |data: Value| json!({"type": "URI", "data": data});
    for (change, want) in [
        (json!({"type": "SRV"}), None),
        (json!({"type": "SRV", "priority": 10}), Some(10)),
        (of_uri(json!({"weight": 1, "target": "x"})), Some(0)),
        // It stands in the data.
        (of_uri(json!({"priority": 10, "weight": 1, "target": "x"})), None),
        (json!({"type": "MX"}), Some(0)),
        (json!({"type": "MX", "priority": 10}), Some(10)),
        (json!({"type": "URI", "priority": 10}), Some(10)),
        (json!({"type": "A", "priority": 10}), None),
    ] {
        assert_eq!(drafted(&with(&minimal(), change.clone())).priority, want, "{change}");
    }
}

#[test]
fn a_patch_of_the_priority_alone_reaches_the_data() {
    let zone = samples::zone();
    let data = json!({"priority": 1, "weight": 2, "port": 3, "target": "x"});
    let srv = json!({"type": "SRV", "name": "_a._tcp", "content": "2 3 x"});
    let current = model::Record { data: Some(data), ..made(&srv) };
    let written = |change: Value| patch(&current, &change, &zone).unwrap().written;
    let with_priority = |priority| {
        Written::Data(json!({"priority": priority, "weight": 2, "port": 3, "target": "x"}))
    };
    assert_eq!(written(json!({"priority": 7})), with_priority(7));
    assert_eq!(written(json!({"ttl": 60})), with_priority(1));
    let data = json!({"priority": 9, "weight": 2, "port": 3, "target": "x"});
    let both = written(json!({"priority": 7, "data": data}));
    assert_eq!(both, with_priority(9), "the object outranks what stands beside it");
}

#[test]
fn what_is_kept_and_does_not_act_is_said() {
    let said = |change: Value| notices(&made(&with(&minimal(), change)));
    assert_eq!(said(json!({})), Vec::<String>::new());
    assert_eq!(said(json!({"proxied": true})), [format!("proxied: {NOT_PROXIED}")]);
    let settings = json!({"ipv6_only": true, "flatten_cname": true});
    let both = said(json!({"settings": settings}));
    assert!(both[0].contains("a family") && both[1].contains("flatten_cname"), "{both:?}");
    assert_eq!(both.len(), 2);
}

#[test]
fn a_patch_changes_what_it_names() {
    let zone = samples::zone();
    let current = made(&with(&minimal(), json!({"ttl": 60, "comment": "c", "proxied": true})));
    let check = |change: Value, as_if: Value| {
        let want = drafted(&with(&sent(&current), as_if));
        assert_eq!(patch(&current, &change, &zone), Ok(want), "{change}");
    };
    check(json!({}), json!({}));
    check(json!({"content": "192.0.2.2"}), json!({"content": "192.0.2.2"}));
    check(json!({"ttl": null}), json!({}));
    check(json!({"comment": null}), json!({"comment": null}));
    check(json!({"comment": ""}), json!({"comment": null}));
    check(json!({"name": "@"}), json!({"name": "@"}));
}

fn sent(record: &model::Record) -> Value {
    serde_json::to_value(Record::from(record)).unwrap()
}

#[test]
fn a_patch_of_content_outdates_data_and_the_other_way_round() {
    let zone = samples::zone();
    let data = json!({"flags": 0, "tag": "issue", "value": "ca.example"});
    let mut current =
        made(&with(&minimal(), json!({"type": "CAA", "content": "0 issue \"ca.example\""})));
    current.data = Some(data.clone());
    let check = |change: Value, want: Written| {
        assert_eq!(patch(&current, &change, &zone).unwrap().written, want, "{change}");
    };
    let other = json!({"flags": 0, "tag": "iodef", "value": "x"});
    check(json!({"ttl": 60}), Written::Data(data.clone()));
    check(json!({"content": current.content.clone()}), Written::Data(data));
    check(json!({"content": "0 issue \"x\""}), Written::Content("0 issue \"x\"".into()));
    check(json!({"type": "SRV"}), Written::Content(current.content.clone()));
    check(json!({"data": other.clone()}), Written::Data(other.clone()));
    check(json!({"data": other.clone(), "content": "x"}), Written::Data(other));
}

#[test]
fn times_move_only_with_what_they_tell_of() {
    let zone = samples::zone();
    let current = made(&with(&minimal(), json!({"comment": "c", "tags": ["a:b"]})));
    let times = |record: &model::Record| {
        (record.modified_on, record.comment_modified_on, record.tags_modified_on)
    };
    assert_eq!(times(&current), (NOW, Some(NOW), Some(NOW)));
    let apply = |change: Value, content: &str| {
        let draft = patch(&current, &change, &zone).unwrap();
        let (record, changed) = draft.onto(&current, &zone, parsed(content), LATER);
        (times(&record), changed)
    };
    let kept = Some(NOW);
    assert_eq!(apply(json!({}), "192.0.2.1"), ((NOW, kept, kept), false));
    assert_eq!(apply(json!({"ttl": 60}), "192.0.2.1"), ((LATER, kept, kept), true));
    assert_eq!(apply(json!({}), "192.0.2.2"), ((LATER, kept, kept), true));
    assert_eq!(apply(json!({"comment": "d"}), "192.0.2.1"), ((LATER, Some(LATER), kept), true));
    assert_eq!(apply(json!({"tags": []}), "192.0.2.1"), ((LATER, kept, None), true));
}

#[test]
fn a_batch_is_four_lists() {
    let id = "01010101010101010101010101010101";
    let change = json!({"id": id, "ttl": 60});
    let body = json!({"deletes": [{"id": id}], "patches": [change], "posts": [minimal()]});
    let record = RecordId::new([1; 16]);
    let want = Batch {
        deletes: vec![record],
        patches: vec![(record, change.clone())],
        puts: Vec::new(),
        posts: vec![minimal()],
    };
    assert_eq!(Batch::read(&body), Ok(want));
    let bad =
        json!({"deletes": [id], "patches": [{"ttl": 60}], "puts": {}, "posts": vec![1; 1001]});
    let want = [
        ("/deletes/0", "deletes[0] is not an object"),
        ("/patches/0/id", "id is required"),
        ("/puts", "puts is not a list"),
        ("/posts", "the posts list length must be in range [0, 1000]"),
    ];
    let want = want.map(|(pointer, message)| (pointer.to_owned(), message.to_owned()));
    assert_eq!(refusals(Batch::read(&bad)), want);
}
