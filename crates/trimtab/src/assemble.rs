//! Where the edges meet: one node from its configuration, started in order and stopped in reverse.
//!
//! Tasks, all owned by [`Running`]: the publisher, the feed from the store, the resolver of endpoints' host
//! names, the prober, the issuer of certificates, alerting with its reader of the store, DNS threads and streams, the API's server, the writer of health
//! events, the keeper of decisions.

mod proxying;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use trimtab_analytics::{EventLog, Retention};
use trimtab_connect::{Connector, Detours, Egress, Resolver, Tls, os_roots};
use trimtab_dns::{Node, Seed};
use trimtab_dns_server::Server;
use trimtab_geo::{Builder, Table};
use trimtab_live::{
    Cell, Clocks, Event, HealthChange, Hosting, Observer, Publisher, Saved, Settings, Start,
};
use trimtab_net::{tcp, udp};
use trimtab_probe::{Prober, Simulate, Uplinks};
use trimtab_proxy::Server as Proxy;
use trimtab_steer::Site;
use trimtab_store::{AnyStore, Sqlite};

use crate::acme::Ordering;
use crate::alert::Alerting;
use crate::config::Config;
use crate::decisions::Samplings;
use crate::metrics::{Metrics, Sources};
use crate::{control, decisions, events, feed, resolve};

/// Events on their way to the publisher; probes wait when it is full.
const EVENTS_MAX: usize = 4096;
/// Flips on their way to the event log; more are counted and dropped.
const CHANGES_MAX: usize = 1024;
/// For what the tasks still do when everything that gives them work has stopped, the API's last answers and
/// `snapshot.bin` among it. Supervisors that kill wait longer.
const TASKS_END_WITHIN: Duration = Duration::from_secs(10);

/// What a demo has beside a configuration.
#[derive(Default)]
pub(crate) struct Extras {
    /// Wins over the configured geo data.
    pub(crate) geofeed: Option<&'static str>,
    pub(crate) detours: Detours,
    pub(crate) simulate: Option<Simulate>,
    /// Nothing is written to disk.
    pub(crate) in_memory: bool,
    /// Instead of `TRIMTAB_TOKEN`.
    pub(crate) token: Option<String>,
    /// Served beside the API.
    pub(crate) routes: Option<axum::Router>,
}

