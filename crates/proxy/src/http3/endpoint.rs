//! Connections of QUIC: one UDP socket for each address and thread, and as many connections as the node may have.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use h3::error::Code;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Endpoint, EndpointConfig, IdleTimeout, Incoming, ServerConfig, TokioRuntime, TransportConfig,
    VarInt,
};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use tokio::task::JoinSet;
use trimtab_net::udp;

use super::quic::number;
use crate::http2::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, STREAMS_MAX};
use crate::listener::{Counted, alternative, told};
use crate::request::Peer;
use crate::server::StartError;
use crate::settings::{HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, Settings};
use crate::tls::{Acceptor, Shown, TlsError};
use crate::worker::Worker;

/// One address of one thread.
pub(crate) struct Socket {
    socket: UdpSocket,
    of_endpoint: EndpointConfig,
    of_server: ServerConfig,
}

/// Streams of one direction that a client may have open: three that every client has, and some that tell nothing.
const ONE_WAY_STREAMS_MAX: u32 = 8;
/// Of responses that wait for a client to read them, each connection.
const SEND_BUFFER_BYTES: u64 = 1024 * 1024;
/// A client that waits for a slow origin says nothing, and nor does one that is gone.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(25);
/// Handshakes under way on one socket; more clients have to show first that they get what is sent to their address
/// (RFC 9000 section 8.1.2).
const HANDSHAKES_UNPROVEN_MAX: usize = 100;
/// Clients that wait for their handshake to begin, which is a matter of one turn of the thread.
const WAITING_MAX: usize = 1024;
/// Of each of those; requests that come before their handshake are not served.
const WAITING_BYTES_MAX: u64 = 16 * 1024;

/// For each thread one socket for each address; the kernel gives all packets of one client's address to the same one.
pub(crate) fn bind_all(
    settings: &Settings,
    threads: usize,
    acceptor: &Acceptor,
) -> Result<Vec<Vec<Socket>>, StartError> {
    let mut bound: Vec<Vec<Socket>> = (0..threads).map(|_| Vec::new()).collect();
    if !settings.http3 {
        return Ok(bound);
    }
    // The same for all threads: a client whose packets come to another one after its address changed is told to begin anew.
    let of_endpoint = EndpointConfig::default();
    let of_server = server_config(acceptor)?;
    for &address in &settings.https {
        for sockets in &mut bound {
            let socket = udp::bind(address, &udp::Options::default());
            let refused = |source| StartError::Bind { address, over: "HTTP/3", source };
            sockets.push(Socket {
                socket: socket.map_err(refused)?,
                of_endpoint: of_endpoint.clone(),
                of_server: of_server.clone(),
            });
        }
    }
    Ok(bound)
}

/// Until told to stop; requests under way are answered, and then their connections end.
pub(crate) async fn accept(
    worker: Arc<Worker>,
    socket: Socket,
    mut stopped: watch::Receiver<bool>,
) {
    let (endpoint, address) = match socket.open() {
        Ok(opened) => opened,
        Err(error) => return tracing::error!(%error, "a socket of HTTP/3 is lost"),
    };
    let alternative = alternative(address.port());
    let mut connections = JoinSet::new();
    let handshakes = Arc::new(());
    loop {
        tokio::select! {
            () = told(&mut stopped) => break,
            incoming = endpoint.accept() => match incoming {
                Some(incoming) => {
                    take(&worker, incoming, &alternative, &handshakes, &stopped, &mut connections);
                }
                None => return tracing::error!(%address, "a socket of HTTP/3 is lost"),
            },
            Some(ended) = connections.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a connection ended by a panic");
            },
        }
    }
    endpoint.set_server_config(None);
    worker.finish().await;
    while connections.join_next().await.is_some() {}
    endpoint.close(number(Code::H3_NO_ERROR.value()), b"");
    endpoint.wait_idle().await;
}

/// Each handshake has a part in `handshakes` until it ends.
fn take(
    worker: &Arc<Worker>,
    incoming: Incoming,
    alternative: &Arc<str>,
    handshakes: &Arc<()>,
    stopped: &watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    let many = Arc::strong_count(handshakes) > HANDSHAKES_UNPROVEN_MAX;
    if many && !incoming.remote_address_validated() {
        if let Err(error) = incoming.retry() {
            tracing::trace!(%error, "a client was not asked to prove its address");
        }
        return;
    }
    let Some(counted) = Counted::new(worker) else {
        worker.tally().shed += 1;
        return incoming.refuse();
    };
    let (worker, stopped) = (Arc::clone(worker), stopped.clone());
    let (alternative, handshake) = (Arc::clone(alternative), Arc::clone(handshakes));
    connections.spawn(async move {
        let shaken = async { incoming.accept()?.await };
        let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, shaken).await;
        drop(handshake);
        match shaken {
            Ok(Ok(quic)) => {
                let peer = peer_of(&quic, &worker, &alternative);
                super::serve(worker, quic, peer, stopped).await;
            }
            Ok(Err(error)) => tracing::trace!(%error, "a QUIC handshake failed"),
            Err(_elapsed) => {}
        }
        drop(counted);
    });
}

fn peer_of(quic: &quinn::Connection, worker: &Worker, alternative: &Arc<str>) -> Peer {
    let address = quic.remote_address().ip().to_canonical();
    let is_trusted = worker.shared.settings.trusts(address);
    let chain = quic.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'_>>>().ok());
    let certificate = chain.and_then(|chain| Shown::of_chain(&chain));
    let alternative = Some(Arc::clone(alternative));
    let opened = Arc::default();
    Peer { address, is_trusted, over_tls: true, alternative, certificate, opened }
}

// === impl Socket ===

impl Socket {
    fn open(self) -> io::Result<(Endpoint, SocketAddr)> {
        let address = self.socket.local_addr()?;
        let runtime = Arc::new(TokioRuntime);
        let server = Some(self.of_server);
        Ok((Endpoint::new(self.of_endpoint, server, self.socket, runtime)?, address))
    }
}

fn server_config(acceptor: &Acceptor) -> Result<ServerConfig, StartError> {
    let tls = QuicServerConfig::try_from(acceptor.for_quic()?);
    let tls = tls.map_err(|error| TlsError::Quic(Box::new(error)))?;
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config
        .max_incoming(WAITING_MAX)
        .incoming_buffer_size(WAITING_BYTES_MAX)
        .incoming_buffer_size_total(WAITING_MAX as u64 * WAITING_BYTES_MAX)
        .transport_config(Arc::new(transport()));
    Ok(config)
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = IdleTimeout::try_from(IDLE_TIMEOUT).unwrap_or(VarInt::MAX.into());
    transport
        .max_concurrent_bidi_streams(STREAMS_MAX.into())
        .max_concurrent_uni_streams(ONE_WAY_STREAMS_MAX.into())
        .stream_receive_window(STREAM_WINDOW_BYTES.into())
        .receive_window(CONNECTION_WINDOW_BYTES.into())
        .send_window(SEND_BUFFER_BYTES)
        .datagram_receive_buffer_size(None)
        .keep_alive_interval(Some(KEEP_ALIVE_EVERY))
        .max_idle_timeout(Some(idle));
    transport
}
