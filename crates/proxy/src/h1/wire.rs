//! One connection of HTTP/1.1, of either side: what has come and is not read, what is to go, and the framing of both.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::body::Decoder;
use super::parse::{Scan, read_request, read_response};
use super::write::{put_chunk_size, put_field};
use crate::buffers::{self, BUFFER_BYTES};
use crate::exchange::{Broken, Piece, Sink, Source};
use crate::head::{Body, Fields, RequestHead, ResponseHead};
use crate::stream::Stream;

/// A connection and what is on the way through it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    inbox: BytesMut,
    outbox: BytesMut,
    /// Goes after the outbox; large enough not to be copied into it.
    large: Option<Bytes>,
    scan: Scan,
    decoder: Decoder,
    encoder: Encoder,
    /// An empty line came where a request was to begin.
    skipped: bool,
    /// The other side sends no more.
    ended: bool,
    /// How much the next read may bring.
    room: usize,
}

/// How the body that goes out says where it ends.
#[derive(Clone, Copy, Debug)]
enum Encoder {
    None,
    Length(u64),
    /// The last chunk's data is out and its CRLF is not.
    Chunked {
        owes_line_end: bool,
    },
    UntilClose,
}

const EMPTY_LINE: &[u8] = b"\r\n";
/// Pieces up to this are copied beside what is queued: cheaper than another part of a vectored write.
const COPIED_BYTES_MAX: usize = 4 * 1024;
/// Requests that a client sends before it has the answer to the one before.
const EARLY_BYTES_MAX: usize = BUFFER_BYTES;
/// What waits to be written before the source is asked for more.
const QUEUED_BYTES_MAX: usize = BUFFER_BYTES;
/// Free space below which a buffer is made larger before it is read into.
const ROOM_BYTES_MIN: usize = 2 * 1024;
/// One read of a large body: beyond this, copying out of caches costs more than the calls saved.
const ROOM_BYTES_MAX: usize = 256 * 1024;

// === impl Wire ===

impl Wire {
    pub(crate) fn new(stream: Stream) -> Wire {
        Wire::with(stream, BytesMut::new())
    }

    /// `inbox` is what was read of the stream already.
    pub(crate) fn with(stream: Stream, inbox: BytesMut) -> Wire {
        Wire {
            stream,
            inbox,
            outbox: BytesMut::new(),
            large: None,
            scan: Scan::default(),
            decoder: Decoder::Length(0),
            encoder: Encoder::None,
            skipped: false,
            ended: false,
            room: BUFFER_BYTES,
        }
    }

    /// The next request, or None when the client is done.
    pub(crate) fn poll_request(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<RequestHead>, Broken>> {
        let Fields { bytes, list } = loop {
            match ready!(self.poll_head(cx))? {
                None => return Poll::Ready(Ok(None)),
                // A client may send one after the request before (RFC 9112 section 2.2).
                Some(head) if head.bytes == EMPTY_LINE && !self.skipped => self.skipped = true,
                Some(head) => break head,
            }
        };
        self.skipped = false;
        let head = read_request(bytes, list)?;
        self.decoder = Decoder::new(head.body);
        Poll::Ready(Ok(Some(head)))
    }

    /// The next head of a response, interim ones too. None when the connection ended before its first byte.
    pub(crate) fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        to_head: bool,
    ) -> Poll<Result<Option<ResponseHead>, Broken>> {
        let Some(head) = ready!(self.poll_head(cx))? else { return Poll::Ready(Ok(None)) };
        let head = read_response(head.bytes, head.list, to_head).ok_or(Broken::Response)?;
        self.decoder = Decoder::new(head.body);
        Poll::Ready(Ok(Some(head)))
    }

