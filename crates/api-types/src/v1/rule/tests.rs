use serde_json::{Value, json};

use super::*;
use crate::body;
use crate::v1::samples::{refusals, with};

const A: &str = "17b5962d775c646f3f9725cbc7a53df4";

fn read(rule: &Value) -> Result<Vec<model::Rule>, trimtab_model::Problems> {
    body::read(&json!({"rules": [rule]}), |body| body.required("rules", list))
}

fn rendered(rule: &Value) -> Value {
    serde_json::to_value(Rule::from(&read(rule).unwrap()[0])).unwrap()
}

/// The rule is refused for just this.
fn check(rule: Value, pointer: &str, message: &str) {
    let want = [(format!("/rules/0{pointer}"), message.to_owned())];
    assert_eq!(refusals(read(&rule)), want, "{rule}");
}

fn check_overrides(over: Value, pointer: &str, message: &str) {
    check(json!({"overrides": over}), &format!("/overrides{pointer}"), message);
}

#[test]
fn defaults_are_echoed_and_overrides_come_back_as_they_were_sent() {
    for over in [
        json!({}),
        json!({"random_steering": {}}),
        json!({"random_steering": {"pool_weights": {}}}),
        json!({"random_steering": {"default_weight": 0.2}}),
        json!({"location_strategy": {"mode": "pop"}}),
        json!({"session_affinity_attributes": {}}),
        json!({"session_affinity_attributes": {"samesite": "None", "require_all_headers": false}}),
        json!({"country_pools": {}, "region_pools": {"WEU": [A]}}),
        json!({"steering_policy": "", "session_affinity": "none", "ttl": 30}),
        json!({"adaptive_routing": {"failover_across_pools": false}}),
        json!({"pools": [A], "pool_weights": {A: 1}, "pool_default_weight": 0}),
    ] {
        let want = json!({
            "condition": "",
            "disabled": false,
            "priority": 0,
            "terminates": false,
            "overrides": over,
        });
        assert_eq!(rendered(&json!({"overrides": over})), want);
    }
}

#[test]
fn a_fixed_response_terminates_and_comes_back_as_it_was_sent() {
    for fixed in [
        json!({}),
        json!({"status_code": 503, "message_body": "closed\n"}),
        json!({"status_code": 301, "location": "https://example.com/", "content_type": "text/plain"}),
    ] {
        let sent = json!({"name": "closed", "fixed_response": fixed});
        let want = json!({
            "name": "closed",
            "condition": "",
            "disabled": false,
            "priority": 0,
            "terminates": true,
            "fixed_response": fixed,
        });
        assert_eq!(rendered(&sent), want);
        // Go clients cannot leave the other one out.
        assert_eq!(rendered(&with(&sent, json!({"overrides": {}}))), want);
    }
}

#[test]
fn a_rule_does_exactly_one_thing() {
    let message = "one of overrides and fixed_response is required";
    check(json!({}), "/overrides", message);
    check(json!({"overrides": null, "fixed_response": null}), "/overrides", message);
    let both = json!({"overrides": {"ttl": 30}, "fixed_response": {}});
    check(both, "/overrides", "fixed_response and overrides exclude each other");
}

