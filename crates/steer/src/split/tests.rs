use std::sync::Arc;

use trimtab_geo::Builder;
use trimtab_health::{PoolHealth, Verdict as Health};
use trimtab_model::balancer::{
    Extension, PersistenceKey, PoolSet, PoolSetMatch, RandomSteering, RuleAction, Steering,
    SteeringPolicy,
};
use trimtab_model::pool::{Address, LoadShedding, OriginPolicy, ShedPolicy, Weight};
use trimtab_model::{self as model, Moment, PoolId};

use super::Unknown::{
    EndpointHash, Fallback, Families, Geo, Latency, ManyShed, Persistence, Proximity, Rules,
    ShedsByHash,
};
use super::*;
use crate::{Client, Site, Wanted, decide};

const RANDOM: SteeringPolicy = SteeringPolicy::Random;
const OFF: SteeringPolicy = SteeringPolicy::Off;
const BY_CHANCE: ShedPolicy = ShedPolicy::Random;
const BY_HASH: ShedPolicy = ShedPolicy::Hash;

/// One pool of a stage: its weight in the list, what it sheds, and whether it may be used.
#[derive(Clone, Copy, Debug)]
struct One {
    weight: f64,
    sheds: f64,
    by: ShedPolicy,
    up: bool,
}

fn one(weight: f64) -> One {
    One { weight, sheds: 0.0, by: BY_CHANCE, up: true }
}

fn sheds(percent: f64, by: ShedPolicy) -> One {
    One { sheds: percent, by, ..one(1.0) }
}

fn down() -> One {
    One { up: false, ..one(1.0) }
}

fn weight(share: f64) -> Weight {
    Weight::from_share(share, 1).unwrap()
}

fn pool_id(number: usize) -> PoolId {
    PoolId::new([u8::try_from(number).unwrap(); 16])
}

fn endpoint(number: usize, weight: f64) -> model::Origin {
    let address = Address::Ip([192, 0, 2, u8::try_from(number).unwrap()].into());
    model::Origin { address, weight: self::weight(weight), ..trimtab_testkit::origin() }
}

/// The pools of the list, and a pool after them that is the fallback and is in no list.
fn world(list: &[One]) -> World {
    let listed = list.iter().enumerate().map(|(number, one)| model::Pool {
        id: pool_id(number),
        origins: vec![model::Origin { enabled: one.up, ..endpoint(number, 1.0) }],
        load_shedding: LoadShedding {
            default_percent: one.sheds,
            default_policy: one.by,
            ..LoadShedding::default()
        },
        ..trimtab_testkit::pool()
    });
    let fallback = model::Pool {
        id: pool_id(list.len()),
        origins: vec![endpoint(99, 1.0)],
        ..trimtab_testkit::pool()
    };
    let pools: Vec<model::Pool> = listed.chain([fallback]).collect();
    let built = pools.iter().map(|pool| Pool::build(pool, PoolHealth::unmonitored(1)));
    world_of(built.collect())
}

fn world_of(pools: Vec<Pool>) -> World {
    World {
        pools: Arc::new(pools.into_iter().map(|pool| Some(Arc::new(pool))).collect()),
        balancers: Arc::default(),
        geo: Arc::new(Builder::empty().unwrap().build()),
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        epochs: Arc::default(),
    }
}

fn configuration(policy: SteeringPolicy, list: &[One], fallback: usize) -> model::Balancer {
    let weights =
        list.iter().enumerate().map(|(number, one)| (pool_id(number), weight(one.weight)));
    model::Balancer {
        steering: Steering {
            policy,
            default_pools: (0..list.len()).map(pool_id).collect(),
            fallback_pool: pool_id(fallback),
            random: RandomSteering { pool_weights: weights.collect(), ..RandomSteering::default() },
            ..trimtab_testkit::steering()
        },
        ..trimtab_testkit::balancer()
    }
}

fn built(config: &model::Balancer) -> Balancer {
    Balancer::build(config, |id| Some(PoolSlot(id.bytes()[0].into()))).unwrap()
}

