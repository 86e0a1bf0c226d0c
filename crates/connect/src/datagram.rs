//! Datagrams to an address that the policy allows: UDP, and echo requests of ICMP.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::echo::{Echo, Heard, PAYLOAD_BYTES, Unreachable, without_ipv4_header};
use crate::{ConnectError, Connector};

/// No path carries larger packets, and the answer to an echo is as small as the echo.
const PACKET_BYTES_MAX: usize = 1500;
/// Policies judge ports; ICMP has none.
const NO_PORT: u16 = 0;

/// A socket for echo requests to one address.
#[derive(Debug)]
pub struct Icmp {
    socket: UdpSocket,
    to: IpAddr,
    kind: Kind,
}

/// What the system lets this program have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// icmp(7): needs no privilege; the kernel rewrites the identifier and brings only our answers.
    Datagram,
    /// raw(7): needs `CAP_NET_RAW`, and brings the answers of everybody.
    Raw,
}

/// Why an echo brought no reply.
#[derive(Debug, thiserror::Error)]
pub enum IcmpError {
    #[error(
        "this node may not send icmp: put its group into net.ipv4.ping_group_range or give it CAP_NET_RAW"
    )]
    NotPermitted(#[source] io::Error),
    #[error(transparent)]
    Network(#[from] ConnectError),
}

// === impl Connector ===

impl Connector {
    /// A socket connected to this very address; what the network says back fails its calls.
    pub async fn udp(&self, to: SocketAddr) -> Result<UdpSocket, ConnectError> {
        self.permit(to)?;
        let road = self.road(to).await;
        let socket = socket(road.ip(), Type::DGRAM, Protocol::UDP)?;
        trimtab_net::errors::report_errors(&socket)?;
        self.source().bind(&socket, road.ip())?;
        socket.connect(&road.into())?;
        Ok(UdpSocket::from_std(socket.into())?)
    }

    /// Prefers the kind of socket that needs no privilege.
    pub async fn icmp(&self, to: IpAddr) -> Result<Icmp, IcmpError> {
        self.permit(SocketAddr::new(to, NO_PORT))?;
        let to = self.road(SocketAddr::new(to, NO_PORT)).await.ip();
        let (socket, kind) = icmp_socket(to)?;
        self.source().bind(&socket, to)?;
        if kind == Kind::Datagram {
            trimtab_net::errors::report_errors(&socket).map_err(ConnectError::from)?;
            let to = SocketAddr::new(to, NO_PORT);
            socket.connect(&to.into()).map_err(ConnectError::from)?;
        }
        let socket = UdpSocket::from_std(socket.into()).map_err(ConnectError::from)?;
        Ok(Icmp { socket, to, kind })
    }
}

// === impl Icmp ===

impl Icmp {
    /// Sends one request and waits for its answer, for ever if none comes.
    pub async fn echo(&self, sequence: u16) -> Result<(), ConnectError> {
        let echo = self.request(sequence);
        match self.kind {
            Kind::Datagram => self.socket.send(&echo.request()).await?,
            Kind::Raw => {
                let to = SocketAddr::new(self.to, NO_PORT);
                self.socket.send_to(&echo.request(), to).await?
            }
        };
        let mut packet = [0; PACKET_BYTES_MAX];
        loop {
            let (length, from) = self.socket.recv_from(&mut packet).await?;
            let packet = packet.get(..length).unwrap_or_default();
            match echo.heard(from.ip(), self.message(packet)) {
                Heard::Reply => return Ok(()),
                Heard::Unreachable(Unreachable::Host) => return Err(ConnectError::NoRoute),
                Heard::Unreachable(Unreachable::Network) => {
                    return Err(ConnectError::NetworkUnreachable);
                }
                Heard::Nothing => {}
            }
        }
    }

    fn request(&self, sequence: u16) -> Echo {
        // The keys are random, so nobody can guess what the payload will be.
        let dice = RandomState::new();
        let mut payload = [0; PAYLOAD_BYTES];
        for (part, round) in payload.chunks_mut(8).zip(0_u8..) {
            part.copy_from_slice(&dice.hash_one(round).to_be_bytes());
        }
        let [high, low, ..] = dice.hash_one(u8::MAX).to_be_bytes();
        let identifier = match self.kind {
            Kind::Datagram => None,
            Kind::Raw => Some(u16::from_be_bytes([high, low])),
        };
        Echo { to: self.to, identifier, sequence, payload }
    }

    /// Raw sockets of IPv4 alone bring the header too.
    fn message<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        match (self.kind, self.to) {
            (Kind::Raw, IpAddr::V4(_)) => without_ipv4_header(packet).unwrap_or_default(),
            (Kind::Raw, IpAddr::V6(_)) | (Kind::Datagram, _) => packet,
        }
    }
}

