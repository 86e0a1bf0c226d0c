//! `random`: usable default pools by chance, each in proportion to its weight among them.

use crate::dice::Dice;
use crate::policy::{Asked, Choice, Out};
use crate::why::{Notes, PoolChoice, Step};

/// A weight of 0 gets nothing, even when it is the only one left. Who sheds is out, and the others draw again.
pub fn choose(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    let mut choice = Choice::none();
    let mut out = Out::default();
    for (index, candidate) in asked.settings.candidates.iter().enumerate() {
        if choice.consider(asked, candidate.pool, notes).is_some() {
            let weight = asked.settings.weight(candidate).hundredths();
            notes.note(Step::Weighed { pool: candidate.pool, weight });
        } else {
            out.put(index);
        }
    }
    while let Some(index) = draw(asked, &out, dice, notes) {
        let Some(found) = asked.candidate(index) else { break };
        if choice.take(asked, found, PoolChoice::Drawn, dice, notes) {
            break;
        }
        out.put(index);
    }
    choice
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
