//! The one way out: resolve, check, connect to exactly what was checked.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use trimtab_model::Name;
use trimtab_model::pool::Address;

use crate::resolver::Found;
use crate::{
    ConnectError, Egress, Profile, ProfileError, Ready, Resolver, Source, Spoken, Tls, Trust, tls,
};

/// Addresses of one family kept of one name: twice what an answer holds. Whoever owns the name decides
/// how many it has, and each is in every snapshot.
pub const ANSWERABLE_MAX: usize = 16;
/// No service listens there: a policy asked about it judges the address alone.
const NO_PORT: u16 = 0;

/// Another place to connect to instead, after a simulated way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detour {
    pub to: SocketAddr,
    pub delay: Duration,
}

/// By the address that was asked for, whatever the port: a demo's endpoints have documentation
/// addresses and live on loopback.
pub type Detours = HashMap<IpAddr, Detour>;

/// Everything that leaves this node to an address that an operator named goes through here.
#[derive(Clone, Debug)]
pub struct Connector {
    egress: Arc<Egress>,
    resolver: Resolver,
    tls: Tls,
    detours: Arc<Detours>,
    source: Source,
}

// === impl Connector ===

impl Connector {
    pub fn new(egress: Egress, resolver: Resolver, tls: Tls) -> Connector {
        let (detours, source) = (Arc::default(), Source::default());
        Connector { egress: Arc::new(egress), resolver, tls, detours, source }
    }

    /// The same connector with other roads to some addresses; the policy judges the address asked for.
    #[must_use]
    pub fn with_detours(self, detours: Detours) -> Connector {
        Connector { detours: Arc::new(detours), ..self }
    }

    /// The same connector under another policy.
    #[must_use]
    pub fn with_egress(self, egress: Egress) -> Connector {
        Connector { egress: Arc::new(egress), ..self }
    }

