//! What became of health: one value per flip, for the event log and everyone who is told.

use std::time::SystemTime;

use trimtab_health::{EndpointHealth, FailureReason, PoolStatus, Verdict};
use trimtab_model::PoolId;
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
}

// === impl HealthChange ===

impl HealthChange {
    /// None when no verdict changed: edits of the configuration are not news about health.
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
            .map(|(endpoint, health)| EndpointChange::of(before, endpoint, health))
            .collect();
        endpoints.iter().any(|endpoint| endpoint.changed).then(|| HealthChange {
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
    fn of(before: &Pool, endpoint: &Endpoint, health: &EndpointHealth) -> EndpointChange {
        let old = before
            .endpoints
            .iter()
            .position(|other| other.hash == endpoint.hash)
            .and_then(|index| before.health.endpoints.get(index))
            .map(|old| old.verdict);
        let evidence = evidence(health);
        EndpointChange {
            name: endpoint.name.clone(),
            address: endpoint.address.to_string().into(),
            enabled: endpoint.enabled,
            verdict: health.verdict,
            changed: old.is_some_and(|old| is_news(old, health.verdict)),
            reason: evidence.0,
            response_code: evidence.1,
        }
    }
}

/// Attaching and detaching a monitor is no news; the first result, every flip and every ejection are.
fn is_news(old: Verdict, new: Verdict) -> bool {
    use Verdict::{Down, Ejected, Unknown, Unmonitored, Up};
    match (old, new) {
        (Unknown | Up | Unmonitored, Down)
        | (Unknown | Down, Up)
        | (Unmonitored | Unknown | Up | Down, Ejected { .. })
        | (Ejected { .. }, Unmonitored | Unknown | Up | Down) => true,
        (Unmonitored, Unmonitored | Unknown | Up)
        | (Unknown | Up | Down, Unmonitored | Unknown)
        | (Up, Up)
        | (Down, Down)
        | (Ejected { .. }, Ejected { .. }) => false,
    }
}

/// The reason that the first failing observer gives, else what the first observer saw.
fn evidence(health: &EndpointHealth) -> (FailureReason, u16) {
    if health.ejected_until().is_some() {
        return (FailureReason::Ejected, 0);
    }
    let mut last = health.observers.iter().filter_map(|(_, seen)| seen.last);
    let first = last.clone().next();
    let failing = last.find(|last| last.reason != FailureReason::None);
    failing.or(first).map_or((FailureReason::None, 0), |last| (last.reason, last.response_code))
}
