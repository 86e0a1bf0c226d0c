//! Where messages go beside mail boxes.

use serde::{Deserialize, Serialize};

use crate::pool::Address;
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

/// The parts of a webhook's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl<'a> {
    pub is_https: bool,
    pub host: Address,
    pub port: u16,
    /// As it is written, with the port if it has one.
    pub authority: &'a str,
    /// With the query; never empty.
    pub path: &'a str,
}

// === impl HttpUrl ===

impl<'a> HttpUrl<'a> {
    /// None for what is no HTTP address, has user information (RFC 3986 section 3.2.1) or a fragment.
    pub fn read(text: &'a str) -> Option<HttpUrl<'a>> {
        let (scheme, rest) = text.split_once("://")?;
        let (is_https, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return None,
        };
        let sound =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#<>\"\\^`{|}".contains(&byte));
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at_checked(at)?,
            None => (rest, "/"),
        };
        let (host, port) = host_and_port(authority)?;
        let port =
            port.map_or(Some(usual_port), |port| port.parse().ok().filter(|&port| port != 0))?;
        let sound = sound && path.starts_with('/') && !authority.contains('@');
        sound.then_some(HttpUrl { is_https, host: Address::read(host)?, port, authority, path })
    }
}

/// The brackets of RFC 3986 section 3.2.2 are no part of the host.
fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return Some((host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) }));
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
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
    fn the_address_of_a_webhook_is_of_http_and_names_nobody() {
        let check = |text: &str, want: Option<(bool, &str, u16, &str)>| {
            let found = HttpUrl::read(text);
            let host = found.as_ref().map(|url| url.host.to_string()).unwrap_or_default();
            let found = found.map(|url| (url.is_https, host.as_str(), url.port, url.path));
            assert_eq!(found, want, "{text}");
        };
        check("https://example.com", Some((true, "example.com", 443, "/")));
        check("http://192.0.2.1:8080/a/b?c=d", Some((false, "192.0.2.1", 8080, "/a/b?c=d")));
        check("HTTPS://[2001:db8::1]:8443/x", Some((true, "2001:db8::1", 8443, "/x")));
        for bad in [
            "",
            "example.com",
            "ftp://example.com/",
            "https://",
            "https://u:p@example.com/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://exa mple.com/",
            "https://example.com/\r\nx",
            "https://example.com/#x",
            "https://example.com?x=1",
            "https://[::1/",
            "https://10.0.0/",
            "https://[192.0.2.1]/",
        ] {
            check(bad, None);
        }
    }

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
