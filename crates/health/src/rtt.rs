//! A smoothed round-trip time.

use std::time::Duration;

use trimtab_model::Moment;

/// After this long without a sample, an old one weighs half against a new one.
/// A minute forgets one slow probe within a few intervals and still smooths the jitter of ten-second probes.
pub const HALF_LIFE: Duration = Duration::from_secs(60);

/// An exponentially weighted moving average whose weights depend on the time between samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rtt {
    seconds: f64,
    at: Moment,
}

impl Rtt {
    pub fn first(sample: Duration, at: Moment) -> Rtt {
        Rtt { seconds: sample.as_secs_f64(), at }
    }

    /// The average after one more sample: old × 2^(−elapsed/half-life) + sample × the rest.
    #[must_use]
    pub fn after(self, sample: Duration, at: Moment) -> Rtt {
        let elapsed = at.saturating_duration_since(self.at).as_secs_f64();
        let kept = (-elapsed / HALF_LIFE.as_secs_f64()).exp2();
        let seconds = self.seconds * kept + sample.as_secs_f64() * (1.0 - kept);
        Rtt { seconds, at }
    }

    pub fn value(self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantics_9_after_one_half_life_old_and_new_weigh_the_same() {
        let start = Moment::default();
        let rtt = Rtt::first(Duration::from_millis(100), start)
            .after(Duration::from_millis(200), start + HALF_LIFE);
        assert_eq!(rtt.value().as_millis(), 150);
    }

    #[test]
    fn semantics_9_a_steady_sample_is_kept_exactly() {
        let start = Moment::default();
        let mut rtt = Rtt::first(Duration::from_millis(80), start);
        for second in 1..100 {
            rtt = rtt.after(Duration::from_millis(80), start + Duration::from_secs(second));
        }
        assert_eq!(rtt.value().as_micros(), 80_000);
    }
}
