//! Starting and stopping the proxy: one thread for each core, each with its own listeners and its own runtime.
//!
//! Threads: `proxy-log`, which writes the access log, `proxy-memory`, which watches how much is used, and `proxy-N`, of which each owns a task that accepts for each listener, a task for each client connection, and
//! one that closes what was idle for too long; with HTTP/3 also a task that accepts for each UDP socket, one that drives the
//! socket, and tasks for each of its connections and each of their requests. All of them end with their thread.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use trimtab_connect::Connector;
use trimtab_live::{Cell, Event, Sampling};
use trimtab_net::{tcp, thread};

use crate::access_log::Log;
use crate::http3;
use crate::listener::{self, Listener};
use crate::overload::{Overload, Watcher};
use crate::sample::Sample;
use crate::sessions::Table;
use crate::settings::Settings;
use crate::tally::Tally;
use crate::tls;
use crate::worker::{Shared, Worker, locked};

/// A running proxy.
#[derive(Debug)]
pub struct Server {
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    tallies: Vec<Arc<Mutex<Tally>>>,
    log: Option<Log>,
    overload: Overload,
    watcher: Option<Watcher>,
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
}

/// Which part of it could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("listen on {address} for {over}")]
    Bind { address: SocketAddr, over: &'static str, source: io::Error },
    #[error("start a thread of the proxy")]
    Thread(#[source] io::Error),
    #[error("set up TLS for clients")]
    Tls(#[from] tls::TlsError),
    #[error("open the access log")]
    AccessLog(#[source] io::Error),
    #[error("the system has no random bytes")]
    Random,
    /// Settings ask for it.
    #[error("this program was built without HTTP/3")]
    NoHttp3,
}

/// What one thread listens on.
struct Bound {
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    http3: Vec<http3::Socket>,
}

/// Idle connections are closed up to this much later than they should be.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Requests under way when the node stops get this long.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

// === impl Server ===

impl Server {
    /// Binds every address before the first connection is taken. `signals` receives endpoints that fail requests; what it
    /// has no room for is counted and dropped. Some decisions are handed to `sampling`.
    ///
    /// # Errors
    /// When an address cannot be bound; nothing is left running then.
    pub fn start(
        mut settings: Settings,
        cell: &Cell,
        connector: &Connector,
        signals: mpsc::Sender<Event>,
        sampling: Option<Sampling<Sample>>,
    ) -> Result<Server, StartError> {
        let cores = thread::cores().map_err(StartError::Thread)?;
        let threads = if settings.threads == 0 { cores.len().max(1) } else { settings.threads };
        let http = bind_all(&mut settings.http, threads, "HTTP")?;
        let https = bind_all(&mut settings.https, threads, "HTTPS")?;
        let acceptor = tls::Acceptor::new(&settings, cell)?;
        let http3 = http3::bind_all(&settings, threads, &acceptor)?;
        let log = settings.access_log.as_ref().map(Log::start).transpose();
        let log = log.map_err(StartError::AccessLog)?;
        let (stop, stopped) = watch::channel(false);
        let mut server = Server {
            threads: Vec::new(),
            stop,
            tallies: Vec::new(),
            log: log.clone(),
            overload: Overload::default(),
            watcher: None,
            http: settings.http.clone(),
            https: settings.https.clone(),
        };
        server.watch_memory(settings.memory_max)?;
        let shared = Arc::new(Shared {
            settings,
            connector: connector.clone(),
            signals,
            sessions: Table::new(),
            sampling,
            connections: AtomicUsize::new(0),
            log: log.clone(),
            overload: server.overload.clone(),
        });
        let sockets = http.into_iter().zip(https).zip(http3);
        for (number, ((http, https), http3)) in sockets.enumerate() {
            let tally = Arc::<Mutex<Tally>>::default();
            let worker = Worker::new(Arc::clone(&shared), cell.reader(), Arc::clone(&tally));
            let worker = Arc::new(worker.ok_or(StartError::Random)?);
            server.tallies.push(tally);
            let bound = Bound { http, https, http3 };
            let (acceptor, stopped) = (acceptor.clone(), stopped.clone());
            let core = cores.get(number % cores.len().max(1)).copied();
            let run = move || run(core, worker, bound, acceptor, stopped);
            let started = std::thread::Builder::new().name(format!("proxy-{number}")).spawn(run);
            server.threads.push(started.map_err(StartError::Thread)?);
        }
        Ok(server)
    }

    fn watch_memory(&mut self, memory_max: Option<u64>) -> Result<(), StartError> {
        let watched = self.overload.watch(memory_max).map_err(StartError::Thread)?;
        if let Some((watcher, thread)) = watched {
            self.watcher = Some(watcher);
            self.threads.push(thread);
        }
        Ok(())
    }

    /// The ports that the kernel gave for port 0.
    pub fn http(&self) -> &[SocketAddr] {
        &self.http
    }

    pub fn https(&self) -> &[SocketAddr] {
        &self.https
    }

    /// For a reader that outlives the borrow, such as a metrics page.
    pub fn tally_handle(&self) -> impl Fn() -> Tally + Send + Sync + 'static {
        let (tallies, log) = (self.tallies.clone(), self.log.clone());
        let overload = self.overload.clone();
        move || {
            let log_dropped = log.as_ref().map_or(0, Log::dropped);
            let is_overloaded = overload.is_on();
            let mut sum = Tally { log_dropped, is_overloaded, ..Tally::default() };
            for tally in &tallies {
                sum.add(&locked(tally));
            }
            sum
        }
    }

    /// No new connections; requests under way are answered first, for a while.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.watcher = None;
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count()
        });
        match joined.await {
            Ok(0) => {}
            Ok(panicked) => tracing::error!(panicked, "threads of the proxy ended by a panic"),
            Err(error) => tracing::error!(%error, "joining the threads of the proxy"),
        }
    }
}

