//! A run of neighbouring addresses, and the widest prefix around one of them that stays inside.

/// From `first` to `last`, both included, in the address space of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: u128,
    pub(crate) last: u128,
}

// === impl Span ===

impl Span {
    /// The length of the shortest prefix around `key` without an address from outside the span.
    /// `width` is 32 or 128, the bits of an address.
    pub(crate) fn prefix(self, key: u128, width: u8) -> u8 {
        let below = self.first.checked_sub(1).map_or(width, |outside| shared_from(key, outside));
        let above = match self.last.checked_add(1) {
            Some(outside) if outside <= last_of(width) => shared_from(key, outside),
            Some(_) | None => width,
        };
        width.saturating_sub(below.min(above))
    }
}

/// The last address of a family.
pub(crate) fn last_of(width: u8) -> u128 {
    u128::MAX.checked_shr(128_u32.saturating_sub(u32::from(width))).unwrap_or(0)
}

/// The highest bit in which two addresses differ: a block of that many bits around one leaves the other out.
fn shared_from(key: u128, outside: u128) -> u8 {
    127_u8.saturating_sub((key ^ outside).leading_zeros() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_the_widest_block_inside_the_span() {
        let check = |first, last, key, prefix| {
            assert_eq!(Span { first, last }.prefix(key, 32), prefix, "{first:x}-{last:x} {key:x}");
        };
        check(0, 0xffff_ffff, 7, 0);
        check(0x0a00_0000, 0x0aff_ffff, 0x0a01_0203, 8);
        check(0x0a00_0000, 0x0bff_ffff, 0x0a01_0203, 7);
        check(0x0a00_0001, 0x0bff_ffff, 0x0a00_0001, 32);
        check(0x0a00_0001, 0x0bff_ffff, 0x0a00_0002, 31);
        check(0x0a00_0000, 0x0aff_fffe, 0x0aff_fffe, 32);
        check(0xffff_ff00, 0xffff_ffff, 0xffff_ffff, 24);
        check(0x0a00_0000, 0x0a00_02ff, 0x0a00_0280, 24);
        check(0x0a00_0000, 0x0a00_02ff, 0x0a00_0180, 23);
    }
}
