//! All configuration as checked types: every limit, every default, no clock and no socket.

pub mod place;

pub use place::{Coordinates, Country, Pop, Region, Subdivision};
