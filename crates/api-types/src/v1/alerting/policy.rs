//! Policies on the wire.

use serde::{Serialize, Serializer};
use serde_json::Value;
use trimtab_model::alert::policy::{
    AlertPolicy as Policy, CHECK_ID_CHARS_MAX, DESCRIPTION_CHARS_MAX, DESTINATIONS_MAX,
    EMAIL_CHARS_MAX, FILTER_VALUES_MAX, Filters, INTERVAL_CHARS_MAX, NAME_CHARS_MAX,
};
use trimtab_model::alert::{AlertType, Mechanisms};
use trimtab_model::{AlertPolicyId, Problems, Timestamp};
use utoipa::ToSchema;

use crate::body::{self, Node, Object, flag, id, line, shown, text, word};
use crate::draft::{Draft, Resource, Stamp};
use crate::v1::pool::is_email;

/// Whom to tell of what.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertPolicy {
    #[schema(value_type = String)]
    pub id: AlertPolicyId,
    pub name: String,
    pub description: String,
    pub enabled: bool,
    #[schema(value_type = String)]
    pub alert_type: AlertType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_interval: Option<String>,
    pub mechanisms: AlertMechanisms,
    #[schema(value_type = Object)]
    pub filters: AlertFilters,
    #[schema(value_type = String)]
    pub created: Timestamp,
    #[schema(value_type = String)]
    pub modified: Timestamp,
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertMechanisms {
    pub email: Vec<Mechanism>,
    pub webhooks: Vec<Mechanism>,
    pub pagerduty: Vec<Mechanism>,
}

/// A mail address, or the id of a destination.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AlertMechanism)]
pub struct Mechanism {
    pub id: String,
}

/// Only those that are set.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertFilters(Filters);

/// Reads the body of a POST.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<Draft<Policy>, Problems> {
    body::read(body, |body| policy(body, None)).map(Draft::new)
}

/// Reads the body of a PUT: no field of it is required, and what is left out stays.
///
/// # Errors
/// Every problem of the body.
pub fn replace(current: &Policy, body: &Value) -> Result<Draft<Policy>, Problems> {
    body::read(body, |body| policy(body, Some(current))).map(Draft::new)
}

// === impl AlertPolicy ===

impl From<&Policy> for AlertPolicy {
    fn from(policy: &Policy) -> AlertPolicy {
        let of = policy.mechanisms.clone();
        AlertPolicy {
            id: policy.id,
            name: policy.name.clone(),
            description: policy.description.clone(),
            enabled: policy.enabled,
            alert_type: policy.alert_type,
            alert_interval: policy.alert_interval.clone(),
            mechanisms: AlertMechanisms {
                email: ids(of.email),
                webhooks: ids(of.webhooks),
                pagerduty: ids(of.pagerduty),
            },
            filters: AlertFilters(policy.filters.clone()),
            created: policy.created_on,
            modified: policy.modified_on,
        }
    }
}

fn ids<T: ToString>(of: Vec<T>) -> Vec<Mechanism> {
    of.into_iter().map(|id| Mechanism { id: id.to_string() }).collect()
}

// === impl AlertFilters ===

impl Serialize for AlertFilters {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Filters { pool_id, new_health, event_source, enabled, health_check_id, status } =
            &self.0;
        let all = [
            ("pool_id", words(pool_id)),
            ("new_health", words(new_health)),
            ("event_source", words(event_source)),
            ("enabled", words(enabled)),
            ("health_check_id", words(health_check_id)),
            ("status", words(status)),
        ];
        to.collect_map(all.iter().filter(|(_, values)| !values.is_empty()).map(|(k, v)| (k, v)))
    }
}

