//! Alerting.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bench::Bench;
use crate::alerts::AlertPort;

/// Nothing may be sent to link-local addresses, and nothing is sent.
pub(super) fn port() -> AlertPort {
    AlertPort {
        forbids: Arc::new(|to| {
            to.ip().to_string().starts_with("169.254.").then(|| "it is link-local".into())
        }),
        test: Arc::new(|_| Box::pin(async { Vec::new() })),
        has_mail: false,
    }
}

impl Bench {
    fn alerting(&self, path: &str) -> String {
        format!("/accounts/{}/alerting/v3{path}", self.account)
    }

    async fn webhook(&self) -> String {
        let body = json!({"name": "hook", "url": "https://hook.example.com/x", "secret": "s3"});
        self.post(&self.alerting("/destinations/webhooks"), &body).await.id()
    }

    async fn policy(&self, mechanisms: Value) -> String {
        let body = json!({
            "name": "night", "enabled": true, "alert_type": "load_balancing_health_alert",
            "mechanisms": mechanisms,
        });
        self.post(&self.alerting("/policies"), &body).await.id()
    }
}

#[tokio::test]
async fn a_policy_through_its_life() {
    let bench = Bench::new().await;
    let pool = bench.pool("p").await;
    let hook = bench.webhook().await;
    let id = bench.policy(json!({"webhooks": [{"id": hook}], "email": [{"id": "a@b.c"}]})).await;
    let one = bench.alerting(&format!("/policies/{id}"));
    let mut want = json!({
        "id": id,
        "name": "night",
        "description": "",
        "enabled": true,
        "alert_type": "load_balancing_health_alert",
        "mechanisms": {"email": [{"id": "a@b.c"}], "webhooks": [{"id": hook}], "pagerduty": []},
        "filters": {},
        "created": "2026-01-01T00:00:00.000000Z",
        "modified": "2026-01-01T00:00:00.000000Z",
    });
    assert_eq!(bench.get(&one).await.result(), want);
    bench.clock.pass(std::time::Duration::from_secs(60));
    // Put back as it was read, nothing changes.
    assert_eq!(bench.put(&one, &want).await.result(), json!({"id": id}));
    assert_eq!(bench.get(&one).await.result(), want);
    let filters = json!({"pool_id": [pool], "new_health": ["Unhealthy"], "event_source": ["pool"]});
    let change = json!({"filters": filters, "enabled": false, "alert_interval": "30m"});
    assert_eq!(bench.put(&one, &change).await.status, 200);
    want["filters"] = filters;
    want["enabled"] = json!(false);
    want["alert_interval"] = json!("30m");
    want["modified"] = json!("2026-01-01T00:01:00.000000Z");
    assert_eq!(bench.get(&one).await.result(), want);
    assert_eq!(bench.get(&bench.alerting("/policies")).await.result(), json!([want]));
    // A filter may go on naming a pool that went.
    assert_eq!(bench.delete(&bench.lb(&format!("/pools/{pool}"))).await.status, 200);
    assert_eq!(bench.put(&one, &json!({"enabled": true})).await.status, 200);
    assert_eq!(bench.delete(&one).await.result(), json!({"id": id}));
    assert_eq!(bench.get(&one).await.refusal(), (404, vec![1001]));
}

#[tokio::test]
async fn a_webhook_is_shown_without_its_secret_and_stays_while_a_policy_names_it() {
    let bench = Bench::new().await;
    let hook = bench.webhook().await;
    let policy = bench.policy(json!({"webhooks": [{"id": hook}]})).await;
    let one = bench.alerting(&format!("/destinations/webhooks/{hook}"));
    let want = json!({
        "id": hook,
        "name": "hook",
        "url": "https://hook.example.com/x",
        "type": "generic",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "last_success": null,
        "last_failure": null,
    });
    assert_eq!(bench.get(&one).await.result(), want);
    let slack = json!({"name": "s", "url": "https://hooks.slack.com/services/T/B/x"});
    assert_eq!(bench.put(&one, &slack).await.result(), json!({"id": hook}));
    assert_eq!(bench.get(&one).await.result()["type"], "slack");
    assert_eq!(bench.delete(&one).await.refusal(), (412, vec![1005]));
    bench.delete(&bench.alerting(&format!("/policies/{policy}"))).await;
    assert_eq!(bench.delete(&one).await.result(), json!({"id": hook}));
    let bad = json!({"name": "x", "url": "http://169.254.169.254/"});
    let refused = bench.post(&bench.alerting("/destinations/webhooks"), &bad).await;
    assert_eq!(refused.refusal(), (400, vec![1002]));
}

