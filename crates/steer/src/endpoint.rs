//! Which endpoints of the chosen pool: all, some, one by chance, or one by the client's address.

use arrayvec::ArrayVec;
use trimtab_model::pool::OriginPolicy;

use crate::Client;
use crate::decide::ANSWERS_MAX;
use crate::dice::{Dice, mix};
use crate::pool::{Member, Set, hash_ip};
use crate::why::EndpointChoice;

/// The endpoints of an answer, in its order: numbers of members, because members are large and answers many.
#[derive(Clone, Debug, Default)]
pub struct Picks<'a> {
    members: &'a [Member],
    chosen: ArrayVec<u16, ANSWERS_MAX>,
}

/// Equal weights answer with every endpoint, shuffled; any difference in weight answers with one.
pub fn choose<'a>(
    policy: OriginPolicy,
    set: &'a Set,
    client: &Client,
    dice: &mut Dice,
) -> (Picks<'a>, EndpointChoice) {
    let members = set.members();
    let (chosen, how) = match policy {
        _ if members.is_empty() => (ArrayVec::new(), EndpointChoice::NoneOfFamily),
        OriginPolicy::Hash => (hashed(set, client).into_iter().collect(), EndpointChoice::Hashed),
        // On DNS nobody counts open requests: weights alone decide.
        OriginPolicy::Random
        | OriginPolicy::LeastOutstandingRequests
        | OriginPolicy::LeastConnections => match members.len() {
            _ if !set.weights_are_equal() => {
                (drawn(set, dice).into_iter().collect(), EndpointChoice::Drawn)
            }
            all if all <= ANSWERS_MAX => (shuffled(all, dice), EndpointChoice::All),
            all => (sampled(all, dice), EndpointChoice::Sample),
        },
    };
    (Picks { members, chosen }, how)
}

// === impl Picks ===

impl<'a> Picks<'a> {
    pub fn iter(&self) -> impl Iterator<Item = &'a Member> + use<'a, '_> {
        let members = self.members;
        self.chosen.iter().filter_map(move |&index| members.get(usize::from(index)))
    }

    pub fn len(&self) -> usize {
        self.chosen.len()
    }

    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }
}

/// In proportion to weight; evenly when nobody weighs anything.
fn drawn(set: &Set, dice: &mut Dice) -> Option<u16> {
    let members = set.members();
    if set.total_weight() == 0 {
        return u16::try_from(dice.below(count(members.len()))).ok();
    }
    let mut left = dice.below(set.total_weight());
    let index = members.iter().position(|member| match left.checked_sub(member.weight.into()) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })?;
    u16::try_from(index).ok()
}

/// Weighted rendezvous: each member's score is −w / ln(u) with u drawn from client and member alone,
/// so removing one moves only its own clients.
fn hashed(set: &Set, client: &Client) -> Option<u16> {
    let seed = hash_ip(client.address(), 0);
    let score = |member: &Member| {
        let weight = if set.total_weight() == 0 { 1.0 } else { f64::from(member.weight) };
        // The upper 53 bits, moved off zero: strictly between 0 and 1.
        let unit = ((mix(seed ^ member.hash) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -weight / unit.ln()
    };
    let scores = set.members().iter().map(score).zip(0_u16..);
    scores.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, index)| index)
}

fn shuffled(all: usize, dice: &mut Dice) -> ArrayVec<u16, ANSWERS_MAX> {
    let mut chosen = (0_u16..).take(all.min(ANSWERS_MAX)).collect();
    shuffle(&mut chosen, dice);
    chosen
}

/// `ANSWERS_MAX` of more, each equally likely: Floyd's algorithm, which needs no copy of the list.
fn sampled(all: usize, dice: &mut Dice) -> ArrayVec<u16, ANSWERS_MAX> {
    let first = count(all).saturating_sub(count(ANSWERS_MAX));
    let mut chosen = ArrayVec::new();
    for last in first..count(all) {
        let [drawn, last] = [dice.below(last.saturating_add(1)), last]
            .map(|index| u16::try_from(index).unwrap_or(u16::MAX));
        chosen.push(if chosen.contains(&drawn) { last } else { drawn });
    }
    shuffle(&mut chosen, dice);
    chosen
}

fn shuffle(chosen: &mut ArrayVec<u16, ANSWERS_MAX>, dice: &mut Dice) {
    for last in (1..chosen.len()).rev() {
        let drawn = dice.below(count(last).saturating_add(1));
        chosen.swap(last, usize::try_from(drawn).unwrap_or(last));
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
