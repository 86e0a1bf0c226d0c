//! The decision: which pool, which endpoint, why, and for how long. Bytes, time and dice come in, a value comes out.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod affinity;
pub mod balancer;
pub mod client;
pub mod decide;
pub mod dice;
pub mod drain;
pub mod endpoint;
pub mod latency;
pub mod load;
pub mod persistence;
pub mod policy;
pub mod pool;
pub mod rules;
pub mod settings;
pub mod shedding;
mod slow_start;
pub mod split;
pub mod status;
pub mod tell;
pub mod what_if;
pub mod why;
pub mod world;

pub use affinity::{Affinity, Found, Held, Session, Sessions};
pub use balancer::{Balancer, PoolSlot};
pub use client::{Client, Failed, Http, Subnet};
pub use decide::{
    ANSWERS_MAX, Decision, Proxied, decide, decide_request, explain, explain_request,
};
pub use load::Load;
pub use pool::{Endpoint, Pool};
pub use rules::RuleRef;
pub use status::BalancerStatus;
pub use trimtab_model::Wanted;
pub use why::{Step, Why};
pub use world::{BalancerSlot, Epoch, Site, World};
