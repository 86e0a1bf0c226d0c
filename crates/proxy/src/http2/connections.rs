//! Connections of one thread to origins that speak HTTP/2: which has a stream left, and who makes the next one.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection as Driver, SendRequest};
use hashbrown::HashMap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use trimtab_model::pool::Upstream;

use crate::fault::Fault;
use crate::idle::Key;
use crate::worker::Worker;

/// By what they were made with.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    endpoints: HashMap<Key, Endpoint, foldhash::fast::RandomState>,
    /// One drives each connection, until it ends.
    drivers: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Endpoint {
    /// In the order in which they came; the first with a stream left is used.
    connections: Vec<Connection>,
    line: Arc<Line>,
}

#[derive(Debug)]
struct Connection {
    requests: SendRequest<Bytes>,
    usage: Arc<Usage>,
    life: Life,
    /// When it last had a stream, as far as anybody looked.
    used: Instant,
}

/// What the streams of a connection tell it.
#[derive(Debug, Default)]
struct Usage {
    /// Streams of ours.
    open: AtomicUsize,
    /// A request got no answer in time: perhaps there is nobody at the other end any more.
    is_silent: AtomicBool,
}

/// How long a connection is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// From then on it gets no more streams, and ends with its last one.
    pub(crate) retires: Instant,
    /// Without a stream.
    pub(crate) idle_timeout: Duration,
}

/// Those who wait for a stream to one endpoint.
#[derive(Debug, Default)]
struct Line {
    /// Somebody makes a connection.
    makes: AtomicBool,
    /// While the endpoint has all the connections that it may have.
    waiting: AtomicU32,
    changed: Notify,
}

/// One stream of a connection, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) requests: SendRequest<Bytes>,
    usage: Arc<Usage>,
    line: Arc<Line>,
}

/// The turn to make a connection; nobody else makes one to the same endpoint until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Line>);

/// Which connection a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Any,
    /// One that was made since the request failed over another; what ends one connection often ends all.
    New,
}

/// What a request that comes now has to do.
#[derive(Debug)]
enum Next {
    Send(Lease),
    Make(Turn),
    /// Somebody else makes one.
    Wait,
    /// Every connection has all its streams, and there may be no more of them.
    Full,
}

/// What a request has once it need not wait.
#[derive(Debug)]
pub(crate) enum Place {
    Stream(Lease),
    Turn(Turn),
}

/// Streams of ours on one connection, whatever its origin allows: what one connection loses, many requests lose.
const STREAMS_MAX: usize = 100;
/// Connections of one thread to an endpoint whose pool sets no limit.
const CONNECTIONS_MAX: usize = 8;
/// Of one stream: a response that a client reads slowly waits at its origin.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// All streams at once: were it less, a few clients that do not read would use it up and hold back everybody else's
/// responses. What that costs is 256 KiB for each client that does not read, 25 MiB of memory for a connection at worst.
const CONNECTION_WINDOW_BYTES: u32 = STREAMS_MAX as u32 * STREAM_WINDOW_BYTES;
/// Trailers of gRPC carry messages and details.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;

/// Waits as long as a connection may take: for a stream, or for the turn to make a connection.
pub(crate) async fn place(
    worker: &Worker,
    key: &Key,
    of: &Upstream,
    want: Want,
) -> Result<Place, Fault> {
    let until = Instant::now() + Duration::from_millis(of.connect_timeout.into());
    let connections_max = match of.max_connections {
        0 => CONNECTIONS_MAX,
        limit => limit as usize,
    };
    let line = worker.http2_with(|connections| connections.line(key));
    loop {
        let changed = line.changed.notified();
        let now = Instant::now();
        let next =
            worker.http2_with(|connections| connections.next(key, want, connections_max, now));
        let in_line = match next {
            Next::Send(lease) => return Ok(Place::Stream(lease)),
            Next::Make(turn) => return Ok(Place::Turn(turn)),
            Next::Wait => None,
            Next::Full => Some(line.wait(of.max_pending).ok_or(Fault::Busy)?),
        };
        if timeout_at(until, changed).await.is_err() {
            return Err(if in_line.is_some() { Fault::Busy } else { Fault::ConnectTimeout });
        }
    }
}

