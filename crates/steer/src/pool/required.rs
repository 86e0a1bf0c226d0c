//! When what a pool requires of others could change: its calculated check rests on their probes as on its own.

use trimtab_health::PoolHealth;
use trimtab_model::{Moment, Wait};

use crate::{Balancer, PoolSlot, World};

/// All that a calculated check counts.
#[derive(Clone, Debug, Default)]
pub struct Required {
    /// Looked up at each question: probes of theirs that change no verdict bring a flip nearer too, and this pool is
    /// not built anew for them. One whose endpoint is required counts as a whole.
    pub pools: Box<[PoolSlot]>,
    /// Of standalone health checks, of which a world knows nothing.
    pub checks: Box<[PoolHealth]>,
}

/// How long from `now` until something could change that pools of the balancer require of others. Asked where one that
/// was looked at does; which of them, nobody counts. Few pools have a calculated check, and the others pay nothing for it.
#[cold]
#[inline(never)]
pub(crate) fn soonest_flip(world: &World, balancer: &Balancer, now: Moment) -> Wait {
    let pools = balancer.pools.iter().filter_map(|&slot| world.pool(slot));
    let flips = pools.filter_map(|pool| Some(pool.required.as_ref()?.soonest_flip(world, now)));
    flips.min().unwrap_or(Wait::FOREVER)
}

// === impl Required ===

impl Required {
    fn soonest_flip(&self, world: &World, now: Moment) -> Wait {
        let pools = self.pools.iter().filter_map(|&slot| world.pool(slot)).map(|pool| &pool.health);
        let flips = pools.chain(&self.checks).map(|health| health.soonest_flip(now));
        flips.min().unwrap_or(Wait::FOREVER)
    }
}
