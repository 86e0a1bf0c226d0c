//! Alerting v3: policies, history and what there is to be told; destinations and silences in the parts.

mod destinations;
mod silences;
mod trial;

use std::collections::BTreeMap;

use axum::extract::State;
use trimtab_api_types::v1::alerting::{
    AlertPolicy, AvailableAlert, Eligible, History, Written, available,
};
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::{ALERT_HISTORY, Usual};
use trimtab_model::Permission::{NotificationsRead, NotificationsWrite};
use trimtab_model::alert::Channel;
use trimtab_model::{AlertPolicyId, Timestamp};

use crate::app::App;
use crate::extract::{AtAccount, Body, Id, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, Object, One};
use crate::route::Method::{Delete, Get, Post, Put};
use crate::route::{Base, Route};

pub(crate) fn routes() -> Vec<Route> {
    let (base, read, write) = (Base::ALERTING, NotificationsRead, NotificationsWrite);
    let one = "/policies/{policy_id}";
    let mut routes = vec![
        base.route(Get, "/available_alerts", read, available_alerts)
            .says("List the types of alerts, by product", Object),
        base.route(Get, "/destinations/eligible", read, eligible)
            .says("Tell over what alerts can be sent", Object),
        base.route(Get, "/policies", read, list)
            .says("List policies", Many("AlertPolicy"))
            .asks(&["page", "per_page"]),
        base.route(Post, "/policies", write, create)
            .says("Create a policy", One("AlertWritten"))
            .takes("AlertPolicy"),
        base.route(Get, one, read, read_one).says("Read a policy", One("AlertPolicy")),
        base.route(Put, one, write, replace)
            .says("Change a policy: what is left out stays", One("AlertWritten"))
            .takes("AlertPolicy"),
        base.route(Delete, one, write, delete).says("Delete a policy", One("Deleted")),
        base.route(Get, "/history", read, history)
            .says("List what was sent, newest first", Many("AlertHistory"))
            .asks(&["before", "since", "page", "per_page"]),
    ];
    routes.extend(destinations::routes());
    routes.extend(silences::routes());
    routes.extend(trial::routes());
    routes
}

async fn available_alerts(_at: AtAccount) -> Answer<BTreeMap<&'static str, Vec<AvailableAlert>>> {
    Ok(Reply::one(available::available()))
}

async fn eligible(
    State(app): State<App>,
    _at: AtAccount,
) -> Answer<BTreeMap<Channel, Vec<Eligible>>> {
    Ok(Reply::one(available::eligible(app.alerts.has_mail)))
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<AlertPolicy>> {
    let paging = params.paging(Usual::Whole)?;
    let policies = app.config.alert_policies(at.account).await?;
    let (page, info) = paging.cut(&policies);
    Ok(Reply::list((page.iter().map(AlertPolicy::from).collect(), info)))
}

async fn create(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<Written> {
    let policy = app.config.create_alert_policy(&at, &body).await?;
    Ok(Reply::one(Written { id: policy.id.to_string() }))
}

async fn read_one(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<AlertPolicyId>,
) -> Answer<AlertPolicy> {
    let policy = app.config.alert_policy(at.account, id).await?;
    Ok(Reply::one(AlertPolicy::from(&policy)))
}

async fn replace(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<AlertPolicyId>,
    Body(body): Body,
) -> Answer<Written> {
    let policy = app.config.replace_alert_policy(&at, id, &body).await?;
    Ok(Reply::one(Written { id: policy.id.to_string() }))
}

async fn delete(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<AlertPolicyId>,
) -> Answer<Deleted> {
    app.config.delete_alert_policy(&at, id).await?;
    Ok(Reply::deleted(id))
}

async fn history(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<History>> {
    let paging = params.paging(ALERT_HISTORY)?;
    let before: Option<Timestamp> = params.read("before")?;
    let since: Option<Timestamp> = params.read("since")?;
    let mut entries = app.config.alert_history(at.account).await?;
    entries.retain(|entry| {
        before.is_none_or(|before| entry.sent < before)
            && since.is_none_or(|since| since <= entry.sent)
    });
    let (page, info) = paging.cut(&entries);
    Ok(Reply::list((page.iter().map(History::from).collect(), info)))
}
