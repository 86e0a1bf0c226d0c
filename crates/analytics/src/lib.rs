//! What happened: the log of health events behind the API's load balancing analytics.

pub mod event;
pub mod log;

pub use event::{Event, Filter, NewEvent, OriginHealth, PoolHealth};
pub use log::{CloseError, EventLog, OpenError, QueryError, Retention};
