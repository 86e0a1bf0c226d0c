//! What a rule or a pool set replaces: every field optional, each returned as it was sent.

use std::collections::BTreeMap;

use serde::Serialize;
use trimtab_model::balancer::{
    self as model, SessionAffinity, SessionOverrides, SteeringPolicy, TTL_MAX,
};
use trimtab_model::{Country, PoolId, Pop, Region};
use utoipa::ToSchema;

use crate::body::{Node, Object, id, whole};
use crate::number::Number;
use crate::v1::balancer::{
    AdaptiveRouting, PartialAttributes, PartialLocationStrategy, PartialRandomSteering,
    affinity_ttls, affinity_word, distinct_pools, geo_pools, partial_adaptive_routing,
    partial_attributes, partial_location_strategy, partial_random_steering, pool_weight,
    pool_weights, shares, steering_policy,
};

/// Fields of the balancer, as sent; the flat list is the API's.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Overrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive_routing: Option<AdaptiveRouting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Vec<String>>>)]
    pub country_pools: Option<BTreeMap<Country, Vec<PoolId>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub default_pools: Option<Vec<PoolId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub fallback_pool: Option<PoolId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_strategy: Option<PartialLocationStrategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub pool_default_weight: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, f64>>)]
    pub pool_weights: Option<BTreeMap<PoolId, Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub pools: Option<Vec<PoolId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Vec<String>>>)]
    pub pop_pools: Option<BTreeMap<Pop, Vec<PoolId>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_steering: Option<PartialRandomSteering>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Vec<String>>>)]
    pub region_pools: Option<BTreeMap<Region, Vec<PoolId>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub session_affinity: Option<SessionAffinity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity_attributes: Option<PartialAttributes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity_ttl: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub steering_policy: Option<SteeringPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

// === impl Overrides ===

impl From<&model::Overrides> for Overrides {
    fn from(over: &model::Overrides) -> Overrides {
        Overrides {
            adaptive_routing: over
                .failover_across_pools
                .map(|failover_across_pools| AdaptiveRouting { failover_across_pools }),
            country_pools: over.country_pools.clone(),
            default_pools: over.default_pools.clone(),
            fallback_pool: over.fallback_pool,
            location_strategy: over.location_strategy.map(PartialLocationStrategy::from),
            pool_default_weight: over.pool_default_weight.map(|weight| Number(weight.share())),
            pool_weights: over.pool_weights.as_ref().map(shares),
            pools: over.pools.clone(),
            pop_pools: over.pop_pools.clone(),
            random_steering: over.random_steering.as_ref().map(PartialRandomSteering::from),
            region_pools: over.region_pools.clone(),
            session_affinity: over.session.affinity,
            session_affinity_attributes: over
                .session
                .attributes
                .as_ref()
                .map(PartialAttributes::from),
            session_affinity_ttl: over.session.ttl,
            steering_policy: over.steering_policy,
            ttl: over.ttl,
        }
    }
}

pub(super) fn read(node: &mut Node<'_>) -> Option<model::Overrides> {
    let mut fields = node.object()?;
    let flat = flat(&mut fields);
    let default_pools = fields.optional("default_pools", distinct_pools);
    let region_pools = fields.optional("region_pools", geo_pools);
    let country_pools = fields.optional("country_pools", geo_pools);
    let pop_pools = fields.optional("pop_pools", geo_pools);
    let random_steering = fields.optional("random_steering", partial_random_steering);
    let location_strategy = fields.optional("location_strategy", partial_location_strategy);
    let across = fields.or("adaptive_routing", None, partial_adaptive_routing);
    let session = session(&mut fields);
    let ttl = fields.optional("ttl", whole(1..=TTL_MAX));
    for weights in ["pool_weights", "pool_default_weight"] {
        if fields.has(weights) && fields.has("random_steering") {
            fields
                .refuse(weights, format_args!("{weights} and random_steering exclude each other"));
        }
    }
    Some(model::Overrides {
        default_pools: default_pools?,
        region_pools: region_pools?,
        country_pools: country_pools?,
        pop_pools: pop_pools?,
        random_steering: random_steering?,
        location_strategy: location_strategy?,
        failover_across_pools: across?,
        session: session?,
        ttl: ttl?,
        ..flat?
    })
}

/// The fields that pool sets have too.
pub(in crate::v1) fn flat(fields: &mut Object<'_>) -> Option<model::Overrides> {
    let steering_policy = fields.optional("steering_policy", steering_policy);
    let fallback_pool = fields.optional("fallback_pool", id("pool"));
    let pools = fields.optional("pools", distinct_pools);
    let pool_weights = fields.optional("pool_weights", pool_weights);
    let pool_default_weight = fields.optional("pool_default_weight", pool_weight);
    Some(model::Overrides {
        steering_policy: steering_policy?,
        fallback_pool: fallback_pool?,
        pools: pools?,
        pool_weights: pool_weights?,
        pool_default_weight: pool_default_weight?,
        ..model::Overrides::default()
    })
}

fn session(fields: &mut Object<'_>) -> Option<SessionOverrides> {
    let affinity = fields.optional("session_affinity", affinity_word);
    let ttls = affinity_ttls(affinity.flatten());
    let ttl = fields.optional("session_affinity_ttl", whole(ttls));
    let attributes = fields.optional("session_affinity_attributes", partial_attributes);
    Some(SessionOverrides { affinity: affinity?, ttl: ttl?, attributes: attributes? })
}
