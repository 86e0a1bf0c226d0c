//! What follows the question: the OPT record of a query (RFC 6891) and the one of its answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use trimtab_steer::Subnet;

use crate::facts::Rcode;
use crate::node::{Node, UDP_PAYLOAD_MIN};
use crate::query::Header;
use crate::reply::{Full, Reply};
use crate::wire::Cursor;

/// What a query's OPT record says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edns<'q> {
    /// Bytes of a datagram that the client takes.
    pub(crate) payload: u16,
    dnssec_ok: bool,
    asks_server_id: bool,
    /// For the number by which the decision can be explained later.
    pub(crate) asks_trace: bool,
    pub(crate) subnet: Option<Ecs<'q>>,
}

/// A client subnet as it was sent (RFC 7871 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ecs<'q> {
    family: u16,
    source_prefix: u8,
    /// The bytes that the source prefix needs; the rest of the address are zero.
    address: &'q [u8],
}

/// All that follows the question: what could be read of it, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra<'q> {
    pub(crate) edns: Option<Edns<'q>>,
    pub(crate) fault: Option<Rcode>,
}

const OPT: u16 = 41;
const OPTION_NSID: u16 = 3;
const OPTION_SUBNET: u16 = 8;
/// Of the range for local use (RFC 6891 section 9): empty in a query, eight bytes in its answer.
const OPTION_TRACE: u16 = 65_432;
const TRACE_BYTES: usize = 8;
const DNSSEC_OK: u16 = 0x8000;
/// Root, type, payload, four bytes of flags, length.
const OPT_BYTES: usize = 11;
/// Code and length.
const OPTION_HEADER_BYTES: usize = 4;
/// Family, source and scope.
const ECS_HEADER_BYTES: usize = 4;
/// A query has at most an OPT, a TSIG and a SIG(0) record behind its question, and IXFR an SOA before them.
const RECORDS_MAX: u16 = 8;
const FAMILY_NONE: u16 = 0;
const FAMILY_V4: u16 = 1;
const FAMILY_V6: u16 = 2;

// === impl Extra ===

impl<'q> Extra<'q> {
    /// Reads every record up to the end of the message. Records other than OPT are skipped: without keys,
    /// a TSIG or SIG(0) is one more unknown record.
    ///
    /// FORMERR: answers in a query, too many records, bytes behind the last record (the counts of the header
    /// say where a message ends, RFC 1035 section 4.1.1), a second OPT record, or one in a wrong place or
    /// shape (RFC 6891 section 6.1.1).
    #[inline]
    pub(crate) fn read(header: &Header, mut rest: Cursor<'q>) -> Extra<'q> {
        let mut extra = Extra::default();
        let complete = extra.read_records(header, &mut rest);
        if extra.fault.is_none() && (complete.is_none() || !rest.is_empty()) {
            extra.fault = Some(Rcode::FormErr);
        }
        extra
    }

    fn read_records(&mut self, header: &Header, rest: &mut Cursor<'q>) -> Option<()> {
        let records = header.authorities.checked_add(header.additionals)?;
        if header.answers != 0 || records > RECORDS_MAX {
            return None;
        }
        for record in 0..records {
            let at_root = rest.rest().first() == Some(&0);
            rest.skip_name()?;
            let [t0, t1, c0, c1, flags @ .., l0, l1] = rest.array::<10>()?;
            let rdata = rest.take(u16::from_be_bytes([l0, l1]).into())?;
            if u16::from_be_bytes([t0, t1]) == OPT {
                if record < header.authorities || !at_root || self.edns.is_some() {
                    return None;
                }
                self.read_opt(u16::from_be_bytes([c0, c1]), flags, rdata);
            }
        }
        Some(())
    }

    /// A bad option is answered with FORMERR and an OPT record (RFC 6891 section 7). A version that we do not
    /// speak may have other options, so they are not looked at.
    fn read_opt(&mut self, class: u16, ttl: [u8; 4], rdata: &'q [u8]) {
        let [_rcode, version, flags @ ..] = ttl;
        let payload = class.max(UDP_PAYLOAD_MIN);
        let dnssec_ok = u16::from_be_bytes(flags) & DNSSEC_OK != 0;
        let mut edns = Edns { payload, dnssec_ok, ..Edns::default() };
        if version > 0 {
            self.fault = Some(Rcode::BadVers);
        } else if edns.read_options(rdata).is_none() {
            self.fault = Some(Rcode::FormErr);
            edns.subnet = None;
        }
        self.edns = Some(edns);
    }
}

// === impl Edns ===

impl<'q> Edns<'q> {
    /// Options that we do not know are ignored (RFC 6891 section 6.1.2).
    fn read_options(&mut self, rdata: &'q [u8]) -> Option<()> {
        let mut rest = Cursor::new(rdata);
        while !rest.is_empty() {
            let [c0, c1, l0, l1] = rest.array::<OPTION_HEADER_BYTES>()?;
            let value = rest.take(u16::from_be_bytes([l0, l1]).into())?;
            match u16::from_be_bytes([c0, c1]) {
                OPTION_NSID => self.asks_server_id = true,
                OPTION_TRACE => self.asks_trace = true,
                OPTION_SUBNET if self.subnet.is_some() => return None,
                OPTION_SUBNET => self.subnet = Some(Ecs::read(value)?),
                _ => {}
            }
        }
        Some(())
    }

