//! What is known about endpoints: one state machine per endpoint and observer, votes, and the status of pools.

pub mod ejection;
pub mod pool;
pub mod quorum;
pub mod reason;
pub mod rtt;
pub mod state;

pub use ejection::{Ejection, Signal};
pub use pool::{EndpointHealth, PoolHealth, PoolStatus, Schedule, Verdict};
pub use quorum::{Rule, Vote, region_first};
pub use reason::FailureReason;
pub use rtt::Rtt;
pub use state::{Observation, Outcome, Passed, State, Thresholds};
