use serde_json::json;
use trimtab_model::Region;
use trimtab_model::pool::{CheckRegions, Weight};

use super::*;
use crate::v1::samples::{refusals, with};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const LATER: Timestamp = Timestamp::from_micros(1_767_225_660_000_000);
const MONITOR: &str = "f1aba936b94213e5b8dca0c0dbf1f9cc";

fn minimal() -> Value {
    json!({"name": "primary-dc_1", "origins": [{"address": "192.0.2.1"}]})
}

fn made(body: &Value) -> model::Pool {
    read(body).unwrap().into_new(PoolId::new([1; 16]), NOW)
}

fn rendered(body: &Value) -> Value {
    serde_json::to_value(Pool::from(&made(body))).unwrap()
}

/// The minimal body with one change is refused for just this.
fn check(change: Value, pointer: &str, message: &str) {
    let got = refusals(read(&with(&minimal(), change.clone())));
    assert_eq!(got, [(pointer.to_owned(), message.to_owned())], "{change}");
}

/// The same for a pool of one endpoint with one change.
fn check_origin(change: Value, pointer: &str, message: &str) {
    let origin = with(&json!({"name": "a", "address": "192.0.2.1"}), change);
    check(json!({"origins": [origin]}), &format!("/origins/0{pointer}"), message);
}

#[test]
fn defaults_are_echoed() {
    let want = json!({
        "id": "01010101010101010101010101010101",
        "name": "primary-dc_1",
        "description": "",
        "enabled": true,
        "origins": [{
            "name": "",
            "address": "192.0.2.1",
            "enabled": true,
            "weight": 1,
            "port": 0,
            "flatten_cname": true,
        }],
        "origin_steering": {"policy": "random"},
        "minimum_origins": 1,
        "monitor": "",
        "check_regions": null,
        "health_sources": null,
        "load_shedding": {
            "default_percent": 0,
            "default_policy": "random",
            "session_percent": 0,
            "session_policy": "hash",
        },
        "notification_email": "",
        "notification_filter": null,
        "created_on": "2026-01-01T00:00:00.000000Z",
        "modified_on": "2026-01-01T00:00:00.000000Z",
    });
    assert_eq!(rendered(&minimal()), want);
}

#[test]
fn what_was_sent_comes_back_as_it_was_sent() {
    let body = json!({
        "description": "Primary data center - Provider XYZ",
        "name": "primary-dc-1",
        "enabled": false,
        "load_shedding": {
            "default_percent": 12.5,
            "default_policy": "hash",
            "session_percent": 100,
            "session_policy": "hash",
        },
        "minimum_origins": 2,
        "monitor": MONITOR,
        "check_regions": ["WEU", "ENAM"],
        "health_sources": ["regional", "global"],
        "latitude": 55,
        "longitude": -12.3,
        "origins": [
            {
                "name": "zulu",
                "address": "0.0.0.0",
                "enabled": true,
                "weight": 0.56,
                "port": 8443,
                "header": {"Host": ["example.com"]},
                "flatten_cname": false,
            },
            {
                "name": "alpha",
                "address": "10.0.0.1",
                "enabled": true,
                "weight": 1,
                "port": 0,
                "virtual_network_id": "a5624d4e-044a-4ff0-b3e1-e2465353d4b4",
                "flatten_cname": true,
            },
        ],
        "origin_steering": {"policy": "least_connections"},
        "notification_email": "a@example.com,b@example.com",
        "notification_filter": {
            "origin": {"disable": false, "healthy": null},
            "pool": {"disable": true, "healthy": false},
        },
        "networks": ["zebra", "apple"],
    });
    let got = rendered(&body);
    assert_eq!(with(&got, body), got);
    assert_eq!(got["disabled_at"], "2026-01-01T00:00:00.000000Z");
}

#[test]
fn each_field_has_its_range() {
    check(json!({"name": null}), "/name", "name is required");
    check(json!({"name": ""}), "/name", "name \"\" is not made of letters, digits, - and _");
    check(json!({"name": "a b"}), "/name", "name \"a b\" is not made of letters, digits, - and _");
    check(json!({"name": "x".repeat(256)}), "/name", "name is longer than 255 characters");
    check(
        json!({"description": "x".repeat(1025)}),
        "/description",
        "description is longer than 1024 characters",
    );
    check(json!({"enabled": "yes"}), "/enabled", "enabled is not true or false");
    check(json!({"origins": null}), "/origins", "origins is required");
    check(json!({"origins": []}), "/origins", "the origin list length must be in range [1, 1000]");
    check(
        json!({"origins": vec![1; 1001]}),
        "/origins",
        "the origin list length must be in range [1, 1000]",
    );
    check(
        json!({"minimum_origins": 1001}),
        "/minimum_origins",
        "minimum_origins is not in range [0, 1000]",
    );
}

