//! QUIC as HTTP/3 reads and writes it: streams whose frames are counted and measured on their way in, and which tell when
//! the client wants no response any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::Code;
use h3::quic::{self, ConnectionErrorIncoming, StreamErrorIncoming, StreamId, WriteBuf};
use quinn::{ConnectionError, ReadError, StoppedError, VarInt, WriteError};
use tokio::time::Instant;

use super::frames::{Frames, TooLong};
use crate::costs::Costs;
use crate::worker::locked;

/// A connection of one client.
pub(super) struct Connection {
    opener: Opener,
    costs: Arc<Mutex<Costs>>,
    request: Option<Soon<(quinn::SendStream, quinn::RecvStream)>>,
    one_way: Option<Soon<quinn::RecvStream>>,
    /// Of the last request that came.
    handle: Option<Handle>,
}

/// Opens streams of this side.
pub(super) struct Opener {
    quic: quinn::Connection,
    opening: Option<Soon<quinn::SendStream>>,
}

/// What is known of a stream besides its bytes.
pub(super) struct Handle {
    /// Ready when the client wants no more of it, and when it has all of it.
    pub(super) stopped: Stopped,
    /// From now on what is dropped without an end was cut, and the client is told so.
    pub(super) is_cut_by_drop: Arc<AtomicBool>,
}

/// Both directions of a request.
pub(super) struct Stream {
    send: Sending,
    receive: Receiving,
}

pub(super) struct Sending {
    stream: quinn::SendStream,
    writing: Option<WriteBuf<Bytes>>,
    is_finished: bool,
    is_cut_by_drop: Arc<AtomicBool>,
}

pub(super) struct Receiving {
    stream: quinn::RecvStream,
    frames: Frames,
    /// Read, and not looked at.
    bytes: Bytes,
    costs: Arc<Mutex<Costs>>,
}

type Soon<T> = Pin<Box<dyn Future<Output = Result<T, ConnectionError>> + Send>>;
type Stopped = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send + Sync>>;

/// Of one read: some packets.
const READ_BYTES: usize = 8 * 1024;

// === impl Connection ===

impl Connection {
    pub(super) fn new(quic: quinn::Connection, costs: Arc<Mutex<Costs>>) -> Connection {
        let opener = Opener { quic, opening: None };
        Connection { opener, costs, request: None, one_way: None, handle: None }
    }

    /// Of the request that was accepted last, once.
    pub(super) fn take_handle(&mut self) -> Option<Handle> {
        self.handle.take()
    }

    fn receiving(&self, stream: quinn::RecvStream, frames: Frames) -> Receiving {
        Receiving { stream, frames, bytes: Bytes::new(), costs: Arc::clone(&self.costs) }
    }
}

impl quic::Connection<Bytes> for Connection {
    type RecvStream = Receiving;
    type OpenStreams = Opener;

    fn poll_accept_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Receiving, ConnectionErrorIncoming>> {
        let quic = &self.opener.quic;
        let accept = || {
            let quic = quic.clone();
            Box::pin(async move { quic.accept_uni().await }) as Soon<_>
        };
        let stream = ready!(poll_soon(&mut self.one_way, accept, cx))?;
        Poll::Ready(Ok(self.receiving(stream, Frames::one_way())))
    }

    fn poll_accept_bidi(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stream, ConnectionErrorIncoming>> {
        let quic = &self.opener.quic;
        let accept = || {
            let quic = quic.clone();
            Box::pin(async move { quic.accept_bi().await }) as Soon<_>
        };
        let (send, receive) = ready!(poll_soon(&mut self.request, accept, cx))?;
        let is_cut_by_drop = Arc::<AtomicBool>::default();
        let stopped = Box::pin(send.stopped());
        self.handle = Some(Handle { stopped, is_cut_by_drop: Arc::clone(&is_cut_by_drop) });
        let send = Sending { stream: send, writing: None, is_finished: false, is_cut_by_drop };
        Poll::Ready(Ok(Stream { send, receive: self.receiving(receive, Frames::of_request()) }))
    }

    fn opener(&self) -> Opener {
        Opener { quic: self.opener.quic.clone(), opening: None }
    }
}

impl quic::OpenStreams<Bytes> for Connection {
    type SendStream = Sending;
    type BidiStream = Stream;

