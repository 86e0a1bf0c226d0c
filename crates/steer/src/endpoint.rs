//! Which endpoints of the chosen pool: all, some, one by chance, or one by the client's address.

use arrayvec::ArrayVec;
use trimtab_model::pool::OriginPolicy;

use crate::Client;
use crate::decide::ANSWERS_MAX;
use crate::dice::{Dice, mix};
use crate::persistence::{Identity, rendezvous};
use crate::pool::{Data, Member, Set, hash_ip};
use crate::why::EndpointChoice;

/// The endpoints of an answer, in its order: numbers of members, because members are large and answers many.
#[derive(Clone, Debug, Default)]
pub struct Picks<'a> {
    members: &'a [Member],
    chosen: ArrayVec<u16, ANSWERS_MAX>,
}

/// Equal weights answer with every address of every endpoint, shuffled; any difference in weight answers with
/// one address of one endpoint.
pub fn choose<'a>(
    policy: OriginPolicy,
    set: &'a Set,
    client: &Client<'_>,
    kept: Option<&Identity>,
    dice: &mut Dice,
) -> (Picks<'a>, EndpointChoice) {
    let members = set.members();
    let client_hash = || hash_ip(client.address(), 0);
    let one = |chosen: Option<u16>| chosen.into_iter().collect();
    let (chosen, how) = match (policy, kept) {
        _ if members.is_empty() => (ArrayVec::new(), EndpointChoice::NoneOfFamily),
        (_, Some(identity)) => (one(hashed(set, identity.place(0))), EndpointChoice::Kept),
        (OriginPolicy::Hash, None) => (one(hashed(set, client_hash())), EndpointChoice::Hashed),
        // On DNS nobody counts open requests: weights alone decide.
        (
            OriginPolicy::Random
            | OriginPolicy::LeastOutstandingRequests
            | OriginPolicy::LeastConnections,
            None,
        ) => match members.len() {
            _ if !set.weights_are_equal() => (one(drawn(set, dice)), EndpointChoice::Drawn),
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

/// An endpoint in proportion to weight, then any of its addresses.
fn drawn(set: &Set, dice: &mut Dice) -> Option<u16> {
    let members = set.members();
    let mut left = dice.below(set.total_weight());
    let first = members.iter().position(|member| match left.checked_sub(member.weight.into()) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })?;
    let further = match addresses_from(first, members).len() {
        0 | 1 => 0,
        several => dice.below(count(several)),
    };
    u16::try_from(count(first).checked_add(further)?).ok()
}

/// The addresses of the endpoint whose first one is there.
fn addresses_from(first: usize, members: &[Member]) -> &[Member] {
    let rest = members.get(first..).unwrap_or_default();
    rest.chunk_by(|a, b| a.endpoint == b.endpoint).next().unwrap_or_default()
}

/// Weighted rendezvous of the client that `seed` stands for: removing an endpoint moves only its own clients. Its
/// addresses are told apart in the same way.
fn hashed(set: &Set, seed: u64) -> Option<u16> {
    let score = |member: &Member| rendezvous(mix(seed ^ member.hash), member.weight);
    let scores = set.members().iter().map(score).zip(0_u16..);
    let (_, first) = scores.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let of_endpoint = addresses_from(first.into(), set.members()).iter().zip(first..);
    let score = |member: &Member| match member.data {
        Data::Address(address) => hash_ip(address, seed),
        Data::Service => 0,
    };
    of_endpoint.max_by_key(|(member, _)| score(member)).map(|(_, index)| index)
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
