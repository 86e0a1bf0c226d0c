//! One client connection of HTTP/3 (RFC 9114): each stream is a request with a task of its own.

mod endpoint;
mod frames;
mod quic;
mod stream;

use std::sync::{Arc, Mutex};
use std::task::Poll;

use bytes::Bytes;
use h3::error::{Code, StreamError};
use h3::server::{Connection, RequestResolver};
use http::Request;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use self::quic::{Handle, number};
use self::stream::Stream;
use crate::costs::{Costs, RESET_COSTS};
use crate::exchange::{Piece, Source};
use crate::head::{Known, RequestHead, Version};
use crate::http2::head::request_head;
use crate::http2::{HEADER_LIST_BYTES_MAX, LEAVE_TIMEOUT};
use crate::listener::told;
use crate::refusal::Refusal;
use crate::request::{self, Outcome, Peer};
use crate::settings::{HEAD_TIMEOUT, IDLE_TIMEOUT, LINGER_TIMEOUT};
use crate::watch::Watch;
use crate::worker::{Worker, locked};

pub(crate) use self::endpoint::{Socket, accept, bind_all};

type Resolver = RequestResolver<quic::Connection, Bytes>;

/// Serves the connection until either side is done with it.
async fn serve(
    worker: Arc<Worker>,
    quic: quinn::Connection,
    peer: Peer,
    mut stopped: watch::Receiver<bool>,
) {
    let costs = Arc::<Mutex<Costs>>::default();
    let mut builder = h3::server::builder();
    builder.max_field_section_size(HEADER_LIST_BYTES_MAX.into()).send_grease(false);
    let built = builder.build(quic::Connection::new(quic.clone(), Arc::clone(&costs)));
    let mut connection = match tokio::time::timeout(HEAD_TIMEOUT, built).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return tracing::trace!(%error, "no connection of HTTP/3"),
        Err(_elapsed) => return,
    };
    let mut watch = Watch::new(IDLE_TIMEOUT);
    let mut streams = JoinSet::new();
    let mut leaving = false;
    loop {
        let next = tokio::select! {
            () = told(&mut stopped), if !leaving => Next::Stop,
            next = next(&mut connection, &mut streams, &mut watch) => next,
        };
        match next {
            Next::Request(resolver, handle) => {
                streams.spawn(answer(Arc::clone(&worker), *resolver, handle, peer.clone()));
            }
            Next::Answered(End::Left) if !locked(&costs).add(RESET_COSTS, Instant::now()) => {
                quic.close(
                    number(Code::H3_EXCESSIVE_LOAD.value()),
                    b"too many requests taken back",
                );
                break;
            }
            Next::Answered(End::Left | End::Served) if leaving && streams.is_empty() => break,
            Next::Answered(End::Left | End::Served) => {}
            Next::Silence if leaving && streams.is_empty() => break,
            Next::Silence if !streams.is_empty() => {}
            Next::Silence | Next::Stop => {
                leaving = true;
                leave(&mut connection).await;
                if matches!(next, Next::Stop) && streams.is_empty() {
                    break;
                }
            }
            Next::End => break,
        }
        watch.set(Instant::now() + if leaving { LEAVE_TIMEOUT } else { IDLE_TIMEOUT });
    }
    // Streams of a connection that is gone find that out by themselves; dropped, they let go of their origins at once.
    streams.abort_all();
}

/// What can happen to a connection.
enum Next {
    Request(Box<Resolver>, Handle),
    Answered(End),
    Silence,
    Stop,
    End,
}

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Served,
    /// The client took it back, or there was none.
    Left,
}

async fn next(
    connection: &mut Connection<quic::Connection, Bytes>,
    streams: &mut JoinSet<End>,
    watch: &mut Watch,
) -> Next {
    tokio::select! {
        accepted = connection.accept() => {
            let resolver = accepted.ok().flatten();
            match resolver.zip(connection.inner.conn.take_handle()) {
                Some((resolver, handle)) => Next::Request(Box::new(resolver), handle),
                None => Next::End,
            }
        }
        Some(ended) = streams.join_next() => Next::Answered(ended.unwrap_or_else(panicked)),
        _expired = watch.within(|_cx| Poll::<()>::Pending) => Next::Silence,
    }
}

