//! The memory behind a batch: headers, addresses, control messages and datagrams, tied together
//! once. Between two batches only what the kernel overwrote in the messages of the last one is put
//! back; re-making every header for every call is what eats the gain of batching.

use std::alloc::{self, Layout};
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::ptr::{self, NonNull};
use std::slice;

use super::{BATCH, QUERY_ROOM, REPLY_ROOM};
use crate::udp::address::Name;
use crate::udp::control::{Control, forget_interface};

/// One cache line between datagrams, or all of them would compete for the same few cache sets.
const STRIDE_GAP: usize = 64;

/// Owns one [`Memory`], about 400 KiB of which small queries touch a tenth. Message `i` of
/// `incoming` stays with `names[i]`, `controls[i]` and `queries[i]`; `outgoing[k]` with
/// `replies[k]`.
pub(super) struct Buffers {
    memory: NonNull<Memory>,
    /// Messages at the front of `incoming` whose in-out fields the kernel has changed.
    touched: usize,
}

#[repr(C)]
struct Memory {
    incoming: [libc::mmsghdr; BATCH],
    outgoing: [libc::mmsghdr; BATCH],
    incoming_parts: [libc::iovec; BATCH],
    outgoing_parts: [libc::iovec; BATCH],
    names: [Name; BATCH],
    controls: [Control; BATCH],
    queries: [[u8; QUERY_ROOM + STRIDE_GAP]; BATCH],
    replies: [[u8; REPLY_ROOM + STRIDE_GAP]; BATCH],
}

// === impl Buffers ===

// SAFETY: the memory is owned by this value alone, and the pointers in it lead only into itself.
unsafe impl Send for Buffers {}

impl Buffers {
    pub(super) fn new() -> Self {
        let layout = Layout::new::<Memory>();
        // SAFETY: Memory is not empty.
        let bytes = unsafe { alloc::alloc_zeroed(layout) };
        let Some(memory) = NonNull::new(bytes.cast::<Memory>()) else {
            alloc::handle_alloc_error(layout)
        };
        for i in 0..BATCH {
            // SAFETY: `memory` was just allocated for a Memory, whose fields are integers, arrays
            // of them and pointers, all valid when zero; `i` is below BATCH.
            unsafe { link(memory.as_ptr(), i) };
        }
        Buffers { memory, touched: BATCH }
    }

    /// One `recvmmsg`: how many datagrams it took, at least one.
    pub(super) fn receive(&mut self, socket: RawFd) -> io::Result<usize> {
        self.put_back();
        let memory = self.memory.as_ptr();
        // SAFETY: each header leads to a name, a control message and a datagram within our own
        // memory (`link`) with sizes no larger than theirs (`put_back`); no Rust reference into
        // the memory exists during the call.
        let outcome = unsafe {
            libc::recvmmsg(
                socket,
                (&raw mut (*memory).incoming).cast(),
                BATCH as libc::c_uint,
                libc::MSG_WAITFORONE,
                ptr::null_mut(),
            )
        };
        self.touched = usize::try_from(outcome).map_err(|_| io::Error::last_os_error())?;
        Ok(self.touched)
    }

    /// One `sendmmsg` of replies `next..count`: how many it sent, at least one, or why the first
    /// of them cannot be sent.
    pub(super) fn send(&mut self, socket: RawFd, next: usize, count: usize) -> io::Result<usize> {
        let memory = self.memory.as_ptr();
        let messages = count.min(BATCH).saturating_sub(next) as libc::c_uint;
        // SAFETY: the headers handed over lie within `outgoing`. Each is still zero but for its
        // datagram of length 0, or was completed by `address_reply`; all that it leads to is our
        // own memory with the lengths written there, and no Rust reference into it exists during
        // the call.
        let outcome = unsafe {
            libc::sendmmsg(socket, (&raw mut (*memory).outgoing[next]).cast(), messages, 0)
        };
        match usize::try_from(outcome) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(sent) => Ok(sent),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Query `i`, its sender and the room for reply `k`, unless the query was cut off.
    #[inline]
    pub(super) fn query_and_reply(
        &mut self,
        i: usize,
        k: usize,
    ) -> Option<(&[u8], SocketAddr, &mut [u8])> {
        let memory = self.memory.as_ptr();
        // SAFETY: our own memory, to which no other reference exists; `i` is checked.
        let (message, name) = unsafe { (&(*memory).incoming[i], &(*memory).names[i]) };
        if message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
            return None;
        }
        let from = name.address()?;
        let len = (message.msg_len as usize).min(QUERY_ROOM);
        // SAFETY: a query and a reply are different fields, each at least as long as given and
        // wholly written (zeroed at first); both borrows end with that of `self`, and the kernel
        // gets them only in calls that need `&mut self`; the indices are checked.
        let (query, reply) = unsafe {
            (
                slice::from_raw_parts((&raw const (*memory).queries[i]).cast(), len),
                slice::from_raw_parts_mut((&raw mut (*memory).replies[k]).cast(), REPLY_ROOM),
            )
        };
        Some((query, from, reply))
    }

