use serde_json::json;
use trimtab_model::balancer::{LocationMode, PreferEcs};

use super::*;
use crate::v1::samples::{self, refusals, with};

mod extension;
mod notices;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const A: &str = "17b5962d775c646f3f9725cbc7a53df4";
const B: &str = "9290f38c5d07c2e2f4df57b1f61d4196";

fn minimal() -> Value {
    json!({"name": "www.example.com", "default_pools": [A], "fallback_pool": B})
}

fn made(body: &Value) -> model::Balancer {
    let draft = read(body, &Owner::Zone(&samples::zone())).unwrap();
    draft.into_new(BalancerId::new([1; 16]), NOW)
}

fn rendered(body: &Value) -> Value {
    serde_json::to_value(Balancer::new(&made(body), Some(&samples::zone()))).unwrap()
}

/// The minimal body with one change is refused for just this.
fn check(change: Value, pointer: &str, message: &str) {
    let got = refusals(read(&with(&minimal(), change.clone()), &Owner::Zone(&samples::zone())));
    assert_eq!(got, [(pointer.to_owned(), message.to_owned())], "{change}");
}

#[test]
fn defaults_are_echoed() {
    let want = json!({
        "id": "01010101010101010101010101010101",
        "name": "www.example.com",
        "description": "",
        "enabled": true,
        "proxied": false,
        "ttl": 30,
        "steering_policy": "off",
        "default_pools": [A],
        "fallback_pool": B,
        "region_pools": {},
        "country_pools": {},
        "pop_pools": {},
        "random_steering": {"default_weight": 1},
        "adaptive_routing": {"failover_across_pools": false},
        "session_affinity": "none",
        "session_affinity_attributes": {
            "drain_duration": 0,
            "samesite": "Auto",
            "secure": "Auto",
            "zero_downtime_failover": "none",
        },
        "rules": [],
        "pool_sets": [],
        "created_on": "2026-01-01T00:00:00.000000Z",
        "modified_on": "2026-01-01T00:00:00.000000Z",
        "zone_name": "example.com",
    });
    assert_eq!(rendered(&minimal()), want);
}

#[test]
fn what_was_sent_comes_back_as_it_was_sent() {
    let body = json!({
        "description": "Load Balancer for lb.example.com",
        "name": "*.lb.example.com",
        "enabled": false,
        "ttl": 60,
        "fallback_pool": A,
        "default_pools": [B, A],
        "region_pools": {"WNAM": [B, A], "ENAM": [A]},
        "country_pools": {"GB": [A]},
        "pop_pools": {"LAX": [B]},
        "proxied": true,
        "steering_policy": "least_outstanding_requests",
        "session_affinity": "header",
        "session_affinity_attributes": {
            "samesite": "Lax",
            "secure": "Always",
            "drain_duration": 100,
            "zero_downtime_failover": "temporary",
            "headers": ["X-Session", "cookie:sid,uid"],
            "require_all_headers": false,
        },
        "session_affinity_ttl": 3600,
        "adaptive_routing": {"failover_across_pools": true},
        "location_strategy": {"prefer_ecs": "geo", "mode": "pop"},
        "random_steering": {"pool_weights": {A: 0.3, B: 0.5}, "default_weight": 0.2},
        "networks": ["z", "a"],
        "trimtab": {"proximity_bias": {A: -20, B: 99}},
    });
    let got = rendered(&body);
    assert_eq!(with(&got, body), got);
}

#[test]
fn semantics_17_the_empty_policy_becomes_the_word_it_means() {
    for (change, word) in [
        (json!({"steering_policy": ""}), "off"),
        (json!({"steering_policy": "", "country_pools": {"DE": [A]}}), "geo"),
        (json!({"pop_pools": {"FRA": [A]}}), "geo"),
        (json!({"steering_policy": "off", "region_pools": {"WEU": [A]}}), "off"),
        (json!({"steering_policy": "random_steering"}), "random"),
    ] {
        let got = rendered(&with(&minimal(), change.clone()));
        assert_eq!(got["steering_policy"], word, "{change}");
    }
}

