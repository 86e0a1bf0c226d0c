//! Buffers of one thread, lent to connections while they have something in them: an idle connection holds none.

use std::cell::RefCell;

use bytes::BytesMut;

use crate::head::Fields;

/// A head with room to spare, and most bodies.
pub(crate) const BUFFER_BYTES: usize = 16 * 1024;
/// Kept for the next that asks; more connections than this are seldom busy in one turn of a thread.
const KEPT_MAX: usize = 256;
/// A buffer that grew for a large body is not kept at that size.
const KEPT_BYTES_MAX: usize = 4 * BUFFER_BYTES;

/// Heads that are kept; there are seldom more at a time.
const HEADS_MAX: usize = 256;
/// A head that was longer is not kept at that size.
const HEAD_BYTES_MAX: usize = 4 * 1024;

thread_local! {
    static HEADS: RefCell<Vec<Fields>> = const { RefCell::new(Vec::new()) };
    static KEPT: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn take() -> BytesMut {
    let kept = KEPT.with_borrow_mut(Vec::pop);
    let mut buffer = kept.unwrap_or_default();
    buffer.reserve(BUFFER_BYTES);
    buffer
}

/// A head's bytes by themselves, so that the buffer they came in is whole for what comes next; without its fields.
pub(crate) fn take_head(bytes: &[u8]) -> Fields {
    let mut head = HEADS.with_borrow_mut(Vec::pop).unwrap_or_default();
    head.bytes.extend_from_slice(bytes);
    head
}

pub(crate) fn give_head(mut head: Fields) {
    head.bytes.clear();
    head.list.clear();
    if head.bytes.capacity() > 0 && head.bytes.capacity() <= HEAD_BYTES_MAX {
        HEADS.with_borrow_mut(|heads| {
            if heads.len() < HEADS_MAX {
                heads.push(head);
            }
        });
    }
}

/// What is in it is gone.
pub(crate) fn give(mut buffer: BytesMut) {
    buffer.clear();
    if buffer.capacity() > 0 && buffer.capacity() <= KEPT_BYTES_MAX {
        KEPT.with_borrow_mut(|kept| {
            if kept.len() < KEPT_MAX {
                kept.push(buffer);
            }
        });
    }
}
