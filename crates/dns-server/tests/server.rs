//! Real sockets on loopback: datagrams, pipelined streams, and a clean end.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use trimtab_dns::{Authority, Node, RecordInput, Seed, Soa, Zone, Zones};
use trimtab_dns_server::Server;
use trimtab_live::{Cell, Snapshot};
use trimtab_model::{Name, RecordType, ZoneId};
use trimtab_steer::{Site, World};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn snapshot() -> Snapshot {
    let seed = Seed(1);
    let soa = Soa::new(name("ns1.example.net"), name("hostmaster.example.net"), 1);
    let authority = Authority { nameservers: vec![name("ns1.example.net")], soa };
    let mut zone = Zone::empty(ZoneId::new([1; 16]), &name("example.com"), &authority, seed);
    let address = RecordInput { kind: RecordType::A, ttl: 60, rdata: &[192, 0, 2, 1] };
    zone.set_records(&name("www.example.com"), &[address]);
    let mut zones = Zones::new(seed);
    zones.insert(Arc::new(zone));
    Snapshot {
        generation: 1,
        revision: 1,
        zones: Arc::new(zones),
        world: World {
            pools: Arc::default(),
            balancers: Arc::default(),
            geo: Arc::new(trimtab_geo::Builder::empty().unwrap().build()),
            site: Site::at("FRA".parse().unwrap()).unwrap(),
            epochs: Arc::default(),
        },
        node: Arc::new(Node::new()),
        jobs: Arc::default(),
        hosts: Arc::default(),
        certificates: Arc::default(),
        affinity_keys: Arc::default(),
        routes: Arc::default(),
        checks: Arc::default(),
        fed: Arc::default(),
        loads: Arc::default(),
    }
}

fn query(id: u8) -> Vec<u8> {
    let mut query = vec![0, id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(b"\x03www\x07example\x03com\0\0\x01\0\x01");
    query
}

fn start() -> (Server, SocketAddr) {
    let cell = Cell::new(snapshot());
    let server = Server::start(&["127.0.0.1:0".parse().unwrap()], 1, &cell, None).unwrap();
    let address = server.addresses()[0];
    (server, address)
}

fn assert_answers(id: u8, answer: &[u8]) {
    assert_eq!(answer[..4], [0, id, 0x84, 0], "our id, an authoritative answer, no error");
    assert_eq!(answer[answer.len() - 4..], [192, 0, 2, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_and_streams_are_answered_and_counted_until_the_end() {
    let (server, address) = start();
    tokio::task::spawn_blocking(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0; 512];
        for id in 0..100 {
            socket.send_to(&query(id), address).unwrap();
            let length = socket.recv(&mut answer).unwrap();
            assert_answers(id, &answer[..length]);
        }
    })
    .await
    .unwrap();

    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut pipelined = Vec::new();
        for id in 0..100 {
            let query = query(id);
            pipelined.extend((query.len() as u16).to_be_bytes());
            pipelined.extend(query);
        }
        // Torn apart where it hurts most: inside a length.
        let (first, second) = pipelined.split_at(36);
        stream.write_all(first).unwrap();
        stream.flush().unwrap();
        stream.write_all(second).unwrap();
        for id in 0..100 {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut answer = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut answer).unwrap();
            assert_answers(id, &answer);
        }
    })
    .await
    .unwrap();

    let counted = server.counters_handle();
    server.stop().await;
    let counted = counted();
    assert_eq!((counted.queries, counted.by_rcode[0], counted.by_type[0]), ([100, 100], 200, 200));
    assert_eq!(counted.panics, 0);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_query_end_the_stream_and_nothing_else() {
    let (server, address) = start();
    tokio::task::spawn_blocking(move || {
        let read_all = |sent: &[u8]| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            stream.write_all(sent).unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        };
        assert_eq!(read_all(&[0, 3, 1, 2, 3]), b"");
        let mut response = query(1);
        response[2] |= 0x80;
        let sent = [&(response.len() as u16).to_be_bytes()[..], &response].concat();
        assert_eq!(read_all(&sent), b"");
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        for bytes in [&b""[..], b"short", &[0xFF; 600], &response] {
            socket.send_to(bytes, address).unwrap();
        }
        socket.send_to(&query(9), address).unwrap();
        let mut answer = [0; 512];
        loop {
            let length = socket.recv(&mut answer).unwrap();
            if answer[..2] == [0, 9] {
                return assert_answers(9, &answer[..length]);
            }
        }
    })
    .await
    .unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let refused = Server::start(&[address], 1, &Cell::new(snapshot()), None).unwrap_err();
    assert_eq!(refused.to_string(), format!("listen on {address} for DNS over TCP"));
}