#[test]
fn session_ttls_follow_the_kind_of_affinity() {
    for (change, ttl) in [
        (json!({}), json!(null)),
        (json!({"session_affinity": ""}), json!(null)),
        (json!({"session_affinity": "cookie"}), json!(82_800)),
        (json!({"session_affinity": "ip_cookie", "session_affinity_ttl": 1800}), json!(1800)),
        (json!({"session_affinity_ttl": 5000}), json!(5000)),
    ] {
        let got = rendered(&with(&minimal(), change.clone()));
        assert_eq!(got["session_affinity_ttl"], ttl, "{change}");
    }
    let headers =
        json!({"session_affinity": "header", "session_affinity_attributes": {"headers": ["x"]}});
    assert_eq!(rendered(&with(&minimal(), headers))["session_affinity_ttl"], 1800);
}

#[test]
fn semantics_21_a_location_strategy_is_filled_in_only_once_it_is_there() {
    let check = |sent: Value, want: Option<(LocationMode, PreferEcs)>| {
        let got = made(&with(&minimal(), json!({"location_strategy": sent}))).steering.location;
        assert_eq!(got.map(|strategy| (strategy.mode, strategy.prefer_ecs)), want);
    };
    check(json!(null), None);
    check(json!({}), Some((LocationMode::Pop, PreferEcs::Proximity)));
    check(json!({"mode": "resolver_ip"}), Some((LocationMode::ResolverIp, PreferEcs::Proximity)));
    check(json!({"prefer_ecs": "never"}), Some((LocationMode::Pop, PreferEcs::Never)));
}

#[test]
fn each_field_has_its_range() {
    let policies = "steering_policy \"fast\" is not one of \"\", off, geo, random, dynamic_latency, \
                    proximity, least_outstanding_requests, least_connections";
    check(json!({"name": null}), "/name", "name is required");
    check(json!({"name": "a b"}), "/name", "invalid hostname: a b");
    check(json!({"name": "www.example.org"}), "/name", "invalid hostname: www.example.org");
    check(
        json!({"description": "x".repeat(1025)}),
        "/description",
        "description is longer than 1024 characters",
    );
    check(json!({"enabled": 1}), "/enabled", "enabled is not true or false");
    check(json!({"proxied": "true"}), "/proxied", "proxied is not true or false");
    check(json!({"ttl": 0}), "/ttl", "ttl is not in range [1, 86400]");
    check(json!({"ttl": 86_401}), "/ttl", "ttl is not in range [1, 86400]");
    check(json!({"steering_policy": "fast"}), "/steering_policy", policies);
}

#[test]
fn pools_are_known_ids_each_once_in_a_list() {
    check(json!({"default_pools": null}), "/default_pools", "default_pools is required");
    check(
        json!({"default_pools": []}),
        "/default_pools",
        "the pool list length must be in range [1, 200]",
    );
    check(json!({"default_pools": A}), "/default_pools", "default_pools is not a list");
    check(json!({"default_pools": [A, "p1"]}), "/default_pools/1", "unknown pool: p1");
    check(json!({"default_pools": [A, B, A]}), "/default_pools/2", &format!("duplicate pool: {A}"));
    check(json!({"fallback_pool": null}), "/fallback_pool", "fallback_pool is required");
    check(json!({"fallback_pool": 1}), "/fallback_pool", "fallback_pool is not a string");
    check(json!({"region_pools": []}), "/region_pools", "region_pools is not an object");
    check(
        json!({"region_pools": {"MARS": [A]}}),
        "/region_pools/MARS",
        "region_pools \"MARS\" is not a region code such as WNAM",
    );
    check(
        json!({"country_pools": {"de": [A]}}),
        "/country_pools/de",
        "country_pools \"de\" is not a country code such as DE",
    );
    check(
        json!({"pop_pools": {"FRAX": [A]}}),
        "/pop_pools/FRAX",
        "pop_pools \"FRAX\" is not an airport code such as FRA",
    );
    check(
        json!({"pop_pools": {"FRA": []}}),
        "/pop_pools/FRA",
        "the pool list length must be in range [1, 200]",
    );
}

