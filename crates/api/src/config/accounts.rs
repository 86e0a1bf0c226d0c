//! Accounts.

use std::collections::HashMap;

use serde_json::Value;
use trimtab_api_types::v1::account;
use trimtab_model::account::{Effect, Resource};
use trimtab_model::config::{Document, Key};
use trimtab_model::{Account, AccountId, Token, Zone, ZoneId};

use super::Config;
use super::change::{Change, Outcome};
use crate::errors::{Error, Kind, Service};
use crate::extract::Params;
use crate::ids;
use crate::order::{Direction, TextTest};

/// The account of each zone.
pub(crate) type ZoneAccounts = HashMap<ZoneId, AccountId>;

pub(super) const PREFIX: &str = "accounts/";

// === impl Config ===

impl Config {
    /// The oldest first.
    pub(crate) async fn accounts(&self) -> Result<Vec<Account>, Error> {
        Ok(self.list(PREFIX).await?.values())
    }

    /// Those that the token has any right on, by their account or by a zone.
    pub(crate) async fn accounts_of(
        &self,
        by: &Token,
        params: &Params,
    ) -> Result<Vec<Account>, Error> {
        let zones = self.zone_accounts().await?;
        let name = params.find("name").map(TextTest::prefixed);
        let mut accounts = self.accounts().await?;
        accounts.retain(|account| {
            let named = name.as_ref().is_none_or(|test| test.passes(&account.name));
            named && may_see(by, &zones, account.id)
        });
        if params.read("direction")? == Some(Direction::Desc) {
            accounts.reverse();
        }
        Ok(accounts)
    }

    pub(crate) async fn account(&self, id: AccountId) -> Result<Account, Error> {
        Ok(self.require(&Key::Account(id), Kind::Account, id).await?.value)
    }

    pub(crate) async fn zone_accounts(&self) -> Result<ZoneAccounts, Error> {
        let zones = self.list::<Zone>(super::zones::PREFIX).await?;
        Ok(zones.iter().map(|zone| (zone.id, zone.account)).collect())
    }

    pub(crate) async fn create_account(&self, by: &Token, body: &Value) -> Result<Account, Error> {
        let draft = account::read(body).map_err(|p| Error::refused(Service::Plain, p))?;
        let account = draft.into_new(AccountId::new(ids::random()?), self.now());
        let mut change = Change::default();
        change.put(&Key::Account(account.id), &Document::Account(account.clone()))?;
        self.commit(by, change).await?;
        Ok(account)
    }

    pub(crate) async fn replace_account(
        &self,
        by: &Token,
        id: AccountId,
        body: &Value,
    ) -> Result<Account, Error> {
        let draft = account::read(body).map_err(|p| Error::refused(Service::Plain, p))?;
        let key = Key::Account(id);
        self.transact(by, || async {
            let current = self.require::<Account>(&key, Kind::Account, id).await?;
            let (account, changed) = draft.clone().onto(&current.value);
            if !changed {
                return Ok(Outcome::Nothing(account));
            }
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            change.put(&key, &Document::Account(account.clone()))?;
            Ok(Outcome::Commit(change, account))
        })
        .await
    }

    /// Refused while anything belongs to the account.
    pub(crate) async fn delete_account(&self, by: &Token, id: AccountId) -> Result<(), Error> {
        let key = Key::Account(id);
        self.transact(by, || async {
            let current = self.require::<Account>(&key, Kind::Account, id).await?;
            let mut change = self.belongings(id).await?.unless_any(Kind::Account, id)?;
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }

    /// The account that a caller means who names none: the oldest that it may use.
    pub(super) async fn only_account(
        &self,
        may_use: impl Fn(AccountId) -> bool,
    ) -> Result<Option<AccountId>, Error> {
        let accounts = self.accounts().await?;
        Ok(accounts.iter().map(|account| account.id).find(|id| may_use(*id)))
    }
}

fn may_see(by: &Token, zones: &ZoneAccounts, account: AccountId) -> bool {
    let resources = by.policies.iter().filter(|policy| policy.effect == Effect::Allow);
    resources.flat_map(|policy| &policy.resources).any(|resource| match resource {
        Resource::All | Resource::AllZones => true,
        Resource::Account(id) | Resource::ZonesOf(id) => *id == account,
        Resource::Zone(zone) => zones.get(zone) == Some(&account),
    })
}
