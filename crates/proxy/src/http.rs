//! One client connection of HTTP/1.1: requests one after another, each answered before the next is read.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::time::Instant;

use crate::buffers;
use crate::exchange::{Broken, Piece, Sink, Source};
use crate::h1::{StatusLine, Wire, put_field};
use crate::head::{Body, Known, RequestHead, Version};
use crate::http2;
use crate::refusal::Refusal;
use crate::reply::{Own, Reply, decimal};
use crate::request::{self, Client, Outcome, Peer};
use crate::settings::{HEAD_TIMEOUT, IDLE_TIMEOUT, LINGER_TIMEOUT};
use crate::stream::Stream;
use crate::tunnel;
use crate::watch::{Expired, Watch};
use crate::worker::Worker;

/// The client's side of one connection.
struct Connection {
    wire: Wire,
    version: Version,
    /// The response says that it is the last one.
    closes: bool,
}

/// Of a body that nobody wants: about what is on its way when the client hears so.
const DRAINED_BYTES_MAX: usize = 256 * 1024;

/// Serves the connection until either side is done with it. `before` is what was read of it already.
pub(crate) async fn serve(worker: Arc<Worker>, stream: Stream, before: BytesMut, peer: Peer) {
    let mut wire = Wire::with(stream, before);
    let mut watch = Watch::new(HEAD_TIMEOUT);
    // A client may know beforehand that we speak HTTP/2 (RFC 9113 section 3.3).
    if matches!(watch.within(|cx| wire.poll_begins_with(cx, http2::PREFACE)).await, Ok(Ok(true))) {
        let (stream, before) = wire.into_parts();
        return http2::serve(worker, stream, before, peer).await;
    }
    let mut connection = Connection { wire, version: Version::Http11, closes: false };
    loop {
        let head = match connection.next_request(&mut watch).await {
            Ok(Some(head)) => head,
            Ok(None) => break,
            Err(refusal) => return connection.refuse(&worker, &mut watch, refusal).await,
        };
        connection.version = head.version;
        connection.closes = !head.keeps || worker.is_stopping() || worker.shared.overload.is_on();
        match request::serve(&worker, &mut connection, &head, &peer, &mut watch).await {
            Outcome::Done if !connection.closes => {}
            // Who expects 100 and is answered otherwise may leave the body out (RFC 9110 section 10.1.1).
            Outcome::Unread
                if !connection.closes
                    && !head.fields.has(Known::Expect)
                    && connection.drain(&mut watch).await => {}
            // Nothing that comes now could be answered by a reset: the client sends no more (RFC 9112 section 9.6).
            Outcome::Done if head.ends_connection() && connection.wire.is_drained() => return,
            // The rest of the request was promised and could be taken for another one.
            Outcome::Done | Outcome::Unread | Outcome::Garbled => break,
            Outcome::Broken => return,
            Outcome::Tunnel(upstream, target) => {
                return tunnel::join(connection.wire, *upstream, &target).await;
            }
        }
        buffers::give_head(head.fields);
        connection.wire.rest();
        watch.set(Instant::now() + IDLE_TIMEOUT);
    }
    connection.linger(&mut watch).await;
}

// === impl Connection ===

impl Connection {
    /// None when the client is done, or has been silent for too long between two requests.
    async fn next_request(&mut self, watch: &mut Watch) -> Result<Option<RequestHead>, Refusal> {
        let mut begun = false;
        loop {
            let wire = &mut self.wire;
            let polled = watch.within(|cx| {
                let polled = wire.poll_request(cx);
                match polled {
                    // The first part of a head: from now on it is to come soon.
                    Poll::Pending if wire.has_begun() && !begun => Poll::Ready(None),
                    other => other.map(Some),
                }
            });
            match polled.await {
                Ok(Some(Ok(head))) => return Ok(head),
                Ok(Some(Err(Broken::Refused(refusal)))) => return Err(refusal),
                Ok(Some(Err(_))) => return Ok(None),
                Ok(None) => {
                    begun = true;
                    watch.set(Instant::now() + HEAD_TIMEOUT);
                }
                Err(Expired) if begun => return Err(Refusal::HeadTimeout),
                Err(Expired) => return Ok(None),
            }
        }
    }

