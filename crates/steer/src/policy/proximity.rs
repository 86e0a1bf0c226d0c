//! `proximity`: the usable default pool nearest to the client, as the crow flies.

use std::time::Instant;

use crate::balancer::Candidate;
use crate::client::{Client, Location};
use crate::policy::Choice;
use crate::why::{Notes, PoolChoice, Step};
use crate::{Balancer, PoolSlot, World};

/// A pool this much farther than the nearest counts as equally near: the data is not better than that.
const TOLERANCE_SHARE: f64 = 0.01;
const TOLERANCE_KM: f64 = 10.0;

/// Among pools equally near, and among pools without coordinates (which come last), list order decides.
pub fn choose(
    world: &World,
    balancer: &Balancer,
    client: &Client,
    now: Instant,
    notes: &mut impl Notes,
) -> Choice {
    let location = client.locate(world, balancer.location, balancer.policy);
    let Location { source, place, scope } = location;
    notes.note(Step::Located { source, place: *place, scope });
    let mut choice = Choice { location: source, scope, ..Choice::none() };
    let mut nearest = f64::INFINITY;
    for candidate in &balancer.candidates {
        if let Some(km) = measure(world, candidate, &location, &mut choice, now, notes) {
            nearest = nearest.min(km);
        }
    }
    let limit = (nearest * (1.0 + TOLERANCE_SHARE)).max(nearest + TOLERANCE_KM);
    if let Some(slot) = first_within(world, balancer, &location, limit) {
        choice.take(slot, PoolChoice::Nearest);
    }
    choice
}

/// Kilometres times the candidate's stretch; infinite without coordinates; None for unusable pools.
fn measure(
    world: &World,
    candidate: &Candidate,
    location: &Location<'_>,
    choice: &mut Choice,
    now: Instant,
    notes: &mut impl Notes,
) -> Option<f64> {
    let pool = choice.consider(world, candidate.pool, now, notes)?;
    let km = distance(pool.point, location);
    let stretched_km = km.map_or(f64::INFINITY, |km| km * candidate.stretch);
    notes.note(Step::Measured { pool: candidate.pool, km, stretched_km });
    Some(stretched_km)
}

fn first_within(
    world: &World,
    balancer: &Balancer,
    location: &Location<'_>,
    limit: f64,
) -> Option<PoolSlot> {
    let near = |candidate: &&Candidate| {
        world.pool(candidate.pool).is_some_and(|pool| {
            let km = distance(pool.point, location);
            let stretched = km.map_or(f64::INFINITY, |km| km * candidate.stretch);
            pool.usable == crate::pool::Usable::Yes && stretched <= limit
        })
    };
    balancer.candidates.iter().find(near).map(|candidate| candidate.pool)
}

fn distance(pool: Option<trimtab_geo::Point>, location: &Location<'_>) -> Option<f64> {
    Some(pool?.distance_km(&location.place.point?))
}
