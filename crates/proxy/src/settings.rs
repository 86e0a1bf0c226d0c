//! What an operator sets for the proxy, and the limits that nobody needs to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use trimtab_connect::Challenges;

use crate::access_log;

/// The proxy's part of `server.toml`.
#[derive(Clone, Debug)]
pub struct Settings {
    pub http: Vec<SocketAddr>,
    pub https: Vec<SocketAddr>,
    /// Each of `https` is one of HTTP/3, too.
    pub http3: bool,
    /// Whose word on who the client is counts.
    pub trusted: Vec<IpNet>,
    /// 0: one for each core.
    pub threads: usize,
    /// Client connections of the whole node.
    pub connections_max: usize,
    /// Bytes of the whole process; None: what its control group may have. Nearly all of them in use, requests are turned away.
    pub memory_max: Option<u64>,
    pub client_certificates: ClientCertificates,
    /// Certificates that an authority asks for while it looks whether a name is this node's.
    pub challenges: Arc<Challenges>,
    /// Responses say which pool and endpoint they are from.
    pub expose: bool,
    pub access_log: Option<access_log::Settings>,
    /// Whose requests may ask for their decision to be kept, and are told its number.
    pub explain_to: Vec<IpNet>,
    /// Three letters, the last part of every ray.
    pub place: String,
}

/// Whether clients are asked for a certificate. `ca`: PEM, whose certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    #[default]
    Off,
    /// Whoever shows none is served as well.
    Optional {
        ca: String,
    },
    Required {
        ca: String,
    },
}

/// A client that has not sent a whole head by then is not going to.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two requests of a client.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Between two pieces of a body, of either side.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// A client that is told to leave may take this long to read why.
pub(crate) const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// A TLS handshake has two round trips and one signature.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

// === impl Settings ===

impl Settings {
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&peer))
    }

    pub(crate) fn explains_to(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.explain_to.iter().any(|net| net.contains(&client))
    }
}
