//! The IPv4 address inside an IPv6 one, where there is one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::family::Kind;

/// An address in the family that locates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    /// `before` is how many bits of the address as asked stand before the IPv4 address.
    V4 {
        address: Ipv4Addr,
        before: u8,
    },
    V6(Ipv6Addr),
}

/// The prefixes of IPv6 whose addresses hold an IPv4 address: the bits and how many count.
pub(crate) const V4_ALIASES: [(u128, u8); 3] =
    [(0xffff_0000_0000, 96), (0x2002 << 112, 16), (0x2001_0000 << 96, 32)];

// === impl Native ===

impl Native {
    /// The family, the address as a number, and how many bits of the address as asked stand before it.
    #[inline]
    pub(crate) fn key(self) -> (Kind, u128, u8) {
        match self {
            Native::V4 { address, before } => (Kind::V4, address.to_bits().into(), before),
            Native::V6(address) => (Kind::V6, address.to_bits(), 0),
        }
    }
}

impl From<IpAddr> for Native {
    fn from(address: IpAddr) -> Native {
        match address {
            IpAddr::V4(address) => Native::V4 { address, before: 0 },
            IpAddr::V6(address) => within(address),
        }
    }
}

/// Mapped addresses (RFC 4291 section 2.5.5.2), 6to4 (RFC 3056 section 2: the IPv4 address follows 2002::/16)
/// and Teredo (RFC 4380 section 4: the client's IPv4 address, inverted, ends the address).
fn within(address: Ipv6Addr) -> Native {
    let (high, low) = ((address.to_bits() >> 64) as u64, address.to_bits() as u64);
    let v4 = |bits: u64, before| Native::V4 { address: Ipv4Addr::from_bits(bits as u32), before };
    if high >> 48 == 0x2002 {
        v4(high >> 16, 16)
    } else if high >> 32 == 0x2001_0000 {
        v4(!low, 96)
    } else if high == 0 && low >> 32 == 0xffff {
        v4(low, 96)
    } else {
        Native::V6(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4291_rfc3056_and_rfc4380_addresses_are_their_ipv4() {
        let check = |text: &str, v4: &str, before| {
            let native = Native::from(text.parse::<IpAddr>().unwrap());
            assert_eq!(native, Native::V4 { address: v4.parse().unwrap(), before }, "{text}");
        };
        check("192.0.2.45", "192.0.2.45", 0);
        check("::ffff:192.0.2.45", "192.0.2.45", 96);
        check("2002:c000:22d::1", "192.0.2.45", 16);
        check("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45", 96);
        let plain: Ipv6Addr = "2001:db8::1".parse().unwrap();
        assert_eq!(Native::from(IpAddr::V6(plain)), Native::V6(plain));
    }
}
