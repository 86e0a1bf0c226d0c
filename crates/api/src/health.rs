//! The health of pools, from the live snapshot.

use std::collections::BTreeMap;

use trimtab_api_types::v1::health::{OriginHealth, PlaceHealth, PoolHealth, PopHealth};
use trimtab_health::{Observation, PoolStatus};
use trimtab_live::Snapshot;
use trimtab_model::{Pool, PoolId, Pop};

use crate::errors::Error;
use crate::previews::origin_health;

/// None where nothing is known or nobody looks.
pub(crate) fn healthy(world: &Snapshot, pool: PoolId) -> Option<bool> {
    match find(world, pool)?.health.status {
        PoolStatus::Unknown => None,
        PoolStatus::Healthy | PoolStatus::Degraded => Some(true),
        PoolStatus::Critical => Some(false),
    }
}

/// What every place has seen of the pool's endpoints.
pub(crate) fn of_pool(world: &Snapshot, pool: &Pool) -> Result<PoolHealth, Error> {
    if pool.watch.monitor.is_none() && pool.watch.monitor_group.is_none() {
        return Ok(PoolHealth { pool_id: pool.id, pop_health: PopHealth::unmonitored() });
    }
    let live = find(world, pool.id).ok_or(Error::HealthUnavailable)?;
    let mut places: BTreeMap<Pop, Vec<(String, OriginHealth)>> = BTreeMap::new();
    for (endpoint, health) in live.endpoints.iter().zip(&live.health.endpoints) {
        for (pop, seen) in &health.observers {
            let Some(origin) = origin(seen) else { continue };
            places.entry(*pop).or_default().push((endpoint.address.to_string(), origin));
        }
    }
    if places.is_empty() {
        return Err(Error::HealthUnavailable);
    }
    let mut named = BTreeMap::new();
    for (pop, origins) in places {
        let up = origins.iter().filter(|(_, origin)| origin.healthy).count();
        let healthy = up > 0 && up as u64 >= u64::from(pool.minimum_origins);
        let name = place_name(pop);
        // Some cities have several airports.
        let name = if named.contains_key(&name) { format!("{name} ({pop})") } else { name };
        named.insert(name, PlaceHealth::new(healthy, origins.into_iter()));
    }
    Ok(PoolHealth { pool_id: pool.id, pop_health: PopHealth::Probed(named) })
}

fn find(world: &Snapshot, id: PoolId) -> Option<&trimtab_steer::Pool> {
    world.world.pools.iter().flatten().find(|pool| pool.id == id).map(AsRef::as_ref)
}

/// The last probe, with the verdict that the place has come to; None before the first one.
fn origin(seen: &Observation) -> Option<OriginHealth> {
    let last = seen.last?;
    Some(OriginHealth { healthy: seen.state.is_up(), ..origin_health(&last) })
}

/// `Amsterdam, NL`; the code where no airport has it or the airport has no city.
fn place_name(pop: Pop) -> String {
    match trimtab_geo::pop(pop) {
        Some(site) if !site.city.is_empty() => format!("{}, {}", site.city, site.country),
        Some(_) | None => pop.to_string(),
    }
}
