//! What is known of one endpoint: what each monitor says of it, and what holds.

use std::sync::Arc;
use std::time::Duration;

use trimtab_model::group::Role;
use trimtab_model::{Moment, Pop};

use crate::{
    Count, Evidence, FailureReason, Observation, Outcome, Passed, RegionCount, Ruling, State,
    Thresholds, group,
};

/// The outcome of all votes on one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// No monitor is attached: health is not considered.
    #[default]
    Unmonitored,
    /// A monitor is attached and nobody has an opinion yet: counts as down.
    Unknown,
    Up,
    Down,
    /// It would serve, but failed requests keep it out until then, or until a probe passes.
    Ejected {
        until: Moment,
    },
}

/// One endpoint, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointHealth {
    pub verdict: Verdict,
    /// When the verdict became what it is; None while nothing is known.
    pub since: Option<Moment>,
    /// One for each of the pool's [`Probing`](crate::Probing)s, in their order.
    pub members: Box<[MemberHealth]>,
    /// What outranks probes, if anything does.
    pub ruling: Option<Arc<Ruling>>,
}

/// What one monitor says of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberHealth {
    pub role: Role,
    pub verdict: Verdict,
    /// The votes that came to it, by region.
    pub regions: Box<[RegionCount]>,
    /// In the order of PoP codes.
    pub observers: Box<[(Pop, Observation)]>,
}

/// One endpoint as it looks from one place, through all monitors that vote.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    pub pop: Pop,
    pub verdict: Verdict,
    /// What the last probes brought: that of a monitor that failed, if one did.
    pub last: Outcome,
    /// Of that, if it failed.
    pub evidence: Option<Arc<Evidence>>,
}

// === impl Verdict ===

impl Verdict {
    /// May traffic go there?
    pub fn serves(self) -> bool {
        matches!(self, Verdict::Up | Verdict::Unmonitored)
    }
}

impl From<State> for Verdict {
    fn from(state: State) -> Verdict {
        match state {
            State::Unknown => Verdict::Unknown,
            State::Up { .. } => Verdict::Up,
            State::Down { .. } => Verdict::Down,
        }
    }
}

// === impl MemberHealth ===

impl MemberHealth {
    /// A single monitor's.
    pub fn alone(verdict: Verdict, observers: Box<[(Pop, Observation)]>) -> MemberHealth {
        MemberHealth { role: Role::Voter, verdict, regions: Box::new([]), observers }
    }

    pub fn counted(
        role: Role,
        Count { verdict, regions }: Count,
        observers: Box<[(Pop, Observation)]>,
    ) -> MemberHealth {
        MemberHealth { role, verdict, regions, observers }
    }

    /// The last outcome that speaks for the verdict: the first failing observer's, else the first observer's.
    pub fn outcome(&self) -> Option<Outcome> {
        let mut last = self.observers.iter().filter_map(|(_, seen)| seen.last);
        let first = last.clone().next();
        last.find(|last| last.passed == Passed::Fail).or(first)
    }

    /// The fewest probes in a row that could change an observer's mind.
    pub fn probes_to_flip(&self, limits: Thresholds) -> u32 {
        let states = self.observers.iter().map(|(_, seen)| seen.state);
        states.map(|state| state.probes_to_flip(limits)).min().unwrap_or(1)
    }

    /// Some observer is about to change its mind.
    pub fn is_pending(&self) -> bool {
        self.observers.iter().any(|(_, seen)| seen.state.is_pending())
    }
}

// === impl EndpointHealth ===

impl EndpointHealth {
    pub fn unmonitored() -> EndpointHealth {
        EndpointHealth {
            verdict: Verdict::Unmonitored,
            since: None,
            members: Box::new([]),
            ruling: None,
        }
    }

    /// The verdicts of all monitors put together; `since` of a verdict that stays is kept from `before`.
    pub fn judge(members: Box<[MemberHealth]>, before: Option<&EndpointHealth>) -> EndpointHealth {
        let verdict = group::together(members.iter().map(|member| (member.role, member.verdict)));
        let judged = EndpointHealth { verdict, since: None, members, ruling: None };
        let since = match before {
            Some(before) if before.verdict == verdict => before.since,
            _ => judged.votes().map(|(_, seen)| seen.since).max(),
        };
        EndpointHealth { since, ..judged }
    }

