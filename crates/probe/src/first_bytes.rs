//! The first bytes of an answer, kept to show what was wrong with it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of an answer that are kept: a status line and the first headers, or a greeting.
pub const FIRST_BYTES_MAX: usize = 256;

/// How an answer began; empty where there was none. Shown with everything but printable ASCII
/// escaped, so that no endpoint writes to anybody's terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstBytes(Vec<u8>);

/// A stream that remembers how its answer began.
pub(crate) struct Tap<S> {
    stream: S,
    first: FirstBytes,
}

// === impl FirstBytes ===

impl FirstBytes {
    pub fn of(answer: &[u8]) -> FirstBytes {
        FirstBytes(answer.get(..FIRST_BYTES_MAX).unwrap_or(answer).to_vec())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = FIRST_BYTES_MAX.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

impl fmt::Display for FirstBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

// === impl Tap ===

impl<S> Tap<S> {
    pub(crate) fn new(stream: S) -> Tap<S> {
        Tap { stream, first: FirstBytes::default() }
    }

    pub(crate) fn answer(&self) -> &[u8] {
        self.first.bytes()
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.first.add(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn the_first_bytes_are_kept_and_shown_harmless() {
        let answer = [&b"\x1b[2J HTTP/1.1 500\r\n\xff\""[..], &[b'x'; 400]].concat();
        let mut tap = Tap::new(&answer[..]);
        let mut read = Vec::new();
        tap.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, answer);
        assert_eq!(tap.answer(), &answer[..FIRST_BYTES_MAX]);
        let shown = FirstBytes::of(answer.split_last_chunk::<399>().unwrap().0).to_string();
        assert_eq!(shown, r#"\x1b[2J HTTP/1.1 500\r\n\xff\"x"#);
    }
}
