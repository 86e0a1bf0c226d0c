//! A connection to an endpoint: one that waits, one that others use as well, or a new one.

use std::future::poll_fn;
use std::hash::{BuildHasher, Hash, Hasher};
use std::task::{Context, Poll};
use std::time::Duration;

use foldhash::fast::FixedState;
use tokio::time::Instant;
use tokio_rustls::TlsStream;
use trimtab_connect::{ConnectError, Profile, Ready, ServerName, Trust};

use crate::choice::Target;
use crate::exchange::{Broken, Piece, Sink, Source};
use crate::fault::Fault;
use crate::forward::{self, Sender, host_of};
use crate::h1::Wire;
use crate::head::{Body, Host, RequestHead, ResponseHead};
use crate::http2::{self, Connections, Exchange, Life, Place, Want};
use crate::idle::{AtWorst, Connection, Key, Served};
use crate::replay::KEPT_BYTES_MAX;
use crate::stream::Stream;
use crate::worker::Worker;

/// The origin's side of one request.
#[derive(Debug)]
pub(crate) struct Upstream {
    carrier: Carrier,
    key: Key,
    /// It served before, and may have ended meanwhile.
    pub(crate) is_used: bool,
}

/// What carries it.
#[derive(Debug)]
enum Carrier {
    Http1(Connection),
    Http2(Exchange),
}

/// From the one that waited the shortest on; `fresh` wants a new one.
pub(crate) async fn open(
    worker: &Worker,
    head: &RequestHead,
    target: &Target,
    fresh: bool,
) -> Result<Upstream, Fault> {
    let server = server_name(head, target)?;
    let key = Key { address: target.address, identity: identity(target, server.as_ref()) };
    if target.pool.upstream.http2 {
        let want = if fresh { Want::New } else { Want::Any };
        return open_http2(worker, target, server, key, want).await;
    }
    let take = || worker.with_idle(|idle| idle.take(&key, Instant::now(), at_worst(head)));
    while let Some(mut connection) = (!fresh).then(take).flatten() {
        let stale = poll_fn(|cx| Poll::Ready(connection.wire.poll_stale(cx))).await;
        if !stale {
            return Ok(Upstream { carrier: Carrier::Http1(connection), key, is_used: true });
        }
        worker.with_idle(|idle| idle.doubt(&key));
    }
    let wire = Wire::new(connect(worker, target, server).await?);
    let connection = Connection { wire, retires: worker.retirement(&target.pool.upstream) };
    Ok(Upstream { carrier: Carrier::Http1(connection), key, is_used: false })
}

fn at_worst(head: &RequestHead) -> AtWorst {
    let is_kept = match head.body {
        Body::None => true,
        Body::Length(length) => length <= KEPT_BYTES_MAX as u64,
        Body::Streamed | Body::UntilClose => false,
    };
    if is_kept && head.is_idempotent() { AtWorst::Repeated } else { AtWorst::Lost }
}

/// Few connections carry the requests of all clients of this thread.
async fn open_http2(
    worker: &Worker,
    target: &Target,
    server: Option<ServerName<'static>>,
    key: Key,
    want: Want,
) -> Result<Upstream, Fault> {
    let upstream = &target.pool.upstream;
    let (lease, is_used) = match http2::place(worker, &key, upstream, want).await? {
        Place::Stream(lease) => (lease, true),
        Place::Turn(_turn) => {
            let stream = connect(worker, target, server).await?;
            let made = http2::handshake(stream, connect_timeout(target)).await?;
            let idle_timeout = Duration::from_secs(upstream.idle_timeout.into());
            let life = Life { retires: worker.retirement(upstream), idle_timeout };
            let add = |connections: &mut Connections| connections.add(key.clone(), made, life);
            (worker.http2_with(add), false)
        }
    };
    Ok(Upstream { carrier: Carrier::Http2(Exchange::new(lease)), key, is_used })
}

fn connect_timeout(target: &Target) -> Duration {
    Duration::from_millis(target.pool.upstream.connect_timeout.into())
}

async fn connect(
    worker: &Worker,
    target: &Target,
    server: Option<ServerName<'static>>,
) -> Result<Stream, Fault> {
    let (connector, limit) = (&worker.shared.connector, connect_timeout(target));
    let started = Instant::now();
    let stream = connector.tcp(target.address, limit).await.map_err(|error| Fault::from(&error))?;
    let Some(server) = server else { return Ok(Stream::Plain(stream)) };
    let profile = worker.profile(target.pool.upstream_hash, || profile(worker, target))?;
    let left = limit.saturating_sub(started.elapsed());
    match connector.tls_by(&profile, stream, server, left).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(TlsStream::Client(stream)))),
        // The connection stood: it is the handshake that did not come to an end.
        Err(ConnectError::Timeout) => Err(Fault::TlsHandshake),
        Err(error) => Err(Fault::from(&error)),
    }
}