#[test]
fn each_field_of_a_policy_has_its_range() {
    check(
        json!({"random_steering": {"default_weight": 0.25}}),
        "/random_steering/default_weight",
        "default_weight is not a multiple of 0.1",
    );
    check(
        json!({"random_steering": {"pool_weights": {A: 2}}}),
        &format!("/random_steering/pool_weights/{A}"),
        &format!("{A} is not in range [0, 1]"),
    );
    check(
        json!({"location_strategy": {"mode": "x"}}),
        "/location_strategy/mode",
        "mode \"x\" is not one of pop, resolver_ip",
    );
    check(
        json!({"location_strategy": {"prefer_ecs": "x"}}),
        "/location_strategy/prefer_ecs",
        "prefer_ecs \"x\" is not one of always, never, proximity, geo",
    );
    check(
        json!({"adaptive_routing": {"failover_across_pools": 1}}),
        "/adaptive_routing/failover_across_pools",
        "failover_across_pools is not true or false",
    );
}

#[test]
fn lists_have_their_lengths() {
    check(json!({"rules": {}}), "/rules", "rules is not a list");
    check(
        json!({"rules": vec![1; 101]}),
        "/rules",
        "the rules list length must be in range [0, 100]",
    );
    check(
        json!({"pool_sets": vec![1; 1001]}),
        "/pool_sets",
        "the pool_sets list length must be in range [0, 1000]",
    );
    check(json!({"networks": "all"}), "/networks", "networks is not a list");
}

#[test]
fn session_affinity_has_its_words_and_ttls() {
    check(
        json!({"session_affinity": "sticky"}),
        "/session_affinity",
        "session_affinity \"sticky\" is not one of none, cookie, ip_cookie, header",
    );
    for (kind, ttl, range) in [
        ("cookie", 1799, "[1800, 604800]"),
        ("ip_cookie", 604_801, "[1800, 604800]"),
        ("none", 29, "[30, 604800]"),
    ] {
        let change = json!({"session_affinity": kind, "session_affinity_ttl": ttl});
        check(
            change,
            "/session_affinity_ttl",
            &format!("session_affinity_ttl is not in range {range}"),
        );
    }
    let header = json!({"session_affinity": "header", "session_affinity_ttl": 3601, "session_affinity_attributes": {"headers": ["x"]}});
    check(header, "/session_affinity_ttl", "session_affinity_ttl is not in range [30, 3600]");
}

#[test]
fn session_affinity_attributes_have_their_ranges() {
    let attributes = |change: Value, pointer: &str, message: &str| {
        let pointer = format!("/session_affinity_attributes{pointer}");
        check(json!({"session_affinity_attributes": change}), &pointer, message);
    };
    attributes(json!([]), "", "session_affinity_attributes is not an object");
    attributes(
        json!({"drain_duration": -1}),
        "/drain_duration",
        "drain_duration is not in range [0, 86400]",
    );
    attributes(
        json!({"samesite": "lax"}),
        "/samesite",
        "samesite \"lax\" is not one of Auto, Lax, None, Strict",
    );
    attributes(
        json!({"secure": "Maybe"}),
        "/secure",
        "secure \"Maybe\" is not one of Auto, Always, Never",
    );
    attributes(
        json!({"zero_downtime_failover": "x"}),
        "/zero_downtime_failover",
        "zero_downtime_failover \"x\" is not one of none, temporary, sticky",
    );
    attributes(
        json!({"samesite": "None", "secure": "Never"}),
        "/secure",
        "secure \"Never\" is not possible with samesite \"None\"",
    );
    attributes(
        json!({"require_all_headers": 1}),
        "/require_all_headers",
        "require_all_headers is not true or false",
    );
    attributes(
        json!({"headers": ["a", "b", "c", "d", "e", "f"]}),
        "/headers",
        "the header list length must be in range [0, 5]",
    );
    attributes(json!({"headers": ["a b"]}), "/headers/0", "invalid header name: a b");
    attributes(json!({"headers": ["a,b"]}), "/headers/0", "invalid header name: a,b");
    attributes(json!({"headers": ["cookie:a,"]}), "/headers/0", "invalid header name: cookie:a,");
    attributes(
        json!({"headers": ["x".repeat(101)]}),
        "/headers/0",
        &format!("invalid header name: {}…", "x".repeat(100)),
    );
    attributes(json!({"headers": ["X-a", "x-A"]}), "/headers/1", "duplicate header name: x-A");
}

