//! `random`: usable default pools by chance, each in proportion to its weight among them.

use std::time::Instant;

use crate::balancer::Candidate;
use crate::dice::Dice;
use crate::policy::Choice;
use crate::pool::Usable;
use crate::why::{Notes, PoolChoice, Step};
use crate::{Balancer, World};

/// A weight of 0 gets nothing, even when it is the only one left.
pub fn choose(
    world: &World,
    balancer: &Balancer,
    now: Instant,
    dice: &mut Dice,
    notes: &mut impl Notes,
) -> Choice {
    let mut choice = Choice::none();
    let mut total: u32 = 0;
    for candidate in &balancer.candidates {
        if choice.consider(world, candidate.pool, now, notes).is_some() {
            let weight = candidate.weight.hundredths();
            notes.note(Step::Weighed { pool: candidate.pool, weight });
            total = total.saturating_add(weight.into());
        }
    }
    if total == 0 {
        return choice;
    }
    let draw = dice.below(total);
    notes.note(Step::Drew { draw, of: total });
    if let Some(candidate) = at(world, balancer, draw) {
        choice.take(candidate.pool, PoolChoice::Drawn);
    }
    choice
}

/// The usable candidate whose share of the line `0..total` holds the draw.
fn at<'a>(world: &World, balancer: &'a Balancer, draw: u32) -> Option<&'a Candidate> {
    let mut left = draw;
    balancer.candidates.iter().filter(|candidate| is_usable(world, candidate)).find(|candidate| {
        match left.checked_sub(candidate.weight.hundredths().into()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        }
    })
}

fn is_usable(world: &World, candidate: &Candidate) -> bool {
    world.pool(candidate.pool).is_some_and(|pool| pool.usable == Usable::Yes)
}
