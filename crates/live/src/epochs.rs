//! Since when each balancer draws from the same: what it is compared with when draws are counted.

use std::collections::HashSet;
use std::sync::Arc;

use trimtab_model::Timestamp;
use trimtab_steer::{Balancer, BalancerSlot, Epoch, PoolSlot};

/// The epochs of all balancers, and what changed since the last snapshot.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    /// By slot; never gets shorter, so that a slot's next balancer does not count on with the number of the last.
    all: Arc<Vec<Epoch>>,
    rewritten: HashSet<BalancerSlot>,
    pools: HashSet<PoolSlot>,
}

// === impl Epochs ===

impl Epochs {
    /// The balancer's own configuration was written.
    pub(crate) fn rewritten(&mut self, slot: BalancerSlot) {
        self.rewritten.insert(slot);
    }

    /// Draws from the pool are not what they were.
    pub(crate) fn pool_changed(&mut self, slot: PoolSlot) {
        self.pools.insert(slot);
    }

    /// Begins an epoch for every balancer that is touched: one walk for all changes up to a snapshot. `at` is asked
    /// for when there is one.
    pub(crate) fn begin(
        &mut self,
        balancers: &[Option<Arc<Balancer>>],
        at: impl Fn() -> Timestamp,
    ) -> Arc<Vec<Epoch>> {
        let (rewritten, pools) =
            (std::mem::take(&mut self.rewritten), std::mem::take(&mut self.pools));
        if !(rewritten.is_empty() && pools.is_empty()) {
            let since = at();
            let all = Arc::make_mut(&mut self.all);
            all.resize(all.len().max(balancers.len()), Epoch::default());
            for ((epoch, balancer), slot) in all.iter_mut().zip(balancers).zip(0..) {
                let Some(balancer) = balancer else { continue };
                if rewritten.contains(&BalancerSlot(slot))
                    || balancer.pools.iter().any(|pool| pools.contains(pool))
                {
                    *epoch = Epoch { number: epoch.number.saturating_add(1), since };
                }
            }
        }
        Arc::clone(&self.all)
    }
}