    fn poll_open_bidi(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stream, StreamErrorIncoming>> {
        self.opener.poll_open_bidi(cx)
    }

    fn poll_open_send(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Sending, StreamErrorIncoming>> {
        self.opener.poll_open_send(cx)
    }

    fn close(&mut self, code: Code, reason: &[u8]) {
        self.opener.close(code, reason);
    }
}

// === impl Opener ===

impl quic::OpenStreams<Bytes> for Opener {
    type SendStream = Sending;
    type BidiStream = Stream;

    /// RFC 9114 section 6.1: servers begin no requests.
    fn poll_open_bidi(
        &mut self,
        _cx: &mut Context<'_>,
    ) -> Poll<Result<Stream, StreamErrorIncoming>> {
        Poll::Ready(Err(StreamErrorIncoming::Unknown("a server opens no requests".into())))
    }

    fn poll_open_send(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Sending, StreamErrorIncoming>> {
        let quic = &self.quic;
        let open = || {
            let quic = quic.clone();
            Box::pin(async move { quic.open_uni().await }) as Soon<_>
        };
        let opened = ready!(poll_soon(&mut self.opening, open, cx));
        let stream = opened.map_err(|connection_error| {
            StreamErrorIncoming::ConnectionErrorIncoming { connection_error }
        })?;
        let is_cut_by_drop = Arc::default();
        Poll::Ready(Ok(Sending { stream, writing: None, is_finished: false, is_cut_by_drop }))
    }

    fn close(&mut self, code: Code, reason: &[u8]) {
        self.quic.close(number(code.value()), reason);
    }
}

/// Goes on with what is under way, or begins it.
fn poll_soon<T>(
    slot: &mut Option<Soon<T>>,
    begin: impl FnOnce() -> Soon<T>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, ConnectionErrorIncoming>> {
    let soon = slot.get_or_insert_with(begin);
    let ended = ready!(soon.as_mut().poll(cx));
    *slot = None;
    Poll::Ready(ended.map_err(lost))
}

// === impl Stream ===

impl quic::BidiStream<Bytes> for Stream {
    type SendStream = Sending;
    type RecvStream = Receiving;

    fn split(self) -> (Sending, Receiving) {
        (self.send, self.receive)
    }
}

impl quic::RecvStream for Stream {
    type Buf = Bytes;

    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        self.receive.poll_data(cx)
    }

    fn stop_sending(&mut self, code: u64) {
        self.receive.stop_sending(code);
    }

    fn recv_id(&self) -> StreamId {
        self.receive.recv_id()
    }
}

impl quic::SendStream<Bytes> for Stream {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_ready(cx)
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.send.send_data(data)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_finish(cx)
    }

    fn reset(&mut self, code: u64) {
        self.send.reset(code);
    }

    fn send_id(&self) -> StreamId {
        self.send.send_id()
    }
}

// === impl Sending ===

impl quic::SendStream<Bytes> for Sending {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        if let Some(writing) = &mut self.writing {
            while writing.has_remaining() {
                let stream = Pin::new(&mut self.stream);
                let written = ready!(stream.poll_write(cx, writing.chunk()));
                writing.advance(written.map_err(unwritten)?);
            }
        }
        self.writing = None;
        Poll::Ready(Ok(()))
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        if self.writing.is_some() {
            return Err(StreamErrorIncoming::Unknown("the frame before is not written".into()));
        }
        self.writing = Some(data.into());
        Ok(())
    }

    fn poll_finish(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.is_finished = true;
        let finished = self.stream.finish();
        Poll::Ready(finished.map_err(|closed| StreamErrorIncoming::Unknown(Box::new(closed))))
    }

    fn reset(&mut self, code: u64) {
        self.is_finished = true;
        if let Err(closed) = self.stream.reset(number(code)) {
            tracing::trace!(%closed, "a stream had ended when it was to be reset");
        }
    }

    fn send_id(&self) -> StreamId {
        id_of(self.stream.id())
    }
}

impl Drop for Sending {
    /// Dropped alone, a stream would end as if the response were whole.
    fn drop(&mut self) {
        if !self.is_finished && self.is_cut_by_drop.load(Ordering::Relaxed) {
            quic::SendStream::reset(self, Code::H3_INTERNAL_ERROR.value());
        }
    }
}

// === impl Receiving ===

impl quic::RecvStream for Receiving {
    type Buf = Bytes;

    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        loop {
            let part = self.frames.take(&mut self.bytes);
            let part = part.map_err(|TooLong| excess("a frame is too long"))?;
            let costs = self.frames.take_costs();
            if costs > 0 && !locked(&self.costs).add(costs, Instant::now()) {
                return Poll::Ready(Err(excess("too many frames without use")));
            }
            if part.is_some() {
                return Poll::Ready(Ok(part));
            }
            let mut room = [0; READ_BYTES];
            let length = ready!(self.stream.poll_read(cx, &mut room)).map_err(unread)?;
            self.bytes = Bytes::copy_from_slice(room.get(..length).unwrap_or_default());
            if length == 0 {
                let is_whole = self.frames.is_between();
                let error_code = Code::H3_REQUEST_INCOMPLETE.value();
                let cut = StreamErrorIncoming::StreamTerminated { error_code };
                return Poll::Ready(if is_whole { Ok(None) } else { Err(cut) });
            }
        }
    }

