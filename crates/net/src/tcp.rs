//! Listening for connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// Connections the kernel keeps for us before `accept`; it cuts this to `net.core.somaxconn`
/// (4096 on today's Linux). Enough for a burst while the accepting task is held up for 50 ms.
const BACKLOG: i32 = 4096;

/// Of silence, before the kernel asks whether the peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// A non-blocking listener. Several may be bound to one address, one per core, and the kernel
/// spreads the connections over them; another process of the same user would take its share as
/// well, which [`vacant`] finds out.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(address)?;
    socket.set_reuse_port(true)?;
    // What is accepted inherits it: a peer that is gone without a word is found out.
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// An error when somebody listens there, even one who would share. Connections that an earlier
/// process left behind are in nobody's way.
pub fn vacant(address: SocketAddr) -> io::Result<()> {
    open(address)?.bind(&address.into())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}