#[test]
fn each_field_has_its_range() {
    let rule = |change: Value| with(&json!({"overrides": {}}), change);
    check(json!(1), "", "rules[0] is not an object");
    check(rule(json!({"name": "x".repeat(201)})), "/name", "name is longer than 200 characters");
    check(
        rule(json!({"condition": "x".repeat(4097)})),
        "/condition",
        "condition is longer than 4096 characters",
    );
    check(rule(json!({"disabled": 1})), "/disabled", "disabled is not true or false");
    check(rule(json!({"priority": -1})), "/priority", "priority is not in range [0, 2147483647]");
    check(rule(json!({"priority": 1.5})), "/priority", "priority is not a whole number");
    check(rule(json!({"terminates": 1})), "/terminates", "terminates is not true or false");
    let fixed = |field: &str, value: Value, message: &str| {
        let body = json!({"fixed_response": {field: value}});
        check(body, &format!("/fixed_response/{field}"), message);
    };
    fixed("content_type", json!("x".repeat(33)), "content_type is longer than 32 characters");
    fixed("content_type", json!("a\r\nb: c"), "content_type holds a control character");
    fixed("location", json!("x".repeat(2049)), "location is longer than 2048 characters");
    fixed("location", json!("/\n"), "location holds a control character");
    fixed("message_body", json!("x".repeat(1025)), "message_body is longer than 1024 characters");
    fixed("status_code", json!(100), "status_code is not in range [200, 599]");
    fixed("status_code", json!(600), "status_code is not in range [200, 599]");
}

#[test]
fn each_override_has_its_range() {
    check_overrides(json!([]), "", "overrides is not an object");
    check_overrides(
        json!({"default_pools": []}),
        "/default_pools",
        "the pool list length must be in range [1, 200]",
    );
    check_overrides(json!({"pools": ["p"]}), "/pools/0", "unknown pool: p");
    check_overrides(json!({"fallback_pool": ""}), "/fallback_pool", "unknown pool: ");
    check_overrides(
        json!({"country_pools": {"XXX": [A]}}),
        "/country_pools/XXX",
        "country_pools \"XXX\" is not a country code such as DE",
    );
    check_overrides(json!({"ttl": 0}), "/ttl", "ttl is not in range [1, 86400]");
    check_overrides(
        json!({"session_affinity_ttl": 29}),
        "/session_affinity_ttl",
        "session_affinity_ttl is not in range [30, 604800]",
    );
    let header = json!({"session_affinity": "header", "session_affinity_ttl": 3601});
    check_overrides(
        header,
        "/session_affinity_ttl",
        "session_affinity_ttl is not in range [30, 3600]",
    );
    check_overrides(
        json!({"pool_default_weight": 0.05}),
        "/pool_default_weight",
        "pool_default_weight is not a multiple of 0.1",
    );
    check_overrides(
        json!({"pool_weights": {A: -1}}),
        &format!("/pool_weights/{A}"),
        &format!("{A} is not in range [0, 1]"),
    );
    let secure = json!({"session_affinity_attributes": {"samesite": "None", "secure": "Never"}});
    check_overrides(
        secure,
        "/session_affinity_attributes/secure",
        "secure \"Never\" is not possible with samesite \"None\"",
    );
}

#[test]
fn overrides_leave_draining_to_the_balancer_and_weigh_pools_in_one_way() {
    let drain = json!({"session_affinity_attributes": {"drain_duration": 0}});
    let place = "/session_affinity_attributes/drain_duration";
    check_overrides(drain, place, "drain_duration cannot be overridden");
    for (weights, value) in [("pool_weights", json!({})), ("pool_default_weight", json!(1))] {
        let both = json!({weights: value, "random_steering": {}});
        let message = format!("{weights} and random_steering exclude each other");
        check_overrides(both, &format!("/{weights}"), &message);
    }
}

#[test]
fn semantics_23_a_condition_that_cannot_be_read_is_refused_with_its_place() {
    let check = |condition: &str, message: &str| {
        check(json!({"condition": condition, "overrides": {}}), "/condition", message);
    };
    check(
        "dns.qry.name eq 7",
        "Filter parsing error (1:17):\ndns.qry.name eq 7\n                ^ expected a string",
    );
    check(
        "dns.qry.type eq 1 and\n  no.such eq 1",
        "Filter parsing error (2:3):\n  no.such eq 1\n  ^^^^^^^ unknown identifier",
    );
    check(
        "http.host matches \"(\"",
        "Filter parsing error (1:19):\nhttp.host matches \"(\"\n                  ^^^ invalid regular expression: unclosed group",
    );
}
