use serde_json::json;

use super::super::samples::{refusals, with};
use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const ZONE: ZoneId = ZoneId::new([7; 16]);

fn body() -> Value {
    json!({"name": "shop", "address": "www.example.com"})
}

fn made(body: &Value) -> model::HealthCheck {
    let draft = read(body, ZONE, &Limits::default()).unwrap();
    draft.into_new(HealthCheckId::new([1; 16]), NOW)
}

fn shown(check: &model::HealthCheck) -> Value {
    serde_json::to_value(HealthCheck::new(check, Found::default())).unwrap()
}

#[test]
fn defaults_are_filled_in() {
    let want = json!({
        "id": "01".repeat(16), "name": "shop", "description": "", "address": "www.example.com",
        "type": "HTTP", "check_regions": null, "interval": 60, "retries": 2, "timeout": 5,
        "consecutive_fails": 1, "consecutive_successes": 1, "suspended": false,
        "http_config": {
            "method": "GET", "port": 80, "path": "/", "expected_codes": ["200"],
            "expected_body": "", "follow_redirects": false, "allow_insecure": false, "header": null,
        },
        "tcp_config": null, "status": "unknown", "failure_reason": "",
        "created_on": NOW, "modified_on": NOW,
    });
    assert_eq!(shown(&made(&body())), want);
    let tls = shown(&made(&with(&body(), json!({"type": "HTTPS"}))));
    assert_eq!((&tls["http_config"]["port"], &tls["tcp_config"]), (&json!(443), &json!(null)));
    let tcp = shown(&made(&with(&body(), json!({"type": "TCP"}))));
    let want = json!({"method": "connection_established", "port": 80});
    assert_eq!((&tcp["tcp_config"], &tcp["http_config"]), (&want, &json!(null)));
}

#[test]
fn southern_asia_is_called_in_here() {
    for written in [json!(["IN", "WEU"]), json!(["SAS", "WEU"])] {
        let check = made(&with(&body(), json!({ "check_regions": written })));
        assert_eq!(check.check_regions, CheckRegions::Named(vec![Region::Sas, Region::Weu]));
        assert_eq!(shown(&check)["check_regions"], json!(["IN", "WEU"]));
    }
    let all = json!(["ALL_REGIONS"]);
    assert_eq!(shown(&made(&with(&body(), json!({"check_regions": all}))))["check_regions"], all);
}

#[test]
fn refusals_name_the_place() {
    let check = |change: Value, pointer: &str, message: &str| {
        let got = refusals(read(&with(&body(), change.clone()), ZONE, &Limits::default()));
        assert_eq!(got, [(pointer.into(), message.into())], "{change}");
    };
    check(json!({"name": null}), "/name", "name is required");
    let name = "name \"a b\" is not made of letters, digits, - and _";
    check(json!({"name": "a b"}), "/name", name);
    check(json!({"address": null}), "/address", "address is required");
    check(json!({"address": "1.2.3"}), "/address", "invalid address: 1.2.3");
    check(json!({"type": "UDP"}), "/type", "type \"UDP\" is not one of HTTP, HTTPS, TCP");
    check(json!({"interval": 9}), "/interval", "interval is not in range [10, 3600]");
    let fails = "consecutive_fails is not in range [1, 10]";
    check(json!({"consecutive_fails": 0}), "/consecutive_fails", fails);
    check(json!({"check_regions": ["IN", "SAS"]}), "/check_regions/1", "duplicate region: SAS");
    let other = "tcp_config is not for HTTP health checks";
    check(json!({"tcp_config": {"port": 25}}), "/tcp_config", other);
    let http = |fields: Value| json!({ "http_config": fields });
    let codes = "the expected_codes list length must be in range [1, 500]";
    check(http(json!({"expected_codes": []})), "/http_config/expected_codes", codes);
    let code = "expected_codes[1] \"9\" is not a status such as 200 or 2xx";
    check(http(json!({"expected_codes": ["2xx", "9"]})), "/http_config/expected_codes/1", code);
    let method = "method \"POST\" is not one of GET, HEAD";
    check(http(json!({"method": "POST"})), "/http_config/method", method);
    check(http(json!({"verb": "GET"})), "/http_config/verb", "unknown field: verb");
    let agent = "header \"User-Agent\" cannot be replaced";
    check(http(json!({"header": {"User-Agent": ["x"]}})), "/http_config/header/User-Agent", agent);
    let tcp = json!({"type": "TCP", "tcp_config": {"method": "syn"}});
    let method = "method \"syn\" is not one of connection_established";
    check(tcp, "/tcp_config/method", method);
}

#[test]
fn a_check_that_changes_its_type_leaves_the_old_configuration() {
    let http = made(&with(&body(), json!({"http_config": {"path": "/up"}})));
    let check = |change: Value, want: Value| {
        let (after, _) = patch(&http, &change, &Limits::default()).unwrap().onto(&http, NOW);
        let after = shown(&after);
        let got = json!([after["type"], after["http_config"]["path"], after["tcp_config"]["port"]]);
        assert_eq!(got, want, "{change}");
    };
    check(json!({}), json!(["HTTP", "/up", null]));
    check(json!({"type": "HTTP"}), json!(["HTTP", "/up", null]));
    check(json!({"type": "TCP"}), json!(["TCP", null, 80]));
    check(json!({"type": "TCP", "tcp_config": {"port": 25}}), json!(["TCP", null, 25]));
    check(json!({"http_config": null}), json!(["HTTP", "/", null]));
    check(json!({"type": "HTTPS"}), json!(["HTTPS", "/up", null]));
}

#[test]
fn a_port_that_nobody_chose_follows_the_type() {
    let check = |port: Value, change: Value, want: u16| {
        let before = made(&with(&body(), json!({"http_config": {"port": port}})));
        let (after, _) = patch(&before, &change, &Limits::default()).unwrap().onto(&before, NOW);
        assert_eq!(shown(&after)["http_config"]["port"], want, "{port} {change}");
    };
    let (https, chosen) = (json!({"type": "HTTPS"}), json!({"http_config": {"port": 81}}));
    check(json!(80), https.clone(), 443);
    check(json!(8080), https.clone(), 8080);
    check(json!(80), chosen.clone(), 81);
    check(json!(80), with(&https, chosen), 81);
    check(json!(80), json!({"interval": 90}), 80);
}

#[test]
fn the_status_is_what_is_known() {
    let check = made(&body());
    let suspended = model::HealthCheck { suspended: true, ..check.clone() };
    let of = |check: &model::HealthCheck, healthy, failure_reason: &str| {
        let failure_reason = failure_reason.to_owned();
        let shown = HealthCheck::new(check, Found { healthy, failure_reason });
        (shown.status, shown.failure_reason)
    };
    assert_eq!(of(&check, None, ""), (CheckStatus::Unknown, "".into()));
    assert_eq!(of(&check, Some(true), "No failures"), (CheckStatus::Healthy, "No failures".into()));
    assert_eq!(
        of(&check, Some(false), "TCP Timeout"),
        (CheckStatus::Unhealthy, "TCP Timeout".into())
    );
    assert_eq!(of(&suspended, Some(true), "No failures"), (CheckStatus::Suspended, "".into()));
    let failure_reason = || "No failures".to_owned();
    let found = Found { healthy: Some(true), failure_reason: failure_reason() };
    let trial = HealthCheck::tried(&suspended, found);
    assert_eq!((trial.status, trial.failure_reason), (CheckStatus::Healthy, failure_reason()));
    assert!(trial.suspended);
}
