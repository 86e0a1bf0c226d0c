//! One request to an origin that speaks HTTP/2: a stream of a connection that all clients of a thread share.

use std::task::{Context, Poll, ready};

use h2::client::ResponseFuture;
use http::response::Parts;
use http::{Method, Request, Uri, Version};

use super::connections::Lease;
use super::head::put_fields;
use super::stream::{Outgoing, poll_incoming};
use crate::buffers;
use crate::choice::Target;
use crate::exchange::{Broken, Piece, Sink, Source};
use crate::forward::{self, Sender, host_of};
use crate::head::{Body, Fields, Known, RequestHead, ResponseHead, body_of_response};

/// One request over a stream.
#[derive(Debug)]
pub(crate) struct Exchange {
    lease: Lease,
    /// Not sent yet: the origin may have changed its mind about how many streams it allows.
    head: Option<Request<()>>,
    ends: bool,
    response: Option<ResponseFuture>,
    receive: Option<h2::RecvStream>,
    send: Outgoing,
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn new(lease: Lease) -> Exchange {
        Exchange {
            lease,
            head: None,
            ends: false,
            response: None,
            receive: None,
            send: Outgoing::default(),
        }
    }

    /// Its origin did not answer in time.
    pub(crate) fn retire(&self) {
        self.lease.retire();
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
        ready!(self.lease.requests.poll_ready(cx))?;
        let Some(head) = self.head.take() else { return Poll::Ready(Err(Broken::Response)) };
        let (response, stream) = self.lease.requests.send_request(head, self.ends)?;
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
    let mut fields = buffers::take_head(&[]);
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
