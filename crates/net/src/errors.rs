//! What the network says back to a datagram: ICMP errors that the kernel keeps to itself unless it is asked.

use std::io;

use socket2::{Domain, Socket};

use crate::option::set;

/// From here on an unreachable host or network fails the next call on the connected socket; without
/// this only a closed port does (ip(7), `IP_RECVERR`).
pub fn report_errors(socket: &Socket) -> io::Result<()> {
    match socket.domain()? {
        Domain::IPV6 => set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1),
        _ => set(socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use super::*;

    #[test]
    fn a_closed_port_is_an_error_of_the_socket() {
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let closed = free.local_addr().unwrap();
        drop(free);
        let socket = Socket::new(Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
        report_errors(&socket).unwrap();
        socket.connect(&closed.into()).unwrap();
        socket.send(b"?").unwrap();
        let mut buffer = [0; 1];
        let error = io::Read::read(&mut &socket, &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
