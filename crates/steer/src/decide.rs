//! One decision, from the question to the answer with its reason.
//!
//! DNS calls this and nothing else; so does everything that explains it.

use trimtab_model::balancer::SteeringPolicy;
use trimtab_model::{Moment, Wait};

use crate::dice::Dice;
use crate::endpoint::{self, Picks};
use crate::persistence::Identity;
use crate::policy::{self, Asked, Choice};
use crate::pool::{Endpoint, Member, Pool, Set};
use crate::rules;
use crate::why::{EndpointChoice, Notes, PoolChoice, Silent, Step, Steps, Why};
use crate::{Balancer, Client, PoolSlot, World};

/// Addresses in one answer; eight fit any datagram and are more than a client tries.
pub const ANSWERS_MAX: usize = 8;

/// What to answer, for how long, to whom else, and why.
#[derive(Clone, Debug)]
pub struct Decision<'a> {
    /// Whose endpoints the picks are.
    pub pool: Option<&'a Pool>,
    pub picks: Picks<'a>,
    /// Seconds.
    pub ttl: u32,
    /// From now until a verdict that this decision rests on could change; none can before.
    pub soonest_flip: Wait,
    /// Bits of the client subnet that the decision depends on (RFC 7871 SCOPE PREFIX-LENGTH).
    pub scope: u8,
    pub why: Why,
}

// === impl Decision ===

impl<'a> Decision<'a> {
    pub fn endpoint(&self, pick: &Member) -> Option<&'a Endpoint> {
        self.pool?.endpoints.get(usize::from(pick.endpoint))
    }
}

/// Decides for nobody's eyes.
pub fn decide<'a>(
    world: &'a World,
    balancer: &Balancer,
    client: &Client<'_>,
    now: Moment,
    dice: u64,
) -> Decision<'a> {
    walk(world, balancer, client, now, dice, &mut Silent)
}

/// The same decision, with every step told.
pub fn explain<'a>(
    world: &'a World,
    balancer: &Balancer,
    client: &Client<'_>,
    now: Moment,
    dice: u64,
) -> (Decision<'a>, Vec<Step>) {
    let mut steps = Steps::default();
    let decision = walk(world, balancer, client, now, dice, &mut steps);
    (decision, steps.0)
}

/// The story: rules settle what holds for this request; candidates by policy, else the fallback pool; then
/// endpoints of that pool.
fn walk<'a>(
    world: &'a World,
    balancer: &Balancer,
    client: &Client<'_>,
    now: Moment,
    dice: u64,
    notes: &mut impl Notes,
) -> Decision<'a> {
    let mut dice = Dice::new(dice);
    let ruled = rules::settle(world, balancer, client, notes);
    let settings = &ruled.settings;
    let kept = balancer.persistence.map(|key| Identity::of(key, client, world));
    if let Some(identity) = kept {
        notes.note(Step::Known { who: identity.who });
    }
    let asked = Asked { world, settings, client, kept: kept.as_ref(), now };
    let mut choice = match ruled.fixed {
        true => Choice::fixed(),
        false => choose_pool(&asked, &mut dice, notes),
    };
    if choice.pool.is_none() && !ruled.fixed {
        choose_fallback(&asked, &mut choice, notes);
    }
    let found = choice.pool.and_then(|slot| Some((slot, world.pool(slot)?)));
    let (picks, endpoints, hashed_scope) = match found {
        Some((slot, pool)) => {
            notes.note(Step::Chose { pool: slot, how: choice.chosen });
            choose_endpoints(&asked, (slot, pool), choice.chosen, &mut dice, notes)
        }
        None => (Picks::default(), EndpointChoice::NoPool, 0),
    };
    let ttl = bounded_ttl(settings.ttl, choice.soonest_flip);
    notes.note(Step::Bounded { ttl, configured: settings.ttl });
    Decision {
        pool: found.map(|(_, pool)| &**pool),
        picks,
        ttl,
        soonest_flip: choice.soonest_flip,
        scope: choice.scope.max(hashed_scope).max(ruled.scope).max(kept.map_or(0, |k| k.scope)),
        why: Why {
            policy: settings.policy,
            location: choice.location,
            geo: choice.geo,
            pool: choice.pool,
            chosen: choice.chosen,
            endpoints,
            rule: ruled.by,
        },
    }
}

fn choose_pool(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    match asked.settings.policy {
        SteeringPolicy::Unset | SteeringPolicy::Off => policy::off::choose(asked, dice, notes),
        SteeringPolicy::Geo => policy::geo::choose(asked, dice, notes),
        SteeringPolicy::DynamicLatency => policy::latency::choose(asked, dice, notes),
        // On DNS nobody counts open requests: weights alone decide.
        SteeringPolicy::Random
        | SteeringPolicy::LeastOutstandingRequests
        | SteeringPolicy::LeastConnections => policy::random::choose(asked, dice, notes),
        SteeringPolicy::Proximity => policy::proximity::choose(asked, dice, notes),
    }
}

/// The fallback pool serves whatever its health, unless a person disabled it.
fn choose_fallback(asked: &Asked<'_>, choice: &mut Choice, notes: &mut impl Notes) {
    let slot = asked.settings.fallback;
    let enabled = asked.world.pool(slot).filter(|pool| pool.enabled);
    if let Some(pool) = enabled {
        choice.pool = Some(slot);
        choice.chosen = PoolChoice::Fallback;
        choice.looked_at(pool, asked.now);
    } else {
        notes.note(Step::FallbackDisabled { pool: slot });
        choice.chosen = PoolChoice::Nothing;
    }
}

fn choose_endpoints<'a>(
    asked: &Asked<'_>,
    (slot, pool): (PoolSlot, &'a Pool),
    chosen: PoolChoice,
    dice: &mut Dice,
    notes: &mut impl Notes,
) -> (Picks<'a>, EndpointChoice, u8) {
    let client = asked.client;
    let set = eligible(pool, chosen, client);
    let (picks, how) = endpoint::choose(pool.policy, set, client, asked.kept, dice);
    notes.note(Step::Endpoints { how, eligible: set.members().len() });
    for pick in picks.iter() {
        notes.note(Step::Answered { pool: slot, endpoint: pick.endpoint, data: pick.data });
    }
    let scope = if how == EndpointChoice::Hashed { client.hash_scope() } else { 0 };
    (picks, how, scope)
}

fn eligible<'a>(pool: &'a Pool, chosen: PoolChoice, client: &Client<'_>) -> &'a Set {
    match chosen {
        PoolChoice::Fallback => pool.whatever_health(client.wanted),
        PoolChoice::FirstUsable
        | PoolChoice::Drawn
        | PoolChoice::Kept
        | PoolChoice::Nearest
        | PoolChoice::Fastest
        | PoolChoice::FixedResponse
        | PoolChoice::Nothing => pool.serving(client.wanted),
    }
}

/// Never longer than the decision is sure to hold, never below one second.
fn bounded_ttl(configured: u32, soonest_flip: Wait) -> u32 {
    configured.min(u32::try_from(soonest_flip.as_secs()).unwrap_or(u32::MAX)).max(1)
}

#[cfg(test)]
mod tests;
