//! The health of pools, from the live snapshot.

mod away;
mod checks;

use std::collections::BTreeMap;

use trimtab_api_types::v1::health::{
    OriginHealth, PlaceHealth, PoolHealth, PoolHealthExtension, PopHealth,
};
use trimtab_health::endpoint::Sight;
use trimtab_health::{EndpointHealth, FailureReason, PoolStatus, Verdict};
use trimtab_live::Snapshot;
use trimtab_model::{Pool, PoolId, Pop};
use trimtab_steer::{self as steer, PoolSlot};

use crate::errors::Error;
use crate::previews::origin_health;

pub(crate) use away::Clocks;
pub(crate) use checks::of_check;
pub use checks::{CheckState, ChecksPort};

/// None where nothing is known or nobody looks.
pub(crate) fn healthy(world: &Snapshot, pool: PoolId) -> Option<bool> {
    match find(world, pool)?.1.health.status {
        PoolStatus::Unknown => None,
        PoolStatus::Healthy | PoolStatus::Degraded => Some(true),
        PoolStatus::Critical => Some(false),
    }
}

/// What every place has seen of the pool's endpoints, and which of them requests or a person took out for a while.
pub(crate) fn of_pool(world: &Snapshot, pool: &Pool, now: Clocks) -> Result<PoolHealth, Error> {
    let live = find(world, pool.id);
    let away = live.map(|(slot, live)| away::of_pool(world, slot, live, now)).unwrap_or_default();
    let trimtab = (!away.is_empty()).then_some(PoolHealthExtension { origins: away });
    let pop_health = match live {
        _ if pool.watch.monitor.is_none() && pool.watch.monitor_group.is_none() => {
            PopHealth::unmonitored()
        }
        Some((_, live)) => PopHealth::Probed(places(pool, live)?),
        None => return Err(Error::HealthUnavailable),
    };
    Ok(PoolHealth { pool_id: pool.id, pop_health, trimtab })
}

fn places(pool: &Pool, live: &steer::Pool) -> Result<BTreeMap<String, PlaceHealth>, Error> {
    let mut places: BTreeMap<Pop, (u64, Vec<(String, OriginHealth)>)> = BTreeMap::new();
    for (endpoint, health) in live.endpoints.iter().zip(&live.health.endpoints) {
        for sight in health.sights() {
            let origin = origin(&sight, health);
            let (up, origins) = places.entry(sight.pop).or_default();
            // Disabled ones are probed and shown, and count for nothing.
            *up += u64::from(endpoint.enabled && origin.healthy);
            origins.push((endpoint.address.to_string(), origin));
        }
    }
    if places.is_empty() {
        return Err(Error::HealthUnavailable);
    }
    let mut named = BTreeMap::new();
    for (pop, (up, origins)) in places {
        let healthy = up > 0 && up >= u64::from(pool.minimum_origins);
        let name = place_name(pop);
        // Some cities have several airports.
        let name = if named.contains_key(&name) { format!("{name} ({pop})") } else { name };
        named.insert(name, PlaceHealth::new(healthy, origins.into_iter()));
    }
    Ok(named)
}

pub(crate) fn find(world: &Snapshot, id: PoolId) -> Option<(PoolSlot, &steer::Pool)> {
    let mut slots = (0..).map(PoolSlot).zip(world.world.pools.iter());
    slots.find_map(|(slot, pool)| Some((slot, &**pool.as_ref().filter(|pool| pool.id == id)?)))
}

/// What the place sees. Of an endpoint that requests or a person keep out the place sees nothing wrong, and it is told
/// what they say.
fn origin(sight: &Sight, health: &EndpointHealth) -> OriginHealth {
    let probed = origin_health(&sight.last, sight.evidence.as_deref());
    let sees_up = sight.verdict == Verdict::Up;
    match health.verdict {
        Verdict::Up | Verdict::Unmonitored if health.is_held() => {
            let failure_reason = FailureReason::None.word().into();
            OriginHealth { healthy: true, failure_reason, trimtab: None, ..probed }
        }
        Verdict::Down if health.is_held() => {
            let failure_reason = health.outcome().0.word().into();
            OriginHealth { healthy: false, failure_reason, ..probed }
        }
        Verdict::Ejected { .. } if sees_up => {
            let failure_reason = FailureReason::Ejected.word().into();
            OriginHealth { healthy: false, failure_reason, ..probed }
        }
        Verdict::Unmonitored
        | Verdict::Unknown
        | Verdict::Up
        | Verdict::Down
        | Verdict::Ejected { .. } => OriginHealth { healthy: sees_up, ..probed },
    }
}

/// `Amsterdam, NL`; the code where no airport has it or the airport has no city.
fn place_name(pop: Pop) -> String {
    match trimtab_geo::pop(pop) {
        Some(site) if !site.city.is_empty() => format!("{}, {}", site.city, site.country),
        Some(_) | None => pop.to_string(),
    }
}
