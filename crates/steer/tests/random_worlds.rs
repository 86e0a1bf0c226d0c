//! Random configurations, health and questions: what must hold of every decision.
//!
//! `TRIMTAB_WORLDS=1000000 cargo test --release -p trimtab-steer --test random_worlds` asks fifty million questions.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use trimtab_geo::{Builder, Table};
use trimtab_health::{
    EndpointHealth, MemberHealth, Observation, PoolHealth, Probing, Rtt, Schedule, State,
    Thresholds, Verdict,
};
use trimtab_model::balancer::{
    Extension, FixedResponse, Overrides, Persistence, PersistenceKey, PoolSet, PoolSetMatch,
    RandomSteering, Rule, RuleAction, SessionAffinity, SessionOverrides, Steering, SteeringPolicy,
};
use trimtab_model::pool::{Address, LoadShedding, OriginPolicy, ShedPolicy, Weight};
use trimtab_model::{self as model, Coordinates, Moment, MonitorId, PoolId, Region, Timestamp};
use trimtab_steer::dice::Dice;
use trimtab_steer::pool::Usable;
use trimtab_steer::what_if::{Asking, Flip};
use trimtab_steer::why::PoolChoice;
use trimtab_steer::{
    Balancer, Client, Decision, Pool, PoolSlot, Site, Subnet, Wanted, World, decide, explain,
};

#[path = "random_worlds/requests.rs"]
mod requests;

/// With fifty questions each, a million.
const WORLDS: u32 = 20_000;
const QUESTIONS: u32 = 50;
/// Proxied requests, each of which fails until nothing is left.
const REQUESTS: u32 = 10;
const FEED: &str = "10.0.0.0/10,DE,,,,50.11,8.68\n10.64.0.0/10,JP,,,,35.68,139.69\n\
                    10.128.0.0/12,US,,,,38.9,-77.0\n10.144.0.0/20,BR,,,,-23.5,-46.6\n";
const OPERATORS: &str =
    "prefix,operator,site\n10.3.0.0/16,google,FRA\n10.70.0.0/16,google,NRT\n10.130.0.0/16,quad9,\n";
const LATENCIES: &str = "source,pool,ms\n10.0.0.0/12,0,20\n10.2.0.0/15,0,80\n10.2.0.0/15,1,30\n\
                         10.130.0.0/18,2,5\nWEU,1,40\nNEAS,0,100\nNEAS,2,10\n";
/// One question in so many is also asked of every world in which one verdict differs.
const TURNED_EVERY: u32 = 40;
/// For an answer that is another one once in a few thousand cases.
const DICE_TRIED_MAX: u64 = 50_000;
const CONDITIONS: [&str; 6] = [
    "",
    "ip.src in {10.0.0.0/9}",
    "dns.qry.type eq 28",
    "dns.qry.name eq \"www.example.com.\" and not dns.rr.opt.client",
    "http.host ne \"x\"",
    "this is no condition",
];

/// Draws for everything that is random here.
struct Chance(Dice);

impl Chance {
    fn below(&mut self, limit: u32) -> u32 {
        self.0.below(limit)
    }

    fn one_in(&mut self, many: u32) -> bool {
        self.below(many) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u32) as usize]
    }

    fn pools(&mut self, count: u8) -> Vec<PoolId> {
        let mut pools: Vec<u8> = (0..count).filter(|_| !self.one_in(3)).collect();
        for last in (1..pools.len()).rev() {
            pools.swap(last, self.below(last as u32 + 1) as usize);
        }
        pools.into_iter().map(|number| PoolId::new([number; 16])).collect()
    }

    fn lists(&mut self, pools: u8) -> BTreeMap<Region, Vec<PoolId>> {
        let regions = [Region::Weu, Region::Neas, Region::Enam];
        let list = |region| self.one_in(2).then(|| (region, self.pools(pools)));
        regions.into_iter().filter_map(list).collect()
    }

    fn weight(&mut self) -> Weight {
        Weight::from_share(f64::from(self.below(4)) * 0.25, 1).unwrap()
    }
}

