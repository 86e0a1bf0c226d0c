//! Load balancers on the wire.

mod affinity;
mod extension;
mod mentions;
mod steering;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trimtab_expr::Phase;
use trimtab_model::balancer::{
    DESCRIPTION_CHARS_MAX, Extension, RuleAction, Scope, SessionAffinity, SteeringPolicy,
    TTL_DEFAULT, TTL_MAX,
};
use trimtab_model::{
    self as model, AccountId, BalancerId, Country, Name, PoolId, Pop, Problems, Region, Timestamp,
    Zone,
};
use utoipa::ToSchema;

use super::{pool, pool_set, rule};
use crate::body::{self, Node, Object, flag, hostname, text, whole};
use crate::draft::{self, Draft, Resource, Stamp};

pub use affinity::{PartialAttributes, SessionAffinityAttributes};
pub use extension::{Persistence, TrimtabBalancer};
pub use mentions::{conditions, pools};
pub use steering::{
    AdaptiveRouting, LocationStrategy, PartialLocationStrategy, PartialRandomSteering,
    RandomSteering,
};

pub(super) use affinity::{affinity_ttls, affinity_word, partial_attributes};
pub(super) use steering::{
    distinct_pools, geo_pools, partial_adaptive_routing, partial_location_strategy,
    partial_random_steering, pool_weight, pool_weights, shares, steering_policy,
};

/// A host name and how its traffic is steered. Fields without `Option` are always there, defaults filled
/// in; the flat list of fields is the API's.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LoadBalancer)]
pub struct Balancer {
    #[schema(value_type = String)]
    pub id: BalancerId,
    #[schema(value_type = String)]
    pub name: Name,
    pub description: String,
    pub enabled: bool,
    pub proxied: bool,
    pub ttl: u32,
    #[schema(value_type = String)]
    pub steering_policy: SteeringPolicy,
    #[schema(value_type = Vec<String>)]
    pub default_pools: Vec<PoolId>,
    #[schema(value_type = String)]
    pub fallback_pool: PoolId,
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub region_pools: BTreeMap<Region, Vec<PoolId>>,
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub country_pools: BTreeMap<Country, Vec<PoolId>>,
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub pop_pools: BTreeMap<Pop, Vec<PoolId>>,
    pub random_steering: RandomSteering,
    /// Absent until set: what then holds differs from the hosted API's default, and is not to be sent back as a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_strategy: Option<LocationStrategy>,
    pub adaptive_routing: AdaptiveRouting,
    #[schema(value_type = String)]
    pub session_affinity: SessionAffinity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity_ttl: Option<u32>,
    pub session_affinity_attributes: SessionAffinityAttributes,
    pub rules: Vec<rule::Rule>,
    pub pool_sets: Vec<pool_set::PoolSet>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trimtab: Option<TrimtabBalancer>,
    #[schema(value_type = String)]
    pub created_on: Timestamp,
    #[schema(value_type = String)]
    pub modified_on: Timestamp,
    /// Only of balancers in a zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub zone_name: Option<Name>,
}

/// Where a balancer is being made.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The name must lie in the zone.
    Zone(&'a Zone),
    Account(AccountId),
}

/// What a null can unset, because nothing else can.
const RESET_BY_NULL: &[&str] = &["location_strategy", "session_affinity_ttl", "trimtab"];

/// Reads the body of a POST or PUT. Whether the pools exist and the conditions parse is for the caller,
/// with [`pools`] and [`conditions`].
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value, owner: &Owner<'_>) -> Result<Draft<model::Balancer>, Problems> {
    body::read(body, |body| balancer(body, owner)).map(Draft::new)
}

/// Reads the body of a PATCH.
///
/// # Errors
/// Every problem of what the balancer would become.
pub fn patch(
    current: &model::Balancer,
    body: &Value,
    owner: &Owner<'_>,
) -> Result<Draft<model::Balancer>, Problems> {
    let mut rendered = Balancer::new(current, None);
    // A TTL that is only the default of one kind of affinity is not a choice for another kind.
    if current.affinity.ttl == affinity::usual_ttl(current.affinity.kind) {
        rendered.session_affinity_ttl = None;
    }
    read(&Value::Object(draft::merged(&rendered, body, RESET_BY_NULL)?), owner)
}

/// What is allowed and yet has no effect, for the `messages` of an answer.
pub fn notices(balancer: &model::Balancer) -> Vec<String> {
    let mut notices = Vec::new();
    if balancer.affinity.kind != SessionAffinity::None && !balancer.proxied {
        notices
            .push("session_affinity has no effect while the load balancer is not proxied".into());
    }
    notices.extend(unread_maps(balancer));
    notices.extend(balancer.rules.iter().zip(1_u32..).filter_map(|(rule, number)| {
        foreign_fields(rule, balancer.proxied)
            .map(|fields| format!("rules: the condition of rule {number} reads {fields}"))
    }));
    notices
}

/// Maps of geo steering where neither the policy nor one that a rule or pool set brings is geo.
fn unread_maps(balancer: &model::Balancer) -> Option<String> {
    let steering = &balancer.steering;
    let maps = [
        ("region_pools", steering.region_pools.is_empty()),
        ("country_pools", steering.country_pools.is_empty()),
        ("pop_pools", steering.pop_pools.is_empty()),
    ];
    let filled: Vec<&str> =
        maps.iter().filter(|(_, is_empty)| !is_empty).map(|(name, _)| *name).collect();
    let rules = balancer.rules.iter().map(|rule| &rule.action);
    let mut actions = rules.chain(balancer.pool_sets.iter().map(|set| &set.action));
    let policy = steering.policy;
    if filled.is_empty() || reads_maps(policy) || actions.any(brings_geo) {
        return None;
    }
    let filled = filled.join(", ");
    let policy = policy.word();
    Some(format!("nothing reads {filled}: steering_policy is {policy:?}, not \"geo\""))
}