/// What each pool of the list should get, and then the fallback pool: a percentage, or why none is known.
fn shares(world: &World, balancer: &Balancer) -> Vec<Result<String, Unknown>> {
    let split = split(world, balancer, 0, &Draws::default());
    split.pools.iter().map(|pool| told(pool.part.configured)).collect()
}

fn told(configured: Configured) -> Result<String, Unknown> {
    match configured {
        Configured::Share(share) => Ok(format!("{:.2}", share * 100.0)),
        Configured::Unknown(unknown) => Err(unknown),
    }
}

fn percentages(want: &[&str]) -> Vec<Result<String, Unknown>> {
    want.iter().map(|percent| Ok((*percent).to_owned())).collect()
}

#[test]
fn pools_share_by_their_weights_as_the_reference_architecture_works_them_out() {
    let check = |weights: &[f64], want: &[&str]| {
        let list: Vec<One> = weights.iter().map(|&weight| one(weight)).collect();
        for policy in
            [RANDOM, SteeringPolicy::LeastOutstandingRequests, SteeringPolicy::LeastConnections]
        {
            let balancer = built(&configuration(policy, &list, list.len()));
            assert_eq!(shares(&world(&list), &balancer), percentages(want), "{weights:?} {policy}");
        }
    };
    check(&[1.0, 1.0, 1.0], &["33.33", "33.33", "33.33", "0.00"]);
    check(&[0.4, 0.5, 0.6], &["26.67", "33.33", "40.00", "0.00"]);
    // Printed there as 31.57 %, so that the three add up to 100: 0.6 / 1.9 is 31.5789… %.
    check(&[0.8, 0.5, 0.6], &["42.11", "26.32", "31.58", "0.00"]);
    check(&[0.0, 0.7, 0.3], &["0.00", "70.00", "30.00", "0.00"]);
    check(&[0.0, 0.0], &["0.00", "0.00", "100.00"]);
}

#[test]
fn endpoints_share_by_their_weights_as_the_reference_architecture_works_them_out() {
    let check = |weights: &[f64], want: &[&str]| {
        let origins = weights.iter().enumerate().map(|(at, &weight)| endpoint(at + 1, weight));
        let pool =
            model::Pool { id: pool_id(0), origins: origins.collect(), ..trimtab_testkit::pool() };
        let world = world_of(vec![Pool::build(&pool, PoolHealth::unmonitored(weights.len()))]);
        let balancer = built(&configuration(OFF, &[one(1.0)], 0));
        let split = split(&world, &balancer, 0, &Draws::default());
        let endpoints = split.pools[0].endpoints.iter().map(|part| told(part.configured));
        assert_eq!(endpoints.collect::<Vec<_>>(), percentages(want), "{weights:?}");
    };
    check(&[1.0, 1.0, 1.0], &["33.33"; 3]);
    check(&[0.4, 0.5, 0.6], &["26.67", "33.33", "40.00"]);
    check(&[0.8, 0.5, 0.6], &["42.11", "26.32", "31.58"]);
    // More than an answer holds: each is as likely to come first as any other.
    check(&[0.5; 10], &["10.00"; 10]);
    check(&[0.0, 1.0], &["0.00", "100.00"]);
    check(&[0.0, 0.0], &["50.00", "50.00"]);
}

