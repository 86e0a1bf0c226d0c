//! MaxMind databases: read once, into ranges of record numbers and the records.

mod record;
mod tree;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::{MaxMindDbError, Reader};

use self::record::Record;
use self::tree::{Leaf, Tree};
use crate::family::{Kind, NO_ASN};
use crate::ranges::{OutOfOrder, Packing, Ranges};
use crate::source::Database;
use crate::span::Span;
use crate::spot::Spot;

/// What a database holds. Record 0 is no record.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) v4: Half,
    pub(crate) v6: Half,
    records: Vec<Record>,
    pub(crate) database: Database,
}

/// The records of one family.
#[derive(Debug)]
pub(crate) struct Half {
    pub(crate) ranges: Ranges<u32>,
    /// Prefixes longer than a key of the ranges.
    pub(crate) fine: Vec<(Span, u32)>,
    pub(crate) has_data: bool,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MmdbError {
    #[error("mmdb of {bytes} bytes is larger than {MMDB_BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("not a readable mmdb")]
    Open(#[source] MaxMindDbError),
    #[error("mmdb search tree ends early")]
    Truncated,
    #[error("mmdb search tree is deeper than an address")]
    TooDeep,
    #[error("mmdb search tree has more than {} nodes", tree::VISITS_MAX)]
    TooManyNodes,
    #[error("mmdb record of {address} is not readable")]
    Record { address: IpAddr, source: MaxMindDbError },
    #[error(
        "mmdb of type {kind:?} has neither countries nor autonomous systems in a layout we know"
    )]
    NothingUsable { kind: String },
    #[error(transparent)]
    Range(#[from] OutOfOrder),
}

/// Eight times the largest city database of 2026.
const MMDB_BYTES_MAX: usize = 1 << 30;
const NO_RECORD: u32 = 0;

pub(crate) fn read(bytes: &[u8]) -> Result<Contents, MmdbError> {
    if bytes.len() > MMDB_BYTES_MAX {
        return Err(MmdbError::TooLarge { bytes: bytes.len() });
    }
    let reader = Reader::from_source(bytes).map_err(MmdbError::Open)?;
    let mut walk = Walk::new(&reader);
    Tree::new(bytes, reader.metadata()).walk(|leaf| walk.take(leaf))?;
    let contents = walk.finish();
    if contents.has_places() || contents.has_asns() {
        Ok(contents)
    } else {
        Err(MmdbError::NothingUsable { kind: reader.metadata().database_type.clone() })
    }
}

// === impl Contents ===

impl Contents {
    pub(crate) fn has_places(&self) -> bool {
        self.records.iter().any(|record| record.spot.country.is_some())
    }

    pub(crate) fn has_asns(&self) -> bool {
        self.records.iter().any(|record| record.asn != NO_ASN)
    }

    /// The spot of each record, by number.
    pub(crate) fn spots(&self) -> Vec<Spot> {
        self.records.iter().map(|record| record.spot).collect()
    }

    pub(crate) fn asn(&self, record: u32) -> u32 {
        self.records.get(record as usize).map_or(NO_ASN, |record| record.asn)
    }
}

/// The reading of one database.
struct Walk<'a> {
    reader: &'a Reader<&'a [u8]>,
    /// Record numbers by where the tree points: most networks share their record with others.
    numbers: HashMap<u32, u32>,
    records: Vec<Record>,
    v4: Packed,
    v6: Packed,
}

/// One family while it is read.
struct Packed {
    kind: Kind,
    ranges: Packing<u32>,
    fine: Vec<(Span, u32)>,
    has_data: bool,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn new(reader: &'a Reader<&'a [u8]>) -> Walk<'a> {
        Walk {
            reader,
            numbers: HashMap::new(),
            records: vec![Record::default()],
            v4: Packed::new(Kind::V4),
            v6: Packed::new(Kind::V6),
        }
    }

    /// Leaves come in the order of their addresses, those without data included.
    fn take(&mut self, leaf: Leaf) -> Result<(), MmdbError> {
        let number = match leaf.pointer {
            Some(pointer) => self.number(pointer, &leaf)?,
            None => NO_RECORD,
        };
        match leaf.kind {
            Kind::V4 => self.v4.add(leaf.span(), number),
            Kind::V6 => self.v6.add(leaf.span(), number),
        }
    }

    fn number(&mut self, pointer: u32, leaf: &Leaf) -> Result<u32, MmdbError> {
        if let Some(&number) = self.numbers.get(&pointer) {
            return Ok(number);
        }
        let address = match leaf.kind {
            Kind::V4 => IpAddr::V4(Ipv4Addr::from_bits(leaf.first as u32)),
            Kind::V6 => IpAddr::V6(Ipv6Addr::from_bits(leaf.first)),
        };
        let unreadable = |source| MmdbError::Record { address, source };
        let found = self.reader.lookup(address).map_err(unreadable)?;
        let record = found.decode::<record::Fields<'_>>().map_err(unreadable)?;
        // Leaves, and so records, are fewer than the nodes a walk may visit.
        let number = self.records.len() as u32;
        self.records.push(record.map_or_else(Record::default, Record::from));
        self.numbers.insert(pointer, number);
        Ok(number)
    }

    fn finish(self) -> Contents {
        let metadata = self.reader.metadata();
        let name = metadata.database_type.clone();
        let database = Database { name, built: Some(metadata.build_epoch) };
        let (v4, v6) = (self.v4.finish(), self.v6.finish());
        Contents { v4, v6, records: self.records, database }
    }
}

// === impl Packed ===

impl Packed {
    fn new(kind: Kind) -> Packed {
        let ranges = Packing::new(kind, 0);
        Packed { kind, ranges, fine: Vec::new(), has_data: false }
    }

    /// A prefix longer than a key speaks for the whole key if it is the first of it.
    fn add(&mut self, span: Span, number: u32) -> Result<(), MmdbError> {
        self.has_data |= number != NO_RECORD;
        let key = self.kind.range_key(span.first);
        let begins_key = u128::from(key) << self.kind.shift() == span.first;
        if begins_key {
            self.ranges.push(key, number)?;
        } else if self.ranges.last() != Some(number) {
            self.fine.push((span, number));
        }
        Ok(())
    }

    fn finish(self) -> Half {
        let Packed { ranges, fine, has_data, .. } = self;
        Half { ranges: ranges.finish(), fine, has_data }
    }
}
