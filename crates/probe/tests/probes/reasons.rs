//! Each failure reason comes from a real condition.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use rustls::RootCertStore;
use tokio::net::{TcpSocket, TcpStream};
use trimtab_connect::Egress;
use trimtab_health::FailureReason;
use trimtab_live::Target;
use trimtab_model::Monitor;
use trimtab_model::monitor::MonitorType::{self, Dns, Grpc, Http, Tcp};

use crate::recipe::{
    connector, fail, http, monitor, named, pass, plain, run, target, told, with_host,
};
use crate::server::{Server, closed_port, ok, status};
use crate::tls::{Authority, greeting_with, https, insecure, secured};

/// Checks rows and remembers which reasons they had.
struct Rows {
    authority: Authority,
    seen: BTreeSet<FailureReason>,
}

impl Rows {
    async fn check(&mut self, monitor: Monitor, to: Target, want: FailureReason, status: u16) {
        let attempt = run(&self.authority.trusted(), &monitor, &to).await;
        let wanted = if want == FailureReason::None { pass(status) } else { fail(want, status) };
        assert_eq!(told(&attempt), wanted, "{:?}", attempt.result);
        self.seen.insert(want);
    }
}

/// A listener whose queue is full: the system drops further handshakes, as a firewall would.
async fn full_queue() -> (SocketAddr, impl Sized) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = socket.local_addr().unwrap();
    let listener = socket.listen(0).unwrap();
    let queued = TcpStream::connect(at).await.unwrap();
    (at, (listener, queued))
}

#[tokio::test]
async fn semantics_8_every_failure_reason_has_a_real_condition() {
    use FailureReason as R;
    let mut rows = Rows { authority: Authority::new(), seen: BTreeSet::new() };

    let healthy = Server::answering(&[&ok("alive")]).await;
    rows.check(monitor(Http), target(healthy.at), R::None, 200).await;
    rows.check(monitor(Tcp), target(healthy.at), R::None, 0).await;

    rows.check(monitor(Http), target(closed_port().await), R::TcpConnectionFailed, 0).await;
    rows.check(monitor(Tcp), target(closed_port().await), R::TcpConnectionFailed, 0).await;
    let (silent, _held) = full_queue().await;
    rows.check(monitor(Tcp), target(silent), R::TcpTimeout, 0).await;
    // The system itself refuses TCP to a broadcast address.
    rows.check(monitor(Tcp), named("127.255.255.255", 80), R::NetworkUnreachable, 0).await;

    let mute = Server::staying("").await;
    rows.check(monitor(Http), target(mute.at), R::HttpTimeout, 0).await;
    rows.check(https(), target(mute.at), R::HttpTimeout, 0).await;
    let garbage = Server::answering(&["SSH-2.0-OpenSSH_9.9\r\n"]).await;
    rows.check(monitor(Http), target(garbage.at), R::HttpInvalidResponse, 0).await;
    let hangs_up = Server::answering(&[""]).await;
    rows.check(monitor(Http), target(hangs_up.at), R::HttpInvalidResponse, 0).await;
    let busy = Server::answering(&[&status("503 Busy")]).await;
    rows.check(monitor(Http), target(busy.at), R::CodeMismatch, 503).await;
    let wants_dead = http(|probe| probe.expected_body = "dead".into());
    rows.check(wants_dead, target(healthy.at), R::BodyMismatch, 200).await;
    let resets = Server::start(async |stream: TcpStream| {
        stream.readable().await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    rows.check(monitor(Http), target(resets.at), R::ConnectionReset, 0).await;

    let named_www = |at| with_host("www.example.com", target(at));
    let (untrusted, _) = secured(&Authority::new(), &["www.example.com"]).await;
    rows.check(https(), named_www(untrusted.at), R::TlsUntrusted, 0).await;
    let (misnamed, _) = secured(&rows.authority, &["other.example.com"]).await;
    rows.check(https(), named_www(misnamed.at), R::TlsNameMismatch, 0).await;
    let not_tls = greeting_with(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    rows.check(insecure(), target(not_tls.at), R::TlsProtocol, 0).await;
    let nameless = greeting_with(&[21, 3, 3, 0, 2, 2, 112]).await;
    rows.check(https(), named_www(nameless.at), R::TlsUnrecognizedName, 0).await;
    let closes = greeting_with(b"").await;
    rows.check(https(), named_www(closes.at), R::TlsHandshake, 0).await;

    rows.check(monitor(Http), named("absent.example.com", 80), R::DnsUnknownHost, 0).await;
    rows.check(monitor(Http), named("metadata.example.com", 80), R::DnsInternal, 0).await;
    rows.check(monitor(Http), named("169.254.169.254", 80), R::MonitorConfig, 0).await;

    // Left out: a host without a route cannot be had on loopback (`test_monitors_network.py` has one),
    // nor can a failure that has no name; failed requests are no probe's.
    let missing: Vec<_> = R::ALL.iter().filter(|reason| !rows.seen.contains(reason)).collect();
    assert_eq!(missing, [&R::NoRoute, &R::Other, &R::Ejected, &R::Overridden, &R::Fed]);
}

#[tokio::test]
async fn a_failure_without_a_name_is_other() {
    // A link-local address without an interface cannot even be tried.
    let open = Egress { allow: vec!["fe80::/10".parse().unwrap()], ..Egress::default() };
    let connector = connector(open, &[], RootCertStore::empty());
    let attempt = run(&connector, &monitor(Tcp), &named("fe80::1", 80)).await;
    assert_eq!(told(&attempt), fail(FailureReason::Other, 0));
}

#[tokio::test]
async fn what_cannot_be_probed_is_a_fault_of_the_monitor_and_is_not_tried_again() {
    let server = Server::answering(&[&ok("")]).await;
    let check = async |mut monitor: Monitor, to: Target| {
        monitor.pace.retries = 5;
        let attempt = run(&plain(), &monitor, &to).await;
        let want = (fail(FailureReason::MonitorConfig, 0), 1);
        assert_eq!((told(&attempt), attempt.tries), want, "{:?}", attempt.result);
    };
    check(monitor(Dns), target(server.at)).await;
    check(monitor(Grpc), named("127.0.0.1", 0)).await;
    check(monitor(Tcp), named("127.0.0.1", 0)).await;
    check(http(|probe| probe.path = "/a b".into()), target(server.at)).await;
    check(http(|probe| probe.method = "GET IT".into()), target(server.at)).await;
    let header = |name: &str, value: &str| {
        http(|probe| probe.header = [(name.to_owned(), vec![value.to_owned()])].into())
    };
    check(header("X Y", "1"), target(server.at)).await;
    check(header("X-Y", "1\r\nX-Z: 2"), target(server.at)).await;
    check(monitor(MonitorType::Https), with_host("a b", target(server.at))).await;
    check(monitor(Http), with_host("a\nb", target(server.at))).await;
    assert_eq!(server.asked().len(), 0);
}
