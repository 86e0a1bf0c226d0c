//! The share that each pool and endpoint should get, worked out from weights and not by drawing.

use std::collections::BTreeMap;

use trimtab_model::balancer::SteeringPolicy;
use trimtab_model::pool::{OriginPolicy, ShedPolicy};

use super::{Configured, Unknown};
use crate::balancer::Candidate;
use crate::pool::{Set, Usable};
use crate::{Balancer, Pool, PoolSlot, Wanted, World};

/// Pools that shed, up to which every order in which they can shed is worked through: 2¹² sets of pools.
pub(super) const SHEDDING_MAX: usize = 12;
/// Shares this near to none or all are what rounding left of none or all.
const NEGLIGIBLE: f64 = 1e-12;

/// What one balancer's pools should get.
pub(super) struct Expected {
    /// Every pool that is named anywhere, in the order of the list, the fallback pool after it.
    order: Vec<PoolSlot>,
    pools: Result<BTreeMap<PoolSlot, Chance>, Unknown>,
    /// Why shares that chance would decide are unknown; certain ones are not touched.
    by_client: Option<Unknown>,
    kept: bool,
    fallback: PoolSlot,
    ruled: bool,
}

/// One pool's part of all answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Chance {
    steered: f64,
    fallback: f64,
}

/// A candidate that may be drawn.
struct Open {
    pool: PoolSlot,
    weight: f64,
    /// The share of its requests that it hands on.
    sheds: f64,
    /// Its place in a set of pools that have shed; 0 for one that keeps all.
    bit: usize,
}

/// What the candidates take, and what they leave to the fallback pool.
#[derive(Default)]
struct Steered {
    of: BTreeMap<PoolSlot, f64>,
    left: f64,
}

// === impl Expected ===

impl Expected {
    pub(super) fn of(world: &World, balancer: &Balancer) -> Expected {
        let steered = steered(world, balancer);
        let shed_by_hash = steered.is_ok() && sheds_by_hash(world, balancer);
        Expected {
            order: order(balancer),
            pools: steered.map(|steered| with_fallback(steered, world, balancer)),
            by_client: match balancer.persistence {
                Some(_) => Some(Unknown::Persistence),
                None => shed_by_hash.then_some(Unknown::ShedsByHash),
            },
            kept: balancer.persistence.is_some(),
            fallback: balancer.fallback,
            ruled: !balancer.rules.is_empty(),
        }
    }

    pub(super) fn pools(&self) -> impl Iterator<Item = PoolSlot> {
        self.order.iter().copied()
    }

    /// Of all answers of the balancer.
    pub(super) fn pool(&self, slot: PoolSlot) -> Configured {
        match self.chance(slot) {
            Ok(chance) => settle(chance.steered + chance.fallback, self.by_client),
            Err(unknown) => Configured::Unknown(unknown),
        }
    }

    /// Of the answers of its pool.
    pub(super) fn endpoint(&self, slot: PoolSlot, pool: &Pool, index: usize) -> Configured {
        let by_hash = (pool.policy == OriginPolicy::Hash).then_some(Unknown::EndpointHash);
        let by_client = self.kept.then_some(Unknown::Persistence).or(by_hash);
        let steered = || share_in(pool, Pool::serving, index, by_client);
        let fallen_back = || share_in(pool, Pool::whatever_health, index, by_client);
        let can_fall_back = self.ruled || slot == self.fallback;
        let share = match self.chance(slot) {
            Ok(Chance { steered: 0.0, fallback }) if fallback > 0.0 => fallen_back(),
            Ok(Chance { fallback: 0.0, .. }) => steered(),
            Ok(_) => both(steered(), fallen_back()),
            Err(_) if can_fall_back => both(steered(), fallen_back()),
            Err(_) => steered(),
        };
        share.map_or_else(Configured::Unknown, |share| settle(share, by_client))
    }

    fn chance(&self, slot: PoolSlot) -> Result<Chance, Unknown> {
        let pools = self.pools.as_ref().map_err(|unknown| *unknown)?;
        Ok(pools.get(&slot).copied().unwrap_or_default())
    }
}

/// What is certain is so for every client.
fn settle(share: f64, by_client: Option<Unknown>) -> Configured {
    let whole = share.round();
    match by_client {
        _ if (share - whole).abs() < NEGLIGIBLE => Configured::Share(whole),
        Some(unknown) => Configured::Unknown(unknown),
        None => Configured::Share(share),
    }
}

fn both(a: Result<f64, Unknown>, b: Result<f64, Unknown>) -> Result<f64, Unknown> {
    match (a?, b?) {
        (a, b) if (a - b).abs() < NEGLIGIBLE => Ok(a),
        _ => Err(Unknown::Fallback),
    }
}

fn order(balancer: &Balancer) -> Vec<PoolSlot> {
    let candidates = balancer.candidates.iter().map(|candidate| candidate.pool);
    let named = candidates.chain([balancer.fallback]).chain(balancer.pools.iter().copied());
    named.fold(Vec::new(), |mut order, slot| {
        if !order.contains(&slot) {
            order.push(slot);
        }
        order
    })
}

