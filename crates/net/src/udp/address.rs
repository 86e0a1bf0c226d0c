//! The kernel's socket addresses as Rust's.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Room for the sender of one datagram. Both forms begin with the family.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union Name {
    pub(super) v4: libc::sockaddr_in,
    pub(super) v6: libc::sockaddr_in6,
}

// === impl Name ===

impl Name {
    /// The address, unless the kernel wrote one of another family. Every byte of a `Name` must
    /// have been written, which all our constructors (zeroed memory, `mem::zeroed`) do.
    #[inline]
    pub(super) fn address(&self) -> Option<SocketAddr> {
        // SAFETY: the family lies at the same place in both forms, and any value of it is valid.
        match libc::c_int::from(unsafe { self.v4.sin_family }) {
            // SAFETY: the union is at least as large as sockaddr_in, its bytes are written, and
            // integers take any bytes.
            libc::AF_INET => Some(SocketAddr::V4(from_v4(unsafe { &self.v4 }))),
            // SAFETY: as above, for sockaddr_in6.
            libc::AF_INET6 => Some(SocketAddr::V6(from_v6(unsafe { &self.v6 }))),
            _ => None,
        }
    }
}

#[inline]
fn from_v4(name: &libc::sockaddr_in) -> SocketAddrV4 {
    let ip = Ipv4Addr::from_bits(u32::from_be(name.sin_addr.s_addr));
    SocketAddrV4::new(ip, u16::from_be(name.sin_port))
}

fn from_v6(name: &libc::sockaddr_in6) -> SocketAddrV6 {
    SocketAddrV6::new(
        Ipv6Addr::from(name.sin6_addr.s6_addr),
        u16::from_be(name.sin6_port),
        name.sin6_flowinfo,
        name.sin6_scope_id,
    )
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::*;

    fn zeroed() -> Name {
        // SAFETY: both forms are made of integers, for which zero is valid.
        unsafe { mem::zeroed() }
    }

    fn v4(ip: [u8; 4], port: u16) -> Name {
        let mut name = zeroed();
        name.v4 = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(ip) },
            sin_zero: [0; 8],
        };
        name
    }

    fn v6(ip: Ipv6Addr, port: u16, scope: u32) -> Name {
        let mut name = zeroed();
        name.v6 = libc::sockaddr_in6 {
            sin6_family: libc::AF_INET6 as libc::sa_family_t,
            sin6_port: port.to_be(),
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: ip.octets() },
            sin6_scope_id: scope,
        };
        name
    }

    #[test]
    fn the_kernels_form_becomes_rusts() {
        let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
        let scoped = SocketAddr::V6(SocketAddrV6::new(link_local, 53, 0, 7));
        let rows = [
            (v4([192, 0, 2, 1], 53), Some("192.0.2.1:53".parse().unwrap())),
            (v4([255, 1, 0, 254], 65535), Some("255.1.0.254:65535".parse().unwrap())),
            (v6(Ipv6Addr::LOCALHOST, 5353, 0), Some("[::1]:5353".parse().unwrap())),
            (v6(link_local, 53, 7), Some(scoped)),
            (zeroed(), None),
        ];
        for (name, expected) in rows {
            assert_eq!(name.address(), expected);
        }
    }
}
