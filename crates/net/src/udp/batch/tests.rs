//! What the kernel refuses to send costs that answer alone, and neighbours to one client leave as one. Real sockets
//! on loopback.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::udp;

const WAIT: Duration = Duration::from_millis(5);
const LOCALHOST: &str = "127.0.0.1:0";

fn server(address: SocketAddr) -> UdpSocket {
    udp::bind(address, &udp::Options { wait: WAIT, ..udp::Options::default() }).unwrap()
}

/// An address of its own: the kernel may hand out a port twice to sockets that can share it.
fn own_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, high, low, 0], 0))
}

/// A client that takes as one what came as one (udp(7), `UDP_GRO`).
fn client(bound: &str) -> UdpSocket {
    let client = UdpSocket::bind(bound).unwrap();
    client.set_read_timeout(Some(WAIT)).unwrap();
    crate::option::set(&client, libc::SOL_UDP, libc::UDP_GRO, 1).unwrap();
    client
}

/// Sends one query for each length, which is how long its answer shall be.
fn ask(client: &UdpSocket, to: SocketAddr, lengths: &[u16]) {
    for length in lengths {
        client.send_to(&length.to_be_bytes(), to).unwrap();
    }
}

fn as_long_as_asked(query: &[u8], _: SocketAddr, out: &mut [u8]) -> Option<usize> {
    out.fill(query[1]);
    Some(u16::from_be_bytes([query[0], query[1]]).into())
}

/// The lengths of all that waits.
fn arrived(client: &UdpSocket) -> Vec<usize> {
    let mut buffer = [0; 1 << 16];
    std::iter::from_fn(|| client.recv(&mut buffer).ok()).collect()
}

/// Five queries, of which the senders named in `spoilt` cannot be answered.
fn check(spoilt: &[usize], expected: Served) {
    let server = server(own_address());
    let client = UdpSocket::bind(LOCALHOST).unwrap();
    client.set_read_timeout(Some(WAIT)).unwrap();
    for i in 0..5u8 {
        client.send_to(&[i], server.local_addr().unwrap()).unwrap();
    }
    let mut batch = Batch::new();
    let received = batch.receive(&server).unwrap();
    assert_eq!(received.len(), 5);
    for &i in spoilt {
        received.buffers.spoil_sender(i);
    }
    let served = received.serve(|query, _, out| {
        out[0] = query[0];
        Some(1)
    });
    assert_eq!(served, expected, "spoilt {spoilt:?}");
    assert!(batch.in_runs, "a sender nobody can reach says nothing about segments: {spoilt:?}");

    let mut answers = BTreeSet::new();
    let mut buffer = [0; 16];
    while let Ok(1) = client.recv(&mut buffer) {
        answers.insert(usize::from(buffer[0]));
    }
    assert_eq!(answers, (0..5).filter(|i| !spoilt.contains(i)).collect(), "spoilt {spoilt:?}");
}

#[test]
fn an_answer_that_cannot_be_sent_is_counted_and_the_others_leave() {
    let refused = |failed| Served {
        sent: 5 - failed,
        failed,
        failure: Some(io::ErrorKind::InvalidInput),
        ..Served::default()
    };
    check(&[], Served { sent: 5, ..Served::default() });
    check(&[0], refused(1));
    check(&[2], refused(1));
    check(&[4], refused(1));
    check(&[0, 1], refused(2));
    check(&[3, 4], refused(2));
    check(&[0, 2, 4], refused(3));
    check(&[0, 1, 2, 3, 4], refused(5));
}

/// What arrives of these answers where `bound` serves and is asked at `asked`.
fn check_runs(bound: &str, asked: &str, lengths: &[u16], want: &[usize]) {
    let server = server(bound.parse().unwrap());
    let to = SocketAddr::new(asked.parse().unwrap(), server.local_addr().unwrap().port());
    let client = client(if to.is_ipv4() { LOCALHOST } else { "[::1]:0" });
    ask(&client, to, lengths);
    let served = Batch::new().receive(&server).unwrap().serve(as_long_as_asked);
    assert_eq!(served, Served { sent: lengths.len(), ..Served::default() }, "{bound} {lengths:?}");
    assert_eq!(arrived(&client), want, "{bound} {lengths:?}");
}

#[test]
fn neighbours_to_one_client_leave_as_one_message() {
    let own = own_address().to_string();
    for (bound, asked) in [
        (own.as_str(), &own[..own.len() - 2]),
        ("0.0.0.0:0", "127.0.0.1"),
        ("0.0.0.0:0", "127.0.0.5"),
        ("[::1]:0", "::1"),
        ("[::]:0", "::1"),
    ] {
        check_runs(bound, asked, &[100; 5], &[500]);
        check_runs(bound, asked, &[100, 100, 40, 100, 101], &[240, 100, 101]);
        check_runs(bound, asked, &[1232; 64], &[53 * 1232, 11 * 1232]);
        check_runs(bound, asked, &[0, 0, 7], &[0, 0, 7]);
    }
}

#[test]
fn answers_from_two_addresses_leave_apart() {
    let server = server("0.0.0.0:0".parse().unwrap());
    let client = client(LOCALHOST);
    for asked in [[127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 2], [127, 0, 0, 2]] {
        ask(&client, (asked, server.local_addr().unwrap().port()).into(), &[9]);
    }
    let served = Batch::new().receive(&server).unwrap().serve(as_long_as_asked);
    assert_eq!(served, Served { sent: 4, ..Served::default() });
    let mut buffer = [0; 64];
    for asked in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let (len, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!((len, from.ip()), (18, asked.into()));
    }
}

/// A socket without checksums cannot cut messages, as some tunnels and IPsec policies cannot.
#[test]
fn where_the_kernel_cuts_no_messages_answers_leave_one_by_one() {
    let server = server(own_address());
    crate::option::set(&server, libc::SOL_SOCKET, libc::SO_NO_CHECK, 1).unwrap();
    let (to, mut batch) = (server.local_addr().unwrap(), Batch::new());
    for _ in 0..2 {
        let (one, other) = (client(LOCALHOST), client(LOCALHOST));
        ask(&one, to, &[50]);
        ask(&other, to, &[60; 3]);
        ask(&one, to, &[50; 2]);
        let served = batch.receive(&server).unwrap().serve(as_long_as_asked);
        assert_eq!(served, Served { sent: 6, ..Served::default() });
        assert_eq!((arrived(&one), arrived(&other)), (vec![50; 3], vec![60; 3]));
        assert!(!batch.in_runs);
    }
}
