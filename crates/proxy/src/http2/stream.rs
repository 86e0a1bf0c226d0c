//! One stream, as the client's side of a request.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};

use super::head::{response_of, trailers_of, trailers_to};
use crate::exchange::{Broken, Piece, Sink, Source};
use crate::head::Body;
use crate::refusal::Refusal;
use crate::reply::{Own, Reply};
use crate::request::Client;

/// A request that comes, and the response that goes.
#[derive(Debug)]
pub(crate) struct Stream {
    receive: RecvStream,
    respond: SendResponse<Bytes>,
    send: Outgoing,
    /// The final head was sent.
    has_begun: bool,
}

/// The body that is sent over one stream, of either side.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// None before the head, and after the last piece.
    stream: Option<SendStream<Bytes>>,
    /// Waits for the other side's window.
    queued: Bytes,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(receive: RecvStream, respond: SendResponse<Bytes>) -> Stream {
        Stream { receive, respond, send: Outgoing::default(), has_begun: false }
    }

    pub(super) fn has_body(&self) -> bool {
        !self.receive.is_end_stream()
    }

    pub(super) fn reset(mut self, reason: Reason) {
        self.respond.send_reset(reason);
    }

    pub(super) fn refuse(mut self, refusal: Refusal) {
        let own = Own::refusal(refusal);
        self.reply(&own.head(&own.texts()));
        self.send.begin_data(own.body.clone(), true);
    }
}

impl Source for Stream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        poll_incoming(&mut self.receive, cx)
    }
}

impl Sink for Stream {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.send.poll_room(cx)
    }

    fn push(&mut self, piece: Piece) -> Result<(), Broken> {
        self.send.push(piece)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.send.poll_room(cx)
    }
}

impl Client for Stream {
    fn reply(&mut self, reply: &Reply<'_>) {
        // 101 is not of HTTP/2: a tunnel begins with 200 (RFC 8441 section 5).
        let status = if reply.status == 101 { 200 } else { reply.status };
        let Some(response) = response_of(reply, status) else { return };
        let sent = match status {
            100..200 => self.respond.send_informational(response),
            _ => {
                let ends = reply.body == Body::None && reply.status != 101;
                self.has_begun = true;
                self.respond.send_response(response, ends).map(|stream| {
                    self.send = Outgoing::new(if ends { None } else { Some(stream) });
                })
            }
        };
        if let Err(error) = sent {
            // The stream is gone; whoever sends the body finds out.
            tracing::trace!(%error, "a response was not begun");
        }
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match (&mut self.send.stream, self.has_begun) {
            (Some(stream), _) => stream.poll_reset(cx).map(|_reason| ()),
            (None, false) => self.respond.poll_reset(cx).map(|_reason| ()),
            // All of the response is with the connection.
            (None, true) => Poll::Pending,
        }
    }

    fn is_read(&self) -> bool {
        self.receive.is_end_stream()
    }
}

/// What comes over one stream, of either side.
pub(crate) fn poll_incoming(
    receive: &mut RecvStream,
    cx: &mut Context<'_>,
) -> Poll<Result<Piece, Broken>> {
    match ready!(receive.poll_data(cx)) {
        Some(data) => {
            let data = data?;
            // Whoever asked has room for it, so the other side may send as much again.
            receive.flow_control().release_capacity(data.len())?;
            Poll::Ready(Ok(Piece::Data(data)))
        }
        None => {
            let trailers = ready!(receive.poll_trailers(cx))?;
            Poll::Ready(Ok(Piece::End(trailers.as_ref().map(trailers_of))))
        }
    }
}

// === impl Outgoing ===

impl Outgoing {
    pub(crate) fn new(stream: Option<SendStream<Bytes>>) -> Outgoing {
        Outgoing { stream, queued: Bytes::new() }
    }

    /// As soon as what is queued is with the other side's window.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        while !self.queued.is_empty() {
            let Some(stream) = &mut self.stream else { return Poll::Ready(Err(Broken::Ended)) };
            stream.reserve_capacity(self.queued.len());
            let Some(capacity) = ready!(stream.poll_capacity(cx)) else {
                return Poll::Ready(Err(Broken::Ended));
            };
            let length = capacity?.min(self.queued.len());
            stream.send_data(self.queued.split_to(length), false)?;
        }
        Poll::Ready(Ok(()))
    }

    pub(crate) fn push(&mut self, piece: Piece) -> Result<(), Broken> {
        match piece {
            Piece::Data(data) => {
                // The answer to HEAD has none.
                if self.stream.is_some() {
                    self.queued = data;
                }
                Ok(())
            }
            Piece::End(trailers) => {
                let Some(mut stream) = self.stream.take() else { return Ok(()) };
                match trailers {
                    Some(trailers) => stream.send_trailers(trailers_to(&trailers))?,
                    None => stream.send_data(Bytes::new(), true)?,
                }
                Ok(())
            }
        }
    }

    fn begin_data(&mut self, data: Bytes, ends: bool) {
        if let Some(stream) = &mut self.stream
            && let Err(error) = stream.send_data(data, ends)
        {
            tracing::trace!(%error, "a refusal was not sent");
        }
    }
}
