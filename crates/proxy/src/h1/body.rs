//! Where a body ends: by length, by chunks, or with the connection (RFC 9112 sections 6 and 7).

use bytes::{Buf, Bytes, BytesMut};

use super::parse::{Scan, read_trailers};
use crate::exchange::Piece;
use crate::head::{Body, Fields, Known};
use crate::refusal::Refusal;

/// Cuts a body out of what a connection brings.
#[derive(Debug)]
pub(crate) enum Decoder {
    Length(u64),
    /// The size line of a chunk comes next.
    Size,
    /// So much of a chunk's data is left, then its CRLF.
    Data(u64),
    DataEnd,
    Trailers(Scan),
    UntilClose,
    Done,
}

/// Of a chunk's size line: hexadecimal digits that hold any length, and an extension that nobody uses.
const SIZE_LINE_BYTES_MAX: usize = 256;
/// More digits only hide an overflow.
const SIZE_DIGITS_MAX: usize = 15;
/// Trailers are few; those of gRPC carry a message.
const TRAILER_BYTES_MAX: usize = 16 * 1024;

// === impl Decoder ===

impl Decoder {
    pub(crate) fn new(body: Body) -> Decoder {
        match body {
            Body::None => Decoder::Done,
            Body::Length(length) => Decoder::Length(length),
            Body::Streamed => Decoder::Size,
            Body::UntilClose => Decoder::UntilClose,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Decoder::Done)
    }

    /// The next piece in what has come, or None when more must come first.
    pub(crate) fn next(&mut self, from: &mut BytesMut) -> Result<Option<Piece>, Refusal> {
        loop {
            match self {
                Decoder::Done => return Ok(Some(Piece::End(None))),
                Decoder::Length(left) => {
                    let Some(data) = take(from, left) else { return Ok(None) };
                    if *left == 0 {
                        *self = Decoder::Done;
                    }
                    return Ok(Some(Piece::Data(data)));
                }
                Decoder::UntilClose => {
                    let data = from.split().freeze();
                    return Ok((!data.is_empty()).then_some(Piece::Data(data)));
                }
                Decoder::Size => {
                    let Some(size) = take_size(from)? else { return Ok(None) };
                    *self = match size {
                        0 => Decoder::Trailers(Scan::default()),
                        size => Decoder::Data(size),
                    };
                }
                Decoder::Data(left) => {
                    let Some(data) = take(from, left) else { return Ok(None) };
                    if *left == 0 {
                        *self = Decoder::DataEnd;
                    }
                    return Ok(Some(Piece::Data(data)));
                }
                Decoder::DataEnd => {
                    let Some(end) = from.get(..2) else { return Ok(None) };
                    if end != b"\r\n" {
                        return Err(Refusal::Chunk);
                    }
                    from.advance(2);
                    *self = Decoder::Size;
                }
                Decoder::Trailers(scan) => {
                    let Some(trailers) = take_trailers(from, scan)? else { return Ok(None) };
                    *self = Decoder::Done;
                    return Ok(Some(Piece::End(trailers)));
                }
            }
        }
    }

    /// The connection ended. True when that ends the body, too.
    pub(crate) fn ends_with_connection(&mut self) -> bool {
        if matches!(self, Decoder::UntilClose) {
            *self = Decoder::Done;
        }
        self.is_done()
    }
}

fn take(from: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(from.len());
    *left -= length as u64;
    (length > 0).then(|| from.split_to(length).freeze())
}

/// Hexadecimal digits, perhaps an extension, CRLF.
fn take_size(from: &mut BytesMut) -> Result<Option<u64>, Refusal> {
    let Some(end) = memchr::memchr(b'\n', from) else {
        return if from.len() > SIZE_LINE_BYTES_MAX { Err(Refusal::Chunk) } else { Ok(None) };
    };
    let line = from.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Refusal::Chunk)?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extension) = line.split_at(digits);
    let size = read_size(digits).filter(|_| line.len() <= SIZE_LINE_BYTES_MAX);
    if !is_extension(extension) {
        return Err(Refusal::Chunk);
    }
    from.advance(end + 1);
    size.map(Some).ok_or(Refusal::Chunk)
}

fn read_size(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > SIZE_DIGITS_MAX {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |sum, digit| Some(sum << 4 | u64::from((*digit as char).to_digit(16)?)))
}

/// It ends here, so that only its being one matters (RFC 9112 section 7.1.1). White space may be before it, and not in its
/// place.
fn is_extension(extension: &[u8]) -> bool {
    if extension.is_empty() {
        return true;
    }
    let space = extension.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match extension.get(space..).unwrap_or_default() {
        [b';', rest @ ..] => rest.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')),
        _ => false,
    }
}

fn take_trailers(from: &mut BytesMut, scan: &mut Scan) -> Result<Option<Option<Fields>>, Refusal> {
    // The empty line alone, which nearly always comes.
    if from.get(..2) == Some(b"\r\n") {
        from.advance(2);
        return Ok(Some(None));
    }
    let found = scan.find(from).map_err(|_why| Refusal::Trailers)?;
    let Some(length) = found else {
        return if from.len() > TRAILER_BYTES_MAX { Err(Refusal::Trailers) } else { Ok(None) };
    };
    let trailers = read_trailers(from.split_to(length))?;
    match trailers.list.iter().all(|field| may_trail(field.known)) {
        true => Ok(Some(Some(trailers))),
        false => Err(Refusal::Trailers),
    }
}

/// RFC 9110 section 6.5.1: what frames, routes or authenticates a message stands before it.
pub(crate) fn may_trail(known: Known) -> bool {
    matches!(known, Known::Other | Known::Date)
}

#[cfg(test)]
mod tests;
