//! How much of what an account has.

use serde::Serialize;
use utoipa::ToSchema;

/// Counts and limits; every field is always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Usage {
    pub load_balancers: u64,
    pub max_origins_per_pool: u64,
    /// Seconds.
    pub minimum_monitor_interval: u64,
    pub monitor_groups: u64,
    pub monitors: u64,
    pub origins: u64,
    pub pools: u64,
}
