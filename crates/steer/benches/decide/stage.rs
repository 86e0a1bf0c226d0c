//! The world that one decision is measured in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use trimtab_health::{EndpointHealth, PoolHealth, Probing, Schedule, Thresholds, Verdict};
use trimtab_model::balancer::{Overrides, RuleAction, Steering, SteeringPolicy};
use trimtab_model::pool::{Address, Weight};
use trimtab_model::{self as model, Coordinates, Moment, MonitorId, PoolId};
use trimtab_steer::{Balancer, Client, Pool, PoolSlot, Site, Subnet, Wanted, World};

/// Pools of the bench world, with five endpoints each.
pub(crate) const POOLS: u8 = 6;
/// A large balancer.
const POOLS_MANY: u8 = 50;
const RULES_MANY: usize = 20;

fn pool(number: u8, weights_differ: bool) -> Pool {
    let origins = (0..5).map(|host: u8| {
        let share = if weights_differ && host == 0 { 0.5 } else { 1.0 };
        model::Origin {
            name: format!("{number}-{host}"),
            address: Address::Ip([192, 0, number, host].into()),
            weight: Weight::from_share(share, 1).unwrap_or(Weight::ONE),
            ..trimtab_testkit::origin()
        }
    });
    let config = model::Pool {
        id: PoolId::new([number; 16]),
        name: number.to_string(),
        origins: origins.collect(),
        coordinates: Coordinates::new(f64::from(number) * 10.0, f64::from(number) * 20.0),
        ..trimtab_testkit::pool()
    };
    let up = EndpointHealth { verdict: Verdict::Up, ..EndpointHealth::unmonitored() };
    let limits = Thresholds::new(2, 2);
    let schedule = Schedule::new(Moment::default(), Duration::from_secs(60), limits);
    let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
    let health = PoolHealth::new(vec![up; 5].into(), [true; 5].into_iter(), 1, probings);
    Pool::build(&config, health)
}

pub(crate) fn world(pools: u8, weights_differ: bool) -> World {
    let pools = (0..pools).map(|number| Some(Arc::new(pool(number, weights_differ))));
    let geofeed = "10.81.0.0/16,JP,,,,35.68,139.69\n10.49.0.0/16,DE,,,,50.11,8.68\n";
    let table = trimtab_geo::Builder::empty().and_then(|builder| builder.geofeed(geofeed));
    World {
        pools: Arc::new(pools.collect()),
        balancers: Arc::default(),
        geo: Arc::new(table.map(|builder| builder.build()).expect("a geofeed of two lines")),
        site: Site::at("FRA".parse().expect("a code")).expect("an airport"),
        epochs: Arc::default(),
    }
}

fn balancer(policy: SteeringPolicy, pools: u8, rules: usize) -> Balancer {
    balancer_of(policy, pools, |config| config.rules = (0..rules).map(rule).collect())
}

/// Over that many pools, with what `change` makes of the rest.
pub(crate) fn balancer_of(
    policy: SteeringPolicy,
    pools: u8,
    change: impl FnOnce(&mut model::Balancer),
) -> Balancer {
    let pools: Vec<PoolId> = (0..pools).map(|number| PoolId::new([number; 16])).collect();
    let [_, _, third, fallback, ..] = pools[..] else { unreachable!("six pools") };
    let mut config = model::Balancer {
        steering: Steering {
            policy,
            default_pools: pools,
            fallback_pool: fallback,
            region_pools: BTreeMap::from([(model::Region::Neas, vec![third])]),
            ..trimtab_testkit::steering()
        },
        ..trimtab_testkit::balancer()
    };
    change(&mut config);
    Balancer::build(&config, |id| Some(PoolSlot(u32::from(id.bytes()[0])))).expect("a fallback")
}

/// Conditions of the kinds that people write; every fifth holds.
fn rule(number: usize) -> model::balancer::Rule {
    let condition = match number % 5 {
        0 => "dns.qry.name wildcard \"*.example.com.\" and dns.qry.type in {1 28}",
        1 => "ip.src in {192.0.2.0/24 198.51.100.0/24 203.0.113.0/24}",
        2 => "starts_with(dns.qry.name, \"beta.\") or dns.qry.name eq \"api.example.com.\"",
        3 => "cf.load_balancer.region in {\"SAF\" \"SSAM\"} and not dns.rr.opt.client",
        _ => "dns.qry.name.len > 200 or ends_with(dns.qry.name, \".test.\")",
    };
    let ttl = u32::try_from(number).ok().map(|number| number + 10);
    model::balancer::Rule {
        name: number.to_string(),
        condition: condition.into(),
        disabled: false,
        priority: 0,
        terminates: false,
        action: RuleAction::Overrides(Box::new(Overrides { ttl, ..Overrides::default() })),
    }
}

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) balancer: Balancer,
    pub(crate) client: Client<'static>,
    pub(crate) now: Moment,
}

pub(crate) fn stage(policy: SteeringPolicy, weights_differ: bool) -> Stage {
    staged(world(POOLS, weights_differ), balancer(policy, POOLS, 0))
}

pub(crate) fn large() -> Stage {
    staged(world(POOLS_MANY, true), balancer(SteeringPolicy::Random, POOLS_MANY, RULES_MANY))
}

pub(crate) fn staged(world: World, balancer: Balancer) -> Stage {
    Stage {
        world,
        balancer,
        client: Client {
            name: b"www.example.com.",
            address: [10, 49, 0, 1].into(),
            subnet: Some(Subnet { address: [10, 81, 5, 0].into(), source_prefix: 24 }),
            wanted: Wanted::A,
            load: None,
            session: false,
            http: None,
        },
        now: Moment::default() + Duration::from_secs(7),
    }
}
