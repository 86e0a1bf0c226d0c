//! What each balancer drew, for those who compare it with its weights.

use std::sync::Arc;

use trimtab_steer::BalancerSlot;
use trimtab_steer::split::Draws;

use super::Server;

// === impl Server ===

impl Server {
    /// The sum over all threads, at most a second behind; copies one balancer's counts and no others.
    pub fn draws_handle(&self) -> impl Fn(BalancerSlot) -> Draws + Send + Sync + 'static {
        let counters: Vec<_> = self.counters.iter().map(Arc::clone).collect();
        move |balancer| {
            let parts = counters.iter().filter_map(|counters| counters.draws(balancer));
            parts.fold(Draws::default(), |mut sum, part| {
                sum.add(&part);
                sum
            })
        }
    }
}
