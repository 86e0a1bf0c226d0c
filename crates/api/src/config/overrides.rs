//! Overrides.

use serde_json::Value;
use trimtab_api_types::Draft;
use trimtab_api_types::v1::overrides::{self as v1, Writing};
use trimtab_model::config::{Document, Key};
use trimtab_model::overrides::OVERRIDES_MAX;
use trimtab_model::{AccountId, Override, OverrideId, Problems};

use super::Config;
use super::change::{Change, Outcome};
use crate::errors::{Error, Kind, Service};
use crate::extract::AtAccount;
use crate::ids;

pub(super) fn prefix(account: AccountId) -> String {
    format!("overrides/{account}/")
}

// === impl Config ===

impl Config {
    /// Those whose time is over as well, until a new one is made.
    pub(crate) async fn overrides(&self, account: AccountId) -> Result<Vec<Override>, Error> {
        Ok(self.list(prefix(account)).await?.values())
    }

    pub(crate) async fn override_of(
        &self,
        account: AccountId,
        id: OverrideId,
    ) -> Result<Override, Error> {
        Ok(self.require(&Key::Override(account, id), Kind::Override, id).await?.value)
    }

    /// Takes those away whose time is over, so that what is forgotten does not add up.
    pub(crate) async fn create_override(
        &self,
        at: &AtAccount,
        body: &Value,
    ) -> Result<Override, Error> {
        let draft = v1::read(body, self.writing(at)).map_err(refused)?;
        let made = draft.into_new(OverrideId::new(ids::random()?), self.now());
        self.transact(&at.token, || async {
            let listed = self.list::<Override>(prefix(at.account)).await?;
            let over: Vec<_> = listed.iter().filter(|one| one.is_over(made.created_on)).collect();
            if listed.items.len() - over.len() >= OVERRIDES_MAX {
                return Err(too_many());
            }
            let mut change = Change::default();
            change.if_exists(&Key::Account(at.account))?;
            change.if_none_newer(prefix(at.account), listed.rev);
            for one in over {
                change.delete(&Key::Override(at.account, one.id))?;
            }
            put(&mut change, at.account, &made)?;
            Ok(Outcome::Commit(change, made.clone()))
        })
        .await
    }

    pub(crate) async fn replace_override(
        &self,
        at: &AtAccount,
        id: OverrideId,
        body: &Value,
    ) -> Result<Override, Error> {
        let writing = self.writing(at);
        self.amend_override(at, id, |current| v1::replace(current, body, writing)).await
    }

    pub(crate) async fn patch_override(
        &self,
        at: &AtAccount,
        id: OverrideId,
        body: &Value,
    ) -> Result<Override, Error> {
        let writing = self.writing(at);
        self.amend_override(at, id, |current| v1::patch(current, body, writing)).await
    }

    async fn amend_override(
        &self,
        at: &AtAccount,
        id: OverrideId,
        draft: impl Fn(&Override) -> Result<Draft<Override>, Problems>,
    ) -> Result<Override, Error> {
        let key = Key::Override(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<Override>(&key, Kind::Override, id).await?;
            let draft = draft(&current.value).map_err(refused)?;
            let (forced, changed) = draft.onto(&current.value, self.now());
            if !changed {
                return Ok(Outcome::Nothing(forced));
            }
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            put(&mut change, at.account, &forced)?;
            Ok(Outcome::Commit(change, forced))
        })
        .await
    }

    pub(crate) async fn delete_override(
        &self,
        at: &AtAccount,
        id: OverrideId,
    ) -> Result<(), Error> {
        let key = Key::Override(at.account, id);
        self.transact(&at.token, || async {
            let current = self.require::<Override>(&key, Kind::Override, id).await?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await
    }

    fn writing<'a>(&self, at: &'a AtAccount) -> Writing<'a> {
        Writing { author: &at.token.name, now: self.now() }
    }
}

fn put(change: &mut Change, account: AccountId, forced: &Override) -> Result<(), Error> {
    change.put(&Key::Override(account, forced.id), &Document::Override(forced.clone()))
}

fn too_many() -> Error {
    let mut problems = Problems::default();
    problems
        .add("", format_args!("the account has {OVERRIDES_MAX} overrides, more are not allowed"));
    refused(problems)
}

fn refused(problems: Problems) -> Error {
    Error::refused(Service::Plain, problems)
}
