//! Counts what a client makes this node do for nothing: frames that carry no request and no body. A connection with more
//! of them than any client has reason to send ends, and its origins hear nothing of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::costs::{Costs, RESET_COSTS};
use crate::stream::Stream;

/// A connection whose frames are counted on their way in.
#[derive(Debug)]
pub(super) struct Guarded {
    stream: Stream,
    /// Read before anybody knew which protocol it is.
    before: BytesMut,
    frames: Frames,
    /// As whoever serves the connection was told it last.
    is_full: bool,
    ending: Arc<Ending>,
}

/// How a connection is to end, between whoever serves it and its socket.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// The socket takes nothing more for now.
    is_full: AtomicBool,
    /// What was sent is to be read before the socket goes.
    lingers: AtomicBool,
}

/// Reads the headers of frames, wherever reads cut them.
#[derive(Debug)]
struct Frames {
    /// Bytes that belong to the preface or to a frame's content.
    skip: u64,
    header: [u8; HEADER_BYTES],
    filled: usize,
    costs: Costs,
    /// What the client was sent, for which it may update its windows.
    sent: u64,
    /// The first frame was what it must be.
    is_begun: bool,
    /// A field block is under way, and this many frames of it have come.
    continued: u32,
}

/// RFC 9113 section 4.1.
const HEADER_BYTES: usize = 9;
/// Bytes sent for which a client may open its window once: fewer than any client waits for.
const BYTES_PER_UPDATE: u64 = 512;
/// Read at a time for the sake of the close alone.
const DISCARDED_BYTES: usize = 1024;
/// A field block of all the bytes that one may have needs five.
const CONTINUATIONS_MAX: u32 = 8;

// === impl Guarded ===

impl Guarded {
    pub(super) fn new(stream: Stream, before: BytesMut) -> Guarded {
        let mut frames = Frames::new();
        // What came with the preface is within any limit.
        let _counted = frames.see(&before, Instant::now());
        Guarded { stream, before, frames, is_full: false, ending: Arc::default() }
    }

    pub(super) fn ending(&self) -> Arc<Ending> {
        Arc::clone(&self.ending)
    }

    fn note(&mut self, is_full: bool) {
        if self.is_full != is_full {
            self.is_full = is_full;
            self.ending.is_full.store(is_full, Ordering::Relaxed);
        }
    }

    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; DISCARDED_BYTES];
        loop {
            let mut into = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut into))?;
            if into.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

// === impl Ending ===

impl Ending {
    /// Not all that was written is with the kernel.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// From now on the end of the connection waits for the client's.
    pub(super) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.before.is_empty() {
            let length = this.before.len().min(into.remaining());
            into.put_slice(&this.before.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let start = into.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, into))?;
        let read = into.filled().get(start..).unwrap_or_default();
        match this.frames.see(read, Instant::now()) {
            true => Poll::Ready(Ok(())),
            false => Poll::Ready(Err(io::Error::other("too many frames without use"))),
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.note(polled.is_pending());
        let written = ready!(polled)?;
        this.frames.sent += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, parts);
        this.note(polled.is_pending());
        let written = ready!(polled)?;
        this.frames.sent += written as u64;
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        this.note(polled.is_pending());
        polled
    }

    /// A socket that goes while bytes come that nobody reads is reset, and the client loses what it has not read.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        if this.ending.lingers.load(Ordering::Relaxed) {
            return this.poll_discard(cx);
        }
        Poll::Ready(Ok(()))
    }
}

// === impl Frames ===

impl Frames {
    fn new() -> Frames {
        Frames {
            skip: super::PREFACE.len() as u64,
            header: [0; HEADER_BYTES],
            filled: 0,
            costs: Costs::default(),
            sent: 0,
            is_begun: false,
            continued: 0,
        }
    }

