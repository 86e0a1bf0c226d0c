//! What failed requests say of an endpoint: a weak word, that keeps it out for a while and that probes overrule.
//!
//! ```text
//!       requests fail                  its time is over, or a probe passes
//!   In ──────────────► Out { times: 1 } ──────────────► Back { times }
//!                           ▲                             │ requests fail again
//!                           └─────────────────────────────┘
//!   each time in a row it is out for twice as long; who was back for FORGIVEN_AFTER begins anew
//! ```

use std::time::Duration;

use trimtab_model::Moment;

use crate::{EndpointHealth, Verdict};

/// Requests in a row that an endpoint fails before it is ejected: one or two are bad luck, and a site that is down
/// fails as many within a moment.
pub const FAILURES_TO_EJECT: u32 = 5;
/// The first ejection: three times the usual interval of probes, so that one of them has the better word.
const EJECTED_FIRST: Duration = Duration::from_secs(30);
/// No ejection lasts longer: whoever is left out for that long is tried again.
pub const EJECTED_MAX: Duration = Duration::from_secs(300);
/// An ejection after this long is no longer in a row with the one before it.
pub const FORGIVEN_AFTER: Duration = EJECTED_MAX;

/// What failed requests have made of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ejection {
    #[default]
    In,
    Out {
        since: Moment,
        /// Ejections in a row, this one included.
        times: u32,
    },
    Back {
        since: Moment,
        times: u32,
    },
}

/// What an ejection hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// [`FAILURES_TO_EJECT`] requests in a row failed.
    Failing,
    /// A probe of our own passed.
    Passed,
    /// Time went by.
    Elapsed,
}

// === impl Ejection ===

impl Ejection {
    /// The one transition; the diagram above is this table.
    #[must_use]
    pub fn after(self, signal: Signal, at: Moment) -> Ejection {
        use Ejection::{Back, In, Out};
        use Signal::{Elapsed, Failing, Passed};
        match (self, signal) {
            (In, Failing) => Out { since: at, times: 1 },
            (Back { since, times }, Failing) => {
                let is_forgiven = at.saturating_duration_since(since) >= FORGIVEN_AFTER;
                Out { since: at, times: if is_forgiven { 1 } else { times.saturating_add(1) } }
            }
            (Out { since, times }, Passed) if at > since => Back { since: at, times },
            (Out { times, .. }, Elapsed) if self.ends().is_some_and(|end| end <= at) => {
                Back { since: at, times }
            }
            // Requests that were under way fail as well: that is no further ejection.
            (Out { .. }, Failing | Passed | Elapsed) | (In | Back { .. }, Passed | Elapsed) => self,
        }
    }

    /// When it is over unless a probe passes before; None for an endpoint that is not out.
    pub fn ends(self) -> Option<Moment> {
        match self {
            Ejection::Out { since, times } => Some(since + lasting(times)),
            Ejection::In | Ejection::Back { .. } => None,
        }
    }
}

/// Twice as long with each in a row.
fn lasting(times: u32) -> Duration {
    let factor = 2_u32.saturating_pow(times.saturating_sub(1));
    EJECTED_FIRST.saturating_mul(factor).min(EJECTED_MAX)
}

/// How many of a pool's enabled endpoints may be out at a time: what requests say may be the fault of all of them,
/// and then as many as possible must stay.
pub const fn most(enabled: usize) -> usize {
    enabled / 2
}

/// Puts ejections over what probes say: of endpoints that would serve, and of so many that the others can. Both
/// lists are in the order of the endpoints.
pub fn apply(endpoints: &mut [EndpointHealth], enabled: &[bool], ejections: &[Ejection]) {
    let all = enabled.iter().filter(|enabled| **enabled).count();
    let serving = endpoints.iter().zip(enabled).filter(|(e, on)| **on && e.verdict.serves());
    // One must stay, whatever requests say of it.
    let mut left = most(all).min(serving.count().saturating_sub(1));
    for ((endpoint, enabled), ejection) in endpoints.iter_mut().zip(enabled).zip(ejections) {
        // Whoever outranks requests has spoken.
        let serves = endpoint.verdict.serves() && !endpoint.is_held();
        match (*ejection, ejection.ends()) {
            (Ejection::Out { since, .. }, Some(until)) if serves && (left > 0 || !enabled) => {
                left = left.saturating_sub(usize::from(*enabled));
                endpoint.verdict = Verdict::Ejected { until };
                endpoint.since = Some(since);
            }
            (Ejection::Back { since, .. }, _) if serves => {
                endpoint.since = endpoint.since.max(Some(since));
            }
            (Ejection::In | Ejection::Out { .. } | Ejection::Back { .. }, _) => {}
        }
    }
}

#[cfg(test)]
mod tests;
