//! Whether a name's pools get what their weights ask for.

use axum::extract::State;
use trimtab_api_types::v1::split::Split;
use trimtab_model::Permission::LoadBalancersAccountRead;
use trimtab_model::{Name, Problems, Wanted};

use crate::app::App;
use crate::auth::Access;
use crate::errors::{Error, Service};
use crate::explain::asked::Looking;
use crate::extract::{AtAccount, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Get;
use crate::route::Route;
use crate::split;

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
    let looking = Looking { config: &app.config, snapshot: &snapshot, account: at.account };
    let asked = looking.question(&name, Wanted::A).await?;
    if asked.balancer.proxied {
        let why = "it is proxied, and what is counted are answers of DNS".to_owned();
        return Err(Error::Unsteered { name: name.to_string(), why });
    }
    Ok(Reply::one(split::split(&snapshot, &asked, &app.draws)))
}

fn name(params: &Params) -> Result<Name, Error> {
    params.read("name")?.ok_or_else(|| {
        let mut problems = Problems::default();
        problems.add("", "name: the query must name a load balancer");
        Error::refused(Service::Plain, problems)
    })
}
