//! Where messages go beside mail boxes.

use serde::{Deserialize, Serialize};

use crate::{PagerDutyId, SecretText, Timestamp, WebhookId, words};

pub const WEBHOOKS_MAX: usize = 500;
pub const PAGERDUTY_MAX: usize = 100;
pub const URL_CHARS_MAX: usize = 2048;
pub const SECRET_CHARS_MAX: usize = 1024;
/// PagerDuty's routing keys have 32; room for those of services that speak the same protocol.
pub const INTEGRATION_KEY_CHARS_MAX: usize = 128;

words! {
    /// The shape of the messages that a webhook takes.
    WebhookType {
        Generic = "generic",
        Slack = "slack",
        Discord = "discord",
        GChat = "gchat",
        Opsgenie = "opsgenie",
        Splunk = "splunk",
        Datadog = "datadog",
        Feishu = "feishu",
    }
}

/// An HTTP address that takes messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub id: WebhookId,
    pub name: String,
    pub url: String,
    pub kind: WebhookType,
    /// Never told again.
    pub secret: Option<SecretText>,
    pub created_on: Timestamp,
}

/// How a webhook did when it was last used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub last_success: Option<Timestamp>,
    pub last_failure: Option<Timestamp>,
}

/// A service of PagerDuty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerDuty {
    pub id: PagerDutyId,
    pub name: String,
    /// Never told again. None: it was connected without one, and gets nothing.
    pub integration_key: Option<SecretText>,
    pub created_on: Timestamp,
}

// === impl WebhookType ===

impl WebhookType {
    /// What the services' own addresses stand for; any other is generic.
    pub fn of(host: &str, path: &str) -> WebhookType {
        let host = host.to_ascii_lowercase();
        let under = |domain: &str| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        match path {
            _ if under("hooks.slack.com") => WebhookType::Slack,
            _ if under("discord.com") || under("discordapp.com") => WebhookType::Discord,
            _ if under("chat.googleapis.com") => WebhookType::GChat,
            _ if under("api.opsgenie.com") || under("api.eu.opsgenie.com") => WebhookType::Opsgenie,
            _ if under("datadoghq.com") || under("datadoghq.eu") => WebhookType::Datadog,
            _ if under("open.feishu.cn") || under("open.larksuite.com") => WebhookType::Feishu,
            path if path.contains("/services/collector") => WebhookType::Splunk,
            _ => WebhookType::Generic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_known_service_says_what_it_takes() {
        let check =
            |host, path, want| assert_eq!(WebhookType::of(host, path), want, "{host}{path}");
        check("hooks.slack.com", "/services/T/B/x", WebhookType::Slack);
        check("Discord.com", "/api/webhooks/1/x", WebhookType::Discord);
        check("chat.googleapis.com", "/v1/spaces/x", WebhookType::GChat);
        check("api.eu.opsgenie.com", "/v2/alerts", WebhookType::Opsgenie);
        check("splunk.example.com", "/services/collector/event", WebhookType::Splunk);
        check("api.datadoghq.eu", "/api/v1/events", WebhookType::Datadog);
        check("api.us5.datadoghq.com", "/api/v1/events", WebhookType::Datadog);
        check("open.larksuite.com", "/open-apis/bot/v2/hook/x", WebhookType::Feishu);
        check("nothooks.slack.com", "/", WebhookType::Generic);
        check("example.com", "/", WebhookType::Generic);
    }
}
