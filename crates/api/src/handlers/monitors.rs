//! Monitors.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::Limits;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::Usual;
use trimtab_api_types::v1::reference::Reference;
use trimtab_model::Permission::{MonitorsAndPoolsRead, MonitorsAndPoolsWrite};
use trimtab_model::{Monitor, MonitorId};

use crate::app::App;
use crate::extract::{AtAccount, Body, Id, Params};
use crate::notices;
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::{Base, Route};

pub(crate) fn routes(base: Base) -> Vec<Route> {
    let (read, write) = (MonitorsAndPoolsRead, MonitorsAndPoolsWrite);
    let one = "/monitors/{monitor_id}";
    vec![
        base.route(Get, "/monitors", read, list)
            .says("List monitors", Many("Monitor"))
            .asks(&["page", "per_page"]),
        base.route(Post, "/monitors", write, create)
            .says("Create a monitor", One("Monitor"))
            .takes("Monitor"),
        base.route(Get, one, read, read_one).says("Read a monitor", One("Monitor")),
        base.route(Put, one, write, replace)
            .says("Replace a monitor", One("Monitor"))
            .takes("Monitor"),
        base.route(Patch, one, write, patch)
            .says("Change a monitor", One("Monitor"))
            .takes("Monitor"),
        base.route(Delete, one, write, delete).says("Delete a monitor", One("Deleted")),
        base.route(Get, "/monitors/{monitor_id}/references", read, references)
            .says("List the pools that a monitor watches", Many("Reference"))
            .asks(&["page", "per_page"]),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<v1::Monitor>> {
    let paging = params.paging(Usual::Whole)?;
    let monitors = app.config.monitors(at.account).await?;
    let (page, info) = paging.cut(&monitors);
    Ok(Reply::list((page.iter().map(v1::Monitor::from).collect(), info)))
}

async fn create(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<v1::Monitor> {
    let monitor = app.config.create_monitor(&at, &body, &limits(&app)).await?;
    Ok(stored(&app, &monitor))
}

async fn read_one(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorId>,
) -> Answer<v1::Monitor> {
    let monitor = app.config.monitor(at.account, id).await?;
    Ok(Reply::one(v1::Monitor::from(&monitor)))
}

async fn replace(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorId>,
    Body(body): Body,
) -> Answer<v1::Monitor> {
    let monitor = app.config.replace_monitor(&at, id, &body, &limits(&app)).await?;
    Ok(stored(&app, &monitor))
}

async fn patch(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorId>,
    Body(body): Body,
) -> Answer<v1::Monitor> {
    let monitor = app.config.patch_monitor(&at, id, &body, &limits(&app)).await?;
    Ok(stored(&app, &monitor))
}

async fn delete(State(app): State<App>, at: AtAccount, Id(id): Id<MonitorId>) -> Answer<Deleted> {
    app.config.delete_monitor(&at, id).await?;
    Ok(Reply::deleted(id))
}

async fn references(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorId>,
    params: Params,
) -> Answer<Vec<Reference>> {
    let paging = params.paging(Usual::Whole)?;
    let references = app.config.references_of_monitor(at.account, id).await?;
    let (page, info) = paging.cut(&references);
    Ok(Reply::list((page.to_vec(), info)))
}

fn stored(app: &App, monitor: &Monitor) -> Reply<v1::Monitor> {
    let notices = notices::of_monitor(&app.cell.load(), monitor);
    Reply::one(v1::Monitor::from(monitor)).with_messages(notices)
}

/// What an operator allows.
pub(crate) fn limits(app: &App) -> Limits {
    Limits { monitor_interval_min: app.settings.monitor_interval_min }
}
