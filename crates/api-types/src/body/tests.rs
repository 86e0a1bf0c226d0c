use serde_json::json;

use super::*;

/// Reads field `f` of the body; what it was refused for, or the value as text.
fn check<T: std::fmt::Debug>(
    body: Value,
    parse: impl FnOnce(&mut Node<'_>) -> Option<T>,
    want: Result<&str, &str>,
) {
    let got = read(&body, |fields| fields.required("f", parse));
    let got = got.map(|value| format!("{value:?}")).map_err(|problems| problems.to_string());
    assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{body}");
}

#[test]
fn a_field_has_its_type_or_is_refused() {
    check(json!({"f": true}), flag, Ok("true"));
    check(json!({"f": "true"}), flag, Err("/f: f is not true or false"));
    check(json!({"f": "é"}), text(1), Ok("\"é\""));
    check(json!({"f": "éé"}), text(1), Err("/f: f is longer than 1 characters"));
    check(json!({"f": 1}), text(1), Err("/f: f is not a string"));
    check(json!({"f": "a\nb"}), text(3), Ok("\"a\\nb\""));
    check(json!({"f": "a\nb"}), line(3), Err("/f: f holds a control character"));
    check(json!({}), flag, Err("/f: f is required"));
    check(json!({"f": null}), flag, Err("/f: f is required"));
}

#[test]
fn whole_numbers_may_come_as_floats() {
    check(json!({"f": 30}), whole(1..=30_u32), Ok("30"));
    check(json!({"f": 30.0}), whole(1..=30_u32), Ok("30"));
    check(json!({"f": 0}), whole(1..=30_u32), Err("/f: f is not in range [1, 30]"));
    check(json!({"f": -1}), whole(0..=30_u32), Err("/f: f is not in range [0, 30]"));
    check(json!({"f": 1e30}), whole(0..=30_u32), Err("/f: f is not in range [0, 30]"));
    check(json!({"f": u64::MAX}), whole(0..=30_u32), Err("/f: f is not in range [0, 30]"));
    check(json!({"f": 1.5}), whole(0..=30_u32), Err("/f: f is not a whole number"));
    check(json!({"f": "1"}), whole(0..=30_u32), Err("/f: f is not a whole number"));
}

#[test]
fn numbers_and_weights_have_ranges_and_steps() {
    check(json!({"f": -90}), number(-90.0..=90.0), Ok("-90.0"));
    check(json!({"f": 90.1}), number(-90.0..=90.0), Err("/f: f is not in range [-90, 90]"));
    check(json!({"f": "90"}), number(-90.0..=90.0), Err("/f: f is not a number"));
    check(json!({"f": 0.56}), weight(1), Ok("Weight(56)"));
    check(json!({"f": 1}), weight(10), Ok("Weight(100)"));
    check(json!({"f": 1.1}), weight(1), Err("/f: f is not in range [0, 1]"));
    check(json!({"f": 0.555}), weight(1), Err("/f: f is not a multiple of 0.01"));
    check(json!({"f": 0.55}), weight(10), Err("/f: f is not a multiple of 0.1"));
}

#[test]
fn words_names_and_ids_say_what_they_should_be() {
    use trimtab_model::balancer::SameSite;
    use trimtab_model::{PoolId, Pop};
    check(json!({"f": "Lax"}), word::<SameSite>, Ok("Lax"));
    let unknown = "/f: f \"lax\" is not one of Auto, Lax, None, Strict";
    check(json!({"f": "lax"}), word::<SameSite>, Err(unknown));
    check(json!({"f": 7}), word::<SameSite>, Err("/f: f is not a string"));
    check(
        json!({"f": "Frankfurt"}),
        word::<Pop>,
        Err("/f: f \"Frankfurt\" is not an airport code such as FRA"),
    );
    check(json!({"f": "A.example."}), hostname, Ok("a.example"));
    check(json!({"f": "a b"}), hostname, Err("/f: invalid hostname: a b"));
    check(json!({"f": "p1"}), id::<PoolId>("pool"), Err("/f: unknown pool: p1"));
}

#[test]
fn lists_and_maps_report_every_bad_item_at_its_place() {
    let flags = |node: &mut Node<'_>| node.list("flag", 1..=3, flag);
    check(json!({"f": [true, false]}), flags, Ok("[true, false]"));
    check(json!({"f": {}}), flags, Err("/f: f is not a list"));
    check(json!({"f": []}), flags, Err("/f: the flag list length must be in range [1, 3]"));
    check(
        json!({"f": [1, 2, 3, 4]}),
        flags,
        Err("/f: the flag list length must be in range [1, 3]"),
    );
    let both = "/f/0: f[0] is not true or false; /f/2: f[2] is not true or false";
    check(json!({"f": [1, true, 2]}), flags, Err(both));
    let regions = |node: &mut Node<'_>| node.map::<trimtab_model::Region, _>(2, flag);
    check(json!({"f": {"WEU": true}}), regions, Ok("{Weu: true}"));
    check(json!({"f": []}), regions, Err("/f: f is not an object"));
    check(json!({"f": {"A": 1, "B": 1, "C": 1}}), regions, Err("/f: f has over 2 keys"));
    let both =
        "/f/MARS: f \"MARS\" is not a region code such as WNAM; /f/OC: OC is not true or false";
    check(json!({"f": {"MARS": true, "OC": 1}}), regions, Err(both));
    check(json!({"f": {"IN": true, "SAS": true}}), regions, Err("/f/SAS: f has SAS twice"));
}

#[test]
fn rfc_6901_pointers_escape_slashes_and_tildes() {
    let map = |node: &mut Node<'_>| node.map::<String, _>(2, flag);
    check(json!({"f": {"a/b~c": 1}}), map, Err("/f/a~1b~0c: a/b~c is not true or false"));
}

#[test]
fn a_body_is_an_object() {
    for body in [json!([]), json!("x"), json!(null)] {
        let problems = read(&body, |_| Some(())).unwrap_err();
        assert_eq!(problems.to_string(), ": the body is not an object");
    }
}

#[test]
fn a_message_repeats_only_the_beginning_of_a_long_text() {
    let long = "x".repeat(10_000);
    let want = format!("/f: invalid hostname: {}…", "x".repeat(100));
    check(json!({"f": long}), hostname, Err(&want));
}

#[test]
fn unknown_keys_are_ignored_unless_an_object_is_closed() {
    assert_eq!(read(&json!({"x": 1}), |_| Some(())), Ok(()));
    let closed = read(&json!({"x": 1, "f": 2}), |fields| {
        fields.refuse_all_but(&["f"]);
        Some(())
    });
    assert_eq!(closed.unwrap_err().to_string(), "/x: unknown field: x");
}
