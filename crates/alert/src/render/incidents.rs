//! Services that page people: incidents that are opened and closed by their key.

use serde_json::{Value, json};

use crate::message::{Message, Phase, Turn};
use crate::render::{Rendered, cut, generic};
use crate::text;

/// What PagerDuty takes of a summary.
const PAGERDUTY_SUMMARY_CHARS_MAX: usize = 1024;
/// What Opsgenie takes of a message, and of a description.
const OPSGENIE_MESSAGE_CHARS_MAX: usize = 130;
const OPSGENIE_DESCRIPTION_CHARS_MAX: usize = 15_000;

/// Events API v2. Two policies may share a service, so the policy is part of the key.
pub(crate) fn pagerduty(message: &Message, routing_key: &str, node: &str) -> Value {
    json!({
        "routing_key": routing_key,
        "event_action": match message.phase {
            Phase::Start => "trigger",
            Phase::End => "resolve",
        },
        "dedup_key": key(message),
        "client": "Trimtab",
        "payload": {
            "summary": cut(&text::subject(message), PAGERDUTY_SUMMARY_CHARS_MAX),
            "source": node,
            "severity": severity(message),
            "timestamp": message.at,
            "class": message.alert_type,
            "component": message.news.first().map_or_else(String::new, text::name),
            "custom_details": {
                "text": text::body(message),
                "alert": generic(message, &message.policy_name)["data"],
            },
        },
    })
}

/// Alerts API. Opened at the webhook's address and closed below it, by the alias.
pub(super) fn opsgenie(message: &Message, path: &str) -> Rendered {
    let alias = key(message);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let and = if query.is_empty() { String::new() } else { format!("&{query}") };
    let close = format!("{}/{}/close?identifierType=alias{and}", path.trim_end_matches('/'), alias);
    let note = cut(&text::body(message), OPSGENIE_DESCRIPTION_CHARS_MAX);
    match message.phase {
        Phase::End => Rendered {
            path: Some(close),
            headers: Vec::new(),
            body: json!({"source": "trimtab", "note": note}),
        },
        Phase::Start => Rendered {
            path: None,
            headers: Vec::new(),
            body: json!({
                "message": cut(&text::subject(message), OPSGENIE_MESSAGE_CHARS_MAX),
                "alias": alias,
                "description": note,
                "source": "trimtab",
                "priority": if severity(message) == "critical" { "P1" } else { "P3" },
                "tags": [message.alert_type],
            }),
        },
    }
}

fn key(message: &Message) -> String {
    match message.policy {
        Some(policy) => format!("{}.{policy}", message.correlation),
        None => message.correlation.clone(),
    }
}

/// A pool that is down is worse than one of its endpoints.
fn severity(message: &Message) -> &'static str {
    let mut down = message.news.iter().filter(|news| news.turn == Turn::Unhealthy);
    match message.phase {
        _ if message.test => "info",
        Phase::Start if down.any(|news| !news.is_origin()) => "critical",
        Phase::Start => "warning",
        Phase::End => "info",
    }
}
