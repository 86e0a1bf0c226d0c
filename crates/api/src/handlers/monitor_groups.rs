//! Groups of monitors.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::paging::Usual;
use trimtab_api_types::v1::reference::Reference;
use trimtab_model::Permission::{MonitorsAndPoolsRead, MonitorsAndPoolsWrite};
use trimtab_model::{MonitorGroup, MonitorGroupId};

use crate::app::App;
use crate::extract::{AtAccount, Body, Id, Params};
use crate::notices;
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::{Base, Route};

pub(crate) fn routes() -> Vec<Route> {
    let (base, read, write) = (Base::ACCOUNT, MonitorsAndPoolsRead, MonitorsAndPoolsWrite);
    let one = "/monitor_groups/{monitor_group_id}";
    let group = One("MonitorGroup");
    vec![
        base.route(Get, "/monitor_groups", read, list)
            .says("List groups of monitors", Many("MonitorGroup"))
            .asks(&["page", "per_page"]),
        base.route(Post, "/monitor_groups", write, create)
            .says("Create a group of monitors", group)
            .takes("MonitorGroup"),
        base.route(Get, one, read, read_one).says("Read a group of monitors", group),
        base.route(Put, one, write, replace)
            .says("Replace a group of monitors", group)
            .takes("MonitorGroup"),
        base.route(Patch, one, write, patch)
            .says("Change a group of monitors", group)
            .takes("MonitorGroup"),
        base.route(Delete, one, write, delete)
            .says("Delete a group of monitors, and show what it was", group),
        base.route(Get, "/monitor_groups/{monitor_group_id}/references", read, references)
            .says("List the pools that a group watches and its monitors", Many("Reference"))
            .asks(&["page", "per_page"]),
    ]
}

async fn list(
    State(app): State<App>,
    at: AtAccount,
    params: Params,
) -> Answer<Vec<v1::MonitorGroup>> {
    let paging = params.paging(Usual::Whole)?;
    let groups = app.config.monitor_groups(at.account).await?;
    let (page, info) = paging.cut(&groups);
    Ok(Reply::list((page.iter().map(v1::MonitorGroup::from).collect(), info)))
}

async fn create(
    State(app): State<App>,
    at: AtAccount,
    Body(body): Body,
) -> Answer<v1::MonitorGroup> {
    let group = app.config.create_monitor_group(&at, &body).await?;
    Ok(Reply::one(v1::MonitorGroup::from(&group)))
}

async fn read_one(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorGroupId>,
) -> Answer<v1::MonitorGroup> {
    let group = app.config.monitor_group(at.account, id).await?;
    Ok(Reply::one(v1::MonitorGroup::from(&group)))
}

async fn replace(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorGroupId>,
    Body(body): Body,
) -> Answer<v1::MonitorGroup> {
    let group = app.config.replace_monitor_group(&at, id, &body).await?;
    stored(&app, &at, &group).await
}

async fn patch(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorGroupId>,
    Body(body): Body,
) -> Answer<v1::MonitorGroup> {
    let group = app.config.patch_monitor_group(&at, id, &body).await?;
    stored(&app, &at, &group).await
}

/// Nobody is watched by a group that was just made; of one that changed it is worth knowing what it costs.
async fn stored(app: &App, at: &AtAccount, group: &MonitorGroup) -> Answer<v1::MonitorGroup> {
    let pools = app.config.pools_of_group(at.account, group.id).await?;
    let notices = notices::of_group(&app.cell.load(), &pools);
    Ok(Reply::one(v1::MonitorGroup::from(group)).with_messages(notices))
}

async fn delete(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorGroupId>,
) -> Answer<v1::MonitorGroup> {
    let group = app.config.delete_monitor_group(&at, id).await?;
    Ok(Reply::one(v1::MonitorGroup::from(&group)))
}

async fn references(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<MonitorGroupId>,
    params: Params,
) -> Answer<Vec<Reference>> {
    let paging = params.paging(Usual::Whole)?;
    let references = app.config.references_of_group(at.account, id).await?;
    let (page, info) = paging.cut(&references);
    Ok(Reply::list((page.to_vec(), info)))
}