/// What candidates take, where the client has no say in it.
fn steered(world: &World, balancer: &Balancer) -> Result<Steered, Unknown> {
    let open = open(world, balancer);
    match balancer.policy {
        _ if !balancer.rules.is_empty() => Err(Unknown::Rules),
        SteeringPolicy::Geo => Err(Unknown::Geo),
        SteeringPolicy::DynamicLatency => Err(Unknown::Latency),
        SteeringPolicy::Proximity => Err(Unknown::Proximity),
        SteeringPolicy::Unset | SteeringPolicy::Off => Ok(in_order(&open)),
        SteeringPolicy::Random
        | SteeringPolicy::LeastOutstandingRequests
        | SteeringPolicy::LeastConnections => drawn(open),
    }
}

fn open(world: &World, balancer: &Balancer) -> Vec<Open> {
    let open = |candidate: &Candidate| {
        let pool = usable(world, candidate)?;
        let weight = f64::from(candidate.weight.hundredths());
        let sheds = pool.shedding.map_or(0.0, |shedding| shedding.percent() / 100.0);
        Some(Open { pool: candidate.pool, weight, sheds, bit: 0 })
    };
    balancer.candidates.iter().filter_map(open).collect()
}

fn usable<'a>(world: &'a World, candidate: &Candidate) -> Option<&'a Pool> {
    let pool = world.pool(candidate.pool)?;
    (pool.usable == Usable::Yes).then_some(pool)
}

/// A pool that no request reaches is counted too: the shares that matter are certain then.
fn sheds_by_hash(world: &World, balancer: &Balancer) -> bool {
    let usable = balancer.candidates.iter().filter_map(|candidate| usable(world, candidate));
    usable.filter_map(|pool| pool.shedding).any(|shedding| shedding.policy == ShedPolicy::Hash)
}

/// Failover order: each takes what it does not shed of what those before it left.
fn in_order(open: &[Open]) -> Steered {
    let mut steered = Steered { left: 1.0, ..Steered::default() };
    for one in open {
        steered.give(one, steered.left);
        steered.left *= one.sheds;
    }
    steered
}

/// By weight: who sheds is out, and the others draw again. `reached` holds how likely it is that exactly a set of
/// pools has shed; a set is reached from smaller ones alone, and those come first.
fn drawn(mut open: Vec<Open>) -> Result<Steered, Unknown> {
    open.retain(|one| one.weight > 0.0);
    let shedding = open.iter_mut().filter(|one| one.sheds > 0.0);
    let bits = shedding.zip((0_u32..).map_while(|place| 1_usize.checked_shl(place)));
    let count = bits.map(|(one, bit)| one.bit = bit).count();
    if count > SHEDDING_MAX {
        return Err(Unknown::ManyShed);
    }
    let mut steered = Steered::default();
    let mut reached = vec![0.0; 1 << count];
    reached.iter_mut().take(1).for_each(|nobody_shed| *nobody_shed = 1.0);
    for out in 0..reached.len() {
        let here = reached.get(out).copied().unwrap_or(0.0);
        let still_in = || open.iter().filter(|one| one.bit & out == 0);
        let total: f64 = still_in().map(|one| one.weight).sum();
        if total <= 0.0 {
            steered.left += here;
            continue;
        }
        for one in still_in() {
            let drawn = here * one.weight / total;
            steered.give(one, drawn);
            if let Some(next) = reached.get_mut(out | one.bit).filter(|_| one.bit != 0) {
                *next += drawn * one.sheds;
            }
        }
    }
    Ok(steered)
}

/// The fallback pool takes what is left, unless a person disabled it.
fn with_fallback(
    steered: Steered,
    world: &World,
    balancer: &Balancer,
) -> BTreeMap<PoolSlot, Chance> {
    let Steered { of, left } = steered;
    let chance = |(slot, steered)| (slot, Chance { steered, fallback: 0.0 });
    let mut pools: BTreeMap<PoolSlot, Chance> = of.into_iter().map(chance).collect();
    if world.pool(balancer.fallback).is_some_and(|pool| pool.enabled) {
        pools.entry(balancer.fallback).or_default().fallback = left;
    }
    pools
}

/// An endpoint's share of the answers of its pool. Questions of a type that no endpoint has are answered with
/// nothing, and not counted.
fn share_in(
    pool: &Pool,
    eligible: fn(&Pool, Wanted) -> &Set,
    index: usize,
    by_client: Option<Unknown>,
) -> Result<f64, Unknown> {
    let sets = Wanted::RECORDS.into_iter().map(|wanted| eligible(pool, wanted));
    let sets = sets.filter(|set| !set.members().is_empty());
    let mut shares = sets.map(|set| share_of(set, index, by_client));
    let first = shares.next().unwrap_or(0.0);
    let agree = shares.all(|share| (share - first).abs() < NEGLIGIBLE);
    if agree { Ok(first) } else { Err(Unknown::Families) }
}

/// Equal weights answer with every address once, shuffled, so each address comes first as often as any other; any
/// difference in weight draws endpoints, and so does whatever the client decides.
fn share_of(set: &Set, index: usize, by_client: Option<Unknown>) -> f64 {
    let members = match by_client {
        Some(_) => set.members(),
        None => set.distinct(),
    };
    let own = members.iter().filter(|member| usize::from(member.endpoint) == index);
    match set.weights_are_equal() {
        true => own.count() as f64 / members.len() as f64,
        false => {
            let weight: u32 = own.map(|member| u32::from(member.weight)).sum();
            f64::from(weight) / f64::from(set.total_weight())
        }
    }
}

// === impl Steered ===

impl Steered {
    fn give(&mut self, one: &Open, asked: f64) {
        *self.of.entry(one.pool).or_default() += asked * (1.0 - one.sheds);
    }
}
