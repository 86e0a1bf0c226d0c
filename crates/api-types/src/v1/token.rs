//! API tokens and permission groups on the wire.

mod resources;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::account::{Effect, POLICIES_MAX, Policy};
use trimtab_model::{self as model, Permission, Problems, Timestamp, TokenId, TokenStatus};
use utoipa::ToSchema;

use super::account::filled_line;
use crate::body::{self, Node, Object, shown, unknown, word};

pub use resources::Resources;

/// A token. Its value is there once, in the answer that made it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Token {
    #[schema(value_type = String)]
    pub id: TokenId,
    pub name: String,
    #[schema(value_type = String)]
    pub status: TokenStatus,
    #[schema(value_type = String)]
    pub issued_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires_on: Option<Timestamp>,
    pub policies: Vec<TokenPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Rights on some resources.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TokenPolicy {
    pub id: String,
    #[schema(value_type = String)]
    pub effect: Effect,
    #[schema(value_type = Object)]
    pub resources: Resources,
    pub permission_groups: Vec<PermissionName>,
}

/// A permission group as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PermissionName {
    pub id: String,
    #[schema(value_type = String)]
    pub name: Permission,
}

/// A permission group as the list of them shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PermissionGroup {
    pub id: String,
    #[schema(value_type = String)]
    pub name: Permission,
    pub scopes: Vec<&'static str>,
}

/// The answer of `tokens/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = VerifiedToken)]
pub struct Verified {
    #[schema(value_type = String)]
    pub id: TokenId,
    #[schema(value_type = String)]
    pub status: TokenStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires_on: Option<Timestamp>,
}

/// A checked body.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenDraft {
    pub name: String,
    pub status: TokenStatus,
    pub policies: Vec<Policy>,
    pub not_before: Option<Timestamp>,
    pub expires_on: Option<Timestamp>,
}

/// Reads the body of a POST.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<TokenDraft, Problems> {
    body::read(body, |fields| token(fields, None))
}

/// Reads the body of a PUT. A token that has expired is shown so, and then its body may say so, too: what is
/// stored stays as it is, and a later `expires_on` makes it work again.
///
/// # Errors
/// Every problem of the body.
pub fn read_over(
    body: &Value,
    current: &model::Token,
    now: Timestamp,
) -> Result<TokenDraft, Problems> {
    let expired = current.expires_on.is_some_and(|end| end <= now);
    let stored = expired.then_some(current.status);
    body::read(body, |fields| token(fields, stored))
}

/// The id of a permission group: 128-bit FNV-1a of its name, so that it is the same everywhere and for ever.
pub fn permission_id(permission: Permission) -> String {
    hex_digest(permission.word().as_bytes())
}

// === impl Token ===

impl From<&model::Token> for Token {
    fn from(token: &model::Token) -> Token {
        let policy = |(index, policy): (usize, &Policy)| TokenPolicy {
            id: hex_digest(format!("{}/{index}", token.id).as_bytes()),
            effect: policy.effect,
            resources: Resources(policy.resources.clone()),
            permission_groups: policy.permissions.iter().map(PermissionName::from).collect(),
        };
        Token {
            id: token.id,
            name: token.name.clone(),
            status: token.status,
            issued_on: token.issued_on,
            modified_on: token.modified_on,
            not_before: token.not_before,
            expires_on: token.expires_on,
            policies: token.policies.iter().enumerate().map(policy).collect(),
            value: None,
        }
    }
}

impl Token {
    /// With the secret, for the answer that made it.
    pub fn with_value(self, value: String) -> Token {
        Token { value: Some(value), ..self }
    }
}

// === impl PermissionName, PermissionGroup ===

impl From<&Permission> for PermissionName {
    fn from(permission: &Permission) -> PermissionName {
        PermissionName { id: permission_id(*permission), name: *permission }
    }
}

impl PermissionGroup {
    /// All there are, in the order of the model.
    pub fn all() -> Vec<PermissionGroup> {
        Permission::ALL.iter().map(|permission| PermissionGroup::from(*permission)).collect()
    }
}

impl From<Permission> for PermissionGroup {
    fn from(permission: Permission) -> PermissionGroup {
        PermissionGroup {
            id: permission_id(permission),
            name: permission,
            scopes: vec![resources::scope(permission)],
        }
    }
}

