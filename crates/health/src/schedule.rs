//! When endpoints are probed: a rhythm that anyone who holds it can foretell, without asking the prober.

use std::num::NonZeroU32;
use std::time::Duration;

use trimtab_model::{Moment, Wait};

use crate::Thresholds;

/// Probes that one beat sets off at most, while a pool is not larger than [`PARTS_MAX`] times that. Thirty-two
/// handshakes are a millisecond of work.
pub const PROBES_PER_BEAT: usize = 32;
/// Parts of an interval that endpoints are spread over. Nanoseconds of whole seconds can be halved nine times, and so
/// no beat ever drifts.
pub const PARTS_MAX: u32 = 512;

/// A pool's endpoints are probed at `phase` plus any multiple of `interval`, large pools in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub phase: Moment,
    pub interval: Duration,
    pub limits: Thresholds,
    /// Between probes of an endpoint whose state is about to change. The interval is a multiple of it.
    pub fast: Option<Duration>,
    /// Endpoints take turns in as many equal parts of the interval: a power of two.
    pub parts: NonZeroU32,
}

// === impl Schedule ===

impl Schedule {
    /// All endpoints at once, and no faster than the interval.
    pub fn new(phase: Moment, interval: Duration, limits: Thresholds) -> Schedule {
        Schedule { phase, interval, limits, fast: None, parts: NonZeroU32::MIN }
    }

    /// The same in turns, for so many probes in an interval.
    #[must_use]
    pub fn in_turns(self, probes: usize) -> Schedule {
        let wanted = u32::try_from(probes.div_ceil(PROBES_PER_BEAT)).unwrap_or(PARTS_MAX);
        let parts = wanted.clamp(1, PARTS_MAX).next_power_of_two();
        Schedule { parts: NonZeroU32::new(parts).unwrap_or(NonZeroU32::MIN), ..self }
    }

    /// The first beat strictly after `now`: some endpoint may be due then.
    pub fn next(&self, now: Moment) -> Moment {
        let wait = now.wait_for_beat(self.phase, self.beat(self.fast.unwrap_or(self.interval)));
        wait.duration().map_or(now, |wait| now + wait)
    }

    /// Whether the endpoint is due at a beat; `pending` says that its state is about to change.
    pub fn is_due(&self, endpoint: usize, pending: bool, beat: Moment) -> bool {
        let period = self.fast.filter(|_| pending).unwrap_or(self.interval);
        let since = (beat.nanos().checked_sub(self.phase_of(endpoint).nanos())).map(u128::from);
        since.is_some_and(|since| since.checked_rem(period.as_nanos()).unwrap_or(0) == 0)
    }

    /// How long from `now` to the endpoint's next probe.
    pub fn wait(&self, endpoint: usize, pending: bool, now: Moment) -> Wait {
        let period = self.fast.filter(|_| pending).unwrap_or(self.interval);
        now.wait_for_beat(self.phase_of(endpoint), period.into())
    }

    /// What so many probes take beyond the next one.
    pub fn behind_the_next(&self, probes: u32) -> Wait {
        let period = self.fast.unwrap_or(self.interval);
        period.saturating_mul(probes.saturating_sub(1)).into()
    }

    /// The time between beats of all endpoints together that are probed every `period`.
    pub(crate) fn beat(&self, period: Duration) -> Wait {
        period.checked_div(self.parts.get()).unwrap_or(period).into()
    }

    fn phase_of(&self, endpoint: usize) -> Moment {
        let parts = self.parts.get();
        let turn = u32::try_from(endpoint).unwrap_or(u32::MAX).checked_rem(parts).unwrap_or(0);
        let part = self.interval.checked_div(parts).unwrap_or(Duration::ZERO);
        self.phase + part.saturating_mul(turn)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows has failed")]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Moment {
        Moment::default() + Duration::from_millis(millis)
    }

    fn every(interval: u32) -> Schedule {
        Schedule::new(at(500), interval * SECOND, Thresholds::new(3, 2))
    }

    /// The beats after `from` and before `to` at which the endpoint is due, in milliseconds.
    fn due(schedule: Schedule, endpoint: usize, pending: bool, from: u64, to: u64) -> Vec<u64> {
        let mut now = at(from);
        let mut seen = Vec::new();
        while now < at(to) {
            now = schedule.next(now);
            if schedule.is_due(endpoint, pending, now) {
                seen.push(now.nanos() / 1_000_000);
            }
        }
        seen
    }

    #[test]
    fn an_endpoint_is_due_every_interval_and_faster_while_it_is_about_to_change() {
        let plain = every(10);
        assert_eq!(due(plain, 7, false, 0, 25_000), [500, 10_500, 20_500, 30_500]);
        assert_eq!(due(plain, 7, true, 0, 25_000), [500, 10_500, 20_500, 30_500]);
        let fast = Schedule { fast: Some(5 * SECOND), ..plain };
        assert_eq!(due(fast, 7, false, 600, 25_000), [10_500, 20_500]);
        assert_eq!(due(fast, 7, true, 600, 20_000), [5_500, 10_500, 15_500, 20_500]);
        assert_eq!(fast.behind_the_next(3), Wait::from(10 * SECOND));
    }

    #[test]
    fn large_pools_are_probed_in_turns_and_everyone_once_in_an_interval() {
        assert_eq!(
            [1, 32, 33, 65, 100_000].map(|n| every(10).in_turns(n).parts.get()),
            [1, 1, 2, 4, 512]
        );
        let spread = every(10).in_turns(100);
        for (endpoint, first) in [(0, 500), (1, 3_000), (2, 5_500), (3, 8_000), (4, 500)] {
            let want = [first, first + 10_000];
            assert_eq!(due(spread, endpoint, false, 0, 18_000)[..2], want, "{endpoint}");
        }
    }

    #[test]
    fn no_probe_comes_sooner_than_foretold() {
        for parts in [1, 100] {
            for fast in [None, Some(2 * SECOND)] {
                let schedule = Schedule { fast, ..every(10).in_turns(parts) };
                for (endpoint, pending, now) in
                    (0..6).flat_map(|e| (0..40).map(move |n| (e, n % 2 == 0, 313 * n)))
                {
                    let told = schedule.wait(endpoint, pending, at(now)).duration().unwrap();
                    let probed = due(schedule, endpoint, pending, now, now + 25_000)[0];
                    assert_eq!((at(now) + told), at(probed), "{endpoint} {pending} at {now}");
                }
            }
        }
    }
}
