//! From a snapshot to what alerts are about.

use std::sync::Arc;

use trimtab_health::{EndpointHealth, FailureReason, Ruler, Verdict};
use trimtab_live::{CheckHealth, Snapshot};
use trimtab_model::PoolId;
use trimtab_steer::pool::{Requirement, Usable};
use trimtab_steer::{Balancer, Pool};

use crate::book::Book;
use crate::message::{CheckFacts, Facts, Traffic};
use crate::seen::{Condition, Seen, Subject};

/// Load balancers that are told of a pool, and pools that are told of each of those: a message is for reading.
const BALANCERS_MAX: usize = 5;
const ELSEWHERE_MAX: usize = 3;

/// How everything is. A pool of which the configuration says nothing yet is left out: it was just made.
pub(crate) fn seen(snapshot: &Snapshot, book: &Book) -> Seen {
    let mut seen = Seen { unseen: book.pools.keys().copied().collect(), ..Seen::default() };
    for pool in snapshot.world.pools.iter().flatten() {
        let Some(entry) = book.pools.get(&pool.id) else { continue };
        seen.unseen.remove(&pool.id);
        seen.put(Subject::Pool(pool.id), entry.account, of_pool(pool));
        let known = pool.endpoints.iter().zip(&pool.health.endpoints);
        for (endpoint, health) in known {
            let subject = Subject::Origin(pool.id, endpoint.name.clone().into());
            seen.endpoints.insert((pool.id, endpoint.hash), endpoint.name.clone().into());
            let is_out = !(endpoint.enabled && pool.enabled);
            let condition = if is_out { Condition::NoWord } else { of_endpoint(health) };
            seen.put(subject, entry.account, condition);
        }
    }
    for (id, pool) in &book.pools {
        let condition = if pool.enabled { Condition::Good } else { Condition::Bad };
        seen.put(Subject::Enablement(*id), pool.account, condition);
    }
    for (id, check) in snapshot.checks.iter() {
        seen.put(Subject::Check(*id), check.account, of_check(check));
    }
    seen
}

fn of_check(check: &CheckHealth) -> Condition {
    match check.endpoint() {
        _ if check.suspended => Condition::Unwatched,
        Some(health) => of_endpoint(health),
        None => Condition::NoWord,
    }
}

/// Codes of the regions most of which see it fail.
fn failing_regions(endpoint: &EndpointHealth) -> Vec<String> {
    let counts = endpoint.members.iter().flat_map(|member| &member.regions);
    let failing = counts.filter(|count| count.up.saturating_mul(2) <= count.all);
    failing.map(|count| count.region.to_string()).collect()
}

/// A pool is unhealthy when too few of its endpoints are up, and when that is known. What a person alone has done to
/// it is no news: whoever holds endpoints up or down, or drains them, knows.
fn of_pool(pool: &Pool) -> Condition {
    let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints);
    let counted = endpoints.filter(|(endpoint, health)| endpoint.enabled || is_drained(health));
    let (ruled, judged): (Vec<_>, Vec<_>) =
        counted.map(|(_, health)| health).partition(|health| is_ruled_by_a_person(health));
    let failing = |health: &&EndpointHealth| match health.verdict {
        Verdict::Down | Verdict::Ejected { .. } => true,
        Verdict::Up | Verdict::Unknown | Verdict::Unmonitored => false,
    };
    match pool.usable {
        _ if pool.is_restored() => Condition::NoWord,
        Usable::Critical if !ruled.is_empty() && !judged.iter().any(failing) => Condition::NoWord,
        Usable::Critical | Usable::Requires => Condition::Bad,
        Usable::Yes if !pool.health.is_monitored() => Condition::Unwatched,
        Usable::Yes if judged.iter().any(|health| health.verdict.serves()) => Condition::Good,
        Usable::Yes | Usable::Disabled | Usable::NoResultYet | Usable::Empty => Condition::NoWord,
    }
}

/// A person keeps new clients away from it: it counts as disabled, which the configuration does not say.
fn is_drained(health: &EndpointHealth) -> bool {
    is_ruled_by_a_person(health) && health.ruling.as_ref().is_some_and(|ruling| ruling.drains())
}

/// What was known before a restart or a pause is no word: whether it still is so, probes say within an interval.
/// An ejection is made by requests and ends by itself within minutes: it pages by its pool, if that is critical.
fn of_endpoint(health: &EndpointHealth) -> Condition {
    match health.verdict {
        _ if health.is_restored() => Condition::NoWord,
        _ if is_ruled_by_a_person(health) && health.is_held() => Condition::NoWord,
        Verdict::Up => Condition::Good,
        Verdict::Down => Condition::Bad,
        Verdict::Unmonitored => Condition::Unwatched,
        Verdict::Unknown | Verdict::Ejected { .. } => Condition::NoWord,
    }
}

/// The word of an external feed is as good as a probe's.
fn is_ruled_by_a_person(health: &EndpointHealth) -> bool {
    health.ruling.as_ref().is_some_and(|ruling| match ruling.by {
        Ruler::Person(_) => true,
        Ruler::Feed => false,
    })
}

