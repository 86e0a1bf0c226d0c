//! One stream, as the client's side of a request.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::StreamError;
use h3::server::RequestStream;
use http::{HeaderMap, Response};
use tokio::time::Instant;

use super::quic::{self, Handle};
use crate::exchange::{Broken, Piece, Sink, Source};
use crate::head::Body;
use crate::http2::head::{response_of, trailers_of, trailers_to};
use crate::refusal::Refusal;
use crate::reply::{Own, Reply};
use crate::request::Client;
use crate::settings::LINGER_TIMEOUT;
use crate::watch::Watch;

/// A request that comes, and the response that goes.
pub(super) struct Stream {
    receive: Incoming,
    send: Outgoing,
    handle: Handle,
    is_left: bool,
}

/// The request's body.
struct Incoming {
    stream: RequestStream<quic::Receiving, Bytes>,
    /// Came while the head was looked at.
    first: Option<Result<Piece, Broken>>,
    /// Data has ended; trailers may be on their way.
    is_data_over: bool,
    is_read: bool,
    /// What of the length that the head told is still to come.
    promised: Option<u64>,
}

/// The response.
struct Outgoing {
    /// At most a head, one piece of the body and the end.
    waiting: VecDeque<Part>,
    writer: Writer,
    /// The last part is queued, or the response has no body.
    is_ended: bool,
}

/// What is written in one go.
enum Part {
    Head(Response<()>),
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

enum Writer {
    Free(Box<SendHalf>),
    Busy(Pin<Box<dyn Future<Output = Result<Box<SendHalf>, StreamError>> + Send>>),
    Gone,
}

type SendHalf = RequestStream<quic::Sending, Bytes>;

// === impl Stream ===

impl Stream {
    /// Takes what has come of the body with the head.
    pub(super) async fn new(stream: RequestStream<quic::Stream, Bytes>, handle: Handle) -> Stream {
        handle.is_cut_by_drop.store(true, Ordering::Relaxed);
        let (send, receive) = stream.split();
        let mut receive = Incoming {
            stream: receive,
            first: None,
            is_data_over: false,
            is_read: false,
            promised: None,
        };
        poll_fn(|cx| {
            if let Poll::Ready(piece) = receive.poll_next(cx) {
                receive.first = Some(piece);
            }
            Poll::Ready(())
        })
        .await;
        let waiting = VecDeque::new();
        let send = Outgoing { waiting, writer: Writer::Free(Box::new(send)), is_ended: false };
        Stream { receive, send, handle, is_left: false }
    }

    pub(super) fn has_body(&self) -> bool {
        !matches!(self.receive.first, Some(Ok(Piece::End(None))))
    }

    /// The head told how long the body is.
    pub(super) fn promise(&mut self, body: Body) {
        if let Body::Length(length) = body {
            self.receive.promised = Some(length);
        }
    }

    /// The client took its request back, or broke it.
    pub(super) fn is_left(&self) -> bool {
        self.is_left
    }

    pub(super) async fn refuse(&mut self, refusal: Refusal, watch: &mut Watch) {
        let own = Own::refusal(refusal);
        self.reply(&own.head(&own.texts()));
        self.send.queue(Piece::Data(own.body.clone()));
        self.send.queue(Piece::End(None));
        watch.set(Instant::now() + LINGER_TIMEOUT);
        if !matches!(watch.within(|cx| self.send.poll(cx)).await, Ok(Ok(()))) {
            self.is_left = true;
        }
    }

    /// Until the client has all of the response: a connection that ends before takes the rest along.
    pub(super) async fn linger(mut self, watch: &mut Watch) {
        watch.set(Instant::now() + LINGER_TIMEOUT);
        // Silence is the client's loss.
        let _had_it = watch.within(|cx| self.handle.stopped.as_mut().poll(cx)).await;
    }
}

impl Source for Stream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        let piece = match self.receive.first.take() {
            Some(piece) => piece,
            None => ready!(self.receive.poll_next(cx)),
        };
        let piece = piece.and_then(|piece| self.receive.keep_promise(piece));
        self.is_left |= piece.is_err();
        Poll::Ready(piece)
    }
}

