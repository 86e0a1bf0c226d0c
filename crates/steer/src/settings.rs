//! What steers one request: the balancer's own settings, and what rules put in their place.

use std::collections::BTreeMap;

use trimtab_model::balancer::{
    LocationStrategy, Overrides as Written, PartialLocationStrategy, SteeringPolicy,
};
use trimtab_model::pool::Weight;
use trimtab_model::{self as model, Country, PoolId, Pop, Region};

use crate::PoolSlot;
use crate::affinity::{self, Affinity};
use crate::balancer::{Candidate, Lists, candidates};

/// Lent by the balancer and its rules, so that putting them together copies nothing.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// `Unset` only between two rules.
    pub policy: SteeringPolicy,
    pub candidates: &'a [Candidate],
    /// Instead of the candidates' own.
    weights: Option<&'a Weights>,
    pub fallback: PoolSlot,
    pub pops: &'a Lists<Pop>,
    pub countries: &'a Lists<Country>,
    pub regions: &'a Lists<Region>,
    pub location: LocationStrategy,
    /// Seconds.
    pub ttl: u32,
}

/// What holds for one proxied request beyond where it goes. Apart from the settings, because DNS has no use for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handling<'a> {
    pub(crate) affinity: Affinity<'a>,
    pub(crate) failover_across_pools: bool,
}

/// Weights that a rule gives to whatever pools there are then.
#[derive(Clone, Debug)]
struct Weights {
    of: BTreeMap<PoolSlot, Weight>,
    others: Weight,
}

/// The settings that a rule replaces; None is left alone.
#[derive(Clone, Debug)]
pub struct Overrides {
    policy: Option<SteeringPolicy>,
    candidates: Option<Box<[Candidate]>>,
    weights: Option<Weights>,
    fallback: Option<PoolSlot>,
    pops: Option<Lists<Pop>>,
    countries: Option<Lists<Country>>,
    regions: Option<Lists<Region>>,
    location: PartialLocationStrategy,
    ttl: Option<u32>,
    affinity: Option<affinity::Overrides>,
    failover_across_pools: Option<bool>,
}

// === impl Settings ===

impl<'a> Settings<'a> {
    #[inline]
    pub(crate) fn new(balancer: &'a crate::Balancer) -> Settings<'a> {
        Settings {
            policy: balancer.policy,
            candidates: &balancer.candidates,
            weights: None,
            fallback: balancer.fallback,
            pops: &balancer.geo.pops,
            countries: &balancer.geo.countries,
            regions: &balancer.geo.regions,
            location: balancer.location,
            ttl: balancer.ttl,
        }
    }

    pub fn weight(&self, candidate: &Candidate) -> Weight {
        match self.weights {
            None => candidate.weight,
            Some(weights) => weights.of.get(&candidate.pool).copied().unwrap_or(weights.others),
        }
    }

    /// Whether a session at the pool is where these settings send the request. A rule that names pools means those, and
    /// not the fallback pool that it left as it was.
    pub(crate) fn send_to(&self, pool: PoolSlot, of: &crate::Balancer) -> bool {
        let geo = self.policy == SteeringPolicy::Geo;
        let listed =
            || self.pops.name(pool) || self.countries.name(pool) || self.regions.name(pool);
        let own = || {
            std::ptr::eq(self.candidates, &*of.candidates)
                && std::ptr::eq(self.pops, &of.geo.pops)
                && std::ptr::eq(self.countries, &of.geo.countries)
                && std::ptr::eq(self.regions, &of.geo.regions)
        };
        self.candidates.iter().any(|candidate| candidate.pool == pool)
            || (geo && listed())
            || (self.fallback == pool && (self.fallback != of.fallback || own()))
    }

    /// The word that `""` stands for is known once all rules have spoken.
    pub(crate) fn resolve(&mut self) {
        if self.policy == SteeringPolicy::Unset {
            let none = self.pops.is_empty() && self.countries.is_empty() && self.regions.is_empty();
            self.policy = if none { SteeringPolicy::Off } else { SteeringPolicy::Geo };
        }
    }
}

// === impl Overrides ===

impl Overrides {
    /// Pools without a slot are left out of lists, as in the balancer's own.
    pub(crate) fn build(
        written: &Written,
        of: &model::Balancer,
        slot: &impl Fn(PoolId) -> Option<PoolSlot>,
    ) -> Overrides {
        let pools = written.pools.as_ref().or(written.default_pools.as_ref());
        Overrides {
            policy: written.steering_policy,
            candidates: pools.map(|pools| candidates(pools, of, slot)),
            weights: Weights::build(written, of, slot),
            fallback: written.fallback_pool.and_then(slot),
            pops: written.pop_pools.as_ref().map(|map| Lists::build(map, slot)),
            countries: written.country_pools.as_ref().map(|map| Lists::build(map, slot)),
            regions: written.region_pools.as_ref().map(|map| Lists::build(map, slot)),
            location: written.location_strategy.unwrap_or_default(),
            ttl: written.ttl,
            affinity: affinity::Overrides::build(&written.session),
            failover_across_pools: written.failover_across_pools,
        }
    }

