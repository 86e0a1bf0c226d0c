//! Sets as sorted ranges: a list of a thousand networks takes ten steps.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::ast::Addresses;

/// First and last of each; sorted, and none touches another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ranges<T>(Box<[(T, T)]>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressRanges {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

// === impl Ranges ===

impl<T: Copy + Ord> Ranges<T> {
    pub(crate) fn new(mut items: Vec<(T, T)>) -> Ranges<T> {
        items.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(items.len());
        for (first, last) in items {
            match merged.last_mut() {
                Some((_, end)) if first <= *end => *end = (*end).max(last),
                Some(_) | None => merged.push((first, last)),
            }
        }
        Ranges(merged.into())
    }

    pub(crate) fn contain(&self, value: T) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= value);
        let nearest = behind.checked_sub(1).and_then(|index| self.0.get(index));
        nearest.is_some_and(|(_, last)| value <= *last)
    }
}

// === impl AddressRanges ===

impl AddressRanges {
    pub(crate) fn new(items: &[Addresses]) -> AddressRanges {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for item in items {
            match item.ends() {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((first.to_bits(), last.to_bits())),
                (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((first.to_bits(), last.to_bits())),
                // A range has one family.
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
            }
        }
        AddressRanges { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contain(address.to_bits()),
            IpAddr::V6(address) => self.v6.contain(address.to_bits()),
        }
    }
}

// === impl Addresses ===

impl Addresses {
    fn ends(self) -> (IpAddr, IpAddr) {
        match self {
            Addresses::One(address) => (address, address),
            Addresses::Range(first, last) => (first, last),
            Addresses::Network(IpAddr::V4(first), bits) => {
                let last = first.to_bits() | u32::MAX.checked_shr(bits.into()).unwrap_or(0);
                (first.into(), Ipv4Addr::from_bits(last).into())
            }
            Addresses::Network(IpAddr::V6(first), bits) => {
                let last = first.to_bits() | u128::MAX.checked_shr(bits.into()).unwrap_or(0);
                (first.into(), Ipv6Addr::from_bits(last).into())
            }
        }
    }
}

/// The address with the bits behind the first `v4_bits` or `v6_bits` zero.
pub(crate) fn network(address: IpAddr, v4_bits: u8, v6_bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let behind = u32::MAX.checked_shr(v4_bits.into()).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & !behind).into()
        }
        IpAddr::V6(address) => {
            let behind = u128::MAX.checked_shr(v6_bits.into()).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & !behind).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_touch_are_one() {
        let ranges = Ranges::new(vec![(5, 9), (1, 3), (3, 4), (6, 7), (9, 9), (20, 20)]);
        assert_eq!(ranges, Ranges(Box::new([(1, 4), (5, 9), (20, 20)])));
    }

    #[test]
    fn networks_have_two_ends() {
        let check = |network: &str, bits, first: &str, last: &str| {
            let item = Addresses::Network(network.parse().unwrap(), bits);
            assert_eq!(item.ends(), (first.parse().unwrap(), last.parse().unwrap()));
        };
        check("10.0.0.0", 8, "10.0.0.0", "10.255.255.255");
        check("0.0.0.0", 0, "0.0.0.0", "255.255.255.255");
        check("192.0.2.1", 32, "192.0.2.1", "192.0.2.1");
        check("2001:db8::", 32, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
        check("::1", 128, "::1", "::1");
        check("::", 0, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    }

    proptest! {
        #[test]
        fn a_set_is_all_of_its_ranges(
            items in prop::collection::vec((0_i64..50, 0_i64..8), 0..12),
            value in 0_i64..60,
        ) {
            let items: Vec<_> = items.into_iter().map(|(at, more)| (at, at.saturating_add(more))).collect();
            let expected = items.iter().any(|(first, last)| (*first..=*last).contains(&value));
            prop_assert_eq!(Ranges::new(items).contain(value), expected);
        }
    }
}