fn pool(number: u8, geo: &Table, now: Moment, chance: &mut Chance) -> Pool {
    let (equal, several_ports) = (chance.one_in(2), chance.one_in(3));
    let origins = (0..chance.below(5)).map(|host| model::Origin {
        name: host.to_string(),
        address: Address::Ip(match chance.one_in(4) {
            true => [0x2001, 0xdb8, 0, 0, 0, 0, number.into(), host as u16].into(),
            false if several_ports => [192, 0, number, host as u8 / 3].into(),
            false => [192, 0, number, host as u8].into(),
        }),
        port: host as u16,
        enabled: !chance.one_in(4),
        disabled_at: chance.one_in(2).then(|| Timestamp::from_micros(7_000_000)),
        weight: if equal { Weight::ONE } else { chance.weight() },
        ..trimtab_testkit::origin()
    });
    let origins: Vec<_> = origins.collect();
    let config = model::Pool {
        id: PoolId::new([number; 16]),
        name: number.to_string(),
        enabled: !chance.one_in(6),
        origin_steering: chance.of(OriginPolicy::ALL),
        minimum_origins: 1 + chance.below(2),
        coordinates: Coordinates::new(f64::from(chance.below(120)) - 60.0, 8.0)
            .filter(|_| !chance.one_in(4)),
        load_shedding: LoadShedding {
            default_percent: chance.of(&[0.0, 0.0, 0.0, 30.0, 100.0]),
            default_policy: chance.of(&[ShedPolicy::Random, ShedPolicy::Hash]),
            session_percent: chance.of(&[0.0, 50.0]),
        },
        origins,
        ..trimtab_testkit::pool()
    };
    let health = health(&config, now, chance);
    Pool::build(&config, health).measured_by(geo.latencies())
}

fn health(pool: &model::Pool, now: Moment, chance: &mut Chance) -> PoolHealth {
    if chance.one_in(4) {
        return PoolHealth::unmonitored(pool.origins.len());
    }
    let verdicts = [Verdict::Up, Verdict::Up, Verdict::Down, Verdict::Unknown];
    let endpoints = pool.origins.iter().map(|_| {
        let verdict = chance.of(&verdicts);
        let observers = Box::new([("FRA".parse().unwrap(), observation(now, chance))]);
        EndpointHealth {
            verdict,
            members: Box::new([MemberHealth::alone(verdict, observers)]),
            ..EndpointHealth::unmonitored()
        }
    });
    let endpoints = endpoints.collect();
    let interval = Duration::from_secs(10 + u64::from(chance.below(60)));
    let schedule = Schedule::new(now, interval, Thresholds::new(chance.below(3), 1));
    let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
    let enabled = pool.origins.iter().map(|origin| origin.enabled);
    PoolHealth::new(endpoints, enabled, pool.minimum_origins, probings)
}

fn observation(now: Moment, chance: &mut Chance) -> Observation {
    let rtt = Duration::from_millis(1 + u64::from(chance.below(200)));
    let rtt = (!chance.one_in(5)).then(|| Rtt::first(rtt, now));
    Observation { state: State::Up { fails: 0, passes: 0 }, rtt, ..Observation::unknown(now) }
}

fn action(pools: u8, chance: &mut Chance) -> RuleAction {
    if chance.one_in(8) {
        return RuleAction::FixedResponse(FixedResponse::default());
    }
    RuleAction::Overrides(Box::new(Overrides {
        steering_policy: chance.one_in(3).then(|| policy(chance)),
        default_pools: chance.one_in(2).then(|| chance.pools(pools)),
        fallback_pool: chance
            .one_in(3)
            .then(|| PoolId::new([chance.below(pools.into()) as u8; 16])),
        region_pools: chance.one_in(3).then(|| chance.lists(pools)),
        pool_default_weight: chance.one_in(3).then(|| chance.weight()),
        ttl: chance.one_in(3).then(|| chance.below(100)),
        failover_across_pools: chance.one_in(3).then(|| chance.one_in(2)),
        session: SessionOverrides {
            affinity: chance.one_in(3).then(|| chance.of(SessionAffinity::ALL)),
            ..SessionOverrides::default()
        },
        ..Overrides::default()
    }))
}

