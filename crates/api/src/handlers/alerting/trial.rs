//! Messages that say they are tests, to see that they arrive.

use axum::extract::State;
use trimtab_api_types::v1::alerting::Tested;
use trimtab_model::Permission::NotificationsWrite;
use trimtab_model::{AlertPolicyId, WebhookId};

use crate::alerts::AlertTest;
use crate::app::App;
use crate::errors::Error;
use crate::extract::{AtAccount, Id};
use crate::respond::{Answer, Reply};
use crate::route::Gives::Many;
use crate::route::Method::Post;
use crate::route::{Base, Route};

pub(super) fn routes() -> Vec<Route> {
    let base = Base::TRIMTAB_ALERTING;
    vec![
        base.route(Post, "/webhooks/{webhook_id}/test", NotificationsWrite, webhook)
            .says("Send a test to a webhook, and tell what came back", Many("AlertTested")),
        base.route(Post, "/policies/{policy_id}/test", NotificationsWrite, policy)
            .says("Send a test to every destination of a policy", Many("AlertTested")),
    ]
}

async fn webhook(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<WebhookId>,
) -> Answer<Vec<Tested>> {
    let webhook = app.config.webhook(at.account, id).await?;
    let test = AlertTest { webhooks: vec![webhook], ..nobody(&app, &at).await? };
    Ok(Reply::one((app.alerts.test)(test).await))
}

async fn policy(
    State(app): State<App>,
    at: AtAccount,
    Id(id): Id<AlertPolicyId>,
) -> Answer<Vec<Tested>> {
    let policy = app.config.alert_policy(at.account, id).await?;
    let mut test = nobody(&app, &at).await?;
    for id in &policy.mechanisms.webhooks {
        test.webhooks.push(app.config.webhook(at.account, *id).await?);
    }
    for id in &policy.mechanisms.pagerduty {
        test.pagerduty.push(app.config.pagerduty_service(at.account, *id).await?);
    }
    test.emails = policy.mechanisms.email.clone();
    test.policy = Some(policy);
    Ok(Reply::one((app.alerts.test)(test).await))
}

async fn nobody(app: &App, at: &AtAccount) -> Result<AlertTest, Error> {
    let account = app.config.account(at.account).await?;
    let (emails, webhooks, pagerduty) = Default::default();
    Ok(AlertTest { account, policy: None, emails, webhooks, pagerduty, at: app.now() })
}
