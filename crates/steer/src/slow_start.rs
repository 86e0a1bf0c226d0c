//! Slow start: an endpoint that came up gets its share of requests little by little, so that it is warm before it is
//! busy. Only draws know of it: hashes and sessions send clients to where they belong.

use std::time::Duration;

use trimtab_model::Moment;

use crate::Pool;
use crate::pool::Member;

/// Of its weight, in the first moment: enough to be seen to work.
const PERCENT_MIN: u32 = 10;

/// The weights of a pool's endpoints at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a> {
    pool: &'a Pool,
    /// Zero: nobody starts slowly.
    span: Duration,
    now: Moment,
}

// === impl Weights ===

impl<'a> Weights<'a> {
    pub(crate) fn at(pool: &'a Pool, now: Moment) -> Weights<'a> {
        let span = Duration::from_secs(pool.upstream.slow_start.into());
        Weights { pool, span, now }
    }

    /// Hundredths.
    pub(crate) fn of(&self, member: &Member) -> u8 {
        match self.rises(member.endpoint) {
            Some(elapsed) => risen(member.weight, elapsed, self.span),
            None => member.weight,
        }
    }

    /// How long it has been up, if that is not long enough.
    fn rises(&self, endpoint: u16) -> Option<Duration> {
        if self.span.is_zero() {
            return None;
        }
        let health = self.pool.health.endpoints.get(usize::from(endpoint))?;
        let since = health.since.filter(|_| health.verdict.serves())?;
        Some(self.now.saturating_duration_since(since)).filter(|elapsed| *elapsed < self.span)
    }

    /// Endpoints that have less than their weight, and how much: hundredths.
    pub(crate) fn rising(&self, members: &[Member]) -> impl Iterator<Item = (u16, u8, u8)> {
        let rising = members.iter().map(|member| (member.endpoint, self.of(member), member.weight));
        rising.filter(|(_, weight, full)| weight < full)
    }
}

/// The weight in proportion to the time that it has been up, of the time that it takes. Weights are whole hundredths:
/// one that is above nothing stays so, and 10 % of it are rounded up.
fn risen(hundredths: u8, elapsed: Duration, span: Duration) -> u8 {
    let full = u128::from(hundredths);
    let in_time = full.saturating_mul(elapsed.as_nanos()).checked_div(span.as_nanos());
    let least = u32::from(hundredths).saturating_mul(PERCENT_MIN).div_ceil(100);
    let risen = in_time.unwrap_or(full).clamp(least.into(), full.max(least.into()));
    u8::try_from(risen).unwrap_or(hundredths)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows has failed")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPAN: Duration = Duration::from_secs(60);

    #[test]
    fn a_weight_rises_from_a_tenth_to_all_of_it() {
        for (hundredths, seconds, want) in [
            (100, 0, 10),
            (100, 6, 10),
            (100, 30, 50),
            (100, 59, 98),
            (100, 60, 100),
            (100, 61, 100),
            (15, 0, 2),
            (5, 0, 1),
            (1, 0, 1),
            (1, 30, 1),
            (0, 0, 0),
            (0, 30, 0),
        ] {
            let got = risen(hundredths, Duration::from_secs(seconds), SPAN);
            assert_eq!(got, want, "{hundredths} after {seconds} s");
        }
        assert_eq!(risen(40, Duration::ZERO, Duration::ZERO), 40, "no time to wait");
    }

    proptest! {
        #[test]
        fn a_share_grows_from_a_tenth_to_full_and_never_falls(
            hundredths in 1..=100_u8,
            others in 1..=10_000_u32,
            span in 1..=3600_u64,
            [first, later] in [0..3_700_000_u64, 0..3_700_000_u64],
        ) {
            let span = Duration::from_secs(span);
            let (first, later) = (first.min(later), first.max(later));
            let [before, after] = [first, later]
                .map(|millis| u32::from(risen(hundredths, Duration::from_millis(millis), span)));
            let full = u32::from(hundredths);
            prop_assert!(full <= before * 10 && before <= after && after <= full);
            let share = |weight: u32| f64::from(weight) / f64::from(weight + others);
            prop_assert!(share(before) <= share(after) && share(after) <= share(full));
            prop_assert!(share(before) * 10.0 >= share(full));
            if Duration::from_millis(later) >= span {
                prop_assert_eq!(after, full);
            }
        }
    }
}
