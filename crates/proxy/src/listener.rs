//! Accepting connections: as many as the node may have, each with a task of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::request::Peer;
use crate::settings::HEAD_TIMEOUT;
use crate::stream::Stream;
use crate::tls::{Acceptor, Shown};
use crate::worker::Worker;
use crate::{http, http2, proxy_header};

/// One socket, and TLS where it speaks that.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    acceptor: Option<Acceptor>,
    /// Where clients find the same over HTTP/3.
    alternative: Option<Arc<str>>,
}

/// Counts one connection while it lives.
pub(crate) struct Counted(Arc<Worker>);

/// Descriptors or memory ran out: others close meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A node that is full, or short of memory, says so in one segment.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 33\r\n\r\nthis node is full for the moment\n";

// === impl Listener ===

impl Listener {
    pub(crate) fn new(
        socket: std::net::TcpListener,
        acceptor: Option<Acceptor>,
        http3: bool,
    ) -> io::Result<Listener> {
        let socket = TcpListener::from_std(socket)?;
        let port = socket.local_addr()?.port();
        let alternative = (http3 && acceptor.is_some()).then(|| alternative(port));
        Ok(Listener { socket, acceptor, alternative })
    }
}

/// Until told to stop; requests under way are answered, and then their connections end.
pub(crate) async fn accept(
    worker: Arc<Worker>,
    listener: Listener,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            accepted = listener.socket.accept() => match accepted {
                Ok((stream, from)) => {
                    take(&worker, stream, from, &listener, &mut connections);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a connection ended by a panic");
            },
        }
    }
    drop(listener);
    worker.finish().await;
}

/// RFC 7838 section 3: the same host, on that port of UDP, to be remembered for a day.
pub(crate) fn alternative(port: u16) -> Arc<str> {
    format!("h3=\":{port}\"; ma=86400").into()
}

/// The sender outlives every thread; were it gone, stopping is right as well.
pub(crate) async fn told(stopped: &mut watch::Receiver<bool>) {
    let _told = stopped.wait_for(|stopped| *stopped).await;
}

fn take(
    worker: &Arc<Worker>,
    stream: TcpStream,
    from: SocketAddr,
    listener: &Listener,
    connections: &mut JoinSet<()>,
) {
    let Some(counted) = Counted::new(worker) else {
        worker.tally().shed += 1;
        connections.spawn(turn_away(stream, listener.acceptor.is_some()));
        return;
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "a connection left before it was served");
        return;
    }
    let worker = Arc::clone(worker);
    let (acceptor, alternative) = (listener.acceptor.clone(), listener.alternative.clone());
    connections.spawn(async move {
        serve(worker, stream, from, acceptor, alternative).await;
        drop(counted);
    });
}

async fn serve(
    worker: Arc<Worker>,
    mut stream: TcpStream,
    from: SocketAddr,
    acceptor: Option<Acceptor>,
    alternative: Option<Arc<str>>,
) {
    let mut address = from.ip().to_canonical();
    let mut is_trusted = worker.shared.settings.trusts(address);
    if is_trusted {
        let taken = tokio::time::timeout(HEAD_TIMEOUT, proxy_header::take(&mut stream)).await;
        match taken {
            Ok(Ok(None)) => {}
            // The client itself is believed only if it is another balancer.
            Ok(Ok(Some(client))) => {
                address = client.to_canonical();
                is_trusted = worker.shared.settings.trusts(address);
            }
            Ok(Err(error)) => return tracing::debug!(%error, %from, "a connection is not served"),
            Err(_elapsed) => return,
        }
    }
    let over_tls = acceptor.is_some();
    let opened = Arc::default();
    let mut peer = Peer { address, is_trusted, over_tls, alternative, certificate: None, opened };
    let stream = match acceptor {
        None => Stream::Plain(stream),
        Some(acceptor) => match acceptor.accept(stream).await {
            Some(stream) => {
                peer.certificate = Shown::of(stream.get_ref().1);
                let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let stream = Stream::Tls(Box::new(stream));
                if speaks_http2 {
                    return http2::serve(worker, stream, BytesMut::new(), peer).await;
                }
                stream
            }
            None => return,
        },
    };
    http::serve(worker, stream, BytesMut::new(), peer).await;
}

/// Before TLS there is no way to say it.
async fn turn_away(mut stream: TcpStream, speaks_tls: bool) {
    if !speaks_tls && let Err(error) = stream.write_all(FULL).await {
        tracing::trace!(%error, "a connection left before it was turned away");
    }
}

// === impl Counted ===

impl Counted {
    /// None when the node has all it may have, or little memory left.
    pub(crate) fn new(worker: &Arc<Worker>) -> Option<Counted> {
        if worker.shared.overload.is_on() {
            return None;
        }
        let all = &worker.shared.connections;
        if all.fetch_add(1, Ordering::Relaxed) >= worker.shared.settings.connections_max {
            all.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        worker.tally().connections += 1;
        Some(Counted(Arc::clone(worker)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
