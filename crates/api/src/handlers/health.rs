//! What every place sees of a pool.

use axum::extract::State;
use trimtab_api_types::v1::health::PoolHealth;
use trimtab_model::Permission::MonitorsAndPoolsRead;
use trimtab_model::PoolId;

use crate::app::App;
use crate::extract::{AtAccount, Id};
use crate::health::{self, Clocks};
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Get;
use crate::route::{Base, Route};

pub(crate) fn routes(base: Base) -> Vec<Route> {
    vec![
        base.route(Get, "/pools/{pool_id}/health", MonitorsAndPoolsRead, of_pool)
            .says("Read the health of a pool", One("PoolHealth")),
    ]
}

async fn of_pool(State(app): State<App>, at: AtAccount, Id(id): Id<PoolId>) -> Answer<PoolHealth> {
    let pool = app.config.pool(at.account, id).await?;
    let now = Clocks { monotonic: trimtab_live::clock::now(), wall: app.now() };
    let health = health::of_pool(&app.cell.load(), &pool, now)?;
    Ok(Reply::one(health))
}