fn policy(chance: &mut Chance) -> SteeringPolicy {
    chance.of(&[
        SteeringPolicy::Unset,
        SteeringPolicy::Off,
        SteeringPolicy::Geo,
        SteeringPolicy::Random,
        SteeringPolicy::DynamicLatency,
        SteeringPolicy::Proximity,
        SteeringPolicy::LeastOutstandingRequests,
        SteeringPolicy::LeastConnections,
    ])
}

fn balancer(pools: u8, chance: &mut Chance) -> model::Balancer {
    let rules = (0..chance.below(4)).map(|_| Rule {
        name: String::new(),
        condition: chance.of(&CONDITIONS).into(),
        disabled: chance.one_in(5),
        priority: chance.below(3),
        terminates: chance.one_in(4),
        action: action(pools, chance),
    });
    let rules = rules.collect();
    let pool_sets = (0..chance.below(2)).map(|_| PoolSet {
        name: String::new(),
        disabled: false,
        matches: PoolSetMatch::Topology {
            pops: Vec::new(),
            countries: vec!["DE".parse().unwrap(), "US".parse().unwrap()],
            regions: vec![Region::Neas],
        },
        action: action(pools, chance),
    });
    let pool_sets = pool_sets.collect();
    let mut steering = Steering {
        policy: policy(chance),
        default_pools: chance.pools(pools),
        fallback_pool: PoolId::new([chance.below(pools.into()) as u8; 16]),
        region_pools: chance.lists(pools),
        random: RandomSteering { default_weight: chance.weight(), pool_weights: BTreeMap::new() },
        failover_across_pools: chance.one_in(2),
        ..trimtab_testkit::steering()
    };
    steering.resolve();
    model::Balancer {
        name: "*.example.com".parse().unwrap(),
        steering,
        affinity: requests::affinity(chance),
        rules,
        pool_sets,
        extension: Extension { persistence: persistence(chance), ..Extension::default() },
        ..trimtab_testkit::balancer()
    }
}

fn persistence(chance: &mut Chance) -> Option<Persistence> {
    let key = chance.of(PersistenceKey::ALL);
    chance.one_in(4).then_some(Persistence { key, ttl: None })
}

fn client(chance: &mut Chance) -> Client<'static> {
    let anywhere = |chance: &mut Chance| 0x0A00_0000 | chance.below(1 << 24);
    let source_prefix = chance.of(&[0, 8, 12, 20, 24, 32]);
    let subnet = Subnet { address: cut(anywhere(chance), source_prefix), source_prefix };
    Client {
        name: chance.of(&[&b"www.example.com."[..], b"api.example.com."]),
        address: IpAddr::V4(Ipv4Addr::from_bits(anywhere(chance))),
        subnet: (!chance.one_in(3)).then_some(subnet),
        wanted: chance.of(&[Wanted::A, Wanted::A, Wanted::Aaaa]),
        load: None,
        session: chance.one_in(5),
        http: None,
    }
}

fn cut(bits: u32, prefix: u8) -> IpAddr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    IpAddr::V4(Ipv4Addr::from_bits(bits & mask))
}

