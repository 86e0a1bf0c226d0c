//! Silences.

use axum::extract::State;
use trimtab_api_types::v1::alerting::Silence;
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::Usual;
use trimtab_model::Permission::{NotificationsRead, NotificationsWrite};
use trimtab_model::{SilenceId, alert};

use crate::app::App;
use crate::extract::{AtAccount, Body, Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Post, Put};
use crate::route::{Base, Route};

pub(super) fn routes() -> Vec<Route> {
    let (base, read, write) = (Base::ALERTING, NotificationsRead, NotificationsWrite);
    let one = "/silences/{silence_id}";
    vec![
        base.route(Get, "/silences", read, list)
            .says("List silences", Many("Silence"))
            .asks(&["page", "per_page"]),
        base.route(Post, "/silences", write, create)
            .says("Create silences: a list of policy_id, start_time and end_time", Many("Silence")),
        base.route(Put, "/silences", write, change)
            .says("Change silences: a list of id, start_time and end_time", Many("Silence")),
        base.route(Get, one, read, read_one).says("Read a silence", One("Silence")),
        base.route(Delete, one, write, delete).says("Delete a silence", One("Deleted")),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<Silence>> {
    let paging = params.paging(Usual::Whole)?;
    let silences = app.config.silences(at.account).await?;
    let (page, info) = paging.cut(&silences);
    Ok(Reply::list((rendered(page), info)))
}

async fn create(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<Vec<Silence>> {
    Ok(Reply::one(rendered(&app.config.create_silences(&at, &body).await?)))
}

async fn change(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<Vec<Silence>> {
    Ok(Reply::one(rendered(&app.config.change_silences(&at, &body).await?)))
}

async fn read_one(State(app): State<App>, at: AtAccount, Id(id): Id<SilenceId>) -> Answer<Silence> {
    Ok(Reply::one(Silence::from(&app.config.silence(at.account, id).await?)))
}

async fn delete(State(app): State<App>, at: AtAccount, Id(id): Id<SilenceId>) -> Answer<Deleted> {
    app.config.delete_silence(&at, id).await?;
    Ok(Reply::deleted(id))
}

fn rendered(silences: &[alert::Silence]) -> Vec<Silence> {
    silences.iter().map(Silence::from).collect()
}
