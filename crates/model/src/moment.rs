//! A moment of the monotonic clock as one number: decisions compare and subtract many of them for each answer.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Nanoseconds since a zero that the process chose. Whoever reads the clock knows the zero; who decides does not care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

/// How long something still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wait(u64);

const NANOS_PER_SEC: u64 = 1_000_000_000;

// === impl Moment ===

impl Moment {
    pub const fn from_nanos(nanos: u64) -> Moment {
        Moment(nanos)
    }

    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Zero when `earlier` is later.
    pub fn saturating_duration_since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(Wait::from(span).0))
    }

    /// To the first moment after this one of a rhythm that beats at `phase` and from then on every `interval`.
    #[inline]
    pub fn wait_for_beat(self, phase: Moment, interval: Wait) -> Wait {
        match self.0.checked_sub(phase.0) {
            None => Wait(phase.0.saturating_sub(self.0)),
            Some(elapsed) => {
                let into = elapsed.checked_rem(interval.0).unwrap_or(0);
                Wait(interval.0.saturating_sub(into))
            }
        }
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(Wait::from(span).0))
    }
}

impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Moment) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

// === impl Wait ===

impl Wait {
    pub const ZERO: Wait = Wait(0);
    /// Nothing is known that could end it.
    pub const FOREVER: Wait = Wait(u64::MAX);

    #[must_use]
    pub const fn and_then(self, further: Wait) -> Wait {
        Wait(self.0.saturating_add(further.0))
    }

    /// Whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0 / NANOS_PER_SEC
    }

    /// None for ever.
    pub fn duration(self) -> Option<Duration> {
        (self != Wait::FOREVER).then_some(Duration::from_nanos(self.0))
    }
}

impl From<Duration> for Wait {
    /// Five hundred years fit; what is longer is that long.
    fn from(span: Duration) -> Wait {
        let seconds = span.as_secs().saturating_mul(NANOS_PER_SEC);
        Wait(seconds.saturating_add(span.subsec_nanos().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rhythm_is_waited_for_before_and_after_its_first_beat() {
        let check = |now, phase, interval, want| {
            let at = Moment::from_nanos;
            assert_eq!(at(now).wait_for_beat(at(phase), Wait(interval)), Wait(want), "at {now}");
        };
        check(0, 500, 10, 500);
        check(500, 500, 10, 10);
        check(501, 500, 10, 9);
        check(519, 500, 10, 1);
        check(520, 500, 10, 10);
        check(520, 500, 0, 0);
    }

    #[test]
    fn spans_are_kept_to_the_nanosecond_and_end_at_five_hundred_years() {
        let at = Moment::from_nanos(7);
        let span = Duration::new(3, 999_999_999);
        assert_eq!((at + span) - at, span);
        assert_eq!(at - (at + span), Duration::ZERO);
        assert_eq!(Wait::from(span).duration(), Some(span));
        assert_eq!(Wait::from(Duration::MAX), Wait::FOREVER);
        assert_eq!((Wait::FOREVER.duration(), Wait::from(span).as_secs()), (None, 3));
    }
}
