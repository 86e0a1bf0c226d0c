use super::*;

fn number(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![value as u8],
        0x40..0x4000 => (value as u16 | 0x4000).to_be_bytes().into(),
        0x4000..0x4000_0000 => (value as u32 | 0x8000_0000).to_be_bytes().into(),
        _ => (value | 0xC000_0000_0000_0000).to_be_bytes().into(),
    }
}

fn frame(kind: u64, content: &[u8]) -> Vec<u8> {
    [number(kind), number(content.len() as u64), content.into()].concat()
}

/// What goes on of the bytes, what it costs, and whether the stream may end there, in reads of each size.
fn check(frames: fn() -> Frames, sent: &[u8], want: Result<(&[u8], u32, bool), TooLong>) {
    for size in [1, 2, 3, 7, 4096] {
        let mut frames = frames();
        let mut passed = Vec::new();
        let mut read = || {
            for part in sent.chunks(size) {
                let mut bytes = Bytes::copy_from_slice(part);
                while let Some(part) = frames.take(&mut bytes)? {
                    passed.extend_from_slice(&part);
                }
            }
            Ok(())
        };
        let read: Result<(), TooLong> = read();
        let got = read.map(|()| (&*passed, frames.take_costs(), frames.is_between()));
        assert_eq!(got, want, "{sent:?} in reads of {size}");
    }
}

#[test]
fn rfc_9000_section_16_numbers_tell_their_length() {
    let check = |bytes: &[u8], want| assert_eq!(read_number(bytes), want, "{bytes:x?}");
    check(&[], None);
    check(&[0x25], Some((37, &[][..])));
    check(&[0x40], None);
    check(&[0x40, 0x25], Some((37, &[][..])));
    check(&[0x7b, 0xbd, 9], Some((15_293, &[9][..])));
    check(&[0x9d, 0x7f, 0x3e, 0x7d], Some((494_878_333, &[][..])));
    let eight = [0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c];
    check(&eight, Some((151_288_809_941_952_652, &[][..])));
    check(&[0xff; 8], Some(((1 << 62) - 1, &[][..])));
}

#[test]
fn rfc_9114_section_4_1_a_request_goes_on_as_it_came() {
    let request = [frame(HEADERS, b"head"), frame(DATA, &[7; 300]), frame(HEADERS, b"")].concat();
    check(Frames::of_request, &request, Ok((&request, 0, true)));
}

#[test]
fn rfc_9114_section_9_frames_that_nobody_knows_are_left_out() {
    let head = frame(HEADERS, b"head");
    for unknown in
        [frame(0x21, &[7; 100]), frame(0x21, b""), frame(0xf_0700, b"u=1"), frame(DATA, b"")]
    {
        let sent = [&*unknown, &head, &unknown].concat();
        check(Frames::of_request, &sent, Ok((&head, 2, true)));
    }
}

#[test]
fn rfc_9114_section_7_1_a_stream_ends_between_frames() {
    let check =
        |sent: &[u8], passed: &[u8]| check(Frames::of_request, sent, Ok((passed, 0, false)));
    check(&[0x1], &[]);
    check(&[0x1, 0x40], &[]);
    check(&[0x1, 2, b'a'], &[0x1, 2, b'a']);
    check(&[0x0, 2, b'a'], &[0x0, 2, b'a']);
}

#[test]
fn only_data_may_be_long() {
    let begin = |kind, length| [number(kind), number(length)].concat();
    for kind in [1, 3, 4, 5, 7, 0xd] {
        check(Frames::of_request, &begin(kind, CONTENT_BYTES_MAX + 1), Err(TooLong));
    }
    let (most, data) = (begin(HEADERS, CONTENT_BYTES_MAX), begin(DATA, 1 << 40));
    check(Frames::of_request, &most, Ok((&most, 0, false)));
    check(Frames::of_request, &data, Ok((&data, 0, false)));
}

#[test]
fn rfc_9114_section_6_2_a_one_way_stream_tells_what_it_is() {
    let settings = [&[0][..], &frame(4, &[6, 1])].concat();
    check(Frames::one_way, &settings, Ok((&settings, 1, true)));
    // Instructions of QPACK (RFC 9204 section 4.2) and what nobody knows are no frames.
    for other in [&[2, 0xff, 0xff, 0xff][..], &[3, 1], &[0x21, 4, 4, 4]] {
        check(Frames::one_way, other, Ok((other, 0, true)));
    }
}