#[test]
fn who_sheds_by_chance_makes_the_others_draw_again() {
    let check = |policy, list: &[One], want: &[&str]| {
        let balancer = built(&configuration(policy, list, list.len()));
        assert_eq!(shares(&world(list), &balancer), percentages(want), "{policy} {list:?}");
    };
    check(RANDOM, &[sheds(50.0, BY_CHANCE), one(1.0)], &["25.00", "75.00", "0.00"]);
    check(RANDOM, &[sheds(100.0, BY_CHANCE), one(1.0)], &["0.00", "100.00", "0.00"]);
    // Half of the first draws meet 50 %, the other half 20 %; what both shed is the fallback pool's.
    let both = [sheds(50.0, BY_CHANCE), sheds(20.0, BY_CHANCE)];
    check(RANDOM, &both, &["30.00", "60.00", "10.00"]);
    check(RANDOM, &[down(), sheds(30.0, BY_CHANCE)], &["0.00", "70.00", "30.00"]);
    check(OFF, &[sheds(25.0, BY_CHANCE), one(1.0)], &["75.00", "25.00", "0.00"]);
    check(
        OFF,
        &[sheds(50.0, BY_CHANCE), down(), sheds(50.0, BY_CHANCE)],
        &["50.00", "0.00", "25.00", "25.00"],
    );
    check(OFF, &[down(), one(1.0), one(1.0)], &["0.00", "100.00", "0.00", "0.00"]);
    check(OFF, &[down()], &["0.00", "100.00"]);
    check(OFF, &[sheds(100.0, BY_HASH), one(1.0)], &["0.00", "100.00", "0.00"]);
}

#[test]
fn what_depends_on_the_client_has_no_configured_share() {
    let check = |policy, list: &[One], change: fn(&mut model::Balancer), want: &[Unknown]| {
        let mut config = configuration(policy, list, list.len());
        change(&mut config);
        let want: Vec<_> = want.iter().map(|&unknown| Err(unknown)).collect();
        let got = shares(&world(list), &built(&config));
        let unknown: Vec<_> = got.into_iter().filter(Result::is_err).collect();
        assert_eq!(unknown, want, "{policy} {list:?}");
    };
    let two = [one(1.0), one(1.0)];
    let as_is = |_: &mut model::Balancer| {};
    let persistent = |config: &mut model::Balancer| {
        let kept = model::balancer::Persistence { key: PersistenceKey::Resolver, ttl: None };
        config.extension = Extension { persistence: Some(kept), ..Extension::default() };
    };
    let ruled = |config: &mut model::Balancer| {
        config.pool_sets.push(PoolSet {
            name: String::new(),
            disabled: false,
            matches: PoolSetMatch::Everything,
            action: RuleAction::Overrides(Box::default()),
        });
    };
    check(SteeringPolicy::Geo, &two, as_is, &[Geo; 3]);
    check(SteeringPolicy::DynamicLatency, &two, as_is, &[Latency; 3]);
    check(SteeringPolicy::Proximity, &two, as_is, &[Proximity; 3]);
    check(RANDOM, &two, ruled, &[Rules; 3]);
    check(RANDOM, &two, persistent, &[Persistence; 2]);
    check(RANDOM, &[down(), one(1.0)], persistent, &[]);
    check(OFF, &two, persistent, &[]);
    check(RANDOM, &[sheds(20.0, BY_HASH), one(1.0)], as_is, &[ShedsByHash; 2]);
    check(OFF, &[sheds(20.0, BY_HASH)], as_is, &[ShedsByHash; 2]);
    check(RANDOM, &[sheds(1.0, BY_CHANCE); 12], as_is, &[]);
    check(RANDOM, &[sheds(1.0, BY_CHANCE); 13], as_is, &[ManyShed; 14]);
}

/// One pool that is list and fallback at once: the shares of its endpoints.
fn endpoints(
    origins: Vec<model::Origin>,
    policy: OriginPolicy,
    down: &[usize],
    one: One,
) -> Vec<Result<String, Unknown>> {
    let mut health = PoolHealth::unmonitored(origins.len());
    for &index in down {
        health.endpoints[index].verdict = Health::Down;
    }
    let pool = model::Pool {
        id: pool_id(0),
        origins,
        origin_steering: policy,
        load_shedding: LoadShedding {
            default_percent: one.sheds,
            default_policy: one.by,
            ..LoadShedding::default()
        },
        ..trimtab_testkit::pool()
    };
    let world = world_of(vec![Pool::build(&pool, health)]);
    let balancer = built(&configuration(OFF, &[one], 0));
    let split = split(&world, &balancer, 0, &Draws::default());
    split.pools[0].endpoints.iter().map(|part| told(part.configured)).collect()
}

