//! Building a reply in the caller's buffer: whole record sets or none (RFC 2181 section 9), never beyond the limit.

use std::net::IpAddr;

use crate::edns::Edns;
use crate::facts::Rcode;
use crate::node::Node;
use crate::query::{HEADER_BYTES, Header};
use crate::zone::{A, AAAA, CLASS_IN, OWNER_IS_QUESTION, RDATA_AT, Rrset, TXT};

/// A reply that is being written.
#[derive(Debug)]
pub(crate) struct Reply<'o> {
    out: &'o mut [u8],
    len: usize,
    /// Where the sections must end; behind them is place for the OPT record.
    limit: usize,
    /// Bytes of that place.
    opt: usize,
    question_end: usize,
    counts: [u16; 4],
    pub(crate) authoritative: bool,
    truncated: bool,
}

/// What has been asked for does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Where a record goes, numbered as in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Answer = 1,
    Authority = 2,
    Additional = 3,
}

/// The place of a name in the message, for records whose owner it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) usize);

const QR: u16 = 0x8000;
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;
const POINTER: u16 = 0xC000;
/// A pointer has fourteen bits.
const POINTER_MAX: usize = 0x3FFF;
/// RFC 1035 section 3.3: one byte of length.
const STRING_BYTES_MAX: usize = 255;
/// Where a record whose owner is a pointer has its TTL.
const TTL_AT: usize = 6;

// === impl Place ===

impl Place {
    /// The name of the question.
    pub(crate) const QUESTION: Place = Place(HEADER_BYTES);

    /// A place inside the name, as far from its beginning as a label is.
    pub(crate) fn plus(self, offset: usize) -> Place {
        Place(self.0.saturating_add(offset))
    }

    fn pointer(self) -> Result<u16, Full> {
        match u16::try_from(self.0) {
            Ok(place) if self.0 <= POINTER_MAX => Ok(POINTER | place),
            Ok(_) | Err(_) => Err(Full),
        }
    }
}

// === impl Reply ===

