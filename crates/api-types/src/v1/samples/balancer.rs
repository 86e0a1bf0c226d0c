//! Random balancers.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use trimtab_model::balancer::{
    Affinity, AffinityAttributes, Extension, FixedResponse, LocationMode, LocationStrategy,
    Overrides, PartialAttributes, PartialLocationStrategy, PartialRandomSteering, Persistence,
    PersistenceKey, PoolSet, PoolSetMatch, PreferEcs, RandomSteering, Rule, RuleAction, SameSite,
    Scope, Secure, SessionAffinity, SessionOverrides, Steering, SteeringPolicy,
    ZeroDowntimeFailover,
};
use trimtab_model::pool::Weight;
use trimtab_model::{Balancer, BalancerId, Country, PoolId, Pop, Region};

use super::{time, words, zone};

pub(in crate::v1) fn balancer() -> impl Strategy<Value = Balancer> {
    let identity = (any::<[u8; 16]>(), words(), any::<[bool; 2]>(), 1..=86_400_u32);
    let lists = (vec(rule(), 0..3), vec(pool_set(), 0..3), vec("[a-z]{1,5}", 0..3));
    (identity, steering(), affinity(), lists, extension(), [time(), time()]).prop_map(
        |((id, description, flags, ttl), steering, affinity, lists, extension, times)| {
            let ([enabled, proxied], [created_on, modified_on]) = (flags, times);
            let (rules, pool_sets, networks) = lists;
            Balancer {
                id: BalancerId::new(id),
                scope: Scope::Zone(zone().id),
                name: "www.example.com".parse().unwrap(),
                description,
                enabled,
                proxied,
                ttl,
                steering,
                affinity,
                rules,
                pool_sets,
                networks,
                extension,
                created_on,
                modified_on,
            }
        },
    )
}

fn extension() -> impl Strategy<Value = Extension> {
    let bias = btree_map(pool_id(), -99..=99_i8, 0..3);
    let persistence = option::of((select(PersistenceKey::ALL), option::of(1..=86_400_u32)));
    (bias, persistence).prop_map(|(proximity_bias, persistence)| Extension {
        proximity_bias,
        persistence: persistence.map(|(key, ttl)| Persistence { key, ttl }),
    })
}

fn steering() -> impl Strategy<Value = Steering> {
    let resolved = &SteeringPolicy::ALL[1..];
    let location = option::of((select(LocationMode::ALL), select(PreferEcs::ALL)))
        .prop_map(|s| s.map(|(mode, prefer_ecs)| LocationStrategy { mode, prefer_ecs }));
    let random = (tenths(), btree_map(pool_id(), tenths(), 0..3))
        .prop_map(|(default_weight, pool_weights)| RandomSteering { default_weight, pool_weights });
    let maps = (geo(region()), geo(code()), geo(pop()));
    let rest = (location, random, any::<bool>());
    (select(resolved), pools(), pool_id(), maps, rest).prop_map(
        |(policy, default_pools, fallback_pool, maps, rest)| Steering {
            policy,
            default_pools,
            fallback_pool,
            region_pools: maps.0,
            country_pools: maps.1,
            pop_pools: maps.2,
            random: rest.1,
            location: rest.0,
            failover_across_pools: rest.2,
        },
    )
}

fn affinity() -> impl Strategy<Value = Affinity> {
    let words = (
        select(vec![SameSite::Auto, SameSite::Lax, SameSite::Strict]),
        select(Secure::ALL),
        select(vec![ZeroDowntimeFailover::None, ZeroDowntimeFailover::Temporary]),
    );
    let headers = (affinity_headers(), any::<bool>());
    (select(SessionAffinity::ALL), 1_800..=3_600_u32, words, headers, 0..=86_400_u32).prop_map(
        |(kind, ttl, (samesite, secure, failover), (headers, require_all_headers), drain)| {
            let off = kind == SessionAffinity::None && drain % 2 == 0;
            // Only header affinity needs a name.
            let bare = kind != SessionAffinity::Header && drain % 3 == 0;
            Affinity {
                kind,
                ttl: (!off).then_some(ttl),
                attributes: AffinityAttributes {
                    drain_duration: drain,
                    headers: if bare { Vec::new() } else { headers },
                    require_all_headers,
                    samesite,
                    secure,
                    zero_downtime_failover: failover,
                },
            }
        },
    )
}