#[test]
fn endpoints_have_no_configured_share_where_the_client_decides() {
    let check =
        |origins: &[model::Origin], policy, down: &[usize], one, want: &[Result<&str, Unknown>]| {
            let want: Vec<_> = want.iter().map(|want| want.map(str::to_owned)).collect();
            assert_eq!(endpoints(origins.to_vec(), policy, down, one), want);
        };
    let (random, hash) = (OriginPolicy::Random, OriginPolicy::Hash);
    let v4 = [endpoint(1, 1.0), endpoint(2, 1.0)];
    let v6 = model::Origin { address: Address::read("2001:db8::1").unwrap(), ..endpoint(3, 1.0) };
    let half = sheds(50.0, BY_CHANCE);
    check(&v4, random, &[], one(1.0), &[Ok("50.00"), Ok("50.00")]);
    check(&v4, hash, &[], one(1.0), &[Err(EndpointHash); 2]);
    check(&v4, hash, &[0], one(1.0), &[Ok("0.00"), Ok("100.00")]);
    check(&[v4[0].clone(), v6], random, &[], one(1.0), &[Err(Families); 2]);
    // Half of its answers are those of the fallback pool, which answers with what is down too.
    check(&v4, random, &[0], half, &[Err(Fallback); 2]);
    check(&v4, random, &[], half, &[Ok("50.00"), Ok("50.00")]);
    check(&v4, random, &[0, 1], one(1.0), &[Ok("50.00"), Ok("50.00")]);
}

#[test]
fn an_address_of_several_endpoints_counts_for_the_first_of_them_where_all_are_answered() {
    let at = |port, weight| model::Origin { port, ..endpoint(1, weight) };
    let check = |origins: &[model::Origin], policy, down: &[usize], want: &[_]| {
        let want = want.iter().map(|want: &Result<&str, _>| want.map(str::to_owned));
        let want: Vec<_> = want.collect();
        assert_eq!(endpoints(origins.to_vec(), policy, down, one(1.0)), want);
    };
    let (random, hash) = (OriginPolicy::Random, OriginPolicy::Hash);
    let equal = [at(80, 1.0), at(81, 1.0), endpoint(2, 1.0)];
    check(&equal, random, &[], &[Ok("50.00"), Ok("0.00"), Ok("50.00")]);
    check(&equal, random, &[0], &[Ok("0.00"), Ok("50.00"), Ok("50.00")]);
    check(&equal, hash, &[], &[Err(EndpointHash); 3]);
    check(&equal[..2], random, &[], &[Ok("100.00"), Ok("0.00")]);
    // The hash is of the port too: both have clients.
    check(&equal[..2], hash, &[], &[Err(EndpointHash); 2]);
    let drawn = [at(80, 0.2), at(81, 0.3), endpoint(2, 0.5)];
    check(&drawn, random, &[], &[Ok("20.00"), Ok("30.00"), Ok("50.00")]);
}

#[test]
fn what_is_worked_out_is_what_decisions_come_to() {
    const DRAWS: u64 = 20_000;
    let check = |policy, list: &[One]| {
        let (world, balancer) = (world(list), built(&configuration(policy, list, list.len())));
        let mut draws = Draws::default();
        let client = Client {
            name: b"",
            address: [10, 0, 0, 1].into(),
            subnet: None,
            wanted: Wanted::A,
            load: None,
            session: false,
            http: None,
        };
        for dice in 0..DRAWS {
            let decision = decide(&world, &balancer, &client, Moment::default(), dice);
            let endpoint = decision.picks.iter().next().map(|pick| pick.endpoint);
            draws.add_one(0, Drawn { pool: decision.why.pool, endpoint }, 1);
        }
        for part in split(&world, &balancer, 0, &draws).pools.iter().map(|pool| pool.part) {
            let Configured::Share(share) = part.configured else { panic!("{list:?}: {part:?}") };
            let deviation = (share * (1.0 - share) / DRAWS as f64).sqrt();
            assert!((part.drawn - share).abs() <= 5.0 * deviation, "{policy} {list:?}: {part:?}");
        }
    };
    for policy in [RANDOM, OFF] {
        check(policy, &[one(0.1), one(0.9), one(0.4), down()]);
        check(policy, &[sheds(50.0, BY_CHANCE), sheds(20.0, BY_CHANCE)]);
        check(policy, &[sheds(80.0, BY_CHANCE), one(0.3), sheds(10.0, BY_CHANCE), one(0.0)]);
        check(policy, &[sheds(60.0, BY_CHANCE); 5]);
        check(policy, &[down(), down()]);
    }
}

