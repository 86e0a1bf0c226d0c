use std::sync::Arc;

use trimtab_health::PoolHealth;
use trimtab_model::balancer::{
    AffinityAttributes, Overrides, Rule, RuleAction, SessionAffinity, SessionOverrides,
};
use trimtab_model::{self as model, PoolId};

use super::*;
use crate::{Pool, Site};

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * MICROS_PER_SECOND)
}

/// A proxied balancer over that pool, with cookies and this drain.
fn balancer(pool: u8, drain_duration: u32) -> model::Balancer {
    let pool = PoolId::new([pool; 16]);
    let attributes = AffinityAttributes { drain_duration, ..AffinityAttributes::default() };
    let steering = trimtab_testkit::steering();
    model::Balancer {
        proxied: true,
        affinity: model::balancer::Affinity {
            kind: SessionAffinity::Cookie,
            attributes,
            ..trimtab_testkit::balancer().affinity
        },
        steering: model::balancer::Steering {
            default_pools: vec![pool],
            fallback_pool: pool,
            ..steering
        },
        ..trimtab_testkit::balancer()
    }
}

/// The seconds at which the drain of an endpoint of pool 1 that was disabled at 1000 ends, asked at 1010.
fn drained(balancers: &[model::Balancer]) -> Option<i64> {
    let pools: Vec<_> = [1, 2]
        .map(|id| {
            let origin = model::Origin {
                enabled: false,
                disabled_at: Some(seconds(1000)),
                ..trimtab_testkit::origin()
            };
            let config = model::Pool {
                id: PoolId::new([id; 16]),
                origins: vec![origin],
                ..trimtab_testkit::pool()
            };
            Some(Arc::new(Pool::build(&config, PoolHealth::unmonitored(1))))
        })
        .into();
    let slot = |id: PoolId| (0..).map(PoolSlot).zip([1, 2]).find(|(_, n)| id.bytes()[0] == *n);
    let built = balancers
        .iter()
        .map(|config| Some(Arc::new(Balancer::build(config, |id| Some(slot(id)?.0)).unwrap())));
    let world = World {
        pools: Arc::new(pools),
        balancers: Arc::new(built.collect()),
        geo: Arc::new(trimtab_geo::Builder::empty().unwrap().build()),
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        epochs: Arc::default(),
    };
    let endpoint = &world.pool(PoolSlot(0)).unwrap().endpoints[0];
    let ends = until(&world, PoolSlot(0), endpoint, seconds(1010))?;
    assert_eq!(until(&world, PoolSlot(0), endpoint, ends), None, "at its end");
    Some(ends.micros() / MICROS_PER_SECOND)
}

#[test]
fn semantics_33_the_longest_drain_of_the_balancers_that_use_the_pool_counts() {
    let check = |balancers: &[model::Balancer], want: Option<i64>| {
        assert_eq!(drained(balancers), want);
    };
    check(&[], None);
    check(&[balancer(1, 60)], Some(1060));
    check(&[balancer(1, 60), balancer(1, 90), balancer(2, 120)], Some(1090));
    check(&[balancer(1, 0)], None);
    check(&[balancer(1, 10)], None);
    check(&[model::Balancer { proxied: false, ..balancer(1, 60) }], None);
    check(&[model::Balancer { enabled: false, ..balancer(1, 60) }], None);
}

#[test]
fn semantics_33_a_rule_that_turns_affinity_on_is_enough() {
    let mut of_rule = balancer(1, 60);
    of_rule.affinity.kind = SessionAffinity::None;
    assert_eq!(drained(std::slice::from_ref(&of_rule)), None);
    let session =
        SessionOverrides { affinity: Some(SessionAffinity::Cookie), ..SessionOverrides::default() };
    of_rule.rules = vec![Rule {
        action: RuleAction::Overrides(Box::new(Overrides { session, ..Overrides::default() })),
        name: String::new(),
        condition: String::new(),
        disabled: false,
        priority: 0,
        terminates: false,
    }];
    assert_eq!(drained(&[of_rule]), Some(1060));
}
