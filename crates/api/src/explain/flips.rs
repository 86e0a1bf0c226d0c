//! What would change an answer, in words.

use trimtab_api_types::v1::explain::Flip as Told;
use trimtab_health::Verdict;
use trimtab_model::Wait;
use trimtab_steer::what_if::Flip;
use trimtab_steer::why::PoolChoice;
use trimtab_steer::{PoolSlot, World};

use super::pool_name;

pub(super) fn told(world: &World, flip: &Flip) -> Told {
    let none = Told {
        change: "draw",
        pool: None,
        endpoint: None,
        probes: None,
        earliest_ms: None,
        description: String::new(),
    };
    match *flip {
        Flip::Draw { same_percent } => Told {
            description: format!(
                "nothing need change: the next question draws again, and gets this pool in {same_percent:.1} % of cases"
            ),
            ..none
        },
        Flip::Verdict { pool, endpoint, to, probes, earliest } => {
            let name = endpoint_name(world, pool, endpoint);
            let pool = pool_name(world, pool);
            let (change, turns) = match to {
                Verdict::Up => ("endpoint_up", "up"),
                Verdict::Down
                | Verdict::Unknown
                | Verdict::Unmonitored
                | Verdict::Ejected { .. } => ("endpoint_down", "down"),
            };
            let earliest_ms = millis(earliest);
            let seconds = earliest_ms.map_or(0.0, |ms| ms as f64 / 1e3);
            Told {
                change,
                description: format!(
                    "endpoint {name} of pool {pool} turns {turns}: {probes} more probes from enough places must say so, in {seconds:.1} s at the soonest"
                ),
                pool: Some(pool),
                endpoint: Some(name),
                probes: Some(probes),
                earliest_ms,
            }
        }
        Flip::Nearer { pool, km } => {
            let pool = pool_name(world, pool);
            let description = format!("pool {pool} is {km:.0} km farther than the chosen one");
            Told { change: "nearer", pool: Some(pool), description, ..none }
        }
        Flip::Faster { pool, by } => {
            let pool = pool_name(world, pool);
            let late = by.as_secs_f64() * 1e3;
            let description = format!("pool {pool} is {late:.1} ms slower than the chosen one");
            Told { change: "faster", pool: Some(pool), description, ..none }
        }
    }
}

pub(super) fn runner_up(
    world: &World,
    slot: PoolSlot,
    chosen: Option<PoolSlot>,
    how: PoolChoice,
) -> String {
    let (next, chosen) = (pool_name(world, slot), chosen.map(|slot| pool_name(world, slot)));
    let chosen = chosen.unwrap_or_default();
    let text = how.text();
    format!("without pool {chosen} it would be pool {next}: {text}")
}

/// None for ever.
pub(super) fn millis(wait: Wait) -> Option<u64> {
    wait.duration().map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn endpoint_name(world: &World, pool: PoolSlot, endpoint: u16) -> String {
    let found = world.pool(pool).and_then(|pool| pool.endpoints.get(usize::from(endpoint)));
    found
        .map(|endpoint| match endpoint.name.is_empty() {
            true => endpoint.address.to_string(),
            false => endpoint.name.to_string(),
        })
        .unwrap_or_default()
}
