//! How long a connection to an origin serves: about as long as its pool says, and not all of them equally long.

use std::time::Duration;

/// Nine tenths of what the pool says, and up to two more by chance: connections that were made together do not end together.
pub(crate) fn lifetime(max_age: Duration, dice: u64) -> Duration {
    let tenth = max_age / 10;
    tenth * 9 + (tenth * 2).mul_f64(dice as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_within_a_tenth_of_its_limit() {
        let check = |max_age, dice, want: f64| {
            let got = lifetime(Duration::from_secs(max_age), dice);
            assert_eq!(got.as_secs_f64(), want, "{max_age} s, {dice}");
        };
        check(900, 0, 810.0);
        check(900, u64::MAX / 2, 900.0);
        check(900, u64::MAX, 990.0);
        check(1, 0, 0.9);
        check(86_400, u64::MAX, 95_040.0);
    }
}
