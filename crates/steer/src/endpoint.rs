//! Which endpoints of the chosen pool: all, some, one by chance, or one by the client's address.

use arrayvec::ArrayVec;
use trimtab_model::pool::{ORIGINS_MAX, OriginPolicy};

use crate::decide::ANSWERS_MAX;
use crate::dice::{Dice, mix};
use crate::load::{self, Effective};
use crate::persistence::{Identity, rendezvous};
use crate::policy::Asked;
use crate::pool::{Data, Member, Set, hash_ip};
use crate::slow_start::Weights;
use crate::why::EndpointChoice;
use crate::{Client, Pool, PoolSlot};

/// The endpoints of an answer, in its order: numbers of members, because members are large and answers many.
#[derive(Clone, Debug, Default)]
pub struct Picks<'a> {
    members: &'a [Member],
    chosen: ArrayVec<u16, ANSWERS_MAX>,
}

/// Equal weights answer with every address of every endpoint, each once, shuffled; any difference in weight answers with
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
    let all = |_: &Member| true;
    let (chosen, how) = match (policy, kept) {
        _ if members.is_empty() => (ArrayVec::new(), EndpointChoice::NoneOfFamily),
        (_, Some(identity)) => (one(hashed(set, identity.place(0), all)), EndpointChoice::Kept),
        (OriginPolicy::Hash, None) => {
            (one(hashed(set, client_hash(), all)), EndpointChoice::Hashed)
        }
        // On DNS nobody counts open requests: weights alone decide.
        (
            OriginPolicy::Random
            | OriginPolicy::LeastOutstandingRequests
            | OriginPolicy::LeastConnections,
            None,
        ) => {
            if set.weights_are_equal() {
                return choose_all(set.distinct(), dice);
            }
            let weighed = (set.total_weight(), |member: &Member| member.weight);
            (one(drawn(set, weighed, all, dice)), EndpointChoice::Drawn)
        }
    };
    (Picks { members, chosen }, how)
}

fn choose_all<'a>(members: &'a [Member], dice: &mut Dice) -> (Picks<'a>, EndpointChoice) {
    let (chosen, how) = match members.len() {
        few if few <= ANSWERS_MAX => (shuffled(few, dice), EndpointChoice::All),
        many => (sampled(many, dice), EndpointChoice::Sample),
    };
    (Picks { members, chosen }, how)
}

/// One endpoint for a request, among those it did not fail at.
pub(crate) fn choose_one<'a>(
    asked: &Asked<'_>,
    (slot, pool): (PoolSlot, &Pool),
    set: &'a Set,
    dice: &mut Dice,
) -> (Picks<'a>, EndpointChoice) {
    let members = set.members();
    let left = |member: &Member| !asked.has_failed_at(slot, member.endpoint);
    let client_hash = || hash_ip(asked.client.address(), 0);
    let weights = Weights::at(pool, asked.now);
    let weight = |member: &Member| weights.of(member);
    let by_chance = |dice: &mut Dice| {
        let total =
            members.iter().filter(|member| left(member)).map(|m| u32::from(weight(m))).sum();
        (drawn(set, (total, weight), left, dice), EndpointChoice::Drawn)
    };
    let (chosen, how) = match (pool.policy, asked.kept) {
        _ if !members.iter().any(left) => (None, EndpointChoice::NoneOfFamily),
        (_, Some(identity)) => (hashed(set, identity.place(0), left), EndpointChoice::Kept),
        (OriginPolicy::Hash, None) => (hashed(set, client_hash(), left), EndpointChoice::Hashed),
        (OriginPolicy::Random, None) => by_chance(dice),
        (OriginPolicy::LeastOutstandingRequests | OriginPolicy::LeastConnections, None) => {
            match asked.client.load {
                Some(load) => {
                    let open = |member: &Member| load.endpoint(slot, member.endpoint);
                    let effective = |member: &Member| Effective::of(weight(member), open(member));
                    (drawn_by_load(set, effective, left, dice), EndpointChoice::LeastLoaded)
                }
                None => by_chance(dice),
            }
        }
    };
    (Picks { members, chosen: chosen.into_iter().collect() }, how)
}

/// The endpoint that holds the session of a client, at the same one of its addresses each time.
pub(crate) fn bound<'a>(pool: &'a Pool, endpoint: u16, client: &Client<'_>) -> Picks<'a> {
    let members = pool.everyone();
    let first = members.iter().zip(0_u16..).find(|(member, _)| member.endpoint == endpoint);
    let seed = hash_ip(client.address(), 0);
    let chosen = first.and_then(|(_, first)| hashed_address(members, first, seed));
    Picks { members, chosen: chosen.into_iter().collect() }
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

    /// What they were chosen from.
    pub(crate) fn members(&self) -> &'a [Member] {
        self.members
    }

    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// What a draw by weight could have come to: everything of the endpoints that weigh anything.
    pub(crate) fn drawable(&self) -> impl Iterator<Item = &'a Member> {
        // Only the first address of an endpoint has a weight.
        let endpoints = self.members.chunk_by(|a, b| a.endpoint == b.endpoint);
        endpoints.filter(|of| of.first().is_some_and(|first| first.weight > 0)).flatten()
    }
}

/// An endpoint in proportion to weight, among those that `is_left` leaves, which weigh `total`; then any of its
/// addresses.
fn drawn(
    set: &Set,
    (total, weight): (u32, impl Fn(&Member) -> u8),
    is_left: impl Fn(&Member) -> bool,
    dice: &mut Dice,
) -> Option<u16> {
    let members = set.members();
    let mut left = dice.below(total);
    let first =
        members.iter().position(|member| match left.checked_sub(weight(member).into()) {
            _ if !is_left(member) => false,
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })?;
    any_address(members, first, dice)
}

/// The same, in proportion to what open requests leave of the weight. They are read once: other threads go on counting.
fn drawn_by_load(
    set: &Set,
    effective: impl Fn(&Member) -> Effective,
    is_left: impl Fn(&Member) -> bool,
    dice: &mut Dice,
) -> Option<u16> {
    let members = set.members();
    // Only the first address of an endpoint has a weight.
    let weighing = members.iter().enumerate();
    let weighing = weighing.filter(|(_, member)| member.weight > 0 && is_left(member));
    let weighed = weighing.clone().take(ORIGINS_MAX);
    let effective: ArrayVec<Effective, ORIGINS_MAX> =
        weighed.map(|(_, member)| effective(member)).collect();
    let place = load::pick(effective.iter().copied(), dice.draw())?;
    let (first, _) = weighing.clone().nth(place)?;
    any_address(members, first, dice)
}

fn any_address(members: &[Member], first: usize, dice: &mut Dice) -> Option<u16> {
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
fn hashed(set: &Set, seed: u64, is_left: impl Fn(&Member) -> bool) -> Option<u16> {
    let score = |member: &Member| rendezvous(mix(seed ^ member.hash), member.weight);
    let left = set.members().iter().zip(0_u16..).filter(|(member, _)| is_left(member));
    let scores = left.map(|(member, index)| (score(member), index));
    let (_, first) = scores.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    hashed_address(set.members(), first, seed)
}

fn hashed_address(members: &[Member], first: u16, seed: u64) -> Option<u16> {
    let of_endpoint = addresses_from(first.into(), members).iter().zip(first..);
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
