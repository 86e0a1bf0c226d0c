//! `dynamic_latency`: the usable default pool that is nearest in time.

use arrayvec::ArrayVec;
use trimtab_geo::Measured;
use trimtab_model::balancer::POOLS_MAX;

use crate::client::Location;
use crate::dice::Dice;
use crate::policy::{Asked, Choice, Out};
use crate::why::{Notes, PoolChoice, Step, TimedBy};

/// A table that the operator loaded knows how far the client is; probes only how far this place is. So the table comes
/// first, pool by pool. A usable pool that nobody has measured could be the fastest: then failover order holds for
/// all.
pub fn choose(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    let mut choice = Choice::none();
    let table = look_up(asked, &mut choice, notes);
    let mut out = Out::default();
    let mut latencies = ArrayVec::<f64, POOLS_MAX>::new();
    let mut unmeasured = None;
    for (index, candidate) in asked.settings.candidates.iter().take(POOLS_MAX).enumerate() {
        let Some(pool) = choice.consider(asked, candidate.pool, notes) else {
            out.put(index);
            latencies.push(f64::INFINITY);
            continue;
        };
        let loaded = table.and_then(|table| table.latency(pool.loaded?));
        let by = if loaded.is_some() { TimedBy::Table } else { TimedBy::Probes };
        let rtt = loaded.or_else(|| pool.latency.from(&asked.world.site));
        notes.note(Step::Timed { pool: candidate.pool, rtt, by });
        if rtt.is_none() {
            unmeasured.get_or_insert(candidate.pool);
        }
        latencies.push(rtt.map_or(f64::INFINITY, |rtt| rtt.as_secs_f64()));
    }
    if let Some(pool) = unmeasured {
        notes.note(Step::Unmeasured { pool });
        // Every rank the same: list order decides.
        latencies.iter_mut().for_each(|latency| *latency = 0.0);
    }
    let how = if unmeasured.is_some() { PoolChoice::FirstUsable } else { PoolChoice::Fastest };
    choice.take_lowest(asked, &latencies, out, |lowest| lowest, how, dice, notes);
    choice
}

/// The rows of the loaded table for this client, if there is a table.
fn look_up<'a>(
    asked: &Asked<'a>,
    choice: &mut Choice,
    notes: &mut impl Notes,
) -> Option<Measured<'a>> {
    let geo = &asked.world.geo;
    geo.latencies()?;
    let location = asked.client.locate(asked.world, asked.settings.location, asked.settings.policy);
    let Location { source, place, scope } = location;
    notes.note(Step::Located { source, place: *place, scope });
    let known = asked.client.address_by(asked.settings.location, asked.settings.policy);
    let table = geo.measured(known.map(|(address, _)| address), place.region)?;
    let reach = known.map_or(0, |(_, bits)| table.prefix().min(bits));
    (choice.location, choice.scope) = (source, scope.max(reach));
    Some(table)
}
