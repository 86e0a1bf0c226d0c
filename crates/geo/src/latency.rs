//! Latencies that an operator has measured or bought: milliseconds from where clients are to each pool.
//!
//! The file is CSV under the header `source,pool,ms`. A source is a prefix, a system such as `AS3320` or a region such
//! as `WEU`; a pool is any text. Each pool is answered by the most specific source of a client that names the pool:
//! its prefixes from the longest to the shortest, then its system, then its region.

mod read;
mod table;

use std::net::IpAddr;
use std::time::Duration;

use trimtab_model::Region;

use crate::family::Kind;
use crate::feed::FeedProblems;
use crate::native::Native;
use table::{NO_ROW, Prefixes, Rows};

/// The latencies of one file. Immutable and compact: its size follows the rows of the file, however prefixes nest.
#[derive(Debug)]
pub struct Latencies {
    /// In order of their texts.
    pools: Box<[Box<str>]>,
    rows: Rows,
    v4: Prefixes,
    v6: Prefixes,
    /// By number, with the row of each.
    systems: Box<[(u32, u32)]>,
    /// In order, with the row of each.
    regions: Box<[(Region, u32)]>,
}

/// A pool of one table of latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolNumber(u16);

/// What a table knows of one client.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    rows: &'a Rows,
    /// The rows of the longest prefix, the system and the region of the client.
    prefix_row: u32,
    system_row: u32,
    region_row: u32,
    prefix: u8,
}

// === impl Latencies ===

impl Latencies {
    /// All or nothing: a file with a problem is refused with all of them.
    pub fn parse(text: &str) -> Result<Latencies, FeedProblems> {
        read::latencies(text)
    }

    /// The texts of the pools, in the order of their numbers.
    pub fn pools(&self) -> impl ExactSizeIterator<Item = &str> {
        self.pools.iter().map(|pool| &**pool)
    }

    pub fn pool_number(&self, text: &str) -> Option<PoolNumber> {
        let rank = self.pools.binary_search_by(|pool| (**pool).cmp(text)).ok()?;
        u16::try_from(rank).ok().map(PoolNumber)
    }

    /// Finds the sources of a client. The system and its reach are asked for only where the table has systems.
    pub fn locate(
        &self,
        address: IpAddr,
        system: impl FnOnce() -> (Option<u32>, u8),
        region: Option<Region>,
    ) -> Measured<'_> {
        let (kind, key, before) = Native::from(address).key();
        let found = match kind {
            Kind::V4 => self.v4.find(key),
            Kind::V6 => self.v6.find(key),
        };
        let (system, reach) = if self.systems.is_empty() { (None, 0) } else { system() };
        Measured {
            rows: &self.rows,
            prefix_row: found.value,
            system_row: system.map_or(NO_ROW, |asn| row_of(&self.systems, asn)),
            region_row: region.map_or(NO_ROW, |region| row_of(&self.regions, region)),
            prefix: before.saturating_add(found.prefix).max(reach),
        }
    }

    /// What the table knows of a region, for a client whose address is not known.
    pub fn of_region(&self, region: Option<Region>) -> Measured<'_> {
        Measured {
            rows: &self.rows,
            prefix_row: NO_ROW,
            system_row: NO_ROW,
            region_row: region.map_or(NO_ROW, |region| row_of(&self.regions, region)),
            prefix: 0,
        }
    }
}

fn row_of<S: Copy + Ord>(sources: &[(S, u32)], source: S) -> u32 {
    let index = sources.binary_search_by_key(&source, |&(source, _)| source);
    index.ok().and_then(|index| sources.get(index)).map_or(NO_ROW, |&(_, row)| row)
}

// === impl Measured ===

impl Measured<'_> {
    /// The time to a pool, from the most specific source that names it.
    pub fn latency(&self, pool: PoolNumber) -> Option<Duration> {
        let rows = [self.prefix_row, self.system_row, self.region_row];
        rows.into_iter().find_map(|row| self.rows.latency(row, pool))
    }

    /// The length of a prefix around the address in which every address has the same prefixes and the same system
    /// of the table. What holds for the region is for the caller to add.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }
}

#[cfg(test)]
mod tests;
