//! What `trimtab explain` prints: whole explanations of small worlds.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::sync::Arc;

use trimtab_geo::Builder;
use trimtab_health::PoolHealth;
use trimtab_model::balancer::{Overrides, Rule, RuleAction, Steering};
use trimtab_model::pool::{Address, LoadShedding};
use trimtab_model::{self as model, Moment, PoolId};
use trimtab_steer::tell::tell;
use trimtab_steer::{Balancer, Client, Pool, PoolSlot, Site, Wanted, World, explain};

fn pool(number: u8, name: &str, address: &str) -> model::Pool {
    let address = Address::read(address).unwrap();
    let origins = vec![model::Origin { address, ..trimtab_testkit::origin() }];
    let id = PoolId::new([number; 16]);
    model::Pool { id, name: name.into(), origins, ..trimtab_testkit::pool() }
}

fn rule(name: &str, condition: &str, over: Overrides) -> Rule {
    Rule {
        name: name.into(),
        condition: condition.into(),
        disabled: false,
        priority: 0,
        terminates: false,
        action: RuleAction::Overrides(Box::new(over)),
    }
}

fn check(policy: &str, pools: Vec<model::Pool>, rules: Vec<Rule>, want: &[&str]) {
    let now = Moment::default();
    let steering = Steering {
        policy: policy.parse().unwrap(),
        default_pools: pools.iter().map(|pool| pool.id).collect(),
        ..trimtab_testkit::steering()
    };
    let config = model::Balancer { steering, rules, ..trimtab_testkit::balancer() };
    let slot = |id: PoolId| Some(PoolSlot(id.bytes()[0].into()));
    let balancer = Balancer::build(&config, slot).unwrap();
    let health = |pool: &model::Pool| PoolHealth::unmonitored(pool.origins.len());
    let world = World {
        pools: Arc::new(
            pools.iter().map(|pool| Some(Arc::new(Pool::build(pool, health(pool))))).collect(),
        ),
        balancers: Arc::default(),
        geo: Arc::new(Builder::empty().unwrap().build()),
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        epochs: Arc::default(),
    };
    let client = Client {
        name: b"www.example.com.",
        address: [10, 0, 0, 1].into(),
        subnet: None,
        wanted: Wanted::A,
        load: None,
        session: false,
        http: None,
    };
    let (decision, steps) = explain(&world, &balancer, &client, now, 1);
    assert_eq!(tell(&balancer, &decision.why, &steps, &world, now), want);
}

#[test]
fn rules_are_told_before_the_policy_that_came_of_them() {
    let random = Overrides { steering_policy: "random".parse().ok(), ..Overrides::default() };
    check(
        "off",
        vec![pool(0, "fra", "192.0.2.1")],
        vec![
            rule("nights", "dns.qry.name contains \"night\"", Overrides::default()),
            rule("", "dns.qry.type eq 1", random),
            rule("odd", "no.such.field eq 1", Overrides::default()),
        ],
        &[
            "rule \"nights\" does not hold",
            "rule 2 holds",
            "rule \"odd\" does not hold: its condition cannot be read by this version",
            "www.example.com steers by chance, in proportion to weights",
            "pool fra is in, with weight 1",
            "the dice fell on 56 of 100",
            "pool fra is chosen: by chance",
            "all 1 endpoints weigh the same: all, shuffled",
            "answer 192.0.2.1 (origin, not monitored)",
            "TTL 30 s, as configured",
        ],
    );
}

#[test]
fn a_fixed_response_leaves_nothing_to_steer() {
    let fixed = RuleAction::FixedResponse(Default::default());
    let closed = Rule { action: fixed, ..rule("closed", "", Overrides::default()) };
    check(
        "off",
        vec![pool(0, "fra", "192.0.2.1")],
        vec![closed],
        &["rule \"closed\" holds", "TTL 30 s, as configured"],
    );
}

#[test]
fn pools_that_shed_and_names_that_were_never_resolved_are_told() {
    let shedding = LoadShedding { default_percent: 100.0, ..LoadShedding::default() };
    let busy = model::Pool { load_shedding: shedding, ..pool(0, "busy", "192.0.2.1") };
    check(
        "dynamic_latency",
        vec![busy, pool(1, "named", "origin.example.net"), pool(2, "iad", "192.0.2.3")],
        Vec::new(),
        &[
            "www.example.com steers by latency, as probes from this place measure it",
            "pool busy is in",
            "pool named is out: fewer endpoints are up than it needs \
             [origin.example.net was never resolved]",
            "pool iad is in",
            "nobody here has measured pool busy, so failover order holds",
            "pool busy sheds 100 % of its requests, by chance; this is one",
            "pool iad is chosen: the first in order that may be used",
            "all 1 endpoints weigh the same: all, shuffled",
            "answer 192.0.2.3 (origin, not monitored)",
            "TTL 30 s, as configured",
        ],
    );
}

#[test]
fn a_fallback_pool_without_an_enabled_endpoint_is_told_to_be_so() {
    let mut off = pool(0, "fra", "192.0.2.1");
    off.origins[0].enabled = false;
    check(
        "off",
        vec![off],
        Vec::new(),
        &[
            "www.example.com steers by failover order",
            "pool fra is out: no endpoint of it is enabled",
            "pool fra is chosen: no other pool may be used, and the fallback pool always may",
            "no endpoint of it is enabled",
            "TTL 30 s, as configured",
        ],
    );
    check(
        "off",
        vec![pool(0, "fra", "2001:db8::1")],
        Vec::new(),
        &[
            "www.example.com steers by failover order",
            "pool fra is chosen: the first in order that may be used",
            "no endpoint has an address of the family asked for",
            "TTL 30 s, as configured",
        ],
    );
}
