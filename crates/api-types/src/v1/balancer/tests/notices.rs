//! What is allowed and has no effect.

use super::*;

#[test]
fn semantics_17_geo_maps_that_no_policy_reads_are_noticed() {
    let maps = json!({"country_pools": {"DE": [A]}, "pop_pools": {"FRA": [A]}});
    let rule = |policy: &str| json!([{"overrides": {"steering_policy": policy}}]);
    let notice = "nothing reads country_pools, pop_pools: steering_policy is \"off\", not \"geo\"";
    for (change, want) in [
        (json!({}), vec![]),
        (json!({"steering_policy": "geo"}), vec![]),
        (json!({"steering_policy": "off"}), vec![notice.to_owned()]),
        (json!({"steering_policy": "off", "rules": rule("geo")}), vec![]),
        (json!({"steering_policy": "off", "rules": rule("random")}), vec![notice.to_owned()]),
        (json!({"steering_policy": "off", "country_pools": {}, "pop_pools": {}}), vec![]),
    ] {
        let body = with(&with(&minimal(), maps.clone()), change.clone());
        assert_eq!(notices(&made(&body)), want, "{change}");
    }
}
