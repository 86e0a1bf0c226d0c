//! What a client makes this node do for nothing, in a while: more than any client has reason for ends its connection.

use tokio::time::{Duration, Instant};

/// Of one connection.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    sum: u32,
    since: Option<Instant>,
}

/// Frames without use in one [`PERIOD`]: what clients send to keep a connection alive is a hundredth of it.
pub(crate) const COSTS_MAX: u32 = 1_000;
/// A request that is taken back may have cost its origin something.
pub(crate) const RESET_COSTS: u32 = 5;
pub(crate) const PERIOD: Duration = Duration::from_secs(10);

// === impl Costs ===

impl Costs {
    /// False once there are too many.
    pub(crate) fn add(&mut self, costs: u32, now: Instant) -> bool {
        if costs > 0 {
            let begin = self.since.filter(|since| now.duration_since(*since) < PERIOD);
            if begin.is_none() {
                (self.since, self.sum) = (Some(now), 0);
            }
            self.sum = self.sum.saturating_add(costs);
        }
        self.sum <= COSTS_MAX
    }
}
