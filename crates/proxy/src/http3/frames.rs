//! Where the frames of one stream begin and end (RFC 9114 section 7.1), wherever reads cut them. What carries no request and
//! no body is not let through, so that nobody has to keep it.

use arrayvec::ArrayVec;
use bytes::{Buf, Bytes};

/// What a client sends over one stream.
#[derive(Debug)]
pub(super) struct Frames {
    at: At,
    /// Of the next frame, as far as it has come.
    header: ArrayVec<u8, HEADER_BYTES_MAX>,
    costs: u32,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The type of a stream of one direction (RFC 9114 section 6.2).
    Kind,
    Header,
    /// So many bytes of a frame.
    Content(u64),
    /// So many of one that is left out.
    LeftOut(u64),
    /// A stream of instructions, or of nothing that is known here.
    NoFrames,
}

/// A frame is longer than [`CONTENT_BYTES_MAX`], and not DATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Two numbers of at most eight bytes (RFC 9000 section 16).
const HEADER_BYTES_MAX: usize = 16;
/// A frame other than DATA is kept until it is whole. This is twice what a header section may have, so that one that is only a
/// little too large is answered with 431.
const CONTENT_BYTES_MAX: u64 = 2 * crate::http2::HEADER_LIST_BYTES_MAX as u64;

// === impl Frames ===

impl Frames {
    /// A request.
    pub(super) fn of_request() -> Frames {
        Frames { at: At::Header, header: ArrayVec::new(), costs: 0 }
    }

    /// A stream of one direction, which tells first what it is.
    pub(super) fn one_way() -> Frames {
        Frames { at: At::Kind, ..Frames::of_request() }
    }

    /// The next part of what came: a header, or content of one frame. None when all of it is taken.
    pub(super) fn take(&mut self, bytes: &mut Bytes) -> Result<Option<Bytes>, TooLong> {
        while !bytes.is_empty() {
            match self.at {
                At::NoFrames => return Ok(Some(std::mem::take(bytes))),
                At::Content(left) => {
                    let part = bytes.split_to(shorter(left, bytes.len()));
                    self.at = after(left - part.len() as u64, At::Content);
                    return Ok(Some(part));
                }
                At::LeftOut(left) => {
                    let length = shorter(left, bytes.len());
                    bytes.advance(length);
                    self.at = after(left - length as u64, At::LeftOut);
                }
                At::Kind | At::Header => {
                    self.header.push(bytes.get_u8());
                    if self.begins()? {
                        let header = Bytes::copy_from_slice(&self.header);
                        self.header.clear();
                        return Ok(Some(header));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What the frames since the last call cost.
    pub(super) fn take_costs(&mut self) -> u32 {
        std::mem::take(&mut self.costs)
    }

    /// Whether a stream may end here (RFC 9114 section 7.1).
    pub(super) fn is_between(&self) -> bool {
        match self.at {
            At::Header => self.header.is_empty(),
            At::Content(_) | At::LeftOut(_) => false,
            At::Kind | At::NoFrames => true,
        }
    }

    /// True once a header is whole that goes on.
    fn begins(&mut self) -> Result<bool, TooLong> {
        let Some((kind, rest)) = read_number(&self.header) else { return Ok(false) };
        if self.at == At::Kind {
            self.at = if kind == CONTROL_STREAM { At::Header } else { At::NoFrames };
            return Ok(true);
        }
        let Some((length, _)) = read_number(rest) else { return Ok(false) };
        self.costs += u32::from(!(kind == HEADERS || kind == DATA && length > 0));
        match kind {
            // Nothing comes of it, and it must not be taken for the end of the body.
            DATA if length == 0 => self.leave_out(0),
            DATA => {
                self.at = At::Content(length);
                Ok(true)
            }
            _ if !is_known(kind) => self.leave_out(length),
            _ if length > CONTENT_BYTES_MAX => Err(TooLong),
            _ => {
                self.at = after(length, At::Content);
                Ok(true)
            }
        }
    }

    fn leave_out(&mut self, length: u64) -> Result<bool, TooLong> {
        self.header.clear();
        self.at = after(length, At::LeftOut);
        Ok(false)
    }
}

fn after(left: u64, at: fn(u64) -> At) -> At {
    if left == 0 { At::Header } else { at(left) }
}

fn shorter(left: u64, length: usize) -> usize {
    usize::try_from(left).map_or(length, |left| left.min(length))
}

/// RFC 9000 section 16, and what follows it.
fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let (number, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    // The first two bits tell the length.
    Some((value & (u64::MAX >> (66 - 8 * number.len())), rest))
}

/// Those of RFC 9114, and the four of HTTP/2 that it refuses (section 7.2.8).
fn is_known(kind: u64) -> bool {
    matches!(kind, DATA..=0x9 | 0xd)
}

const CONTROL_STREAM: u64 = 0;
const DATA: u64 = 0;
const HEADERS: u64 = 1;

#[cfg(test)]
mod tests;