/// The client as queries are read: a source prefix of 0 asks that nothing of its address be used (RFC 7871 section
/// 7.1.2).
fn as_read(client: &Client<'static>) -> Client<'static> {
    Client { subnet: client.subnet.filter(|subnet| subnet.source_prefix > 0), ..*client }
}

/// Another subnet of the same length inside the scope.
fn neighbour(client: &Client<'static>, scope: u8, chance: &mut Chance) -> Client<'static> {
    let Some(Subnet { address: IpAddr::V4(address), source_prefix }) = client.subnet else {
        return *client;
    };
    let free = u32::MAX.checked_shr(scope.into()).unwrap_or(0);
    let bits = address.to_bits() ^ (chance.0.draw() as u32 & free);
    let subnet = Subnet { address: cut(bits, source_prefix), source_prefix };
    Client { subnet: Some(subnet), ..*client }
}

fn addresses(decision: &Decision<'_>) -> Vec<IpAddr> {
    decision.picks.iter().filter_map(|pick| pick.data.address()).collect()
}

fn check_picks(world: &World, named: &[PoolId], client: &Client<'_>, decision: &Decision<'_>) {
    let Some(slot) = decision.why.pool else {
        assert!(decision.picks.is_empty());
        assert!(matches!(decision.why.chosen, PoolChoice::Nothing | PoolChoice::FixedResponse));
        return;
    };
    let pool = world.pool(slot).unwrap();
    assert!(pool.enabled && named.contains(&pool.id));
    let fallback = decision.why.chosen == PoolChoice::Fallback;
    assert!(fallback || pool.usable == Usable::Yes);
    for pick in decision.picks.iter() {
        let index = usize::from(pick.endpoint);
        assert!(pool.endpoints[index].enabled);
        assert!(fallback || pool.health.endpoints[index].verdict.serves());
        assert_eq!(pick.data.address().unwrap().is_ipv4(), client.wanted == Wanted::A);
    }
    let told = addresses(decision);
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "{told:?}");
}

fn check(world: &World, balancer: &Balancer, named: &[PoolId], now: Moment, chance: &mut Chance) {
    let asked = client(chance);
    let client = as_read(&asked);
    let (now, dice) = (now + Duration::from_millis(chance.below(100_000).into()), chance.0.draw());
    let decision = decide(world, balancer, &client, now, dice);
    check_picks(world, named, &client, &decision);
    assert!(decision.ttl >= 1);
    let (told, _steps) = explain(world, balancer, &asked, now, dice);
    assert_eq!(addresses(&told), addresses(&decision));
    assert_eq!(
        (told.ttl, told.scope, told.soonest_flip, told.why),
        (decision.ttl, decision.scope, decision.soonest_flip, decision.why)
    );
    let source = client.subnet.map_or(0, |subnet| subnet.source_prefix);
    assert!(decision.scope <= source, "{} of {source}", decision.scope);
    let near = neighbour(&client, decision.scope, chance);
    let same = decide(world, balancer, &near, now, dice);
    assert_eq!(
        (addresses(&same), same.why.pool, same.scope),
        (addresses(&decision), decision.why.pool, decision.scope),
        "{near:?} is in the scope of {client:?}"
    );
    if chance.one_in(TURNED_EVERY) {
        check_what_if(&Asking { world, balancer, client: &asked, now, dice }, &client, &decision);
    }
}

/// Where it is told that the next question draws again, though the same pool, other dice give another answer.
fn check_draw(asking: &Asking<'_>, decision: &Decision<'_>) {
    let Asking { world, balancer, client, now, dice } = *asking;
    let answer = |decision: &Decision<'_>| {
        let mut addresses = addresses(decision);
        addresses.sort();
        (decision.why.pool, addresses)
    };
    let told_as = answer(decision);
    let differs = (1..=DICE_TRIED_MAX).any(|other| {
        let dice = dice ^ other.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        answer(&decide(world, balancer, client, now, dice)) != told_as
    });
    assert!(differs, "{:?} of {client:?}", decision.why);
}