impl<'o> Reply<'o> {
    /// An empty reply; None when there is no room for a header.
    pub(crate) fn new(out: &'o mut [u8]) -> Option<Reply<'o>> {
        (out.len() >= HEADER_BYTES).then_some(Reply {
            limit: out.len(),
            out,
            len: HEADER_BYTES,
            opt: 0,
            question_end: HEADER_BYTES,
            counts: [0; 4],
            authoritative: false,
            truncated: false,
        })
    }

    /// The question as it came, before any record. From now on the message keeps to `limit` bytes, of which
    /// `opt` are for the OPT record.
    pub(crate) fn question(&mut self, wire: &[u8], limit: usize, opt: usize) -> Result<(), Full> {
        self.limit = limit.min(self.out.len()).checked_sub(opt).ok_or(Full)?;
        self.opt = opt;
        self.append(wire)?;
        self.question_end = self.len;
        self.counts = [1, 0, 0, 0];
        Ok(())
    }

    /// A stored set, beginning with its record number `first`; gives the place of its first record's data.
    pub(crate) fn rrset(
        &mut self,
        section: Section,
        owner: Place,
        set: &Rrset<'_>,
        first: u16,
    ) -> Result<Place, Full> {
        let begin = self.len;
        if first == 0 {
            self.append(set.image)?;
        } else {
            let size = set.image.len().checked_div(set.records.into()).ok_or(Full)?;
            let at = size.saturating_mul(first.into());
            let (front, back) = set.image.split_at_checked(at).ok_or(Full)?;
            self.append(back)?;
            self.append(front)?;
        }
        if owner != Place::QUESTION {
            self.set_owners(begin, owner.pointer()?)?;
        }
        self.count(section, set.records);
        Ok(Place(begin).plus(RDATA_AT))
    }

    /// The SOA record of a negative answer, with the TTL of one.
    pub(crate) fn soa(&mut self, owner: Place, soa: &Rrset<'_>, ttl: u32) -> Result<(), Full> {
        let begin = self.len;
        self.rrset(Section::Authority, owner, soa, 0)?;
        self.patch(begin.saturating_add(TTL_AT), ttl.to_be_bytes())
    }

    #[inline]
    pub(crate) fn address(&mut self, owner: Place, ip: IpAddr, ttl: u32) -> Result<(), Full> {
        match ip {
            IpAddr::V4(v4) => self.record(owner, A, CLASS_IN, ttl, v4.octets()),
            IpAddr::V6(v6) => self.record(owner, AAAA, CLASS_IN, ttl, v6.octets()),
        }
    }

    /// One record of the answer; `N` must fit its length of 16 bits.
    #[inline]
    pub(crate) fn record<const N: usize>(
        &mut self,
        owner: Place,
        rtype: u16,
        class: u16,
        ttl: u32,
        rdata: [u8; N],
    ) -> Result<(), Full> {
        let length = const {
            assert!(N <= u16::MAX as usize, "a record's data");
            (N as u16).to_be_bytes()
        };
        let ([o0, o1], [r0, r1]) = (owner.pointer()?.to_be_bytes(), rtype.to_be_bytes());
        let ([c0, c1], [t0, t1, t2, t3]) = (class.to_be_bytes(), ttl.to_be_bytes());
        let [l0, l1] = length;
        self.append_array([o0, o1, r0, r1, c0, c1, t0, t1, t2, t3, l0, l1])?;
        self.append_array(rdata)?;
        self.count(Section::Answer, 1);
        Ok(())
    }

    /// One record of the answer whose data ends in a name; gives the name's place. Names in it are not
    /// compressed: RFC 2782 forbids it for SRV, and none repeats the question.
    pub(crate) fn named(
        &mut self,
        owner: Place,
        rtype: u16,
        ttl: u32,
        head: &[u8],
        name: &[u8],
    ) -> Result<Place, Full> {
        self.record(owner, rtype, CLASS_IN, ttl, [])?;
        let length = head.len().saturating_add(name.len());
        let length = u16::try_from(length).map_err(|_too_long| Full)?;
        self.patch(self.len.saturating_sub(2), length.to_be_bytes())?;
        self.append(head)?;
        let place = Place(self.len);
        self.append(name)?;
        Ok(place)
    }

    /// One TXT record, of as many strings of 255 bytes as the text needs (RFC 1035 section 3.3.14).
    pub(crate) fn text(&mut self, class: u16, ttl: u32, text: &str) -> Result<(), Full> {
        self.record(Place::QUESTION, TXT, class, ttl, [])?;
        let length_at = self.len.saturating_sub(2);
        for string in text.as_bytes().chunks(STRING_BYTES_MAX) {
            // A chunk is no longer than its length byte can say.
            self.append_array([u8::try_from(string.len()).unwrap_or(u8::MAX)])?;
            self.append(string)?;
        }
        let length = self.len.saturating_sub(length_at).saturating_sub(2);
        self.patch(length_at, u16::try_from(length).map_err(|_too_long| Full)?.to_be_bytes())
    }

    /// Whether the name at `place` is the same as `name`, in any letter case.
    pub(crate) fn is_name_at(&self, place: Place, name: &[u8]) -> bool {
        let end = place.plus(name.len());
        let there = self.out.get(place.0..end.0);
        end.0 <= self.len && there.is_some_and(|there| there.eq_ignore_ascii_case(name))
    }

    /// Takes all records back and says so: the client asks again over TCP (RFC 7766 section 5).
    pub(crate) fn truncate(&mut self) {
        self.len = self.question_end;
        let [questions, ..] = self.counts;
        self.counts = [questions, 0, 0, 0];
        self.truncated = true;
    }

    /// Header and OPT record, with the scope of the client subnet and the trace id; gives the length of the message.
    pub(crate) fn finish(
        mut self,
        header: &Header,
        rcode: Rcode,
        edns: Option<(&Edns<'_>, u8, u64)>,
        node: &Node,
    ) -> Result<usize, Full> {
        if let Some((edns, scope, trace)) = edns {
            let len = std::mem::take(&mut self.opt);
            self.limit = self.limit.saturating_add(len);
            edns.write(rcode, scope, trace, len, node, &mut self)?;
            self.count(Section::Additional, 1);
        }
        self.write_header(header, rcode).ok_or(Full)?;
        Ok(self.len)
    }

    /// The header alone.
    pub(crate) fn finish_bare(mut self, header: &Header, rcode: Rcode) -> usize {
        self.truncate();
        self.truncated = false;
        // `new` has seen that there is room.
        self.write_header(header, rcode).map_or(0, |()| self.len)
    }

    fn write_header(&mut self, header: &Header, rcode: Rcode) -> Option<()> {
        let flag = |holds: bool, flag: u16| if holds { flag } else { 0 };
        let flags = QR
            | header.echoed_flags()
            | flag(self.authoritative, AA)
            | flag(self.truncated, TC)
            | rcode.low();
        let [questions, answers, authorities, additionals] = self.counts;
        let (fields, _) = self.out.first_chunk_mut::<HEADER_BYTES>()?.as_chunks_mut();
        let values = [header.id, flags, questions, answers, authorities, additionals];
        for (field, value) in fields.iter_mut().zip(values) {
            *field = value.to_be_bytes();
        }
        Some(())
    }

    #[inline]
    pub(crate) fn append_array<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), Full> {
        let end = self.len.checked_add(N).filter(|&end| end <= self.limit).ok_or(Full)?;
        *self.out.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut()).ok_or(Full)? = bytes;
        self.len = end;
        Ok(())
    }

    #[inline]
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.len.checked_add(bytes.len()).filter(|&end| end <= self.limit).ok_or(Full)?;
        self.out.get_mut(self.len..end).ok_or(Full)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    fn count(&mut self, section: Section, records: u16) {
        if let Some(count) = self.counts.get_mut(section as usize) {
            *count = count.saturating_add(records);
        }
    }

    /// Stored records point to the question; these belong to another name.
    fn set_owners(&mut self, begin: usize, pointer: u16) -> Result<(), Full> {
        let mut at = begin;
        while at < self.len {
            self.patch(at, pointer.to_be_bytes())?;
            let length_at = at.saturating_add(RDATA_AT - 2);
            let length =
                self.out.get(length_at..).and_then(|rest| rest.first_chunk()).ok_or(Full)?;
            let length = u16::from_be_bytes(*length);
            at = at.saturating_add(RDATA_AT).saturating_add(length.into());
        }
        Ok(())
    }

    fn patch<const N: usize>(&mut self, at: usize, bytes: [u8; N]) -> Result<(), Full> {
        let place = self.out.get_mut(at..).and_then(|rest| rest.first_chunk_mut());
        *place.ok_or(Full)? = bytes;
        Ok(())
    }
}

const _: () = assert!(OWNER_IS_QUESTION == POINTER | HEADER_BYTES as u16);
