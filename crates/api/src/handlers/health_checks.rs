//! Standalone health checks of a zone.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::HEALTH_CHECKS;
use trimtab_model::Permission::{HealthChecksRead, HealthChecksWrite};
use trimtab_model::{HealthCheck, HealthCheckId};

use super::monitors::limits;
use crate::app::App;
use crate::config::new_health_check;
use crate::extract::{AtZone, Body, Id, Params};
use crate::health::of_check;
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::{Base, Route};

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = previews();
    routes.extend(checks(Base::HEALTH_CHECKS));
    routes.extend(checks(Base::SMART_SHIELD));
    routes
}

fn checks(base: Base) -> Vec<Route> {
    let (read, write) = (HealthChecksRead, HealthChecksWrite);
    let one = "/{healthcheck_id}";
    vec![
        base.route(Get, "", read, list)
            .says("List health checks", Many("HealthCheck"))
            .asks(&["page", "per_page"]),
        base.route(Post, "", write, create)
            .says("Create a health check", One("HealthCheck"))
            .takes("HealthCheck"),
        base.route(Get, one, read, read_one).says("Read a health check", One("HealthCheck")),
        base.route(Put, one, write, replace)
            .says("Replace a health check", One("HealthCheck"))
            .takes("HealthCheck"),
        base.route(Patch, one, write, patch)
            .says("Change a health check", One("HealthCheck"))
            .takes("HealthCheck"),
        base.route(Delete, one, write, delete).says("Delete a health check", One("Deleted")),
    ]
}

fn previews() -> Vec<Route> {
    let (base, read, write) = (Base::HEALTH_CHECKS, HealthChecksRead, HealthChecksWrite);
    let one = "/preview/{preview_id}";
    vec![
        base.route(Post, "/preview", write, try_one)
            .says("Try a health check without keeping it", One("HealthCheck"))
            .takes("HealthCheck"),
        base.route(Get, one, read, tried).says(
            "Read the result of a trial; its status is unknown while it runs",
            One("HealthCheck"),
        ),
        base.route(Delete, one, write, forget).says("Forget a trial", One("Deleted")),
    ]
}

async fn list(State(app): State<App>, at: AtZone, params: Params) -> Answer<Vec<v1::HealthCheck>> {
    let paging = params.paging(HEALTH_CHECKS)?;
    let checks = app.config.health_checks(at.zone.id).await?;
    let (page, info) = paging.cut(&checks);
    Ok(Reply::list((page.iter().map(|check| render(&app, check)).collect(), info)))
}

async fn create(State(app): State<App>, at: AtZone, Body(body): Body) -> Answer<v1::HealthCheck> {
    let check = app.config.create_health_check(&at, &body, &limits(&app)).await?;
    Ok(Reply::one(render(&app, &check)))
}

async fn read_one(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<HealthCheckId>,
) -> Answer<v1::HealthCheck> {
    let check = app.config.health_check(at.zone.id, id).await?;
    Ok(Reply::one(render(&app, &check)))
}

async fn replace(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<HealthCheckId>,
    Body(body): Body,
) -> Answer<v1::HealthCheck> {
    let check = app.config.replace_health_check(&at, id, &body, &limits(&app)).await?;
    Ok(Reply::one(render(&app, &check)))
}

async fn patch(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<HealthCheckId>,
    Body(body): Body,
) -> Answer<v1::HealthCheck> {
    let check = app.config.patch_health_check(&at, id, &body, &limits(&app)).await?;
    Ok(Reply::one(render(&app, &check)))
}

async fn delete(State(app): State<App>, at: AtZone, Id(id): Id<HealthCheckId>) -> Answer<Deleted> {
    app.config.delete_health_check(&at, id).await?;
    Ok(Reply::deleted(id))
}

async fn try_one(State(app): State<App>, at: AtZone, Body(body): Body) -> Answer<v1::HealthCheck> {
    let check = new_health_check(&at, &body, &limits(&app), app.now())?;
    let shown = v1::HealthCheck::tried(&check, Default::default());
    app.previews.start_check(at.zone.account, check, app.clock.monotonic())?;
    Ok(Reply::one(shown))
}

async fn tried(
    State(app): State<App>,
    at: AtZone,
    Id(id): Id<HealthCheckId>,
) -> Answer<v1::HealthCheck> {
    let (check, found) = app.previews.check(at.zone.id, id, app.clock.monotonic())?;
    Ok(Reply::one(v1::HealthCheck::tried(&check, found)))
}

async fn forget(State(app): State<App>, at: AtZone, Id(id): Id<HealthCheckId>) -> Answer<Deleted> {
    app.previews.forget_check(at.zone.id, id, app.clock.monotonic())?;
    Ok(Reply::deleted(id))
}

fn render(app: &App, check: &HealthCheck) -> v1::HealthCheck {
    v1::HealthCheck::new(check, of_check(&app.checks, check.id))
}
