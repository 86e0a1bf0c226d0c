//! What happened: the log of health events behind the API's load balancing analytics, and of the
//! decisions that can be explained later.

pub mod decision;
pub mod event;
pub mod limits;
pub mod log;

pub use decision::{DecisionFilter, Kept, KeptHead, Kind};
pub use event::{
    Event, EvidenceSaid, Filter, MonitorSaid, NewEvent, OriginHealth, PlaceSaid, PoolHealth,
};
pub use log::{CloseError, EventLog, OpenError, QueryError, Retention};
