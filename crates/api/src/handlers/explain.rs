//! Why a name gets its answer.

use axum::extract::State;
use trimtab_api_types::v1::explain::{self as v1, Explanation};
use trimtab_model::Permission::LoadBalancersAccountRead;

use crate::app::App;
use crate::auth::Access;
use crate::errors::{Error, Service};
use crate::explain::{self, asked::Looking};
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
    let looking = Looking { config: &app.config, snapshot: &snapshot, account: at.account };
    let asked = match question.request {
        Some(_) => looking.request(&question.name).await?,
        None => looking.question(&question.name, question.wanted).await?,
    };
    Ok(Reply::one(explain::explain(&snapshot, &asked, &question, app.now())?))
}
