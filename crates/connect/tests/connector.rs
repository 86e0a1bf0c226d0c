//! The connector on loopback sockets: nothing forbidden is reached, and what is allowed is reached exactly.
#![expect(clippy::unwrap_used, reason = "a test file whose checks are shared functions")]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustls::RootCertStore;
use tokio::net::TcpListener;
use trimtab_connect::{Connector, Detour, Detours, Egress, Resolver, Tls};
use trimtab_model::pool::Address;

const LIMIT: Duration = Duration::from_secs(5);

fn connector(egress: Egress, hosts: &[(&str, &[&str])]) -> Connector {
    let hosts: HashMap<_, Vec<IpAddr>> = hosts
        .iter()
        .map(|(name, ips)| {
            (name.parse().unwrap(), ips.iter().map(|ip| ip.parse().unwrap()).collect())
        })
        .collect();
    Connector::new(egress, Resolver::fixed(hosts), Tls::new(RootCertStore::empty()).unwrap())
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn refusal(connector: &Connector, to: SocketAddr) -> String {
    connector.tcp(to, LIMIT).await.unwrap_err().to_string()
}

#[tokio::test]
async fn names_resolve_to_what_is_allowed() {
    let hosts: &[(&str, &[&str])] = &[
        ("both.example.com", &["169.254.169.254", "192.0.2.1", "2001:db8::1"]),
        ("inside.example.com", &["169.254.169.254"]),
        ("empty.example.com", &[]),
    ];
    let connector = connector(Egress::default(), hosts);
    let check = async |name: &str, want: Result<Vec<&str>, &str>| {
        let got = connector.resolve(&Address::read(name).unwrap(), 80).await;
        let want =
            want.map(|list| list.iter().map(|to| to.parse().unwrap()).collect::<Vec<SocketAddr>>());
        assert_eq!(got.map_err(|error| error.to_string()), want.map_err(str::to_owned), "{name}");
    };
    check("192.0.2.1", Ok(vec!["192.0.2.1:80"])).await;
    check("both.example.com", Ok(vec!["192.0.2.1:80", "[2001:db8::1]:80"])).await;
    check("empty.example.com", Err("unknown host empty.example.com")).await;
    check("absent.example.com", Err("unknown host absent.example.com")).await;
    let link_local = "egress to 169.254.169.254:80 is forbidden: it is link-local";
    check("inside.example.com", Err(link_local)).await;
    check("169.254.169.254", Err(link_local)).await;
}

#[tokio::test]
async fn an_address_that_was_not_resolved_here_is_checked_as_well() {
    let (_listener, address) = listener().await;
    let deny = Egress { deny: vec!["127.0.0.0/8".parse().unwrap()], ..Egress::default() };
    let text = refusal(&connector(deny, &[]), address).await;
    assert_eq!(text, format!("egress to {address} is forbidden: 127.0.0.0/8 is in egress.deny"));

    let own = Egress { own: vec![address], ..Egress::default() };
    let text = refusal(&connector(own, &[]), address).await;
    assert_eq!(text, format!("egress to {address} is forbidden: it is this node's own API"));

    let connector = connector(Egress::default(), &[]);
    assert_eq!(connector.tcp(address, LIMIT).await.unwrap().peer_addr().unwrap(), address);
}

#[tokio::test]
async fn an_own_api_on_every_address_is_found_out_once_connected() {
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let own = everywhere.local_addr().unwrap();
    // Stands for an address of this machine that nobody told the policy of.
    let outside = SocketAddr::from(([192, 0, 2, 1], own.port()));
    let to = SocketAddr::from(([127, 0, 0, 1], own.port()));
    let detours: Detours = [(outside.ip(), Detour { to, delay: Duration::ZERO })].into();
    let egress = |own| Egress { own, ..Egress::default() };

    let connector = |own| connector(egress(own), &[]).with_detours(detours.clone());
    let text = refusal(&connector(vec![own]), outside).await;
    assert_eq!(text, format!("egress to {outside} is forbidden: it is this node's own API"));
    assert!(connector(Vec::new()).tcp(outside, LIMIT).await.is_ok());
}

#[tokio::test]
async fn a_closed_port_refuses_and_a_broadcast_address_is_unreachable() {
    let (closed, address) = listener().await;
    drop(closed);
    let connector = connector(Egress::default(), &[]);
    assert_eq!(refusal(&connector, address).await, "connection refused");
    let broadcast = SocketAddr::from(([127, 255, 255, 255], 80));
    assert_eq!(refusal(&connector, broadcast).await, "network unreachable");
}

#[tokio::test]
async fn a_detour_leads_elsewhere_after_its_delay_and_not_around_the_policy() {
    let (_listener, to) = listener().await;
    let delay = Duration::from_millis(30);
    let detours: Detours = ["192.0.2.1", "169.254.169.254"]
        .iter()
        .map(|ip| (ip.parse().unwrap(), Detour { to, delay }))
        .collect();
    let connector = connector(Egress::default(), &[]).with_detours(detours);

    let started = Instant::now();
    let stream = connector.tcp("192.0.2.1:443".parse().unwrap(), LIMIT).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), to);
    assert!(started.elapsed() >= delay);

    let link_local = SocketAddr::from((Ipv4Addr::new(169, 254, 169, 254), 443));
    assert!(refusal(&connector, link_local).await.ends_with("it is link-local"));

    let slow = Duration::from_millis(5);
    let error = connector.tcp("192.0.2.1:443".parse().unwrap(), slow).await.unwrap_err();
    assert_eq!(error.to_string(), "no connection in time");
}
