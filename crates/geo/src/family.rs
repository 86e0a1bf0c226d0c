//! All that is known of the addresses of one family, in layers.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::layer::Layer;
use crate::ranges::{Found, Ranges};
use crate::span::Span;
use crate::spot::UNKNOWN;

/// The addresses of one family.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) kind: Kind,
    pub(crate) places: Ranges<u16>,
    /// What a database says of prefixes finer than a key of `places`.
    pub(crate) fine: Layer<u16>,
    /// What the operator says; wins over all.
    pub(crate) overrides: Layer<u16>,
    pub(crate) asns: Ranges<u32>,
    pub(crate) asn_overrides: Layer<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    V4,
    V6,
}

/// The autonomous system number that means none (RFC 7607).
pub(crate) const NO_ASN: u32 = 0;

// === impl Family ===

impl Family {
    pub(crate) fn new(kind: Kind) -> Family {
        Family {
            kind,
            places: Ranges::constant(kind, UNKNOWN),
            fine: Layer::default(),
            overrides: Layer::default(),
            asns: Ranges::constant(kind, NO_ASN),
            asn_overrides: Layer::default(),
        }
    }

    /// The number of the place, and the prefix it holds for. Most tables have no exceptions,
    /// and most queries pay for none.
    #[inline]
    pub(crate) fn locate(&self, key: u128) -> (u16, u8) {
        let range_key = self.kind.range_key(key);
        let Some(found) = self.places.find(range_key) else {
            return (UNKNOWN, self.kind.width());
        };
        if self.overrides.is_empty() && self.fine.is_empty() {
            return (found.value, found.prefix);
        }
        self.exception(key, found)
    }

    /// An override, else a fine prefix, else what the ranges say.
    fn exception(&self, key: u128, found: Found<u16>) -> (u16, u8) {
        let width = self.kind.width();
        let fine = self.fine.over(found, key, width);
        let overriding = self.overrides.over(fine, key, width);
        (overriding.value, overriding.prefix)
    }

    /// How many ranges and prefixes have a place of their own.
    pub(crate) fn len(&self) -> usize {
        self.places.len().saturating_add(self.fine.len())
    }

    /// The system that announces the key, and the prefix for which that holds.
    pub(crate) fn asn(&self, key: u128) -> Found<u32> {
        let width = self.kind.width();
        let of_range = self.asns.find(self.kind.range_key(key));
        let found = of_range.unwrap_or(Found { value: NO_ASN, prefix: width });
        self.asn_overrides.over(found, key, width)
    }
}

// === impl Kind ===

impl Kind {
    /// Bits of an address.
    pub(crate) fn width(self) -> u8 {
        match self {
            Kind::V4 => 32,
            Kind::V6 => 128,
        }
    }

    /// The last key of [`Ranges`]. A key is an IPv4 address or an IPv6 /48; what is finer is
    /// the business of a [`Layer`].
    pub(crate) fn key_last(self) -> u64 {
        match self {
            Kind::V4 => 0xffff_ffff,
            Kind::V6 => 0xffff_ffff_ffff,
        }
    }

    pub(crate) fn key_bits(self) -> u8 {
        self.width().saturating_sub(self.shift())
    }

    /// Bits of an address that its key lacks.
    pub(crate) fn shift(self) -> u8 {
        match self {
            Kind::V4 => 0,
            Kind::V6 => 80,
        }
    }

    pub(crate) fn range_key(self, address: u128) -> u64 {
        (address >> self.shift()) as u64
    }
    /// The prefixes of this family as spans.
    pub(crate) fn spans<V: Copy>(self, said: &[(IpNet, V)]) -> Vec<(Span, V)> {
        said.iter()
            .filter_map(|&(prefix, value)| match (self, prefix.network(), prefix.broadcast()) {
                (Kind::V4, IpAddr::V4(first), IpAddr::V4(last)) => Some((
                    Span { first: first.to_bits().into(), last: last.to_bits().into() },
                    value,
                )),
                (Kind::V6, IpAddr::V6(first), IpAddr::V6(last)) => {
                    Some((Span { first: first.to_bits(), last: last.to_bits() }, value))
                }
                (Kind::V4 | Kind::V6, IpAddr::V4(_) | IpAddr::V6(_), _) => None,
            })
            .collect()
    }
}
