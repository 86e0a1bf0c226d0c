//! From a message to what each kind of receiver reads.

mod chat;
mod generic;
mod incidents;
mod metrics;

use serde_json::Value;
use trimtab_model::alert::{Webhook, WebhookType};
use trimtab_model::{SecretText, Timestamp};

use crate::message::Message;

pub(crate) use generic::body as generic;
pub(crate) use incidents::pagerduty;

/// One HTTP request, but for where it goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rendered {
    /// Instead of the webhook's own path.
    pub(crate) path: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Value,
}

/// The header in which the hosted product shows a webhook's secret.
const SECRET_HEADER: &str = "cf-webhook-auth";

/// `path` is the webhook's own, `now` for signatures alone: the same message is the same body at every try.
pub(crate) fn webhook(message: &Message, hook: &Webhook, path: &str, now: Timestamp) -> Rendered {
    let secret = hook.secret.as_ref().map(SecretText::reveal);
    let plain = |body| Rendered { path: None, headers: Vec::new(), body };
    let mut rendered = match hook.kind {
        WebhookType::Generic => plain(generic(message, &hook.name)),
        WebhookType::Slack => plain(chat::slack(message)),
        WebhookType::Discord => plain(chat::discord(message)),
        WebhookType::GChat => plain(chat::gchat(message)),
        WebhookType::Feishu => plain(chat::feishu(message, secret, now)),
        WebhookType::Opsgenie => incidents::opsgenie(message, path),
        WebhookType::Splunk => plain(metrics::splunk(message, &hook.name)),
        WebhookType::Datadog => plain(metrics::datadog(message)),
    };
    rendered.headers.extend(secret.and_then(|secret| header_of(hook.kind, secret)));
    rendered
}

/// How each service wants to be shown the secret; None where it is part of the address or signs.
fn header_of(kind: WebhookType, secret: &str) -> Option<(&'static str, String)> {
    match kind {
        WebhookType::Generic => Some((SECRET_HEADER, secret.to_owned())),
        WebhookType::Opsgenie => Some(("authorization", format!("GenieKey {secret}"))),
        WebhookType::Splunk => Some(("authorization", format!("Splunk {secret}"))),
        WebhookType::Datadog => Some(("dd-api-key", secret.to_owned())),
        WebhookType::Slack | WebhookType::Discord | WebhookType::GChat | WebhookType::Feishu => {
            None
        }
    }
}

/// At most so many characters.
fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests;
