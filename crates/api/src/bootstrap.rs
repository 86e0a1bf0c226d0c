//! The first start: one account, one token that may do everything, and a key for session cookies.

use trimtab_model::account::{Effect, Policy, Resource};
use trimtab_model::config::{Document, Key};
use trimtab_model::{
    Account, AccountId, AffinityKeys, Permission, SecretBytes, Timestamp, Token, TokenId,
    TokenStatus,
};
use trimtab_store::{AnyStore, Clock, CommitError, Guard, Prefix, Rev, Store, Txn, Write};

use crate::auth::Secret;
use crate::config::affinity::PREFIX as SECRETS;
use crate::config::stored::{self, store_key};
use crate::errors::Error;
use crate::ids;

/// Where the first token's value may be given.
pub const TOKEN_VARIABLE: &str = "TRIMTAB_TOKEN";

const ACCOUNTS: &str = "accounts/";
const TOKENS: &str = "tokens/";
const ACCOUNT_NAME: &str = "Trimtab";
const TOKEN_NAME: &str = "First token: all rights";
const ACTOR: &str = "first start";
/// Several nodes may start on one empty store; all but the first then find it done.
const ATTEMPTS_MAX: u32 = 3;

/// What the first start made.
#[derive(Debug, Default)]
pub struct Bootstrap {
    /// A token's value that nobody knows yet: to be printed once. None when there was a token, or its
    /// value was given.
    pub printed_once: Option<Secret>,
}

/// Why a node cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error("{TOKEN_VARIABLE} is not 40 to 80 letters, digits, - or _")]
    Token,
    #[error("could not make the first account, token and cookie key")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes sure that there is an account, a token, and a key for session cookies. `given` is the value for the first token.
///
/// # Errors
/// When the value is no token, or the store fails.
pub async fn bootstrap(
    store: &AnyStore,
    given: Option<&str>,
    clock: &dyn Clock,
) -> Result<Bootstrap, BootstrapError> {
    let given = given.map(|text| Secret::read(text).ok_or(BootstrapError::Token)).transpose()?;
    let now = Timestamp::from_micros(clock.unix_micros());
    for _ in 0..ATTEMPTS_MAX {
        match attempt(store, given.as_ref(), now).await {
            Err(Error::Commit(CommitError::Conflict(_))) => {}
            Err(why) => return Err(BootstrapError::Store(why.into())),
            Ok(done) => return Ok(done),
        }
    }
    Err(BootstrapError::Store(Error::Contended { attempts: ATTEMPTS_MAX }.into()))
}

async fn attempt(
    store: &AnyStore,
    given: Option<&Secret>,
    now: Timestamp,
) -> Result<Bootstrap, Error> {
    let accounts = stored::list::<Account>(store, Prefix::new(ACCOUNTS)).await?;
    let tokens = stored::list::<Token>(store, Prefix::new(TOKENS)).await?;
    let keys = stored::list::<AffinityKeys>(store, Prefix::new(SECRETS)).await?;
    let mut documents = Vec::new();
    let mut bootstrap = Bootstrap::default();
    if accounts.items.is_empty() {
        let account = account(AccountId::new(ids::random()?), now);
        documents.push((Key::Account(account.id), Document::Account(account)));
    }
    if tokens.items.is_empty() {
        let secret = given.cloned().map_or_else(Secret::random, Ok)?;
        let token = token(TokenId::new(ids::random()?), &secret, now);
        documents.push((Key::Token(token.id), Document::Token(token)));
        bootstrap.printed_once = given.is_none().then_some(secret);
    }
    if keys.items.is_empty() {
        let secret = SecretBytes::new(ids::secret()?);
        let first = AffinityKeys::default().rotated(secret, now);
        documents.push((Key::AffinityKeys, Document::AffinityKeys(first)));
    }
    if !documents.is_empty() {
        let read = [(ACCOUNTS, accounts.rev), (TOKENS, tokens.rev), (SECRETS, keys.rev)];
        write(store, &documents, read).await?;
    }
    Ok(bootstrap)
}

async fn write(
    store: &AnyStore,
    documents: &[(Key, Document)],
    read: [(&str, Rev); 3],
) -> Result<(), Error> {
    let none_newer = |(prefix, at)| Guard::NoneNewer { prefix: Prefix::new(prefix), at };
    let mut writes = Vec::new();
    for (key, document) in documents {
        writes.push(Write::Put(store_key(key)?, document.encode()?.into()));
    }
    let guards = read.map(none_newer).to_vec();
    store.commit(Txn { guards, writes, actor: ACTOR.into(), comment: None }).await?;
    Ok(())
}

fn account(id: AccountId, now: Timestamp) -> Account {
    Account { id, name: ACCOUNT_NAME.into(), enforce_twofactor: false, created_on: now }
}

fn token(id: TokenId, secret: &Secret, now: Timestamp) -> Token {
    let everything = Policy {
        effect: Effect::Allow,
        permissions: Permission::ALL.to_vec(),
        resources: vec![Resource::All],
    };
    Token {
        id,
        name: TOKEN_NAME.into(),
        status: TokenStatus::Active,
        digest: secret.digest_text(),
        policies: vec![everything],
        not_before: None,
        expires_on: None,
        issued_on: now,
        modified_on: now,
    }
}
