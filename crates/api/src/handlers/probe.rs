//! Watching a probe, step by step.

use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt;
use trimtab_api_types::v1::probe::{self as v1, ProbeOrder, Recipe};
use trimtab_model::Permission::MonitorsAndPoolsWrite;
use trimtab_model::{Monitor, Problems};

use super::monitors::limits;
use crate::app::App;
use crate::auth::Access;
use crate::config::refused;
use crate::errors::Error;
use crate::extract::{AtAccount, Body};
use crate::previews::{Watched, targets_of};
use crate::respond;
use crate::route::Gives::Lines;
use crate::route::Method::Post;
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    let path = "/accounts/{account_id}/trimtab/probe";
    let access = Access::Account(MonitorsAndPoolsWrite);
    vec![
        Route::new(Post, path, access, probe)
            .says("Probe the endpoints of a pool, told step by step", Lines("ProbeLine"))
            .takes("ProbeOrder"),
    ]
}

async fn probe(State(app): State<App>, at: AtAccount, Body(body): Body) -> Result<Response, Error> {
    let order = v1::read(&body, &limits(&app)).map_err(refused)?;
    let watched = watched(&app, &at, order).await?;
    let place = app.previews.place()?;
    let lines = (app.probe)(watched);
    // The place is free again when the last line is sent, or nobody reads any more.
    Ok(respond::lines(lines.map(move |line| {
        let _held = &place;
        line
    })))
}

async fn watched(app: &App, at: &AtAccount, order: ProbeOrder) -> Result<Watched, Error> {
    let monitor: Monitor = match order.monitor {
        Recipe::Stored(id) => app.config.monitor(at.account, id).await?,
        Recipe::Inline(monitor) => *monitor,
    };
    let pool = app.config.pool(at.account, order.pool).await?;
    let mut problems = Problems::default();
    let targets = targets_of(&pool, order.origin.as_deref());
    if let (Some(name), true) = (&order.origin, targets.is_empty()) {
        problems.add("/origin", format_args!("the pool has no origin {name:?}"));
    }
    let pop = order.pop.unwrap_or(app.settings.pop);
    if pop != app.settings.pop && !app.settings.extra_pops.contains(&pop) {
        problems.add("/pop", format_args!("this node does not probe for {pop}"));
    }
    problems.or(Watched { monitor, pool: pool.id, targets, pop }).map_err(refused)
}
