//! Paths into documents, whole and broken.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::scratch::Scratch;

fn path(steps: &str) -> Vec<Key> {
    let steps = steps.split('.').filter(|step| !step.is_empty());
    steps.map(|step| step.parse().map_or(Key::Name(step.as_bytes().into()), Key::Place)).collect()
}

fn found(document: &str, path: &[Key]) -> (Option<String>, Option<i64>) {
    let (mut area, full) = ([0; 4096], std::cell::Cell::new(false));
    let scratch = Scratch::new(&mut area, &full);
    let raw = string(document.as_bytes(), path);
    let text = raw.and_then(|raw| scratch.write(|out| raw.write(out)));
    let text = text.map(|text| String::from_utf8(text.to_vec()).unwrap());
    (text, integer(document.as_bytes(), path))
}

fn text(document: &str, steps: &str, expected: &str) {
    assert_eq!(found(document, &path(steps)), (Some(expected.into()), None), "{document} {steps}");
}

fn number(document: &str, steps: &str, expected: i64) {
    assert_eq!(found(document, &path(steps)), (None, Some(expected)), "{document} {steps}");
}

fn nothing(document: &str, steps: &str) {
    assert_eq!(found(document, &path(steps)), (None, None), "{document} {steps}");
}

#[test]
fn a_path_goes_through_objects_and_arrays() {
    number(r#"{ "record_id": "aed53a", "version": 2 }"#, "version", 2);
    number(r#"{ "product": { "id": 356 } }"#, "product.id", 356);
    number(r#"["first_item", -234]"#, "1", -234);
    number(r#"{ "network_ids": [123, 456] }"#, "network_ids.0", 123);
    number(r#"[{ "product_id": 123 }, { "product_id": 456 }]"#, "1.product_id", 456);
    text(r#"{ "a": [[], {}, [{"b": ["x"]}], "c"], "d" : "e" }"#, "a.3", "c");
    text(r#"{ "a": [[], {}, [{"b": ["x"]}], "c"], "d" : "e" }"#, "a.2.0.b.0", "x");
    text(r#"{ "a": [[], {}, [{"b": ["x"]}], "c"], "d" : "e" }"#, "d", "e");
    text(r#"{"a":"first","a":"second"}"#, "a", "first");
    text(r#" "alone" "#, "", "alone");
}

#[test]
fn escapes_are_decoded_in_names_and_strings() {
    text(r#"{"\u0061\/":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#, "a/", "\"\\/\u{8}\u{c}\n\r\té😀");
    nothing(r#"{"a":"\ud83d"}"#, "a");
    nothing(r#"{"a":"\ud83d\u0041"}"#, "a");
    nothing(r#"{"a":"\x41"}"#, "a");
    nothing(r#"{"a":"\u+041"}"#, "a");
    nothing(r#"{"\u0061b":1}"#, "a");
}

#[test]
fn only_plain_integers_are_integers() {
    number("[9223372036854775807]", "0", i64::MAX);
    number("[-9223372036854775808]", "0", i64::MIN);
    number("[0]", "0", 0);
    for other in ["42.0", "1e3", "9223372036854775808", "01", "-", "+1", "true", "null", "{}", "[]"]
    {
        nothing(&format!("[{other}]"), "0");
    }
}

#[test]
fn what_is_not_there_is_absent() {
    for (document, steps) in [
        ("", "a"),
        ("", ""),
        ("{}", "a"),
        (r#"{"a":1}"#, "b"),
        (r#"{"a":1}"#, "0"),
        ("[1]", "a"),
        ("[1]", "1"),
        ("[]", "0"),
        (r#"{"a" 1}"#, "a"),
        (r#"{"a":"unended}"#, "a"),
        (r#"{"a":"b\"#, "a"),
        (r#"{"b":]"#, "a"),
        (r#"{"b":1"#, "a"),
    ] {
        nothing(document, steps);
    }
    nothing(&format!("[{}", "[".repeat(100_000)), "1");
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c\"\\\\é😀\n]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c\"\\\\]{0,2}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Every path that the document has.
fn leaves(value: &Value, path: &mut Vec<Key>, each: &mut impl FnMut(&Value, &[Key])) {
    each(value, path);
    let mut below = |key: Key, value: &Value| {
        path.push(key);
        leaves(value, path, each);
        path.pop();
    };
    match value {
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| below(Key::Place(at), value));
        }
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| below(Key::Name(name.as_bytes().into()), value));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn every_leaf_of_a_document_is_found(document in documents(), pretty in any::<bool>()) {
        let written =
            if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let written = written.unwrap();
        leaves(&document, &mut Vec::new(), &mut |value, path| {
            let expected = (value.as_str().map(String::from), value.as_i64());
            assert_eq!(found(&written, path), expected, "{written} {path:?}");
        });
    }

    #[test]
    fn no_bytes_make_it_panic(document in "[\\[\\]{}\",:\\\\u0-9a ]{0,40}", steps in "[a0]{0,1}\\.?[a1]?") {
        found(&document, &path(&steps));
    }
}
