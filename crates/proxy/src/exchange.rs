//! What goes through a request in both directions, whatever protocol each side speaks: pieces of a body.

use std::task::{Context, Poll};

use bytes::Bytes;

use crate::head::Fields;
use crate::refusal::Refusal;

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    Data(Bytes),
    /// The last one, perhaps with a trailer section.
    End(Option<Fields>),
}

/// Why one side goes no further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("connection lost")]
    Io(#[from] std::io::Error),
    #[error("connection ended within a message")]
    Ended,
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("stream reset")]
    Http2(#[from] h2::Error),
    #[error("malformed response")]
    Response,
}

/// The body that a side sends us.
pub(crate) trait Source {
    /// Not called again after the last piece.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>>;
}

/// The body that we send a side.
pub(crate) trait Sink {
    /// Room for one more piece; what is queued is written as far as the other side takes it.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>>;

    /// Only after [`Sink::poll_room`] said so.
    fn push(&mut self, piece: Piece) -> Result<(), Broken>;

    /// All of it is with the kernel, or with the flow control of HTTP/2.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>>;
}

/// One direction: pieces from one side to the other until the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pump {
    Moving,
    /// The last piece was pushed.
    Flushing,
    Done,
}

/// Which side broke, and how as far as that matters: whoever is written to may have answered before.
#[derive(Debug)]
pub(crate) enum Side {
    From(Broken),
    To,
}

// === impl Pump ===

impl Pump {
    /// Moves what can be moved now. Ready once the last piece is written.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut impl Source,
        to: &mut impl Sink,
        moved: &mut u64,
    ) -> Poll<Result<(), Side>> {
        loop {
            match self {
                Pump::Done => return Poll::Ready(Ok(())),
                Pump::Flushing => {
                    std::task::ready!(to.poll_flush(cx)).map_err(|_broken| Side::To)?;
                    *self = Pump::Done;
                }
                Pump::Moving => {
                    std::task::ready!(to.poll_room(cx)).map_err(|_broken| Side::To)?;
                    let piece = match from.poll_piece(cx) {
                        Poll::Ready(piece) => piece.map_err(Side::From)?,
                        Poll::Pending => {
                            // Nothing more for now: what there is must not wait for it.
                            std::task::ready!(to.poll_flush(cx)).map_err(|_broken| Side::To)?;
                            return Poll::Pending;
                        }
                    };
                    match &piece {
                        Piece::Data(data) => *moved += data.len() as u64,
                        Piece::End(_) => *self = Pump::Flushing,
                    }
                    to.push(piece).map_err(|_broken| Side::To)?;
                }
            }
        }
    }
}
