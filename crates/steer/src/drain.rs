//! How long an endpoint that was disabled keeps its sessions: what decisions do by themselves, told beforehand.

use trimtab_model::Timestamp;

use crate::pool::Endpoint;
use crate::{Balancer, PoolSlot, World};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// When the last session may leave an endpoint of that pool, by the longest drain of the balancers that use it. None
/// for an endpoint that keeps none: it is enabled, nobody drains it, or its time is over.
pub fn until(
    world: &World,
    slot: PoolSlot,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Option<Timestamp> {
    let disabled_at = endpoint.disabled_at.filter(|_| !endpoint.enabled)?;
    let balancers = world.balancers.iter().flatten();
    let using = balancers.filter(|balancer| balancer.pools.contains(&slot));
    let seconds = using.filter_map(|balancer| balancer.drains_for()).max()?;
    let ends = end(disabled_at, seconds);
    (now < ends).then_some(ends)
}

/// The moment from which on it keeps none.
pub(crate) fn end(disabled_at: Timestamp, seconds: u32) -> Timestamp {
    let span = i64::from(seconds).saturating_mul(MICROS_PER_SECOND);
    Timestamp::from_micros(disabled_at.micros().saturating_add(span))
}

// === impl Balancer ===

impl Balancer {
    /// Seconds that its endpoints keep sessions once they are disabled; None where no request has a session.
    pub fn drains_for(&self) -> Option<u32> {
        let has_sessions = self.affinity.is_on() || self.rules.turn_affinity_on();
        let seconds = self.affinity.drain_seconds();
        (self.enabled && self.proxied && has_sessions && seconds > 0).then_some(seconds)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows has failed")]
mod tests;