impl Sink for Stream {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let written = ready!(self.send.poll(cx));
        self.is_left |= written.is_err();
        Poll::Ready(written)
    }

    fn push(&mut self, piece: Piece) -> Result<(), Broken> {
        self.send.queue(piece);
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.poll_room(cx)
    }
}

impl Client for Stream {
    fn reply(&mut self, reply: &Reply<'_>) {
        let Some(response) = response_of(reply, reply.status) else { return };
        self.send.waiting.push_back(Part::Head(response));
        if reply.status >= 200 && reply.body == Body::None {
            self.send.queue(Piece::End(None));
        }
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Told to stop or lost with its connection: the client is gone either way.
        ready!(self.handle.stopped.as_mut().poll(cx)).ok();
        self.is_left = true;
        Poll::Ready(())
    }

    fn is_read(&self) -> bool {
        self.receive.is_read
    }
}

// === impl Incoming ===

impl Incoming {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        if !self.is_data_over {
            let data = ready!(self.stream.poll_recv_data(cx)).map_err(broken)?;
            if let Some(mut data) = data {
                return Poll::Ready(Ok(Piece::Data(data.copy_to_bytes(data.remaining()))));
            }
            self.is_data_over = true;
        }
        let trailers = ready!(self.stream.poll_recv_trailers(cx)).map_err(broken)?;
        self.is_read = true;
        Poll::Ready(Ok(Piece::End(trailers.as_ref().map(trailers_of))))
    }

    /// RFC 9114 section 4.1.2: a body of another length than its head tells is malformed.
    fn keep_promise(&mut self, piece: Piece) -> Result<Piece, Broken> {
        if let Some(promised) = &mut self.promised {
            let left = match &piece {
                Piece::Data(data) => promised.checked_sub(data.len() as u64),
                Piece::End(_) => promised.eq(&&0).then_some(0),
            };
            *promised = left.ok_or(Refusal::ContentLength)?;
        }
        Ok(piece)
    }
}

// === impl Outgoing ===

impl Outgoing {
    fn queue(&mut self, piece: Piece) {
        if self.is_ended {
            return;
        }
        match piece {
            Piece::Data(data) if data.is_empty() => {}
            Piece::Data(data) => self.waiting.push_back(Part::Data(data)),
            Piece::End(trailers) => {
                self.is_ended = true;
                let trailers = trailers.map(|trailers| Part::Trailers(trailers_to(&trailers)));
                self.waiting.extend(trailers);
                self.waiting.push_back(Part::End);
            }
        }
    }

    /// Ready once everything queued is with the connection's flow control.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            self.writer = match std::mem::replace(&mut self.writer, Writer::Gone) {
                Writer::Gone => return Poll::Ready(Err(Broken::Ended)),
                Writer::Free(stream) => match self.waiting.pop_front() {
                    Some(part) => Writer::Busy(Box::pin(write(stream, part))),
                    None => {
                        self.writer = Writer::Free(stream);
                        return Poll::Ready(Ok(()));
                    }
                },
                Writer::Busy(mut writing) => match writing.as_mut().poll(cx) {
                    Poll::Ready(written) => Writer::Free(written.map_err(broken)?),
                    Poll::Pending => {
                        self.writer = Writer::Busy(writing);
                        return Poll::Pending;
                    }
                },
            }
        }
    }
}

async fn write(mut stream: Box<SendHalf>, part: Part) -> Result<Box<SendHalf>, StreamError> {
    match part {
        Part::Head(head) => stream.send_response(head).await?,
        Part::Data(data) => stream.send_data(data).await?,
        Part::Trailers(trailers) => stream.send_trailers(trailers).await?,
        Part::End => stream.finish().await?,
    }
    Ok(stream)
}

fn broken(error: StreamError) -> Broken {
    Broken::Io(io::Error::other(error))
}
