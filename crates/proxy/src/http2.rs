//! One client connection of HTTP/2 (RFC 9113): each stream is a request with a task of its own.

mod client;
mod connections;
mod guard;
pub(crate) mod head;
mod stream;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::guard::Guarded;
use self::stream::Stream as OneStream;
use crate::exchange::{Piece, Source};
use crate::head::Version;
use crate::request::{self, Outcome, Peer};
use crate::settings::{HEAD_TIMEOUT, IDLE_TIMEOUT, LINGER_TIMEOUT};
use crate::stream::Stream;
use crate::tunnel;
use crate::watch::Watch;
use crate::worker::Worker;

pub(crate) use self::client::Exchange;
pub(crate) use self::connections::{Connections, Life, Place, Want, handshake, place};

/// What begins every connection (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests of one connection at a time; browsers open no more.
pub(crate) const STREAMS_MAX: u32 = 100;
/// Of one stream: what a client may send before it hears that some was read.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// Of all streams together.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Of one header section as it is counted there, with 32 for each line (RFC 9113 section 6.5.2).
pub(crate) const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;
/// Streams that a client opened and reset before they were looked at; one more ends the connection.
const RESETS_UNSEEN_MAX: usize = 20;
/// Streams reset by us for what the client did, in all its connection's life.
const RESETS_FOR_ERRORS_MAX: usize = 1024;
/// Of responses that wait for a client to read them, each stream.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// A client that was told to leave gets this long to finish.
pub(crate) const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);
/// The same of one that waits for nothing when the node stops: a round trip, wherever it is.
const ROUND_TRIP: Duration = Duration::from_millis(500);

type Accepted = (Request<RecvStream>, SendResponse<Bytes>);

/// Serves the connection until either side is done with it. `before` is what was read of it already.
pub(crate) async fn serve(worker: Arc<Worker>, stream: Stream, before: BytesMut, peer: Peer) {
    let guarded = Guarded::new(stream, before);
    let ending = guarded.ending();
    let handshake = settings().handshake(guarded);
    let mut connection = match tokio::time::timeout(HEAD_TIMEOUT, handshake).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return tracing::trace!(%error, "no connection of HTTP/2"),
        Err(_elapsed) => return,
    };
    let _under_way = worker.begin();
    let mut stops = pin!(worker.stops());
    // Polled once: that wakes this task when the node stops, and from then on it is a flag that tells.
    poll_fn(|cx| Poll::Ready(stops.as_mut().poll(cx).is_ready())).await;
    let mut watch = Watch::new(IDLE_TIMEOUT);
    let mut streams = JoinSet::new();
    let mut leaving = false;
    let mut stopping = false;
    loop {
        let is_told = || !stopping && worker.is_stopping();
        let next = next(&mut connection, &mut streams, &mut watch, is_told).await;
        let pause = if stopping { LEAVE_TIMEOUT } else { IDLE_TIMEOUT };
        match next {
            Next::Request((request, respond)) => {
                // Boxed, because the runtime moves a task about as it begins and ends.
                streams.spawn(Box::pin(answer(
                    Arc::clone(&worker),
                    request,
                    respond,
                    peer.clone(),
                )));
                watch.set(Instant::now() + pause);
            }
            Next::Answered => watch.set(Instant::now() + pause),
            Next::Silence if !streams.is_empty() => watch.set(Instant::now() + pause),
            Next::Stop => {
                (leaving, stopping) = (true, true);
                ending.linger();
                connection.graceful_shutdown();
                let owes = !streams.is_empty() || ending.is_full();
                watch.set(Instant::now() + if owes { LEAVE_TIMEOUT } else { ROUND_TRIP });
            }
            Next::Silence if leaving => return,
            Next::Silence => {
                leaving = true;
                connection.graceful_shutdown();
                watch.set(Instant::now() + LEAVE_TIMEOUT);
            }
            Next::End => break,
        }
    }
    // Streams of a connection that is gone find that out by themselves; dropped, they let go of their origins at once.
    streams.abort_all();
}

/// What can happen to a connection.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is a request nearly always"
)]
enum Next {
    Request(Accepted),
    Answered,
    Silence,
    /// The node does.
    Stop,
    End,
}

async fn next(
    connection: &mut Connection<Guarded, Bytes>,
    streams: &mut JoinSet<()>,
    watch: &mut Watch,
    is_told: impl Fn() -> bool,
) -> Next {
    poll_fn(|cx| {
        match connection.poll_accept(cx) {
            Poll::Ready(Some(Ok(accepted))) => {
                return Poll::Ready(Next::Request(accepted));
            }
            Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Next::End),
            Poll::Pending => {}
        }
        if let Poll::Ready(Some(ended)) = streams.poll_join_next(cx) {
            if let Err(error) = ended {
                tracing::error!(%error, "a stream ended by a panic");
            }
            return Poll::Ready(Next::Answered);
        }
        if is_told() {
            return Poll::Ready(Next::Stop);
        }
        watch.poll(cx).map(|_expired| Next::Silence)
    })
    .await
}

fn settings() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .max_pending_accept_reset_streams(RESETS_UNSEEN_MAX)
        .max_local_error_reset_streams(Some(RESETS_FOR_ERRORS_MAX))
        .max_send_buffer_size(SEND_BUFFER_BYTES)
        .enable_connect_protocol();
    builder
}

/// A stream that is let go before its body is read is reset, which RFC 9113 section 8.1 allows after a whole response; but
/// there are clients that lose the response by it.
async fn drain(stream: &mut OneStream, watch: &mut Watch) {
    watch.set(Instant::now() + LINGER_TIMEOUT);
    while let Ok(Ok(Piece::Data(_))) = watch.within(|cx| stream.poll_piece(cx)).await {}
}

async fn answer(
    worker: Arc<Worker>,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    peer: Peer,
) {
    let (parts, body) = request.into_parts();
    let mut stream = OneStream::new(body, respond);
    let head = match head::request_head(parts, stream.has_body(), Version::Http2) {
        Ok(head) => head,
        Err(refusal) => {
            worker.tally().refuse(refusal);
            return stream.refuse(refusal);
        }
    };
    let mut watch = Watch::new(IDLE_TIMEOUT);
    match request::serve(&worker, &mut stream, &head, &peer, &mut watch).await {
        Outcome::Done => {}
        Outcome::Unread | Outcome::Garbled => drain(&mut stream, &mut watch).await,
        Outcome::Broken => stream.reset(Reason::INTERNAL_ERROR),
        Outcome::Tunnel(upstream, target) => {
            tokio::select! {
                biased;
                () = tunnel::join_stream(stream, *upstream, &target, &mut watch) => {}
                // It has no end that could be waited for.
                () = worker.stops() => {}
            }
        }
    }
}
