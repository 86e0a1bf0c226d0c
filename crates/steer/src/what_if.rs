//! What else could have been answered: the same decision, made again with one thing different.
//!
//! For those who ask why, never for those who are answered: every finding is a decision of its own.

use std::sync::Arc;
use std::time::Duration;

use trimtab_health::Verdict;
use trimtab_model::{Moment, Wait};

use crate::pool::{Member, Record};
use crate::why::{PoolChoice, Step};
use crate::{Balancer, Client, Decision, Pool, PoolSlot, Wanted, World, decide, decide_request};

/// One question of one moment: all that a decision is made of.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    pub world: &'a World,
    pub balancer: &'a Balancer,
    pub client: &'a Client<'a>,
    pub now: Moment,
    pub dice: u64,
}

/// A change that would make the answer another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flip {
    /// None is needed: the next question draws anew, and gets the same pool in this many of a hundred cases.
    Draw { same_percent: f64 },
    /// The verdict on an endpoint turns.
    Verdict {
        pool: PoolSlot,
        endpoint: u16,
        to: Verdict,
        /// Probes that must agree.
        probes: u32,
        /// From now; sooner is not possible.
        earliest: Wait,
    },
    /// Another pool comes this much nearer.
    Nearer { pool: PoolSlot, km: f64 },
    /// Another pool answers this much sooner.
    Faster { pool: PoolSlot, by: Duration },
}

/// The pools that were drawn for many questions like this one.
pub type Tries = Vec<(Option<PoolSlot>, u32)>;

/// Endpoints whose verdicts are turned one by one; a pool may have a thousand.
const ENDPOINTS_MAX: usize = 64;

// === impl Asking ===

impl<'a> Asking<'a> {
    /// The pool that would be chosen if the one that was did not exist, and how.
    pub fn runner_up(&self, decision: &Decision<'_>) -> Option<(PoolSlot, PoolChoice)> {
        let chosen = decision.why.pool?;
        let world = self.world.with_pool(chosen, Pool::disabled);
        let other = Asking { world: &world, ..*self }.decide();
        Some((other.why.pool?, other.why.chosen))
    }

    /// The changes that would flip the answer, the smallest first: none at all, then what probes could find out, the
    /// soonest first, then what would have to be moved.
    pub fn flips(&self, decision: &Decision<'_>, steps: &[Step]) -> Vec<Flip> {
        let mut verdicts = self.verdicts(decision, steps);
        verdicts.sort_by_key(|flip| match flip {
            Flip::Verdict { earliest, .. } => *earliest,
            Flip::Draw { .. } | Flip::Nearer { .. } | Flip::Faster { .. } => Wait::FOREVER,
        });
        let draw = draw(decision, self.client, steps);
        draw.into_iter().chain(verdicts).chain(margin(decision, steps)).collect()
    }

    /// How often each pool is chosen for the same question with other dice.
    pub fn tries(&self, count: u32) -> Tries {
        let mut tries: Tries = Vec::new();
        for number in 0..count {
            let dice = crate::dice::mix(self.dice ^ u64::from(number).wrapping_add(1));
            let pool = Asking { dice, ..*self }.decide().why.pool;
            match tries.iter_mut().find(|(known, _)| *known == pool) {
                Some((_, times)) => *times = times.saturating_add(1),
                None => tries.push((pool, 1)),
            }
        }
        tries.sort_by_key(|&(_, times)| std::cmp::Reverse(times));
        tries
    }

    fn decide(self) -> Decision<'a> {
        let Asking { world, balancer, client, now, dice } = self;
        match client.http {
            Some(_) => decide_request(world, balancer, client, now, dice).decision,
            None => decide(world, balancer, &client.as_read(), now, dice),
        }
    }

    /// Every endpoint of a pool that was looked at is turned round, and the question asked again.
    fn verdicts(&self, decision: &Decision<'_>, steps: &[Step]) -> Vec<Flip> {
        let pools = looked_at(decision, steps).into_iter();
        let endpoints = pools.flat_map(|slot| {
            let found = self.world.pool(slot);
            found.into_iter().flat_map(move |pool| {
                pool.endpoints.iter().enumerate().map(move |(index, _)| (slot, pool, index))
            })
        });
        endpoints
            .take(ENDPOINTS_MAX)
            .filter_map(|(slot, pool, index)| self.verdict(decision, slot, pool, index))
            .collect()
    }

    fn verdict(
        &self,
        decision: &Decision<'_>,
        slot: PoolSlot,
        pool: &Pool,
        index: usize,
    ) -> Option<Flip> {
        let health = pool.health.endpoints.get(index)?;
        // What somebody holds as it is, probes cannot turn.
        let probes = pool.health.probes_to_flip(index)?;
        let to = match health.verdict {
            Verdict::Up => Verdict::Down,
            Verdict::Down | Verdict::Unknown | Verdict::Ejected { .. } => Verdict::Up,
            Verdict::Unmonitored => return None,
        };
        let (world, client) =
            (self.world.with_pool(slot, |pool| pool.with_verdict(index, to)), self.client);
        let other = Asking { world: &world, ..*self }.decide();
        let flips =
            other.why.pool != decision.why.pool || told(&other, client) != told(decision, client);
        flips.then_some(Flip::Verdict {
            pool: slot,
            endpoint: u16::try_from(index).ok()?,
            to,
            probes,
            earliest: pool.health.soonest_flip_of(index, self.now),
        })
    }
}

// === impl World ===

