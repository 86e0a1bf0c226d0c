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
    /// What came behind so many pieces, as one more of them.
    rest: Vec<u8>,
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
/// Pieces are as large as reads, and kept without a copy; of a client that sends a few bytes at a time the rest is copied.
const PIECES_MAX: usize = 16;

// === impl Replay ===

impl Replay {
    pub(crate) fn new(body: Body) -> Replay {
        let ended = body == Body::None;
        let (pieces, rest) = (ArrayVec::new(), Vec::new());
        let kept = Kept { pieces, rest, bytes: 0, overflowed: false, sent: 0, ended };
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
        if let Some(piece) = self.kept.next() {
            self.kept.sent += 1;
            return Poll::Ready(Ok(Piece::Data(piece)));
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
    /// The next one that this endpoint was not sent.
    fn next(&self) -> Option<Bytes> {
        let is_rest = self.sent == self.pieces.len() && !self.rest.is_empty();
        let rest = || is_rest.then(|| Bytes::copy_from_slice(&self.rest));
        self.pieces.get(self.sent).cloned().or_else(rest)
    }

    fn keep(&mut self, piece: &Piece) {
        match piece {
            Piece::Data(data) => {
                self.bytes += data.len();
                self.overflowed |= self.bytes > KEPT_BYTES_MAX;
                if self.overflowed {
                    (self.pieces, self.rest) = (ArrayVec::new(), Vec::new());
                } else if self.pieces.is_full() {
                    self.rest.extend_from_slice(data);
                } else {
                    self.pieces.push(data.clone());
                }
                self.sent = self.pieces.len() + usize::from(!self.rest.is_empty());
            }
            Piece::End(trailers) => {
                self.ended = true;
                // A trailer section is not kept.
                self.overflowed |= trailers.is_some();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use super::*;

    /// A client with these pieces, and nothing after them until it is given more.
    struct Client(VecDeque<Piece>);

    impl Source for Client {
        fn poll_piece(&mut self, _cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
            self.0.pop_front().map_or(Poll::Pending, |piece| Poll::Ready(Ok(piece)))
        }
    }

    #[derive(Default)]
    struct Endpoint(Vec<u8>);

    impl Sink for Endpoint {
        fn poll_room(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
            Poll::Ready(Ok(()))
        }

        fn push(&mut self, piece: Piece) -> Result<(), Broken> {
            if let Piece::Data(data) = piece {
                self.0.extend_from_slice(&data);
            }
            Ok(())
        }

        fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Sends some pieces to one endpoint, then all of the body to another one, and the same again to a third.
    fn check(pieces: usize, bytes_each: usize, before: usize, is_whole: bool) {
        let piece = |number: usize| {
            let byte = u8::try_from(number % 251).unwrap();
            Piece::Data(vec![byte; bytes_each].into())
        };
        let cx = &mut Context::from_waker(Waker::noop());
        let mut client = Client((0..before).map(piece).collect());
        let (mut body, mut first) = (Replay::new(Body::Streamed), Endpoint::default());
        assert!(body.poll(cx, &mut client, &mut first).is_pending());
        client.0.extend((before..pieces).map(piece).chain([Piece::End(None)]));
        for _ in 0..2 {
            let mut next = Endpoint::default();
            body.rewind();
            assert!(body.poll(cx, &mut client, &mut next).is_ready());
            assert_eq!(body.is_whole(), is_whole, "{pieces} of {bytes_each}");
            let all: Vec<u8> = (0..pieces)
                .flat_map(|number| vec![u8::try_from(number % 251).unwrap(); bytes_each])
                .collect();
            assert!(!is_whole || next.0 == all, "{pieces} of {bytes_each}");
        }
    }

    #[test]
    fn semantics_34_a_body_of_64_kib_is_sent_again_in_however_many_pieces_it_came() {
        check(1, KEPT_BYTES_MAX, 1, true);
        check(PIECES_MAX, 9, 4, true);
        check(PIECES_MAX + 1, 9, PIECES_MAX, true);
        check(1_000, 5, 0, true);
        check(1_000, 5, 3, true);
        check(1_000, 5, 500, true);
        check(KEPT_BYTES_MAX, 1, 40, true);
        check(KEPT_BYTES_MAX + 1, 1, 40, false);
        check(2, KEPT_BYTES_MAX, 1, false);
    }
}
