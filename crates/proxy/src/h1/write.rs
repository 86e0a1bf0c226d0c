//! Heads to bytes.

use bytes::{BufMut, BytesMut};

/// A request's first line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
}

/// A response's first line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusLine {
    pub(crate) status: u16,
}

// === impl RequestLine ===

impl RequestLine<'_> {
    pub(crate) fn put(self, out: &mut BytesMut) {
        out.reserve(self.method.len() + self.target.len() + 16);
        out.put_slice(self.method);
        out.put_u8(b' ');
        out.put_slice(self.target);
        out.put_slice(b" HTTP/1.1\r\n");
    }
}

// === impl StatusLine ===

impl StatusLine {
    pub(crate) fn put(self, out: &mut BytesMut) {
        out.put_slice(b"HTTP/1.1 ");
        put_decimal(out, self.status.into());
        out.put_u8(b' ');
        out.put_slice(reason_of(self.status).as_bytes());
        out.put_slice(b"\r\n");
    }
}

pub(crate) fn put_field(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.put_slice(name);
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

pub(crate) fn put_decimal(out: &mut BytesMut, number: u64) {
    /// Of the greatest number.
    const DIGITS_MAX: usize = 20;
    let (mut digits, mut rest) = (arrayvec::ArrayVec::<u8, DIGITS_MAX>::new(), number);
    loop {
        digits.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits.reverse();
    out.put_slice(&digits);
}

/// A chunk's size and the end of its line (RFC 9112 section 7.1).
pub(crate) fn put_chunk_size(out: &mut BytesMut, size: usize) {
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        let nibble = (size >> (digit * 4)) & 0xF;
        out.put_u8(b"0123456789abcdef".get(nibble).copied().unwrap_or(b'0'));
    }
    out.put_slice(b"\r\n");
}

/// The phrases of RFC 9110 section 15 and of the numbers made by proxies in front of origins.
pub(crate) fn reason_of(status: u16) -> &'static str {
    match status {
        520 => "Web server returned an unknown error",
        521 => "Web server is down",
        522 => "Connection timed out",
        523 => "Origin is unreachable",
        524 => "A timeout occurred",
        525 => "SSL handshake failed",
        526 => "Invalid SSL certificate",
        530 => "Origin DNS error",
        other => {
            let known = http::StatusCode::from_u16(other).ok();
            known.and_then(|status| status.canonical_reason()).unwrap_or("")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 7, 10, 999, 65_536, u64::MAX] {
            let mut out = BytesMut::new();
            put_decimal(&mut out, number);
            assert_eq!(out, number.to_string());
            let mut out = BytesMut::new();
            let size = usize::try_from(number).unwrap();
            put_chunk_size(&mut out, size);
            assert_eq!(out, format!("{size:x}\r\n"));
        }
    }
}
