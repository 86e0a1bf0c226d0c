//! What every zone has: its own name, its SOA record and the servers that answer for it.

use trimtab_model::Name;
use trimtab_model::zone::NEGATIVE_TTL_SECONDS;

use super::node::{Rrset, Sets};
use super::record::{self, RecordInput};
use crate::name::{count_labels, to_wire};

/// Who answers for a zone: the same for all zones of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The NS records of every apex; what the operator adds there joins them.
    pub nameservers: Vec<Name>,
    pub soa: Soa,
}

/// The SOA record (RFC 1035 section 3.3.13); all times in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soa {
    pub mname: Name,
    pub rname: Name,
    pub serial: u32,
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    /// How long a negative answer holds (RFC 2308 section 4).
    pub minimum: u32,
    pub ttl: u32,
}

/// The zone's own name with the records that are the node's and not the operator's.
#[derive(Clone, Debug)]
pub(crate) struct Apex {
    wire: Box<[u8]>,
    labels: usize,
    nameservers: Box<[Box<[u8]>]>,
    soa: Box<[u8]>,
    negative_ttl: u32,
}

/// Seconds: a day; name servers change with the node's own configuration and not with a zone's.
const NAMESERVER_TTL: u32 = 86_400;
/// The serial is followed by four more numbers.
const SERIAL_FROM_END: usize = 20;

// === impl Soa ===

impl Soa {
    /// The values that secondaries of other makers are content with.
    pub fn new(mname: Name, rname: Name, serial: u32) -> Soa {
        let (refresh, retry, expire) = (10_000, 2_400, 604_800);
        Soa {
            mname,
            rname,
            serial,
            refresh,
            retry,
            expire,
            minimum: NEGATIVE_TTL_SECONDS,
            ttl: 3_600,
        }
    }

    fn rdata(&self) -> Vec<u8> {
        let mut rdata = [to_wire(&self.mname), to_wire(&self.rname)].concat();
        for number in [self.serial, self.refresh, self.retry, self.expire, self.minimum] {
            rdata.extend_from_slice(&number.to_be_bytes());
        }
        rdata
    }
}

// === impl Apex ===

impl Apex {
    pub(super) fn new(apex: &Name, authority: &Authority) -> Apex {
        let wire = to_wire(apex);
        let mut soa = Vec::new();
        record::append(record::SOA, authority.soa.ttl, &authority.soa.rdata(), &mut soa);
        Apex {
            labels: count_labels(&wire),
            wire: wire.as_slice().into(),
            nameservers: authority
                .nameservers
                .iter()
                .map(|name| to_wire(name).as_slice().into())
                .collect(),
            soa: soa.into(),
            negative_ttl: authority.soa.ttl.min(authority.soa.minimum),
        }
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire
    }

    pub(crate) fn labels(&self) -> usize {
        self.labels
    }

    /// How the zone stores the name: without the zone's own. None for names of other zones.
    pub(super) fn relative<'w>(&self, wire: &'w [u8]) -> Option<&'w [u8]> {
        let relative = wire.strip_suffix(&*self.wire)?;
        // Else the bytes agree by chance in the middle of a label.
        let at_label = count_labels(wire) == count_labels(relative).saturating_add(self.labels);
        at_label.then_some(relative)
    }

    pub(crate) fn soa(&self) -> Rrset<'_> {
        Rrset { rtype: record::SOA, records: 1, image: &self.soa }
    }

    /// The TTL of the SOA record in a negative answer (RFC 2308 section 5).
    pub(crate) fn negative_ttl(&self) -> u32 {
        self.negative_ttl
    }

    pub(super) fn set_serial(&mut self, serial: u32) {
        let at = self.soa.len().saturating_sub(SERIAL_FROM_END);
        if let Some(place) = self.soa.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = serial.to_be_bytes();
        }
    }

    /// The record sets of a name; the apex has the node's name servers in addition.
    pub(super) fn sets<'a>(&'a self, relative: &[u8], mut records: Vec<RecordInput<'a>>) -> Sets {
        if relative.is_empty() {
            records.extend(self.nameservers.iter().map(|rdata| RecordInput {
                kind: trimtab_model::RecordType::Ns,
                ttl: NAMESERVER_TTL,
                rdata,
            }));
        }
        Sets::of(&mut records)
    }
}
