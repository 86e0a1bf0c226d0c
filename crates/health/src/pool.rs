//! What is known of a pool: each endpoint's verdict, the pool's status, and when either could change.

use std::time::Duration;

use trimtab_model::{Moment, Pop, Wait, words};

use crate::{Observation, Rule, State, Thresholds, Vote};

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

words! {
    /// What a pool's page says.
    PoolStatus {
        /// No monitor, or no result yet.
        Unknown = "unknown",
        /// Every enabled endpoint is up.
        Healthy = "healthy",
        /// Some are down, but enough are up.
        Degraded = "degraded",
        /// Fewer are up than `minimum_origins`.
        Critical = "critical",
    }
}

/// One endpoint, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointHealth {
    pub verdict: Verdict,
    /// When the verdict became what it is; None while nothing is known.
    pub since: Option<Moment>,
    /// In the order of PoP codes.
    pub observers: Box<[(Pop, Observation)]>,
}

/// When an endpoint of the pool is probed: at `phase` plus any multiple of `interval`.
///
/// The rhythm is fixed when a pool is published, so anyone who holds the snapshot can say when the
/// next probe is due without asking the prober.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub phase: Moment,
    pub interval: Duration,
    pub limits: Thresholds,
}

/// One pool, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolHealth {
    /// In the order of the pool's endpoints.
    pub endpoints: Box<[EndpointHealth]>,
    pub status: PoolStatus,
    /// None without a monitor.
    pub schedule: Option<Schedule>,
    /// The fewest agreeing probes after which some endpoint's verdict could change.
    pub probes_to_flip: u32,
    /// None without a monitor. Every query asks for it, so what can be worked out before is.
    flips: Option<Flips>,
    /// When the first of its ejections ends.
    ejection_ends: Option<Moment>,
}

/// The rhythm of probes after which a verdict could change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flips {
    phase: Moment,
    interval: Wait,
    /// What the probes that must agree take beyond the next one.
    behind_the_next: Wait,
}

/// What the status needs to know of an endpoint's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub enabled: bool,
    pub verdict: Verdict,
}

// === impl Verdict ===

impl Verdict {
    /// May traffic go there?
    pub fn serves(self) -> bool {
        matches!(self, Verdict::Up | Verdict::Unmonitored)
    }
}

// === impl PoolStatus ===

impl PoolStatus {
    /// Disabled endpoints do not count. No endpoint with a result: unknown.
    pub fn of(endpoints: impl Iterator<Item = Counted>, minimum_origins: u32) -> PoolStatus {
        let (mut enabled, mut known, mut up) = (0_u32, 0_u32, 0_u32);
        for endpoint in endpoints.filter(|endpoint| endpoint.enabled) {
            enabled = enabled.saturating_add(1);
            match endpoint.verdict {
                Verdict::Up => {
                    known = known.saturating_add(1);
                    up = up.saturating_add(1);
                }
                Verdict::Down | Verdict::Ejected { .. } => known = known.saturating_add(1),
                Verdict::Unknown | Verdict::Unmonitored => {}
            }
        }
        match up {
            _ if known == 0 => PoolStatus::Unknown,
            up if up == enabled && up >= minimum_origins => PoolStatus::Healthy,
            up if up >= minimum_origins.max(1) => PoolStatus::Degraded,
            _ => PoolStatus::Critical,
        }
    }
}

// === impl EndpointHealth ===

impl EndpointHealth {
    pub fn unmonitored() -> EndpointHealth {
        EndpointHealth { verdict: Verdict::Unmonitored, since: None, observers: Box::new([]) }
    }

    /// The votes counted; `since` of a verdict that stays is kept from `before`.
    pub fn judge(
        observers: Box<[(Pop, Observation)]>,
        votes: &[Vote],
        rule: Rule,
        before: Option<&EndpointHealth>,
    ) -> EndpointHealth {
        let verdict = rule.verdict(votes);
        let since = match before {
            Some(before) if before.verdict == verdict => before.since,
            _ => observers.iter().map(|(_, seen)| seen.since).max(),
        };
        EndpointHealth { verdict, since, observers }
    }

    /// When its ejection ends, if it is ejected.
    pub fn ejected_until(&self) -> Option<Moment> {
        match self.verdict {
            Verdict::Ejected { until } => Some(until),
            Verdict::Unmonitored | Verdict::Unknown | Verdict::Up | Verdict::Down => None,
        }
    }