fn affinity_headers() -> impl Strategy<Value = Vec<String>> {
    let names = vec!["X-Session", "cookie:a,b", "cookie", "x_user"];
    subsequence(names, 1..4).prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn rule() -> impl Strategy<Value = Rule> {
    let texts = (words(), select(vec!["", "http.request.uri.path contains \"/x\""]));
    (texts, any::<[bool; 2]>(), 0..5_u32, action(overrides())).prop_map(
        |((name, condition), [disabled, terminates], priority, action)| Rule {
            name,
            condition: condition.into(),
            disabled,
            priority,
            terminates: terminates || matches!(action, RuleAction::FixedResponse(_)),
            action,
        },
    )
}

fn pool_set() -> impl Strategy<Value = PoolSet> {
    let topology = (vec_of(pop()), vec_of(code()), prop::collection::btree_set(region(), 1..3))
        .prop_map(|(pops, countries, regions)| PoolSetMatch::Topology {
            pops,
            countries,
            regions: regions.into_iter().collect(),
        });
    let matches =
        prop_oneof![Just(PoolSetMatch::Everything), Just(PoolSetMatch::Default), topology];
    let policy = select(vec![SteeringPolicy::Unset, SteeringPolicy::Off, SteeringPolicy::Random]);
    let flat = (flat(), option::of(policy)).prop_map(|(flat, steering_policy)| Overrides {
        steering_policy,
        fallback_pool: Some(flat.fallback_pool.unwrap_or(PoolId::new([1; 16]))),
        ..flat
    });
    (words(), any::<bool>(), matches, action(flat))
        .prop_map(|(name, disabled, matches, action)| PoolSet { name, disabled, matches, action })
}

fn action(over: impl Strategy<Value = Overrides>) -> impl Strategy<Value = RuleAction> {
    let fixed = (option::of(200..=599_u16), option::of(words()), option::of(words())).prop_map(
        |(status_code, content_type, message_body)| {
            RuleAction::FixedResponse(FixedResponse {
                status_code,
                location: content_type.clone(),
                content_type,
                message_body,
            })
        },
    );
    prop_oneof![fixed, over.prop_map(|over| RuleAction::Overrides(Box::new(over)))]
}

/// The fields that pool sets share.
fn flat() -> impl Strategy<Value = Overrides> {
    let weights = (option::of(btree_map(pool_id(), tenths(), 0..3)), option::of(tenths()));
    (option::of(pool_id()), option::of(pools()), weights).prop_map(
        |(fallback_pool, pools, (pool_weights, pool_default_weight))| Overrides {
            fallback_pool,
            pools,
            pool_weights,
            pool_default_weight,
            ..Overrides::default()
        },
    )
}

fn overrides() -> impl Strategy<Value = Overrides> {
    let maps = (option::of(geo(region())), option::of(geo(code())), option::of(geo(pop())));
    let location = (option::of(select(LocationMode::ALL)), option::of(select(PreferEcs::ALL)))
        .prop_map(|(mode, prefer_ecs)| PartialLocationStrategy { mode, prefer_ecs });
    let random = (option::of(tenths()), option::of(btree_map(pool_id(), tenths(), 0..3))).prop_map(
        |(default_weight, pool_weights)| PartialRandomSteering { default_weight, pool_weights },
    );
    let scalars = (
        option::of(select(SteeringPolicy::ALL)),
        option::of(any::<bool>()),
        option::of(1..=86_400_u32),
        option::of(pools()),
    );
    let objects = (option::of(location), option::of(random), session());
    (flat(), maps, scalars, objects).prop_map(|(flat, maps, scalars, objects)| {
        let (steering_policy, failover_across_pools, ttl, default_pools) = scalars;
        let (location_strategy, random_steering, session) = objects;
        let weighed = flat.pool_weights.is_some() || flat.pool_default_weight.is_some();
        Overrides {
            steering_policy,
            default_pools,
            region_pools: maps.0,
            country_pools: maps.1,
            pop_pools: maps.2,
            random_steering: random_steering.filter(|_| !weighed),
            location_strategy,
            failover_across_pools,
            session,
            ttl,
            ..flat
        }
    })
}

fn session() -> impl Strategy<Value = SessionOverrides> {
    let attributes = (
        option::of(affinity_headers()),
        option::of(any::<bool>()),
        option::of(select(vec![SameSite::Auto, SameSite::Strict])),
        option::of(select(Secure::ALL)),
        option::of(select(ZeroDowntimeFailover::ALL)),
    )
        .prop_map(
            |(headers, require_all_headers, samesite, secure, zero_downtime_failover)| {
                PartialAttributes {
                    headers,
                    require_all_headers,
                    samesite,
                    secure,
                    zero_downtime_failover,
                }
            },
        );
    let affinity = option::of(select(SessionAffinity::ALL));
    (affinity, option::of(1_800..=3_600_u32), option::of(attributes))
        .prop_map(|(affinity, ttl, attributes)| SessionOverrides { affinity, ttl, attributes })
}

fn tenths() -> impl Strategy<Value = Weight> {
    (0..=10_u8).prop_map(|tenths| Weight::from_share(f64::from(tenths) / 10.0, 10).unwrap())
}

fn pool_id() -> impl Strategy<Value = PoolId> {
    (0..6_u8).prop_map(|n| PoolId::new([n; 16]))
}

fn pools() -> impl Strategy<Value = Vec<PoolId>> {
    let six: Vec<PoolId> = (0..6).map(|n| PoolId::new([n; 16])).collect();
    subsequence(six, 1..=6).prop_shuffle()
}

fn geo<Code: Ord + std::fmt::Debug>(
    code: impl Strategy<Value = Code>,
) -> impl Strategy<Value = BTreeMap<Code, Vec<PoolId>>> {
    btree_map(code, pools(), 0..3)
}

fn region() -> impl Strategy<Value = Region> {
    select(&Region::ALL[..])
}

fn code() -> impl Strategy<Value = Country> {
    "[A-Z]{2}".prop_map(|code| code.parse().unwrap())
}

fn pop() -> impl Strategy<Value = Pop> {
    "[A-Z]{3}".prop_map(|code| code.parse().unwrap())
}

fn vec_of<Code: Ord + std::fmt::Debug>(
    code: impl Strategy<Value = Code>,
) -> impl Strategy<Value = Vec<Code>> {
    prop::collection::btree_set(code, 0..3).prop_map(|codes| codes.into_iter().collect())
}
