//! What every place sees of a pool.

use axum::extract::State;
use trimtab_api_types::v1::health::PoolHealth;
use trimtab_api_types::v1::matrix::{BalancerHealth, MatrixPool};
use trimtab_api_types::v1::paging::Usual;
use trimtab_model::Permission::{LoadBalancersAccountRead, MonitorsAndPoolsRead};
use trimtab_model::PoolId;

use crate::app::App;
use crate::auth::Access;
use crate::extract::{AtAccount, Id, Params};
use crate::health::{self, Clocks};
use crate::matrix;
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::Get;
use crate::route::{Base, Route};

pub(crate) fn routes(base: Base) -> Vec<Route> {
    vec![
        base.route(Get, "/pools/{pool_id}/health", MonitorsAndPoolsRead, of_pool)
            .says("Read the health of a pool", One("PoolHealth")),
    ]
}

/// Not part of the hosted API.
pub(crate) fn matrix_routes() -> Vec<Route> {
    vec![
        Route::new(
            Get,
            "/accounts/{account_id}/trimtab/health/matrix",
            Access::Account(MonitorsAndPoolsRead),
            read_matrix,
        )
        .says(
            "Read what every place sees of every endpoint, and how the votes became its state",
            Many("MatrixPool"),
        )
        .asks(&["page", "per_page", "pool"]),
        Route::new(
            Get,
            "/accounts/{account_id}/trimtab/health/load_balancers",
            Access::Account(LoadBalancersAccountRead),
            balancers,
        )
        .says("Read the status of every load balancer", Many("BalancerHealth"))
        .asks(&["page", "per_page"]),
    ]
}

async fn balancers(
    State(app): State<App>,
    at: AtAccount,
    params: Params,
) -> Answer<Vec<BalancerHealth>> {
    let paging = params.paging(Usual::Whole)?;
    let balancers = app.config.balancers_of(at.account).await?;
    let (page, info) = paging.cut(&balancers);
    let world = app.cell.load();
    let told = page.iter().filter_map(|of| matrix::of_balancer(&world, of)).collect();
    Ok(Reply::list((told, info)))
}

async fn read_matrix(
    State(app): State<App>,
    at: AtAccount,
    params: Params,
) -> Answer<Vec<MatrixPool>> {
    let paging = params.paging(Usual::Whole)?;
    let mut pools = app.config.pools(at.account, None).await?;
    if let Some(wanted) = params.find("pool") {
        pools.retain(|pool| pool.name == wanted || pool.id.to_string() == wanted);
    }
    let (page, info) = paging.cut(&pools);
    let (world, now) = (app.cell.load(), clocks(&app));
    let told = page.iter().filter_map(|pool| matrix::of_pool(&world, pool, now)).collect();
    Ok(Reply::list((told, info)))
}

async fn of_pool(State(app): State<App>, at: AtAccount, Id(id): Id<PoolId>) -> Answer<PoolHealth> {
    let pool = app.config.pool(at.account, id).await?;
    let health = health::of_pool(&app.cell.load(), &pool, clocks(&app))?;
    Ok(Reply::one(health))
}

fn clocks(app: &App) -> Clocks {
    Clocks { monotonic: trimtab_live::clock::now(), wall: app.now() }
}
