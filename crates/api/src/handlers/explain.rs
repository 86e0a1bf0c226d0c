//! Why a name gets its answer.

use axum::extract::State;
use trimtab_api_types::v1::explain::{self as v1, Explanation};
use trimtab_model::Permission::LoadBalancersAccountRead;

use crate::app::App;
use crate::auth::Access;
use crate::errors::{Error, Service};
use crate::explain;
use crate::extract::{AtAccount, Body};
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Post;
use crate::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    let path = "/accounts/{account_id}/trimtab/explain";
    let access = Access::Account(LoadBalancersAccountRead);
    vec![
        Route::new(Post, path, access, explain)
            .says("Explain a decision", One("Explanation"))
            .takes("ExplanationQuestion"),
    ]
}

async fn explain(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<Explanation> {
    let refused = |problems| Error::refused(Service::Plain, problems);
    let question = v1::read(&body).map_err(refused)?;
    let snapshot = app.cell.load();
    let (balancer, pool) = explain::find(&snapshot, &question.name)?;
    // Pools belong to accounts; who may not see the fallback pool may not see the balancer.
    app.config.pool(at.account, pool).await?;
    Ok(Reply::one(explain::explain(&snapshot, balancer, &question, app.now())?))
}
