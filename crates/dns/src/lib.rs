//! Query bytes in, answer bytes out: zones, negative answers, EDNS and the building of replies.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod answer;
mod chaos;
mod edns;
pub mod facts;
mod name;
pub mod node;
mod query;
pub mod rdata;
mod reply;
mod wire;
pub mod zone;
pub mod zonefile;
pub mod zones;

pub use answer::{
    End, Hop, PROXIED_TTL, Recorded, Scratch, Trail, Transport, View, answer, record, trail,
};
pub use facts::{DropReason, Facts, Outcome, Rcode, Steered};
pub use node::Node;
pub use zone::{Authority, RecordInput, Soa, Zone, ZoneBuilder};
pub use zones::{Seed, Zones};
