//! Buffers of one thread, lent to connections while they have something in them: an idle connection holds none.

use std::cell::RefCell;

use bytes::BytesMut;

use crate::head::Field;

/// A head with room to spare, and most bodies.
pub(crate) const BUFFER_BYTES: usize = 16 * 1024;
/// Kept for the next that asks; more connections than this are seldom busy in one turn of a thread.
const KEPT_MAX: usize = 256;
/// A buffer that grew for a large body is not kept at that size.
const KEPT_BYTES_MAX: usize = 4 * BUFFER_BYTES;

/// Vectors of fields that are kept; heads are seldom more at a time.
const LISTS_MAX: usize = 256;

thread_local! {
    static LISTS: RefCell<Vec<Vec<Field>>> = const { RefCell::new(Vec::new()) };
    static KEPT: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn take() -> BytesMut {
    let kept = KEPT.with_borrow_mut(Vec::pop);
    let mut buffer = kept.unwrap_or_default();
    buffer.reserve(BUFFER_BYTES);
    buffer
}

/// An empty vector for the fields of a head.
pub(crate) fn take_list() -> Vec<Field> {
    LISTS.with_borrow_mut(Vec::pop).unwrap_or_default()
}

pub(crate) fn give_list(mut list: Vec<Field>) {
    list.clear();
    LISTS.with_borrow_mut(|lists| {
        if list.capacity() > 0 && lists.len() < LISTS_MAX {
            lists.push(list);
        }
    });
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
