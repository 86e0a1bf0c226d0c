//! `off`: failover order. The first usable default pool; back to an earlier one as soon as it recovers.

use crate::dice::Dice;
use crate::policy::{Asked, Choice};
use crate::why::Notes;

pub fn choose(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    let mut choice = Choice::none();
    choice.take_first(asked, asked.in_order(), dice, notes);
    choice
}
