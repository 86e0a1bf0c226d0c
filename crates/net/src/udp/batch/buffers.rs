//! The memory behind a batch: headers, addresses, control messages and datagrams, tied together
//! once. Between two batches only what the kernel overwrote in the messages of the last one is put
//! back; re-making every header for every call is what eats the gain of batching.

use std::alloc::{self, Layout};
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::ptr::{self, NonNull};
use std::slice;

use super::run::{Answer, Run};
use super::{BATCH, QUERY_ROOM, REPLY_ROOM};
use crate::udp::address::Name;
use crate::udp::control::{Control, forget_interface, is_same, set_segment};

/// One cache line between queries, or all of them would compete for the same few cache sets.
const LINE: usize = 64;

/// Owns one [`Memory`], about 400 KiB of which small queries touch a tenth. Message `i` of
/// `incoming` stays with `names[i]`, `controls[i]` and `queries[i]`; `outgoing_parts[k]` leads to the
/// bytes of `answers[k]` in `replies`. `outgoing[m]` is `runs[m]`.
pub(super) struct Buffers {
    memory: NonNull<Memory>,
    answers: Vec<Answer>,
    /// Where the next reply begins.
    next_reply: usize,
    runs: Vec<Run>,
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
    queries: [[u8; QUERY_ROOM + LINE]; BATCH],
    /// One reply behind the other, each from the beginning of a cache line: short ones fill few lines and pages.
    replies: [u8; BATCH * REPLY_ROOM],
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
        let (answers, runs) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        Buffers { memory, answers, next_reply: 0, runs, touched: BATCH }
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

