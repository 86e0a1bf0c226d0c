//! What is known about endpoints: one state machine per endpoint and observer, votes, and the status of pools.

pub mod ejection;
pub mod endpoint;
pub mod group;
pub mod pool;
pub mod quorum;
pub mod reason;
pub mod rtt;
pub mod ruling;
pub mod schedule;
pub mod state;

pub use ejection::{Ejection, Signal};
pub use endpoint::{EndpointHealth, MemberHealth, Verdict};
pub use group::Probing;
pub use pool::{PoolHealth, PoolStatus};
pub use quorum::{Count, RegionCount, Rule, Vote, region_first};
pub use reason::FailureReason;
pub use rtt::Rtt;
pub use ruling::{Ruler, Ruling};
pub use schedule::Schedule;
pub use state::{Evidence, Observation, Outcome, Passed, State, Thresholds, UP};
