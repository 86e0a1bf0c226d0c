//! When what a pool requires of others could change: its calculated check rests on their probes as on its own.

use trimtab_health::PoolHealth;
use trimtab_model::{Moment, Wait};

use crate::{PoolSlot, World};

/// All that a calculated check counts.
#[derive(Clone, Debug, Default)]
pub struct Required {
    /// Looked up at each question: probes of theirs that change no verdict bring a flip nearer too, and this pool is
    /// not built anew for them. One whose endpoint is required counts as a whole.
    pub pools: Box<[PoolSlot]>,
    /// Of standalone health checks, of which a world knows nothing.
    pub checks: Box<[PoolHealth]>,
}

// === impl Required ===

impl Required {
    /// How long from `now` until something that is counted could change. Few pools have a calculated check, and the
    /// others pay nothing for it.
    #[cold]
    #[inline(never)]
    pub(crate) fn soonest_flip(&self, world: &World, now: Moment) -> Wait {
        let pools = self.pools.iter().filter_map(|&slot| world.pool(slot)).map(|pool| &pool.health);
        let flips = pools.chain(&self.checks).map(|health| health.soonest_flip(now));
        flips.min().unwrap_or(Wait::FOREVER)
    }
}
