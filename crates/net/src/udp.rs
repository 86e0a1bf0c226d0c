//! Datagram sockets set up for a server that answers, and the batches that carry its traffic.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::option;

mod address;
mod batch;
mod control;

pub use batch::{BATCH, Batch, QUERY_ROOM, REPLY_ROOM, Received, Served};

/// How a socket is set up; the default suits a name server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Queue of the kernel in each direction. Of small datagrams 4 MiB holds some 10,000 (the
    /// kernel doubles it and counts 768 bytes for each), 30 ms of one core's work at full load.
    pub buffer_bytes: usize,
    /// Longest wait in one [`Batch::receive`] and for a full send queue, so that a thread looks
    /// at its stop flag at least this often. Waking four times a second costs nothing measurable.
    pub wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { buffer_bytes: 4 << 20, wait: Duration::from_millis(250) }
    }
}

/// A blocking socket that shares its address with one socket per core, and would with those of
/// another process of the same user, which [`vacant`] finds out.
///
/// Bound to a wildcard address, the kernel tells with each datagram which address was asked, and
/// [`Received::serve`] answers from it. A socket per address saves that work.
pub fn bind(address: SocketAddr, options: &Options) -> io::Result<UdpSocket> {
    let socket = open(address)?;
    socket.set_reuse_port(true)?;
    enlarge_buffers(&socket, options.buffer_bytes)?;
    ignore_path_mtu(&socket, address)?;
    if address.ip().is_unspecified() {
        report_address_asked(&socket, address)?;
    }
    socket.bind(&address.into())?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(options.wait))?;
    socket.set_write_timeout(Some(options.wait))?;
    Ok(socket)
}

/// An error when somebody has the address, even one who would share it.
pub fn vacant(address: SocketAddr) -> io::Result<()> {
    open(address)?.bind(&address.into())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// With CAP_NET_ADMIN to the size asked, else as far as `net.core.rmem_max` and `wmem_max` allow.
fn enlarge_buffers(socket: &Socket, bytes: usize) -> io::Result<()> {
    let forced = libc::c_int::try_from(bytes).map_err(io::Error::other)?;
    if option::set(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, forced).is_err() {
        socket.set_recv_buffer_size(bytes)?;
    }
    if option::set(socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, forced).is_err() {
        socket.set_send_buffer_size(bytes)?;
    }
    Ok(())
}

/// Nothing that leaves here is ever a fragment, which an attacker could replace, and no path MTU is
/// believed, which an attacker could forge (RFC 9715 section 3.1, R2 and appendix). For IPv4 PROBE does both:
/// it sets DF, and the kernel needs no fragment identifier, 2 % of an answer's CPU. The size limit of the one
/// who writes the answers keeps them below every path's MTU. For IPv6, whose routers never cut, OMIT.
fn ignore_path_mtu(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => {
            option::set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
        }
        SocketAddr::V6(_) => option::set(
            socket,
            libc::IPPROTO_IPV6,
            libc::IPV6_MTU_DISCOVER,
            libc::IPV6_PMTUDISC_OMIT,
        ),
    }
}

fn report_address_asked(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => option::set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
        SocketAddr::V6(_) => option::set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
    }
}
