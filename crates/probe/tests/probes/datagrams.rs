//! ICMP, UDP and DNS: what comes back, what does not, and where nothing is sent at all.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Ttl};
use domain::rdata::A;
use rustls::RootCertStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trimtab_connect::Egress;
use trimtab_health::FailureReason::{
    BodyMismatch, CodeMismatch, DnsUnknownHost, HttpInvalidResponse, HttpTimeout, MonitorConfig,
    NetworkUnreachable, TcpConnectionFailed,
};
use trimtab_model::Monitor;
use trimtab_model::monitor::MonitorType::{Dns, IcmpPing, UdpIcmp};
use trimtab_model::monitor::extension::{self, QueryType, ResponseCode};
use trimtab_model::monitor::{Extension, MonitorType};

use crate::recipe::{
    connector, fail, knowing, monitor, named, own, pass, plain, run, target, told,
};
use crate::server::{Server, datagrams};

/// True where this user may send ICMP at all; the tests of the connector say the same.
async fn may_ping() -> bool {
    plain().icmp("127.0.0.1".parse().unwrap()).await.is_ok()
}

fn closed_udp_port() -> std::net::SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_host_that_replies_to_an_echo_is_up() {
    if !may_ping().await {
        let attempt = run(&plain(), &monitor(IcmpPing), &named("127.0.0.1", 0)).await;
        assert_eq!(told(&attempt), fail(MonitorConfig, 0));
        return;
    }
    for address in ["127.0.0.1", "::1"] {
        let attempt = run(&plain(), &monitor(IcmpPing), &named(address, 0)).await;
        assert_eq!(told(&attempt), pass(0), "{address}: {:?}", attempt.result);
        assert!(attempt.phases.connect.is_some_and(|took| !took.is_zero()));
    }
    let check = async |address: &str, want| {
        let attempt = run(&plain(), &monitor(IcmpPing), &named(address, 0)).await;
        assert_eq!(told(&attempt), want, "{address}: {:?}", attempt.result);
    };
    check("absent.example.com", fail(DnsUnknownHost, 0)).await;
    check("169.254.169.254", fail(MonitorConfig, 0)).await;
}

#[tokio::test]
async fn many_echoes_at_once_each_find_their_own_reply() {
    if !may_ping().await {
        return;
    }
    let (plain, monitor, endpoint) = (plain(), monitor(IcmpPing), named("127.0.0.1", 0));
    let pings = (0..50).map(|_| run(&plain, &monitor, &endpoint));
    for attempt in futures_util::future::join_all(pings).await {
        assert_eq!(told(&attempt), pass(0), "{:?}", attempt.result);
    }
}

#[tokio::test]
async fn a_datagram_that_is_not_turned_away_is_enough() {
    if !may_ping().await {
        return;
    }
    let check = async |to, want| {
        let attempt = run(&plain(), &monitor(UdpIcmp), &target(to)).await;
        assert_eq!(told(&attempt), want, "{:?}", attempt.result);
        attempt
    };
    let sink = datagrams(|_| None).await;
    let echo = datagrams(|datagram| Some(datagram.to_vec())).await;
    let silent = check(sink.at, pass(0)).await;
    let rtt = silent.outcome().rtt.unwrap();
    let silence = silent.phases.silence.unwrap();
    assert!(silence >= Duration::from_millis(400) && rtt < silence, "{:?}", silent.phases);
    let answered = check(echo.at, pass(0)).await;
    assert!(answered.phases.silence.unwrap() < Duration::from_millis(400));
    check(closed_udp_port(), fail(TcpConnectionFailed, 0)).await;
    let attempt = run(&plain(), &monitor(UdpIcmp), &named("127.0.0.1", 0)).await;
    assert_eq!(told(&attempt), fail(MonitorConfig, 0));
}

#[tokio::test]
async fn the_policy_and_the_system_keep_datagrams_too_from_where_they_may_not_go() {
    let egress = Egress { deny: vec!["127.0.0.0/8".parse().unwrap()], ..Egress::default() };
    let closed = connector(egress, &[], RootCertStore::empty());
    for kind in [IcmpPing, UdpIcmp, Dns] {
        let attempt = run(&closed, &asking(kind), &named("127.0.0.1", 53)).await;
        assert_eq!(told(&attempt), fail(MonitorConfig, 0), "{kind}");
        let why = attempt.why().unwrap();
        assert!(why.contains("127.0.0.0/8 is in egress.deny"), "{why}");
    }
    // Nothing is routed to the documentation prefix of IPv6 on a machine without IPv6.
    let attempt = run(&plain(), &asking(Dns), &named("2001:db8::1", 53)).await;
    if attempt.result.as_ref().is_err_and(|error| error.to_string() == "connect") {
        assert_eq!(told(&attempt), fail(NetworkUnreachable, 0));
    }
}

fn asking(kind: MonitorType) -> Monitor {
    own(
        kind,
        Extension { dns: Some(question(ResponseCode::NoError, None)), ..Extension::default() },
    )
}

