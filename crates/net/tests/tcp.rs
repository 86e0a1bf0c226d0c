//! Listeners on loopback.
#![expect(clippy::unwrap_used, reason = "a test file whose checks are shared functions")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use trimtab_net::tcp;

fn listen(address: &str) -> TcpListener {
    tcp::bind(address.parse().unwrap()).unwrap()
}

#[test]
fn a_listener_does_not_block_and_accepts() {
    for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
        let listener = listen(address);
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut accepted, from) = listener.accept().unwrap();
        assert_eq!(from, client.local_addr().unwrap());
        client.write_all(b"hello").unwrap();
        let mut bytes = [0; 5];
        accepted.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
    }
}

#[test]
fn listeners_of_several_threads_share_an_address() {
    let first = listen("127.0.0.1:0");
    let second = listen(&first.local_addr().unwrap().to_string());
    assert_eq!(first.local_addr().unwrap(), second.local_addr().unwrap());
}

#[test]
fn an_ipv6_wildcard_leaves_ipv4_to_others() {
    let six = listen("[::]:0");
    let port = six.local_addr().unwrap().port();
    let four = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert_eq!(TcpStream::connect(four).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn an_address_in_use_by_another_program_is_refused() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = tcp::bind(other.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn an_address_is_vacant_until_somebody_listens_and_again_when_only_old_connections_are_left() {
    let listener = listen("127.0.0.1:0");
    let address = listener.local_addr().unwrap();
    assert_eq!(tcp::vacant(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
    assert_eq!(tcp::vacant(any).unwrap_err().kind(), io::ErrorKind::AddrInUse);

    let client = TcpStream::connect(address).unwrap();
    listener.set_nonblocking(false).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    drop(listener);
    tcp::vacant(address).unwrap();
    // Who closes first is the one whose end lingers (RFC 9293 section 3.6.1).
    drop(accepted);
    drop(client);
    tcp::vacant(address).unwrap();
    listen(&address.to_string());
}
