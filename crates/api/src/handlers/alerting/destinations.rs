//! Webhooks and PagerDuty services.

use axum::extract::State;
use serde_json::json;
use trimtab_api_types::v1::alerting::{PagerDuty, Webhook, Written};
use trimtab_api_types::v1::envelope::Deleted;
use trimtab_api_types::v1::paging::Usual;
use trimtab_model::Permission::{NotificationsRead, NotificationsWrite};
use trimtab_model::{PagerDutyId, WebhookId, alert};

use crate::app::App;
use crate::errors::Error;
use crate::extract::{AtAccount, Body, Id, MaybeBody, Params};
use crate::respond::{Answer, Reply};
use crate::route::Gives::{Many, One};
use crate::route::Method::{Delete, Get, Post, Put};
use crate::route::{Base, Route};

pub(super) fn routes() -> Vec<Route> {
    let (base, read, write) = (Base::ALERTING, NotificationsRead, NotificationsWrite);
    let one = "/destinations/webhooks/{webhook_id}";
    let pagerduty = "/destinations/pagerduty";
    vec![
        base.route(Get, "/destinations/webhooks", read, list)
            .says("List webhooks", Many("Webhook"))
            .asks(&["page", "per_page"]),
        base.route(Post, "/destinations/webhooks", write, create)
            .says("Create a webhook", One("AlertWritten"))
            .takes("Webhook"),
        base.route(Get, one, read, read_one).says("Read a webhook", One("Webhook")),
        base.route(Put, one, write, replace)
            .says("Replace a webhook; a secret that is not sent stays", One("AlertWritten"))
            .takes("Webhook"),
        base.route(Delete, one, write, delete).says("Delete a webhook", One("Deleted")),
        base.route(Get, pagerduty, read, list_pagerduty)
            .says("List PagerDuty services", Many("PagerDuty")),
        base.route(Delete, pagerduty, write, delete_pagerduty)
            .says("Delete all PagerDuty services", Many("AlertWritten")),
        base.route(Post, "/destinations/pagerduty/connect", write, connect)
            .says("Connect a PagerDuty service: name, integration_key", One("AlertWritten")),
        base.route(Get, "/destinations/pagerduty/connect/{token_id}", read, linked)
            .says("Tell that a PagerDuty service is connected", One("AlertWritten")),
        Base::TRIMTAB_ALERTING
            .route(Put, "/pagerduty/{pagerduty_id}", write, change_pagerduty)
            .says("Change a PagerDuty service: name, integration_key", One("PagerDuty")),
    ]
}

async fn list(State(app): State<App>, at: AtAccount, params: Params) -> Answer<Vec<Webhook>> {
    let paging = params.paging(Usual::Whole)?;
    let webhooks = app.config.webhooks(at.account).await?;
    let (page, info) = paging.cut(&webhooks);
    let mut shown = Vec::with_capacity(page.len());
    for webhook in page {
        shown.push(show(&app, &at, webhook).await?);
    }
    Ok(Reply::list((shown, info)))
}

async fn create(State(app): State<App>, at: AtAccount, Body(body): Body) -> Answer<Written> {
    let webhook = app.config.create_webhook(&at, &body, &app.alerts).await?;
    Ok(Reply::one(Written { id: webhook.id.to_string() }))
}

async fn read_one(State(app): State<App>, at: AtAccount, Id(id): Id<WebhookId>) -> Answer<Webhook> {
    let webhook = app.config.webhook(at.account, id).await?;
    Ok(Reply::one(show(&app, &at, &webhook).await?))
}

async fn replace(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<WebhookId>,
    Body(body): Body,
) -> Answer<Written> {
    let webhook = app.config.replace_webhook(&at, id, &body, &app.alerts).await?;
    Ok(Reply::one(Written { id: webhook.id.to_string() }))
}

async fn delete(State(app): State<App>, at: AtAccount, Id(id): Id<WebhookId>) -> Answer<Deleted> {
    app.config.delete_webhook(&at, id).await?;
    Ok(Reply::deleted(id))
}

async fn list_pagerduty(State(app): State<App>, at: AtAccount) -> Answer<Vec<PagerDuty>> {
    let services = app.config.pagerduty(at.account).await?;
    Ok(Reply::one(services.iter().map(PagerDuty::from).collect()))
}

async fn delete_pagerduty(State(app): State<App>, at: AtAccount) -> Answer<Vec<Written>> {
    let gone = app.config.delete_pagerduty(&at).await?;
    Ok(Reply::one(gone.iter().map(|id| Written { id: id.to_string() }).collect()))
}

async fn connect(
    State(app): State<App>,
    at: AtAccount,
    MaybeBody(body): MaybeBody,
) -> Answer<Written> {
    let body = body.unwrap_or_else(|| json!({}));
    let service = app.config.connect_pagerduty(&at, &body).await?;
    Ok(Reply::one(Written { id: service.id.to_string() }))
}

async fn linked(State(app): State<App>, at: AtAccount, Id(id): Id<PagerDutyId>) -> Answer<Written> {
    let service = app.config.pagerduty_service(at.account, id).await?;
    Ok(Reply::one(Written { id: service.id.to_string() }))
}

async fn change_pagerduty(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<PagerDutyId>,
    Body(body): Body,
) -> Answer<PagerDuty> {
    let service = app.config.change_pagerduty(&at, id, &body).await?;
    Ok(Reply::one(PagerDuty::from(&service)))
}

async fn show(app: &App, at: &AtAccount, webhook: &alert::Webhook) -> Result<Webhook, Error> {
    let standing = app.config.standing(at.account, webhook.id).await?;
    Ok(Webhook::new(webhook, standing))
}
