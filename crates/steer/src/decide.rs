//! One decision, from the question to the answer with its reason.
//!
//! DNS and the proxy call this and nothing else; so does everything that explains them.

use std::sync::Arc;

use trimtab_model::balancer::{FixedResponse, SteeringPolicy};
use trimtab_model::{Moment, Wait};

use crate::affinity::{self, Affinity, Bound, Session, Settled};
use crate::client::Failed;
use crate::dice::Dice;
use crate::endpoint::{self, Picks};
use crate::persistence::Identity;
use crate::policy::{self, Asked, Choice, Requested};
use crate::pool::{Endpoint, Member, Pool, Set, Usable, required};
use crate::rules::{self, Ruled};
use crate::slow_start::Weights;
use crate::why::{EndpointChoice, Notes, PoolChoice, Silent, Step, Steps, Why};
use crate::{Balancer, Client, PoolSlot, Wanted, World};

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

/// A decision on a proxied request, and what holds for it beyond the endpoint.
#[derive(Clone, Debug)]
pub struct Proxied<'a> {
    pub decision: Decision<'a>,
    pub affinity: Affinity<'a>,
    pub session: Session,
    /// A rule answers with this, and no endpoint is asked.
    pub fixed: Option<&'a FixedResponse>,
    pub failover_across_pools: bool,
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
    let decision = walk(world, balancer, &client.as_read(), now, dice, &mut steps);
    (decision, steps.0)
}

/// Decides on a request that is proxied. One that comes without [`Client::http`] is not, and has no session.
pub fn decide_request<'a>(
    world: &'a World,
    balancer: &'a Balancer,
    client: &Client<'_>,
    now: Moment,
    dice: u64,
) -> Proxied<'a> {
    walk_request(world, balancer, client, now, dice, &mut Silent)
}

/// The same decision, with every step told.
pub fn explain_request<'a>(
    world: &'a World,
    balancer: &'a Balancer,
    client: &Client<'_>,
    now: Moment,
    dice: u64,
) -> (Proxied<'a>, Vec<Step>) {
    let mut steps = Steps::default();
    let proxied = walk_request(world, balancer, client, now, dice, &mut steps);
    (proxied, steps.0)
}

/// A question of DNS: rules settle what holds for it, and whoever is known keeps its endpoint.
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
    let kept = balancer.persistence.map(|key| Identity::of(key, client, world));
    if let Some(identity) = kept {
        notes.note(Step::Known { who: identity.who });
    }
    let asked =
        Asked { world, settings: &ruled.settings, client, kept: kept.as_ref(), request: None, now };
    steer(world, balancer, &asked, &ruled, &mut dice, notes)
}

/// A proxied request: rules settle what holds for it, and then its session is looked for.
fn walk_request<'a>(
    world: &'a World,
    balancer: &'a Balancer,
    client: &Client<'_>,
    now: Moment,
    dice: u64,
    notes: &mut impl Notes,
) -> Proxied<'a> {
    let mut dice = Dice::new(dice);
    let ruled = rules::settle(world, balancer, client, notes);
    let handling = ruled.handling(balancer);
    let settings = (&ruled.settings, &handling.affinity);
    let http = client.http.filter(|_| ruled.fixed.is_none());
    let settled = http.map_or(Settled::NONE, |http| {
        affinity::settle(world, balancer, settings, (client, &http), &mut dice, notes)
    });
    let client = &Client { session: client.session || settled.session.is_older(), ..*client };
    let requested = Requested {
        bound: settled.bound,
        failed: client.failed(),
        failover_across_pools: handling.failover_across_pools,
    };
    let asked = Asked {
        world,
        settings: &ruled.settings,
        client,
        kept: settled.kept.as_ref(),
        request: Some(&requested),
        now,
    };
    let decision = steer(world, balancer, &asked, &ruled, &mut dice, notes);
    Proxied {
        session: settled.session_after(&decision.why, requested.failed),
        decision,
        affinity: handling.affinity,
        fixed: ruled.fixed,
        failover_across_pools: handling.failover_across_pools,
    }
}

/// The story that all share: the pool by what the request failed at, by its session or by policy, else the fallback
/// pool; then endpoints of that pool. Inlined, so that DNS pays nothing for what only requests have.
#[inline(always)]
fn steer<'a>(
    world: &'a World,
    balancer: &Balancer,
    asked: &Asked<'_>,
    ruled: &Ruled<'_>,
    dice: &mut Dice,
    notes: &mut impl Notes,
) -> Decision<'a> {
    let settings = asked.settings;
    let mut choice = match (ruled.fixed, asked.failed(), asked.bound()) {
        (Some(_), ..) => Choice::fixed(),
        (None, [.., last], _) => fail_over(asked, *last, dice, notes),
        (None, [], Some(bound)) if bound.stays => stay(asked, bound),
        (None, [], _) => choose_pool(asked, dice, notes),
    };
    if choice.pool.is_none() && ruled.fixed.is_none() && may_fall_back(asked) {
        choose_fallback(asked, &mut choice, notes);
    }
    let found = choice.pool.and_then(|slot| Some((slot, world.pool(slot)?)));
    let (picks, endpoints, hashed_scope) = match found {
        Some((slot, pool)) => {
            notes.note(Step::Chose { pool: slot, how: choice.chosen });
            choose_endpoints(asked, (slot, pool), choice.chosen, dice, notes)
        }
        None => (Picks::default(), EndpointChoice::NoPool, 0),
    };
    let soonest_flip = match choice.rests_on_others {
        true => choice.soonest_flip.min(required::soonest_flip(world, balancer, asked.now)),
        false => choice.soonest_flip,
    };
    let ttl = bounded_ttl(settings.ttl, soonest_flip);
    if asked.client.http.is_none() {
        notes.note(Step::Bounded { ttl, configured: settings.ttl });
    }
    let kept_scope = asked.kept.map_or(0, |kept| kept.scope);
    Decision {
        pool: found.map(|(_, pool)| &**pool),
        picks,
        ttl,
        soonest_flip,
        scope: choice.scope.max(hashed_scope).max(ruled.scope).max(kept_scope),
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

/// Another endpoint of the pool that failed last; else, where that is allowed, the policy is asked again without the
/// pools that failed.
#[cold]
fn fail_over(asked: &Asked<'_>, last: Failed, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    for &from in asked.failed() {
        notes.note(Step::Failover { from });
    }
    let slot = last.pool;
    let has_others = |pool: &&Arc<Pool>| {
        let set = eligible(asked, (slot, pool), PoolChoice::Failover);
        pool.enabled && asked.has_untried(slot, set)
    };
    match asked.world.pool(slot).filter(has_others) {
        Some(pool) => Choice::certain(asked, (slot, pool), PoolChoice::Failover),
        None if asked.fails_over_across_pools() => choose_pool(asked, dice, notes),
        None => Choice::none(),
    }
}