/// For each thread one socket for each address; port 0 becomes the one that the first socket was given.
fn bind_all(
    addresses: &mut [SocketAddr],
    threads: usize,
    over: &'static str,
) -> Result<Vec<Vec<TcpListener>>, StartError> {
    let mut bound: Vec<Vec<TcpListener>> = (0..threads).map(|_| Vec::new()).collect();
    for address in addresses {
        for sockets in &mut bound {
            let refused = |source| StartError::Bind { address: *address, over, source };
            let socket = tcp::bind(*address).map_err(refused)?;
            *address = socket.local_addr().map_err(refused)?;
            sockets.push(socket);
        }
    }
    Ok(bound)
}

/// One thread, until the node stops.
fn run(
    core: Option<usize>,
    worker: Arc<Worker>,
    bound: Bound,
    acceptor: tls::Acceptor,
    stopped: watch::Receiver<bool>,
) {
    if let Some(Err(error)) = core.map(thread::pin_to_core) {
        tracing::warn!(%error, ?core, "a thread of the proxy is not pinned");
    }
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "a thread of the proxy has no runtime"),
    };
    runtime.block_on(serve(worker, bound, acceptor, stopped));
}

async fn serve(
    worker: Arc<Worker>,
    bound: Bound,
    acceptor: tls::Acceptor,
    mut stopped: watch::Receiver<bool>,
) {
    let mut tasks = JoinSet::new();
    let sockets = bound.http.into_iter().map(|socket| (socket, None));
    let secure = bound.https.into_iter().map(|socket| (socket, Some(acceptor.clone())));
    for (socket, acceptor) in sockets.chain(secure) {
        let listener = match Listener::new(socket, acceptor, worker.shared.settings.http3) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "a listener of the proxy is lost"),
        };
        tasks.spawn(listener::accept(Arc::clone(&worker), listener, stopped.clone()));
    }
    for socket in bound.http3 {
        tasks.spawn(http3::accept(Arc::clone(&worker), socket, stopped.clone()));
    }
    tasks.spawn(sweep(worker, stopped.clone()));
    // The sender outlives every thread; were it gone, stopping is right as well.
    let _stopped = stopped.wait_for(|stopped| *stopped).await;
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIMEOUT, ended).await.is_err() {
        tracing::info!("requests under way were cut: the node stops");
    }
}

async fn sweep(worker: Arc<Worker>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(SWEEP_EVERY) => worker.sweep(tokio::time::Instant::now()),
        }
    }
}