    /// Bytes of one head, to be read. None when the other side ended before its first one.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Fields>, Broken>> {
        loop {
            if let Some(length) = self.scan.find(&self.inbox)? {
                self.scan = Scan::default();
                let head = buffers::take_head(self.inbox.get(..length).unwrap_or_default());
                self.inbox.advance(length);
                return Poll::Ready(Ok(Some(head)));
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) if self.inbox.is_empty() => return Poll::Ready(Ok(None)),
                Err(error) if self.inbox.is_empty() => return Poll::Ready(Err(error.into())),
                Ok(0) | Err(_) => return Poll::Ready(Err(Broken::Ended)),
                Ok(_) => {}
            }
        }
    }

    /// Whether these are the first bytes of the connection; nothing is taken away.
    pub(crate) fn poll_begins_with(
        &mut self,
        cx: &mut Context<'_>,
        prefix: &[u8],
    ) -> Poll<io::Result<bool>> {
        loop {
            let length = self.inbox.len().min(prefix.len());
            if self.inbox.get(..length) != prefix.get(..length) {
                return Poll::Ready(Ok(false));
            }
            if length == prefix.len() {
                return Poll::Ready(Ok(true));
            }
            if ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Ok(false));
            }
        }
    }

    /// Something of the next message has come.
    pub(crate) fn has_begun(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// All that has come was read, and the end of what went is the end of the connection; TLS has one of its own.
    pub(crate) fn is_drained(&self) -> bool {
        self.inbox.is_empty() && self.is_written() && !self.stream.is_tls()
    }

    /// The message that came last was read to its end.
    pub(crate) fn is_read(&self) -> bool {
        self.decoder.is_done()
    }

    /// Nothing waits to be written.
    pub(crate) fn is_written(&self) -> bool {
        self.outbox.is_empty() && self.large.is_none()
    }

    /// Where heads are written to; they go out with [`Sink::poll_flush`].
    pub(crate) fn out(&mut self) -> &mut BytesMut {
        if self.outbox.capacity() == 0 {
            self.outbox = buffers::take();
        }
        &mut self.outbox
    }

    /// Ends the head in the outbox with the fields that frame its body, which follows.
    pub(crate) fn end_head(&mut self, body: Body) {
        self.encoder = match body {
            Body::None => Encoder::None,
            Body::Length(length) => Encoder::Length(length),
            Body::Streamed => Encoder::Chunked { owes_line_end: false },
            Body::UntilClose => Encoder::UntilClose,
        };
        let out = self.out();
        if body == Body::Streamed {
            put_field(out, b"transfer-encoding", b"chunked");
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The other side has left. What it says before it is answered is kept up to a limit, and nobody listens beyond that.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.inbox.len() < EARLY_BYTES_MAX {
            match ready!(self.poll_fill(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        Poll::Pending
    }

    /// Throws away what comes. Ready(true) when something did, false at the end.
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.inbox.clear();
        match self.ended {
            true => Poll::Ready(Ok(false)),
            false => self.poll_fill(cx).map_ok(|length| length > 0),
        }
    }

    /// A connection that was idle and is readable has ended, or says what nobody asked for.
    pub(crate) fn poll_stale(&mut self, cx: &mut Context<'_>) -> bool {
        !self.inbox.is_empty() || self.poll_fill(cx).is_ready()
    }

    /// From here on both directions are bytes without any framing.
    pub(crate) fn open_ended(&mut self) {
        (self.decoder, self.encoder) = (Decoder::UntilClose, Encoder::UntilClose);
    }

    /// Lends nothing while idle.
    pub(crate) fn rest(&mut self) {
        if self.inbox.is_empty() {
            buffers::give(std::mem::take(&mut self.inbox));
        }
        buffers::give(std::mem::take(&mut self.outbox));
        self.room = BUFFER_BYTES;
    }

    /// The stream, and what was read of it and not used.
    pub(crate) fn into_parts(self) -> (Stream, BytesMut) {
        (self.stream, self.inbox)
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.inbox.capacity() == 0 {
            self.inbox = buffers::take();
        }
        if self.inbox.capacity() - self.inbox.len() < ROOM_BYTES_MIN.max(self.room / 2) {
            self.inbox.reserve(self.room);
        }
        let polled = pin!(self.stream.read_buf(&mut self.inbox)).poll(cx);
        match polled {
            Poll::Ready(Ok(0)) => self.ended = true,
            Poll::Ready(Ok(length)) if length >= self.room / 2 => {
                self.room = (self.room * 2).min(ROOM_BYTES_MAX);
            }
            Poll::Pending if self.inbox.is_empty() => {
                buffers::give(std::mem::take(&mut self.inbox));
            }
            Poll::Ready(Ok(_) | Err(_)) | Poll::Pending => {}
        }
        polled
    }

    /// Writes until nothing is queued.
    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_written() {
            let written = match &self.large {
                None => ready!(Pin::new(&mut self.stream).poll_write(cx, &self.outbox))?,
                Some(large) => {
                    let parts = [IoSlice::new(&self.outbox), IoSlice::new(large)];
                    ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &parts))?
                }
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.take_written(written);
        }
        buffers::give(std::mem::take(&mut self.outbox));
        Poll::Ready(Ok(()))
    }

    fn take_written(&mut self, written: usize) {
        let of_outbox = written.min(self.outbox.len());
        self.outbox.advance(of_outbox);
        if let Some(large) = &mut self.large {
            large.advance(written - of_outbox);
            if large.is_empty() {
                self.large = None;
            }
        }
    }

    fn put_data(&mut self, data: Bytes) {
        if data.len() <= COPIED_BYTES_MAX {
            self.out().extend_from_slice(&data);
        } else {
            self.large = Some(data);
        }
    }

    fn put_end(&mut self, trailers: Option<&Fields>) {
        let out = self.out();
        out.extend_from_slice(b"0\r\n");
        for (_, name, value) in trailers.into_iter().flat_map(Fields::iter) {
            put_field(out, name, value);
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Source for Wire {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        loop {
            if let Some(piece) = self.decoder.next(&mut self.inbox)? {
                return Poll::Ready(Ok(piece));
            }
            let more = !self.ended && ready!(self.poll_fill(cx))? > 0;
            if !more && !self.decoder.ends_with_connection() {
                return Poll::Ready(Err(Broken::Ended));
            }
        }
    }
}

impl Sink for Wire {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self.large.is_some() || self.outbox.len() > QUEUED_BYTES_MAX {
            true => self.poll_write_all(cx).map_err(Broken::Io),
            false => Poll::Ready(Ok(())),
        }
    }

    fn push(&mut self, piece: Piece) -> Result<(), Broken> {
        match (self.encoder, piece) {
            (Encoder::Length(left), Piece::Data(data)) => {
                // The other side said how much it sends; its framing let through no more.
                let left = left.checked_sub(data.len() as u64).ok_or(Broken::Response)?;
                self.encoder = Encoder::Length(left);
                self.put_data(data);
            }
            (Encoder::Length(0) | Encoder::None | Encoder::UntilClose, Piece::End(_)) => {}
            (Encoder::Length(_), Piece::End(_)) => return Err(Broken::Ended),
            (Encoder::UntilClose, Piece::Data(data)) => self.put_data(data),
            // The answer to HEAD, or of a status without a body.
            (Encoder::None, Piece::Data(_)) => {}
            (Encoder::Chunked { .. }, Piece::Data(data)) if data.is_empty() => {}
            (Encoder::Chunked { owes_line_end }, Piece::Data(data)) => {
                let size = data.len();
                let out = self.out();
                if owes_line_end {
                    out.extend_from_slice(b"\r\n");
                }
                put_chunk_size(out, size);
                self.put_data(data);
                self.encoder = Encoder::Chunked { owes_line_end: true };
            }
            (Encoder::Chunked { owes_line_end }, Piece::End(trailers)) => {
                if owes_line_end {
                    self.out().extend_from_slice(b"\r\n");
                }
                self.put_end(trailers.as_ref());
            }
        }
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        ready!(self.poll_write_all(cx))?;
        match self.stream.is_tls() {
            true => Pin::new(&mut self.stream).poll_flush(cx).map_err(Broken::Io),
            false => Poll::Ready(Ok(())),
        }
    }
}