// === impl Verified ===

impl From<&model::Token> for Verified {
    fn from(token: &model::Token) -> Verified {
        let model::Token { id, status, not_before, expires_on, .. } = token;
        Verified { id: *id, status: *status, not_before: *not_before, expires_on: *expires_on }
    }
}

// === impl TokenDraft ===

impl TokenDraft {
    /// `digest`: SHA-256 of the value, hexadecimal.
    pub fn into_new(self, id: TokenId, digest: String, now: Timestamp) -> model::Token {
        let TokenDraft { name, status, policies, not_before, expires_on } = self;
        let (issued_on, modified_on) = (now, now);
        model::Token {
            id,
            name,
            status,
            digest,
            policies,
            not_before,
            expires_on,
            issued_on,
            modified_on,
        }
    }

    /// The token in place of `current`, and whether anything changed. If nothing did, no time moves.
    pub fn onto(self, current: &model::Token, now: Timestamp) -> (model::Token, bool) {
        let mut new = self.into_new(current.id, current.digest.clone(), current.issued_on);
        new.modified_on = current.modified_on;
        let changed = new != *current;
        if changed {
            new.modified_on = now;
        }
        (new, changed)
    }
}

/// `expired` is what `expired` in the body means.
fn token(body: &mut Object<'_>, expired: Option<TokenStatus>) -> Option<TokenDraft> {
    let name = body.required("name", filled_line);
    let status = body.or("status", TokenStatus::Active, |node| status(node, expired));
    let policies =
        body.required("policies", |node| node.list("policies", 1..=POLICIES_MAX, policy));
    let not_before = body.optional("not_before", word::<Timestamp>);
    let expires_on = body.optional("expires_on", word::<Timestamp>);
    let condition = body.or("condition", (), condition);
    if let (Some(Some(start)), Some(Some(end))) = (not_before, expires_on)
        && end <= start
    {
        body.refuse("expires_on", "expires_on is not after not_before");
    }
    condition?;
    Some(TokenDraft {
        name: name?,
        status: status?,
        policies: policies?,
        not_before: not_before?,
        expires_on: expires_on?,
    })
}

/// `expired` is what time does to a token, not what a body does.
fn status(node: &mut Node<'_>, expired: Option<TokenStatus>) -> Option<TokenStatus> {
    match word(node)? {
        settable @ (TokenStatus::Active | TokenStatus::Disabled) => Some(settable),
        TokenStatus::Expired => {
            if expired.is_none() {
                node.refuse_named("\"expired\" is not one of active, disabled");
            }
            expired
        }
    }
}

/// A restriction that is not enforced must not look as if it were, so only an empty one is taken.
fn condition(node: &mut Node<'_>) -> Option<()> {
    if restricts(node.value()) {
        node.refuse("condition is not supported");
        return None;
    }
    Some(())
}

fn restricts(condition: &Value) -> bool {
    match condition {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => fields.values().any(restricts),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn policy(node: &mut Node<'_>) -> Option<Policy> {
    let mut fields = node.object()?;
    let effect = fields.or("effect", Effect::Allow, word);
    let permissions = fields.required("permission_groups", |node| {
        node.list("permission group", 1..=Permission::ALL.len(), permission)
    });
    let resources = fields.required("resources", resources::read);
    Some(Policy { effect: effect?, permissions: permissions?, resources: resources? })
}

/// By id; the name does as well, since nobody knows our ids by heart.
fn permission(node: &mut Node<'_>) -> Option<Permission> {
    let mut fields = node.object()?;
    if !fields.has("id") && fields.has("name") {
        return fields.required("name", word);
    }
    fields.required("id", |node| {
        let text = node.text()?;
        let found = Permission::ALL.iter().copied().find(|known| permission_id(*known) == text);
        if found.is_none() {
            node.refuse(unknown("permission group", shown(text)));
        }
        found
    })
}

/// FNV-1a with the offset and prime of its 128-bit form: mixing, not secrecy.
fn hex_digest(bytes: &[u8]) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mix = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
    format!("{:032x}", bytes.iter().fold(OFFSET, mix))
}

#[cfg(test)]
mod tests;
