//! What a balancer refers to and this crate cannot judge, each with its place in the body.

use trimtab_model::balancer::{Overrides, RuleAction};
use trimtab_model::{Balancer, PoolId};

/// Every pool that must exist, with its pointer; the same pools as [`Balancer::pools`]. Weights may name
/// pools that are gone.
pub fn pools(balancer: &Balancer) -> Vec<(String, PoolId)> {
    let steering = &balancer.steering;
    let mut found = Vec::new();
    add_list(&mut found, "/default_pools", &steering.default_pools);
    found.push(("/fallback_pool".into(), steering.fallback_pool));
    add_map(&mut found, "/region_pools", &steering.region_pools);
    add_map(&mut found, "/country_pools", &steering.country_pools);
    add_map(&mut found, "/pop_pools", &steering.pop_pools);
    for (index, rule) in balancer.rules.iter().enumerate() {
        add_action(&mut found, &format!("/rules/{index}"), &rule.action);
    }
    for (index, set) in balancer.pool_sets.iter().enumerate() {
        add_action(&mut found, &format!("/pool_sets/{index}"), &set.action);
    }
    found
}

/// Every condition to be parsed, with its pointer. An empty one is always true.
pub fn conditions(balancer: &Balancer) -> impl Iterator<Item = (String, &str)> {
    balancer
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| !rule.condition.is_empty())
        .map(|(index, rule)| (format!("/rules/{index}/condition"), rule.condition.as_str()))
}

fn add_action(found: &mut Vec<(String, PoolId)>, place: &str, action: &RuleAction) {
    let RuleAction::Overrides(over) = action else { return };
    let Overrides {
        default_pools,
        fallback_pool,
        region_pools,
        country_pools,
        pop_pools,
        pools,
        ..
    } = &**over;
    let place = |field: &str| format!("{place}/overrides/{field}");
    for (field, list) in [("default_pools", default_pools), ("pools", pools)] {
        add_list(found, &place(field), list.iter().flatten());
    }
    found.extend(fallback_pool.map(|pool| (place("fallback_pool"), pool)));
    add_map(found, &place("region_pools"), region_pools.iter().flatten());
    add_map(found, &place("country_pools"), country_pools.iter().flatten());
    add_map(found, &place("pop_pools"), pop_pools.iter().flatten());
}

fn add_list<'a>(
    found: &mut Vec<(String, PoolId)>,
    place: &str,
    pools: impl IntoIterator<Item = &'a PoolId>,
) {
    let numbered = pools.into_iter().enumerate();
    found.extend(numbered.map(|(index, pool)| (format!("{place}/{index}"), *pool)));
}

fn add_map<'a, Code: std::fmt::Display + 'a>(
    found: &mut Vec<(String, PoolId)>,
    place: &str,
    map: impl IntoIterator<Item = (&'a Code, &'a Vec<PoolId>)>,
) {
    for (code, pools) in map {
        add_list(found, &format!("{place}/{code}"), pools);
    }
}
