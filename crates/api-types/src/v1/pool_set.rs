//! Pool sets of a balancer on the wire.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use trimtab_model::balancer::{
    self as model, POOL_SET_ENTRIES_MAX, POOL_SETS_MAX, PoolSetMatch, RULE_NAME_CHARS_MAX,
    RuleAction, SteeringPolicy,
};
use trimtab_model::{Country, Pop, Region};
use utoipa::ToSchema;

use super::rule::{self, FixedResponse, Overrides};
use crate::body::{Node, Object, flag, line, word};

/// Pools for a part of the world. Exactly one of `fixed_response` and `overrides` is there.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PoolSet {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub disabled: bool,
    /// Absent: everything.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Match>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_response: Option<FixedResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
}

/// `{"default": true}` or a topology.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PoolSetMatch)]
pub struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology: Option<Topology>,
}

/// A client in any of the lists matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Topology {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub pops: Vec<Pop>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub countries: Vec<Country>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub regions: Vec<Region>,
}

// === impl PoolSet ===

impl From<&model::PoolSet> for PoolSet {
    fn from(set: &model::PoolSet) -> PoolSet {
        let (fixed_response, overrides) = rule::parts(&set.action);
        PoolSet {
            name: set.name.clone(),
            disabled: set.disabled,
            matches: Match::unless_everything(&set.matches),
            fixed_response,
            overrides,
        }
    }
}

// === impl Match ===

impl Match {
    fn unless_everything(matches: &PoolSetMatch) -> Option<Match> {
        match matches.clone() {
            PoolSetMatch::Everything => None,
            PoolSetMatch::Default => Some(Match { default: Some(true), topology: None }),
            PoolSetMatch::Topology { pops, countries, regions } => {
                let topology = Some(Topology { pops, countries, regions });
                Some(Match { default: None, topology })
            }
        }
    }
}

pub(super) fn list(node: &mut Node<'_>) -> Option<Vec<model::PoolSet>> {
    node.list("pool_sets", 0..=POOL_SETS_MAX, pool_set)
}

fn pool_set(node: &mut Node<'_>) -> Option<model::PoolSet> {
    let mut fields = node.object()?;
    let name = fields.or("name", String::new(), line(RULE_NAME_CHARS_MAX));
    let disabled = fields.or("disabled", false, flag);
    let matches = fields.or("match", PoolSetMatch::Everything, matches);
    let action = rule::action(&mut fields, overrides);
    let idle = RuleAction::Overrides(Box::default());
    if action.as_ref() == Some(&idle) {
        fields.refuse("overrides", "one of overrides and fixed_response is required");
    }
    Some(model::PoolSet { name: name?, disabled: disabled?, matches: matches?, action: action? })
}

fn overrides(node: &mut Node<'_>) -> Option<model::Overrides> {
    let mut fields = node.object()?;
    let over = rule::flat(&mut fields)?;
    if over.steering_policy == Some(SteeringPolicy::Geo) {
        fields.refuse("steering_policy", "steering_policy \"geo\" is not possible in a pool set");
    }
    Some(over)
}

fn matches(node: &mut Node<'_>) -> Option<PoolSetMatch> {
    let mut fields = node.object()?;
    let default = fields.or("default", false, flag);
    let topology = fields.optional("topology", topology);
    match (default?, topology?) {
        (false, Some(topology)) => Some(topology),
        (true, None) => Some(PoolSetMatch::Default),
        (true, Some(_)) => {
            fields.refuse("topology", "default and topology exclude each other");
            None
        }
        (false, None) => {
            node.refuse("match needs default or topology");
            None
        }
    }
}

fn topology(node: &mut Node<'_>) -> Option<PoolSetMatch> {
    let mut fields = node.object()?;
    let pops = codes::<Pop>(&mut fields, "pops");
    let countries = codes::<Country>(&mut fields, "countries");
    let regions = codes::<Region>(&mut fields, "regions");
    let (pops, countries, regions) = (pops?, countries?, regions?);
    if pops.is_empty() && countries.is_empty() && regions.is_empty() {
        node.refuse("topology needs pops, countries or regions");
        return None;
    }
    Some(PoolSetMatch::Topology { pops, countries, regions })
}

fn codes<Code>(fields: &mut Object<'_>, key: &str) -> Option<Vec<Code>>
where
    Code: FromStr<Err: Display> + Display + Ord + Copy,
{
    let mut seen = std::collections::BTreeSet::new();
    fields.or(key, Vec::new(), |node| {
        node.list(key, 0..=POOL_SET_ENTRIES_MAX, |item| {
            let code: Code = word(item)?;
            if !seen.insert(code) {
                item.refuse(format_args!("duplicate entry: {code}"));
                return None;
            }
            Some(code)
        })
    })
}

#[cfg(test)]
mod tests;
