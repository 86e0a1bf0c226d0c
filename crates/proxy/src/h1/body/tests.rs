use super::*;
use proptest::prelude::*;

/// What a decoder makes of bytes that come in parts: the body with its trailers, whether it ended, or a refusal.
fn decode(body: Body, parts: &[&[u8]]) -> Result<(Vec<u8>, Option<usize>, usize), Refusal> {
    let (mut decoder, mut inbox) = (Decoder::new(body), BytesMut::new());
    let (mut data, mut trailers) = (Vec::new(), None);
    for part in parts {
        inbox.extend_from_slice(part);
        loop {
            match decoder.next(&mut inbox)? {
                None => break,
                Some(Piece::Data(piece)) => data.extend_from_slice(&piece),
                Some(Piece::End(fields)) => {
                    trailers = Some(fields.map_or(0, |fields| fields.list.len()));
                    break;
                }
            }
        }
        if trailers.is_some() {
            break;
        }
    }
    Ok((data, trailers, inbox.len()))
}

/// Bytes of the body, trailers if it ended, and bytes of what follows it; the same in one part and byte by byte.
fn check(body: Body, wire: &str, want: Result<(&str, Option<usize>, usize), Refusal>) {
    let want = want.map(|(data, trailers, left)| (data.as_bytes().to_vec(), trailers, left));
    assert_eq!(decode(body, &[wire.as_bytes()]), want, "{wire:?}");
    let bytes: Vec<&[u8]> = wire.as_bytes().chunks(1).collect();
    let one_by_one = decode(body, &bytes);
    let without_left = |read: Result<(Vec<u8>, Option<usize>, usize), Refusal>| {
        read.map(|(data, trailers, _)| (data, trailers))
    };
    assert_eq!(without_left(one_by_one), without_left(want), "{wire:?} byte by byte");
}

#[test]
fn rfc_9112_section_7_1_chunks() {
    let chunked = |wire: &str, want| check(Body::Streamed, wire, want);
    chunked("3\r\nabc\r\n0\r\n\r\n", Ok(("abc", Some(0), 0)));
    chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET", Ok(("abcde", Some(0), 3)));
    chunked("A\r\n0123456789\r\n0\r\n\r\n", Ok(("0123456789", Some(0), 0)));
    chunked("003;a=b;c=\"d\"\r\nabc\r\n0\r\n\r\n", Ok(("abc", Some(0), 0)));
    chunked("0\r\nx-sum: 1\r\ny: 2\r\n\r\n", Ok(("", Some(2), 0)));
    chunked("3 \t;a=b\r\nabc\r\n0 ;c\r\n\r\n", Ok(("abc", Some(0), 0)));
    chunked("3\r\nab", Ok(("ab", None, 0)));
    chunked("", Ok(("", None, 0)));
    for refused in [
        "3\nabc\r\n0\r\n\r\n",
        "\r\n0\r\n\r\n",
        "x\r\n",
        "-1\r\n",
        "+3\r\nabc\r\n",
        "0x3\r\nabc\r\n",
        "3 \r\nabc\r\n",
        " 3\r\nabc\r\n",
        "3xyz\r\n",
        "3 \r;a\r\nabc\r\n",
        "3 ;\0\r\nabc\r\n",
        "3;\0\r\nabc\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "1234567890123456\r\n",
        "3;a\x7f\r\nabc\r\n",
    ] {
        let read = decode(Body::Streamed, &[refused.as_bytes()]);
        assert_eq!(read.map(|(data, ..)| data), Err(Refusal::Chunk), "{refused:?}");
    }
    let endless = "1;".to_owned() + &"a".repeat(300);
    assert_eq!(decode(Body::Streamed, &[endless.as_bytes()]).map(|_| ()), Err(Refusal::Chunk));
}

#[test]
fn rfc_9110_section_6_5_1_what_frames_a_message_does_not_trail_it() {
    for line in [
        "content-length: 3",
        "Transfer-Encoding: chunked",
        "host: a",
        "trailer: x",
        "connection: close",
        "cookie: a=b",
        "a : b",
        " a: b",
        "a",
    ] {
        let wire = format!("0\r\n{line}\r\n\r\n");
        let read = decode(Body::Streamed, &[wire.as_bytes()]).map(|_| ());
        assert_eq!(read, Err(Refusal::Trailers), "{line}");
    }
    let long = format!("0\r\na: {}", "b".repeat(TRAILER_BYTES_MAX));
    assert_eq!(decode(Body::Streamed, &[long.as_bytes()]).map(|_| ()), Err(Refusal::Trailers));
}

#[test]
fn a_body_with_a_length_ends_there() {
    check(Body::Length(3), "abcdef", Ok(("abc", Some(0), 3)));
    check(Body::Length(3), "ab", Ok(("ab", None, 0)));
    check(Body::None, "abc", Ok(("", Some(0), 3)));
    check(Body::UntilClose, "abc", Ok(("abc", None, 0)));
    assert!(Decoder::new(Body::UntilClose).ends_with_connection());
    assert!(!Decoder::new(Body::Length(3)).ends_with_connection());
    assert!(!Decoder::new(Body::Streamed).ends_with_connection());
}

proptest! {
    #[test]
    fn what_was_cut_into_chunks_comes_out_whole(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
        size in 1..50_usize,
    ) {
        let mut wire = Vec::new();
        for chunk in &chunks {
            wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n\r\n");
        let parts: Vec<&[u8]> = wire.chunks(size).collect();
        prop_assert_eq!(decode(Body::Streamed, &parts), Ok((chunks.concat(), Some(0), 0)));
    }

    #[test]
    fn rubbish_never_harms(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _read = decode(Body::Streamed, &[&bytes]);
    }
}
