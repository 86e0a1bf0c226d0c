//! Finding resources, and counting them.

use axum::extract::State;
use trimtab_api_types::v1::paging::Usual;
use trimtab_api_types::v1::search::Found;
use trimtab_api_types::v1::usage::Usage;
use trimtab_model::Permission::MonitorsAndPoolsRead;

use crate::app::App;
use crate::config::search::Wanted;
use crate::extract::{AtAccount, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::One;
use crate::route::Method::Get;
use crate::route::{Base, Route};

/// As the hosted API cuts what it finds.
const PAGES: Usual = Usual::Pages(25);

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Base::ACCOUNT
            .route(Get, "/search", MonitorsAndPoolsRead, search)
            .says("Find load balancers, pools and monitors", One("SearchResult"))
            .asks(&["query", "references", "page", "per_page"]),
        Base::ACCOUNT
            .route(Get, "/usage", MonitorsAndPoolsRead, usage)
            .says("Count what an account has", One("Usage")),
    ]
}

async fn search(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Found> {
    let paging = params.paging(PAGES)?;
    let found = app.config.search(at.account, &Wanted::read(&params)?).await?;
    let (page, info) = paging.cut(&found);
    Ok(Reply::one(Found::new(page.to_vec())).with_info(info))
}

async fn usage(State(app): State<App>, at: AtAccount) -> Answer<Usage> {
    let usage = app.config.usage(at.account, app.settings.monitor_interval_min).await?;
    Ok(Reply::one(usage))
}
