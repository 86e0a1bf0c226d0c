//! Zones on the wire.

use serde::Serialize;
use serde_json::Value;
use trimtab_model::{self as model, AccountId, Name, Problems, Timestamp, ZoneId};
use utoipa::ToSchema;

use crate::body::{self, Node, flag, hostname, id};

/// A zone with the fields that clients read. Everything is on, so its plan is the hosted API's largest.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Zone {
    #[schema(value_type = String)]
    pub id: ZoneId,
    #[schema(value_type = String)]
    pub name: Name,
    pub status: &'static str,
    pub paused: bool,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub development_mode: i32,
    pub name_servers: Vec<String>,
    pub original_name_servers: Option<Vec<String>>,
    pub original_registrar: Option<String>,
    pub original_dnshost: Option<String>,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
    #[schema(value_type = String)]
    pub activated_on: Timestamp,
    pub meta: Meta,
    pub owner: Owner,
    pub account: AccountName,
    pub permissions: Vec<String>,
    pub plan: Plan,
}

/// The account of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ZoneAccount)]
pub struct AccountName {
    #[schema(value_type = String)]
    pub id: AccountId,
    pub name: String,
}

/// The owner of a zone is its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ZoneOwner)]
pub struct Owner {
    #[schema(value_type = String)]
    pub id: AccountId,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
}

/// Numbers that strict clients insist on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ZoneMeta)]
pub struct Meta {
    pub custom_certificate_quota: u32,
    pub page_rule_quota: u32,
    pub phishing_detected: bool,
}

/// Clients look at `legacy_id` to know which features and TTLs they may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ZonePlan)]
pub struct Plan {
    pub id: &'static str,
    pub name: &'static str,
    pub price: u32,
    pub currency: &'static str,
    pub frequency: &'static str,
    pub legacy_id: &'static str,
    pub is_subscribed: bool,
    pub can_subscribe: bool,
}

/// A checked body of a new zone.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneDraft {
    pub name: Name,
    /// None: the one account there is.
    pub account: Option<AccountId>,
}

const FULL: &str = "full";
const PLAN: Plan = Plan {
    id: "94f3b7b768b0458b56d2cac4fe5ec0f9",
    name: "Enterprise Website",
    price: 0,
    currency: "USD",
    frequency: "",
    legacy_id: "enterprise",
    is_subscribed: true,
    can_subscribe: true,
};

/// Reads the body of a POST.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<ZoneDraft, Problems> {
    body::read(body, |body| {
        let name = body.required("name", name);
        let account = body.or("account", None, |node| node.object()?.optional("id", id("account")));
        let kind = body.or("type", (), kind);
        kind?;
        Some(ZoneDraft { name: name?, account: account? })
    })
}

/// Reads the body of a PATCH: the zone as it would be, and whether anything changed. Only `paused` can.
///
/// # Errors
/// Every problem of the body.
pub fn patch(
    current: &model::Zone,
    body: &Value,
    now: Timestamp,
) -> Result<(model::Zone, bool), Problems> {
    let paused = body::read(body, |body| {
        let kind = body.or("type", (), kind);
        let paused = body.or("paused", current.paused, flag);
        let account = body.or("account", None, |node| node.object()?.optional("id", id("account")));
        if account.flatten().is_some_and(|account: AccountId| account != current.account) {
            body.refuse("account", "a zone stays in its account");
        }
        kind?;
        paused
    })?;
    let changed = paused != current.paused;
    let modified_on = if changed { now } else { current.modified_on };
    Ok((model::Zone { paused, modified_on, ..current.clone() }, changed))
}

// === impl Zone ===

impl Zone {
    pub fn new(zone: &model::Zone, account_name: &str, name_servers: &[Name]) -> Zone {
        Zone {
            id: zone.id,
            name: zone.name.clone(),
            status: "active",
            paused: zone.paused,
            kind: FULL,
            development_mode: 0,
            name_servers: name_servers.iter().map(Name::to_string).collect(),
            original_name_servers: None,
            original_registrar: None,
            original_dnshost: None,
            created_on: zone.created_on,
            modified_on: zone.modified_on,
            activated_on: zone.activated_on,
            meta: Meta::default(),
            owner: Owner { id: zone.account, kind: "organization", name: account_name.into() },
            account: AccountName { id: zone.account, name: account_name.into() },
            permissions: Vec::new(),
            plan: PLAN,
        }
    }
}

// === impl ZoneDraft ===

impl ZoneDraft {
    pub fn into_new(self, id: ZoneId, account: AccountId, now: Timestamp) -> model::Zone {
        model::Zone {
            id,
            account,
            name: self.name,
            paused: false,
            created_on: now,
            modified_on: now,
            activated_on: now,
        }
    }
}

fn name(node: &mut Node<'_>) -> Option<Name> {
    let name = hostname(node)?;
    if name.is_wildcard() {
        node.refuse(format_args!("invalid hostname: {name}"));
        return None;
    }
    Some(name)
}

/// All of a zone is served here; partial and secondary zones do not exist.
fn kind(node: &mut Node<'_>) -> Option<()> {
    if node.text()? == FULL {
        return Some(());
    }
    node.refuse_named("is not one of full");
    None
}

#[cfg(test)]
mod tests;
