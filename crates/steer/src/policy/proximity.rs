//! `proximity`: the usable default pool nearest to the client, as the crow flies.

use arrayvec::ArrayVec;
use trimtab_model::balancer::POOLS_MAX;

use crate::client::Location;
use crate::dice::Dice;
use crate::policy::{Asked, Choice, Out};
use crate::why::{Notes, PoolChoice, Step};

/// A pool this much farther than the nearest counts as equally near: the data is not better than that.
const TOLERANCE_SHARE: f64 = 0.01;
const TOLERANCE_KM: f64 = 10.0;

/// Among pools equally near, and among pools without coordinates (which come last), list order decides.
pub fn choose(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    let location = asked.client.locate(asked.world, asked.settings.location, asked.settings.policy);
    let Location { source, place, scope } = location;
    notes.note(Step::Located { source, place: *place, scope });
    let mut choice = Choice { location: source, scope, ..Choice::none() };
    let mut out = Out::default();
    let mut distances = ArrayVec::<f64, POOLS_MAX>::new();
    for (index, candidate) in asked.settings.candidates.iter().take(POOLS_MAX).enumerate() {
        let Some(pool) = choice.consider(asked, candidate.pool, notes) else {
            out.put(index);
            distances.push(f64::INFINITY);
            continue;
        };
        let km = pool.point.zip(place.point).map(|(pool, place)| pool.distance_km(&place));
        let stretched_km = km.map_or(f64::INFINITY, |km| km * candidate.stretch);
        notes.note(Step::Measured { pool: candidate.pool, km, stretched_km });
        distances.push(stretched_km);
    }
    let near = |nearest: f64| (nearest * (1.0 + TOLERANCE_SHARE)).max(nearest + TOLERANCE_KM);
    choice.take_lowest(asked, &distances, out, near, PoolChoice::Nearest, dice, notes);
    choice
}
