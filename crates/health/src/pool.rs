//! What is known of a pool: each endpoint's verdict, the pool's status, and when either could change.

use trimtab_model::{Moment, Wait, words};

use crate::{EndpointHealth, Probing, Verdict};

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

/// One pool, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolHealth {
    /// In the order of the pool's endpoints.
    pub endpoints: Box<[EndpointHealth]>,
    pub status: PoolStatus,
    /// None without a monitor; several for a group of them.
    pub probings: Box<[Probing]>,
    /// Of the first monitor that votes. Every query asks for it, so what can be worked out before is.
    flips: Option<Flips>,
    /// Of the others of a group.
    more_flips: Box<[Flips]>,
    /// When the first ejection or ruling ends.
    ends: Option<Moment>,
}

/// The rhythm of probes after which a verdict could change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flips {
    phase: Moment,
    beat: Wait,
    /// What the probes that must agree take beyond the next one.
    behind_the_next: Wait,
}

/// What the status needs to know of an endpoint's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub enabled: bool,
    pub verdict: Verdict,
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

// === impl PoolHealth ===

impl PoolHealth {
    pub fn unmonitored(endpoints: usize) -> PoolHealth {
        PoolHealth::unprobed((0..endpoints).map(|_| EndpointHealth::unmonitored()).collect())
    }

    /// Nobody probes it: what is known is what requests and persons say.
    pub fn unprobed(endpoints: Box<[EndpointHealth]>) -> PoolHealth {
        PoolHealth {
            ends: endpoints.iter().filter_map(EndpointHealth::ends).min(),
            endpoints,
            status: PoolStatus::Unknown,
            probings: Box::new([]),
            flips: None,
            more_flips: Box::new([]),
        }
    }

    /// Each endpoint has a member for each probing.
    pub fn new(
        endpoints: Box<[EndpointHealth]>,
        enabled: impl Iterator<Item = bool>,
        minimum_origins: u32,
        probings: Box<[Probing]>,
    ) -> PoolHealth {
        let counted = endpoints.iter().zip(enabled);
        let counted = counted.map(|(e, enabled)| Counted { enabled, verdict: e.verdict });
        let voting = probings.iter().enumerate().filter(|(_, probing)| probing.votes());
        let mut flips = voting.filter_map(|(member, it)| Flips::of(it, member, &endpoints));
        PoolHealth {
            status: PoolStatus::of(counted, minimum_origins),
            flips: flips.next(),
            more_flips: flips.collect(),
            ends: endpoints.iter().filter_map(EndpointHealth::ends).min(),
            endpoints,
            probings,
        }
    }

    /// Some monitor has a say in it.
    pub fn is_monitored(&self) -> bool {
        self.probings.iter().any(Probing::votes)
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

    /// The fewest probes in a row that could turn the verdict on an endpoint: None where none can.
    pub fn probes_to_flip(&self, endpoint: usize) -> Option<u32> {
        let health = self.endpoints.get(endpoint)?;
        let members = self.probings.iter().zip(&health.members);
        let voting = members.filter(|(probing, _)| probing.votes() && !health.is_held());
        voting
            .map(|(probing, member)| match health.ejected_until() {
                // One that passes ends an ejection.
                Some(_) => 1,
                None => member.probes_to_flip(probing.schedule.limits),
            })
            .min()
    }

    /// How long from `now` until the verdict on one endpoint could change. For ever where nothing can change it.
    pub fn soonest_flip_of(&self, endpoint: usize, now: Moment) -> Wait {
        let Some(health) = self.endpoints.get(endpoint) else { return Wait::FOREVER };
        let ends = health.ends().map(|end| (end - now).into());
        let members = self.probings.iter().zip(&health.members);
        let voting = members.filter(|(probing, _)| probing.votes() && !health.is_held());
        let by_probes = voting.map(|(Probing { schedule, .. }, member)| {
            let probes = match health.ejected_until() {
                Some(_) => 1,
                None => member.probes_to_flip(schedule.limits),
            };
            let next = schedule.wait(endpoint, member.is_pending(), now);
            next.and_then(schedule.behind_the_next(probes))
        });
        by_probes.chain(ends).min().unwrap_or(Wait::FOREVER)
    }

    /// How long from `now` until a verdict in this pool could change, at the soonest: to its next probe, to a later one
    /// when several must agree, or to the end of an ejection or a ruling. For ever without any of them.
    #[inline]
    pub fn soonest_flip(&self, now: Moment) -> Wait {
        let mut by_probes = self.flips.map_or(Wait::FOREVER, |flips| flips.soonest(now));
        if !self.more_flips.is_empty() {
            by_probes = by_probes.min(self.soonest_of_others(now));
        }
        self.ends.map_or(by_probes, |end| by_probes.min((end - now).into()))
    }

    /// Few pools have a group of monitors, and the others pay nothing for it.
    #[cold]
    #[inline(never)]
    fn soonest_of_others(&self, now: Moment) -> Wait {
        let others = self.more_flips.iter().map(|flips| flips.soonest(now));
        others.min().unwrap_or(Wait::FOREVER)
    }
}

// === impl Flips ===

impl Flips {
    #[inline]
    fn soonest(&self, now: Moment) -> Wait {
        now.wait_for_beat(self.phase, self.beat).and_then(self.behind_the_next)
    }

    /// None when somebody holds every endpoint as it is.
    fn of(probing: &Probing, member: usize, endpoints: &[EndpointHealth]) -> Option<Flips> {
        let schedule = &probing.schedule;
        let free = endpoints.iter().filter(|endpoint| !endpoint.is_held());
        let seen = free.map(|endpoint| {
            let of_member = endpoint.members.get(member);
            let probes = of_member.map(|seen| seen.probes_to_flip(schedule.limits));
            let is_ejected = endpoint.ejected_until().is_some();
            let probes = probes.filter(|_| !is_ejected).unwrap_or(1);
            (probes, of_member.is_some_and(|seen| seen.is_pending()))
        });
        let (probes, is_pending) =
            seen.reduce(|one, other| (one.0.min(other.0), one.1 || other.1))?;
        let fast = schedule.fast.filter(|_| is_pending);
        Some(Flips {
            phase: schedule.phase,
            beat: schedule.beat(fast.unwrap_or(schedule.interval)),
            behind_the_next: schedule.behind_the_next(probes),
        })
    }
}

#[cfg(test)]
mod tests;