fn brings_geo(action: &RuleAction) -> bool {
    match action {
        RuleAction::Overrides(overrides) => overrides.steering_policy.is_some_and(reads_maps),
        RuleAction::FixedResponse(_) => false,
    }
}

/// An empty policy is geo where a map has an entry.
fn reads_maps(policy: SteeringPolicy) -> bool {
    matches!(policy, SteeringPolicy::Geo | SteeringPolicy::Unset)
}

/// Fields that the balancer's traffic does not have, and what that means.
fn foreign_fields(rule: &model::balancer::Rule, proxied: bool) -> Option<String> {
    // What is stored was read when it was saved.
    let condition = trimtab_expr::parse(&rule.condition).ok()?;
    let (phase, traffic) = match proxied {
        true => (Phase::Http, "proxied"),
        false => (Phase::Dns, "DNS-only"),
    };
    let fields: Vec<&str> = condition.foreign(phase).map(|used| used.field).collect();
    (!fields.is_empty()).then(|| {
        let fields = fields.join(", ");
        format!("{fields}, absent in {traffic} traffic: comparisons with them do not hold")
    })
}

// === impl Balancer ===

impl Balancer {
    pub fn new(balancer: &model::Balancer, zone: Option<&Zone>) -> Balancer {
        let model::Balancer { steering, affinity, extension, .. } = balancer;
        Balancer {
            id: balancer.id,
            name: balancer.name.clone(),
            description: balancer.description.clone(),
            enabled: balancer.enabled,
            proxied: balancer.proxied,
            ttl: balancer.ttl,
            steering_policy: steering.policy,
            default_pools: steering.default_pools.clone(),
            fallback_pool: steering.fallback_pool,
            region_pools: steering.region_pools.clone(),
            country_pools: steering.country_pools.clone(),
            pop_pools: steering.pop_pools.clone(),
            random_steering: RandomSteering::from(&steering.random),
            location_strategy: steering.location.map(LocationStrategy::from),
            adaptive_routing: AdaptiveRouting {
                failover_across_pools: steering.failover_across_pools,
            },
            session_affinity: affinity.kind,
            session_affinity_ttl: affinity.ttl,
            session_affinity_attributes: SessionAffinityAttributes::from(&affinity.attributes),
            rules: balancer.rules.iter().map(rule::Rule::from).collect(),
            pool_sets: balancer.pool_sets.iter().map(pool_set::PoolSet::from).collect(),
            networks: balancer.networks.clone(),
            trimtab: TrimtabBalancer::unless_empty(extension),
            created_on: balancer.created_on,
            modified_on: balancer.modified_on,
            zone_name: zone.map(|zone| zone.name.clone()),
        }
    }
}

// === impl Owner ===

impl Owner<'_> {
    fn scope(&self) -> Scope {
        match self {
            Owner::Zone(zone) => Scope::Zone(zone.id),
            Owner::Account(account) => Scope::Account(*account),
        }
    }

    fn holds(&self, name: &Name) -> bool {
        match self {
            Owner::Zone(zone) => name.is_in(&zone.name),
            Owner::Account(_) => true,
        }
    }
}

// === impl model::Balancer ===

impl Resource for model::Balancer {
    type Id = BalancerId;

    fn stamp(&self) -> Stamp<BalancerId> {
        Stamp { id: self.id, created_on: self.created_on, modified_on: self.modified_on }
    }

    fn stamped(self, stamp: Stamp<BalancerId>) -> model::Balancer {
        let Stamp { id, created_on, modified_on } = stamp;
        model::Balancer { id, created_on, modified_on, ..self }
    }
}

fn balancer(body: &mut Object<'_>, owner: &Owner<'_>) -> Option<model::Balancer> {
    let name = body.required("name", |node| name(node, owner));
    let description = body.or("description", String::new(), text(DESCRIPTION_CHARS_MAX));
    let enabled = body.or("enabled", true, flag);
    let proxied = body.or("proxied", false, flag);
    let ttl = body.or("ttl", TTL_DEFAULT, whole(1..=TTL_MAX));
    let steering = steering::read(body);
    let affinity = affinity::read(body);
    let rules = body.or("rules", Vec::new(), rule::list);
    let pool_sets = body.or("pool_sets", Vec::new(), pool_set::list);
    let networks = body.or("networks", Vec::new(), pool::networks);
    let extension = body.or("trimtab", Extension::default(), extension::read);
    Some(model::Balancer {
        id: BalancerId::new([0; 16]),
        scope: owner.scope(),
        name: name?,
        description: description?,
        enabled: enabled?,
        proxied: proxied?,
        ttl: ttl?,
        steering: steering?,
        affinity: affinity?,
        rules: rules?,
        pool_sets: pool_sets?,
        networks: networks?,
        extension: extension?,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    })
}

fn name(node: &mut Node<'_>, owner: &Owner<'_>) -> Option<Name> {
    let name = hostname(node)?;
    if !owner.holds(&name) {
        node.refuse(format_args!("invalid hostname: {name}"));
        return None;
    }
    Some(name)
}

#[cfg(test)]
mod tests;