/// What is known of one subject; what is gone has no name.
pub(crate) fn facts(snapshot: &Snapshot, book: &Book, subject: &Subject) -> Facts {
    match subject {
        Subject::Check(id) => {
            snapshot.checks.get(id).map_or_else(Facts::default, |check| of_whole_check(check))
        }
        Subject::Pool(id) => match pool(snapshot, *id) {
            Some(pool) => Facts { traffic: traffic(snapshot, *id), ..of_whole_pool(pool) },
            None => named(book, *id),
        },
        // A person did that, whatever probes say.
        Subject::Enablement(id) => Facts { traffic: traffic(snapshot, *id), ..named(book, *id) },
        Subject::Origin(id, name) => match pool(snapshot, *id) {
            Some(pool) => of_origin(pool, name),
            None => Facts { origin: name.clone(), ..named(book, *id) },
        },
    }
}

fn of_whole_check(check: &CheckHealth) -> Facts {
    let endpoint = check.endpoint();
    Facts {
        name: check.name.to_string(),
        address: check.address.to_string(),
        reason: endpoint.map(|it| it.outcome().0.word().to_owned()).unwrap_or_default(),
        check: Some(CheckFacts {
            zone_id: check.zone.to_string(),
            zone_name: check.zone_name.to_string(),
            failing_regions: endpoint.map(failing_regions).unwrap_or_default(),
        }),
        ..Facts::default()
    }
}

fn named(book: &Book, id: PoolId) -> Facts {
    let name = book.pools.get(&id).map_or_else(String::new, |pool| pool.name.clone());
    Facts { name, ..Facts::default() }
}

fn pool(snapshot: &Snapshot, id: PoolId) -> Option<&Pool> {
    let mut pools = snapshot.world.pools.iter().flatten();
    pools.find(|pool| pool.id == id).map(AsRef::as_ref)
}

fn of_whole_pool(pool: &Pool) -> Facts {
    let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints);
    let enabled = endpoints.filter(|(endpoint, _)| endpoint.enabled);
    let (mut up, mut all, mut worst) = (0, 0, Facts::default());
    for (endpoint, health) in enabled {
        all += 1;
        up += usize::from(health.verdict.serves());
        if !health.verdict.serves() && worst.reason.is_empty() {
            worst = of_origin(pool, &endpoint.name);
        }
    }
    if let (Usable::Requires, Some(wanted)) = (pool.usable, pool.requirement) {
        worst = Facts { reason: required(wanted), ..Facts::default() };
    }
    Facts {
        name: pool.name.clone().into(),
        origin: String::new(),
        address: String::new(),
        origins_up: up,
        origins: all,
        minimum_origins: pool.minimum_origins,
        ..worst
    }
}

fn required(Requirement { at_least, of, healthy, .. }: Requirement) -> String {
    format!("it requires {at_least} of {of} others to be healthy, and {healthy} are")
}

fn of_origin(pool: &Pool, name: &str) -> Facts {
    let base =
        Facts { name: pool.name.clone().into(), origin: name.to_owned(), ..Facts::default() };
    let found = pool.endpoints.iter().zip(&pool.health.endpoints);
    let Some((endpoint, health)) = found.into_iter().find(|(e, _)| &*e.name == name) else {
        return base;
    };
    let (reason, response_code, seen_by) = evidence(health);
    let address = endpoint.address.to_string();
    Facts { address, reason, response_code, seen_by, ..base }
}

/// Why it does not serve, and the places that see it fail.
fn evidence(health: &EndpointHealth) -> (String, u16, String) {
    let (reason, code) = health.outcome();
    let reason = if reason == FailureReason::None { "" } else { reason.word() };
    let sights = health.sights().into_iter().filter(|sight| sight.verdict == Verdict::Down);
    let places: Vec<String> = sights.map(|sight| sight.pop.to_string()).collect();
    (reason.to_owned(), code, places.join(", "))
}

/// What the load balancers do that use the pool.
fn traffic(snapshot: &Snapshot, id: PoolId) -> Vec<Traffic> {
    let world = &snapshot.world;
    let balancers = world.balancers.iter().flatten().filter(|balancer| balancer.enabled);
    let named = |balancer: &&Arc<Balancer>| {
        let mut pools = balancer.pools.iter().filter_map(|slot| world.pool(*slot));
        pools.any(|pool| pool.id == id)
    };
    let tell = |balancer: &Arc<Balancer>| {
        let pools = balancer.candidates.iter().filter_map(|c| world.pool(c.pool));
        let usable = pools.filter(|pool| pool.id != id && pool.usable == Usable::Yes);
        let fallback = world.pool(balancer.fallback);
        Traffic {
            balancer: balancer.name.to_string(),
            elsewhere: usable.take(ELSEWHERE_MAX).map(|pool| pool.name.to_string()).collect(),
            fallback: fallback.map_or_else(String::new, |pool| pool.name.to_string()),
        }
    };
    balancers.filter(named).take(BALANCERS_MAX).map(tell).collect()
}

#[cfg(test)]
mod tests;