fn panicked(error: JoinError) -> End {
    tracing::error!(%error, "a stream ended by a panic");
    End::Served
}

/// RFC 9114 section 5.2: from here on requests are not begun; each of them may go somewhere else.
async fn leave(connection: &mut Connection<quic::Connection, Bytes>) {
    /// The first that is not answered is the one behind the last that came.
    const REQUESTS_MORE: usize = 1;
    let told = connection.shutdown(REQUESTS_MORE);
    match tokio::time::timeout(LINGER_TIMEOUT, told).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::trace!(%error, "a client left before it was told to"),
    }
}

async fn answer(worker: Arc<Worker>, resolver: Resolver, handle: Handle, peer: Peer) -> End {
    let resolved = tokio::time::timeout(HEAD_TIMEOUT, resolver.resolve_request());
    let (request, stream) = match resolved.await {
        Ok(Ok(resolved)) => resolved,
        Ok(Err(error)) => return no_request(&worker, &error),
        Err(_elapsed) => {
            worker.tally().refuse(Refusal::HeadTimeout);
            return End::Left;
        }
    };
    let stream = Stream::new(stream, handle).await;
    serve_stream(&worker, request, stream, &peer).await
}

/// Who has a section that is too large was sent 431 already.
fn no_request(worker: &Worker, error: &StreamError) -> End {
    tracing::trace!(%error, "a stream without a request");
    match error {
        StreamError::HeaderTooBig { .. } => worker.tally().refuse(Refusal::HeadTooLarge),
        StreamError::StreamError { .. } => worker.tally().refuse(Refusal::HeaderLine),
        _ => {}
    }
    End::Left
}

async fn serve_stream(
    worker: &Worker,
    request: Request<()>,
    mut stream: Stream,
    peer: &Peer,
) -> End {
    let mut watch = Watch::new(IDLE_TIMEOUT);
    let (parts, ()) = request.into_parts();
    let head = request_head(parts, stream.has_body(), Version::Http3).and_then(of_no_connection);
    let head = match head {
        Ok(head) => head,
        Err(refusal) => {
            worker.tally().refuse(refusal);
            stream.refuse(refusal, &mut watch).await;
            stream.linger(&mut watch).await;
            return End::Served;
        }
    };
    stream.promise(head.body);
    let outcome = request::serve(worker, &mut stream, &head, peer, &mut watch).await;
    let end = if stream.is_left() { End::Left } else { End::Served };
    match outcome {
        Outcome::Done => stream.linger(&mut watch).await,
        Outcome::Unread | Outcome::Garbled => {
            drain(&mut stream, &mut watch).await;
            stream.linger(&mut watch).await;
        }
        // Dropped before its end, the stream is reset. No head of HTTP/3 asks for a tunnel.
        Outcome::Broken | Outcome::Tunnel(..) => drop(stream),
    }
    end
}

/// RFC 9114 section 4.2: fields of a connection are malformed where there is none for each message.
fn of_no_connection(head: RequestHead) -> Result<RequestHead, Refusal> {
    let names = [Known::Connection, Known::KeepAlive, Known::ProxyConnection, Known::Upgrade];
    let is_of_one = names.iter().any(|known| head.fields.has(*known))
        || head.fields.values(Known::Te).any(|value| !value.eq_ignore_ascii_case(b"trailers"));
    if is_of_one { Err(Refusal::HeaderLine) } else { Ok(head) }
}

/// There are clients that lose the response when the rest of their request is refused too soon.
async fn drain(stream: &mut Stream, watch: &mut Watch) {
    watch.set(Instant::now() + LINGER_TIMEOUT);
    while let Ok(Ok(Piece::Data(_))) = watch.within(|cx| stream.poll_piece(cx)).await {}
}
