//! Up to 64 datagrams in with one system call, their answers out with another.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

mod buffers;
mod run;

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
    /// False once the kernel refused several answers in one message and took them one by one: their way out knows
    /// no segments.
    in_runs: bool,
}

/// Queries that have arrived and wait for their answers; dropping it drops them.
pub struct Received<'a> {
    buffers: &'a mut Buffers,
    in_runs: &'a mut bool,
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
        Batch { buffers: Buffers::new(), in_runs: true }
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
        Ok(Received { buffers: &mut self.buffers, in_runs: &mut self.in_runs, socket, len })
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
        mut self,
        mut answer: impl FnMut(&[u8], SocketAddr, &mut [u8]) -> Option<usize>,
    ) -> Served {
        let mut served = Served::default();
        for query in 0..self.len {
            let Some((bytes, from, reply)) = self.buffers.query_and_reply(query) else {
                served.discarded += 1;
                continue;
            };
            match answer(bytes, from, reply) {
                Some(len) if len <= REPLY_ROOM => {
                    self.buffers.keep(query, from, len);
                }
                Some(_) => served.fail(1, io::ErrorKind::InvalidData),
                None => served.unanswered += 1,
            }
        }
        self.send(&mut served);
        served
    }

    /// Sends the answers, neighbours to one client in one message, and notes what became of them.
    fn send(&mut self, served: &mut Served) {
        let mut messages = self.buffers.address(0, *self.in_runs);
        let mut next = 0;
        // Why a run could not be sent whose answers now leave one by one.
        let mut broken: Option<io::Error> = None;
        while next < messages {
            match self.buffers.send(self.socket.as_raw_fd(), next) {
                Ok(sent) => {
                    served.sent += self.buffers.answers_in(next, sent);
                    next += sent;
                    *self.in_runs &= broken.take().is_none_or(|error| !is_of_segments(&error));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The send queue stayed full for the socket's whole wait; to wait again for
                    // each answer would hold up the queries behind this batch for seconds.
                    served.fail(self.buffers.answers_in(next, messages - next), error.kind());
                    next = messages;
                }
                // sendmmsg reports an error only when the first message has it, so it is that one
                // which cannot be sent: as a run, or its answer.
                Err(error) if self.buffers.answers_in(next, 1) > 1 => {
                    let sent = self.buffers.answers_in(0, next);
                    messages = self.buffers.address(sent, false);
                    next = 0;
                    broken = Some(error);
                }
                Err(error) => {
                    served.fail(1, error.kind());
                    next += 1;
                    broken = None;
                }
            }
        }
    }
}

/// What a kernel, a device or an IPsec policy says that cannot cut a message into segments (udp(7), `UDP_SEGMENT`).
/// EMSGSIZE is about one path alone.
fn is_of_segments(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP))
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