fn icmp_socket(to: IpAddr) -> Result<(Socket, Kind), IcmpError> {
    let protocol = if to.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    let refused = match socket(to, Type::DGRAM, protocol) {
        Ok(socket) => return Ok((socket, Kind::Datagram)),
        Err(error) => error,
    };
    if refused.kind() != io::ErrorKind::PermissionDenied {
        return Err(ConnectError::from(refused).into());
    }
    match socket(to, Type::RAW, protocol) {
        Ok(socket) => Ok((socket, Kind::Raw)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(IcmpError::NotPermitted(error))
        }
        Err(error) => Err(ConnectError::from(error).into()),
    }
}

fn socket(to: IpAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let domain = if to.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use rustls::RootCertStore;
    use tokio::net::TcpListener;

    use super::*;
    use crate::{Egress, Resolver, Source, Tls};

    fn connector() -> Connector {
        let egress = Egress { deny: vec!["127.0.0.66/32".parse().unwrap()], ..Egress::default() };
        let tls = Tls::new(RootCertStore::empty()).unwrap();
        Connector::new(egress, Resolver::fixed(HashMap::new()), tls)
    }

    #[tokio::test]
    async fn loopback_answers_echoes_of_whoever_may_send_them() {
        for to in ["127.0.0.1", "::1"] {
            match connector().icmp(to.parse().unwrap()).await {
                Ok(icmp) => icmp.echo(1).await.unwrap(),
                Err(error) => assert!(error.to_string().contains("ping_group_range"), "{error}"),
            }
        }
    }

    /// All of 127.0.0.0/8 is this machine.
    #[tokio::test]
    async fn what_has_a_source_leaves_from_it() {
        let source = Source::new(&["127.0.0.3".parse().unwrap()]).unwrap();
        let connector = connector().with_source(source);
        let from: IpAddr = "127.0.0.3".parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let tcp = connector.tcp(to, Duration::from_secs(5)).await.unwrap();
        assert_eq!(tcp.local_addr().unwrap().ip(), from);
        let udp = connector.udp(to).await.unwrap();
        assert_eq!(udp.local_addr().unwrap().ip(), from);
        match connector.icmp(to.ip()).await {
            Ok(icmp) => assert_eq!(icmp.socket.local_addr().unwrap().ip(), from),
            Err(error) => assert!(error.to_string().contains("ping_group_range"), "{error}"),
        }
    }

    #[tokio::test]
    async fn a_source_that_this_machine_does_not_have_is_named() {
        let source = Source::new(&["192.0.2.77".parse().unwrap()]).unwrap();
        let connector = connector().with_source(source);
        let to: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let want = "cannot leave from 192.0.2.77";
        let tcp = connector.tcp(to, Duration::from_secs(5)).await;
        assert_eq!(tcp.unwrap_err().to_string(), want);
        assert_eq!(connector.udp(to).await.unwrap_err().to_string(), want);
        match connector.icmp(to.ip()).await {
            Err(IcmpError::NotPermitted(_)) => {}
            other => assert_eq!(other.unwrap_err().to_string(), want),
        }
    }

    #[tokio::test]
    async fn the_policy_holds_for_datagrams_too() {
        let forbidden = "egress to 127.0.0.66:0 is forbidden: 127.0.0.66/32 is in egress.deny";
        let icmp = connector().icmp("127.0.0.66".parse().unwrap()).await;
        assert_eq!(icmp.unwrap_err().to_string(), forbidden);
        let udp = connector().udp("127.0.0.66:53".parse().unwrap()).await;
        let forbidden = "egress to 127.0.0.66:53 is forbidden: 127.0.0.66/32 is in egress.deny";
        assert_eq!(udp.unwrap_err().to_string(), forbidden);
    }
}
