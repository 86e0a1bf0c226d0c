//! The senses of a node: endpoints are probed as their monitors say, and what was seen is reported.

pub mod attempt;
pub mod check;
pub mod error;
mod http;
pub mod preview;
pub mod runner;
mod schedule;
pub mod stats;
mod tcp;

pub use attempt::{Attempt, Phase, Phases};
pub use check::{Check, run};
pub use error::ProbeError;
pub use preview::preview;
pub use runner::{Prober, Settings, Simulate};
pub use stats::{Counts, Labels, Stats};