#[test]
fn who_looks_has_its_range() {
    check(json!({"monitor": "m1"}), "/monitor", "unknown monitor: m1");
    check(json!({"monitor_group": "g1"}), "/monitor_group", "unknown monitor group: g1");
    check(json!({"check_regions": "WEU"}), "/check_regions", "check_regions is not a list");
    check(
        json!({"check_regions": ["MOON"]}),
        "/check_regions/0",
        "check_regions[0] \"MOON\" is not a region code such as WNAM",
    );
    check(json!({"check_regions": ["WEU", "WEU"]}), "/check_regions/1", "duplicate region: WEU");
    check(
        json!({"check_regions": ["WEU", "ALL_REGIONS"]}),
        "/check_regions/1",
        "check_regions[1] \"ALL_REGIONS\" is not a region code such as WNAM",
    );
}

#[test]
fn what_is_shed_and_told_has_its_range() {
    check(
        json!({"origin_steering": "hash"}),
        "/origin_steering",
        "origin_steering is not an object",
    );
    check(
        json!({"origin_steering": {"policy": "best"}}),
        "/origin_steering/policy",
        "policy \"best\" is not one of random, hash, least_outstanding_requests, least_connections",
    );
    check(
        json!({"load_shedding": {"default_percent": 101}}),
        "/load_shedding/default_percent",
        "default_percent is not in range [0, 100]",
    );
    check(
        json!({"load_shedding": {"session_percent": -1}}),
        "/load_shedding/session_percent",
        "session_percent is not in range [0, 100]",
    );
    check(
        json!({"load_shedding": {"default_policy": "all"}}),
        "/load_shedding/default_policy",
        "default_policy \"all\" is not one of random, hash",
    );
    check(
        json!({"load_shedding": {"session_policy": "random"}}),
        "/load_shedding/session_policy",
        "session_policy \"random\" is not one of hash",
    );
    check(
        json!({"notification_email": "a@b@c"}),
        "/notification_email",
        "invalid email address: a@b@c",
    );
    check(
        json!({"notification_email": "a@b.c,"}),
        "/notification_email",
        "invalid email address: ",
    );
    check(
        json!({"notification_filter": {"pool": {"disable": 1}}}),
        "/notification_filter/pool/disable",
        "disable is not true or false",
    );
    check(
        json!({"notification_filter": {"origin": {"healthy": 1}}}),
        "/notification_filter/origin/healthy",
        "healthy is not true or false",
    );
    check(json!({"networks": [1]}), "/networks/0", "networks[0] is not a string");
}

#[test]
fn each_field_of_an_endpoint_has_its_range() {
    check_origin(json!({"name": "x".repeat(256)}), "/name", "name is longer than 255 characters");
    check_origin(json!({"address": null}), "/address", "address is required");
    check_origin(json!({"address": "10.0.0"}), "/address", "invalid origin address: 10.0.0");
    check_origin(
        json!({"address": "192.0.2.1:80"}),
        "/address",
        "invalid origin address: 192.0.2.1:80",
    );
    check_origin(json!({"enabled": 1}), "/enabled", "enabled is not true or false");
    check_origin(json!({"weight": 1.01}), "/weight", "weight is not in range [0, 1]");
    check_origin(json!({"weight": 0.005}), "/weight", "weight is not a multiple of 0.01");
    check_origin(json!({"port": 70_000}), "/port", "port is not in range [0, 65535]");
    check_origin(json!({"header": ["Host"]}), "/header", "header is not an object");
    check_origin(
        json!({"header": {"Host": []}}),
        "/header/Host",
        "the Host header list length must be in range [1, 1]",
    );
    check_origin(
        json!({"header": {"Host": ["a", "b"]}}),
        "/header/Host",
        "the Host header list length must be in range [1, 1]",
    );
    check_origin(json!({"header": {"Host": ["a b"]}}), "/header/Host/0", "invalid hostname: a b");
    check_origin(json!({"header": {"host": ["a"]}}), "/header/host", "unknown field: host");
    check_origin(
        json!({"virtual_network_id": 1}),
        "/virtual_network_id",
        "virtual_network_id is not a string",
    );
    check_origin(
        json!({"flatten_cname": 1}),
        "/flatten_cname",
        "flatten_cname is not true or false",
    );
}

