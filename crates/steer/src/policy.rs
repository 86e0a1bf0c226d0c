//! Steering policies: each turns a balancer's pools into one choice.

pub mod geo;
pub mod off;
pub mod proximity;
pub mod random;

use std::time::{Duration, Instant};

use crate::balancer::GeoMatch;
use crate::client::LocationSource;
use crate::pool::{Pool, Usable};
use crate::why::{Notes, PoolChoice, Step};
use crate::{PoolSlot, World};

/// The pool a policy found, and what the search rested on.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub pool: Option<PoolSlot>,
    pub chosen: PoolChoice,
    pub location: LocationSource,
    pub geo: Option<GeoMatch>,
    pub scope: u8,
    /// From now until a pool that was looked at could change.
    pub soonest_flip: Option<Duration>,
}

// === impl Choice ===

impl Choice {
    fn none() -> Choice {
        Choice {
            pool: None,
            chosen: PoolChoice::Nothing,
            location: LocationSource::NotAsked,
            geo: None,
            scope: 0,
            soonest_flip: None,
        }
    }

    /// The choice rests on this pool's health from now on.
    pub fn looked_at(&mut self, pool: &Pool, now: Instant) {
        self.soonest_flip = match (self.soonest_flip, pool.health.soonest_flip(now)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The pool if steering may use it.
    fn consider<'a>(
        &mut self,
        world: &'a World,
        slot: PoolSlot,
        now: Instant,
        notes: &mut impl Notes,
    ) -> Option<&'a Pool> {
        let pool = world.pool(slot)?;
        self.looked_at(pool, now);
        if pool.usable == Usable::Yes {
            return Some(pool);
        }
        notes.note(Step::PassedOver { pool: slot, because: pool.usable });
        None
    }

    fn take(&mut self, pool: PoolSlot, chosen: PoolChoice) {
        self.pool = Some(pool);
        self.chosen = chosen;
    }

    /// Failover order: the first usable pool of the list.
    fn take_first(
        &mut self,
        world: &World,
        pools: impl Iterator<Item = PoolSlot>,
        now: Instant,
        notes: &mut impl Notes,
    ) {
        for slot in pools {
            if self.consider(world, slot, now, notes).is_some() {
                return self.take(slot, PoolChoice::FirstUsable);
            }
        }
    }
}
