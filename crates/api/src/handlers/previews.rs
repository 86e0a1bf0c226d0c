//! Trying a monitor without keeping it.

use axum::extract::State;
use trimtab_api_types::v1::monitor;
use trimtab_api_types::v1::preview::{Preview, PreviewResult};
use trimtab_model::Permission::{MonitorsAndPoolsRead, MonitorsAndPoolsWrite};
use trimtab_model::{Monitor, MonitorId, PoolId};

use super::monitors::limits;
use crate::app::App;
use crate::config::refused;
use crate::errors::Error;
use crate::extract::{AtAccount, Body, Id};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Object, One};
use crate::route::Method::{Get, Post};
use crate::route::{Base, Route};

pub(crate) fn routes(base: Base) -> Vec<Route> {
    let (read, write) = (MonitorsAndPoolsRead, MonitorsAndPoolsWrite);
    vec![
        base.route(Post, "/pools/{pool_id}/preview", write, of_pool)
            .says("Try a monitor on a pool", One("Preview"))
            .takes("Monitor"),
        base.route(Post, "/monitors/{monitor_id}/preview", write, of_monitor)
            .says("Try a monitor on the pools of another", One("Preview"))
            .takes("Monitor"),
        base.route(Get, "/preview/{preview_id}", read, result)
            .says("Read the result of a preview; empty while it runs", Object),
    ]
}

async fn of_pool(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<PoolId>,
    Body(body): Body,
) -> Answer<Preview> {
    let monitor = monitor_in(&app, &body)?;
    let pool = app.config.pool(at.account, id).await?;
    let now = app.clock.monotonic();
    Ok(Reply::one(app.previews.start(at.account, &monitor, &[pool], now)?))
}

async fn of_monitor(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorId>,
    Body(body): Body,
) -> Answer<Preview> {
    let monitor = monitor_in(&app, &body)?;
    app.config.monitor(at.account, id).await?;
    let pools = app.config.pools(at.account, Some(id)).await?;
    let now = app.clock.monotonic();
    Ok(Reply::one(app.previews.start(at.account, &monitor, &pools, now)?))
}

async fn result(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<String>,
) -> Answer<PreviewResult> {
    let result = app.previews.result(at.account, &id, app.clock.monotonic())?;
    Ok(Reply::one(result))
}

fn monitor_in(app: &App, body: &serde_json::Value) -> Result<Monitor, Error> {
    let draft = monitor::read(body, &limits(app)).map_err(refused)?;
    Ok(draft.resource().clone())
}