#[test]
fn mail_and_service_records_need_a_name_and_service_records_a_port() {
    let service =
        |service: Value| json!({"address": "a.example.com", "port": 5060, "trimtab": service});
    for sound in
        [json!({}), json!({"mx": {"priority": 10}}), json!({"srv": {"priority": 10, "weight": 5}})]
    {
        let body = json!({"name": "p", "origins": [service(sound.clone())]});
        let pool = read(&body).unwrap().into_new(PoolId::new([1; 16]), Timestamp::default());
        let shown = serde_json::to_value(Pool::from(&pool)).unwrap();
        let want = if sound == json!({}) { Value::Null } else { sound };
        assert_eq!(shown["origins"][0].get("trimtab").cloned().unwrap_or_default(), want);
    }
    let priority = "priority is not in range [0, 65535]";
    let mx = json!({"mx": {"priority": 10}});
    let srv = json!({"srv": {"priority": 1}});
    check_origin(service(json!({"mx": {}})), "/trimtab/mx/priority", "priority is required");
    check_origin(service(json!({"mx": {"priority": 65536}})), "/trimtab/mx/priority", priority);
    check_origin(service(json!({"mail": 1})), "/trimtab/mail", "unknown field: mail");
    check_origin(
        service(json!({"mx": {"priority": 1}, "srv": {"priority": 1}})),
        "/trimtab/srv",
        "an endpoint is either mx or srv",
    );
    check_origin(
        json!({"address": "192.0.2.1", "trimtab": mx}),
        "/trimtab",
        "mx and srv need a host name, not the address 192.0.2.1",
    );
    check_origin(
        json!({"address": "a.example.com", "trimtab": srv}),
        "/port",
        "srv needs the port that clients connect to",
    );
}

#[test]
fn fields_that_exclude_or_need_each_other() {
    let both = json!({"monitor": MONITOR, "monitor_group": MONITOR});
    check(both, "/monitor_group", "monitor and monitor_group exclude each other");
    check(json!({"latitude": 1}), "/longitude", "longitude is required with latitude");
    check(json!({"longitude": 1}), "/latitude", "latitude is required with longitude");
    check(
        json!({"latitude": 91, "longitude": 1}),
        "/latitude",
        "latitude is not in range [-90, 90]",
    );
    check(
        json!({"latitude": 1, "longitude": 181}),
        "/longitude",
        "longitude is not in range [-180, 180]",
    );
    let regional = json!({"health_sources": ["regional", "global"]});
    check(regional, "/health_sources", "regional health_sources need check_regions");
    let message = r#"health_sources must be null or ["regional", "global"]"#;
    check(json!({"health_sources": ["global"]}), "/health_sources", message);
    check(json!({"health_sources": []}), "/health_sources", message);
}

#[test]
fn endpoints_of_a_pool_differ_in_name_and_in_address_port_or_network() {
    let origins = |second: Value| {
        let second = with(&json!({"address": "192.0.2.1", "name": "b"}), second);
        json!({"origins": [{"address": "192.0.2.1", "name": "a"}, second]})
    };
    check(origins(json!({"name": "a", "port": 1})), "/origins/1/name", "duplicate origin name: a");
    check(origins(json!({})), "/origins/1/address", "duplicate origin address: 192.0.2.1");
    for difference in [json!({"port": 1}), json!({"virtual_network_id": "v"})] {
        made(&with(&minimal(), origins(difference)));
    }
    made(&json!({"name": "p", "origins": [{"address": "::1"}, {"address": "::2"}]}));
}

#[test]
fn all_regions_and_none_have_words_of_their_own() {
    let check = |sent: Value, model: CheckRegions, back: Value| {
        let body = with(&minimal(), json!({"check_regions": sent}));
        assert_eq!(made(&body).watch.check_regions, model);
        assert_eq!(rendered(&body)["check_regions"], back);
    };
    check(json!(["ALL_REGIONS"]), CheckRegions::All, json!(["ALL_REGIONS"]));
    check(json!(["IN"]), CheckRegions::Named(vec![Region::Sas]), json!(["SAS"]));
    check(json!([]), CheckRegions::Default, json!(null));
}

#[test]
fn empty_filters_stay_empty() {
    for filter in [json!({}), json!({"pool": {"disable": false, "healthy": null}})] {
        let body = with(&minimal(), json!({"notification_filter": filter.clone()}));
        assert_eq!(rendered(&body)["notification_filter"], filter);
    }
}

#[test]
fn all_problems_of_a_body_come_at_once() {
    let body = json!({
        "name": "a b",
        "enabled": 1,
        "origins": [{"weight": 2}, 7, {"address": "::1", "port": "80"}],
        "latitude": "north",
        "check_regions": ["X"],
        "load_shedding": {"default_percent": 200, "session_percent": 200},
        "networks": {},
    });
    let pointers: Vec<_> = refusals(read(&body)).into_iter().map(|(pointer, _)| pointer).collect();
    let want = [
        "/name",
        "/enabled",
        "/origins/0/address",
        "/origins/0/weight",
        "/origins/1",
        "/origins/2/port",
        "/check_regions/0",
        "/latitude",
        "/longitude",
        "/load_shedding/default_percent",
        "/load_shedding/session_percent",
        "/networks",
    ];
    assert_eq!(pointers, want);
}

