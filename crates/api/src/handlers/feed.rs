//! The external feed: what other systems say of endpoints, for a while.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::Usual;
use trimtab_model::Fed;
use trimtab_model::Permission::{MonitorsAndPoolsRead, MonitorsAndPoolsWrite};

use crate::app::App;
use crate::errors::{Error, Service};
use crate::extract::{AtAccount, Body, OriginOf, Params};
use crate::feed;
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Post};
use crate::route::{Base, Route};

pub(crate) fn routes() -> Vec<Route> {
    let (base, read, write) = (Base::FEED, MonitorsAndPoolsRead, MonitorsAndPoolsWrite);
    let one = "/{pool_id}/{origin}";
    vec![
        base.route(Get, "", read, list)
            .says("List what other systems say of endpoints now", Many("FeedEntry"))
            .asks(&["page", "per_page"]),
        base.route(Post, one, write, say)
            .says(
                "Say for a while what an endpoint is: its state, or its load or weight",
                One("FeedEntry"),
            )
            .takes("FeedEntry"),
        base.route(Delete, one, write, take_back)
            .says("Take back what was said of an endpoint", One("Deleted")),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<v1::feed::Fed>> {
    let paging = params.paging(Usual::Whole)?;
    let standing: Vec<_> =
        (app.feed.standing)(at.account).iter().filter_map(v1::feed::Fed::new).collect();
    let (page, info) = paging.cut(&standing);
    Ok(Reply::list((page.to_vec(), info)))
}

async fn say(
    State(app): State<App>,
    at: AtAccount,
    of: OriginOf,
    Body(body): Body,
) -> Answer<v1::feed::Fed> {
    let refused = |problems| Error::refused(Service::Plain, problems);
    let word = v1::feed::read(&body, &at.token.name, app.now()).map_err(refused)?;
    let fed = about(&app, &at, &of).await?;
    let fed = Fed { word: Some(word), ..fed };
    (app.feed.take)(fed.clone()).await?;
    v1::feed::Fed::new(&fed).map(Reply::one).ok_or(Error::Broken("nothing was said"))
}

async fn take_back(State(app): State<App>, at: AtAccount, of: OriginOf) -> Answer<Deleted> {
    let fed = about(&app, &at, &of).await?;
    (app.feed.take)(fed).await?;
    Ok(Reply::deleted(of.origin))
}

async fn about(app: &App, at: &AtAccount, of: &OriginOf) -> Result<Fed, Error> {
    let pool = app.config.pool(at.account, of.pool).await?;
    let origin = feed::find(&pool, &of.origin)?;
    Ok(Fed { account: at.account, pool: pool.id, origin, word: None })
}
