//! Pools.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::Usual;
use trimtab_api_types::v1::reference::Reference;
use trimtab_model::Permission::{MonitorsAndPoolsRead, MonitorsAndPoolsWrite};
use trimtab_model::{Pool, PoolId};

use crate::app::App;
use crate::extract::{AtAccount, Body, Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::{Base, Route};
use crate::{health, notices};

pub(crate) fn routes(base: Base) -> Vec<Route> {
    let (read, write) = (MonitorsAndPoolsRead, MonitorsAndPoolsWrite);
    let one = "/pools/{pool_id}";
    vec![
        base.route(Get, "/pools", read, list)
            .says("List pools", Many("Pool"))
            .asks(&["monitor", "page", "per_page"]),
        base.route(Post, "/pools", write, create).says("Create a pool", One("Pool")).takes("Pool"),
        base.route(Patch, "/pools", write, clear_emails)
            .says("Take the mail address away from all pools", Many("Pool"))
            .takes("Pool"),
        base.route(Get, one, read, read_one).says("Read a pool", One("Pool")),
        base.route(Put, one, write, replace).says("Replace a pool", One("Pool")).takes("Pool"),
        base.route(Patch, one, write, patch).says("Change a pool", One("Pool")).takes("Pool"),
        base.route(Delete, one, write, delete).says("Delete a pool", One("Deleted")),
        base.route(Get, "/pools/{pool_id}/references", read, references)
            .says("List what a pool refers to and what refers to it", Many("Reference"))
            .asks(&["page", "per_page"]),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<v1::Pool>> {
    let paging = params.paging(Usual::Whole)?;
    let pools = app.config.pools(at.account, params.read("monitor")?).await?;
    let (page, info) = paging.cut(&pools);
    Ok(Reply::list((rendered(&app, page), info)))
}

async fn create(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<v1::Pool> {
    let pool = app.config.create_pool(&at, &body).await?;
    Ok(stored(&app, &pool))
}

async fn clear_emails(
    State(app): State<App>,
    at: AtAccount,
    Body(body): Body,
) -> Answer<Vec<v1::Pool>> {
    let pools = app.config.clear_emails(&at, &body).await?;
    Ok(Reply::one(rendered(&app, &pools)))
}

async fn read_one(State(app): State<App>, at: AtAccount, Id(id): Id<PoolId>) -> Answer<v1::Pool> {
    let pool = app.config.pool(at.account, id).await?;
    Ok(Reply::one(render(&app, &pool)))
}

async fn replace(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<PoolId>,
    Body(body): Body,
) -> Answer<v1::Pool> {
    let pool = app.config.replace_pool(&at, id, &body).await?;
    Ok(stored(&app, &pool))
}

async fn patch(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<PoolId>,
    Body(body): Body,
) -> Answer<v1::Pool> {
    let pool = app.config.patch_pool(&at, id, &body).await?;
    Ok(stored(&app, &pool))
}

async fn delete(State(app): State<App>, at: AtAccount, Id(id): Id<PoolId>) -> Answer<Deleted> {
    app.config.delete_pool(&at, id).await?;
    Ok(Reply::deleted(id))
}

async fn references(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<PoolId>,
    params: Params,
) -> Answer<Vec<Reference>> {
    let paging = params.paging(Usual::Whole)?;
    let references = app.config.references_of_pool(at.account, id).await?;
    let (page, info) = paging.cut(&references);
    Ok(Reply::list((page.to_vec(), info)))
}

fn stored(app: &App, pool: &Pool) -> Reply<v1::Pool> {
    Reply::one(render(app, pool)).with_messages(notices::of_pool(&app.cell.load(), pool))
}

fn rendered(app: &App, pools: &[Pool]) -> Vec<v1::Pool> {
    pools.iter().map(|pool| render(app, pool)).collect()
}

fn render(app: &App, pool: &Pool) -> v1::Pool {
    v1::Pool { healthy: health::healthy(&app.cell.load(), pool.id), ..v1::Pool::from(pool) }
}