    /// The same endpoint with somebody's word over what probes say.
    #[must_use]
    pub fn ruled(self, ruling: Option<Arc<Ruling>>) -> EndpointHealth {
        let Some(ruling) = ruling else { return self };
        let held = EndpointHealth { ruling: Some(Arc::clone(&ruling)), ..self };
        match ruling.verdict() {
            Some(verdict) if verdict != held.verdict => {
                EndpointHealth { verdict, since: Some(ruling.since), ..held }
            }
            Some(_) | None => held,
        }
    }

    /// Probes do not decide: somebody holds it up or down.
    pub fn is_held(&self) -> bool {
        self.ruling.as_ref().is_some_and(|ruling| ruling.verdict().is_some())
    }

    /// What probes say of it is, at least in part, what they said before a restart or a pause. Traffic goes by that; whether
    /// something became better or worse cannot be told from it.
    pub fn is_restored(&self) -> bool {
        !self.is_held() && self.votes().any(|(_, seen)| seen.restored)
    }

    /// When its ejection ends, if it is ejected.
    pub fn ejected_until(&self) -> Option<Moment> {
        match self.verdict {
            Verdict::Ejected { until } => Some(until),
            Verdict::Unmonitored | Verdict::Unknown | Verdict::Up | Verdict::Down => None,
        }
    }

    /// When what outranks probes ends.
    pub(crate) fn ends(&self) -> Option<Moment> {
        let ruling = self.ruling.as_ref().and_then(|ruling| ruling.until);
        self.ejected_until().into_iter().chain(ruling).min()
    }

    /// What it is about: why it does not serve, else what was seen.
    pub fn outcome(&self) -> (FailureReason, u16) {
        if let Some(ruling) = self.ruling.as_ref().filter(|_| self.is_held()) {
            return (ruling.failure(), 0);
        }
        if self.ejected_until().is_some() {
            return (FailureReason::Ejected, 0);
        }
        let voting = || self.members.iter().filter(|member| group::votes(member.role));
        let failing = voting().find(|member| member.verdict == Verdict::Down);
        let told = failing.or_else(|| voting().next()).and_then(MemberHealth::outcome);
        told.map_or((FailureReason::None, 0), |told| (told.reason, told.response_code))
    }

    /// What places saw through monitors that vote.
    pub fn votes(&self) -> impl Iterator<Item = (Pop, &Observation)> + Clone {
        let voting = self.members.iter().filter(|member| group::votes(member.role));
        voting.flat_map(|member| member.observers.iter().map(|(pop, seen)| (*pop, seen)))
    }

    /// The endpoint as each place sees it, in the order of PoP codes.
    pub fn sights(&self) -> Vec<Sight> {
        let mut pops: Vec<Pop> = self.votes().map(|(pop, _)| pop).collect();
        pops.sort_unstable();
        pops.dedup();
        pops.into_iter().filter_map(|pop| self.sight(pop)).collect()
    }

    /// None before the first probe.
    fn sight(&self, pop: Pop) -> Option<Sight> {
        let here = |member: &MemberHealth| {
            member.observers.iter().find(|(at, _)| *at == pop).map(|(_, seen)| seen.state)
        };
        let said = self.members.iter().map(|member| (member.role, here(member).map(Verdict::from)));
        let verdict = group::together(
            said.map(|(role, verdict)| (role, verdict.unwrap_or(Verdict::Unknown))),
        );
        let here = self.votes().filter(|(at, _)| *at == pop).map(|(_, seen)| seen);
        let mut here = here.filter_map(|seen| Some((seen.last?, seen.evidence.as_ref())));
        let rtt = mean(here.clone().filter_map(|(last, _)| last.rtt));
        let first = here.clone().next();
        let (told, evidence) = here.find(|(last, _)| last.passed == Passed::Fail).or(first)?;
        let last = Outcome { rtt, ..told };
        Some(Sight { pop, verdict, last, evidence: evidence.cloned() })
    }

    /// The mean of the smoothed round-trip times of all monitors that vote.
    pub fn rtt(&self) -> Option<Duration> {
        mean(self.votes().filter_map(|(_, seen)| Some(seen.rtt?.value())))
    }
}

fn mean(times: impl Iterator<Item = Duration>) -> Option<Duration> {
    let (sum, count) = times.fold((Duration::ZERO, 0_u32), |(sum, count), time| {
        (sum.saturating_add(time), count.saturating_add(1))
    });
    sum.checked_div(count)
}

#[cfg(test)]
mod tests;
