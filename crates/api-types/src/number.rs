//! Numbers on the wire: a whole one is written without a fraction, as the hosted API does.

use serde::{Serialize, Serializer};

/// `1` and `0.5`, never `1.0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

/// Above this a 64-bit float no longer tells neighbouring whole numbers apart.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

// === impl Number ===

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() <= EXACT_MAX {
            // Whole and in range, checked above.
            to.serialize_i64(self.0 as i64)
        } else {
            to.serialize_f64(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction() {
        for (number, text) in [
            (1.0, "1"),
            (0.0, "0"),
            (-0.0, "0"),
            (0.5, "0.5"),
            (-122.4194, "-122.4194"),
            (100.0, "100"),
            (1e300, "1e+300"),
        ] {
            assert_eq!(serde_json::to_string(&Number(number)).unwrap(), text);
        }
    }
}
