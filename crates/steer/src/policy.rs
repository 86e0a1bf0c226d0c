//! Steering policies: each turns a balancer's pools into one choice.

pub mod geo;
pub mod latency;
pub mod off;
pub mod proximity;
pub mod random;

use trimtab_model::pool::ShedPolicy;
use trimtab_model::{Moment, Wait};

use crate::affinity::Bound;
use crate::balancer::{Candidate, GeoMatch};
use crate::client::{Client, Failed, LocationSource};
use crate::dice::Dice;
use crate::persistence::Identity;
use crate::pool::{Pool, Set, Usable};
use crate::settings::Settings;
use crate::why::{Notes, PoolChoice, Step};
use crate::{PoolSlot, World};

/// What every policy is asked with.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub world: &'a World,
    pub settings: &'a Settings<'a>,
    pub client: &'a Client<'a>,
    /// Set when whoever asks again keeps its endpoint.
    pub kept: Option<&'a Identity>,
    /// What only proxied requests have; None for DNS, which pays nothing for it.
    pub(crate) request: Option<&'a Requested<'a>>,
    pub now: Moment,
}

/// What a proxied request is chosen by, beside what questions of DNS are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requested<'a> {
    /// Where that session is.
    pub(crate) bound: Option<Bound>,
    /// Where it was sent in vain.
    pub(crate) failed: &'a [Failed],
    pub(crate) failover_across_pools: bool,
}

/// The pool a policy found, and what the search rested on.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub pool: Option<PoolSlot>,
    pub chosen: PoolChoice,
    pub location: LocationSource,
    pub geo: Option<GeoMatch>,
    pub scope: u8,
    /// From now until a pool that was looked at could change.
    pub soonest_flip: Wait,
    /// One of these requires something of others as well.
    pub(crate) rests_on_others: bool,
}

/// Candidates that are out, by their place in the list: those that may not be used or shed the request.
#[derive(Clone, Copy, Debug, Default)]
struct Out([u64; OUT_WORDS]);

/// More bits than a list may have pools; what is beyond them is out.
const OUT_WORDS: usize = 4;

// === impl Choice ===

impl Choice {
    pub(crate) fn none() -> Choice {
        Choice {
            pool: None,
            chosen: PoolChoice::Nothing,
            location: LocationSource::NotAsked,
            geo: None,
            scope: 0,
            soonest_flip: Wait::FOREVER,
            rests_on_others: false,
        }
    }

    /// A rule answers: no pool is asked.
    pub(crate) fn fixed() -> Choice {
        Choice { chosen: PoolChoice::FixedResponse, ..Choice::none() }
    }

    /// This pool and no other, whatever steering may think of it.
    pub(crate) fn certain(
        asked: &Asked<'_>,
        (slot, pool): (PoolSlot, &Pool),
        chosen: PoolChoice,
    ) -> Choice {
        let mut choice = Choice { pool: Some(slot), chosen, ..Choice::none() };
        choice.looked_at(pool, asked.now);
        choice
    }

    /// The choice rests on this pool's health from now on, and on that of what it requires.
    pub fn looked_at(&mut self, pool: &Pool, now: Moment) {
        self.soonest_flip = self.soonest_flip.min(pool.health.soonest_flip(now));
        self.rests_on_others |= pool.required.is_some();
    }

