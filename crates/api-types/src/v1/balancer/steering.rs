//! What decides the pool: steering fields of a balancer and, partly given, of its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use trimtab_model::PoolId;
use trimtab_model::balancer::{
    self as model, LocationMode, MAP_ENTRIES_MAX, POOLS_MAX, PreferEcs, SteeringPolicy,
};
use trimtab_model::pool::Weight;
use utoipa::ToSchema;

use crate::body::{Node, Object, flag, id, weight, word};
use crate::number::Number;

/// May the one retry go to another pool? The same object in a balancer and in a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AdaptiveRouting {
    pub failover_across_pools: bool,
}

/// Weights of pools.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RandomSteering {
    #[schema(value_type = f64)]
    pub default_weight: Number,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, f64>)]
    pub pool_weights: BTreeMap<PoolId, Number>,
}

/// Where a DNS-only client is taken to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LocationStrategy {
    #[schema(value_type = String)]
    pub mode: LocationMode,
    #[schema(value_type = String)]
    pub prefer_ecs: PreferEcs,
}

/// `RandomSteering` of a rule: as sent.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PartialRandomSteering {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub default_weight: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, f64>>)]
    pub pool_weights: Option<BTreeMap<PoolId, Number>>,
}

/// `LocationStrategy` of a rule: as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartialLocationStrategy {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub mode: Option<LocationMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub prefer_ecs: Option<PreferEcs>,
}

/// Weights of pools go in tenths.
const WEIGHT_STEP_HUNDREDTHS: u8 = 10;

pub(super) fn read(body: &mut Object<'_>) -> Option<model::Steering> {
    let policy = body.or("steering_policy", SteeringPolicy::Unset, steering_policy);
    let default_pools = body.required("default_pools", distinct_pools);
    let fallback_pool = body.required("fallback_pool", id("pool"));
    let region_pools = body.or("region_pools", BTreeMap::new(), geo_pools);
    let country_pools = body.or("country_pools", BTreeMap::new(), geo_pools);
    let pop_pools = body.or("pop_pools", BTreeMap::new(), geo_pools);
    let random = body.or("random_steering", Default::default(), random_steering);
    let location = body.optional("location_strategy", location_strategy);
    let across = body.or("adaptive_routing", None, partial_adaptive_routing);
    let mut steering = model::Steering {
        policy: policy?,
        default_pools: default_pools?,
        fallback_pool: fallback_pool?,
        region_pools: region_pools?,
        country_pools: country_pools?,
        pop_pools: pop_pools?,
        random: random?,
        location: location?,
        failover_across_pools: across?.unwrap_or(false),
    };
    steering.resolve();
    Some(steering)
}

// === rendering ===

impl From<&model::RandomSteering> for RandomSteering {
    fn from(random: &model::RandomSteering) -> RandomSteering {
        RandomSteering {
            default_weight: Number(random.default_weight.share()),
            pool_weights: shares(&random.pool_weights),
        }
    }
}

impl From<model::LocationStrategy> for LocationStrategy {
    fn from(strategy: model::LocationStrategy) -> LocationStrategy {
        LocationStrategy { mode: strategy.mode, prefer_ecs: strategy.prefer_ecs }
    }
}

impl From<&model::PartialRandomSteering> for PartialRandomSteering {
    fn from(random: &model::PartialRandomSteering) -> PartialRandomSteering {
        PartialRandomSteering {
            default_weight: random.default_weight.map(|weight| Number(weight.share())),
            pool_weights: random.pool_weights.as_ref().map(shares),
        }
    }
}

impl From<model::PartialLocationStrategy> for PartialLocationStrategy {
    fn from(strategy: model::PartialLocationStrategy) -> PartialLocationStrategy {
        PartialLocationStrategy { mode: strategy.mode, prefer_ecs: strategy.prefer_ecs }
    }
}

pub(in crate::v1) fn shares(weights: &BTreeMap<PoolId, Weight>) -> BTreeMap<PoolId, Number> {
    weights.iter().map(|(pool, weight)| (*pool, Number(weight.share()))).collect()
}

// === reading ===

/// The hosted API's own examples write `random_steering` where they mean `random`.
pub(in crate::v1) fn steering_policy(node: &mut Node<'_>) -> Option<SteeringPolicy> {
    match node.text()? {
        "random_steering" => Some(SteeringPolicy::Random),
        _ => word(node),
    }
}

/// A failover list: each pool once, at least one.
pub(in crate::v1) fn distinct_pools(node: &mut Node<'_>) -> Option<Vec<PoolId>> {
    let mut seen = BTreeSet::new();
    node.list("pool", 1..=POOLS_MAX, |item| {
        let pool = id::<PoolId>("pool")(item)?;
        if !seen.insert(pool) {
            item.refuse(format_args!("duplicate pool: {pool}"));
            return None;
        }
        Some(pool)
    })
}

pub(in crate::v1) fn geo_pools<Code: FromStr<Err: Display> + Ord>(
    node: &mut Node<'_>,
) -> Option<BTreeMap<Code, Vec<PoolId>>> {
    node.map(MAP_ENTRIES_MAX, distinct_pools)
}

pub(in crate::v1) fn pool_weights(node: &mut Node<'_>) -> Option<BTreeMap<PoolId, Weight>> {
    node.map(MAP_ENTRIES_MAX, pool_weight)
}

pub(in crate::v1) fn pool_weight(node: &mut Node<'_>) -> Option<Weight> {
    weight(WEIGHT_STEP_HUNDREDTHS)(node)
}

pub(in crate::v1) fn partial_adaptive_routing(node: &mut Node<'_>) -> Option<Option<bool>> {
    node.object()?.optional("failover_across_pools", flag)
}

pub(in crate::v1) fn partial_random_steering(
    node: &mut Node<'_>,
) -> Option<model::PartialRandomSteering> {
    let mut fields = node.object()?;
    let default_weight = fields.optional("default_weight", pool_weight);
    let pool_weights = fields.optional("pool_weights", pool_weights);
    Some(model::PartialRandomSteering {
        default_weight: default_weight?,
        pool_weights: pool_weights?,
    })
}

pub(in crate::v1) fn partial_location_strategy(
    node: &mut Node<'_>,
) -> Option<model::PartialLocationStrategy> {
    let mut fields = node.object()?;
    let mode = fields.optional("mode", word);
    let prefer_ecs = fields.optional("prefer_ecs", word);
    Some(model::PartialLocationStrategy { mode: mode?, prefer_ecs: prefer_ecs? })
}

fn random_steering(node: &mut Node<'_>) -> Option<model::RandomSteering> {
    let given = partial_random_steering(node)?;
    Some(model::RandomSteering {
        default_weight: given.default_weight.unwrap_or(Weight::ONE),
        pool_weights: given.pool_weights.unwrap_or_default(),
    })
}

/// An object that is there is filled in with what the API documents, not with what holds without one.
fn location_strategy(node: &mut Node<'_>) -> Option<model::LocationStrategy> {
    let given = partial_location_strategy(node)?;
    Some(model::LocationStrategy {
        mode: given.mode.unwrap_or(LocationMode::Pop),
        prefer_ecs: given.prefer_ecs.unwrap_or(PreferEcs::Proximity),
    })
}
