//! The compact table file: what we embed, and what a rebuild from newer databases writes.
//!
//! zstd; inside, the magic and nine sections, each a little-endian `u32` of length and its bytes:
//! place rows; then starts and values of IPv4 places, IPv6 places, IPv4 systems and IPv6 systems.
//! Starts are differences, IPv4 in /24s and IPv6 in /48s from 2000::. Numbers are base 128, low bits first.

mod read;
mod varint;
mod write;

pub(crate) use read::{Sections, Spans, unpack};
pub(crate) use write::encode;

/// Why the bytes are not a compact table.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    #[error("compact geo table is not zstd")]
    Zstd(#[source] ruzstd::decoding::errors::FrameDecoderError),
    #[error("compact geo table does not decompress")]
    Decompress(#[source] std::io::Error),
    #[error("compact geo table is larger than {RAW_BYTES_MAX} bytes")]
    TooLarge,
    #[error("compact geo table does not begin with {MAGIC:?}")]
    Magic,
    #[error("compact geo table ends inside section {section}")]
    Truncated { section: usize },
    #[error("compact geo table: place {row} is not one")]
    Place { row: usize },
    #[error("compact geo table: a number or a pair of starts and values is cut off")]
    Number,
    #[error("compact geo table: place {number} is not in its list")]
    NoSuchPlace { number: u64 },
    #[error("compact geo table: system {number} is not one")]
    NoSuchSystem { number: u64 },
    #[error(transparent)]
    Range(#[from] crate::ranges::OutOfOrder),
    #[error(transparent)]
    Places(#[from] crate::spot::TooManyPlaces),
}

const MAGIC: &str = "GEOD1";
const SECTIONS: usize = 9;
/// Eight times the table of 2026.
const RAW_BYTES_MAX: u64 = 128 << 20;
/// Country, subdivision, latitude and longitude, two bytes each.
const PLACE_BYTES: usize = 8;
/// IPv4 ranges are kept per /24.
const V4_UNIT_BITS: u32 = 8;
/// The first /24 behind IPv4.
const V4_END: u64 = 1 << 24;
/// The /48 that IPv6 starts are counted from: 2000::/3 is all that is assigned (RFC 4291 section 2.4).
const V6_FIRST: u64 = 0x2000 << 32;
/// The first /48 behind 2000::/3.
const V6_END: u64 = 0x4000 << 32;

#[cfg(test)]
mod tests;
