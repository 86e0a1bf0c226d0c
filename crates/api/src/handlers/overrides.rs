//! Overrides: what a person says of endpoints.

use axum::extract::State;
use trimtab_api_types::v1;
use trimtab_api_types::v1::envelope::{ApiMessage, Deleted};
use trimtab_api_types::v1::paging::Usual;
use trimtab_model::Permission::{MonitorsAndPoolsRead, MonitorsAndPoolsWrite};
use trimtab_model::{Override, OverrideId};

use crate::app::App;
use crate::errors::Error;
use crate::extract::{AtAccount, Body, Id, Params};
use crate::notices;
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Patch, Post, Put};
use crate::route::{Base, Route};

pub(crate) fn routes() -> Vec<Route> {
    let (base, read, write) = (Base::OVERRIDES, MonitorsAndPoolsRead, MonitorsAndPoolsWrite);
    let one = "/{override_id}";
    vec![
        base.route(Get, "", read, list)
            .says(
                "List overrides, the oldest first; of several the newest counts",
                Many("Override"),
            )
            .asks(&["page", "per_page"]),
        base.route(Post, "", write, create)
            .says(
                "Hold endpoints to be up, down or drained, whatever machines say",
                One("Override"),
            )
            .takes("Override"),
        base.route(Get, one, read, read_one).says("Read an override", One("Override")),
        base.route(Put, one, write, replace)
            .says("Replace an override", One("Override"))
            .takes("Override"),
        base.route(Patch, one, write, patch)
            .says("Change an override", One("Override"))
            .takes("Override"),
        base.route(Delete, one, write, delete).says("Take an override back", One("Deleted")),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<v1::Override>> {
    let paging = params.paging(Usual::Whole)?;
    let overrides = app.config.overrides(at.account).await?;
    let (page, info) = paging.cut(&overrides);
    let now = app.now();
    Ok(Reply::list((page.iter().map(|one| v1::Override::new(one, now)).collect(), info)))
}

async fn create(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<v1::Override> {
    let made = app.config.create_override(&at, &body).await?;
    written(&app, &at, &made).await
}

async fn read_one(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<OverrideId>,
) -> Answer<v1::Override> {
    let found = app.config.override_of(at.account, id).await?;
    Ok(Reply::one(v1::Override::new(&found, app.now())))
}

async fn replace(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<OverrideId>,
    Body(body): Body,
) -> Answer<v1::Override> {
    let replaced = app.config.replace_override(&at, id, &body).await?;
    written(&app, &at, &replaced).await
}

async fn patch(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<OverrideId>,
    Body(body): Body,
) -> Answer<v1::Override> {
    let patched = app.config.patch_override(&at, id, &body).await?;
    written(&app, &at, &patched).await
}

async fn delete(State(app): State<App>, at: AtAccount, Id(id): Id<OverrideId>) -> Answer<Deleted> {
    let gone = app.config.override_of(at.account, id).await?;
    app.config.delete_override(&at, id).await?;
    Ok(Reply::deleted(id).with_messages(named(&app, &at, &gone).await?))
}

/// Whoever writes one reads at once what it is about.
async fn written(app: &App, at: &AtAccount, forced: &Override) -> Answer<v1::Override> {
    let messages = named(app, at, forced).await?;
    Ok(Reply::one(v1::Override::new(forced, app.now())).with_messages(messages))
}

async fn named(app: &App, at: &AtAccount, forced: &Override) -> Result<Vec<ApiMessage>, Error> {
    let pools = app.config.pools(at.account, None).await?;
    Ok(notices::of_override(forced, &pools))
}
