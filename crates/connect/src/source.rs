//! The addresses that connections leave from, where the system is not to choose them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::Socket;

use crate::ConnectError;

/// The system chooses it.
const ANY_PORT: u16 = 0;

/// At most one address of each family; for a family without one the system chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

/// Why addresses are no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error("{0} and {1} are of one family: connections leave from one address of each")]
    SameFamily(IpAddr, IpAddr),
    #[error("no connection can leave from {0}")]
    NotAHost(IpAddr),
}

// === impl Source ===

impl Source {
    pub fn new(addresses: &[IpAddr]) -> Result<Source, SourceError> {
        let mut source = Source::default();
        for address in addresses.iter().map(IpAddr::to_canonical) {
            if address.is_unspecified() || address.is_multicast() {
                return Err(SourceError::NotAHost(address));
            }
            let before = match address {
                IpAddr::V4(v4) => source.v4.replace(v4).map(IpAddr::V4),
                IpAddr::V6(v6) => source.v6.replace(v6).map(IpAddr::V6),
            };
            if let Some(before) = before {
                return Err(SourceError::SameFamily(before, address));
            }
        }
        Ok(source)
    }

    /// Before the socket is connected.
    pub(crate) fn bind(self, socket: &Socket, to: IpAddr) -> Result<(), ConnectError> {
        let Some(address) = self.towards(to) else { return Ok(()) };
        let from = SocketAddr::new(address, ANY_PORT);
        socket.bind(&from.into()).map_err(|cause| ConnectError::Source { address, cause })
    }

    /// The same for one that is to be a stream.
    pub(crate) fn bind_stream(self, socket: &Socket, to: IpAddr) -> Result<(), ConnectError> {
        if self.towards(to).is_some() {
            trimtab_net::port::choose_late(socket)?;
        }
        self.bind(socket, to)
    }

    /// In the family of a socket that leads to the address.
    pub fn towards(self, to: IpAddr) -> Option<IpAddr> {
        match to {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(to) if to.to_ipv4_mapped().is_some() => {
                self.v4.map(|v4| v4.to_ipv6_mapped().into())
            }
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_leaves_from_its_own_address_and_from_no_second_one() {
        let check = |from: &[&str], to: &str, want: Result<Option<&str>, &str>| {
            let addresses: Vec<IpAddr> = from.iter().map(|ip| ip.parse().unwrap()).collect();
            let towards = Source::new(&addresses).map(|source| source.towards(to.parse().unwrap()));
            let want = want.map(|ip| ip.map(|ip| ip.parse().unwrap())).map_err(str::to_owned);
            assert_eq!(towards.map_err(|error| error.to_string()), want, "{from:?} to {to}");
        };
        check(&[], "192.0.2.1", Ok(None));
        check(&["127.0.0.3", "fd00::3"], "192.0.2.1", Ok(Some("127.0.0.3")));
        check(&["127.0.0.3", "fd00::3"], "2001:db8::1", Ok(Some("fd00::3")));
        check(&["127.0.0.3", "fd00::3"], "::ffff:192.0.2.1", Ok(Some("::ffff:127.0.0.3")));
        check(&["127.0.0.3"], "2001:db8::1", Ok(None));
        let same =
            "127.0.0.3 and 127.0.0.4 are of one family: connections leave from one address of each";
        check(&["127.0.0.3", "::ffff:127.0.0.4"], "::1", Err(same));
        check(&["::"], "::1", Err("no connection can leave from ::"));
        check(&["224.0.0.1"], "::1", Err("no connection can leave from 224.0.0.1"));
    }
}