    /// Says what is wrong and closes: where the next request would begin is anybody's guess.
    async fn refuse(mut self, worker: &Worker, watch: &mut Watch, refusal: Refusal) {
        worker.tally().refuse(refusal);
        self.closes = true;
        let own = Own::refusal(refusal);
        self.reply(&own.head(&own.texts()));
        watch.set(Instant::now() + LINGER_TIMEOUT);
        if self.push(Piece::Data(own.body.clone())).is_ok() {
            self.linger(watch).await;
        }
    }

    /// Reads what is left of a request that was answered before it was read. False when that is more than a new
    /// connection costs.
    async fn drain(&mut self, watch: &mut Watch) -> bool {
        watch.set(Instant::now() + LINGER_TIMEOUT);
        let mut left = DRAINED_BYTES_MAX;
        loop {
            let piece = watch.within(|cx| self.wire.poll_piece(cx)).await;
            match piece {
                Ok(Ok(Piece::Data(data))) if data.len() <= left => left -= data.len(),
                Ok(Ok(Piece::End(_))) => return true,
                Ok(Ok(Piece::Data(_)) | Err(_)) | Err(Expired) => return false,
            }
        }
    }

    /// Closes without losing what was sent: bytes that nobody reads would make the kernel reset the connection, and the
    /// client lose the response (RFC 9112 section 9.6).
    async fn linger(mut self, watch: &mut Watch) {
        watch.set(Instant::now() + LINGER_TIMEOUT);
        let wire = &mut self.wire;
        let flushed = watch.within(|cx| wire.poll_flush(cx)).await;
        let shut = watch.within(|cx| wire.poll_shutdown(cx)).await;
        if matches!((flushed, shut), (Ok(Ok(())), Ok(Ok(())))) {
            // Whatever it says now is read for the sake of the close alone; an error ends that as well.
            while let Ok(Ok(true)) = watch.within(|cx| wire.poll_discard(cx)).await {}
        }
    }
}

impl Source for Connection {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        self.wire.poll_piece(cx)
    }
}

impl Sink for Connection {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.wire.poll_room(cx)
    }

    fn push(&mut self, piece: Piece) -> Result<(), Broken> {
        self.wire.push(piece)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.wire.poll_flush(cx)
    }
}

impl Client for Connection {
    fn reply(&mut self, reply: &Reply<'_>) {
        // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
        let body = match (reply.body, self.version) {
            (Body::Streamed | Body::UntilClose, Version::Http10) => Body::UntilClose,
            (Body::UntilClose, Version::Http11 | Version::Http2 | Version::Http3) => Body::Streamed,
            (body, _) => body,
        };
        let is_final = reply.status >= 200;
        self.closes |= body == Body::UntilClose;
        let (closes, version) = (self.closes, self.version);
        let out = self.wire.out();
        StatusLine { status: reply.status }.put(out);
        for (name, value) in reply.fields() {
            put_field(out, name, value);
        }
        if let Some(length) = reply.told_length() {
            put_field(out, b"content-length", &decimal(length));
        }
        match (is_final, closes, version) {
            (false, ..) if reply.status == 101 => {
                put_field(out, b"connection", b"upgrade");
                put_field(out, b"upgrade", b"websocket");
            }
            (true, true, _) => put_field(out, b"connection", b"close"),
            (true, false, Version::Http10) => put_field(out, b"connection", b"keep-alive"),
            (false, ..) | (true, false, Version::Http11 | Version::Http2 | Version::Http3) => {}
        }
        // The length that HEAD is told is of content that does not come.
        self.wire.end_head(if reply.to_head { Body::None } else { body });
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.poll_gone(cx)
    }

    fn is_read(&self) -> bool {
        self.wire.is_read()
    }
}
