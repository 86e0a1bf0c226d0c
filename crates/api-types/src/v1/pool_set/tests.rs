use serde_json::{Value, json};

use super::*;
use crate::body;
use crate::v1::samples::{refusals, with};

const A: &str = "17b5962d775c646f3f9725cbc7a53df4";

fn minimal() -> Value {
    json!({"overrides": {"pools": [A]}})
}

fn read(set: &Value) -> Result<Vec<model::PoolSet>, trimtab_model::Problems> {
    body::read(&json!({"pool_sets": [set]}), |body| body.required("pool_sets", list))
}

fn rendered(set: &Value) -> Value {
    serde_json::to_value(PoolSet::from(&read(set).unwrap()[0])).unwrap()
}

/// The minimal set with one change is refused for just this.
fn check(change: Value, pointer: &str, message: &str) {
    let want = [(format!("/pool_sets/0{pointer}"), message.to_owned())];
    assert_eq!(refusals(read(&with(&minimal(), change.clone()))), want, "{change}");
}

#[test]
fn a_set_comes_back_as_it_was_sent() {
    for matches in [
        json!({"default": true}),
        json!({"topology": {"pops": ["LHR", "FRA"]}}),
        json!({"topology": {"countries": ["GB"], "regions": ["WEU", "EEU"]}}),
    ] {
        let sent = json!({
            "name": "europe",
            "disabled": true,
            "match": matches,
            "overrides": {
                "pools": [A],
                "pool_weights": {A: 0.5},
                "pool_default_weight": 0,
                "fallback_pool": A,
                "steering_policy": "random",
            },
        });
        assert_eq!(rendered(&sent), sent);
    }
    let fixed = json!({"disabled": false, "fixed_response": {"status_code": 403}});
    assert_eq!(rendered(&fixed), fixed);
}

#[test]
fn a_match_is_everything_the_default_or_a_topology() {
    let read_match = |matches: Value| {
        let set = with(&minimal(), json!({"match": matches}));
        read(&set).unwrap().remove(0).matches
    };
    assert_eq!(read_match(json!(null)), PoolSetMatch::Everything);
    assert_eq!(read_match(json!({"default": true})), PoolSetMatch::Default);
    let topology = PoolSetMatch::Topology {
        pops: vec![],
        countries: vec!["GB".parse().unwrap()],
        regions: vec![],
    };
    let sent = json!({"default": false, "topology": {"pops": [], "countries": ["GB"]}});
    assert_eq!(read_match(sent), topology);
}

#[test]
fn each_field_has_its_range() {
    let duplicate = json!({"match": {"topology": {"pops": ["LHR", "LHR"]}}});
    let long = json!({"match": {"topology": {"countries": vec!["GB"; 1001]}}});
    let both = json!({"match": {"default": true, "topology": {"pops": ["LHR"]}}});
    let length = "the countries list length must be in range [0, 1000]";
    let needs = "match needs default or topology";
    check(json!({"name": "x".repeat(201)}), "/name", "name is longer than 200 characters");
    check(json!({"disabled": 1}), "/disabled", "disabled is not true or false");
    check(json!({"match": {}}), "/match", needs);
    check(json!({"match": {"default": false}}), "/match", needs);
    check(both, "/match/topology", "default and topology exclude each other");
    check(
        json!({"match": {"topology": {}}}),
        "/match/topology",
        "topology needs pops, countries or regions",
    );
    check(duplicate, "/match/topology/pops/1", "duplicate entry: LHR");
    check(long, "/match/topology/countries", length);
    check(
        json!({"match": {"topology": {"regions": ["EU"]}}}),
        "/match/topology/regions/0",
        "regions[0] \"EU\" is not a region code such as WNAM",
    );
}

#[test]
fn a_set_does_exactly_one_thing_and_never_steers_by_geography() {
    let nothing = "one of overrides and fixed_response is required";
    check(json!({"overrides": null}), "/overrides", nothing);
    check(json!({"overrides": {}}), "/overrides", nothing);
    let exclusive = "fixed_response and overrides exclude each other";
    check(json!({"fixed_response": {}}), "/overrides", exclusive);
    let geo = json!({"overrides": {"pools": [A], "steering_policy": "geo"}});
    let message = "steering_policy \"geo\" is not possible in a pool set";
    check(geo, "/overrides/steering_policy", message);
}
