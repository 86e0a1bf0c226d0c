//! What a fuzzer asks of the reader: the same of any cut, and nothing that a second strict reader reads differently.

use bytes::BytesMut;

use super::body::Decoder;
use super::parse::{Scan, read_request};
use crate::exchange::Piece;
use crate::head::{Body, FIELDS_MAX, HEAD_BYTES_MAX, RequestHead};
use crate::refusal::Refusal;

/// One request: its head written out again, and its body with the number of trailers.
type Read = (Vec<u8>, Vec<u8>, usize);

/// All requests of a connection, up to its end or the first refusal, when it comes in parts of `size` bytes.
///
/// # Panics
/// When the reader let something through that it must not.
pub fn read_connection(bytes: &[u8], size: usize) -> (Vec<Read>, Option<u16>) {
    let (mut inbox, mut parts) = (BytesMut::new(), bytes.chunks(size.max(1)));
    let mut read = Vec::new();
    loop {
        match read_one(&mut inbox, &mut parts) {
            Ok(Some(one)) => read.push(one),
            Ok(None) => return (read, None),
            Err(refusal) => return (read, Some(refusal.status())),
        }
    }
}

fn read_one<'a>(
    inbox: &mut BytesMut,
    parts: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Read>, Refusal> {
    let mut scan = Scan::default();
    let length = loop {
        if let Some(length) = scan.find(inbox)? {
            break length;
        }
        match parts.next() {
            Some(part) => inbox.extend_from_slice(part),
            None => return Ok(None),
        }
    };
    let head = read_request(inbox.split_to(length), Vec::new())?;
    let written = write(&head);
    let (mut decoder, mut body) = (Decoder::new(head.body), Vec::new());
    loop {
        match decoder.next(inbox)? {
            Some(Piece::Data(data)) => body.extend_from_slice(&data),
            Some(Piece::End(trailers)) => {
                let trailers = trailers.map_or(0, |fields| fields.list.len());
                return Ok(Some((written, body, trailers)));
            }
            None => match parts.next() {
                Some(part) => inbox.extend_from_slice(part),
                None => return Ok(None),
            },
        }
    }
}

/// As an origin would get it, with its framing said once; read again it must be the same.
fn write(head: &RequestHead) -> Vec<u8> {
    let mut out = [head.method(), b" ", head.target(), b" HTTP/1.1\r\nhost: "].concat();
    out.extend_from_slice(head.fields.text(head.authority));
    out.extend_from_slice(b"\r\n");
    for (known, name, value) in head.fields.iter() {
        assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        if !known.is_of_one_hop() && !matches!(name, b"host" | b"content-length") {
            out.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
        }
    }
    match head.body {
        Body::Length(length) => {
            out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes())
        }
        Body::Streamed => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Body::None | Body::UntilClose => {}
    }
    out.extend_from_slice(b"\r\n");
    if let Ok(again) = read_request(BytesMut::from(&*out), Vec::new()) {
        assert_eq!((again.method(), again.target()), (head.method(), head.target()));
        assert_eq!((again.host(), again.body), (head.host(), head.body));
    } else {
        // Lines grow by the space behind each colon, and the host of a target becomes one more.
        let is_full = head.fields.list.len() == FIELDS_MAX || out.len() > HEAD_BYTES_MAX / 2;
        assert!(is_full, "what was read is not read again");
    }
    out
}
