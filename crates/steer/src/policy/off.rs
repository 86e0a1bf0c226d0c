//! `off`: failover order. The first usable default pool; back to an earlier one as soon as it recovers.

use std::time::Instant;

use crate::policy::Choice;
use crate::why::Notes;
use crate::{Balancer, World};

pub fn choose(world: &World, balancer: &Balancer, now: Instant, notes: &mut impl Notes) -> Choice {
    let mut choice = Choice::none();
    let pools = balancer.candidates.iter().map(|candidate| candidate.pool);
    choice.take_first(world, pools, now, notes);
    choice
}