    /// The same connector whose connections and datagrams leave from these addresses.
    #[must_use]
    pub fn with_source(self, source: Source) -> Connector {
        Connector { source, ..self }
    }

    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// The addresses that may be connected to, in the order to try them; never empty. Where only
    /// some are forbidden, those are left out.
    pub async fn resolve(&self, to: &Address, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let addresses = match to {
            Address::Ip(ip) => vec![*ip],
            Address::Host(name) => self.resolver.lookup(name).await?.addresses,
        };
        let (mut allowed, mut refusal) = (Vec::with_capacity(addresses.len()), None);
        for address in addresses.into_iter().map(|ip| SocketAddr::new(ip, port)) {
            match self.permit(address) {
                Ok(()) => allowed.push(address),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match refusal {
            Some(error) if allowed.is_empty() => Err(error),
            _ => Ok(allowed),
        }
    }

    /// What a name may be answered with over DNS: clients are sent nowhere that the policy forbids this
    /// node to go, because whoever owns the name is not who runs the node. Sorted, each once, at most
    /// [`ANSWERABLE_MAX`] of a family; empty when all are forbidden.
    pub async fn answerable(&self, name: &Name) -> Result<Found, ConnectError> {
        let Found { addresses, holds } = self.resolver.lookup(name).await?;
        let permitted = |ip: &IpAddr| self.permit(SocketAddr::new(*ip, NO_PORT)).is_ok();
        let mut addresses: Vec<IpAddr> = addresses.iter().map(IpAddr::to_canonical).collect();
        addresses.retain(permitted);
        addresses.sort_unstable();
        addresses.dedup();
        let mut v6 = addresses.split_off(addresses.partition_point(IpAddr::is_ipv4));
        v6.truncate(ANSWERABLE_MAX);
        addresses.truncate(ANSWERABLE_MAX);
        addresses.append(&mut v6);
        Ok(Found { addresses, holds })
    }

    /// A connection to this very address. The policy is asked again, so that no caller can forget it.
    pub async fn tcp(&self, to: SocketAddr, limit: Duration) -> Result<TcpStream, ConnectError> {
        self.permit(to)?;
        let stream = match timeout(limit, self.reach(to)).await {
            Ok(reached) => reached?,
            Err(_) => return Err(ConnectError::Timeout),
        };
        let (from, reached) = (stream.local_addr()?, stream.peer_addr()?);
        // A closed port in the ephemeral range can be given to the very socket that connects to it.
        if from == reached {
            return Err(ConnectError::Refused);
        }
        self.egress
            .check_connected(from, reached)
            .map_err(|by| ConnectError::Forbidden { address: to, by })?;
        // Requests are one small write each; waiting to fill a segment only adds to the time measured.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// TLS over a connection; `server` is sent as SNI when it is a name.
    pub async fn tls(
        &self,
        stream: TcpStream,
        server: ServerName<'static>,
        trust: Trust,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        self.tls_speaking(Spoken::Http1, stream, server, trust, limit).await
    }

    /// The same for another protocol inside.
    pub async fn tls_speaking(
        &self,
        spoken: Spoken,
        stream: TcpStream,
        server: ServerName<'static>,
        trust: Trust,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        handshake(self.tls.config(trust, spoken), stream, server, limit).await
    }

    /// The same with a profile of its own.
    pub async fn tls_by(
        &self,
        profile: &Ready,
        stream: TcpStream,
        server: ServerName<'static>,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        handshake(profile.config(), stream, server, limit).await
    }

    /// Makes a profile ready; worth keeping.
    pub fn profile(&self, profile: &Profile<'_>) -> Result<Ready, ProfileError> {
        self.tls.ready(profile)
    }

    pub(crate) fn permit(&self, to: SocketAddr) -> Result<(), ConnectError> {
        self.egress.check(to).map_err(|by| ConnectError::Forbidden { address: to, by })
    }

    /// Where packets for this address really go, after the simulated way there.
    pub(crate) async fn road(&self, to: SocketAddr) -> SocketAddr {
        match self.detours.get(&to.ip()) {
            Some(detour) => {
                sleep(detour.delay).await;
                detour.to
            }
            None => to,
        }
    }

    async fn reach(&self, to: SocketAddr) -> Result<TcpStream, ConnectError> {
        let to = self.road(to).await;
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        self.source.bind_stream(&SockRef::from(&socket), to.ip())?;
        Ok(socket.connect(to).await?)
    }

    pub fn source(&self) -> Source {
        self.source
    }
}

/// Asks the other end every so often whether it is still there while it says nothing.
pub fn keep_alive(stream: &TcpStream, every: Duration) -> io::Result<()> {
    let pace = TcpKeepalive::new().with_time(every).with_interval(every);
    SockRef::from(stream).set_tcp_keepalive(&pace)
}

async fn handshake(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    server: ServerName<'static>,
    limit: Duration,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    match timeout(limit, TlsConnector::from(config).connect(server, stream)).await {
        Ok(stream) => stream.map_err(tls::handshake_error),
        Err(_) => Err(ConnectError::Timeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_waits_is_kept_alive() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let every = Duration::from_secs(1);
        keep_alive(&stream, every).unwrap();
        let socket = SockRef::from(&stream);
        let pace =
            (socket.keepalive(), socket.tcp_keepalive_time(), socket.tcp_keepalive_interval());
        assert_eq!((pace.0.unwrap(), pace.1.unwrap(), pace.2.unwrap()), (true, every, every));
    }

    #[tokio::test]
    async fn a_name_is_answered_with_its_permitted_addresses_each_once_and_in_order() {
        let both = |hosts: std::ops::RangeInclusive<u8>| -> Vec<String> {
            let v6 = hosts.clone().map(|host| format!("2001:db8::{host:x}"));
            hosts.map(|host| format!("192.0.2.{host}")).chain(v6).collect()
        };
        let (many, kept) = (both(1..=20), both(1..=16));
        let many: Vec<&str> = many.iter().rev().map(String::as_str).collect();
        let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
        check(
            &["192.0.2.2", "2001:db8::1", "192.0.2.1", "192.0.2.2"],
            &["192.0.2.1", "192.0.2.2", "2001:db8::1"],
        )
        .await;
        check(&["169.254.169.254", "192.0.2.1", "fe80::1", "10.0.0.1"], &["192.0.2.1"]).await;
        check(&["::ffff:192.0.2.1", "192.0.2.1"], &["192.0.2.1"]).await;
        check(&["169.254.169.254"], &[]).await;
        check(&many, &kept).await;
    }

    async fn check(resolved: &[&str], want: &[&str]) {
        let parse = |list: &[&str]| -> Vec<IpAddr> {
            list.iter().map(|address| address.parse().unwrap()).collect()
        };
        let name: Name = "origin.example.net".parse().unwrap();
        let hosts = HashMap::from([(name.clone(), parse(resolved))]);
        let egress = Egress { deny: vec!["10.0.0.0/8".parse().unwrap()], ..Egress::default() };
        let tls = Tls::new(rustls::RootCertStore::empty()).unwrap();
        let connector = Connector::new(egress, Resolver::fixed(hosts), tls);
        let found = connector.answerable(&name).await.unwrap();
        assert_eq!(found.addresses, parse(want), "{resolved:?}");
    }
}
