//! What this node says of itself in answers.

use std::net::IpAddr;

use ipnet::IpNet;
use trimtab_steer::Wanted;

/// The node's own part of every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    v4: Box<[IpAddr]>,
    v6: Box<[IpAddr]>,
    server_id: Option<Box<str>>,
    version: Option<Box<str>>,
    udp_payload_max: u16,
    answers_max: usize,
    explain_to: Box<[IpNet]>,
}

/// A setting that answers have no room for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    #[error("{count} proxy addresses of one family; at most {ADDRESSES_MAX}")]
    TooManyAddresses { count: usize },
    #[error("a server id or version of {bytes} bytes; at most {TEXT_BYTES_MAX}")]
    LongText { bytes: usize },
    #[error("{count} networks that may ask why; at most {EXPLAIN_TO_MAX}")]
    TooManyNetworks { count: usize },
    #[error("a UDP payload of {bytes} bytes; 512 to {UDP_PAYLOAD_MAX}")]
    Payload { bytes: u16 },
}

/// Bytes of a datagram that crosses every path without fragments: the value that the makers of name
/// servers agreed on in 2020.
pub const UDP_PAYLOAD_MAX: u16 = 1232;
/// RFC 1035 section 4.2.1, and what every client takes (RFC 6891 section 6.2.5).
pub const UDP_PAYLOAD_MIN: u16 = 512;
/// Addresses of one family for proxied names; more than a client tries.
const ADDRESSES_MAX: usize = 8;
/// The text must fit beside the longest question in 512 bytes.
const TEXT_BYTES_MAX: usize = 100;
/// Networks of operators; every question why is held against each.
const EXPLAIN_TO_MAX: usize = 64;

// === impl Node ===

impl Node {
    /// A node that proxies nothing and keeps its name to itself.
    pub fn new() -> Node {
        Node {
            v4: Box::new([]),
            v6: Box::new([]),
            server_id: None,
            version: None,
            udp_payload_max: UDP_PAYLOAD_MAX,
            answers_max: trimtab_steer::ANSWERS_MAX,
            explain_to: Box::new([]),
        }
    }

    /// What is answered for a proxied name.
    ///
    /// # Errors
    /// When there are more than eight of one family.
    pub fn with_addresses(mut self, addresses: &[IpAddr]) -> Result<Node, NodeError> {
        self.v4 = addresses.iter().filter(|ip| ip.is_ipv4()).copied().collect();
        self.v6 = addresses.iter().filter(|ip| ip.is_ipv6()).copied().collect();
        let count = self.v4.len().max(self.v6.len());
        if count <= ADDRESSES_MAX { Ok(self) } else { Err(NodeError::TooManyAddresses { count }) }
    }

    /// What NSID (RFC 5001), `id.server` and `hostname.bind` say; none: nothing, and REFUSED.
    ///
    /// # Errors
    /// When the text is too long.
    pub fn with_server_id(mut self, text: Option<&str>) -> Result<Node, NodeError> {
        self.server_id = checked_text(text)?;
        Ok(self)
    }

    /// What `version.bind` and `version.server` say; none: REFUSED.
    ///
    /// # Errors
    /// When the text is too long.
    pub fn with_version(mut self, text: Option<&str>) -> Result<Node, NodeError> {
        self.version = checked_text(text)?;
        Ok(self)
    }

    /// Answers over UDP are never longer, whatever the client takes.
    ///
    /// # Errors
    /// Outside 512 to 1232.
    pub fn with_udp_payload_max(mut self, bytes: u16) -> Result<Node, NodeError> {
        if !(UDP_PAYLOAD_MIN..=UDP_PAYLOAD_MAX).contains(&bytes) {
            return Err(NodeError::Payload { bytes });
        }
        self.udp_payload_max = bytes;
        Ok(self)
    }

    /// Addresses in one steered answer, from 1 to [`trimtab_steer::ANSWERS_MAX`].
    pub fn with_answers_max(mut self, count: usize) -> Node {
        self.answers_max = count.clamp(1, trimtab_steer::ANSWERS_MAX);
        self
    }

    /// Who may ask `_why` and for the trace id of an answer; nobody else learns how this node decides.
    ///
    /// # Errors
    /// When there are more than 64.
    pub fn with_explain_to(mut self, networks: &[IpNet]) -> Result<Node, NodeError> {
        let count = networks.len();
        if count > EXPLAIN_TO_MAX {
            return Err(NodeError::TooManyNetworks { count });
        }
        self.explain_to = networks.into();
        Ok(self)
    }

    pub(crate) fn explains_to(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.explain_to.iter().any(|network| network.contains(&client))
    }

    pub fn addresses(&self, wanted: Wanted) -> &[IpAddr] {
        match wanted {
            Wanted::A => &self.v4,
            Wanted::Aaaa => &self.v6,
            Wanted::Mx | Wanted::Srv | Wanted::Endpoint => &[],
        }
    }

    pub(crate) fn server_id(&self) -> Option<&str> {
        self.server_id.as_deref()
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    pub(crate) fn udp_payload_max(&self) -> u16 {
        self.udp_payload_max
    }

    pub(crate) fn answers_max(&self) -> usize {
        self.answers_max
    }
}

impl Default for Node {
    fn default() -> Node {
        Node::new()
    }
}

fn checked_text(text: Option<&str>) -> Result<Option<Box<str>>, NodeError> {
    match text {
        Some(text) if text.len() > TEXT_BYTES_MAX => Err(NodeError::LongText { bytes: text.len() }),
        text => Ok(text.map(Box::from)),
    }
}
