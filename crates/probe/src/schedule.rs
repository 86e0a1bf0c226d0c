//! When a job's probes are due: at the ticks of its schedule, and once soon after it is first seen.

use std::time::Duration;

use trimtab_health::Schedule;
use trimtab_model::Moment;

/// Nobody waits longer for the first result of a new endpoint, however long the interval is.
const FIRST_SIGHT_MAX: Duration = Duration::from_secs(1);
/// Share of the interval within which a new endpoint is probed: who asks for quick probes gets a quick first one.
const FIRST_SIGHT_SHARE: u32 = 10;

/// Which targets a tick is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// Those of which nothing is known.
    FirstSight,
    /// All of them.
    Regular,
}

/// The ticks of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rhythm {
    schedule: Schedule,
    first_sight: Option<Moment>,
    regular: Moment,
}

// === impl Rhythm ===

impl Rhythm {
    /// Every target is known: the schedule's own ticks and nothing else.
    pub(crate) fn regular(schedule: Schedule, now: Moment) -> Rhythm {
        Rhythm { schedule, first_sight: None, regular: schedule.next(now) }
    }

    /// Some target is new: one more tick within a tenth of the interval or a second, wherever `dice` puts it, so
    /// that a restart with ten thousand unknown endpoints is not one burst.
    pub(crate) fn first_sight(schedule: Schedule, now: Moment, dice: u64) -> Rhythm {
        let span = (schedule.interval / FIRST_SIGHT_SHARE).min(FIRST_SIGHT_MAX);
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX).max(1);
        let soon = now + Duration::from_micros(dice % micros);
        let rhythm = Rhythm::regular(schedule, now);
        Rhythm { first_sight: Some(soon).filter(|&soon| soon < rhythm.regular), ..rhythm }
    }

    pub(crate) fn next(&self) -> (Moment, Tick) {
        match self.first_sight {
            Some(soon) => (soon, Tick::FirstSight),
            None => (self.regular, Tick::Regular),
        }
    }

    /// The ticks that are left after `tick` began at `now`; ticks that were slept through are not made up for.
    pub(crate) fn after(self, tick: Tick, now: Moment) -> Rhythm {
        match tick {
            Tick::FirstSight => Rhythm { first_sight: None, ..self },
            Tick::Regular => Rhythm { regular: self.schedule.next(now), ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use trimtab_health::Thresholds;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Runs `count` ticks, each begun `late` after it was due; tells when, in milliseconds after `phase`.
    fn ticks(mut rhythm: Rhythm, phase: Moment, late: Duration, count: usize) -> Vec<(u128, Tick)> {
        let mut seen = Vec::new();
        for _ in 0..count {
            let (due, tick) = rhythm.next();
            seen.push(((due - phase).as_millis(), tick));
            rhythm = rhythm.after(tick, due + late);
        }
        seen
    }

    fn every(phase: Moment, interval: Duration) -> Schedule {
        Schedule::new(phase, interval, Thresholds::new(0, 0))
    }

    #[test]
    fn known_targets_wait_for_the_schedule() {
        let phase = Moment::default();
        let rhythm = Rhythm::regular(every(phase, 10 * SECOND), phase + 25 * SECOND);
        let want = [30_000, 40_000, 50_000].map(|at| (at, Tick::Regular));
        assert_eq!(ticks(rhythm, phase, SECOND, 3), want);
    }

    #[test]
    fn new_targets_are_probed_once_within_a_second_or_an_interval() {
        let phase = Moment::default();
        let check = |interval, dice, want: &[(u128, Tick)]| {
            let rhythm = Rhythm::first_sight(every(phase, interval), phase, dice);
            assert_eq!(ticks(rhythm, phase, Duration::ZERO, want.len()), want, "{dice}");
        };
        let (first, regular) = (Tick::FirstSight, Tick::Regular);
        check(60 * SECOND, 0, &[(0, first), (60_000, regular), (120_000, regular)]);
        check(60 * SECOND, 999_999, &[(999, first), (60_000, regular)]);
        check(60 * SECOND, 1_250_000, &[(250, first), (60_000, regular)]);
        check(SECOND / 2, 720_000, &[(20, first), (500, regular)]);
    }

    #[test]
    fn a_regular_tick_before_the_extra_one_makes_it_needless() {
        let phase = Moment::default();
        let rhythm =
            Rhythm::first_sight(every(phase, 10 * SECOND), phase + 9900 * SECOND / 1000, 500_000);
        assert_eq!(ticks(rhythm, phase, Duration::ZERO, 1), [(10_000, Tick::Regular)]);
    }

    #[test]
    fn ticks_slept_through_are_not_made_up_for() {
        let phase = Moment::default();
        let rhythm = Rhythm::regular(every(phase, 10 * SECOND), phase);
        let want = [10_000, 50_000, 90_000].map(|at| (at, Tick::Regular));
        assert_eq!(ticks(rhythm, phase, 35 * SECOND, 3), want);
    }
}
