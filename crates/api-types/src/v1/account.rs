//! Accounts, and the user that a token stands for.

use serde::Serialize;
use serde_json::Value;
use trimtab_model::account::NAME_CHARS_MAX;
use trimtab_model::{self as model, AccountId, Problems, Timestamp, TokenId};
use utoipa::ToSchema;

use crate::body::{self, Node, flag, line};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    #[schema(value_type = String)]
    pub id: AccountId,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub settings: Settings,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
}

/// Settings of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AccountSettings)]
pub struct Settings {
    pub enforce_twofactor: bool,
}

/// There are no users here; a token answers with itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    #[schema(value_type = String)]
    pub id: TokenId,
    pub email: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub username: String,
    pub suspended: bool,
}

/// A checked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDraft {
    pub name: String,
    pub enforce_twofactor: bool,
}

const STANDARD: &str = "standard";

/// Reads the body of a POST or PUT.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<AccountDraft, Problems> {
    body::read(body, |body| {
        let name = body.required("name", filled_line);
        let enforce_twofactor =
            body.or("settings", false, |node| node.object()?.or("enforce_twofactor", false, flag));
        Some(AccountDraft { name: name?, enforce_twofactor: enforce_twofactor? })
    })
}

// === impl Account ===

impl From<&model::Account> for Account {
    fn from(account: &model::Account) -> Account {
        Account {
            id: account.id,
            name: account.name.clone(),
            kind: STANDARD,
            settings: Settings { enforce_twofactor: account.enforce_twofactor },
            created_on: account.created_on,
        }
    }
}

// === impl User ===

impl From<&model::Token> for User {
    fn from(token: &model::Token) -> User {
        User {
            id: token.id,
            // Reserved by RFC 2606 section 2: nobody's address.
            email: format!("{}@token.invalid", token.id),
            first_name: None,
            last_name: None,
            username: token.name.clone(),
            suspended: false,
        }
    }
}

// === impl AccountDraft ===

impl AccountDraft {
    pub fn into_new(self, id: AccountId, now: Timestamp) -> model::Account {
        let AccountDraft { name, enforce_twofactor } = self;
        model::Account { id, name, enforce_twofactor, created_on: now }
    }

    /// The account in place of `current`, and whether anything changed.
    pub fn onto(self, current: &model::Account) -> (model::Account, bool) {
        let new = self.into_new(current.id, current.created_on);
        let changed = new != *current;
        (new, changed)
    }
}

/// A name of an account or a token.
pub(super) fn filled_line(node: &mut Node<'_>) -> Option<String> {
    let name = line(NAME_CHARS_MAX)(node)?;
    if name.trim().is_empty() {
        node.refuse_named("is empty");
        return None;
    }
    Some(name)
}

#[cfg(test)]
mod tests;