fn question(rcode: ResponseCode, answer: Option<&str>) -> extension::Dns {
    extension::Dns {
        name: "www.example.com".parse().unwrap(),
        rtype: QueryType::A,
        rcode,
        answer: answer.map(str::to_owned),
    }
}

/// What a name server says that knows one address.
fn response(query: &[u8], rcode: Rcode, truncated: bool) -> Vec<u8> {
    let query = Message::from_octets(query).unwrap();
    let mut answer = MessageBuilder::new_vec().start_answer(&query, rcode).unwrap();
    answer.header_mut().set_tc(truncated);
    let owner = query.sole_question().unwrap().into_qname();
    answer.push((owner, Ttl::from_secs(60), A::from_octets(192, 0, 2, 7))).unwrap();
    answer.finish()
}

#[tokio::test]
async fn a_name_server_says_what_is_expected() {
    let check = async |rcode: Rcode, asked: extension::Dns, want| {
        let server = datagrams(move |query| Some(response(query, rcode, false))).await;
        let monitor = own(Dns, Extension { dns: Some(asked.clone()), ..Extension::default() });
        let attempt = run(&plain(), &monitor, &target(server.at)).await;
        assert_eq!(told(&attempt), want, "{rcode} {asked:?}: {:?}", attempt.result);
    };
    let no_error = |answer| question(ResponseCode::NoError, answer);
    check(Rcode::NOERROR, no_error(None), pass(0)).await;
    check(Rcode::NOERROR, no_error(Some("192.0.2.7")), pass(0)).await;
    check(Rcode::NOERROR, no_error(Some("192.0.2.8")), fail(BodyMismatch, 0)).await;
    check(Rcode::NXDOMAIN, no_error(None), fail(CodeMismatch, 3)).await;
    check(Rcode::REFUSED, no_error(None), fail(CodeMismatch, 5)).await;
    check(Rcode::REFUSED, question(ResponseCode::Refused, None), pass(5)).await;
}

#[tokio::test]
async fn a_name_server_that_does_not_answer_the_question_is_down() {
    let monitor = asking(Dns);
    let check = async |to, want| {
        let attempt = run(&plain(), &monitor, &target(to)).await;
        assert_eq!(told(&attempt), want, "{:?}", attempt.result);
    };
    check(datagrams(|_| None).await.at, fail(HttpTimeout, 0)).await;
    check(closed_udp_port(), fail(TcpConnectionFailed, 0)).await;
    check(datagrams(|_| Some(b"hello".to_vec())).await.at, fail(HttpInvalidResponse, 0)).await;
    let forged = |query: &[u8]| {
        let mut answer = response(query, Rcode::NOERROR, false);
        answer[0] ^= 0xff;
        Some(answer)
    };
    check(datagrams(forged).await.at, fail(HttpTimeout, 0)).await;
}

#[tokio::test]
async fn the_limit_of_a_try_can_be_in_milliseconds() {
    let silent = datagrams(|_| None).await;
    let dns = Some(question(ResponseCode::NoError, None));
    let quick = own(Dns, Extension { dns, timeout_ms: Some(50), ..Extension::default() });
    let began = Instant::now();
    let attempt = run(&plain(), &quick, &target(silent.at)).await;
    assert_eq!(told(&attempt), fail(HttpTimeout, 0));
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
}

#[tokio::test]
async fn rfc_7766_5_a_truncated_answer_is_asked_for_again_over_tcp() {
    let check = async |length_too: bool, want| {
        let tcp = Server::start(move |mut stream: TcpStream| async move {
            let length = stream.read_u16().await.unwrap();
            let mut query = vec![0; usize::from(length)];
            stream.read_exact(&mut query).await.unwrap();
            let answer = response(&query, Rcode::NOERROR, false);
            if length_too {
                stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        })
        .await;
        let socket = tokio::net::UdpSocket::bind(tcp.at).await.unwrap();
        let truncating = tokio::spawn(async move {
            let mut query = [0; 512];
            let (length, from) = socket.recv_from(&mut query).await.unwrap();
            let cut = response(&query[..length], Rcode::NOERROR, true);
            socket.send_to(&cut, from).await.unwrap();
        });
        let dns = Some(question(ResponseCode::NoError, Some("192.0.2.7")));
        let monitor = own(Dns, Extension { dns, ..Extension::default() });
        let attempt = run(&plain(), &monitor, &target(tcp.at)).await;
        assert_eq!(told(&attempt), want, "{:?}", attempt.result);
        truncating.await.unwrap();
    };
    check(true, pass(0)).await;
    check(false, fail(HttpInvalidResponse, 0)).await;
}

#[tokio::test]
async fn names_are_resolved_for_datagrams_as_well() {
    let server = datagrams(|query| Some(response(query, Rcode::NOERROR, false))).await;
    let known = knowing(&[("ns.example.com", &["127.0.0.1"])]);
    let attempt = run(&known, &asking(Dns), &named("ns.example.com", server.at.port())).await;
    assert_eq!(told(&attempt), pass(0), "{:?}", attempt.result);
}
