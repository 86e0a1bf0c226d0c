//! When to try again after a destination did not take a message.

use std::time::Duration;

/// After the first failure.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// A receiver that was mended gets what it missed within minutes.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Older news help nobody; the history says that they were given up.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// Twice as long after each failure in a row. Half of it is fixed and half is jitter, so that many messages to one
/// receiver do not come back together.
pub(crate) fn wait(failures: u32, dice: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let step = WAIT_MIN.saturating_mul(1 << doublings).min(WAIT_MAX);
    let half = step / 2;
    half + half.mul_f64(dice as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_from_a_second_to_five_minutes() {
        let check = |failures, want: std::ops::RangeInclusive<u128>| {
            let waits = [0, u64::MAX].map(|dice| wait(failures, dice).as_millis());
            assert_eq!((waits[0], waits[1]), (*want.start(), *want.end()), "{failures}");
        };
        check(1, 500..=1_000);
        check(2, 1_000..=2_000);
        check(5, 8_000..=16_000);
        check(10, 150_000..=300_000);
        check(u32::MAX, 150_000..=300_000);
    }
}
