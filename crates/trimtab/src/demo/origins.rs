//! The demo's origins: real HTTP servers on loopback that can be killed, healed and slowed.
//!
//! One task accepts for each origin and owns its connections; dropping [`Origins`] ends all of them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::world::{SITES, Site};

/// Longer than any probe waits.
pub(crate) const SLOW_MAX: Duration = Duration::from_secs(30);

/// How an origin behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Refuses connections.
    Killed,
    /// Answers late.
    Slow(Duration),
}

/// All fake origins.
#[derive(Debug)]
pub(crate) struct Origins {
    running: BTreeMap<&'static str, Running>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Running {
    site: Site,
    listens: SocketAddr,
    mood: Arc<watch::Sender<Mood>>,
}

// === impl Origins ===

impl Origins {
    pub(crate) async fn start() -> io::Result<Origins> {
        let mut origins = Origins { running: BTreeMap::new(), tasks: JoinSet::new() };
        for site in SITES {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let listens = listener.local_addr()?;
            let mood = Arc::new(watch::Sender::new(Mood::Well));
            origins.tasks.spawn(serve(site, listener, listens, mood.subscribe()));
            origins.running.insert(site.name, Running { site, listens, mood });
        }
        Ok(origins)
    }

    /// Where each documentation address leads.
    pub(crate) fn detours(&self) -> impl Iterator<Item = (IpAddr, SocketAddr)> {
        self.running.values().map(|origin| (IpAddr::V4(origin.site.address), origin.listens))
    }

    /// `fra-1`, or `fra` for every origin of the pool. None when there is no such origin.
    pub(crate) fn set(&self, target: &str, mood: Mood) -> Option<Vec<&'static str>> {
        let meant = |origin: &&Running| origin.site.name == target || origin.site.pool == target;
        let found: Vec<&Running> = self.running.values().filter(meant).collect();
        for origin in &found {
            origin.mood.send_replace(mood);
        }
        (!found.is_empty()).then(|| found.iter().map(|origin| origin.site.name).collect())
    }
}

async fn serve(
    site: Site,
    listener: TcpListener,
    listens: SocketAddr,
    mut mood: watch::Receiver<Mood>,
) {
    let mut listener = Some(listener);
    loop {
        let bound = match listener.take() {
            Some(bound) => bound,
            None => match TcpListener::bind(listens).await {
                Ok(bound) => bound,
                Err(error) => {
                    return tracing::error!(%error, site.name, "an origin does not come back");
                }
            },
        };
        accept_until_killed(site, bound, &mut mood).await;
        if mood.wait_for(|mood| *mood != Mood::Killed).await.is_err() {
            return;
        }
    }
}

/// The listener and every connection are dropped when this returns.
async fn accept_until_killed(site: Site, listener: TcpListener, mood: &mut watch::Receiver<Mood>) {
    let mut connections = JoinSet::new();
    loop {
        let now = mood.clone();
        tokio::select! {
            _ = mood.wait_for(|mood| *mood == Mood::Killed) => return,
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(answer(site, stream, now));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(site: Site, stream: TcpStream, mood: watch::Receiver<Mood>) {
    let service = service_fn(|request: Request<Incoming>| {
        let mood = *mood.borrow();
        async move {
            if let Mood::Slow(by) = mood {
                tokio::time::sleep(by.min(SLOW_MAX)).await;
            }
            let text = format!(
                "hello from {} ({}), pool {}, you asked for {}\n",
                site.name,
                site.city,
                site.pool,
                request.uri().path(),
            );
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::trace!(%error, site.name, "a connection to an origin ended early");
    }
}