#[tokio::test]
async fn pagerduty_is_connected_with_a_key_or_without_one_and_its_key_is_not_shown() {
    let bench = Bench::new().await;
    let connect = bench.alerting("/destinations/pagerduty/connect");
    let body = json!({"name": "ops", "integration_key": "0123456789abcdef0123456789abcdef"});
    let id = bench.post(&connect, &body).await.id();
    let pending = bench.send("POST", &connect, None).await.id();
    let linked = bench.get(&format!("{connect}/{pending}")).await;
    assert_eq!(linked.result(), json!({"id": pending}));
    let change = json!({"integration_key": "fedcba9876543210fedcba9876543210", "name": "night"});
    let own = format!("/accounts/{}/trimtab/alerting/pagerduty/{pending}", bench.account);
    assert_eq!(bench.put(&own, &change).await.result(), json!({"id": pending, "name": "night"}));
    let all = bench.alerting("/destinations/pagerduty");
    let want = json!([{"id": id, "name": "ops"}, {"id": pending, "name": "night"}]);
    assert_eq!(bench.get(&all).await.result(), want);
    let policy = bench.policy(json!({"pagerduty": [{"id": id}]})).await;
    assert_eq!(bench.delete(&all).await.refusal(), (412, vec![1005]));
    bench.delete(&bench.alerting(&format!("/policies/{policy}"))).await;
    assert_eq!(bench.delete(&all).await.status, 200);
    assert_eq!(bench.get(&all).await.result(), json!([]));
    let bad = json!({"integration_key": "a b"});
    assert_eq!(bench.post(&connect, &bad).await.refusal(), (400, vec![1002]));
}

#[tokio::test]
async fn silences_are_made_changed_and_gone_with_their_policy() {
    let bench = Bench::new().await;
    let policy = bench.policy(json!({"email": [{"id": "a@b.c"}]})).await;
    let path = bench.alerting("/silences");
    let [start, end] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    let draft = json!([{"policy_id": policy, "start_time": start, "end_time": end}]);
    let made = bench.post(&path, &draft).await.result();
    let id = made[0]["id"].as_str().unwrap().to_owned();
    let want = json!({
        "id": id,
        "policy_id": policy,
        "start_time": "2026-01-01T00:00:00.000000Z",
        "end_time": "2026-01-02T00:00:00.000000Z",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": "2026-01-01T00:00:00.000000Z",
    });
    assert_eq!(made, json!([want]));
    bench.put_back(&path).await;
    let edit = json!([{"id": id, "end_time": "2026-01-03T00:00:00Z"}]);
    let changed = bench.put(&path, &edit).await.result();
    assert_eq!(changed[0]["end_time"], "2026-01-03T00:00:00.000000Z");
    assert_eq!(changed[0]["updated_at"], "2026-01-01T00:01:00.000000Z");
    let check = async |method: &str, body: Value, pointer: &str| {
        let got = bench.send(method, &path, Some(&body)).await;
        let place = got.json()["errors"][0]["source"]["pointer"].clone();
        assert_eq!((got.status, place), (400, json!(pointer)), "{body}");
    };
    check(
        "POST",
        json!([{"policy_id": policy, "start_time": end, "end_time": start}]),
        "/0/end_time",
    )
    .await;
    let unknown = "01010101-0101-0101-0101-010101010101";
    check(
        "POST",
        json!([{"policy_id": unknown, "start_time": start, "end_time": end}]),
        "/0/policy_id",
    )
    .await;
    check("POST", json!({"policy_id": policy}), "").await;
    check("PUT", json!([{"id": id, "end_time": "2020-01-01T00:00:00Z"}]), "/0/end_time").await;
    bench.delete(&bench.alerting(&format!("/policies/{policy}"))).await;
    assert_eq!(bench.get(&path).await.result(), json!([]));
    assert_eq!(bench.get(&format!("{path}/{id}")).await.refusal(), (404, vec![1001]));
}

#[tokio::test]
async fn what_there_is_to_be_told_is_listed_by_product() {
    let bench = Bench::new().await;
    let available = bench.get(&bench.alerting("/available_alerts")).await.result();
    let types = |product: &str| -> Vec<String> {
        let alerts = available[product].as_array().unwrap().iter();
        alerts.map(|alert| alert["type"].as_str().unwrap().to_owned()).collect()
    };
    let want = ["load_balancing_health_alert", "load_balancing_pool_enablement_alert"];
    assert_eq!(types("Load Balancing"), want);
    assert_eq!(types("Health Checks"), ["health_check_status_notification"]);
    let eligible = bench.get(&bench.alerting("/destinations/eligible")).await.result();
    assert_eq!(eligible["email"], json!([{"eligible": true, "ready": false, "type": "email"}]));
    assert_eq!(eligible["webhook"][0]["ready"], true);
}

#[tokio::test]
async fn whoever_may_read_alerting_may_not_write_it() {
    let bench = Bench::new().await;
    let account = format!("com.cloudflare.api.account.{}", bench.account);
    let token = bench.token(&["Notifications Read"], json!({ account: "*" })).await;
    let path = bench.alerting("/policies");
    assert_eq!(bench.send_as(&token, "GET", &path, None).await.status, 200);
    assert_eq!(bench.send_as(&token, "POST", &path, Some(&json!({}))).await.status, 403);
}