fn profile(worker: &Worker, target: &Target) -> Result<Ready, Fault> {
    let upstream = &target.pool.upstream;
    let key = upstream.client_key.as_ref().map(|key| key.reveal());
    let made = worker.shared.connector.profile(&Profile {
        trust: if upstream.verify { Trust::Certified } else { Trust::Anyone },
        http2: upstream.http2,
        ca: upstream.ca.as_deref(),
        client: upstream.client_certificate.as_deref().zip(key),
    });
    made.map_err(|error| {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, pool = &*target.pool.name, "TLS settings of a pool are unusable");
        Fault::TlsHandshake
    })
}

/// Whom the endpoint's certificate must be for; None for plain HTTP.
fn server_name(head: &RequestHead, target: &Target) -> Result<Option<ServerName<'static>>, Fault> {
    let Some(endpoint) = target.endpoint() else { return Err(Fault::NoOrigin) };
    if !target.pool.uses_tls(endpoint) {
        return Ok(None);
    }
    let asked = target.pool.upstream.server_name.as_deref().map(str::as_bytes);
    let host = Host::read(asked.unwrap_or_else(|| host_of(head, target)));
    let name = host.and_then(|host| std::str::from_utf8(host.name).ok());
    let name = name.map(|name| name.trim_matches(['[', ']']).to_owned());
    let server = name.and_then(|name| ServerName::try_from(name).ok());
    server.map(Some).ok_or(Fault::TlsHandshake)
}

fn identity(target: &Target, server: Option<&ServerName<'_>>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    target.pool.upstream_hash.hash(&mut hasher);
    target.endpoint().and_then(|endpoint| endpoint.virtual_network_id.as_deref()).hash(&mut hasher);
    server.map(ServerName::to_str).hash(&mut hasher);
    hasher.finish()
}

// === impl Upstream ===

impl Upstream {
    /// Queues the head of the request; its body follows as pieces.
    pub(crate) fn begin(&mut self, head: &RequestHead, target: &Target, sender: &Sender<'_>) {
        match &mut self.carrier {
            Carrier::Http1(Connection { wire, .. }) => {
                forward::put_head(wire.out(), head, target, sender);
                wire.end_head(head.body);
            }
            Carrier::Http2(exchange) => exchange.begin(head, target, sender),
        }
    }

    /// The next head of a response, interim ones too. None when the connection ended before its first byte.
    pub(crate) fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        to_head: bool,
    ) -> Poll<Result<Option<ResponseHead>, Broken>> {
        match &mut self.carrier {
            Carrier::Http1(of) => of.wire.poll_response(cx, to_head),
            Carrier::Http2(exchange) => exchange.poll_response(cx, to_head),
        }
    }

    /// Lets others use the connection: the response was read to its end, and nothing else came.
    pub(crate) fn finish(self, worker: &Worker, now: Instant, limit: Duration) {
        match self.carrier {
            Carrier::Http1(of) if of.wire.is_read() && !of.wire.has_begun() => {
                let served = if self.is_used { Served::Again } else { Served::Once };
                worker.with_idle(|idle| idle.give(self.key, of, now, limit, served));
            }
            // A stream of HTTP/2 was never alone.
            Carrier::Http1(_) | Carrier::Http2(_) => {}
        }
    }

    /// What the fault says of the connection. True when the same endpoint may take the request over another one.
    pub(crate) fn may_be_stale(&self, fault: Fault, worker: &Worker) -> bool {
        match (fault, &self.carrier) {
            // It waited, and had ended.
            (Fault::HungUp, _) if self.is_used => {
                worker.with_idle(|idle| idle.doubt(&self.key));
                true
            }
            (Fault::NotTaken, _) => true,
            // Perhaps nobody is there any more: others get another one.
            (Fault::ResponseTimeout, Carrier::Http2(exchange)) => {
                exchange.retire();
                false
            }
            _ => false,
        }
    }

    /// The connection itself, for a tunnel; a stream of HTTP/2 is none.
    pub(crate) fn into_wire(self) -> Option<Wire> {
        match self.carrier {
            Carrier::Http1(of) => Some(of.wire),
            Carrier::Http2(_) => None,
        }
    }
}

impl Source for Upstream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, Broken>> {
        match &mut self.carrier {
            Carrier::Http1(of) => of.wire.poll_piece(cx),
            Carrier::Http2(exchange) => exchange.poll_piece(cx),
        }
    }
}

impl Sink for Upstream {
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match &mut self.carrier {
            Carrier::Http1(of) => of.wire.poll_room(cx),
            Carrier::Http2(exchange) => exchange.poll_room(cx),
        }
    }

    fn push(&mut self, piece: Piece) -> Result<(), Broken> {
        match &mut self.carrier {
            Carrier::Http1(of) => of.wire.push(piece),
            Carrier::Http2(exchange) => exchange.push(piece),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match &mut self.carrier {
            Carrier::Http1(of) => of.wire.poll_flush(cx),
            Carrier::Http2(exchange) => exchange.poll_room(cx),
        }
    }
}
