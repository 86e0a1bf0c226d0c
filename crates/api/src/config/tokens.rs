//! Tokens. Whoever manages tokens sees and touches only those that are no stronger than itself.

use serde_json::Value;
use trimtab_api_types::v1::envelope::VALIDATION;
use trimtab_api_types::v1::token::{self, TokenDraft};
use trimtab_model::Permission::TokensWrite;
use trimtab_model::account::Resource;
use trimtab_model::config::{Document, Key};
use trimtab_model::{Permission, Timestamp, Token, TokenId, TokenStatus};

use super::change::{Change, Outcome};
use super::{Config, ZoneAccounts};
use crate::auth::admit::status;
use crate::auth::rights::Rights;
use crate::auth::{Refusal, Secret};
use crate::errors::{Error, Kind, Service};
use crate::ids;

const PREFIX: &str = "tokens/";

const NO_HEIR: &str = "no other active token has all the rights on everything that this one has, and none \
                       could be made again: make one first";

// === impl Config ===

impl Config {
    /// Those that the caller could have made, and itself.
    pub(crate) async fn tokens(&self, by: &Token) -> Result<Vec<Token>, Error> {
        let zones = self.zone_accounts().await?;
        let mut tokens = self.list::<Token>(PREFIX).await?.values();
        tokens.retain(|token| manages(by, &zones, token));
        Ok(tokens)
    }

    pub(crate) async fn token(&self, by: &Token, id: TokenId) -> Result<Token, Error> {
        let zones = self.zone_accounts().await?;
        let token = self.require::<Token>(&Key::Token(id), Kind::Token, id).await?.value;
        visible(by, &zones, token)
    }

    pub(crate) async fn create_token(
        &self,
        by: &Token,
        body: &Value,
    ) -> Result<(Token, Secret), Error> {
        let draft = token::read(body).map_err(|p| Error::refused(Service::Plain, p))?;
        may_give(by, &self.zone_accounts().await?, &draft)?;
        let (id, secret) = (TokenId::new(ids::random()?), Secret::random()?);
        let token = draft.into_new(id, secret.digest_text(), self.now());
        let mut change = Change::default();
        change.put(&Key::Token(id), &Document::Token(token.clone()))?;
        self.commit(by, change).await?;
        self.tokens.reload().await?;
        Ok((token, secret))
    }

    pub(crate) async fn replace_token(
        &self,
        by: &Token,
        id: TokenId,
        body: &Value,
    ) -> Result<Token, Error> {
        let (zones, now) = (self.zone_accounts().await?, self.now());
        self.amend_token(by, id, |current| {
            let draft = token::read_over(body, current, now);
            let draft = draft.map_err(|p| Error::refused(Service::Plain, p))?;
            may_give(by, &zones, &draft)?;
            Ok(draft.onto(current, now))
        })
        .await
    }

    /// A new value; the old one is worth nothing from now on.
    pub(crate) async fn roll_token(&self, by: &Token, id: TokenId) -> Result<Secret, Error> {
        let secret = Secret::random()?;
        let (digest, modified_on) = (secret.digest_text(), self.now());
        self.amend_token(by, id, |current| {
            let digest = digest.clone();
            Ok((Token { digest, modified_on, ..current.clone() }, true))
        })
        .await?;
        Ok(secret)
    }

    pub(crate) async fn delete_token(&self, by: &Token, id: TokenId) -> Result<(), Error> {
        let key = Key::Token(id);
        let zones = self.zone_accounts().await?;
        self.transact(by, || async {
            let current = self.require::<Token>(&key, Kind::Token, id).await?;
            let token = visible(by, &zones, current.value)?;
            let mut change = Change::default();
            change.if_unchanged(&key, current.modified)?;
            self.keep_an_heir(&mut change, &token, None).await?;
            change.delete(&key)?;
            Ok(Outcome::Commit(change, ()))
        })
        .await?;
        self.tokens.reload().await?;
        Ok(())
    }

    async fn amend_token(
        &self,
        by: &Token,
        id: TokenId,
        next: impl Fn(&Token) -> Result<(Token, bool), Error>,
    ) -> Result<Token, Error> {
        let key = Key::Token(id);
        let zones = self.zone_accounts().await?;
        let token = self
            .transact(by, || async {
                let current = self.require::<Token>(&key, Kind::Token, id).await?;
                let before = visible(by, &zones, current.value)?;
                let (token, changed) = next(&before)?;
                if !changed {
                    return Ok(Outcome::Nothing(token));
                }
                let mut change = Change::default();
                change.if_unchanged(&key, current.modified)?;
                self.keep_an_heir(&mut change, &before, Some(&token)).await?;
                change.put(&key, &Document::Token(token.clone()))?;
                Ok(Outcome::Commit(change, token))
            })
            .await?;
        self.tokens.reload().await?;
        Ok(token)
    }

    /// A token gives no right that it does not have. Once no token makes tokens with some right on everything,
    /// nobody ever has that right again, so the last such token stays as strong as it is.
    async fn keep_an_heir(
        &self,
        change: &mut Change,
        before: &Token,
        after: Option<&Token>,
    ) -> Result<(), Error> {
        let now = self.now();
        let inherits = |heir: &Token| is_active(heir, now) && may_as_much(heir, before);
        let makes_tokens = Rights::new(before, |_| None).allow(TokensWrite, Resource::All);
        if !makes_tokens || !is_active(before, now) || after.is_some_and(inherits) {
            return Ok(());
        }
        let tokens = self.list::<Token>(PREFIX).await?;
        let mut others = tokens.items.iter().filter(|other| other.value.id != before.id);
        let heir = others.find(|other| inherits(&other.value));
        let heir = heir.ok_or_else(|| Error::coded("", VALIDATION, NO_HEIR))?;
        // Two that go at once must not rely on each other.
        change.if_unchanged(&Key::Token(heir.value.id), heir.modified)
    }
}

fn is_active(token: &Token, now: Timestamp) -> bool {
    status(token, now) == TokenStatus::Active
}

/// Whether it has every right on everything that the other token has.
fn may_as_much(heir: &Token, other: &Token) -> bool {
    let [heir, other] = [heir, other].map(|token| Rights::new(token, |_| None));
    Permission::ALL.iter().all(|&permission| {
        heir.allow(permission, Resource::All) || !other.allow(permission, Resource::All)
    })
}

fn manages(by: &Token, zones: &ZoneAccounts, token: &Token) -> bool {
    let rights = Rights::new(by, |zone| zones.get(&zone).copied());
    token.id == by.id || rights.hold(&token.policies)
}

/// A token that the caller does not manage does not exist for it.
fn visible(by: &Token, zones: &ZoneAccounts, token: Token) -> Result<Token, Error> {
    let id = token.id;
    Some(token).filter(|token| manages(by, zones, token)).ok_or(Error::missing(Kind::Token, id))
}

fn may_give(by: &Token, zones: &ZoneAccounts, draft: &TokenDraft) -> Result<(), Error> {
    if Rights::new(by, |zone| zones.get(&zone).copied()).hold(&draft.policies) {
        return Ok(());
    }
    let what = "a token cannot give rights that it does not hold".to_owned();
    Err(Refusal::Forbidden { needs: None, what }.into())
}