    /// The last write to a setting wins.
    pub(crate) fn apply<'a>(&'a self, to: &mut Settings<'a>) {
        to.policy = self.policy.unwrap_or(to.policy);
        to.candidates = self.candidates.as_deref().unwrap_or(to.candidates);
        to.weights = self.weights.as_ref().or(to.weights);
        to.fallback = self.fallback.unwrap_or(to.fallback);
        to.pops = self.pops.as_ref().unwrap_or(to.pops);
        to.countries = self.countries.as_ref().unwrap_or(to.countries);
        to.regions = self.regions.as_ref().unwrap_or(to.regions);
        to.location.mode = self.location.mode.unwrap_or(to.location.mode);
        to.location.prefer_ecs = self.location.prefer_ecs.unwrap_or(to.location.prefer_ecs);
        to.ttl = self.ttl.unwrap_or(to.ttl);
    }

    /// Every pool that it steers among, some of them more than once.
    pub(crate) fn pools(&self) -> impl Iterator<Item = PoolSlot> {
        let candidates = self.candidates.iter().flatten().map(|candidate| candidate.pool);
        let places = self.pops.iter().flat_map(Lists::all);
        let places = places.chain(self.countries.iter().flat_map(Lists::all));
        candidates.chain(places).chain(self.regions.iter().flat_map(Lists::all))
    }

    pub(crate) fn turn_affinity_on(&self) -> bool {
        self.affinity.as_ref().is_some_and(affinity::Overrides::turn_on)
    }

    pub(crate) fn apply_to_handling<'a>(&'a self, to: &mut Handling<'a>) {
        if let Some(affinity) = &self.affinity {
            affinity.apply(&mut to.affinity);
        }
        to.failover_across_pools = self.failover_across_pools.unwrap_or(to.failover_across_pools);
    }
}

// === impl Weights ===

impl Weights {
    /// Half an object is filled up from the balancer's own weights.
    fn build(
        written: &Written,
        of: &model::Balancer,
        slot: &impl Fn(PoolId) -> Option<PoolSlot>,
    ) -> Option<Weights> {
        let nested = written.random_steering.as_ref();
        let others = written.pool_default_weight.or_else(|| nested?.default_weight);
        let weights = written.pool_weights.as_ref().or_else(|| nested?.pool_weights.as_ref());
        if others.is_none() && weights.is_none() {
            return None;
        }
        let own = &of.steering.random;
        let weights = weights.unwrap_or(&own.pool_weights).iter();
        Some(Weights {
            of: weights.filter_map(|(&pool, &weight)| Some((slot(pool)?, weight))).collect(),
            others: others.unwrap_or(own.default_weight),
        })
    }
}
