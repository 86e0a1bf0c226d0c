//! The moment everybody reads: one immutable snapshot, one writer, and the events that make the next one.

pub mod cell;
pub mod changes;
pub mod checks;
pub mod clock;
mod directory;
mod ejections;
mod epochs;
pub mod event;
mod hosts;
pub mod loads;
mod observers;
pub mod places;
pub mod plan;
pub mod publisher;
pub mod routes;
mod rulings;
pub mod sampling;
pub mod saved;
pub mod snapshot;
mod zones;

pub use cell::{Cell, Reader};
pub use changes::{EndpointChange, HealthChange, MonitorChange, PlaceChange};
pub use checks::{CheckHealth, Checks};
pub use event::{Batch, Event, NameRecords, Passive, Report, Resolved};
pub use hosts::Hosts;
pub use loads::{EndpointLoad, Loads, OpenRequest, PoolLoad};
pub use observers::Observer;
pub use places::{Place, Places};
pub use plan::{Job, Target};
pub use publisher::{Publisher, Settings, Start};
pub use routes::{Route, Routes};
pub use sampling::{Allowance, Sampling, Wish};
pub use saved::{Clocks, Saved};
pub use snapshot::{Certificates, Snapshot};
pub use zones::Hosting;
