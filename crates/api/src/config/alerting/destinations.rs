//! Webhooks and PagerDuty services.

use std::net::SocketAddr;

use serde_json::Value;
use trimtab_api_types::v1::alerting::{pagerduty, webhook};
use trimtab_model::alert::destination::{PAGERDUTY_MAX, WEBHOOKS_MAX};
use trimtab_model::alert::{
    AlertDocument, AlertKey, AlertPolicy, HttpUrl, PagerDuty, Standing, Webhook,
};
use trimtab_model::config::Key;
use trimtab_model::pool::Address;
use trimtab_model::{AccountId, PagerDutyId, Problems, WebhookId};

use super::{document, prefix, refused};
use crate::alerts::AlertPort;
use crate::config::Config;
use crate::config::change::{Change, Outcome};
use crate::errors::{Error, Kind, Referrer};
use crate::extract::AtAccount;
use crate::ids;

// === impl Config: webhooks ===

impl Config {
    pub(crate) async fn webhooks(&self, account: AccountId) -> Result<Vec<Webhook>, Error> {
        Ok(self.list(prefix("webhooks", account)).await?.values())
    }

    pub(crate) async fn webhook(
        &self,
        account: AccountId,
        id: WebhookId,
    ) -> Result<Webhook, Error> {
        let key = Key::Alert(AlertKey::Webhook(account, id));
        Ok(self.require(&key, Kind::Webhook, id).await?.value)
    }

    /// None were it never used.
    pub(crate) async fn standing(
        &self,
        account: AccountId,
        id: WebhookId,
    ) -> Result<Standing, Error> {
        let found = self.find(&Key::Alert(AlertKey::Standing(account, id))).await?;
        Ok(found.map(|stored| stored.value).unwrap_or_default())
    }

    pub(crate) async fn create_webhook(
        &self,
        at: &AtAccount,
        body: &Value,
        port: &AlertPort,
    ) -> Result<Webhook, Error> {
        let draft = webhook::read(body).map_err(refused)?;
        may_be_reached(draft.url(), port)?;
        let id = WebhookId::new(ids::random()?);
        self.transact(&at.token, || async {
            let made = draft.clone().into_webhook(id, None, self.now());
            let mut change = Change::default();
            self.there_is_room::<Webhook>(&mut change, "webhooks", at, WEBHOOKS_MAX).await?;
            change.if_exists(&Key::Account(at.account))?;
            put_webhook(&mut change, at.account, &made)?;
            Ok(Outcome::Commit(change, made))
        })
        .await
    }

    pub(crate) async fn replace_webhook(
        &self,
        at: &AtAccount,
        id: WebhookId,
        body: &Value,
        port: &AlertPort,
    ) -> Result<Webhook, Error> {
        let draft = webhook::read(body).map_err(refused)?;
        may_be_reached(draft.url(), port)?;
        let key = Key::Alert(AlertKey::Webhook(at.account, id));
        self.transact(&at.token, || async {
            let current = self.require::<Webhook>(&key, Kind::Webhook, id).await?;
            let new = draft.clone().into_webhook(id, Some(&current.value), self.now());
            if new == current.value {
                return Ok(Outcome::Nothing(new));
            }
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            put_webhook(&mut change, at.account, &new)?;
            Ok(Outcome::Commit(change, new))
        })
        .await
    }

