//! `dynamic_latency`: the usable default pool that answers probes from this place soonest.

use arrayvec::ArrayVec;
use trimtab_model::balancer::POOLS_MAX;

use crate::dice::Dice;
use crate::policy::{Asked, Choice, Out};
use crate::why::{Notes, PoolChoice, Step};

/// A usable pool that nobody here has measured could be the fastest: then failover order holds for all.
pub fn choose(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    let mut choice = Choice::none();
    let mut out = Out::default();
    let mut latencies = ArrayVec::<f64, POOLS_MAX>::new();
    let mut unmeasured = None;
    for (index, candidate) in asked.settings.candidates.iter().take(POOLS_MAX).enumerate() {
        let Some(pool) = choice.consider(asked, candidate.pool, notes) else {
            out.put(index);
            latencies.push(f64::INFINITY);
            continue;
        };
        let rtt = pool.latency.from(&asked.world.site);
        notes.note(Step::Timed { pool: candidate.pool, rtt });
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
