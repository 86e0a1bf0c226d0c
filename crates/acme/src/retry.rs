//! When to try again after a failure.

use std::time::Duration;

/// After the first failure. An authority that is told too often that it is wrong refuses for hours.
const WAIT_MIN: Duration = Duration::from_secs(60);
/// With its jitter, half a day: a name whose delegation was mended is not left without a certificate for longer.
const WAIT_MAX: Duration = Duration::from_secs(8 * 3600);
/// What an authority may ask for; more is a mistake.
const ASKED_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Twice as long after each failure in a row, and up to half as long again, so that many nodes do not come back
/// together. Never before the authority asked to be (RFC 8555 section 6.6).
pub(crate) fn wait(failures: u32, asked: Option<Duration>, dice: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let step = WAIT_MIN.saturating_mul(1 << doublings).min(WAIT_MAX);
    let jitter = step.mul_f64(dice as f64 / u64::MAX as f64 / 2.0);
    (step + jitter).max(asked.unwrap_or_default().min(ASKED_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_from_a_minute_to_half_a_day_and_is_never_shorter_than_asked() {
        let check = |failures, asked: Option<u64>, want: std::ops::RangeInclusive<u64>| {
            let waits = [0, u64::MAX / 2, u64::MAX];
            let waits =
                waits.map(|dice| wait(failures, asked.map(Duration::from_secs), dice).as_secs());
            assert_eq!((waits[0], waits[2]), (*want.start(), *want.end()), "{failures}");
            assert!(waits.is_sorted());
        };
        check(1, None, 60..=90);
        check(2, None, 120..=180);
        check(5, None, 960..=1440);
        check(10, None, 28_800..=43_200);
        check(u32::MAX, None, 28_800..=43_200);
        check(1, Some(30), 60..=90);
        check(1, Some(3_600), 3_600..=3_600);
        check(1, Some(u64::MAX), 604_800..=604_800);
    }
}
