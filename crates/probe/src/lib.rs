//! The senses of a node: endpoints are probed as their monitors say, and what was seen is reported.

pub mod answers;
pub mod attempt;
pub mod check;
mod dns;
pub mod error;
pub mod first_bytes;
mod grpc;
mod http;
mod icmp;
mod ldap;
pub mod preview;
mod repeat;
pub mod runner;
mod schedule;
mod secure;
mod smtp;
pub mod stats;
mod tcp;
pub mod trace;
mod udp;
pub mod uplinks;
pub mod watch;

pub use attempt::{Attempt, Phase, Phases};
pub use check::{Check, run, run_telling};
pub use error::ProbeError;
pub use first_bytes::FirstBytes;
pub use preview::preview;
pub use repeat::repeat;
pub use runner::{Prober, Settings, Simulate};
pub use stats::{Counts, Labels, Stats};
pub use trace::{Listener, Step, StepKind};
pub use uplinks::Uplinks;
pub use watch::{News, Told, Trial, watch};