    /// False once there are too many.
    fn see(&mut self, mut bytes: &[u8], now: Instant) -> bool {
        while bytes.has_remaining() {
            let skipped = self.skip.min(bytes.len() as u64);
            self.skip -= skipped;
            bytes.advance(usize::try_from(skipped).unwrap_or(bytes.len()));
            while self.skip == 0 && self.filled < HEADER_BYTES && bytes.has_remaining() {
                if let Some(byte) = self.header.get_mut(self.filled) {
                    *byte = bytes.get_u8();
                }
                self.filled += 1;
            }
            if self.filled == HEADER_BYTES {
                self.filled = 0;
                if !self.count(now) {
                    return false;
                }
            }
        }
        true
    }

    fn count(&mut self, now: Instant) -> bool {
        let [a, b, c, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.skip = length.into();
        // RFC 9113 section 3.4: SETTINGS, and not an acknowledgement of ours.
        if !self.is_begun && (kind != SETTINGS || flags & ACK != 0) {
            return false;
        }
        self.is_begun = true;
        self.continued = if kind == CONTINUATION { self.continued + 1 } else { 0 };
        let costs = self.costs_of(kind, flags, length);
        self.costs.add(costs, now) && self.continued <= CONTINUATIONS_MAX
    }

    /// 0 for a request or a part of one. A DATA frame that only ends its stream is a part.
    fn costs_of(&mut self, kind: u8, flags: u8, length: u32) -> u32 {
        match kind {
            DATA => u32::from(length == 0 && flags & END_STREAM == 0),
            HEADERS | CONTINUATION => 0,
            RST_STREAM => RESET_COSTS,
            WINDOW_UPDATE => match self.sent.checked_sub(BYTES_PER_UPDATE) {
                Some(left) => {
                    self.sent = left;
                    0
                }
                None => 1,
            },
            // PRIORITY, SETTINGS, PUSH_PROMISE, PING, GOAWAY, and those that nobody knows.
            _ => 1,
        }
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costs::{COSTS_MAX, PERIOD};

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.extend(std::iter::repeat_n(7, length.into()));
        frame
    }

    fn begun() -> Frames {
        Frames { is_begun: true, skip: 0, ..Frames::new() }
    }

    #[test]
    fn rfc_9113_section_3_4_settings_come_first() {
        let check = |first: Vec<u8>, want| {
            let bytes = [super::super::PREFACE, &first].concat();
            assert_eq!(Frames::new().see(&bytes, Instant::now()), want, "{first:?}");
        };
        check(frame(SETTINGS, 0, 6), true);
        check(frame(SETTINGS, ACK, 0), false);
        check(frame(HEADERS, 4, 30), false);
        check(frame(6, 0, 8), false);
    }

    /// How many of the frames go through, in reads of each size.
    fn check(one: &[u8], limit: Option<u32>) {
        for size in [1, 7, 9, 4096] {
            let mut bytes = Vec::new();
            let count = limit.map_or(5_000, |limit| limit + 1);
            (0..count).for_each(|_| bytes.extend_from_slice(one));
            let mut frames = begun();
            let now = Instant::now();
            let through = bytes.chunks(size).all(|chunk| frames.see(chunk, now));
            assert_eq!(through, limit.is_none(), "{one:?} in reads of {size}");
            let mut frames = begun();
            let but_one = &bytes[..bytes.len() - one.len()];
            assert!(but_one.chunks(size).all(|chunk| frames.see(chunk, now)), "{one:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rfc_9113_section_10_5_frames_without_use_are_limited() {
        for kind in [2, 4, 6, WINDOW_UPDATE, 99] {
            check(&frame(kind, 0, 8), Some(COSTS_MAX));
        }
        check(&frame(RST_STREAM, 0, 4), Some(COSTS_MAX / RESET_COSTS));
        check(&frame(DATA, 0, 0), Some(COSTS_MAX));
        check(&frame(CONTINUATION, 0, 20), Some(CONTINUATIONS_MAX));
        check(&frame(DATA, 0, 100), None);
        check(&frame(DATA, END_STREAM, 0), None);
        check(&frame(HEADERS, 4, 30), None);
    }

    #[tokio::test(start_paused = true)]
    async fn old_frames_are_forgotten() {
        let mut frames = begun();
        for _ in 0..20 {
            let now = Instant::now();
            assert!((0..900).all(|_| frames.see(&frame(6, 0, 8), now)));
            tokio::time::advance(PERIOD).await;
        }
    }
}