#[test]
fn header_affinity_needs_a_header_and_cannot_be_sticky() {
    let message = "header affinity needs at least one header name";
    check(json!({"session_affinity": "header"}), "/session_affinity_attributes", message);
    let empty =
        json!({"session_affinity": "header", "session_affinity_attributes": {"headers": []}});
    check(empty, "/session_affinity_attributes/headers", message);
    let sticky = json!({"headers": ["x"], "zero_downtime_failover": "sticky"});
    let sticky = json!({"session_affinity": "header", "session_affinity_attributes": sticky});
    let message = "sticky failover is not for header affinity";
    check(sticky, "/session_affinity_attributes/zero_downtime_failover", message);
}

#[test]
fn a_private_balancer_has_any_name_and_no_zone() {
    let body = with(&minimal(), json!({"name": "db.internal"}));
    let account = AccountId::new([9; 16]);
    let draft = read(&body, &Owner::Account(account)).unwrap();
    let balancer = draft.into_new(BalancerId::new([1; 16]), NOW);
    assert_eq!(balancer.scope, Scope::Account(account));
    assert_eq!(
        serde_json::to_value(Balancer::new(&balancer, None)).unwrap().get("zone_name"),
        None
    );
    assert_eq!(made(&minimal()).scope, Scope::Zone(samples::zone().id));
}

#[test]
fn all_problems_of_a_body_come_at_once() {
    let body = json!({
        "name": 1,
        "ttl": -5,
        "steering_policy": "x",
        "default_pools": ["p", A, A],
        "region_pools": {"X": ["q"]},
        "random_steering": {"default_weight": 2, "pool_weights": []},
        "session_affinity": "x",
        "session_affinity_attributes": {"headers": ["!"], "secure": 1},
        "rules": [{"condition": 1, "overrides": {"ttl": 0}}, {"name": 1}],
        "pool_sets": [{"match": {}, "overrides": {"steering_policy": "geo"}}],
        "trimtab": {"x": 1},
    });
    let owner = samples::zone();
    let pointers: Vec<_> = refusals(read(&body, &Owner::Zone(&owner)))
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    let want = [
        "/name",
        "/ttl",
        "/steering_policy",
        "/default_pools/0",
        "/default_pools/2",
        "/fallback_pool",
        "/region_pools/X",
        "/region_pools/X/0",
        "/random_steering/default_weight",
        "/random_steering/pool_weights",
        "/session_affinity",
        "/session_affinity_attributes/headers/0",
        "/session_affinity_attributes/secure",
        "/rules/0/condition",
        "/rules/0/overrides/ttl",
        "/rules/1/name",
        "/rules/1/overrides",
        "/pool_sets/0/match",
        "/pool_sets/0/overrides/steering_policy",
        "/trimtab/x",
    ];
    assert_eq!(pointers, want);
}

