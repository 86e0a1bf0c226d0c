//! The body of generic webhooks, as the hosted product sends it.

use serde_json::{Map, Value, json};
use trimtab_model::HealthCheckId;

use crate::message::{Message, News, Turn};
use crate::render::seconds;
use crate::seen::Subject;
use crate::text;

/// `name` is the webhook's own.
pub(crate) fn body(message: &Message, name: &str) -> Value {
    json!({
        "name": name,
        "text": format!("{}\n\n{}", text::subject(message), text::body(message)),
        "data": data(message),
        "ts": seconds(message.at),
        "account_id": message.account,
        "policy_id": message.policy.map_or_else(String::new, |id| id.to_string()),
        "policy_name": message.policy_name,
        "alert_type": message.alert_type,
        "alert_correlation_id": message.correlation,
        "alert_event": message.phase,
    })
}

/// What is known of the first thing stands flat, where those look who expect one; all of them are in `changes`.
fn data(message: &Message) -> Value {
    let mut news: Vec<&News> = message.news.iter().collect();
    news.sort_by_key(|news| news.is_origin());
    let changes: Vec<Value> = news.iter().map(|news| of(message, news)).collect();
    let mut fields = match changes.first() {
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
    };
    fields.insert("changes".into(), changes.into());
    fields.insert("more_changes".into(), message.more.into());
    fields.insert("still_unhealthy".into(), message.still.into());
    fields.insert("test".into(), message.test.into());
    Value::Object(fields)
}

fn of(message: &Message, news: &News) -> Value {
    match &news.subject {
        Subject::Pool(id) | Subject::Origin(id, _) => of_health(news, &id.to_string()),
        Subject::Enablement(id) => json!({
            "pool_id": id,
            "pool_name": news.facts.name,
            "enabled": (news.turn == Turn::Healthy).to_string(),
        }),
        Subject::Check(id) => of_check(message, news, *id),
    }
}

fn of_health(news: &News, pool: &str) -> Value {
    let facts = &news.facts;
    let balancers: Vec<&str> = facts.traffic.iter().map(|t| t.balancer.as_str()).collect();
    json!({
        "pool_id": pool,
        "pool_name": facts.name,
        "new_health": news.turn,
        "event_source": if news.is_origin() { "origin" } else { "pool" },
        "origin_name": facts.origin,
        "origin_address": facts.address,
        "reason": facts.reason,
        "response_code": facts.response_code,
        "seen_by": facts.seen_by,
        "unhealthy_since": facts.since,
        "load_balancer_name": balancers.first().copied().unwrap_or(""),
        "load_balancer_names": balancers,
    })
}

fn of_check(message: &Message, news: &News, id: HealthCheckId) -> Value {
    let facts = &news.facts;
    let check = facts.check.clone().unwrap_or_default();
    let (new, old) = match news.turn {
        Turn::Unhealthy => ("Unhealthy", "Healthy"),
        Turn::Healthy => ("Healthy", "Unhealthy"),
        Turn::Unwatched => ("Unknown", "Unhealthy"),
    };
    let since = facts.since.map(|since| (message.at.micros() - since.micros()) / 1_000_000);
    json!({
        "account_name": message.account_name,
        "account_tag": message.account,
        "failing_regions": check.failing_regions,
        "health_check_id": id,
        "health_check_name": facts.name,
        "new_health_status": new,
        "new_status": new,
        "old_status": old,
        "origin_ip": facts.address,
        "reason": facts.reason,
        "status_change_time": message.at,
        "time_since_last_failure": since.unwrap_or(0),
        "zone_name": check.zone_name,
        "zone_tag": check.zone_id,
    })
}
