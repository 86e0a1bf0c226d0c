//! How far a pool is in time, as the places that probe it see it.

use std::collections::BTreeMap;
use std::time::Duration;

use trimtab_health::PoolHealth;
use trimtab_model::{Pop, Region};

use crate::Site;

/// Mean of the smoothed round-trip times to the pool's endpoints that serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    pops: BTreeMap<Pop, Duration>,
    regions: BTreeMap<Region, Duration>,
}

// === impl Latency ===

impl Latency {
    pub(crate) fn build(health: &PoolHealth, serves: &[bool]) -> Latency {
        let serving = health.endpoints.iter().zip(serves).filter(|(_, serves)| **serves);
        let seen = serving.flat_map(|(endpoint, _)| endpoint.votes());
        let seen: Vec<(Pop, Duration)> =
            seen.filter_map(|(pop, seen)| Some((pop, seen.rtt?.value()))).collect();
        let of_region = |&(pop, rtt): &(Pop, Duration)| Some((trimtab_geo::pop(pop)?.region, rtt));
        Latency {
            regions: means(seen.iter().filter_map(of_region)),
            pops: means(seen.iter().copied()),
        }
    }

    /// From the place itself, else from its region.
    pub fn from(&self, site: &Site) -> Option<Duration> {
        let near = || self.regions.get(&site.place.region?);
        self.pops.get(&site.pop).or_else(near).copied()
    }
}

fn means<Place: Ord>(seen: impl Iterator<Item = (Place, Duration)>) -> BTreeMap<Place, Duration> {
    let mut sums: BTreeMap<Place, (Duration, u32)> = BTreeMap::new();
    for (place, rtt) in seen {
        let (sum, count) = sums.entry(place).or_default();
        (*sum, *count) = (sum.saturating_add(rtt), count.saturating_add(1));
    }
    let mean =
        |(place, (sum, count)): (Place, (Duration, u32))| Some((place, sum.checked_div(count)?));
    sums.into_iter().filter_map(mean).collect()
}
