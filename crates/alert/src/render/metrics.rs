//! Stores of events: Splunk's HTTP event collector and Datadog's events.

use serde_json::{Value, json};

use crate::message::{Message, Phase};
use crate::render::{cut, generic, seconds};
use crate::text;

/// What Datadog takes.
const DATADOG_TITLE_CHARS_MAX: usize = 100;
const DATADOG_TEXT_CHARS_MAX: usize = 4000;

pub(super) fn splunk(message: &Message, name: &str) -> Value {
    json!({
        "time": seconds(message.at),
        "source": "trimtab",
        "sourcetype": "_json",
        "event": generic(message, name),
    })
}

pub(super) fn datadog(message: &Message) -> Value {
    let kind = match message.phase {
        _ if message.test => "info",
        Phase::Start => "error",
        Phase::End => "success",
    };
    json!({
        "title": cut(&text::subject(message), DATADOG_TITLE_CHARS_MAX),
        "text": cut(&text::body(message), DATADOG_TEXT_CHARS_MAX),
        "alert_type": kind,
        "aggregation_key": message.correlation,
        "date_happened": seconds(message.at),
        "tags": [
            "source:trimtab",
            format!("alert_type:{}", message.alert_type),
            format!("policy:{}", message.policy_name),
        ],
    })
}
