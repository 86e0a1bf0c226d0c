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