fn words<T: ToString>(of: &[T]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

// === impl Policy ===

impl Resource for Policy {
    type Id = AlertPolicyId;

    fn stamp(&self) -> Stamp<AlertPolicyId> {
        Stamp { id: self.id, created_on: self.created_on, modified_on: self.modified_on }
    }

    fn stamped(self, stamp: Stamp<AlertPolicyId>) -> Policy {
        let Stamp { id, created_on, modified_on } = stamp;
        Policy { id, created_on, modified_on, ..self }
    }
}

fn policy(body: &mut Object<'_>, current: Option<&Policy>) -> Option<Policy> {
    let name = field(body, "name", current.map(|p| p.name.clone()), line(NAME_CHARS_MAX));
    let old = current.map_or_else(String::new, |policy| policy.description.clone());
    let description = body.or("description", old, text(DESCRIPTION_CHARS_MAX));
    let enabled = field(body, "enabled", current.map(|p| p.enabled), flag);
    let kind = field(body, "alert_type", current.map(|p| p.alert_type), word);
    let old = current.and_then(|policy| policy.alert_interval.clone());
    let interval = body.or("alert_interval", old, |node| interval(node).map(Some));
    let old = current.map(|policy| policy.mechanisms.clone());
    let mechanisms = field(body, "mechanisms", old, mechanisms);
    // Filters of another type mean nothing to the new one.
    let same = current.filter(|policy| kind == Some(policy.alert_type));
    let old = same.map(|policy| policy.filters.clone()).unwrap_or_default();
    let filters = kind.and_then(|kind| body.or("filters", old, |node| filters(node, kind)));
    if name.as_ref().is_some_and(String::is_empty) {
        body.refuse("name", "name is empty");
        return None;
    }
    Some(Policy {
        id: AlertPolicyId::new([0; 16]),
        name: name?,
        description: description?,
        enabled: enabled?,
        alert_type: kind?,
        alert_interval: interval?,
        mechanisms: mechanisms?,
        filters: filters?,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

fn field<T>(
    body: &mut Object<'_>,
    key: &str,
    current: Option<T>,
    parse: impl FnOnce(&mut Node<'_>) -> Option<T>,
) -> Option<T> {
    match current {
        Some(current) => body.or(key, current, parse),
        None => body.required(key, parse),
    }
}

/// A number and a unit.
fn interval(node: &mut Node<'_>) -> Option<String> {
    let interval = line(INTERVAL_CHARS_MAX)(node)?;
    let digits = interval.trim_end_matches(['s', 'm', 'h', 'd']);
    let sound = interval.is_empty()
        || (interval.len() == digits.len() + 1 && digits.parse::<u32>().is_ok());
    if !sound {
        node.refuse_named(format_args!("{interval:?} is not a time such as 30m"));
    }
    sound.then_some(interval)
}

fn mechanisms(node: &mut Node<'_>) -> Option<Mechanisms> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["email", "webhooks", "pagerduty"]);
    let email = fields.or("email", Vec::new(), |node| destinations(node, email));
    let webhooks = fields.or("webhooks", Vec::new(), |node| destinations(node, id("webhook")));
    let pagerduty =
        fields.or("pagerduty", Vec::new(), |node| destinations(node, id("pagerduty service")));
    let all = Mechanisms { email: email?, webhooks: webhooks?, pagerduty: pagerduty? };
    if all.is_empty() {
        node.refuse("mechanisms names no destination");
        return None;
    }
    Some(all)
}

/// Each once: a destination that is named twice is told once.
fn destinations<T: PartialEq>(
    node: &mut Node<'_>,
    parse: impl Fn(&mut Node<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let all = node
        .list("destination", 0..=DESTINATIONS_MAX, |item| item.object()?.required("id", &parse))?;
    let mut once = Vec::with_capacity(all.len());
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    Some(once)
}

/// Also what stands in the header of a mail: no control character, no list.
fn email(node: &mut Node<'_>) -> Option<String> {
    let address = line(EMAIL_CHARS_MAX)(node)?;
    if !is_email(&address) || address.contains([',', ';', '<', '>', '"']) {
        node.refuse(format_args!("invalid email address: {}", shown(&address)));
        return None;
    }
    Some(address)
}

fn filters(node: &mut Node<'_>, kind: AlertType) -> Option<Filters> {
    let mut fields = node.object()?;
    let unknown = fields.keys().find(|key| !kind.filters().contains(key)).map(str::to_owned);
    if let Some(key) = unknown {
        let message = format!("{} has no filter {}", kind.word(), shown(&key));
        fields.refuse(&key, message);
        return None;
    }
    let pool_id = fields.or("pool_id", Vec::new(), values(id("pool")));
    let new_health = fields.or("new_health", Vec::new(), values(word));
    let event_source = fields.or("event_source", Vec::new(), values(word));
    let enabled = fields.or("enabled", Vec::new(), values(word));
    let checks = fields.or("health_check_id", Vec::new(), values(line(CHECK_ID_CHARS_MAX)));
    let status = fields.or("status", Vec::new(), values(word));
    Some(Filters {
        pool_id: pool_id?,
        new_health: new_health?,
        event_source: event_source?,
        enabled: enabled?,
        health_check_id: checks?,
        status: status?,
    })
}

fn values<T>(
    parse: impl Fn(&mut Node<'_>) -> Option<T>,
) -> impl FnOnce(&mut Node<'_>) -> Option<Vec<T>> {
    move |node| node.list("filter", 0..=FILTER_VALUES_MAX, parse)
}
