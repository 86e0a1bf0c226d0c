//! Keeps the addresses of endpoints that are host names: each name is asked for once, however many pools have it,
//! and again before its addresses cease to hold; the publisher is told what changed.
//!
//! One task, owned by whoever runs [`follow`]. The look-ups under way are part of it and go with it.

mod agenda;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use trimtab_connect::{ConnectError, Connector, Found};
use trimtab_live::{Cell, Event, Resolved};
use trimtab_model::Name;

use self::agenda::Agenda;
use crate::assemble::random_seed;

/// Half of what the system's resolver is asked at once: the other half is for probes.
const LOOKUPS_MAX: usize = 16;

/// For the scrape.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) resolved: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Names whose last look-up failed and whose addresses are those of an earlier one.
    pub(crate) stale: AtomicU64,
}

/// Between whom the task stands.
struct Posts {
    cell: Cell,
    events: mpsc::Sender<Event>,
    stats: Arc<Stats>,
    stopped: watch::Receiver<bool>,
}

/// The task that follows the snapshot's host names until it is told to stop or nobody listens any more.
pub(crate) fn follow(
    connector: Connector,
    cell: &Cell,
    events: &mpsc::Sender<Event>,
    stopped: watch::Receiver<bool>,
) -> (impl Future<Output = Result<(), String>> + Send + use<>, Arc<Stats>) {
    let stats = Arc::new(Stats::default());
    let (cell, events) = (cell.clone(), events.clone());
    let posts = Posts { cell, events, stats: Arc::clone(&stats), stopped };
    let look_up = move |name: Name| {
        let connector = connector.clone();
        async move { (connector.answerable(&name).await, name) }
    };
    let task = async move {
        keep(posts, random_seed(), look_up).await;
        Ok(())
    };
    (task, stats)
}

/// `seed` is that of the jitter.
async fn keep<L>(mut posts: Posts, seed: u64, look_up: impl Fn(Name) -> L)
where
    L: Future<Output = (Result<Found, ConnectError>, Name)>,
{
    let mut newer = posts.cell.subscribe();
    let mut agenda = Agenda::new(seed);
    let mut under_way = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        agenda.follow(&posts.cell.load().hosts, now);
        while under_way.len() < LOOKUPS_MAX
            && let Some(name) = agenda.take_due(now)
        {
            under_way.push(look_up(name));
        }
        posts.stats.stale.store(agenda.stale(), Ordering::Relaxed);
        let wake = agenda.next_due().filter(|_| under_way.len() < LOOKUPS_MAX);
        let ended = tokio::select! {
            // An error is an owner that is gone, and then nobody else would stop this.
            _ = posts.stopped.wait_for(|stopped| *stopped) => return,
            changed = newer.changed() => match changed {
                Ok(()) => None,
                Err(_) => return,
            },
            () = until(wake) => None,
            Some(ended) = under_way.next() => Some(ended),
        };
        let Some((found, name)) = ended else { continue };
        if let Some(news) = learn(&mut agenda, &posts, name, found)
            && posts.events.send(Event::Resolved(news)).await.is_err()
        {
            return;
        }
    }
}

/// What the publisher must be told, after a look-up ended. Compared with what is served and not with what was last
/// told, so that whatever went wrong in between is put right by the next look-up.
fn learn(
    agenda: &mut Agenda,
    posts: &Posts,
    name: Name,
    found: Result<Found, ConnectError>,
) -> Option<Resolved> {
    match found {
        Ok(Found { addresses, holds }) => {
            posts.stats.resolved.fetch_add(1, Ordering::Relaxed);
            agenda.resolved(&name, !addresses.is_empty(), Instant::now(), holds);
            let snapshot = posts.cell.load();
            let served = snapshot.hosts.get(&name)?;
            if **served == *addresses {
                return None;
            }
            tracing::info!(%name, was = ?served, is = ?addresses, "a host name has other addresses");
            Some(Resolved { name, addresses: addresses.into() })
        }
        Err(error) => {
            posts.stats.failed.fetch_add(1, Ordering::Relaxed);
            if agenda.failed(&name, Instant::now()) == 1 {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, %name, "a host name is not resolved; what was known of it stays");
            }
            None
        }
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
