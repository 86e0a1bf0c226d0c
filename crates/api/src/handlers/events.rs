//! What happened to pools and endpoints.

use axum::extract::State;
use trimtab_api_types::v1::event::Event;
use trimtab_model::Permission::MonitorsAndPoolsRead;

use crate::app::App;
use crate::auth::Access;
use crate::events;
use crate::extract::{AtAccount, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::Many;
use crate::route::Method::Get;
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    let path = "/user/load_balancing_analytics/events";
    vec![
        Route::new(Get, path, Access::Home(MonitorsAndPoolsRead), list)
            .says("List what happened to pools and endpoints, newest first", Many("Event"))
            .asks(&[
                "since",
                "until",
                "pool_id",
                "pool_name",
                "pool_healthy",
                "origin_name",
                "origin_healthy",
                "limit",
            ]),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<Event>> {
    let events = app.events.query(events::filter(&params)?).await?;
    let theirs = app.config.pools_of_others(at.account).await?;
    Ok(Reply::one(events::visible(events, &theirs)))
}