/// Which part of a node could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssembleError {
    #[error("read geo data {path}")]
    GeoFile { path: String, source: std::io::Error },
    #[error("load geo data")]
    Geo(#[from] trimtab_geo::LoadError),
    #[error("data folder {path}")]
    DataDir { path: String, source: std::io::Error },
    #[error("open the store")]
    Store(#[from] trimtab_store::OpenError),
    #[error("read the configuration from the store")]
    Load(#[from] trimtab_store::ReadError),
    #[error("open the event log")]
    Events(#[from] trimtab_analytics::OpenError),
    #[error("set up DNS answers")]
    Node(#[from] trimtab_dns::node::NodeError),
    #[error("set up TLS for probes")]
    Tls(#[from] rustls::Error),
    #[error("set up ACME")]
    Acme(#[from] trimtab_acme::SetUpError),
    #[error("set up alerts")]
    Alerts(#[from] trimtab_alert::SetUpError),
    #[error("start DNS")]
    Dns(#[from] trimtab_dns_server::StartError),
    #[error("start the proxy")]
    Proxy(#[from] trimtab_proxy::StartError),
    #[error("listen on {address} for the API")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("listen on {address} for {what}")]
    Taken { address: SocketAddr, what: &'static str, source: std::io::Error },
    #[error("set up the API")]
    Api(#[from] trimtab_api::StartError),
    #[error("no airport has the code {0}")]
    Pop(trimtab_model::Pop),
    #[error("first start of the API")]
    Bootstrap(#[from] trimtab_api::BootstrapError),
    #[error("a task panicked")]
    Task(#[from] tokio::task::JoinError),
}

/// Where a node listens.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) api: SocketAddr,
    pub(crate) dns: Vec<SocketAddr>,
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) https: Vec<SocketAddr>,
}

/// A node that serves.
pub(crate) struct Running {
    base: Base,
    edges: Edges,
    tasks: JoinSet<Result<(), String>>,
    stop_api: watch::Sender<bool>,
    stop_feed: watch::Sender<bool>,
    addresses: Addresses,
    first_token: Option<String>,
}

/// What every part of a node reads.
struct Base {
    config: Arc<Config>,
    store: AnyStore,
    events: Arc<EventLog>,
    cell: Cell,
}

/// The parts that carry traffic and look at endpoints, and what they count.
struct Edges {
    prober: Prober,
    dns: Server,
    proxy: Proxy,
    names: Arc<resolve::Stats>,
    kept: Arc<decisions::Stats>,
}

// === impl Running ===

impl Running {
    /// The story of a start: data, store, first snapshot, then everything that serves it.
    pub(crate) async fn start(config: Config, extras: Extras) -> Result<Running, AssembleError> {
        let config = Arc::new(config);
        let geo = load_geo(&config, extras.geofeed).await?;
        let (store, log) = open(&config, extras.in_memory)?;
        let events = Arc::new(log);
        let (listener, api_address) = listen(config.api.listen).await?;
        listeners_are_vacant(&config)?;

        let (changes, changed) = mpsc::channel(CHANGES_MAX);
        let mut publisher = publisher(&config, geo, extras.in_memory, changes)?;
        let rev = feed::load(&store, &mut publisher).await?;
        let cell = Cell::new(publisher.snapshot());
        let changes_dropped = publisher.changes_dropped();

        let mut tasks = JoinSet::new();
        let (to_publisher, published) = mpsc::channel(EVENTS_MAX);
        tasks.spawn(publisher.run(cell.clone(), published).map(Ok));
        let (stop_feed, feed_stopped) = watch::channel(false);
        tasks.spawn(follow(store.clone(), rev, to_publisher.clone(), feed_stopped.clone()));
        tasks.spawn(events::write(changed, Arc::clone(&events)));

        let base = Base { config, store, events, cell };
        let connector = connector(&base.config, api_address)?;
        let ordering = base.order_certificates(&mut tasks, &connector, &feed_stopped)?;
        let connector = connector.with_detours(extras.detours);
        let uplinks = Uplinks::new(connector.clone(), base.config.node.sources.iter());
        let alerting = Alerting::new(&base.config, &connector)?;
        alerting.start(&mut tasks, &base.store, &base.cell, &feed_stopped).await?;
        let to_feed = to_publisher.clone();
        let edges = base.start_edges(
            &mut tasks,
            to_publisher,
            (&connector, &uplinks),
            &ordering,
            extras.simulate.clone(),
            feed_stopped,
        )?;
        let draws = Arc::new(edges.dns.draws_handle());
        let (app, first_token) = control::app(
            &base.config,
            &base.store,
            &base.events,
            &base.cell,
            (uplinks, extras.simulate),
            (draws, ordering.port(), alerting.port(), to_feed),
            extras.token,
        )
        .await?;
        let metrics = base.metrics(&edges, &ordering, &alerting, changes_dropped);
        let router = control::router(app, &base.cell, metrics, extras.routes);
        let (stop_api, api_stopped) = watch::channel(false);
        tasks.spawn(control::serve(listener, router, api_stopped));
        let addresses = edges.addresses(api_address);
        Ok(Running { base, edges, tasks, stop_api, stop_feed, addresses, first_token })
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub(crate) fn cell(&self) -> &Cell {
        &self.base.cell
    }

    /// Given once, at the first start of a store.
    pub(crate) fn first_token(&mut self) -> Option<String> {
        self.first_token.take()
    }

    /// Waits until a part that must not end has ended; says which and why.
    pub(crate) async fn failed(&mut self) -> String {
        match self.tasks.join_next().await {
            Some(Ok(Ok(()))) => "a part of the node ended".into(),
            Some(Ok(Err(why))) => why,
            Some(Err(panicked)) => format!("a part of the node panicked: {panicked}"),
            None => "every part of the node ended".into(),
        }
    }

    /// No new changes, then no new probes, then no new answers; what is known is saved last.
    pub(crate) async fn stop(self) {
        self.stop_api.send_replace(true);
        self.edges.prober.stop().await;
        self.stop_feed.send_replace(true);
        self.edges.proxy.stop().await;
        self.edges.dns.stop().await;
        end(self.tasks).await;
        if let Err(error) = self.base.store.close().await {
            tracing::error!(%error, "the store did not close");
        }
        if let Err(error) = self.base.events.close() {
            tracing::error!(%error, "the event log did not close");
        }
    }
}

// === impl Base ===

impl Base {
    fn order_certificates(
        &self,
        tasks: &mut JoinSet<Result<(), String>>,
        connector: &Connector,
        stopped: &watch::Receiver<bool>,
    ) -> Result<Ordering, AssembleError> {
        let ordering = Ordering::new(self.config.acme.as_ref());
        // The authority is named by whoever runs the node: what others may make it reach does not matter.
        let egress = Egress { own: connector.egress().own.clone(), ..Egress::default() };
        let reach = connector.clone().with_egress(egress);
        let issuer = ordering.issuer(&self.store, &self.cell, reach, stopped.clone())?;
        tasks.spawn(issuer.map(Ok));
        Ok(ordering)
    }

    fn start_edges(
        &self,
        tasks: &mut JoinSet<Result<(), String>>,
        to_publisher: mpsc::Sender<Event>,
        (connector, uplinks): (&Connector, &Uplinks),
        ordering: &Ordering,
        simulate: Option<Simulate>,
        stopped: watch::Receiver<bool>,
    ) -> Result<Edges, AssembleError> {
        let Base { config, store, events, cell } = self;
        let (task, names) = resolve::follow(connector.clone(), cell, &to_publisher, stopped);
        tasks.spawn(task);
        let settings = trimtab_probe::Settings { simulate };
        let prober = Prober::start(cell, to_publisher.clone(), uplinks.clone(), settings);
        let every = [config.dns.keep_decisions, config.proxy.keep_decisions];
        let (Samplings { dns, http }, task, kept) =
            decisions::keep(store.clone(), Arc::clone(events), every);
        tasks.spawn(task);
        let dns = Server::start(&config.dns.listen, config.dns.threads, cell, Some(&dns))?;
        let settings = proxying::settings(config, ordering);
        let proxy = Proxy::start(settings, cell, connector, to_publisher, Some(http))?;
        Ok(Edges { prober, dns, proxy, names, kept })
    }

    fn metrics(
        &self,
        edges: &Edges,
        ordering: &Ordering,
        alerting: &Alerting,
        dropped: Arc<AtomicU64>,
    ) -> Metrics {
        Metrics::new(Sources {
            cell: self.cell.clone(),
            dns: Box::new(edges.dns.counters_handle()),
            probes: edges.prober.stats(),
            names: Arc::clone(&edges.names),
            changes_dropped: dropped,
            events: Arc::clone(&self.events),
            kept: Arc::clone(&edges.kept),
            proxy: Box::new(edges.proxy.tally_handle()),
            acme: ordering.counters(),
            alerts: alerting.board(),
            started: SystemTime::now(),
        })
    }
}

// === impl Edges ===

impl Edges {
    fn addresses(&self, api: SocketAddr) -> Addresses {
        Addresses {
            api,
            dns: self.dns.addresses().to_vec(),
            http: self.proxy.http().to_vec(),
            https: self.proxy.https().to_vec(),
        }
    }
}

/// What does not end in time is cut off: whoever stopped the node wants it gone.
async fn end(mut tasks: JoinSet<Result<(), String>>) {
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(why)) => tracing::error!(why, "a part of the node ended badly"),
                Err(error) => tracing::error!(%error, "a part of the node panicked"),
            }
        }
    };
    if timeout(TASKS_END_WITHIN, all).await.is_err() {
        tracing::error!(
            left = tasks.len(),
            "parts of the node are cut off: they did not end in time"
        );
        tasks.shutdown().await;
    }
}

/// The socket of the API, and where it is: the port that the kernel gave for port 0.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AssembleError> {
    let refused = |source| AssembleError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// The threads' sockets share their addresses, and would with those of a second node: each would have some clients.
fn listeners_are_vacant(config: &Config) -> Result<(), AssembleError> {
    let Config { dns, proxy, .. } = config;
    let of_http3 = if proxy.http3 { &proxy.https[..] } else { &[] };
    let datagrams = [(&dns.listen[..], "DNS over UDP"), (of_http3, "HTTP/3")];
    let streams =
        [(&dns.listen[..], "DNS over TCP"), (&proxy.http[..], "HTTP"), (&proxy.https[..], "HTTPS")];
    all_vacant(&datagrams, udp::vacant)?;
    all_vacant(&streams, tcp::vacant)
}

fn all_vacant(
    lists: &[(&[SocketAddr], &'static str)],
    vacant: fn(SocketAddr) -> std::io::Result<()>,
) -> Result<(), AssembleError> {
    for &(list, what) in lists {
        for &address in list {
            vacant(address).map_err(|source| AssembleError::Taken { address, what, source })?;
        }
    }
    Ok(())
}

/// Not on a thread that serves: it takes a moment.
async fn load_geo(
    config: &Arc<Config>,
    geofeed: Option<&'static str>,
) -> Result<Arc<Table>, AssembleError> {
    let config = Arc::clone(config);
    let load = move || geo_table(&config, geofeed.as_slice());
    Ok(Arc::new(tokio::task::spawn_blocking(load).await??))
}

/// The table that `check` and `serve` both build.
pub(crate) fn geo_table(config: &Config, geofeeds: &[&str]) -> Result<Table, AssembleError> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path)
            .map_err(|source| AssembleError::GeoFile { path: path.display().to_string(), source })
    };
    let mut builder = Builder::embedded()?;
    for path in &config.geo.databases {
        builder = builder.mmdb(&read(path)?)?;
    }
    if let Some(path) = &config.geo.geofeed {
        builder = builder.geofeed(&String::from_utf8_lossy(&read(path)?))?;
    }
    if let Some(path) = &config.geo.latencies {
        builder = builder.latencies(&String::from_utf8_lossy(&read(path)?))?;
    }
    for geofeed in geofeeds {
        builder = builder.geofeed(geofeed)?;
    }
    Ok(builder.build())
}

fn open(config: &Config, in_memory: bool) -> Result<(AnyStore, EventLog), AssembleError> {
    if in_memory {
        return Ok((Sqlite::in_memory()?.into(), EventLog::in_memory(Retention::default())?));
    }
    let path = config.data_dir.display().to_string();
    std::fs::create_dir_all(&config.data_dir)
        .map_err(|source| AssembleError::DataDir { path, source })?;
    let store = Sqlite::open(&config.data_dir.join("trimtab.db"))?;
    let events = EventLog::open(&config.data_dir.join("analytics.db"), Retention::default())?;
    Ok((store.into(), events))
}

fn publisher(
    config: &Config,
    geo: Arc<Table>,
    in_memory: bool,
    changes: mpsc::Sender<HealthChange>,
) -> Result<Publisher, AssembleError> {
    let saved_to = (!in_memory).then(|| config.data_dir.join("snapshot.bin"));
    let saved = saved_to.as_deref().map(Saved::read).transpose().unwrap_or_else(|error| {
        // What is in a damaged file is not worth refusing to serve for: probes find it out again.
        tracing::warn!(error = &error as &dyn std::error::Error, "snapshot.bin is not used");
        None
    });
    let observer = |pop| {
        let site = trimtab_geo::pop(pop).ok_or(AssembleError::Pop(pop))?;
        Ok(Observer { pop, region: site.region })
    };
    let node = Node::new()
        .with_addresses(&config.proxy.addresses)?
        .with_server_id(Some(&config.node.name))?
        .with_version(config.dns.version.as_deref())?
        .with_explain_to(&config.dns.explain_to)?;
    let settings = Settings {
        site: Site::at(config.node.pop).ok_or(AssembleError::Pop(config.node.pop))?,
        observers: config
            .node
            .places()
            .into_iter()
            .map(observer)
            .collect::<Result<_, AssembleError>>()?,
        node: Arc::new(node),
        hosting: Hosting {
            nameservers: config.dns.nameservers.clone(),
            hostmaster: config.dns.hostmaster.clone(),
            seed: Seed(random_seed()),
        },
        saved_to,
    };
    let start = Start { geo, saved: saved.flatten(), clocks: Clocks::now() };
    Ok(Publisher::new(settings, start, changes))
}

fn connector(config: &Config, api: SocketAddr) -> Result<Connector, AssembleError> {
    let egress = Egress {
        allow: config.egress.allow.clone(),
        deny: config.egress.deny.clone(),
        own: vec![api],
    };
    let (roots, problems) = os_roots();
    for error in problems {
        tracing::warn!(%error, "a root certificate of this system is not used");
    }
    Ok(Connector::new(egress, Resolver::system(), Tls::new(roots)?))
}

async fn follow(
    store: AnyStore,
    rev: trimtab_store::Rev,
    events: mpsc::Sender<Event>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    tokio::select! {
        _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
        ended = feed::follow(store, rev, events) => match ended {
            Ok(()) => Err("the store's log ended".into()),
            Err(error) => Err(format!("the store's log cannot be followed: {error}")),
        },
    }
}

pub(crate) fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