    /// The mean of the observers' smoothed round-trip times.
    pub fn rtt(&self) -> Option<Duration> {
        let times = self.observers.iter().filter_map(|(_, seen)| seen.rtt);
        let (sum, count) = times.fold((Duration::ZERO, 0_u32), |(sum, count), rtt| {
            (sum.saturating_add(rtt.value()), count.saturating_add(1))
        });
        sum.checked_div(count)
    }

    /// The fewest probes in a row that could change an observer's mind; one that passes ends an ejection.
    pub fn probes_to_flip(&self, limits: Thresholds) -> u32 {
        if self.ejected_until().is_some() {
            return 1;
        }
        let states = self.observers.iter().map(|(_, seen)| seen.state);
        states.map(|state: State| state.probes_to_flip(limits)).min().unwrap_or(1)
    }
}

// === impl Schedule ===

impl Schedule {
    /// The first probe strictly after `now`.
    pub fn next(&self, now: Moment) -> Moment {
        let wait = now.wait_for_beat(self.phase, self.interval.into());
        wait.duration().map_or(now, |wait| now + wait)
    }
}

// === impl PoolHealth ===

impl PoolHealth {
    pub fn unmonitored(endpoints: usize) -> PoolHealth {
        PoolHealth::unprobed((0..endpoints).map(|_| EndpointHealth::unmonitored()).collect())
    }

    /// Nobody probes it: what is known is what requests say.
    pub fn unprobed(endpoints: Box<[EndpointHealth]>) -> PoolHealth {
        PoolHealth {
            ejection_ends: ejection_ends(&endpoints),
            endpoints,
            status: PoolStatus::Unknown,
            schedule: None,
            probes_to_flip: 0,
            flips: None,
        }
    }

    pub fn new(
        endpoints: Box<[EndpointHealth]>,
        enabled: impl Iterator<Item = bool>,
        minimum_origins: u32,
        schedule: Schedule,
    ) -> PoolHealth {
        let counted = endpoints.iter().zip(enabled);
        let counted = counted.map(|(e, enabled)| Counted { enabled, verdict: e.verdict });
        let status = PoolStatus::of(counted, minimum_origins);
        let flips = endpoints.iter().map(|endpoint| endpoint.probes_to_flip(schedule.limits));
        let probes_to_flip = flips.min().unwrap_or(1);
        let more = probes_to_flip.saturating_sub(1);
        PoolHealth {
            ejection_ends: ejection_ends(&endpoints),
            endpoints,
            status,
            schedule: Some(schedule),
            probes_to_flip,
            flips: Some(Flips {
                phase: schedule.phase,
                interval: schedule.interval.into(),
                behind_the_next: schedule.interval.saturating_mul(more).into(),
            }),
        }
    }

    /// The same pool with another verdict on one endpoint, observers left as they are.
    #[must_use]
    pub fn with_verdict(
        mut self,
        endpoint: usize,
        verdict: Verdict,
        enabled: &[bool],
        minimum_origins: u32,
    ) -> PoolHealth {
        if let Some(health) = self.endpoints.get_mut(endpoint) {
            health.verdict = verdict;
        }
        let counted = self.endpoints.iter().zip(enabled);
        let counted = counted.map(|(e, &enabled)| Counted { enabled, verdict: e.verdict });
        self.status = PoolStatus::of(counted, minimum_origins);
        self
    }

    /// How long from `now` until the verdict on one endpoint could change. For ever without a monitor.
    pub fn soonest_flip_of(&self, endpoint: &EndpointHealth, now: Moment) -> Wait {
        let by_probes = self.schedule.map_or(Wait::FOREVER, |schedule| {
            let more = endpoint.probes_to_flip(schedule.limits).saturating_sub(1);
            let next = now.wait_for_beat(schedule.phase, schedule.interval.into());
            next.and_then(schedule.interval.saturating_mul(more).into())
        });
        endpoint.ejected_until().map_or(by_probes, |until| by_probes.min((until - now).into()))
    }

    /// How long from `now` until a verdict in this pool could change: to its next probe, to a later one when several
    /// must agree, or to the end of an ejection. For ever without any of them.
    #[inline]
    pub fn soonest_flip(&self, now: Moment) -> Wait {
        let by_probes = self.flips.map_or(Wait::FOREVER, |flips| {
            now.wait_for_beat(flips.phase, flips.interval).and_then(flips.behind_the_next)
        });
        self.ejection_ends.map_or(by_probes, |end| by_probes.min((end - now).into()))
    }
}

fn ejection_ends(endpoints: &[EndpointHealth]) -> Option<Moment> {
    endpoints.iter().filter_map(EndpointHealth::ejected_until).min()
}

#[cfg(test)]
mod tests;