/// A canary of 10 %, drawn `count` times among `answers`.
fn canary(count: u64, answers: u64) -> Verdict {
    let list = [one(0.1), one(0.9)];
    let balancer = built(&configuration(RANDOM, &list, 2));
    let mut draws = Draws { epoch: 7, ..Draws::default() };
    for (pool, count) in [(0, count), (1, answers.saturating_sub(count))] {
        draws.add_one(7, Drawn { pool: Some(PoolSlot(pool)), endpoint: Some(0) }, count);
    }
    split(&world(&list), &balancer, 7, &draws).verdict
}

#[test]
fn a_verdict_needs_answers_and_a_narrow_interval() {
    let check = |count, answers, want| {
        assert_eq!(canary(count, answers), want, "{count} of {answers}");
    };
    check(0, 0, Verdict::TooFew);
    check(99, 99, Verdict::TooFew);
    check(100, 100, Verdict::Differs);
    check(10, 100, Verdict::TooFew);
    check(30, 300, Verdict::TooFew);
    check(40, 400, Verdict::AsConfigured);
    check(300, 3_000, Verdict::AsConfigured);
    check(240, 3_000, Verdict::TooFew);
    check(360, 3_000, Verdict::TooFew);
    check(200, 3_000, Verdict::Differs);
    check(410, 3_000, Verdict::Differs);
    check(0, 3_000, Verdict::Differs);
}

#[test]
fn all_and_nothing_are_judged_from_the_first_answer() {
    let check = |counts: &[u64], want| {
        let list = [one(1.0), one(1.0)];
        let balancer = built(&configuration(OFF, &list, 2));
        let mut draws = Draws::default();
        for (pool, &count) in (0..).zip(counts) {
            draws.add_one(0, Drawn { pool: Some(PoolSlot(pool)), endpoint: Some(0) }, count);
        }
        assert_eq!(split(&world(&list), &balancer, 0, &draws).verdict, want, "{counts:?}");
    };
    check(&[1, 0], Verdict::AsConfigured);
    check(&[100_000, 0], Verdict::AsConfigured);
    check(&[100_000, 1], Verdict::Differs);
    check(&[0, 0, 1], Verdict::Differs);
}

#[test]
fn draws_of_another_epoch_count_for_nothing() {
    let drawn = Drawn { pool: Some(PoolSlot(0)), endpoint: None };
    let of = |epoch, count| Draws { epoch, counts: [(drawn, count)].into() };
    let check = |parts: &[(u32, u64)], want: Draws| {
        let (mut whole, mut single) = (Draws::default(), Draws::default());
        for &(epoch, count) in parts {
            whole.add(&of(epoch, count));
            single.add_one(epoch, drawn, count);
        }
        assert_eq!((&whole, &single), (&want, &want), "{parts:?}");
    };
    check(&[(0, 3), (0, 4)], of(0, 7));
    check(&[(1, 3), (2, 4)], of(2, 4));
    check(&[(2, 4), (1, 3)], of(2, 4));
    check(&[(2, 4), (1, 3), (2, 1)], of(2, 5));
    let list = [one(1.0)];
    let balancer = built(&configuration(OFF, &list, 1));
    let answers = |epoch| split(&world(&list), &balancer, epoch, &of(2, 4)).answers;
    assert_eq!([1, 2, 3].map(answers), [0, 4, 0]);
}