/// A request that failed falls back only across pools, and to no pool that failed.
fn may_fall_back(asked: &Asked<'_>) -> bool {
    asked.failed().is_empty()
        || (asked.fails_over_across_pools() && !asked.has_failed_in(asked.settings.fallback))
}

fn stay(asked: &Asked<'_>, bound: Bound) -> Choice {
    match asked.world.pool(bound.pool) {
        Some(pool) => Choice::certain(asked, (bound.pool, pool), PoolChoice::Session),
        None => Choice::none(),
    }
}

#[inline(always)]
fn choose_pool(asked: &Asked<'_>, dice: &mut Dice, notes: &mut impl Notes) -> Choice {
    match asked.settings.policy {
        SteeringPolicy::Unset | SteeringPolicy::Off => policy::off::choose(asked, dice, notes),
        SteeringPolicy::Geo => policy::geo::choose(asked, dice, notes),
        SteeringPolicy::DynamicLatency => policy::latency::choose(asked, dice, notes),
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
    let set = eligible(asked, (slot, pool), chosen);
    let (picks, how) = match (client.wanted, bound_in(asked, (slot, pool), chosen)) {
        (_, Some(endpoint)) => (endpoint::bound(pool, endpoint, client), EndpointChoice::Session),
        (Wanted::Endpoint, None) => endpoint::choose_one(asked, (slot, pool), set, dice),
        (Wanted::A | Wanted::Aaaa | Wanted::Mx | Wanted::Srv, None) => {
            endpoint::choose(pool.policy, set, client, asked.kept, dice)
        }
    };
    notes.note(Step::Endpoints { how, eligible: picks.members().len() });
    if notes.listens() && client.wanted == Wanted::Endpoint && how.draws() {
        for (endpoint, weight, full) in Weights::at(pool, asked.now).rising(set.members()) {
            notes.note(Step::Rising { pool: slot, endpoint, weight, full });
        }
    }
    for pick in picks.iter() {
        notes.note(Step::Answered { pool: slot, endpoint: pick.endpoint, data: pick.data });
    }
    let scope = if how == EndpointChoice::Hashed { client.hash_scope() } else { 0 };
    (picks, how, scope)
}

/// The endpoint of the request's session, if it stays there: as settled, or because the fallback pool was chosen again,
/// which looks at no health.
fn bound_in(asked: &Asked<'_>, (slot, pool): (PoolSlot, &Pool), chosen: PoolChoice) -> Option<u16> {
    let bound = asked.bound().filter(|bound| bound.pool == slot && asked.failed().is_empty())?;
    let falls_back = || {
        let endpoint = pool.endpoints.get(usize::from(bound.endpoint));
        chosen == PoolChoice::Fallback
            && endpoint.is_some_and(|endpoint| endpoint.enabled && !endpoint.addresses().is_empty())
    };
    (bound.stays || falls_back()).then_some(bound.endpoint)
}

fn eligible<'a>(
    asked: &Asked<'_>,
    (slot, pool): (PoolSlot, &'a Pool),
    chosen: PoolChoice,
) -> &'a Set {
    let wanted = asked.client.wanted;
    match chosen {
        PoolChoice::Fallback => pool.whatever_health(wanted),
        PoolChoice::Failover if falls_back_further(asked, (slot, pool)) => {
            pool.whatever_health(wanted)
        }
        PoolChoice::FirstUsable
        | PoolChoice::Drawn
        | PoolChoice::Kept
        | PoolChoice::Session
        | PoolChoice::Failover
        | PoolChoice::Nearest
        | PoolChoice::Fastest
        | PoolChoice::FixedResponse
        | PoolChoice::Nothing => pool.serving(wanted),
    }
}

/// What steering may not use was the fallback pool; an endpoint that is down is tried there when no other is left.
fn falls_back_further(asked: &Asked<'_>, (slot, pool): (PoolSlot, &Pool)) -> bool {
    asked.settings.fallback == slot
        && pool.usable != Usable::Yes
        && !asked.has_untried(slot, pool.serving(asked.client.wanted))
}

/// Never longer than the decision is sure to hold, never below one second.
fn bounded_ttl(configured: u32, soonest_flip: Wait) -> u32 {
    configured.min(u32::try_from(soonest_flip.as_secs()).unwrap_or(u32::MAX)).max(1)
}

#[cfg(test)]
mod tests;
