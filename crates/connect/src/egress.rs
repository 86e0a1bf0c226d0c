//! Where this node may connect: the operator's networks, or everything but what is never an endpoint.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// The EC2 instance metadata service; its IPv4 twin is link-local already.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

/// The policy of `[egress]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress {
    /// Not empty: only these. Empty: everything but what [`Rule`] names.
    pub allow: Vec<IpNet>,
    /// Wins over `allow`.
    pub deny: Vec<IpNet>,
    /// Where this node's own API listens. Never reachable: networks in `allow` have no ports, so
    /// allowing loopback endpoints would otherwise open the API to everyone who may write a monitor.
    pub own: Vec<SocketAddr>,
}

/// What forbids an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Denied(IpNet),
    /// `allow` is set and does not hold it.
    NotAllowed,
    LinkLocal,
    Metadata,
    Multicast,
    Broadcast,
    Unspecified,
    OwnApi,
}

// === impl Egress ===

impl Egress {
    /// Addresses that carry an IPv4 address inside are judged by that one, because the packet ends there.
    pub fn check(&self, to: SocketAddr) -> Result<(), Rule> {
        let inner = inner(to.ip());
        let denied = self.deny.iter().find(|net| net.contains(&inner) || net.contains(&to.ip()));
        if let Some(net) = denied {
            return Err(Rule::Denied(*net));
        }
        if self.own.iter().any(|own| leads_to(*own, inner, to.port())) {
            return Err(Rule::OwnApi);
        }
        if self.allow.is_empty() {
            return never_an_endpoint(inner).map_or(Ok(()), Err);
        }
        match self.allow.iter().any(|net| net.contains(&inner)) {
            true => Ok(()),
            false => Err(Rule::NotAllowed),
        }
    }

    /// The same question once the connection stands: an API that listens on every address of the
    /// machine was reached when both ends have one address.
    pub fn check_connected(&self, from: SocketAddr, to: SocketAddr) -> Result<(), Rule> {
        let to_itself = inner(from.ip()) == inner(to.ip());
        let everywhere =
            self.own.iter().any(|own| own.ip().is_unspecified() && own.port() == to.port());
        if to_itself && everywhere { Err(Rule::OwnApi) } else { Ok(()) }
    }
}

/// A listener on the wildcard is also reached by every loopback address, and by the wildcard itself.
fn leads_to(own: SocketAddr, to: IpAddr, port: u16) -> bool {
    let here = to.is_loopback() || to.is_unspecified();
    let same = inner(own.ip()) == to || (own.ip().is_loopback() && to.is_unspecified());
    own.port() == port && (same || (own.ip().is_unspecified() && here))
}

fn never_an_endpoint(ip: IpAddr) -> Option<Rule> {
    match ip {
        _ if ip.is_unspecified() => Some(Rule::Unspecified),
        _ if ip.is_multicast() => Some(Rule::Multicast),
        IpAddr::V4(v4) if v4.is_link_local() => Some(Rule::LinkLocal),
        IpAddr::V4(v4) if v4.is_broadcast() => Some(Rule::Broadcast),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(Rule::LinkLocal),
        IpAddr::V6(METADATA_V6) => Some(Rule::Metadata),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// The IPv4 address that an IPv6 address stands for, or the address itself.
fn inner(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    match v6.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => ip,
        // RFC 4291 section 2.5.5: IPv4-compatible and IPv4-mapped.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        // RFC 3056: 6to4.
        [0x2002, high, low, ..] => v4(high, low),
        // RFC 6052 section 2.1 and RFC 8215: NAT64 with a prefix of 96 bits.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => {
            v4(high, low)
        }
        _ => ip,
    }
}

fn v4(high: u16, low: u16) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

// === impl Rule ===

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Denied(net) => write!(f, "{net} is in egress.deny"),
            Rule::NotAllowed => f.write_str("it is not in egress.allow"),
            Rule::LinkLocal => f.write_str("it is link-local"),
            Rule::Metadata => f.write_str("it is a metadata service"),
            Rule::Multicast => f.write_str("it is multicast"),
            Rule::Broadcast => f.write_str("it is broadcast"),
            Rule::Unspecified => f.write_str("it is unspecified"),
            Rule::OwnApi => f.write_str("it is this node's own API"),
        }
    }
}

#[cfg(test)]
mod tests;