    /// Bytes of the OPT record that answers this one.
    pub(crate) fn reply_len(&self, node: &Node) -> usize {
        let subnet = self.subnet.map_or(0, |ecs| {
            (OPTION_HEADER_BYTES + ECS_HEADER_BYTES).saturating_add(ecs.address.len())
        });
        let id = self.server_id(node).map_or(0, |id| OPTION_HEADER_BYTES.saturating_add(id.len()));
        let trace = if self.asks_trace { OPTION_HEADER_BYTES + TRACE_BYTES } else { 0 };
        OPT_BYTES.saturating_add(subnet).saturating_add(id).saturating_add(trace)
    }

    /// Writes the OPT record, `len` bytes. DO is copied (RFC 3225 section 3), the other flags are cleared (RFC 6891
    /// section 6.1.4).
    pub(crate) fn write(
        &self,
        rcode: Rcode,
        scope: u8,
        trace: u64,
        len: usize,
        node: &Node,
        to: &mut Reply<'_>,
    ) -> Result<(), Full> {
        let options = len.saturating_sub(OPT_BYTES);
        let [l0, l1] = u16::try_from(options).map_err(|_too_long| Full)?.to_be_bytes();
        let [flags, _] = if self.dnssec_ok { DNSSEC_OK.to_be_bytes() } else { [0, 0] };
        let [p0, p1] = node.udp_payload_max().to_be_bytes();
        let [_, opt] = OPT.to_be_bytes();
        to.append_array([0, 0, opt, p0, p1, rcode.high(), 0, flags, 0, l0, l1])?;
        if let Some(ecs) = self.subnet {
            ecs.write(scope, to)?;
        }
        if let Some(id) = self.server_id(node) {
            to.append_array(option_header(OPTION_NSID, id.len())?)?;
            to.append(id.as_bytes())?;
        }
        if self.asks_trace {
            to.append_array(option_header(OPTION_TRACE, TRACE_BYTES)?)?;
            to.append_array(trace.to_be_bytes())?;
        }
        Ok(())
    }

    fn server_id<'n>(&self, node: &'n Node) -> Option<&'n str> {
        node.server_id().filter(|_| self.asks_server_id)
    }
}

// === impl Ecs ===

impl<'q> Ecs<'q> {
    /// None for every shape that RFC 7871 section 6 calls wrong. Family 0 is what `dig +subnet=0` sends: no
    /// address at all, meaning that none shall be used.
    fn read(value: &'q [u8]) -> Option<Ecs<'q>> {
        let ([f0, f1, source_prefix, scope], address) = value.split_first_chunk()?;
        let (family, source_prefix) = (u16::from_be_bytes([*f0, *f1]), *source_prefix);
        let prefix_max = match family {
            FAMILY_NONE => 0,
            FAMILY_V4 => 32,
            FAMILY_V6 => 128,
            _ => return None,
        };
        if *scope != 0 || source_prefix > prefix_max || address.len() != bytes_of(source_prefix) {
            return None;
        }
        // The prefix ends in the last byte; what is left of that must be zero.
        let left = source_prefix.wrapping_neg() % 8;
        let clear = address.last().is_none_or(|last| last.trailing_zeros() >= left.into());
        clear.then_some(Ecs { family, source_prefix, address })
    }

    /// As decisions take it; none for a source prefix of 0, by which the client asks that nothing of its address be
    /// used (RFC 7871 section 7.1.2). Family 0 has no other.
    pub(crate) fn subnet(&self) -> Option<Subnet> {
        let address = match (self.source_prefix, self.family) {
            (0, _) => return None,
            (_, FAMILY_V4) => IpAddr::V4(Ipv4Addr::from_octets(filled_up(self.address))),
            _ => IpAddr::V6(Ipv6Addr::from_octets(filled_up(self.address))),
        };
        Some(Subnet { address, source_prefix: self.source_prefix })
    }

    /// Family, source and address as they came (RFC 7871 section 7.2.1).
    fn write(&self, scope: u8, to: &mut Reply<'_>) -> Result<(), Full> {
        let len = ECS_HEADER_BYTES.saturating_add(self.address.len());
        let [f0, f1] = self.family.to_be_bytes();
        let [c0, c1, l0, l1] = option_header(OPTION_SUBNET, len)?;
        to.append_array([c0, c1, l0, l1, f0, f1, self.source_prefix, scope])?;
        to.append(self.address)
    }
}

/// The bytes, and zeros behind them.
fn filled_up<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or(0))
}

fn bytes_of(prefix: u8) -> usize {
    usize::from(prefix.div_ceil(8))
}

fn option_header(code: u16, len: usize) -> Result<[u8; OPTION_HEADER_BYTES], Full> {
    let ([c0, c1], len) = (code.to_be_bytes(), u16::try_from(len).map_err(|_too_long| Full)?);
    let [l0, l1] = len.to_be_bytes();
    Ok([c0, c1, l0, l1])
}