/// A connection whose origin has said what it allows: a stream that is one too many would be refused.
pub(crate) async fn handshake<T: AsyncRead + AsyncWrite + Unpin>(
    stream: T,
    limit: Duration,
) -> Result<(SendRequest<Bytes>, Driver<T, Bytes>), Fault> {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_max_send_streams(0)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES_MAX);
    let settled = async {
        let (requests, mut driver) = builder.handshake(stream).await?;
        let allows = |cx: &mut Context<'_>| match Pin::new(&mut driver).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| false)),
            Poll::Pending if driver.max_concurrent_send_streams() > 0 => Poll::Ready(Ok(true)),
            Poll::Pending => Poll::Pending,
        };
        let allows = poll_fn(allows).await?;
        Ok::<_, h2::Error>(allows.then_some((requests, driver)))
    };
    match timeout(limit, settled).await {
        Ok(Ok(Some(made))) => Ok(made),
        Ok(Ok(None) | Err(_)) => Err(Fault::HungUp),
        Err(_elapsed) => Err(Fault::ConnectTimeout),
    }
}

// === impl Connections ===

impl Connections {
    fn line(&mut self, key: &Key) -> Arc<Line> {
        Arc::clone(&self.endpoints.entry(key.clone()).or_default().line)
    }

    fn next(&mut self, key: &Key, want: Want, connections_max: usize, now: Instant) -> Next {
        let endpoint = self.endpoints.entry(key.clone()).or_default();
        endpoint.connections.retain_mut(|one| one.serves(now));
        let (line, is_full) = (&endpoint.line, endpoint.connections.len() >= connections_max);
        let mut with_room = endpoint.connections.iter_mut().filter(|one| one.has_room());
        let found = match want {
            Want::Any => with_room.next(),
            Want::New => with_room.next_back().filter(|_| is_full),
        };
        if let Some(one) = found {
            Next::Send(one.lease(line, now))
        } else if is_full {
            Next::Full
        } else if line.makes.swap(true, Ordering::Relaxed) {
            Next::Wait
        } else {
            Next::Make(Turn(Arc::clone(line)))
        }
    }

    /// The first stream of a new one is for whoever made it.
    pub(crate) fn add<T: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        &mut self,
        key: Key,
        (requests, driver): (SendRequest<Bytes>, Driver<T, Bytes>),
        life: Life,
    ) -> Lease {
        self.drivers.spawn(async move {
            if let Err(error) = driver.await {
                tracing::trace!(%error, "a connection to an origin ended");
            }
        });
        let endpoint = self.endpoints.entry(key).or_default();
        let now = Instant::now();
        let mut connection = Connection { requests, usage: Arc::default(), life, used: now };
        let lease = connection.lease(&endpoint.line, now);
        endpoint.connections.push(connection);
        lease
    }

    /// Drivers that ended, connections that nobody can use any more, and endpoints that nobody asks for.
    pub(crate) fn sweep(&mut self, now: Instant) {
        while let Some(ended) = self.drivers.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a connection to an origin ended by a panic");
            }
        }
        self.endpoints.retain(|_, endpoint| {
            endpoint.connections.retain_mut(|one| one.serves(now));
            !endpoint.connections.is_empty() || Arc::strong_count(&endpoint.line) > 1
        });
    }
}

// === impl Connection ===

impl Connection {
    /// One that does not is let go: it ends with its last stream (RFC 9113 section 6.8).
    fn serves(&mut self, now: Instant) -> bool {
        if self.usage.open.load(Ordering::Relaxed) > 0 {
            self.used = now;
        }
        let cx = &mut Context::from_waker(Waker::noop());
        self.life.retires > now
            && now.duration_since(self.used) < self.life.idle_timeout
            && !self.usage.is_silent.load(Ordering::Relaxed)
            && !matches!(self.requests.poll_ready(cx), Poll::Ready(Err(_)))
    }

    fn has_room(&self) -> bool {
        let streams_max = self.requests.current_max_send_streams().min(STREAMS_MAX);
        self.usage.open.load(Ordering::Relaxed) < streams_max
    }

    fn lease(&mut self, line: &Arc<Line>, now: Instant) -> Lease {
        self.used = now;
        self.usage.open.fetch_add(1, Ordering::Relaxed);
        let (requests, usage) = (self.requests.clone(), Arc::clone(&self.usage));
        Lease { requests, usage, line: Arc::clone(line) }
    }
}

// === impl Lease ===

impl Lease {
    /// The connection gets no more streams. Those that it has may still be answered.
    pub(super) fn retire(&self) {
        self.usage.is_silent.store(true, Ordering::Relaxed);
    }
}

// === impl Line ===

impl Line {
    /// None when so many wait already.
    fn wait(&self, waiting_max: u32) -> Option<Waiting<'_>> {
        let is_short = self.waiting.load(Ordering::Relaxed) < waiting_max;
        is_short.then(|| {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            Waiting(self)
        })
    }
}

/// Counts one request while it waits.
struct Waiting<'a>(&'a Line);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.usage.open.fetch_sub(1, Ordering::Relaxed);
        self.line.changed.notify_one();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.makes.store(false, Ordering::Relaxed);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
