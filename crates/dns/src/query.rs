//! The parts of a query that an answer turns on: header and question.

use crate::facts::DropReason;
use crate::name::Folded;
use crate::wire::Cursor;

/// RFC 1035 section 4.1.1.
pub(crate) const HEADER_BYTES: usize = 12;

/// The fixed part of every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: u16,
    flags: u16,
    pub(crate) questions: u16,
    pub(crate) answers: u16,
    pub(crate) authorities: u16,
    pub(crate) additionals: u16,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question<'q> {
    /// As it was sent, letter case included: some clients choose it at random and compare.
    pub(crate) wire: &'q [u8],
    pub(crate) qtype: u16,
    pub(crate) qclass: u16,
    /// The message behind the question.
    pub(crate) rest: Cursor<'q>,
}

const QR: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const RD: u16 = 0x0100;

// === impl Header ===

impl Header {
    #[inline]
    pub(crate) fn read(message: &[u8]) -> Result<Header, DropReason> {
        let bytes = message.first_chunk::<HEADER_BYTES>().ok_or(DropReason::NoHeader)?;
        let mut fields = [0; HEADER_BYTES / 2];
        for (field, bytes) in fields.iter_mut().zip(bytes.as_chunks().0) {
            *field = u16::from_be_bytes(*bytes);
        }
        let [id, flags, questions, answers, authorities, additionals] = fields;
        let header = Header { id, flags, questions, answers, authorities, additionals };
        if header.flags & QR == 0 { Ok(header) } else { Err(DropReason::IsResponse) }
    }

    /// QUERY is opcode 0; UPDATE, NOTIFY and the rest are not served here.
    pub(crate) fn is_query(&self) -> bool {
        self.flags & OPCODE == 0
    }

    /// What a reply copies: opcode and RD (RFC 1035 section 4.1.1). Not AD and CD: an authoritative server
    /// clears both (RFC 4035 section 3.1.6). Not the reserved bit (RFC 6895 section 2.1).
    pub(crate) fn echoed_flags(&self) -> u16 {
        self.flags & (OPCODE | RD)
    }
}

// === impl Question ===

impl<'q> Question<'q> {
    /// None when name, type or class is not there or the name is compressed.
    #[inline]
    pub(crate) fn read(message: &'q [u8], name: &mut Folded) -> Option<Question<'q>> {
        let question = message.get(HEADER_BYTES..)?;
        let name_bytes = name.read(question).ok()?;
        let mut rest = Cursor::new(question.get(name_bytes..)?);
        let (qtype, qclass) = (rest.u16()?, rest.u16()?);
        let wire = question.get(..name_bytes.checked_add(4)?)?;
        Some(Question { wire, qtype, qclass, rest })
    }
}
