//! Everything a decision reads, immutable.

use std::sync::Arc;

use trimtab_geo::{Place, Point, Table};
use trimtab_model::{Pop, Timestamp};

use crate::{Balancer, Pool, PoolSlot};

/// Configuration, health and geography of one moment, always of the same moment.
///
/// Slots keep their number while the thing lives; freed slots are empty until they are used again.
#[derive(Clone, Debug)]
pub struct World {
    pub pools: Arc<Vec<Option<Arc<Pool>>>>,
    pub balancers: Arc<Vec<Option<Arc<Balancer>>>>,
    pub geo: Arc<Table>,
    pub site: Site,
    /// By [`BalancerSlot`]; a world made by hand may have none.
    pub epochs: Arc<Vec<Epoch>>,
}

/// Where this node stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    pub pop: Pop,
    pub place: Place,
}

/// The time in which nothing that a balancer draws from has changed: counts of one epoch can be compared with weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch {
    /// Rises with each change, and goes on rising when the slot gets another balancer.
    pub number: u32,
    pub since: Timestamp,
}

/// A balancer's place in [`World::balancers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalancerSlot(pub u32);

// === impl World ===

impl World {
    pub fn pool(&self, slot: PoolSlot) -> Option<&Arc<Pool>> {
        self.pools.get(usize::try_from(slot.0).ok()?)?.as_ref()
    }

    pub fn balancer(&self, slot: BalancerSlot) -> Option<&Arc<Balancer>> {
        self.balancers.get(usize::try_from(slot.0).ok()?)?.as_ref()
    }

    #[inline]
    pub fn epoch(&self, slot: BalancerSlot) -> Epoch {
        self.epochs.get(slot.0 as usize).copied().unwrap_or_default()
    }
}

// === impl Site ===

impl Site {
    /// None when no airport has the code.
    pub fn at(pop: Pop) -> Option<Site> {
        let site = trimtab_geo::pop(pop)?;
        let place = Place {
            country: Some(site.country),
            subdivision: None,
            region: Some(site.region),
            coordinates: Some(site.coordinates),
            point: Some(Point::from(site.coordinates)),
        };
        Some(Site { pop, place })
    }
}
