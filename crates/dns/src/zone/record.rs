//! Records as they are answered: one name's records grouped into sets, each record an image to be copied.

use trimtab_model::zone::TTL_AUTOMATIC_SECONDS;
use trimtab_model::{self as model, RecordType};

use super::node::{Rrset, Sets};

/// The numbers that answers turn on; the rest only pass through.
pub(crate) const A: u16 = RecordType::A.number();
pub(crate) const NS: u16 = RecordType::Ns.number();
pub(crate) const CNAME: u16 = RecordType::Cname.number();
pub(crate) const AAAA: u16 = RecordType::Aaaa.number();
pub(crate) const MX: u16 = RecordType::Mx.number();
pub(crate) const SRV: u16 = RecordType::Srv.number();
pub(crate) const DS: u16 = RecordType::Ds.number();
pub(crate) const SOA: u16 = 6;
pub(crate) const HINFO: u16 = 13;
pub(crate) const TXT: u16 = RecordType::Txt.number();

pub(crate) const CLASS_IN: u16 = 1;
/// A pointer (RFC 1035 section 4.1.4) to the name of the question, which follows the header.
pub(crate) const OWNER_IS_QUESTION: u16 = 0xC00C;
/// Where a record whose owner is a pointer has the length of its data.
pub(crate) const LENGTH_AT: usize = 10;
/// Where its data begins.
pub(crate) const RDATA_AT: usize = 12;

/// One record on its way into a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordInput<'a> {
    pub kind: RecordType,
    /// Seconds.
    pub ttl: u32,
    /// Wire form, names uncompressed and in lower case.
    pub rdata: &'a [u8],
}

// === impl RecordInput ===

impl<'a> From<&'a model::Record> for RecordInput<'a> {
    fn from(record: &'a model::Record) -> RecordInput<'a> {
        let (ttl, rdata) = (record.ttl_seconds(), &*record.rdata.0);
        RecordInput { kind: record.kind, ttl, rdata }
    }
}

// === impl Sets ===

impl Sets {
    /// Groups records by type and drops doubles (RFC 2181 section 5). A set has one TTL (section 5.2): the
    /// shortest of its records.
    pub(super) fn of(records: &mut [RecordInput<'_>]) -> Sets {
        records.sort_unstable_by_key(|record| (record.kind.number(), record.rdata));
        let mut sets = Sets::default();
        let mut image = Vec::new();
        for set in records.chunk_by(|a, b| a.kind == b.kind) {
            let Some(kind) = set.first().map(|record| record.kind) else { continue };
            image.clear();
            let records = append_set(set, &mut image);
            Rrset { rtype: kind.number(), records, image: &image }.encode(&mut sets.bytes);
            sets.count = sets.count.saturating_add(1);
        }
        sets
    }
}

fn append_set(set: &[RecordInput<'_>], image: &mut Vec<u8>) -> u16 {
    let ttl = set.iter().map(|record| record.ttl).min().unwrap_or(TTL_AUTOMATIC_SECONDS);
    let mut records: u16 = 0;
    for same in set.chunk_by(|a, b| a.rdata == b.rdata) {
        let Some(record) = same.first() else { continue };
        append(record.kind.number(), ttl, record.rdata, image);
        records = records.saturating_add(1);
    }
    records
}

/// Appends one record; data longer than 65,535 bytes does not come from a checked record.
pub(super) fn append(rtype: u16, ttl: u32, rdata: &[u8], image: &mut Vec<u8>) {
    let Ok(length) = u16::try_from(rdata.len()) else { return };
    image.extend_from_slice(&OWNER_IS_QUESTION.to_be_bytes());
    image.extend_from_slice(&rtype.to_be_bytes());
    image.extend_from_slice(&CLASS_IN.to_be_bytes());
    image.extend_from_slice(&ttl.to_be_bytes());
    image.extend_from_slice(&length.to_be_bytes());
    image.extend_from_slice(rdata);
}
