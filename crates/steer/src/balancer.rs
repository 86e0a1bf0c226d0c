//! A balancer made ready for decisions: pool ids are slots, maps are tables.

use std::collections::BTreeMap;

use trimtab_model::balancer::{
    LocationMode, LocationStrategy, PersistenceKey, PreferEcs, Scope, SteeringPolicy,
};
use trimtab_model::pool::Weight;
use trimtab_model::{self as model, BalancerId, Country, Name, PoolId, Pop, Region};

use crate::affinity;
use crate::pool::pool_hash;
use crate::rules::Rules;
use crate::{Wanted, World};

/// A pool's place in [`World::pools`](crate::World::pools).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolSlot(pub u32);

/// One balancer.
#[derive(Clone, Debug)]
pub struct Balancer {
    pub id: BalancerId,
    pub scope: Scope,
    pub name: Name,
    pub enabled: bool,
    pub proxied: bool,
    /// Seconds.
    pub ttl: u32,
    pub policy: SteeringPolicy,
    pub candidates: Box<[Candidate]>,
    pub fallback: PoolSlot,
    pub geo: GeoLists,
    pub location: LocationStrategy,
    pub rules: Rules,
    /// Who asks again keeps its endpoint.
    pub persistence: Option<PersistenceKey>,
    pub affinity: affinity::Configured,
    /// A request that failed in one pool may go on to the next.
    pub failover_across_pools: bool,
    /// Every pool that is named anywhere.
    pub pools: Box<[PoolSlot]>,
    /// The same by their [`Pool::hash`](crate::Pool), in its order.
    by_hash: Box<[(u64, PoolSlot)]>,
}

/// A default pool with what policies need to know of it here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    pub pool: PoolSlot,
    pub weight: Weight,
    /// Distances are multiplied by this: 1 − bias/100.
    pub stretch: f64,
}

/// The lists of geo steering, most specific first.
#[derive(Clone, Debug, Default)]
pub struct GeoLists {
    pub pops: Lists<Pop>,
    pub countries: Lists<Country>,
    pub regions: Lists<Region>,
}

/// Pools in failover order for each place that has an entry; found by binary search.
#[derive(Clone, Debug)]
pub struct Lists<Place>(Box<[(Place, Box<[PoolSlot]>)]>);

/// Which list of geo steering was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeoMatch {
    Pop(Pop),
    Country(Country),
    Region(Region),
    Default,
}

// === impl Balancer ===

impl Balancer {
    /// `slot` gives the place of each pool; pools it does not know are left out of the lists.
    ///
    /// None when the fallback pool is unknown: such a balancer cannot keep its promise of an answer.
    pub fn build(
        config: &model::Balancer,
        slot: impl Fn(PoolId) -> Option<PoolSlot>,
    ) -> Option<Balancer> {
        let (steering, kept) = (&config.steering, config.extension.persistence);
        let named = config.pools();
        Some(Balancer {
            id: config.id,
            scope: config.scope,
            name: config.name.clone(),
            enabled: config.enabled,
            proxied: config.proxied,
            ttl: kept.and_then(|kept| kept.ttl).unwrap_or(config.ttl),
            policy: steering.policy,
            candidates: candidates(&steering.default_pools, config, &slot),
            fallback: slot(steering.fallback_pool)?,
            geo: GeoLists {
                pops: Lists::build(&steering.pop_pools, &slot),
                countries: Lists::build(&steering.country_pools, &slot),
                regions: Lists::build(&steering.region_pools, &slot),
            },
            location: steering.location.unwrap_or(LOCATION_DEFAULT),
            rules: Rules::build(config, &slot),
            persistence: kept.map(|kept| kept.key),
            affinity: affinity::Configured::build(&config.affinity),
            failover_across_pools: steering.failover_across_pools,
            by_hash: by_hash(&named, &slot),
            pools: named.into_iter().filter_map(&slot).collect(),
        })
    }

    /// The pool of that [`Pool::hash`](crate::Pool), if any setting or rule names it.
    pub(crate) fn slot_of(&self, pool_hash: u64) -> Option<PoolSlot> {
        let index = self.by_hash.binary_search_by_key(&pool_hash, |(hash, _)| *hash).ok()?;
        self.by_hash.get(index).map(|(_, slot)| *slot)
    }

    /// Whether such a question is its to answer. Addresses always are; MX and SRV questions when an endpoint of
    /// any of its pools is made for them, and the name's own records answer them otherwise.
    pub fn tells(&self, wanted: Wanted, world: &World) -> bool {
        let mut pools = self.pools.iter().filter_map(|&slot| world.pool(slot));
        wanted.is_address() || (!self.proxied && pools.any(|pool| pool.tells(wanted)))
    }
}

fn by_hash(pools: &[PoolId], slot: &impl Fn(PoolId) -> Option<PoolSlot>) -> Box<[(u64, PoolSlot)]> {
    let hashed = pools.iter().filter_map(|&id| Some((pool_hash(id), slot(id)?)));
    let mut by_hash: Vec<_> = hashed.collect();
    by_hash.sort_unstable();
    by_hash.into()
}

/// Pools with what policies need to know of them in this balancer.
pub(crate) fn candidates(
    pools: &[PoolId],
    of: &model::Balancer,
    slot: &impl Fn(PoolId) -> Option<PoolSlot>,
) -> Box<[Candidate]> {
    let candidate = |id: &PoolId| {
        let bias = of.extension.proximity_bias.get(id).copied().unwrap_or(0);
        let stretch = 1.0 - f64::from(bias) / 100.0;
        Some(Candidate { pool: slot(*id)?, weight: of.steering.random.weight(*id), stretch })
    };
    pools.iter().filter_map(candidate).collect()
}

// === impl GeoLists ===

impl GeoLists {
    /// Every pool of every list, some of them more than once.
    pub(crate) fn pools(&self) -> impl Iterator<Item = PoolSlot> {
        self.pops.all().chain(self.countries.all()).chain(self.regions.all())
    }
}

// === impl Lists ===

impl<Place> Default for Lists<Place> {
    fn default() -> Lists<Place> {
        Lists(Box::new([]))
    }
}

impl<Place: Copy + Ord> Lists<Place> {
    pub(crate) fn build(
        lists: &BTreeMap<Place, Vec<PoolId>>,
        slot: &impl Fn(PoolId) -> Option<PoolSlot>,
    ) -> Lists<Place> {
        let slots = |pools: &Vec<PoolId>| pools.iter().filter_map(|&id| slot(id)).collect();
        Lists(lists.iter().map(|(place, pools)| (*place, slots(pools))).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any list has the pool.
    pub(crate) fn name(&self, pool: PoolSlot) -> bool {
        self.0.iter().any(|(_, list)| list.contains(&pool))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = PoolSlot> {
        self.0.iter().flat_map(|(_, pools)| pools.iter().copied())
    }

    pub fn find(&self, place: Place) -> Option<&[PoolSlot]> {
        let index = self.0.binary_search_by_key(&place, |(of, _)| *of).ok()?;
        self.0.get(index).map(|(_, pools)| &**pools)
    }
}

/// One node's own place says nothing about its clients, so the subnet and then the resolver speak first.
/// The hosted product assumes anycast and starts from the point of presence.
const LOCATION_DEFAULT: LocationStrategy =
    LocationStrategy { mode: LocationMode::ResolverIp, prefer_ecs: PreferEcs::Always };