    /// One `sendmmsg` of the messages from `next` on: how many it sent, at least one, or why the first
    /// of them cannot be sent.
    pub(super) fn send(&mut self, socket: RawFd, next: usize) -> io::Result<usize> {
        let memory = self.memory.as_ptr();
        let messages = self.runs.len().min(BATCH).saturating_sub(next) as libc::c_uint;
        // SAFETY: the headers handed over lie within `outgoing`, and `address` completed each of them: all
        // that it leads to is our own memory with the lengths written there, and no Rust reference into it
        // exists during the call.
        let outcome = unsafe {
            libc::sendmmsg(socket, (&raw mut (*memory).outgoing[next]).cast(), messages, 0)
        };
        match usize::try_from(outcome) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(sent) => Ok(sent),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Query `i`, its sender and the room for the next reply, unless the query was cut off.
    #[inline]
    pub(super) fn query_and_reply(&mut self, i: usize) -> Option<(&[u8], SocketAddr, &mut [u8])> {
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
                slice::from_raw_parts_mut(reply_at(memory, self.next_reply), REPLY_ROOM),
            )
        };
        Some((query, from, reply))
    }

    /// Makes the first `len` bytes of the room for the next reply the answer to query `query`.
    #[inline]
    pub(super) fn keep(&mut self, query: usize, to: SocketAddr, len: usize) {
        let (at, len) = (self.next_reply, len.min(REPLY_ROOM));
        self.answers.push(Answer { query, to, at, len });
        self.next_reply = at + len.next_multiple_of(LINE);
    }

    /// Makes messages of the answers from `first` on, in runs or each alone; gives how many.
    pub(super) fn address(&mut self, first: usize, in_runs: bool) -> usize {
        self.runs.clear();
        for k in first..self.answers.len() {
            let answer = self.answers[k];
            if !(in_runs && self.join(k, &answer)) {
                self.begin(k, answer);
            }
        }
        self.runs.len()
    }

    /// A message for answer `k`: back to where its query came from, and from the address that was asked where the
    /// kernel told.
    fn begin(&mut self, k: usize, answer: Answer) {
        let (memory, m) = (self.memory.as_ptr(), self.runs.len());
        // SAFETY: three different fields of our own memory, to which no other reference exists; the
        // indices are checked.
        let (asked, message, part) = unsafe {
            (
                &(*memory).incoming[answer.query].msg_hdr,
                &mut (*memory).outgoing[m].msg_hdr,
                &mut (*memory).outgoing_parts[k],
            )
        };
        // SAFETY: `link` pointed `asked` at a control message of our memory, its length is what
        // the kernel wrote there, and no reference leads to it.
        unsafe { forget_interface(asked) };
        // SAFETY: our own memory, to whose replies no reference exists.
        let iov_base = unsafe { reply_at(memory, answer.at) }.cast();
        *part = libc::iovec { iov_base, iov_len: answer.len };
        message.msg_name = asked.msg_name;
        message.msg_namelen = asked.msg_namelen;
        message.msg_control = asked.msg_control;
        message.msg_controllen = asked.msg_controllen;
        message.msg_iov = part;
        message.msg_iovlen = 1;
        self.runs.push(Run::of(answer));
    }

    /// Answer `k` becomes one more segment of the last message, if it takes the same way.
    #[inline]
    fn join(&mut self, k: usize, answer: &Answer) -> bool {
        let (memory, messages) = (self.memory.as_ptr(), self.runs.len());
        let Some(run) = self.runs.last_mut().filter(|run| run.takes(answer)) else { return false };
        // SAFETY: four different fields of our own memory, to which no other reference exists; the
        // indices are checked, and the queries of two answers are two.
        let (first, asked, message, part) = unsafe {
            (
                &(*memory).incoming[run.first.query].msg_hdr,
                &(*memory).incoming[answer.query].msg_hdr,
                &mut (*memory).outgoing[messages - 1].msg_hdr,
                &mut (*memory).outgoing_parts[k],
            )
        };
        // SAFETY: `link` pointed both at control messages of our memory that are as long as the kernel
        // said, but for the segment's length behind that of `first`, and no reference leads to them.
        let joined = unsafe {
            forget_interface(asked);
            is_same(first, asked) && set_segment(message, first.msg_controllen as _, run.first.len)
        };
        if joined {
            // SAFETY: our own memory, to whose replies no reference exists.
            let iov_base = unsafe { reply_at(memory, answer.at) }.cast();
            *part = libc::iovec { iov_base, iov_len: answer.len };
            run.push(answer);
            message.msg_iovlen = run.answers as _;
        }
        joined
    }

    /// How many answers leave in `messages` messages from `next` on.
    pub(super) fn answers_in(&self, next: usize, messages: usize) -> usize {
        self.runs.iter().skip(next).take(messages).map(|run| run.answers).sum()
    }

    /// The lengths of name and control message, where the kernel leaves what it used of them, and no answers.
    fn put_back(&mut self) {
        for i in 0..self.touched {
            // SAFETY: our own memory, to which no other reference exists; `i` is checked.
            let header = unsafe { &mut (*self.memory.as_ptr()).incoming[i].msg_hdr };
            header.msg_namelen = size_of::<Name>() as libc::socklen_t;
            header.msg_controllen = size_of::<Control>() as _;
        }
        self.touched = 0;
        self.answers.clear();
        self.next_reply = 0;
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

/// Where a reply with all its room is.
///
/// # Safety
/// `memory` must point to a Memory to whose replies no reference exists.
#[inline]
unsafe fn reply_at(memory: *mut Memory, at: usize) -> *mut u8 {
    assert!(at <= BATCH * REPLY_ROOM - REPLY_ROOM, "a reply has room behind those before it");
    // SAFETY: by the contract the place is within the Memory.
    unsafe { (&raw mut (*memory).replies).cast::<u8>().add(at) }
}

// Rounded up to a line, replies are not longer than their room.
const _: () = assert!(REPLY_ROOM.is_multiple_of(LINE));

/// Ties message `i` to its name, control message and datagram.
///
/// # Safety
/// `memory` must point to a zeroed Memory that nothing else uses; `i` must be below BATCH.
unsafe fn link(memory: *mut Memory, i: usize) {
    // SAFETY: by the contract every place named here is within the Memory and ours to write.
    unsafe {
        (*memory).incoming_parts[i] =
            libc::iovec { iov_base: (&raw mut (*memory).queries[i]).cast(), iov_len: QUERY_ROOM };
        let incoming = &raw mut (*memory).incoming[i].msg_hdr;
        (*incoming).msg_name = (&raw mut (*memory).names[i]).cast();
        (*incoming).msg_control = (&raw mut (*memory).controls[i]).cast();
        (*incoming).msg_iov = &raw mut (*memory).incoming_parts[i];
        (*incoming).msg_iovlen = 1;
    }
}
