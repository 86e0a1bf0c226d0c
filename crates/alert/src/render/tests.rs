use serde_json::json;
use trimtab_model::alert::AlertType;
use trimtab_model::{AccountId, AlertPolicyId, HealthCheckId, PoolId, WebhookId};

use super::*;
use crate::message::{CheckFacts, Facts, News, Phase, Traffic, Turn};
use crate::seen::Subject;
use crate::text;

const POLICY: &str = "01010101-0101-0101-0101-010101010101";

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn facts() -> Facts {
    Facts {
        name: "fra".into(),
        reason: "TCP connection failed".into(),
        seen_by: "FRA, IAD".into(),
        origins_up: 0,
        origins: 2,
        minimum_origins: 1,
        traffic: vec![Traffic {
            balancer: "www.example.com".into(),
            elsewhere: vec!["iad".into()],
            fallback: "iad".into(),
        }],
        ..Facts::default()
    }
}

fn message(phase: Phase) -> Message {
    let turn = match phase {
        Phase::Start => Turn::Unhealthy,
        Phase::End => Turn::Healthy,
    };
    let since = (phase == Phase::End).then_some(at(60));
    let pool = Subject::Pool(PoolId::new([2; 16]));
    Message {
        correlation: "c-1".into(),
        phase,
        alert_type: AlertType::LoadBalancingHealth,
        at: at(120),
        account: AccountId::new([3; 16]),
        account_name: "ops".into(),
        policy: Some(AlertPolicyId::new([1; 16])),
        policy_name: "night".into(),
        policy_description: String::new(),
        news: vec![News { subject: pool, turn, facts: Facts { since, ..facts() } }],
        more: 0,
        still: 0,
        test: false,
    }
}

fn hook(kind: WebhookType) -> Webhook {
    Webhook {
        id: WebhookId::new([4; 16]),
        name: "hook".into(),
        url: String::new(),
        kind,
        secret: Some(SecretText::new("s3")),
        created_on: at(0),
    }
}

const BODY: &str = "\
Pool fra is unhealthy.
  Why: TCP connection failed, as seen from FRA, IAD.
  0 of 2 origins are up, 1 are needed.
  www.example.com goes on with iad.

At       1970-01-01T00:02:00.000000Z
Policy   night
Account  ops (03030303030303030303030303030303)
Incident c-1
Look at  trimtab status
         trimtab explain www.example.com
";

#[test]
fn a_message_says_what_since_when_who_sees_it_and_what_the_traffic_does() {
    assert_eq!(text::subject(&message(Phase::Start)), "[trimtab] DOWN: pool fra");
    assert_eq!(text::body(&message(Phase::Start)), BODY);
    assert_eq!(text::subject(&message(Phase::End)), "[trimtab] UP: pool fra");
    let end = text::body(&message(Phase::End));
    assert!(
        end.starts_with("Pool fra is healthy again.\n  Unhealthy since 1970-01-01T00:01:00"),
        "{end}"
    );
}

#[test]
fn what_nobody_watches_any_more_is_not_said_to_be_well() {
    let mut message = message(Phase::End);
    message.news[0].turn = Turn::Unwatched;
    assert_eq!(text::subject(&message), "[trimtab] NOT WATCHED: pool fra");
    let says = "Pool fra is not watched any more.\n  Unhealthy since 1970-01-01T00:01:00.000000Z.\n  \
        www.example.com may use it, whatever its health is.\n\n";
    assert!(text::body(&message).starts_with(says), "{}", text::body(&message));
    let News { subject: Subject::Pool(id), .. } = message.news[0] else { panic!("no pool") };
    message.alert_type = AlertType::PoolEnablement;
    message.news[0].subject = Subject::Enablement(id);
    message.news[0].facts.traffic.clear();
    let check = |message: &Message, subject: &str, enabled: &str| {
        assert_eq!(text::subject(message), subject);
        assert_eq!(generic(message, "hook")["data"]["enabled"], enabled);
    };
    check(&message, "[trimtab] DELETED: pool fra", "false");
    let says = "Pool fra was deleted while it was disabled.\n  Disabled since 1970";
    assert!(text::body(&message).starts_with(says), "{}", text::body(&message));
    message.news[0].turn = Turn::Healthy;
    check(&message, "[trimtab] ENABLED: pool fra", "true");
    message.news[0].turn = Turn::Unhealthy;
    check(&message, "[trimtab] DISABLED: pool fra", "false");
}

#[test]
fn a_subject_is_one_line_whatever_a_name_holds() {
    let mut message = message(Phase::Start);
    message.news[0].facts.name = "fra\r\nBcc: x@example.com".into();
    assert_eq!(text::subject(&message), "[trimtab] DOWN: pool fra  Bcc: x@example.com");
}