#[test]
fn a_patch_changes_what_it_names() {
    let rule = json!({"name": "r", "overrides": {"ttl": 60}});
    let set = json!({"name": "s", "overrides": {"pools": [A]}});
    let body = with(
        &minimal(),
        json!({
            "rules": [rule],
            "pool_sets": [set],
            "location_strategy": {"mode": "pop"},
            "session_affinity": "cookie",
            "trimtab": {"proximity_bias": {A: 5}},
            "country_pools": {"DE": [A]},
        }),
    );
    let current = made(&body);
    let zone = samples::zone();
    let check = |change: Value, as_if: Value| {
        let (got, _) = patch(&current, &change, &Owner::Zone(&zone)).unwrap().onto(&current, NOW);
        assert_eq!(got, made(&with(&body, as_if)), "{change}");
    };
    check(json!({}), json!({}));
    check(json!({"ttl": 90}), json!({"ttl": 90}));
    check(json!({"country_pools": {}}), json!({"country_pools": {}, "steering_policy": "geo"}));
    check(json!({"country_pools": null, "rules": null, "pool_sets": null}), json!({}));
    check(json!({"pool_sets": []}), json!({"pool_sets": []}));
    check(json!({"rules": []}), json!({"rules": []}));
    check(json!({"location_strategy": null}), json!({"location_strategy": null}));
    check(json!({"trimtab": null}), json!({"trimtab": null}));
    check(json!({"trimtab": {}}), json!({"trimtab": null}));
    // A TTL nobody chose follows the kind of affinity.
    check(json!({"session_affinity": "none"}), json!({"session_affinity": "none"}));
    let by_header =
        json!({"session_affinity": "header", "session_affinity_attributes": {"headers": ["x"]}});
    check(by_header.clone(), by_header);
}

#[test]
fn a_session_ttl_that_was_chosen_stays_through_a_patch() {
    let zone = samples::zone();
    let body = json!({"session_affinity": "cookie", "session_affinity_ttl": 5000});
    let current = made(&with(&minimal(), body));
    let ttl = |change: Value| {
        let draft = patch(&current, &change, &Owner::Zone(&zone)).unwrap();
        draft.resource().affinity.ttl
    };
    assert_eq!(ttl(json!({"session_affinity": "ip_cookie"})), Some(5000));
    assert_eq!(ttl(json!({"session_affinity_ttl": null})), Some(82_800));
    assert_eq!(ttl(json!({"session_affinity_ttl": 2000})), Some(2000));
}

#[test]
fn semantics_22_fields_of_the_other_traffic_are_noticed() {
    let rules = json!([
        {"condition": "dns.qry.type eq 1 or ip.src eq 10.0.0.1", "overrides": {}},
        {"condition": "http.host eq \"a\" and http.cookie eq \"b\"", "overrides": {}},
    ]);
    let notice = |rule: u32, fields: &str, traffic: &str| {
        format!(
            "rules: the condition of rule {rule} reads {fields}, absent in {traffic} traffic: \
             comparisons with them do not hold"
        )
    };
    let noticed = |proxied: bool| {
        notices(&made(&with(&minimal(), json!({"rules": rules, "proxied": proxied}))))
    };
    assert_eq!(noticed(false), [notice(2, "http.host, http.cookie", "DNS-only")]);
    assert_eq!(noticed(true), [notice(1, "dns.qry.type", "proxied")]);
}

#[test]
fn affinity_without_a_proxy_is_noticed() {
    let notice = "session_affinity has no effect while the load balancer is not proxied";
    for (change, want) in [
        (json!({}), vec![]),
        (json!({"session_affinity": "cookie"}), vec![notice.to_owned()]),
        (json!({"session_affinity": "cookie", "proxied": true}), vec![]),
    ] {
        assert_eq!(notices(&made(&with(&minimal(), change.clone()))), want, "{change}");
    }
}

#[test]
fn conditions_are_listed_with_their_places() {
    let rules = json!([
        {"overrides": {}},
        {"condition": "http.host eq \"x\"", "overrides": {}},
    ]);
    let balancer = made(&with(&minimal(), json!({"rules": rules})));
    let listed: Vec<_> = conditions(&balancer).collect();
    assert_eq!(listed, [("/rules/1/condition".to_owned(), "http.host eq \"x\"")]);
}
