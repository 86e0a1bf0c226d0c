//! What became of health: one value per flip, for the event log and everyone who is told.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use trimtab_health::{
    EndpointHealth, Evidence, FailureReason, MemberHealth, Observation, PoolStatus, Probing,
    Verdict,
};
use trimtab_model::group::Role;
use trimtab_model::{MonitorId, PoolId, Pop};
use trimtab_steer::Pool;
use trimtab_steer::pool::{Endpoint, Usable};

/// A pool in which at least one verdict changed.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthChange {
    pub at: SystemTime,
    pub pool: PoolId,
    pub pool_name: Box<str>,
    pub minimum_origins: u32,
    pub status: PoolStatus,
    /// May traffic be steered to the pool?
    pub healthy: bool,
    /// Did that change?
    pub changed: bool,
    /// All endpoints of the pool, changed or not.
    pub endpoints: Box<[EndpointChange]>,
}

/// One endpoint at the moment of the change.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointChange {
    pub name: Box<str>,
    pub address: Box<str>,
    pub enabled: bool,
    pub verdict: Verdict,
    pub changed: bool,
    pub reason: FailureReason,
    pub response_code: u16,
    /// What each monitor said.
    pub monitors: Box<[MonitorChange]>,
}

/// One monitor's say at the moment of the change.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorChange {
    pub monitor: MonitorId,
    pub role: Role,
    pub verdict: Verdict,
    pub reason: FailureReason,
    pub response_code: u16,
    /// What each place saw.
    pub places: Box<[PlaceChange]>,
}

/// One place's say at the moment of the change.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceChange {
    pub pop: Pop,
    pub verdict: Verdict,
    pub reason: FailureReason,
    pub response_code: u16,
    pub rtt: Option<Duration>,
    /// Of a last probe that failed.
    pub evidence: Option<Arc<Evidence>>,
}

// === impl HealthChange ===

impl HealthChange {
    /// None when no verdict changed, nor what the pool requires of others: edits of the configuration are not news
    /// about health.
    pub(crate) fn between(
        before: Option<&Pool>,
        after: &Pool,
        config: &trimtab_model::Pool,
        at: SystemTime,
    ) -> Option<HealthChange> {
        let before = before?;
        let endpoints: Box<[EndpointChange]> = after
            .endpoints
            .iter()
            .zip(&after.health.endpoints)
            .map(|(endpoint, health)| EndpointChange::of(before, after, endpoint, health))
            .collect();
        let requires = before.requirement.is_some() && after.requirement.is_some();
        let by_others = requires && before.is_well() && after.is_well();
        let is_news = endpoints.iter().any(|endpoint| endpoint.changed)
            || (by_others && before.usable != after.usable);
        is_news.then(|| HealthChange {
            at,
            pool: after.id,
            pool_name: after.name.clone(),
            minimum_origins: config.minimum_origins,
            status: after.health.status,
            healthy: after.usable == Usable::Yes,
            changed: (before.usable == Usable::Yes) != (after.usable == Usable::Yes),
            endpoints,
        })
    }
}

// === impl EndpointChange ===

impl EndpointChange {
    fn of(
        before: &Pool,
        after: &Pool,
        endpoint: &Endpoint,
        health: &EndpointHealth,
    ) -> EndpointChange {
        let old = before
            .endpoints
            .iter()
            .position(|other| other.hash == endpoint.hash)
            .and_then(|index| before.health.endpoints.get(index));
        let (reason, response_code) = health.outcome();
        let members = after.health.probings.iter().zip(&health.members);
        EndpointChange {
            name: endpoint.name.clone(),
            address: endpoint.address.to_string().into(),
            enabled: endpoint.enabled,
            verdict: health.verdict,
            changed: old.is_some_and(|old| is_news(old, health.verdict)),
            reason,
            response_code,
            monitors: members.map(|(probing, seen)| MonitorChange::of(probing, seen)).collect(),
        }
    }
}

/// Attaching and detaching a monitor is no news; the first result, every flip and every ejection are, and the end of
/// what somebody said of an endpoint without a monitor.
fn is_news(old: &EndpointHealth, new: Verdict) -> bool {
    use Verdict::{Down, Ejected, Unknown, Unmonitored, Up};
    match (old.verdict, new) {
        (Down, Unmonitored) => old.is_held(),
        (Unknown | Up | Unmonitored, Down)
        | (Unknown | Down, Up)
        | (Unmonitored | Unknown | Up | Down, Ejected { .. })
        | (Ejected { .. }, Unmonitored | Unknown | Up | Down) => true,
        (Unmonitored, Unmonitored | Unknown | Up)
        | (Unknown | Up, Unmonitored)
        | (Unknown | Up | Down, Unknown)
        | (Up, Up)
        | (Down, Down)
        | (Ejected { .. }, Ejected { .. }) => false,
    }
}

// === impl MonitorChange ===

impl MonitorChange {
    fn of(probing: &Probing, seen: &MemberHealth) -> MonitorChange {
        let place = |(pop, seen): &(Pop, Observation)| PlaceChange {
            pop: *pop,
            verdict: Verdict::from(seen.state),
            reason: seen.last.map_or(FailureReason::None, |last| last.reason),
            response_code: seen.last.map_or(0, |last| last.response_code),
            rtt: seen.last.and_then(|last| last.rtt),
            evidence: seen.evidence.clone(),
        };
        let told = seen.outcome();
        MonitorChange {
            monitor: probing.monitor,
            role: probing.role,
            verdict: seen.verdict,
            reason: told.map_or(FailureReason::None, |told| told.reason),
            response_code: told.map_or(0, |told| told.response_code),
            places: seen.observers.iter().map(place).collect(),
        }
    }
}
