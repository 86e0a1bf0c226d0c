//! One endpoint as one observer sees it, through one monitor.
//!
//! ```text
//!             first pass                      first fail
//!   Unknown ────────────► Up { fails } ◄──┐  ┌──► Down { passes }
//!                          │              │  │       │
//!                          │    to_down fails        │ to_up passes in a row
//!                          └─────────────────┼──────►│
//!                                         └──┴───────┘
//!   in Up, `forgive` passes in a row set fails to 0; a fail in Down sets passes to 0
//! ```
//!
//! With `forgive` of 1, the default, fails count in a row. With more, an endpoint that fails now and then leaks into
//! `fails` faster than it is forgiven, and goes down although it never fails often in a row.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use trimtab_model::Moment;
use trimtab_model::monitor::Pace;

use crate::{FailureReason, Rtt};

/// What an observer believes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    #[default]
    Unknown,
    Up {
        /// Fails so far that are not forgiven.
        fails: u32,
        /// Passes in a row since the last of them.
        passes: u32,
    },
    Down {
        /// Passes in a row so far.
        passes: u32,
    },
}

/// Up, and nothing is held against it.
pub const UP: State = State::Up { fails: 0, passes: 0 };

/// How many probes change a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub to_down: NonZeroU32,
    pub to_up: NonZeroU32,
    /// Passes in a row after which fails are forgotten.
    pub forgive: NonZeroU32,
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

/// Everything one observer knows of one endpoint through one monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub state: State,
    /// When the state last went between up and down.
    pub since: Moment,
    pub last: Option<Outcome>,
    /// When that was.
    pub seen: Moment,
    /// All of it is from before a restart, or from before probing was stopped for a while: the world may have gone on
    /// since.
    pub restored: bool,
    pub rtt: Option<Rtt>,
    /// Of the last probe, if it failed.
    pub evidence: Option<Arc<Evidence>>,
}

/// What a probe that failed can be found out by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What went wrong, with its causes.
    pub error: Box<str>,
    /// How long each part took, by its name, in the order in which they happened.
    pub phases: Vec<(&'static str, Duration)>,
    pub tries: u32,
    /// The first bytes of an answer that was not the one expected; empty without one.
    pub answer: Box<[u8]>,
    /// A command that does the same by hand.
    pub repeat: Box<str>,
}

// === impl State ===

impl State {
    /// The one transition; the diagram above is this table.
    #[must_use]
    pub fn after(self, outcome: Passed, limits: Thresholds) -> State {
        use Passed::{Fail, Pass};
        use State::{Down, Unknown, Up};
        match (self, outcome) {
            (Unknown, Pass) => UP,
            (Unknown | Down { .. }, Fail) => Down { passes: 0 },
            (Up { fails: 0, .. }, Pass) => UP,
            (Up { fails, passes }, Pass) => match passes.saturating_add(1) {
                passes if passes < limits.forgive.get() => Up { fails, passes },
                _ => UP,
            },
            (Up { fails, .. }, Fail) => match fails.saturating_add(1) {
                fails if fails < limits.to_down.get() => Up { fails, passes: 0 },
                _ => Down { passes: 0 },
            },
            (Down { passes }, Pass) => match passes.saturating_add(1) {
                passes if passes < limits.to_up.get() => Down { passes },
                _ => UP,
            },
        }
    }

    /// How many probes must still agree before the state can change; the TTL of answers depends on it.
    pub fn probes_to_flip(self, limits: Thresholds) -> u32 {
        match self {
            State::Unknown => 1,
            State::Up { fails, .. } => limits.to_down.get().saturating_sub(fails).max(1),
            State::Down { passes } => limits.to_up.get().saturating_sub(passes).max(1),
        }
    }

    /// It is on its way to another: probes may be hurried.
    pub fn is_pending(self) -> bool {
        match self {
            State::Unknown => false,
            State::Up { fails, .. } => fails > 0,
            State::Down { passes } => passes > 0,
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
        Thresholds {
            to_down: at_least_one(consecutive_down),
            to_up: at_least_one(consecutive_up),
            forgive: NonZeroU32::MIN,
        }
    }

    pub fn of(pace: &Pace) -> Thresholds {
        let forgive = pace.forgive_after.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        Thresholds { forgive, ..Thresholds::new(pace.consecutive_down, pace.consecutive_up) }
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
        Observation {
            state: State::Unknown,
            since,
            last: None,
            seen: since,
            restored: false,
            rtt: None,
            evidence: None,
        }
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
        let (last, restored, evidence) = (Some(outcome), false, None);
        Observation { state, since, last, seen: at, restored, rtt, evidence }
    }

    #[must_use]
    pub fn with_evidence(self, evidence: Option<Arc<Evidence>>) -> Observation {
        Observation { evidence, ..self }
    }
}

#[cfg(test)]
mod tests;