#[test]
fn a_patch_changes_what_it_names_and_null_resets_what_the_api_says() {
    let body = json!({
        "name": "p",
        "origins": [{"address": "::1"}],
        "monitor": MONITOR,
        "check_regions": ["WEU"],
        "health_sources": ["regional", "global"],
        "latitude": 1,
        "longitude": 2,
        "load_shedding": {"default_percent": 50},
        "notification_filter": {"pool": {"disable": true}, "origin": {"disable": true}},
        "origin_steering": {"policy": "hash"},
        "description": "about",
    });
    let current = made(&body);
    let check = |change: Value, as_if: Value| {
        let (got, _) = patch(&current, &change).unwrap().onto(&current, NOW);
        assert_eq!(got, made(&with(&body, as_if)), "{change}");
    };
    check(json!({}), json!({}));
    check(json!({"description": "new"}), json!({"description": "new"}));
    check(json!({"description": null, "name": null}), json!({}));
    for key in
        ["monitor", "load_shedding", "notification_filter", "origin_steering", "health_sources"]
    {
        check(json!({ key: null }), json!({ key: null }));
    }
    let place = json!({"latitude": null, "longitude": null});
    check(place.clone(), place);
    let regions = json!({"check_regions": null, "health_sources": null});
    check(regions.clone(), regions);
    let half = json!({"notification_filter": {"pool": null, "origin": {"disable": true}}});
    check(half, json!({"notification_filter": {"origin": {"disable": true}}}));
    let got = refusals(patch(&current, &json!({"monitor_group": MONITOR})));
    assert_eq!(
        got,
        [("/monitor_group".into(), "monitor and monitor_group exclude each other".into())]
    );
}

#[test]
fn being_disabled_has_a_beginning_that_later_changes_keep() {
    let times = |pool: &model::Pool| (pool.disabled_at, pool.origins[0].disabled_at);
    let apply = |current: &model::Pool, change: Value, now| {
        patch(current, &change).unwrap().onto(current, now).0
    };
    let off = json!({"enabled": false, "origins": [{"address": "::1", "enabled": false}]});
    let fresh = made(&minimal());
    assert_eq!(times(&fresh), (None, None));
    let disabled = apply(&fresh, off, NOW);
    assert_eq!(times(&disabled), (Some(NOW), Some(NOW)));
    let renamed = json!({"origins": [{"address": "::1", "name": "new", "enabled": false}]});
    let renamed = apply(&disabled, renamed, LATER);
    assert_eq!(times(&renamed), (Some(NOW), Some(NOW)));
    let moved = json!({"origins": [{"address": "::2", "enabled": false}]});
    assert_eq!(times(&apply(&disabled, moved, LATER)), (Some(NOW), Some(LATER)));
    let on = json!({"enabled": true, "origins": [{"address": "::1"}]});
    assert_eq!(times(&apply(&renamed, on, LATER)), (None, None));
}

#[test]
fn clients_cannot_set_when_something_was_disabled() {
    let origin = json!({"address": "::1", "disabled_at": "2020-01-01T00:00:00Z"});
    let body = json!({"name": "p", "origins": [origin], "disabled_at": "2020-01-01T00:00:00Z"});
    let pool = made(&body);
    assert_eq!((pool.disabled_at, pool.origins[0].disabled_at), (None, None));
}

#[test]
fn weights_of_go_clients_may_be_whole_floats() {
    let body = json!({"name": "p", "origins": [{"address": "::1", "weight": 1.0}]});
    assert_eq!(made(&body).origins[0].weight, Weight::ONE);
}

#[test]
fn all_pools_at_once_can_only_lose_their_mail_addresses() {
    assert_eq!(read_clear_emails(&json!({"notification_email": ""})), Ok(()));
    let check = |body: Value, message: &str| {
        let want = [("/notification_email".to_owned(), message.to_owned())];
        assert_eq!(refusals(read_clear_emails(&body)), want);
    };
    check(json!({}), "notification_email is required");
    check(json!({"notification_email": 1}), "notification_email is not a string");
    let message = "notification_email of all pools can only be cleared";
    check(json!({"notification_email": "a@example.com"}), message);
}

#[test]
fn an_empty_id_detaches_the_monitor_or_its_group() {
    let id = "0123456789abcdef0123456789abcdef";
    let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
    for field in ["monitor", "monitor_group"] {
        let body = json!({"name": "p", "origins": origins, field: id});
        let watched = read(&body).unwrap().into_new(PoolId::new([1; 16]), Timestamp::default());
        let patched = patch(&watched, &json!({field: ""})).unwrap();
        let (bare, changed) = patched.onto(&watched, Timestamp::default());
        assert!(changed, "{field}");
        assert_eq!((bare.watch.monitor, bare.watch.monitor_group), (None, None), "{field}");
    }
}