    /// Makes the first `len` bytes of reply `k` the answer to query `i`: back to where that came
    /// from, and from the address it was sent to where the kernel told.
    #[inline]
    pub(super) fn address_reply(&mut self, k: usize, i: usize, len: usize) {
        let memory = self.memory.as_ptr();
        // SAFETY: three different fields of our own memory, to which no other reference exists;
        // the indices are checked.
        let (asked, answer, part) = unsafe {
            (
                &(*memory).incoming[i].msg_hdr,
                &mut (*memory).outgoing[k].msg_hdr,
                &mut (*memory).outgoing_parts[k],
            )
        };
        // SAFETY: `link` pointed `asked` at a control message of our memory, its length is what
        // the kernel wrote there, and no reference leads to it.
        unsafe { forget_interface(asked) };
        answer.msg_name = asked.msg_name;
        answer.msg_namelen = asked.msg_namelen;
        answer.msg_control = asked.msg_control;
        answer.msg_controllen = asked.msg_controllen;
        part.iov_len = len.min(REPLY_ROOM);
    }

    /// The lengths of name and control message, where the kernel leaves what it used of them.
    fn put_back(&mut self) {
        for i in 0..self.touched {
            // SAFETY: our own memory, to which no other reference exists; `i` is checked.
            let header = unsafe { &mut (*self.memory.as_ptr()).incoming[i].msg_hdr };
            header.msg_namelen = size_of::<Name>() as libc::socklen_t;
            header.msg_controllen = size_of::<Control>() as _;
        }
        self.touched = 0;
    }

    /// Makes sender `i` one that the kernel refuses to send to.
    #[cfg(test)]
    pub(super) fn spoil_sender(&mut self, i: usize) {
        // SAFETY: our own memory, to which no other reference exists; `i` is checked.
        unsafe { (*self.memory.as_ptr()).names[i].v4.sin_port = 0 };
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout, and freed only here.
        unsafe { alloc::dealloc(self.memory.as_ptr().cast(), Layout::new::<Memory>()) };
    }
}

/// Ties message `i` to its name, control message and datagram, and answer `i` to its datagram.
///
/// # Safety
/// `memory` must point to a zeroed Memory that nothing else uses; `i` must be below BATCH.
unsafe fn link(memory: *mut Memory, i: usize) {
    // SAFETY: by the contract every place named here is within the Memory and ours to write.
    unsafe {
        (*memory).incoming_parts[i] =
            libc::iovec { iov_base: (&raw mut (*memory).queries[i]).cast(), iov_len: QUERY_ROOM };
        (*memory).outgoing_parts[i].iov_base = (&raw mut (*memory).replies[i]).cast();
        let incoming = &raw mut (*memory).incoming[i].msg_hdr;
        (*incoming).msg_name = (&raw mut (*memory).names[i]).cast();
        (*incoming).msg_control = (&raw mut (*memory).controls[i]).cast();
        (*incoming).msg_iov = &raw mut (*memory).incoming_parts[i];
        (*incoming).msg_iovlen = 1;
        let outgoing = &raw mut (*memory).outgoing[i].msg_hdr;
        (*outgoing).msg_iov = &raw mut (*memory).outgoing_parts[i];
        (*outgoing).msg_iovlen = 1;
    }
}
