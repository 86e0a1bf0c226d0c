//! Whether a name's pools get what their weights ask for.

use axum::extract::State;
use trimtab_api_types::v1::split::Split;
use trimtab_model::Permission::LoadBalancersAccountRead;
use trimtab_model::{Name, Problems};

use crate::app::App;
use crate::auth::Access;
use crate::errors::{Error, Kind, Service};
use crate::extract::{AtAccount, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Get;
use crate::route::Route;
use crate::{explain, split};

pub(crate) fn routes() -> Vec<Route> {
    let path = "/accounts/{account_id}/trimtab/split";
    let access = Access::Account(LoadBalancersAccountRead);
    vec![
        Route::new(Get, path, access, split)
            .says("Compare what a load balancer drew with its weights", One("Split"))
            .asks(&["name"]),
    ]
}

async fn split(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Split> {
    let name = name(&params)?;
    let snapshot = app.cell.load();
    let (balancer, pool) = explain::find(&snapshot, &name)?;
    // Pools belong to accounts; who may not see the fallback pool may not see the balancer.
    app.config.pool(at.account, pool).await?;
    let split = split::split(&snapshot, balancer, &app.draws);
    Ok(Reply::one(split.ok_or_else(|| Error::missing(Kind::Balancer, &name))?))
}

fn name(params: &Params) -> Result<Name, Error> {
    params.read("name")?.ok_or_else(|| {
        let mut problems = Problems::default();
        problems.add("", "name: the query must name a load balancer");
        Error::refused(Service::Plain, problems)
    })
}
