//! The control side's one listener: the API, metrics, liveness and readiness.

mod listener;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::{mpsc, oneshot};
use trimtab_analytics::EventLog;
use trimtab_api::{
    AcmePort, AlertPort, App, Bootstrap, CheckState, ChecksPort, DrawsPort, FeedClosed, FeedPorts,
    Parts, PreviewPort, Settings,
};
use trimtab_connect::Connector;
use trimtab_health::Verdict;
use trimtab_live::event::Feeding;
use trimtab_live::{Cell, Event, Job, Snapshot};
use trimtab_model::PoolId;
use trimtab_probe::{Attempt, Simulate, Uplinks};
use trimtab_store::{AnyStore, SystemClock};

use crate::assemble::AssembleError;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::watched;

pub(crate) use listener::serve;

/// Previews are of monitors; the pool that a probe's User-Agent names is none.
const NO_POOL: PoolId = PoolId::new([0; 16]);

#[derive(Clone)]
struct Shown {
    cell: Cell,
    metrics: Arc<Metrics>,
    /// Ready once is ready for good: a new pool without results is no reason to leave a load balancer.
    was_ready: Arc<AtomicBool>,
}

/// The API's app, and the first token if it was just made.
pub(crate) async fn app(
    config: &Config,
    store: &AnyStore,
    events: &Arc<EventLog>,
    cell: &Cell,
    probing: (Uplinks, Option<Simulate>),
    ports: (DrawsPort, AcmePort, AlertPort, mpsc::Sender<Event>),
    token: Option<String>,
) -> Result<(App, Option<String>), AssembleError> {
    let given = token.or_else(|| std::env::var(trimtab_api::bootstrap::TOKEN_VARIABLE).ok());
    let Bootstrap { printed_once } =
        trimtab_api::bootstrap(store, given.as_deref(), &SystemClock::start()).await?;
    let (uplinks, simulate) = probing;
    let parts = Parts {
        store: store.clone(),
        cell: cell.clone(),
        events: Arc::clone(events),
        preview: preview(uplinks.of(config.node.pop).clone()),
        probe: watched::port(uplinks, simulate),
        draws: ports.0,
        acme: ports.1,
        feed: feeds(cell, ports.3),
        checks: checks(cell),
        alerts: ports.2,
        clock: Arc::new(SystemClock::start()),
        settings: Settings {
            nameservers: config.dns.nameservers.clone(),
            hostmaster: config.dns.hostmaster.clone(),
            pop: config.node.pop,
            extra_pops: config.node.extra_pops.clone(),
            monitor_interval_min: config.limits.min_monitor_interval,
            checks_per_second_max: config.limits.max_checks_per_second,
            requests_per_minute: config.api.requests_per_minute,
        },
    };
    Ok((App::start(parts).await?, printed_once.map(|secret| secret.reveal().to_owned())))
}

pub(crate) fn router(app: App, cell: &Cell, metrics: Metrics, more: Option<Router>) -> Router {
    let shown = Shown {
        cell: cell.clone(),
        metrics: Arc::new(metrics),
        was_ready: Arc::new(AtomicBool::new(false)),
    };
    Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(shown)
        .merge(trimtab_api::router(app))
        .merge(more.unwrap_or_default())
}

/// To the publisher, and back from the snapshot that acts by it.
fn feeds(cell: &Cell, events: mpsc::Sender<Event>) -> FeedPorts {
    let cell = cell.clone();
    FeedPorts {
        take: Arc::new(move |fed| {
            let events = events.clone();
            Box::pin(async move {
                let (acts, acted) = oneshot::channel();
                let feeding = Event::Fed(Feeding { fed, acts });
                events.send(feeding).await.map_err(|_closed| FeedClosed)?;
                acted.await.map_err(|_closed| FeedClosed)
            })
        }),
        standing: Arc::new(move |account| {
            let snapshot = cell.load();
            snapshot.fed.iter().filter(|fed| fed.account == account).cloned().collect()
        }),
    }
}

fn checks(cell: &Cell) -> ChecksPort {
    let cell = cell.clone();
    Arc::new(move |id| {
        let snapshot = cell.load();
        let check = snapshot.checks.get(&id)?;
        let (reason, _) = check.endpoint()?.outcome();
        Some(CheckState { healthy: check.is_healthy(), reason })
    })
}

fn preview(connector: Connector) -> PreviewPort {
    Arc::new(move |monitor, targets| {
        let connector = connector.clone();
        Box::pin(async move {
            let attempts = trimtab_probe::preview(&connector, &monitor, NO_POOL, targets).await;
            let ended = |(_, attempt, evidence): (_, Attempt, _)| (attempt.outcome(), evidence);
            attempts.into_iter().map(ended).collect()
        })
    })
}

async fn scrape(State(shown): State<Shown>) -> impl IntoResponse {
    /// OpenMetrics 1.0.
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match shown.metrics.text() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, TYPE)], text),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            let kind = [(header::CONTENT_TYPE, "text/plain")];
            (StatusCode::INTERNAL_SERVER_ERROR, kind, "metrics cannot be written\n".into())
        }
    }
}

/// Ready: listeners are bound (or nobody could ask) and every endpoint has its first verdict.
async fn ready(State(shown): State<Shown>) -> (StatusCode, String) {
    let waiting = if shown.was_ready.load(Ordering::Relaxed) {
        0
    } else {
        without_verdict(&shown.cell.load())
    };
    if waiting > 0 {
        let said = format!("waiting for the first probe of {waiting} endpoints\n");
        return (StatusCode::SERVICE_UNAVAILABLE, said);
    }
    shown.was_ready.store(true, Ordering::Relaxed);
    (StatusCode::OK, "ready\n".into())
}

/// Of a pool whose regions have no place of this node nothing is ever known: it is not waited for.
fn without_verdict(snapshot: &Snapshot) -> usize {
    let probes = |job: &Job, id| job.pool == id && !job.observers.is_empty();
    let probed = |id| snapshot.jobs.iter().any(|job| probes(job, id));
    let pools = snapshot.world.pools.iter().flatten().filter(|pool| probed(pool.id));
    let endpoints = pools.flat_map(|pool| &pool.health.endpoints);
    endpoints.filter(|endpoint| endpoint.verdict == Verdict::Unknown).count()
}

#[cfg(test)]
mod tests;
