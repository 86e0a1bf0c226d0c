//! Requests to origins that speak HTTP/2: streams of connections that all clients of a thread share.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::{Builder, ResponseFuture, SendRequest};
use hashbrown::HashMap;
use http::response::Parts;
use http::{Method, Request, Uri, Version};
use tokio::task::JoinSet;

use super::head::put_fields;
use super::stream::{Outgoing, poll_incoming};
use crate::choice::Target;
use crate::exchange::{Broken, Piece, Sink, Source};
use crate::fault::Fault;
use crate::forward::{self, Sender, host_of};
use crate::head::{Body, Fields, Known, RequestHead, ResponseHead, body_of_response};
use crate::idle::Key;
use crate::stream::Stream;
use crate::worker::Worker;

/// One request over a stream.
#[derive(Debug)]
pub(crate) struct Exchange {
    requests: SendRequest<Bytes>,
    /// Not sent yet: the connection may have all the streams that it may have.
    head: Option<Request<()>>,
    ends: bool,
    response: Option<ResponseFuture>,
    receive: Option<h2::RecvStream>,
    send: Outgoing,
}

/// Connections by what they were made with.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    connections: HashMap<Key, SendRequest<Bytes>>,
    /// One drives each connection, until it ends.
    drivers: JoinSet<()>,
}

/// Of one stream: a response that a client reads slowly waits at its origin.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// Trailers of gRPC carry messages and details.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;

pub(crate) async fn connect(
    worker: &Worker,
    stream: Stream,
    key: Key,
    limit: Duration,
) -> Result<SendRequest<Bytes>, Fault> {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES_MAX);
    let handshake = builder.handshake::<_, Bytes>(stream);
    let (requests, connection) = match tokio::time::timeout(limit, handshake).await {
        Ok(Ok(made)) => made,
        Ok(Err(_)) => return Err(Fault::HungUp),
        Err(_elapsed) => return Err(Fault::ConnectTimeout),
    };
    worker.shared_with(|shared| {
        shared.drivers.spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection to an origin ended");
            }
        });
        shared.connections.insert(key, requests.clone());
    });
    Ok(requests)
}

// === impl Shared ===

impl Shared {
    pub(crate) fn find(&self, key: &Key) -> Option<SendRequest<Bytes>> {
        self.connections.get(key).cloned()
    }

    pub(crate) fn forget(&mut self, key: &Key) {
        self.connections.remove(key);
    }

    /// Drivers that ended, and connections that nobody can use any more.
    pub(crate) fn sweep(&mut self) {
        while let Some(ended) = self.drivers.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a connection to an origin ended by a panic");
            }
        }
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let is_alive = |requests: &mut SendRequest<Bytes>| {
            !matches!(requests.poll_ready(cx), Poll::Ready(Err(_)))
        };
        let mut is_alive = is_alive;
        self.connections.retain(|_, requests| is_alive(requests));
    }
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn new(requests: SendRequest<Bytes>) -> Exchange {
        Exchange {
            requests,
            head: None,
            ends: false,
            response: None,
            receive: None,
            send: Outgoing::default(),
        }
    }

    pub(crate) fn begin(&mut self, head: &RequestHead, target: &Target, sender: &Sender<'_>) {
        self.head = request_of(head, target, sender);
        self.ends = head.body == Body::None;
    }

    /// Ready once the head is on its way.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.response.is_some() || self.receive.is_some() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.requests.poll_ready(cx))?;
        let Some(head) = self.head.take() else { return Poll::Ready(Err(Broken::Response)) };
        let (response, stream) = self.requests.send_request(head, self.ends)?;
        self.response = Some(response);
        self.send = Outgoing::new((!self.ends).then_some(stream));
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        to_head: bool,
    ) -> Poll<Result<Option<ResponseHead>, Broken>> {
        ready!(self.poll_begun(cx))?;
        let Some(response) = &mut self.response else { return Poll::Ready(Ok(None)) };
        if let Poll::Ready(Some(interim)) = response.poll_informational(cx) {
            let (parts, ()) = interim?.into_parts();
            let (fields, status) = (fields_of(&parts)?, parts.status.as_u16());
            return Poll::Ready(Ok(Some(ResponseHead {
                fields,
                status,
                body: Body::None,
                keeps: true,
            })));
        }
        let (parts, receive) = ready!(std::pin::Pin::new(response).poll(cx))?.into_parts();
        self.response = None;
        let (fields, status) = (fields_of(&parts)?, parts.status.as_u16());
        let body = match body_of_response(&fields, status, to_head) {
            None => return Poll::Ready(Err(Broken::Response)),
            // Trailers may follow where no data does: those of gRPC tell its status.
            Some(_) if receive.is_end_stream() => Body::None,
            Some(Body::UntilClose | Body::Streamed) => Body::Streamed,
            Some(body) => body,
        };
        self.receive = Some(receive);
        Poll::Ready(Ok(Some(ResponseHead { fields, status, body, keeps: true })))
    }
}

/// More of them than a head may have are no response.
fn fields_of(parts: &Parts) -> Result<Fields, Broken> {
    let mut fields = Fields { bytes: BytesMut::with_capacity(1024), list: Vec::new() };
    for (name, value) in &parts.headers {
        if !fields.push(name.as_str().as_bytes(), value.as_bytes()) {
            return Err(Broken::Response);
        }
    }
    Ok(fields)
}

impl Source for Exchange {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        match &mut self.receive {
            Some(receive) => poll_incoming(receive, cx),
            None => Poll::Ready(Err(Broken::Ended)),
        }
    }
}

impl Sink for Exchange {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        ready!(self.poll_begun(cx))?;
        self.send.poll_room(cx)
    }

    fn push(&mut self, piece: Piece) -> Result<(), Broken> {
        self.send.push(piece)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.poll_room(cx)
    }
}

/// None for what HTTP/2 has no way to say, which the checks of every head let no request be.
fn request_of(head: &RequestHead, target: &Target, sender: &Sender<'_>) -> Option<Request<()>> {
    let tls = target.pool.uses_tls(target.endpoint()?);
    let uri = Uri::builder()
        .scheme(if tls { "https" } else { "http" })
        .authority(host_of(head, target))
        .path_and_query(head.target())
        .build()
        .ok()?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(head.method()).ok()?;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    let headers = request.headers_mut();
    forward::each_field(head, target, sender, |name, value| {
        put_fields(headers, std::iter::once((name, value)));
    });
    // RFC 9113 section 8.2.2 lets this one through, and gRPC needs it.
    if head.fields.members(Known::Te).any(|member| member.eq_ignore_ascii_case(b"trailers")) {
        put_fields(headers, std::iter::once((&b"te"[..], &b"trailers"[..])));
    }
    if let Body::Length(length) = head.body {
        headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
    Some(request)
}