#[test]
fn the_generic_body_is_that_of_the_hosted_product() {
    let rendered = webhook(&message(Phase::Start), &hook(WebhookType::Generic), "/", at(0));
    assert_eq!(rendered.headers, [("cf-webhook-auth", "s3".to_owned())]);
    let change = json!({
        "pool_id": "02020202020202020202020202020202",
        "pool_name": "fra",
        "new_health": "Unhealthy",
        "event_source": "pool",
        "origin_name": "",
        "origin_address": "",
        "reason": "TCP connection failed",
        "response_code": 0,
        "seen_by": "FRA, IAD",
        "unhealthy_since": null,
        "load_balancer_name": "www.example.com",
        "load_balancer_names": ["www.example.com"],
    });
    let mut data = change.clone();
    data["changes"] = json!([change]);
    data["more_changes"] = json!(0);
    data["still_unhealthy"] = json!(0);
    data["test"] = json!(false);
    let want = json!({
        "name": "hook",
        "text": format!("[trimtab] DOWN: pool fra\n\n{BODY}"),
        "data": data,
        "ts": 120,
        "account_id": "03030303030303030303030303030303",
        "policy_id": POLICY,
        "policy_name": "night",
        "alert_type": "load_balancing_health_alert",
        "alert_correlation_id": "c-1",
        "alert_event": "ALERT_STATE_EVENT_START",
    });
    assert_eq!(rendered.body, want);
}

#[test]
fn a_health_checks_data_has_the_documented_fields() {
    let mut message = message(Phase::End);
    message.alert_type = AlertType::HealthCheckStatus;
    message.news[0].subject = Subject::Check(HealthCheckId::new([0x55; 16]));
    message.news[0].facts.check = Some(CheckFacts {
        zone_id: "z".into(),
        zone_name: "example.com".into(),
        failing_regions: vec!["WEU".into()],
    });
    let data = generic(&message, "hook")["data"].clone();
    let pairs = [
        ("account_name", json!("ops")),
        ("account_tag", json!("03".repeat(16))),
        ("failing_regions", json!(["WEU"])),
        ("health_check_id", json!("5".repeat(32))),
        ("health_check_name", json!("fra")),
        ("new_health_status", json!("Healthy")),
        ("new_status", json!("Healthy")),
        ("old_status", json!("Unhealthy")),
        ("origin_ip", json!("")),
        ("reason", json!("TCP connection failed")),
        ("status_change_time", json!("1970-01-01T00:02:00.000000Z")),
        ("time_since_last_failure", json!(60)),
        ("zone_name", json!("example.com")),
        ("zone_tag", json!("z")),
    ];
    for (key, want) in pairs {
        assert_eq!(data[key], want, "{key}");
    }
}

#[test]
fn each_service_gets_the_shape_that_it_reads() {
    let check = |kind, phase, path: Option<&str>, headers: &[(&'static str, &str)], want: Value| {
        let rendered = webhook(&message(phase), &hook(kind), "/v2/alerts", at(7));
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        assert_eq!((rendered.path.as_deref(), rendered.headers), (path, headers), "{kind}");
        for (key, want) in want.as_object().unwrap() {
            assert_eq!(rendered.body[key], *want, "{kind} {key}");
        }
    };
    let text = format!("[trimtab] DOWN: pool fra\n{BODY}");
    let start = Phase::Start;
    check(WebhookType::Slack, start, None, &[], json!({"text": text}));
    check(WebhookType::GChat, start, None, &[], json!({"text": text}));
    let discord = json!({"content": text, "allowed_mentions": {"parse": []}});
    check(WebhookType::Discord, start, None, &[], discord);
    // Computed with `openssl dgst -sha256 -hmac $'7\ns3' -binary < /dev/null | base64`.
    let feishu = json!({
        "msg_type": "text", "content": {"text": text}, "timestamp": "7",
        "sign": "GcbtI64KZtlvjNQ6VyDq5H85w0xNc+ChQlzai0XgtJU=",
    });
    check(WebhookType::Feishu, start, None, &[], feishu);
    let splunk = json!({"time": 120, "source": "trimtab", "sourcetype": "_json"});
    check(WebhookType::Splunk, start, None, &[("authorization", "Splunk s3")], splunk);
    let datadog = json!({
        "title": "[trimtab] DOWN: pool fra", "text": BODY, "alert_type": "error",
        "aggregation_key": "c-1", "date_happened": 120,
    });
    check(WebhookType::Datadog, start, None, &[("dd-api-key", "s3")], datadog);
    let key = format!("c-1.{POLICY}");
    let genie = [("authorization", "GenieKey s3")];
    let open = json!({
        "message": "[trimtab] DOWN: pool fra", "alias": key, "description": BODY,
        "source": "trimtab", "priority": "P1", "tags": ["load_balancing_health_alert"],
    });
    check(WebhookType::Opsgenie, start, None, &genie, open);
    let close = format!("/v2/alerts/{key}/close?identifierType=alias");
    check(WebhookType::Opsgenie, Phase::End, Some(&close), &genie, json!({"source": "trimtab"}));
}

#[test]
fn pagerduty_opens_and_closes_by_one_key() {
    let start = pagerduty(&message(Phase::Start), "key", "fra-1");
    let want = [
        ("/routing_key", json!("key")),
        ("/event_action", json!("trigger")),
        ("/dedup_key", json!(format!("c-1.{POLICY}"))),
        ("/payload/summary", json!("[trimtab] DOWN: pool fra")),
        ("/payload/source", json!("fra-1")),
        ("/payload/severity", json!("critical")),
        ("/payload/component", json!("pool fra")),
        ("/payload/custom_details/text", json!(BODY)),
    ];
    for (pointer, want) in want {
        assert_eq!(start.pointer(pointer), Some(&want), "{pointer}");
    }
    let end = pagerduty(&message(Phase::End), "key", "fra-1");
    assert_eq!((&end["event_action"], &end["dedup_key"]), (&json!("resolve"), &start["dedup_key"]));
}
