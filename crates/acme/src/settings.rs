//! What an operator says about certificates that this node orders.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Deserializer, de};

trimtab_model::words! {
    /// How an authority is shown that a name is ours.
    Challenge {
        /// A record in the name's zone (RFC 8555 section 8.4).
        Dns01 = "dns-01",
        /// A certificate on the name's own port 443 (RFC 8737); not for wildcards.
        TlsAlpn01 = "tls-alpn-01",
    }
}

/// The node's part of `server.toml`.
#[derive(Clone, Debug)]
pub struct Settings {
    pub directory: Directory,
    /// Whom the authority writes to. Being set, they accept its terms of service.
    pub contacts: Vec<String>,
    pub challenge: Challenge,
    /// PEM: believed instead of the system's roots when the authority is spoken to.
    pub ca: Option<String>,
    pub renew_before: Duration,
}

/// Where an authority says what it offers: an `https` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory(Box<str>);

/// A text that is not the address of a directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an https address")]
pub struct NotADirectory(String);

// === impl Directory ===

impl Directory {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Directory {
    type Err = NotADirectory;

    fn from_str(text: &str) -> Result<Directory, NotADirectory> {
        let uri: Option<Uri> = text.parse().ok();
        let sound =
            uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
        if sound { Ok(Directory(text.into())) } else { Err(NotADirectory(text.into())) }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Directory {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Directory, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
