//! How the proxy reaches the endpoints of a pool: TLS, limits, waiting.

use serde::{Deserialize, Serialize};

use crate::{SecretPem, words};

/// Milliseconds; an endpoint that takes a minute to accept a connection is not there.
pub const CONNECT_TIMEOUT_MILLIS: std::ops::RangeInclusive<u32> = 1..=60_000;
pub const CONNECT_TIMEOUT_MILLIS_DEFAULT: u32 = 2_000;
/// Seconds until the head of a response is there; the longest waits for a report that takes an hour and a half.
pub const RESPONSE_TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=6_000;
pub const RESPONSE_TIMEOUT_SECONDS_DEFAULT: u32 = 100;
/// Seconds that a connection nobody uses is kept for the next request.
pub const IDLE_TIMEOUT_SECONDS: std::ops::RangeInclusive<u32> = 1..=900;
pub const IDLE_TIMEOUT_SECONDS_DEFAULT: u32 = 900;
/// Seconds after which a connection serves no more requests; one of a day has met every change of the network around it.
pub const AGE_SECONDS: std::ops::RangeInclusive<u32> = 1..=86_400;
pub const AGE_SECONDS_DEFAULT: u32 = 900;
/// Connections to one endpoint; more than ports of one source address.
pub const CONNECTIONS_MAX: u32 = 100_000;
/// Requests that wait for a connection to one endpoint; each holds its client's connection.
pub const PENDING_MAX: u32 = 100_000;
pub const PENDING_DEFAULT: u32 = 100;
/// Seconds; an endpoint that is not warm after an hour will not be.
pub const SLOW_START_SECONDS_MAX: u32 = 3_600;
/// Of private roots, of a client's chain, and of its key; dozens of roots fit.
pub const PEM_CHARS_MAX: usize = 64 * 1024;

words! {
    /// Whether the proxy speaks TLS to endpoints.
    UpstreamTls {
        /// On port 443, and where the pool's monitor speaks HTTPS.
        Auto = "auto",
        Off = "off",
        On = "on",
    }
}

/// The `trimtab.upstream` object of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Upstream {
    pub tls: UpstreamTls,
    pub http2: bool,
    /// The endpoint's certificate must be for the name and lead to a root.
    pub verify: bool,
    /// Asked for by SNI and verified; None: the `Host` of the request.
    pub server_name: Option<String>,
    /// PEM; instead of the system's roots.
    pub ca: Option<String>,
    /// PEM, leaf first; shown to endpoints that ask for one.
    pub client_certificate: Option<String>,
    pub client_key: Option<SecretPem>,
    /// Milliseconds.
    pub connect_timeout: u32,
    /// Seconds.
    pub response_timeout: u32,
    /// Seconds.
    pub idle_timeout: u32,
    /// Seconds; each connection has up to a tenth more or less.
    pub max_age: u32,
    /// To each endpoint; 0 is no limit.
    pub max_connections: u32,
    /// Requests that wait for each endpoint.
    pub max_pending: u32,
    /// Seconds over which an endpoint that came back gets its share again; 0 is at once.
    pub slow_start: u32,
    /// Endpoints that fail requests are left out for a while.
    pub ejection: bool,
}

// === impl Upstream ===

impl Default for Upstream {
    fn default() -> Upstream {
        Upstream {
            tls: UpstreamTls::Auto,
            http2: false,
            verify: true,
            server_name: None,
            ca: None,
            client_certificate: None,
            client_key: None,
            connect_timeout: CONNECT_TIMEOUT_MILLIS_DEFAULT,
            response_timeout: RESPONSE_TIMEOUT_SECONDS_DEFAULT,
            idle_timeout: IDLE_TIMEOUT_SECONDS_DEFAULT,
            max_age: AGE_SECONDS_DEFAULT,
            max_connections: 0,
            max_pending: PENDING_DEFAULT,
            slow_start: 0,
            ejection: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_did_not_store_is_at_its_default() {
        let stored = r#"{"tls": "on", "connect_timeout": 50}"#;
        let want = Upstream { tls: UpstreamTls::On, connect_timeout: 50, ..Upstream::default() };
        assert_eq!(serde_json::from_str::<Upstream>(stored).unwrap(), want);
    }

    #[test]
    fn the_client_key_is_kept_and_not_shown() {
        let key = Some(SecretPem::new("-----BEGIN x"));
        let upstream = Upstream { client_key: key, ..Upstream::default() };
        let stored = serde_json::to_string(&upstream).unwrap();
        assert_eq!(serde_json::from_str::<Upstream>(&stored).unwrap(), upstream);
        assert!(!format!("{upstream:?}").contains("BEGIN"));
    }
}
