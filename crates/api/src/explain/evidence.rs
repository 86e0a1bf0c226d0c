//! What is known of a pool and its endpoints, for an explanation.

use std::time::Duration;

use trimtab_api_types::number::Number;
use trimtab_api_types::v1::explain::{Candidate, Endpoint, Observer, Ruling};
use trimtab_health::{EndpointHealth, Observation, Ruler, Verdict};
use trimtab_model::{Moment, Pop};
use trimtab_steer::{self as steer, PoolSlot, World};

/// Endpoints that are shown with the candidates; one pool may have a thousand, and what is explained is kept.
pub(super) const ENDPOINTS_MAX: usize = 100;
/// Places that are shown of one endpoint.
const OBSERVERS_MAX: usize = 20;

/// The pool as it stands, before any step said something of it, with at most so many endpoints.
pub(super) fn candidate(world: &World, slot: PoolSlot, most: usize, now: Moment) -> Candidate {
    let Some(pool) = world.pool(slot) else { return Candidate::default() };
    let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints).take(most);
    Candidate {
        pool: pool.name.to_string(),
        id: pool.id.to_string(),
        state: "in",
        endpoints: endpoints.map(|(of, health)| endpoint(of, health, now)).collect(),
        ..Candidate::default()
    }
}

pub(super) fn endpoint(of: &steer::Endpoint, health: &EndpointHealth, now: Moment) -> Endpoint {
    Endpoint {
        name: of.name.to_string(),
        address: of.address.to_string(),
        enabled: of.enabled,
        weight: Number(f64::from(of.weight) / 100.0),
        state: state_word(health.verdict),
        since_seconds: health.since.map(|since| now.saturating_duration_since(since).as_secs()),
        rtt_ms: health.rtt().map(millis),
        observers: health
            .votes()
            .take(OBSERVERS_MAX)
            .map(|(pop, seen)| observer(pop, seen, now))
            .collect(),
        ruling: health.ruling.as_deref().map(|ruling| self::ruling(ruling, now)),
    }
}

/// One word for a verdict.
pub(crate) fn state_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unmonitored => "unmonitored",
        Verdict::Unknown => "unknown",
        Verdict::Up => "up",
        Verdict::Down => "down",
        Verdict::Ejected { .. } => "ejected",
    }
}

pub(crate) fn ruling(of: &trimtab_health::Ruling, now: Moment) -> Ruling {
    Ruling {
        state: of.state.map(|state| state.word()),
        weight: of.weight.map(|left| Number(f64::from(left) / 100.0)),
        by: match of.by {
            Ruler::Person(_) => "override",
            Ruler::Feed => "feed",
        },
        override_id: match of.by {
            Ruler::Person(id) => Some(id.to_string()),
            Ruler::Feed => None,
        },
        author: of.author.to_string(),
        reason: of.reason.to_string(),
        since_seconds: now.saturating_duration_since(of.since).as_secs(),
        seconds_left: of.until.map(|until| until.saturating_duration_since(now).as_secs()),
    }
}

fn observer(pop: Pop, seen: &Observation, now: Moment) -> Observer {
    Observer {
        pop: pop.to_string(),
        state: state_word(Verdict::from(seen.state)),
        since_seconds: now.saturating_duration_since(seen.since).as_secs(),
        rtt_ms: seen.rtt.map(|rtt| millis(rtt.value())),
        reason: seen.last.map(|last| last.reason.word()),
    }
}

/// To the microsecond, which is more than a probe measures.
pub(crate) fn millis(span: Duration) -> Number {
    Number((span.as_secs_f64() * 1e6).round() / 1e3)
}