    /// Refused while a policy names it.
    pub(crate) async fn delete_webhook(&self, at: &AtAccount, id: WebhookId) -> Result<(), Error> {
        let key = Key::Alert(AlertKey::Webhook(at.account, id));
        self.transact(&at.token, || async {
            let current = self.require::<Webhook>(&key, Kind::Webhook, id).await?;
            let mut change = Change::default();
            let names = |policy: &AlertPolicy| policy.mechanisms.webhooks.contains(&id);
            let by = self.alert_referrers(&mut change, at.account, names).await?;
            unreferenced(Kind::Webhook, id, by)?;
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            change.delete(&Key::Alert(AlertKey::Standing(at.account, id)))?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }
}

// === impl Config: PagerDuty ===

impl Config {
    pub(crate) async fn pagerduty(&self, account: AccountId) -> Result<Vec<PagerDuty>, Error> {
        Ok(self.list(prefix("pagerduty", account)).await?.values())
    }

    pub(crate) async fn pagerduty_service(
        &self,
        account: AccountId,
        id: PagerDutyId,
    ) -> Result<PagerDuty, Error> {
        let key = Key::Alert(AlertKey::PagerDuty(account, id));
        Ok(self.require(&key, Kind::PagerDuty, id).await?.value)
    }

    pub(crate) async fn connect_pagerduty(
        &self,
        at: &AtAccount,
        body: &Value,
    ) -> Result<PagerDuty, Error> {
        let draft = pagerduty::read(body).map_err(refused)?;
        let id = PagerDutyId::new(ids::random()?);
        self.transact(&at.token, || async {
            let made = draft.clone().into_service(id, None, self.now());
            let mut change = Change::default();
            self.there_is_room::<PagerDuty>(&mut change, "pagerduty", at, PAGERDUTY_MAX).await?;
            change.if_exists(&Key::Account(at.account))?;
            put_service(&mut change, at.account, &made)?;
            Ok(Outcome::Commit(change, made))
        })
        .await
    }

    pub(crate) async fn change_pagerduty(
        &self,
        at: &AtAccount,
        id: PagerDutyId,
        body: &Value,
    ) -> Result<PagerDuty, Error> {
        let draft = pagerduty::read(body).map_err(refused)?;
        let key = Key::Alert(AlertKey::PagerDuty(at.account, id));
        self.transact(&at.token, || async {
            let current = self.require::<PagerDuty>(&key, Kind::PagerDuty, id).await?;
            let new = draft.clone().into_service(id, Some(&current.value), self.now());
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            put_service(&mut change, at.account, &new)?;
            Ok(Outcome::Commit(change, new))
        })
        .await
    }

    /// All of the account, unless a policy names one.
    pub(crate) async fn delete_pagerduty(&self, at: &AtAccount) -> Result<Vec<PagerDutyId>, Error> {
        self.transact(&at.token, || async {
            let services = self.pagerduty(at.account).await?;
            let mut change = Change::default();
            let names = |policy: &AlertPolicy| !policy.mechanisms.pagerduty.is_empty();
            let by = self.alert_referrers(&mut change, at.account, names).await?;
            let gone: Vec<PagerDutyId> = services.iter().map(|service| service.id).collect();
            let Some(first) = gone.first() else { return Ok(Outcome::Nothing(gone)) };
            unreferenced(Kind::PagerDuty, *first, by)?;
            for id in &gone {
                change.delete(&Key::Alert(AlertKey::PagerDuty(at.account, *id)))?;
            }
            Ok(Outcome::Commit(change, gone))
        })
        .await
    }
}

fn unreferenced(kind: Kind, id: impl ToString, by: Vec<Referrer>) -> Result<(), Error> {
    match by.is_empty() {
        true => Ok(()),
        false => Err(Error::Referenced { kind, id: id.to_string(), by }),
    }
}

/// A name is looked at when a message is sent: it may lead elsewhere by then.
fn may_be_reached(url: &str, port: &AlertPort) -> Result<(), Error> {
    let Some(HttpUrl { host: Address::Ip(ip), port: at, .. }) = HttpUrl::read(url) else {
        return Ok(());
    };
    let Some(why) = (port.forbids)(SocketAddr::new(ip, at)) else { return Ok(()) };
    let mut problems = Problems::default();
    problems.add("/url", format_args!("url is where this node sends nothing: {why}"));
    Err(refused(problems))
}

fn put_webhook(change: &mut Change, account: AccountId, webhook: &Webhook) -> Result<(), Error> {
    let key = Key::Alert(AlertKey::Webhook(account, webhook.id));
    change.put(&key, &document(AlertDocument::Webhook(webhook.clone())))
}

fn put_service(change: &mut Change, account: AccountId, service: &PagerDuty) -> Result<(), Error> {
    let key = Key::Alert(AlertKey::PagerDuty(account, service.id));
    change.put(&key, &document(AlertDocument::PagerDuty(service.clone())))
}