    fn stop_sending(&mut self, code: u64) {
        if let Err(closed) = self.stream.stop(number(code)) {
            tracing::trace!(%closed, "a stream had ended when it was to be stopped");
        }
    }

    fn recv_id(&self) -> StreamId {
        id_of(self.stream.id())
    }
}

impl Drop for Receiving {
    /// RFC 9114 section 4.1: the rest of a request that was answered is not wanted. A stream that has ended is none the worse.
    fn drop(&mut self) {
        quic::RecvStream::stop_sending(self, Code::H3_NO_ERROR.value());
    }
}

/// Ends the connection.
fn excess(why: &str) -> StreamErrorIncoming {
    let connection_error = ConnectionErrorIncoming::InternalError(why.into());
    StreamErrorIncoming::ConnectionErrorIncoming { connection_error }
}

fn lost(error: ConnectionError) -> ConnectionErrorIncoming {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            ConnectionErrorIncoming::ApplicationClose { error_code: close.error_code.into_inner() }
        }
        ConnectionError::TimedOut => ConnectionErrorIncoming::Timeout,
        error @ (ConnectionError::VersionMismatch
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)) => {
            ConnectionErrorIncoming::Undefined(Arc::new(error))
        }
    }
}

fn unread(error: ReadError) -> StreamErrorIncoming {
    match error {
        ReadError::Reset(code) => {
            StreamErrorIncoming::StreamTerminated { error_code: code.into_inner() }
        }
        ReadError::ConnectionLost(error) => {
            StreamErrorIncoming::ConnectionErrorIncoming { connection_error: lost(error) }
        }
        error @ (ReadError::ClosedStream
        | ReadError::IllegalOrderedRead
        | ReadError::ZeroRttRejected) => StreamErrorIncoming::Unknown(Box::new(error)),
    }
}

fn unwritten(error: WriteError) -> StreamErrorIncoming {
    match error {
        WriteError::Stopped(code) => {
            StreamErrorIncoming::StreamTerminated { error_code: code.into_inner() }
        }
        WriteError::ConnectionLost(error) => {
            StreamErrorIncoming::ConnectionErrorIncoming { connection_error: lost(error) }
        }
        error @ (WriteError::ClosedStream | WriteError::ZeroRttRejected) => {
            StreamErrorIncoming::Unknown(Box::new(error))
        }
    }
}

/// Codes of HTTP/3 are small (RFC 9114 section 8.1).
pub(super) fn number(code: u64) -> VarInt {
    VarInt::from_u64(code).unwrap_or(VarInt::MAX)
}

#[expect(clippy::expect_used, reason = "ids of streams have 62 bits, and both crates keep to that")]
fn id_of(id: quinn::StreamId) -> StreamId {
    StreamId::try_from(u64::from(id)).expect("an id of 62 bits")
}
