//! The `trimtab` object of a pool: how its endpoints are reached, how votes on them count, and what else must be healthy.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use serde_json::Value;
use trimtab_model::pool::{
    self as model, ORIGIN_TEXT_CHARS_MAX, REQUIRED_MAX, Upstream as Reached, Watch,
};
use trimtab_model::{HealthCheckId, Pool, PoolId};
use utoipa::ToSchema;

use super::upstream::{self, Upstream};
use crate::body::{Node, id, line, shown, whole};

/// What the hosted API has no field for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrimtabPool {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
    /// `"majority"`, `"all_agree_down"` or `{"more_than_percent": 18}`; the first where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub quorum: Option<Quorum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
}

/// How votes become a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum(pub model::Quorum);

/// A calculated check: with fewer of these healthy the pool is not used. A pool counts by its endpoints alone, so that
/// calculated checks do not nest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Requires {
    #[schema(minimum = 1)]
    pub at_least: u32,
    pub of: Vec<Required>,
}

/// A pool, one endpoint of a pool by its name, or a health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Required {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub pool: Option<PoolId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub health_check: Option<HealthCheckId>,
}

/// What was read, on its way into a pool.
#[derive(Default)]
pub(super) struct Extension {
    pub(super) upstream: Option<Box<Reached>>,
    quorum: model::Quorum,
    requires: Option<Box<model::Requires>>,
}

const MAJORITY: &str = "majority";
const ALL_AGREE_DOWN: &str = "all_agree_down";
const MORE_THAN_PERCENT: &str = "more_than_percent";
/// More than all can never be.
const PERCENT: std::ops::RangeInclusive<u8> = 0..=99;

// === impl TrimtabPool ===

impl TrimtabPool {
    pub(super) fn unless_empty(pool: &Pool) -> Option<TrimtabPool> {
        let watch = &pool.watch;
        let quorum = (watch.quorum != model::Quorum::Majority).then_some(Quorum(watch.quorum));
        let upstream = pool.upstream.as_deref().map(Upstream::from);
        let requires = watch.requires.as_deref().map(Requires::from);
        let all = TrimtabPool { upstream, quorum, requires };
        (all != TrimtabPool { upstream: None, quorum: None, requires: None }).then_some(all)
    }
}

// === impl Quorum ===

impl Serialize for Quorum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            model::Quorum::Majority => to.serialize_str(MAJORITY),
            model::Quorum::AllAgreeDown => to.serialize_str(ALL_AGREE_DOWN),
            model::Quorum::MoreThan(percent) => to.collect_map([(MORE_THAN_PERCENT, percent)]),
        }
    }
}

// === impl Requires ===

impl From<&model::Requires> for Requires {
    fn from(requires: &model::Requires) -> Requires {
        let model::Requires { at_least, of } = requires;
        Requires { at_least: *at_least, of: of.iter().map(Required::from).collect() }
    }
}

impl From<&model::Subject> for Required {
    fn from(subject: &model::Subject) -> Required {
        let (pool, origin, health_check) = match subject {
            model::Subject::Pool(pool) => (Some(*pool), None, None),
            model::Subject::Origin(pool, name) => (Some(*pool), Some(name.clone()), None),
            model::Subject::HealthCheck(check) => (None, None, Some(*check)),
        };
        Required { pool, origin, health_check }
    }
}

// === impl Extension ===

impl Extension {
    pub(super) fn watched(self, watch: Watch) -> Watch {
        Watch { quorum: self.quorum, requires: self.requires, ..watch }
    }
}

// === reading ===

pub(super) fn read(node: &mut Node<'_>) -> Option<Extension> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["quorum", "requires", "upstream"]);
    let upstream = fields.optional("upstream", upstream::read);
    let quorum = fields.or("quorum", model::Quorum::Majority, quorum);
    let requires = fields.optional("requires", requires);
    Some(Extension {
        upstream: upstream?.map(Box::new),
        quorum: quorum?,
        requires: requires?.map(Box::new),
    })
}

fn quorum(node: &mut Node<'_>) -> Option<model::Quorum> {
    match node.value() {
        Value::Object(_) => {
            let mut fields = node.object()?;
            fields.refuse_all_but(&[MORE_THAN_PERCENT]);
            fields.required(MORE_THAN_PERCENT, whole(PERCENT)).map(model::Quorum::MoreThan)
        }
        Value::String(word) if word == MAJORITY => Some(model::Quorum::Majority),
        Value::String(word) if word == ALL_AGREE_DOWN => Some(model::Quorum::AllAgreeDown),
        _ => {
            node.refuse_named(
                r#"is not one of "majority", "all_agree_down", {"more_than_percent": 0 to 99}"#,
            );
            None
        }
    }
}

fn requires(node: &mut Node<'_>) -> Option<model::Requires> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["at_least", "of"]);
    let mut seen = BTreeSet::new();
    let of = fields.required("of", |node| {
        node.list("required", 1..=REQUIRED_MAX, |node| subject(node, &mut seen))
    });
    // A list that is refused says nothing of how many there may be.
    let most = of.as_ref().map_or(REQUIRED_MAX, Vec::len) as u32;
    let at_least = fields.required("at_least", whole(1..=most));
    Some(model::Requires { at_least: at_least?, of: of? })
}

fn subject(node: &mut Node<'_>, seen: &mut BTreeSet<model::Subject>) -> Option<model::Subject> {
    let subject = named(node)?;
    if !seen.insert(subject.clone()) {
        node.refuse_named("is there twice");
        return None;
    }
    Some(subject)
}

fn named(node: &mut Node<'_>) -> Option<model::Subject> {
    let mut fields = node.object()?;
    fields.refuse_all_but(&["health_check", "origin", "pool"]);
    let pool = fields.optional("pool", id("pool"));
    let origin = fields.optional("origin", origin);
    let check = fields.optional("health_check", id("health check"));
    match (pool?, origin?, check?) {
        (Some(pool), None, None) => Some(model::Subject::Pool(pool)),
        (Some(pool), Some(name), None) => Some(model::Subject::Origin(pool, name)),
        (None, None, Some(check)) => Some(model::Subject::HealthCheck(check)),
        _ => {
            node.refuse_named("is neither a pool, a pool with an origin, nor a health_check");
            None
        }
    }
}

fn origin(node: &mut Node<'_>) -> Option<String> {
    let name = line(ORIGIN_TEXT_CHARS_MAX)(node)?;
    if name.is_empty() {
        node.refuse_named(format_args!("{:?} is no name of an endpoint", shown(&name)));
        return None;
    }
    Some(name)
}

#[cfg(test)]
mod tests;
