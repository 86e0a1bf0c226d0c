//! Zones as text (RFC 1035 section 5): what other name servers write, and what they can read.

mod entry;
mod export;
mod import;
mod remark;

use trimtab_model::{Name, RecordType};

use crate::rdata::Parsed;

pub use export::export;
pub use import::import;
pub use remark::Remark;

/// What a zone file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    pub records: Vec<Imported>,
    /// The first [`PROBLEMS_MAX`]; the lines they stand in were left out.
    pub problems: Vec<Problem>,
    pub problems_found: usize,
    /// SOA records and the NS records of the zone itself: those are this node's own.
    pub skipped: usize,
}

/// One record of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Counted from 1.
    pub line: usize,
    pub name: Name,
    pub kind: RecordType,
    /// Seconds as the API takes them; 1 is automatic.
    pub ttl: u32,
    pub remark: Remark,
    pub parsed: Parsed,
}

/// A line that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

/// The whole file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a zone file of {bytes} bytes; at most {TEXT_BYTES_MAX}")]
pub struct TooLarge {
    pub bytes: usize,
}

/// Enough for a quarter of a million records, little enough to be read while somebody waits.
pub const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// More refusals than this of one file help nobody.
pub const PROBLEMS_MAX: usize = 100;

#[cfg(test)]
mod tests;
