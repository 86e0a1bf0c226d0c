//! How alerts leave the node: `[smtp]` and `[alerts]`.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use trimtab_alert::Security;
use trimtab_alert::settings::is_mailbox;
use trimtab_model::alert::HttpUrl;

use super::{PemFile, SecretFile};

/// A mail server that takes mail for everybody.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smtp {
    pub(crate) host: String,
    /// Absent: the usual one of `tls`.
    pub(crate) port: Option<u16>,
    #[serde(default)]
    pub(crate) tls: Security,
    pub(crate) username: Option<String>,
    pub(crate) password_file: Option<SecretFile>,
    pub(crate) from: String,
    /// Believed beside the system's roots.
    pub(crate) ca: Option<PemFile>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Alerts {
    /// Where PagerDuty takes events: that of its European service, or of a test.
    pub(crate) pagerduty_url: Option<String>,
}

// === impl Smtp ===

impl Smtp {
    /// RFC 6409, RFC 8314 section 3.3, RFC 5321 section 4.5.4.2.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Security::StartTls => 587,
            Security::Implicit => 465,
            Security::None => 25,
        })
    }

    pub(super) fn load(&mut self, folder: &Path) -> Result<(), (Range<usize>, String)> {
        if let Some(file) = &mut self.password_file {
            file.load(folder)?;
        }
        if let Some(file) = &mut self.ca {
            file.load(folder)?;
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !is_mailbox(&self.from) {
            return Err(("from", format!("{:?} is no mail address", self.from)));
        }
        if self.host.is_empty() || self.host.contains(|c: char| c.is_whitespace() || c == '/') {
            return Err(("host", format!("{:?} is no host name", self.host)));
        }
        match (&self.username, &self.password_file, self.tls) {
            (Some(_), None, _) => Err(("username", "needs a password_file".into())),
            (None, Some(_), _) => Err(("password_file", "needs a username".into())),
            (Some(_), Some(_), Security::None) => {
                Err(("tls", "a password is not sent without TLS".into()))
            }
            (Some(_), Some(_), Security::StartTls | Security::Implicit) | (None, None, _) => Ok(()),
        }
    }
}

// === impl Alerts ===

impl Alerts {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        match &self.pagerduty_url {
            Some(url) if HttpUrl::read(url).is_none() => {
                Err(("pagerduty_url", format!("{url:?} is no http or https address")))
            }
            Some(_) | None => Ok(()),
        }
    }
}
