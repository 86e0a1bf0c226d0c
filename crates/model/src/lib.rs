//! All configuration as checked types: every limit, every default, no clock and no socket.

pub mod account;
pub mod balancer;
pub mod code;
pub mod config;
pub mod id;
pub mod moment;
pub mod monitor;
pub mod name;
pub mod place;
pub mod pool;
pub mod problem;
pub mod timestamp;
pub mod wanted;
pub mod zone;

pub use account::{Account, Permission, Policy, Token, TokenStatus};
pub use balancer::Balancer;
pub use config::{Change, Document};
pub use id::{AccountId, BalancerId, MonitorGroupId, MonitorId, PoolId, RecordId, TokenId, ZoneId};
pub use moment::{Moment, Wait};
pub use monitor::Monitor;
pub use name::Name;
pub use place::{Coordinates, Country, Pop, Region, Subdivision};
pub use pool::{Origin, Pool};
pub use problem::{Problem, Problems};
pub use timestamp::Timestamp;
pub use wanted::Wanted;
pub use zone::{Record, RecordType, Zone};
