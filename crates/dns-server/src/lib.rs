//! DNS over UDP and TCP: datagrams and streams in, answers out. Every answer is made by `trimtab_dns::answer`.
//!
//! Threads: for each address one pinned UDP thread per core, without async; TCP runs as tasks of the
//! runtime it is started on. [`Server::stop`] ends all of them.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod counters;
mod dice;
pub mod sample;
pub mod server;
mod tally;
mod tcp;
mod udp;

pub use counters::{Counted, DecisionKey};
pub use sample::Sample;
pub use server::{Server, StartError};
