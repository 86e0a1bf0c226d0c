//! `random` and the least-loaded policies: usable default pools by chance, each in proportion to its weight among
//! them, or to what open requests leave of it.

use arrayvec::ArrayVec;
use trimtab_model::balancer::{POOLS_MAX, SteeringPolicy};

use crate::dice::Dice;
use crate::load::{self, Effective, Load};
use crate::persistence;
use crate::policy::{Asked, Choice, Out};
use crate::pool::Pool;
use crate::why::{Notes, PoolChoice, Step};

/// A weight of 0 gets nothing, even when it is the only one left. Who sheds is out, and the others draw again.
pub fn choose(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    let mut choice = Choice::none();
    let mut out = Out::default();
    let load = counted(asked);
    for (index, candidate) in asked.settings.candidates.iter().enumerate() {
        if choice.consider(asked, candidate.pool, notes).is_some() {
            if notes.listens() {
                let weight = asked.settings.weight(candidate).hundredths();
                let open = load.map_or(0, |load| load.pool(candidate.pool));
                notes.note(Step::Weighed { pool: candidate.pool, weight, open });
            }
        } else {
            out.put(index);
        }
    }
    let how = if asked.kept.is_some() { PoolChoice::Kept } else { PoolChoice::Drawn };
    loop {
        let index = match asked.kept {
            Some(identity) => persistence::keep(identity, weighed(asked, &out)),
            None => match load {
                Some(load) => draw_by_load(asked, load, &out, dice),
                None => draw(asked, &out, dice, notes),
            },
        };
        let Some(index) = index else { break };
        let Some(found) = asked.candidate(index) else { break };
        if choice.take(asked, found, how, dice, notes) {
            break;
        }
        out.put(index);
    }
    choice
}

/// Pools that are still open, with their places in the list and their weights.
fn weighed<'a>(asked: &Asked<'a>, out: &Out) -> impl Iterator<Item = (usize, &'a Pool, u8)> {
    let candidates = asked.settings.candidates.iter().enumerate();
    candidates.filter(|(index, _)| !out.has(*index)).filter_map(|(index, candidate)| {
        let pool = asked.world.pool(candidate.pool)?;
        Some((index, &**pool, asked.settings.weight(candidate).hundredths()))
    })
}

/// The counts, where the policy asks for them and somebody counts.
fn counted<'a>(asked: &Asked<'a>) -> Option<&'a dyn Load> {
    match asked.settings.policy {
        SteeringPolicy::LeastOutstandingRequests | SteeringPolicy::LeastConnections => {
            asked.client.load
        }
        SteeringPolicy::Unset
        | SteeringPolicy::Off
        | SteeringPolicy::Geo
        | SteeringPolicy::Random
        | SteeringPolicy::DynamicLatency
        | SteeringPolicy::Proximity => None,
    }
}

/// The candidate that the dice fall on when each has w / (n + 1) of the line, n being its open requests. They are read
/// once: other threads go on counting.
fn draw_by_load(asked: &Asked<'_>, load: &dyn Load, out: &Out, dice: &mut Dice) -> Option<usize> {
    let candidates = asked.settings.candidates.iter().enumerate();
    let open = candidates.filter(|(index, _)| !out.has(*index));
    let effective = open.clone().take(POOLS_MAX).map(|(_, candidate)| {
        let weight = asked.settings.weight(candidate).hundredths();
        Effective::of(weight, load.pool(candidate.pool))
    });
    let effective: ArrayVec<Effective, POOLS_MAX> = effective.collect();
    let place = load::pick(effective.iter().copied(), dice.draw())?;
    open.map(|(index, _)| index).nth(place)
}

/// The candidate whose share of the line `0..total` holds the draw.
fn draw(asked: &Asked<'_>, out: &Out, dice: &mut Dice, notes: &mut impl Notes) -> Option<usize> {
    let candidates = asked.settings.candidates.iter().enumerate();
    let open = candidates.filter(|(index, _)| !out.has(*index));
    let open = open.map(|(index, one)| (index, u32::from(asked.settings.weight(one).hundredths())));
    let total = open.clone().fold(0_u32, |sum, (_, weight)| sum.saturating_add(weight));
    if total == 0 {
        return None;
    }
    let mut left = dice.below(total);
    notes.note(Step::Drew { draw: left, of: total });
    for (index, weight) in open {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => return Some(index),
        }
    }
    None
}
