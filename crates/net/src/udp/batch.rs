//! Up to 64 datagrams in with one system call, their answers out with another.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

mod buffers;

use buffers::Buffers;

/// Datagrams per system call: enough to spread the cost of a call thin. The last query of a full
/// batch waits for the answers to all before it, some 0.2 ms in all.
pub const BATCH: usize = 64;

/// Longest datagram that is handed on. A question needs at most 12 + 255 + 4 bytes; 2 KiB leaves
/// room for options, padding (RFC 8467 §4.1) and a signature.
pub const QUERY_ROOM: usize = 2048;

/// Longest answer: the size that RFC 6891 §6.2.5 gives clients as a starting point.
pub const REPLY_ROOM: usize = 4096;

/// What one thread needs to receive and answer; made once, reused for every batch.
pub struct Batch {
    buffers: Buffers,
}

/// Queries that have arrived and wait for their answers; dropping it drops them.
pub struct Received<'a> {
    buffers: &'a mut Buffers,
    socket: &'a UdpSocket,
    len: usize,
}

/// What became of a batch: `sent + unanswered + discarded + failed` is what was received.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Served {
    pub sent: usize,
    /// The closure said `None`.
    pub unanswered: usize,
    /// Longer than [`QUERY_ROOM`]; the closure never saw them.
    pub discarded: usize,
    /// The kernel would not send the answer, or it was longer than [`REPLY_ROOM`].
    pub failed: usize,
    /// Why the last of the `failed` ones failed.
    pub failure: Option<io::ErrorKind>,
}

// === impl Batch ===

impl Default for Batch {
    fn default() -> Self {
        Batch::new()
    }
}

impl Batch {
    pub fn new() -> Self {
        Batch { buffers: Buffers::new() }
    }

    /// Waits for the first datagram and takes those that have come by then, at most [`BATCH`].
    /// Empty when none came within the socket's wait, or when a signal arrived.
    pub fn receive<'a>(&'a mut self, socket: &'a UdpSocket) -> io::Result<Received<'a>> {
        let len = match self.buffers.receive(socket.as_raw_fd()) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        Ok(Received { buffers: &mut self.buffers, socket, len })
    }
}

// === impl Received ===

impl Received<'_> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Shows each query, its sender and a buffer of [`REPLY_ROOM`] bytes to `answer`, which says
    /// how many bytes of the buffer are the answer, or `None` for silence; then sends the answers.
    /// The buffer may hold an older answer. If `answer` panics none of the batch is sent, and the
    /// next batch is received as usual.
    pub fn serve(
        self,
        mut answer: impl FnMut(&[u8], SocketAddr, &mut [u8]) -> Option<usize>,
    ) -> Served {
        let mut served = Served::default();
        let mut replies = 0;
        for i in 0..self.len {
            let Some((query, from, reply)) = self.buffers.query_and_reply(i, replies) else {
                served.discarded += 1;
                continue;
            };
            match answer(query, from, reply) {
                Some(len) if len <= REPLY_ROOM => {
                    self.buffers.address_reply(replies, i, len);
                    replies += 1;
                }
                Some(_) => served.fail(1, io::ErrorKind::InvalidData),
                None => served.unanswered += 1,
            }
        }
        self.send(replies, &mut served);
        served
    }

    /// Sends the first `count` replies and notes what became of them.
    fn send(self, count: usize, served: &mut Served) {
        let mut next = 0;
        while next < count {
            match self.buffers.send(self.socket.as_raw_fd(), next, count) {
                Ok(sent) => {
                    served.sent += sent;
                    next += sent;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The send queue stayed full for the socket's whole wait; to wait again for
                    // each answer would hold up the queries behind this batch for seconds.
                    served.fail(count - next, error.kind());
                    next = count;
                }
                Err(error) => {
                    // sendmmsg reports an error only when the first message has it, so it is that
                    // one which cannot be sent.
                    served.fail(1, error.kind());
                    next += 1;
                }
            }
        }
    }
}

// === impl Served ===

impl Served {
    fn fail(&mut self, count: usize, kind: io::ErrorKind) {
        self.failed += count;
        self.failure = Some(kind);
    }
}

#[cfg(test)]
mod tests;
