//! When a socket that was given an address gets its port.

use std::io;

use socket2::Socket;

use crate::option::set;

/// Binding to an address alone takes no port then: the kernel finds one when it knows where the connection
/// leads (ip(7), `IP_BIND_ADDRESS_NO_PORT`). Otherwise an address has fewer connections than it has ports,
/// wherever they lead.
pub fn choose_late(socket: &Socket) -> io::Result<()> {
    set(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

    use socket2::{Domain, Type};

    use super::*;

    #[test]
    fn a_port_comes_with_the_connection() {
        check(Ipv4Addr::LOCALHOST.into());
        check(Ipv6Addr::LOCALHOST.into());
    }

    fn check(ip: std::net::IpAddr) {
        let listener = TcpListener::bind(SocketAddr::new(ip, 0)).unwrap();
        let to = listener.local_addr().unwrap();
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
        let port = || socket.local_addr().unwrap().as_socket().unwrap().port();
        choose_late(&socket).unwrap();
        socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
        assert_eq!(port(), 0, "{ip}");
        socket.connect(&to.into()).unwrap();
        assert_ne!(port(), 0, "{ip}");
    }
}
