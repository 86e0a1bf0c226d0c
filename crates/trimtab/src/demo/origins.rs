//! The demo's origins: real HTTP servers on loopback that can be killed, slowed, let flap, cut off from places, and healed.
//!
//! One task accepts for each origin and owns its connections; dropping [`Origins`] ends all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use trimtab_model::Pop;
use trimtab_model::pool::Address;

use super::world::{CONSECUTIVE_DOWN, INTERVAL, SITES, Site};

/// Longer than any probe waits.
pub(crate) const SLOW_MAX: Duration = Duration::from_secs(30);

/// Longer than it takes until a state is believed.
const FLAP_EVERY: Duration = Duration::from_secs((INTERVAL * (CONSECUTIVE_DOWN + 1)) as u64);

/// How an origin behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Refuses connections.
    Killed,
    /// Answers late.
    Slow(Duration),
    /// Fails and is well by turns, from then on.
    Flapping(Instant),
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
    /// Places whose probes do not arrive.
    cut_off: Mutex<BTreeSet<Pop>>,
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
            let running = Running { site, listens, mood, cut_off: Mutex::default() };
            origins.running.insert(site.name, running);
        }
        Ok(origins)
    }

    /// Where each documentation address leads.
    pub(crate) fn detours(&self) -> impl Iterator<Item = (IpAddr, SocketAddr)> {
        self.running.values().map(|origin| (IpAddr::V4(origin.site.address), origin.listens))
    }

    /// `fra-1`, or `fra` for every origin of the pool. None when there is no such origin.
    pub(crate) fn set(&self, target: &str, mood: Mood) -> Option<Vec<&'static str>> {
        self.each(target, |origin| {
            origin.mood.send_replace(mood);
            if mood == Mood::Well {
                origin.cut_off.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
        })
    }

    /// The place does not reach the target any more, and everybody else does.
    pub(crate) fn cut_off(&self, target: &str, from: Pop) -> Option<Vec<&'static str>> {
        self.each(target, |origin| {
            origin.cut_off.lock().unwrap_or_else(PoisonError::into_inner).insert(from);
        })
    }

    pub(crate) fn is_cut_off(&self, to: &Address, from: Pop) -> bool {
        let meant = |origin: &&Running| Address::Ip(origin.site.address.into()) == *to;
        self.running.values().find(meant).is_some_and(|origin| {
            origin.cut_off.lock().unwrap_or_else(PoisonError::into_inner).contains(&from)
        })
    }

    fn each(&self, target: &str, change: impl Fn(&Running)) -> Option<Vec<&'static str>> {
        let meant = |origin: &&Running| origin.site.name == target || origin.site.pool == target;
        let found: Vec<&Running> = self.running.values().filter(meant).collect();
        found.iter().for_each(|origin| change(origin));
        (!found.is_empty()).then(|| found.iter().map(|origin| origin.site.name).collect())
    }
}

// === impl Mood ===

impl Mood {
    fn status(self) -> StatusCode {
        match self {
            Mood::Flapping(since) if fails_now(since.elapsed()) => StatusCode::SERVICE_UNAVAILABLE,
            Mood::Flapping(_) | Mood::Well | Mood::Killed | Mood::Slow(_) => StatusCode::OK,
        }
    }
}

/// At first it fails.
fn fails_now(flapping_for: Duration) -> bool {
    (flapping_for.as_secs() / FLAP_EVERY.as_secs()).is_multiple_of(2)
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
            // Connections that it has go down a moment after it was killed; whoever was told of that gets no answer.
            if mood == Mood::Killed {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
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
            let mut response = Response::new(Full::new(Bytes::from(text)));
            *response.status_mut() = mood.status();
            Ok(response)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::trace!(%error, site.name, "a connection to an origin ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_flaps_fails_first_and_long_enough_to_be_believed() {
        let believed = Duration::from_secs((INTERVAL * CONSECUTIVE_DOWN).into());
        let check = |after, want| assert_eq!(fails_now(after), want, "{after:?}");
        check(Duration::ZERO, true);
        check(believed, true);
        check(FLAP_EVERY, false);
        check(FLAP_EVERY + believed, false);
        check(2 * FLAP_EVERY, true);
    }
}