impl World {
    /// The same world with one pool made different.
    fn with_pool(&self, slot: PoolSlot, change: impl FnOnce(Pool) -> Pool) -> World {
        let mut pools = Vec::clone(&self.pools);
        let index = usize::try_from(slot.0).unwrap_or(usize::MAX);
        if let Some(Some(pool)) = pools.get_mut(index) {
            *pool = Arc::new(change(Pool::clone(pool)));
        }
        World { pools: Arc::new(pools), ..self.clone() }
    }
}

/// What the client is told, whatever the order: that is drawn. Endpoints with one address are one answer of DNS, unless
/// the client is sent on to their names; a request goes to one of them.
fn told<'a>(decision: &Decision<'a>, client: &Client<'_>) -> Vec<(Option<u16>, Record<'a>)> {
    let told = decision.picks.iter().filter_map(|pick| one_told(decision, client, pick));
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    told
}

fn one_told<'a>(
    decision: &Decision<'a>,
    client: &Client<'_>,
    pick: &Member,
) -> Option<(Option<u16>, Record<'a>)> {
    let endpoint = decision.endpoint(pick)?;
    let matters = client.wanted == Wanted::Endpoint || endpoint.unflattened;
    Some((matters.then_some(pick.endpoint), pick.data.record(endpoint)))
}

/// Whether a draw among the endpoints could have told the client something else.
fn could_differ(decision: &Decision<'_>, client: &Client<'_>) -> bool {
    let mut told = decision.picks.drawable().map(|pick| one_told(decision, client, pick));
    let first = told.next();
    told.any(|other| Some(other) != first)
}

/// The pools that steps speak of and the chosen one, each once.
fn looked_at(decision: &Decision<'_>, steps: &[Step]) -> Vec<PoolSlot> {
    let mut pools = Vec::new();
    for slot in steps.iter().filter_map(Step::pool).chain(decision.why.pool) {
        if !pools.contains(&slot) {
            pools.push(slot);
        }
    }
    pools
}

/// Where chance had a say, the next question has another one.
fn draw(decision: &Decision<'_>, client: &Client<'_>, steps: &[Step]) -> Option<Flip> {
    let of_pool = match decision.why.chosen {
        PoolChoice::Drawn => drawn_share(decision.why.pool?, steps)?,
        PoolChoice::FirstUsable
        | PoolChoice::Kept
        | PoolChoice::Session
        | PoolChoice::Failover
        | PoolChoice::Nearest
        | PoolChoice::Fastest
        | PoolChoice::FixedResponse
        | PoolChoice::Fallback
        | PoolChoice::Nothing => 1.0,
    };
    let of_endpoint = decision.why.endpoints.draws() && could_differ(decision, client);
    let by_chance = of_pool < 1.0 || of_endpoint;
    by_chance.then_some(Flip::Draw { same_percent: of_pool * 100.0 })
}

/// Of the last draw: pools that shed the request were out of it.
fn drawn_share(chosen: PoolSlot, steps: &[Step]) -> Option<f64> {
    let shed =
        |slot| steps.iter().any(|step| matches!(step, Step::Shed { pool, .. } if *pool == slot));
    let weighed = steps.iter().filter_map(|step| match *step {
        Step::Weighed { pool, weight, open } if !shed(pool) => {
            Some((pool, f64::from(weight) / (f64::from(open) + 1.0)))
        }
        _ => None,
    });
    let sum: f64 = weighed.clone().map(|(_, share)| share).sum();
    let (_, share) = weighed.clone().find(|(pool, _)| *pool == chosen)?;
    (sum > 0.0).then_some(share / sum)
}

/// How far the next best is behind.
fn margin(decision: &Decision<'_>, steps: &[Step]) -> Option<Flip> {
    let chosen = decision.why.pool?;
    match decision.why.chosen {
        PoolChoice::Nearest => {
            let ranks = steps.iter().filter_map(|step| match *step {
                Step::Measured { pool, stretched_km, .. } => Some((pool, stretched_km)),
                _ => None,
            });
            let (pool, km) = next_best(chosen, ranks)?;
            Some(Flip::Nearer { pool, km })
        }
        PoolChoice::Fastest => {
            let ranks = steps.iter().filter_map(|step| match *step {
                Step::Timed { pool, rtt: Some(rtt), .. } => Some((pool, rtt.as_secs_f64())),
                _ => None,
            });
            let (pool, seconds) = next_best(chosen, ranks)?;
            Some(Flip::Faster { pool, by: Duration::try_from_secs_f64(seconds).ok()? })
        }
        PoolChoice::FirstUsable
        | PoolChoice::Drawn
        | PoolChoice::Kept
        | PoolChoice::Session
        | PoolChoice::Failover
        | PoolChoice::FixedResponse
        | PoolChoice::Fallback
        | PoolChoice::Nothing => None,
    }
}

/// The lowest rank beside the chosen one, and how much higher it is.
fn next_best(
    chosen: PoolSlot,
    ranks: impl Iterator<Item = (PoolSlot, f64)>,
) -> Option<(PoolSlot, f64)> {
    let (mut own, mut best) = (None, None::<(PoolSlot, f64)>);
    for (pool, rank) in ranks.filter(|(_, rank)| rank.is_finite()) {
        if pool == chosen {
            own = Some(rank);
        } else if best.is_none_or(|(_, lowest)| rank < lowest) {
            best = Some((pool, rank));
        }
    }
    let (pool, rank) = best?;
    Some((pool, (rank - own?).max(0.0)))
}
