//! One endpoint as one observer sees it.
//!
//! ```text
//!             first pass                      first fail
//!   Unknown ────────────► Up { fails } ◄──┐  ┌──► Down { passes }
//!                          │              │  │       │
//!                          │ to_down fails in a row  │ to_up passes in a row
//!                          └─────────────────┼──────►│
//!                                         └──┴───────┘
//!   a pass in Up sets fails to 0; a fail in Down sets passes to 0
//! ```

use std::num::NonZeroU32;
use std::time::Duration;

use trimtab_model::Moment;

use crate::{FailureReason, Rtt};

/// What an observer believes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    #[default]
    Unknown,
    Up {
        /// Fails in a row so far.
        fails: u32,
    },
    Down {
        /// Passes in a row so far.
        passes: u32,
    },
}

/// How many probes in a row change a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub to_down: NonZeroU32,
    pub to_up: NonZeroU32,
}

/// The end of one probe, its immediate retries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub passed: Passed,
    pub reason: FailureReason,
    /// The status of an HTTP answer, 0 when there was none.
    pub response_code: u16,
    /// From the first byte sent to the verdict; None when nothing answered.
    pub rtt: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    Pass,
    Fail,
}

/// Everything one observer knows of one endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    pub state: State,
    /// When the state last went between up and down.
    pub since: Moment,
    pub last: Option<Outcome>,
    pub rtt: Option<Rtt>,
}

// === impl State ===

impl State {
    /// The one transition; the diagram above is this table.
    #[must_use]
    pub fn after(self, outcome: Passed, limits: Thresholds) -> State {
        use Passed::{Fail, Pass};
        use State::{Down, Unknown, Up};
        match (self, outcome) {
            (Unknown | Up { .. }, Pass) => Up { fails: 0 },
            (Unknown | Down { .. }, Fail) => Down { passes: 0 },
            (Up { fails }, Fail) => match fails.saturating_add(1) {
                fails if fails < limits.to_down.get() => Up { fails },
                _ => Down { passes: 0 },
            },
            (Down { passes }, Pass) => match passes.saturating_add(1) {
                passes if passes < limits.to_up.get() => Down { passes },
                _ => Up { fails: 0 },
            },
        }
    }

    /// How many probes must still agree before the state can change; the TTL of answers depends on it.
    pub fn probes_to_flip(self, limits: Thresholds) -> u32 {
        match self {
            State::Unknown => 1,
            State::Up { fails } => limits.to_down.get().saturating_sub(fails).max(1),
            State::Down { passes } => limits.to_up.get().saturating_sub(passes).max(1),
        }
    }

    pub fn is_up(self) -> bool {
        matches!(self, State::Up { .. })
    }
}

// === impl Thresholds ===

impl Thresholds {
    /// 0 of the API means 1: the first result decides.
    pub fn new(consecutive_down: u32, consecutive_up: u32) -> Thresholds {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Thresholds { to_down: at_least_one(consecutive_down), to_up: at_least_one(consecutive_up) }
    }
}

// === impl Outcome ===

impl Outcome {
    pub fn pass(response_code: u16, rtt: Duration) -> Outcome {
        let reason = FailureReason::None;
        Outcome { passed: Passed::Pass, reason, response_code, rtt: Some(rtt) }
    }

    pub fn fail(reason: FailureReason, response_code: u16, rtt: Option<Duration>) -> Outcome {
        Outcome { passed: Passed::Fail, reason, response_code, rtt }
    }
}

// === impl Observation ===

impl Observation {
    pub fn unknown(since: Moment) -> Observation {
        Observation { state: State::Unknown, since, last: None, rtt: None }
    }

    /// The observation after one more probe. Only passes feed the round-trip time: how fast a
    /// refusal comes says nothing about service.
    #[must_use]
    pub fn after(self, outcome: Outcome, limits: Thresholds, at: Moment) -> Observation {
        let state = self.state.after(outcome.passed, limits);
        let flipped = state.is_up() != self.state.is_up() || self.state == State::Unknown;
        let since = if flipped { at } else { self.since };
        let rtt = match (outcome.passed, outcome.rtt, self.rtt) {
            (Passed::Pass, Some(sample), Some(rtt)) => Some(rtt.after(sample, at)),
            (Passed::Pass, Some(sample), None) => Some(Rtt::first(sample, at)),
            (Passed::Pass, None, rtt) | (Passed::Fail, _, rtt) => rtt,
        };
        Observation { state, since, last: Some(outcome), rtt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Passed::{Fail, Pass};
    use State::{Down, Unknown, Up};

    #[test]
    fn semantics_2_every_state_and_outcome() {
        let limits = Thresholds::new(2, 3);
        for (state, outcome, want) in [
            (Unknown, Pass, Up { fails: 0 }),
            (Unknown, Fail, Down { passes: 0 }),
            (Up { fails: 0 }, Pass, Up { fails: 0 }),
            (Up { fails: 0 }, Fail, Up { fails: 1 }),
            (Up { fails: 1 }, Pass, Up { fails: 0 }),
            (Up { fails: 1 }, Fail, Down { passes: 0 }),
            (Down { passes: 0 }, Fail, Down { passes: 0 }),
            (Down { passes: 0 }, Pass, Down { passes: 1 }),
            (Down { passes: 1 }, Pass, Down { passes: 2 }),
            (Down { passes: 1 }, Fail, Down { passes: 0 }),
            (Down { passes: 2 }, Pass, Up { fails: 0 }),
            (Down { passes: 2 }, Fail, Down { passes: 0 }),
        ] {
            assert_eq!(state.after(outcome, limits), want, "{state:?} after {outcome:?}");
        }
    }

    #[test]
    fn semantics_2_a_threshold_of_zero_is_one() {
        let limits = Thresholds::new(0, 0);
        assert_eq!(Up { fails: 0 }.after(Fail, limits), Down { passes: 0 });
        assert_eq!(Down { passes: 0 }.after(Pass, limits), Up { fails: 0 });
    }

    #[test]
    fn probes_to_flip_count_down_with_the_streak() {
        let limits = Thresholds::new(3, 2);
        for (state, want) in [
            (Unknown, 1),
            (Up { fails: 0 }, 3),
            (Up { fails: 2 }, 1),
            (Down { passes: 0 }, 2),
            (Down { passes: 1 }, 1),
        ] {
            assert_eq!(state.probes_to_flip(limits), want, "{state:?}");
        }
    }

    #[test]
    fn since_moves_only_when_the_state_flips() {
        let limits = Thresholds::new(2, 1);
        let at = |seconds| Moment::default() + Duration::from_secs(seconds);
        let fail = Outcome::fail(FailureReason::TcpTimeout, 0, None);
        let pass = Outcome::pass(200, Duration::from_millis(5));
        let seen = Observation::unknown(at(0)).after(pass, limits, at(1));
        let still_up = seen.after(fail, limits, at(2));
        let down = still_up.after(fail, limits, at(3));
        assert_eq!([seen.since, still_up.since, down.since], [at(1), at(1), at(3)]);
        assert_eq!(down.rtt, seen.rtt, "a fail does not move the round-trip time");
    }
}
