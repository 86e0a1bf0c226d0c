//! The body of a request on its way to an endpoint, of which so much is kept that another endpoint can be sent it, too.

use std::task::{Context, Poll, ready};

use arrayvec::ArrayVec;
use bytes::Bytes;

use crate::exchange::{Broken, Piece, Pump, Side, Sink, Source};
use crate::head::Body;

/// A body that can be sent again while it is short.
#[derive(Debug)]
pub(crate) struct Replay {
    kept: Kept,
    pump: Pump,
    moved: u64,
}

/// What has come of it.
#[derive(Debug)]
struct Kept {
    pieces: ArrayVec<Bytes, PIECES_MAX>,
    bytes: usize,
    /// More has come than is kept.
    overflowed: bool,
    /// How many of the pieces this endpoint was sent.
    sent: usize,
    /// The client's last piece came.
    ended: bool,
}

/// The kept pieces, then those that the client still has.
struct Again<'a, From> {
    kept: &'a mut Kept,
    from: &'a mut From,
}

/// What may be kept of one body: longer uploads fail with their endpoint.
pub(crate) const KEPT_BYTES_MAX: usize = 64 * 1024;
/// Pieces are as large as reads; a client that sends a few bytes at a time is not sent again.
const PIECES_MAX: usize = 16;

// === impl Replay ===

impl Replay {
    pub(crate) fn new(body: Body) -> Replay {
        let ended = body == Body::None;
        let kept = Kept { pieces: ArrayVec::new(), bytes: 0, overflowed: false, sent: 0, ended };
        // Without a body there is the head alone to be written.
        Replay { kept, pump: if ended { Pump::Flushing } else { Pump::Moving }, moved: 0 }
    }

    /// Bytes sent so far, to all endpoints together.
    pub(crate) fn moved(&self) -> u64 {
        self.moved
    }

    /// Everything that was sent can be sent again.
    pub(crate) fn is_whole(&self) -> bool {
        !self.kept.overflowed
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.pump == Pump::Done
    }

    /// The next endpoint gets it from the start.
    pub(crate) fn rewind(&mut self) {
        self.kept.sent = 0;
        let without_body = self.kept.ended && self.kept.pieces.is_empty();
        self.pump = if without_body { Pump::Flushing } else { Pump::Moving };
    }

    /// Moves what can be moved now. Ready once all of it is sent, and again each time it is asked after that.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl Source,
        to: &mut impl Sink,
    ) -> Poll<Result<(), Side>> {
        self.pump.poll(cx, &mut Again { kept: &mut self.kept, from }, to, &mut self.moved)
    }
}

impl<From: Source> Source for Again<'_, From> {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        if let Some(piece) = self.kept.pieces.get(self.kept.sent) {
            self.kept.sent += 1;
            return Poll::Ready(Ok(Piece::Data(piece.clone())));
        }
        if self.kept.ended {
            return Poll::Ready(Ok(Piece::End(None)));
        }
        let piece = ready!(self.from.poll_piece(cx))?;
        self.kept.keep(&piece);
        Poll::Ready(Ok(piece))
    }
}

// === impl Kept ===

impl Kept {
    fn keep(&mut self, piece: &Piece) {
        match piece {
            Piece::Data(data) => {
                self.bytes += data.len();
                self.overflowed |= self.bytes > KEPT_BYTES_MAX || self.pieces.is_full();
                match self.overflowed {
                    true => self.pieces.clear(),
                    false => self.pieces.push(data.clone()),
                }
                self.sent = self.pieces.len();
            }
            Piece::End(trailers) => {
                self.ended = true;
                // A trailer section is not kept.
                self.overflowed |= trailers.is_some();
            }
        }
    }
}
