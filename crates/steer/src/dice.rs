//! Chance as an argument: one number per query becomes as many draws as a decision needs.

/// A splitmix64 stream. The same seed always gives the same draws, so a decision can be replayed.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

// === impl Dice ===

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Evenly from `0..limit`; the bias of the multiplication is below limit / 2⁶⁴. 0 for a limit of 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        let wide = u128::from(self.draw()).wrapping_mul(u128::from(limit));
        u32::try_from(wide >> 64).unwrap_or(0)
    }
}

/// Spreads every bit of `value` over the whole result.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Spreads bytes over 64 bits.
pub(crate) fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    bytes.iter().fold(seed, |hash, &byte| mix(hash ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_the_same_for_the_same_seed() {
        let draws = |seed| {
            let mut dice = Dice::new(seed);
            let mut counts = [0_u32; 6];
            for _ in 0..60_000 {
                counts[dice.below(6) as usize] += 1;
            }
            counts
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        assert!(draws(7).iter().all(|&count| (9_600..10_400).contains(&count)));
        assert_eq!(Dice::new(1).below(0), 0);
    }
}
