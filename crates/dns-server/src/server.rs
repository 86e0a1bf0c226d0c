//! Starting and stopping all listeners.

mod draws;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::watch;
use tokio::task::JoinSet;
use trimtab_live::{Cell, Sampling};
use trimtab_net::{tcp, thread, udp};

use crate::counters::{Counted, Shared};
use crate::sample::Sample;
use crate::tcp::Listener;
use crate::udp::Thread;

/// A running name server.
#[derive(Debug)]
pub struct Server {
    threads: Vec<JoinHandle<()>>,
    streams: JoinSet<()>,
    stop_threads: Arc<AtomicBool>,
    stop_streams: watch::Sender<bool>,
    counters: Vec<Arc<Shared>>,
    addresses: Vec<SocketAddr>,
}

/// Which listener could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("listen on {address} for DNS over {over}")]
    Bind { address: SocketAddr, over: &'static str, source: io::Error },
    #[error("start a DNS thread")]
    Thread(#[source] io::Error),
}

// === impl Server ===

impl Server {
    /// Binds every address for UDP and TCP before the first query is answered. `threads` UDP threads
    /// serve each address; 0 means one for each core. Some decisions are handed to `sampling`. Must be called on a tokio runtime, which runs TCP.
    ///
    /// # Errors
    /// When an address cannot be bound; nothing is left running then.
    pub fn start(
        listen: &[SocketAddr],
        threads: usize,
        cell: &Cell,
        sampling: Option<&Sampling<Sample>>,
    ) -> Result<Server, StartError> {
        let cores = thread::cores().map_err(StartError::Thread)?;
        let per_address = if threads == 0 { cores.len().max(1) } else { threads };
        let mut bound = Vec::new();
        for &address in listen {
            bound.push(bind(address, per_address)?);
        }
        let (stop_streams, stopped) = watch::channel(false);
        let mut server = Server {
            threads: Vec::new(),
            streams: JoinSet::new(),
            stop_threads: Arc::default(),
            stop_streams,
            counters: Vec::new(),
            addresses: bound.iter().map(|bound| bound.address).collect(),
        };
        for Bound { sockets, listener, .. } in bound {
            for (socket, core) in sockets.into_iter().zip(cores.iter().cycle()) {
                server.start_thread(socket, *core, cell, sampling)?;
            }
            let counters = server.counters();
            let listener =
                Listener::new(listener, cell, counters, sampling.cloned(), stopped.clone());
            server.streams.spawn(listener.run());
        }
        Ok(server)
    }

    /// Where it listens: the ports the kernel gave for port 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The sum over all threads; one reader may call it while they serve.
    pub fn counted(&self) -> Counted {
        Counted::sum(self.counters.iter().map(|counters| counters.read()))
    }

    /// For a reader that outlives the borrow, such as a metrics page.
    pub fn counters_handle(&self) -> impl Fn() -> Counted + Send + Sync + 'static {
        let counters = self.counters.clone();
        move || Counted::sum(counters.iter().map(|counters| counters.read()))
    }

    /// Every thread and task ends; queries received before are answered.
    pub async fn stop(mut self) {
        self.stop_threads.store(true, Ordering::Relaxed);
        self.stop_streams.send_replace(true);
        while let Some(ended) = self.streams.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a DNS listener ended by a panic");
            }
        }
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count()
        });
        match joined.await {
            Ok(0) => {}
            Ok(panicked) => tracing::error!(panicked, "DNS threads ended by a panic"),
            Err(error) => tracing::error!(%error, "joining the DNS threads"),
        }
    }

    fn counters(&mut self) -> Arc<Shared> {
        let counters = Arc::new(Shared::default());
        self.counters.push(Arc::clone(&counters));
        counters
    }

    fn start_thread(
        &mut self,
        socket: UdpSocket,
        core: usize,
        cell: &Cell,
        sampling: Option<&Sampling<Sample>>,
    ) -> Result<(), StartError> {
        let worker = Thread {
            socket,
            snapshots: cell.reader(),
            counters: self.counters(),
            sampling: sampling.cloned(),
            stop: Arc::clone(&self.stop_threads),
        };
        let name = format!("dns-udp-{core}");
        let started = std::thread::Builder::new().name(name).spawn(move || {
            if let Err(error) = thread::pin_to_core(core) {
                tracing::warn!(%error, core, "a DNS thread is not pinned");
            }
            worker.run();
        });
        self.threads.push(started.map_err(StartError::Thread)?);
        Ok(())
    }
}

struct Bound {
    address: SocketAddr,
    sockets: Vec<UdpSocket>,
    listener: std::net::TcpListener,
}

/// TCP takes the port that UDP was given, so that a client's second try finds us (RFC 7766 section 5).
fn bind(address: SocketAddr, threads: usize) -> Result<Bound, StartError> {
    let refused = |over| move |source| StartError::Bind { address, over, source };
    let options = udp::Options::default();
    let first = udp::bind(address, &options).map_err(refused("UDP"))?;
    let address = first.local_addr().map_err(refused("UDP"))?;
    let mut sockets = vec![first];
    for _ in 1..threads {
        sockets.push(udp::bind(address, &options).map_err(refused("UDP"))?);
    }
    let listener = tcp::bind(address).map_err(refused("TCP"))?;
    Ok(Bound { address, sockets, listener })
}