/// The verdicts that would flip the answer are those that do, and no others, wherever they are; and the runner-up is
/// what is chosen without the pool that was.
fn check_what_if(asking: &Asking<'_>, client: &Client<'_>, decision: &Decision<'_>) {
    let Asking { world, balancer, now, dice, .. } = *asking;
    let steps = explain(world, balancer, client, now, dice).1;
    let flips = asking.flips(decision, &steps);
    if flips.contains(&Flip::Draw { same_percent: 100.0 }) {
        check_draw(asking, decision);
    }
    let told = flips.into_iter().filter_map(|flip| match flip {
        Flip::Verdict { pool, endpoint, .. } => Some((pool, usize::from(endpoint))),
        Flip::Draw { .. } | Flip::Nearer { .. } | Flip::Faster { .. } => None,
    });
    let told: BTreeSet<_> = told.collect();
    let all = (0..).map(PoolSlot).zip(world.pools.iter().flatten());
    let turned = all.flat_map(|(slot, pool)| {
        let endpoints = pool.health.endpoints.iter().enumerate();
        endpoints.filter_map(move |(index, health)| {
            let to = match health.verdict {
                Verdict::Unmonitored => return None,
                Verdict::Up => Verdict::Down,
                Verdict::Down | Verdict::Unknown | Verdict::Ejected { .. } => Verdict::Up,
            };
            Some((slot, index, Pool::clone(pool).with_verdict(index, to)))
        })
    });
    let flipping: BTreeSet<_> = turned
        .filter(|(slot, _, pool)| {
            let world = with_pool(world, *slot, pool.clone());
            let other = decide(&world, balancer, client, now, dice);
            let sorted = |decision: &Decision<'_>| {
                let mut addresses = addresses(decision);
                addresses.sort();
                (decision.why.pool, addresses)
            };
            sorted(&other) != sorted(decision)
        })
        .map(|(slot, index, _)| (slot, index))
        .collect();
    assert_eq!(told, flipping, "{client:?} {balancer:?} {steps:?}");
    let Some(chosen) = decision.why.pool else { return };
    let without = with_pool(world, chosen, Pool::clone(world.pool(chosen).unwrap()).disabled());
    let second = decide(&without, balancer, client, now, dice).why;
    assert_eq!(asking.runner_up(decision), second.pool.map(|pool| (pool, second.chosen)));
    assert_ne!(second.pool, Some(chosen));
}

fn with_pool(world: &World, slot: PoolSlot, pool: Pool) -> World {
    let mut pools = Vec::clone(&world.pools);
    pools[slot.0 as usize] = Some(Arc::new(pool));
    World { pools: Arc::new(pools), ..world.clone() }
}

fn geo() -> Arc<Table> {
    let table = Builder::empty().unwrap().geofeed(FEED).unwrap().operators(OPERATORS).unwrap();
    Arc::new(table.latencies(LATENCIES).unwrap().build())
}

#[test]
fn every_decision_keeps_its_promises() {
    let worlds = std::env::var("TRIMTAB_WORLDS").map_or(WORLDS, |worlds| worlds.parse().unwrap());
    let (now, geo) = (Moment::default(), geo());
    for seed in 0..worlds {
        let mut chance = Chance(Dice::new(seed.into()));
        let pools = 1 + chance.below(6) as u8;
        let built = (0..pools).map(|number| Some(Arc::new(pool(number, &geo, now, &mut chance))));
        let world = World {
            pools: Arc::new(built.collect()),
            balancers: Arc::default(),
            geo: Arc::clone(&geo),
            site: Site::at("FRA".parse().unwrap()).unwrap(),
            epochs: Arc::default(),
        };
        let config = balancer(pools, &mut chance);
        let named = config.pools();
        let slot = |id: PoolId| Some(PoolSlot(id.bytes()[0].into()));
        let balancer = Balancer::build(&config, slot).unwrap();
        for _ in 0..QUESTIONS {
            check(&world, &balancer, &named, now, &mut chance);
        }
        for _ in 0..REQUESTS {
            let address = IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 | chance.below(1 << 24)));
            let seconds = chance.below(100).into();
            let (world, balancer) = (&world, &balancer);
            requests::Case { world, balancer, now, address, seconds }.check(&mut chance);
        }
    }
}