    /// The pool if steering may use it. Inlined: a policy asks for each of its pools, and a call for each costs a
    /// fifth of a random draw.
    #[inline(always)]
    fn consider<'a>(
        &mut self,
        asked: &Asked<'a>,
        slot: PoolSlot,
        notes: &mut impl Notes,
    ) -> Option<&'a Pool> {
        let pool = asked.world.pool(slot)?;
        self.looked_at(pool, asked.now);
        if pool.usable == Usable::Yes {
            return (!asked.has_failed_in(slot)).then_some(pool);
        }
        notes.note(Step::PassedOver { pool: slot, because: pool.usable });
        None
    }

    /// Takes the pool unless it sheds this request.
    #[inline]
    fn take(
        &mut self,
        asked: &Asked<'_>,
        (slot, pool): (PoolSlot, &Pool),
        chosen: PoolChoice,
        dice: &mut Dice,
        notes: &mut impl Notes,
    ) -> bool {
        let shedding = match asked.client.session {
            true => pool.shedding_of_sessions,
            false => pool.shedding,
        };
        if let Some(shedding) = shedding {
            if asked.kept.is_none() && shedding.policy == ShedPolicy::Hash {
                self.scope = self.scope.max(asked.client.hash_scope());
            }
            if shedding.sheds(asked.client, asked.kept, dice) {
                notes.note(Step::Shed { pool: slot, shedding });
                return false;
            }
        }
        self.pool = Some(slot);
        self.chosen = chosen;
        true
    }

    /// Failover order: the first usable pool of the list that keeps the request.
    fn take_first(
        &mut self,
        asked: &Asked<'_>,
        pools: impl Iterator<Item = PoolSlot>,
        dice: &mut Dice,
        notes: &mut impl Notes,
    ) {
        for slot in pools {
            if let Some(pool) = self.consider(asked, slot, notes)
                && self.take(asked, (slot, pool), PoolChoice::FirstUsable, dice, notes)
            {
                return;
            }
        }
    }

    /// The candidate that ranks lowest and keeps the request; what `near` lets count as equal goes by list order.
    #[expect(
        clippy::too_many_arguments,
        reason = "two policies share the walk, and differ in all of them"
    )]
    fn take_lowest(
        &mut self,
        asked: &Asked<'_>,
        ranks: &[f64],
        mut out: Out,
        near: impl Fn(f64) -> f64,
        chosen: PoolChoice,
        dice: &mut Dice,
        notes: &mut impl Notes,
    ) {
        loop {
            let open = || ranks.iter().enumerate().filter(|(index, _)| !out.has(*index));
            let Some(lowest) = open().map(|(_, &rank)| rank).reduce(f64::min) else { return };
            let limit = near(lowest);
            let Some((index, _)) = open().find(|(_, rank)| **rank <= limit) else { return };
            let Some(found) = asked.candidate(index) else { return };
            if self.take(asked, found, chosen, dice, notes) {
                return;
            }
            out.put(index);
        }
    }
}

// === impl Asked ===

impl<'a> Asked<'a> {
    fn candidate(&self, index: usize) -> Option<(PoolSlot, &'a Pool)> {
        let slot = self.settings.candidates.get(index)?.pool;
        Some((slot, self.world.pool(slot)?))
    }

    /// Where the request was sent in vain; nowhere for DNS.
    pub(crate) fn failed(&self) -> &'a [Failed] {
        self.request.map_or(&[], |request| request.failed)
    }

    pub(crate) fn has_failed_in(&self, pool: PoolSlot) -> bool {
        self.request.is_some_and(|request| request.failed.iter().any(|failed| failed.pool == pool))
    }

    pub(crate) fn has_failed_at(&self, pool: PoolSlot, endpoint: u16) -> bool {
        self.failed().contains(&Failed { pool, endpoint })
    }

    /// Whether the set has an endpoint that the request did not fail at.
    pub(crate) fn has_untried(&self, pool: PoolSlot, set: &Set) -> bool {
        set.members().iter().any(|member| !self.has_failed_at(pool, member.endpoint))
    }

    pub(crate) fn fails_over_across_pools(&self) -> bool {
        self.request.is_some_and(|request| request.failover_across_pools)
    }

    /// Where the session of the request is.
    pub(crate) fn bound(&self) -> Option<Bound> {
        self.request?.bound
    }

    /// The default pools in failover order.
    fn in_order(&self) -> impl Iterator<Item = PoolSlot> {
        self.settings.candidates.iter().map(|candidate: &Candidate| candidate.pool)
    }
}

// === impl Out ===

impl Out {
    fn has(&self, index: usize) -> bool {
        self.0.get(index / 64).is_none_or(|word| word >> (index % 64) & 1 == 1)
    }

    fn put(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }
}
