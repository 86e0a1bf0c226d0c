use serde_json::{Value, json};
use trimtab_model::alert::WebhookType;
use trimtab_model::{AlertPolicyId, PagerDutyId, Timestamp, WebhookId};

use super::{pagerduty, policy, silence, webhook};
use crate::v1::samples::refusals;

const NOW: Timestamp = Timestamp::from_micros(1);

fn body(change: Value) -> Value {
    let mut body = json!({
        "name": "night",
        "enabled": true,
        "alert_type": "load_balancing_health_alert",
        "mechanisms": {"email": [{"id": "a@b.c"}]},
    });
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn a_policy_is_refused_where_it_is_wrong() {
    let check = |change: Value, pointer: &str, message: &str| {
        let found = refusals(policy::read(&body(change)));
        assert_eq!(found, [(pointer.into(), message.into())]);
    };
    check(json!({"name": ""}), "/name", "name is empty");
    check(json!({"enabled": null}), "/enabled", "enabled is required");
    check(json!({"mechanisms": {}}), "/mechanisms", "mechanisms names no destination");
    check(
        json!({"mechanisms": {"email": [{"id": "a@b.c\r\nBcc: d@e.f"}]}}),
        "/mechanisms/email/0/id",
        "id holds a control character",
    );
    for list in ["a@b.c,d@e.f", "A <a@b.c>", "a b@c.d"] {
        let message = format!("invalid email address: {list}");
        let mechanisms = json!({"mechanisms": {"email": [{"id": list}]}});
        check(mechanisms, "/mechanisms/email/0/id", &message);
    }
    check(
        json!({"filters": {"enabled": ["true"]}}),
        "/filters/enabled",
        "load_balancing_health_alert has no filter enabled",
    );
    check(
        json!({"alert_interval": "soon"}),
        "/alert_interval",
        "alert_interval \"soon\" is not a time such as 30m",
    );
}

#[test]
fn what_a_change_of_a_policy_leaves_out_stays_but_filters_of_another_type() {
    let filters = json!({"filters": {"new_health": ["Unhealthy"]}});
    let id = AlertPolicyId::new([1; 16]);
    let made = policy::read(&body(filters)).unwrap().into_new(id, NOW);
    let same = policy::replace(&made, &json!({"description": "x"})).unwrap();
    let (same, changed) = same.onto(&made, NOW);
    assert_eq!((same.filters, same.name.as_str(), changed), (made.filters.clone(), "night", true));
    let other = json!({"alert_type": "load_balancing_pool_enablement_alert"});
    let (other, _) = policy::replace(&made, &other).unwrap().onto(&made, NOW);
    assert!(other.filters.new_health.is_empty());
}

#[test]
fn a_destination_that_is_named_twice_is_told_once() {
    let twice = json!({"mechanisms": {"email": [{"id": "a@b.c"}, {"id": "a@b.c"}]}});
    let made = policy::read(&body(twice)).unwrap().into_new(AlertPolicyId::new([1; 16]), NOW);
    assert_eq!(made.mechanisms.email, ["a@b.c"]);
}

#[test]
fn a_webhooks_secret_stays_until_another_or_an_empty_one_is_sent() {
    let id = WebhookId::new([1; 16]);
    let draft = |secret: Value| {
        let body = json!({"name": "x", "url": "https://hooks.slack.com/x", "secret": secret});
        webhook::read(&body).unwrap()
    };
    let made = draft(json!("s3")).into_webhook(id, None, NOW);
    assert_eq!((made.kind, made.secret.is_some()), (WebhookType::Slack, true));
    assert_eq!(draft(Value::Null).into_webhook(id, Some(&made), NOW), made);
    assert_eq!(draft(json!("")).into_webhook(id, Some(&made), NOW).secret, None);
    assert!(!format!("{made:?}").contains("s3"));
}

#[test]
fn no_refusal_repeats_a_secret() {
    let hook = json!({"name": "x", "url": "https://u:s3@a.b/", "secret": "s3\r\n"});
    let told = refusals(webhook::read(&hook));
    let told_of_key = refusals(pagerduty::read(&json!({"integration_key": "s3 s3"})));
    assert_eq!((told.len(), told_of_key.len()), (2, 1));
    assert!(told.iter().chain(&told_of_key).all(|(_, message)| !message.contains("s3")));
    let made = pagerduty::read(&json!({"integration_key": "abc"})).unwrap();
    let made = made.into_service(PagerDutyId::new([1; 16]), None, NOW);
    assert!(!format!("{made:?}").contains("abc"));
}

#[test]
fn silences_are_a_list_and_each_ends_after_it_starts() {
    let one = |start: &str, end: &str| {
        let policy_id = "01010101-0101-0101-0101-010101010101";
        json!({"policy_id": policy_id, "start_time": start, "end_time": end})
    };
    let [early, late] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    assert_eq!(silence::read(&json!([one(early, late)])).unwrap().len(), 1);
    let found = refusals(silence::read(&json!([one(early, late), one(late, late)])));
    assert_eq!(found, [("/1/end_time".into(), "end_time is not after start_time".into())]);
    assert_eq!(refusals(silence::read(&one(early, late)))[0].0, "");
    assert_eq!(refusals(silence::read(&json!([])))[0].0, "");
}
