//! What an operator says about how alerts leave the node.

use trimtab_model::{SecretText, words};

words! {
    /// How mail is kept from being read on its way.
    Security {
        /// Asked for after the greeting (RFC 3207); mail does not go without it.
        StartTls = "starttls",
        /// From the first byte on (RFC 8314).
        Implicit = "implicit",
        None = "none",
    }
}

/// The node's part of `server.toml`.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// None: mail waits until there is a server.
    pub smtp: Option<Smtp>,
    /// Instead of PagerDuty's own address.
    pub pagerduty_url: Option<String>,
    /// Who says so in messages.
    pub node: String,
}

/// A mail server that takes messages for everybody.
#[derive(Clone, Debug)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<(String, SecretText)>,
    pub from: String,
    /// PEM: believed beside the system's roots.
    pub ca: Option<String>,
}

/// Can mail be from there?
pub fn is_mailbox(text: &str) -> bool {
    text.parse::<lettre::message::Mailbox>().is_ok()
}
