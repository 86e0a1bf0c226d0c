//! What is worth knowing of what was stored, such as that it does not act yet, said in the `messages` of the answer that stored it.

mod cost;

use trimtab_api_types::v1::envelope::ApiMessage;
use trimtab_api_types::v1::{balancer, monitor, record};
use trimtab_live::Snapshot;
use trimtab_model::{Balancer, Monitor, Override, Pool, Record};

/// All notices have this number; people read the text.
const NOTICE: u32 = 10001;
/// Pools that a notice counts one by one; nobody reads on.
const POOLS_NAMED_MAX: usize = 20;

pub(crate) fn of_balancer(of: &Balancer) -> Vec<ApiMessage> {
    messages(balancer::notices(of))
}

pub(crate) fn of_record(of: &Record) -> Vec<ApiMessage> {
    messages(record::notices(of))
}

pub(crate) fn of_pool(world: &Snapshot, of: &Pool) -> Vec<ApiMessage> {
    let mut texts = cost::of_pools(world, &[of.id].into());
    texts.extend(unseen(world, of));
    messages(texts)
}

/// What of it does not act, and what it costs the endpoints of the pool that is checked most.
pub(crate) fn of_monitor(world: &Snapshot, of: &Monitor) -> Vec<ApiMessage> {
    let mut texts = monitor::notices(of);
    texts.extend(cost::of_pools(world, &cost::watched_by(world, of.id)));
    messages(texts)
}

/// What a group costs the endpoints of the pool that is checked most.
pub(crate) fn of_group(world: &Snapshot, pools: &[Pool]) -> Vec<ApiMessage> {
    let pools = pools.iter().map(|pool| pool.id).collect();
    messages(cost::of_pools(world, &pools))
}

/// How many endpoints of which pools an override names now. Patterns name by name, so what is meant may have another.
pub(crate) fn of_override(of: &Override, pools: &[Pool]) -> Vec<ApiMessage> {
    let named =
        |pool: &Pool| pool.origins.iter().filter(|o| of.pattern.names_origin(pool, o)).count();
    let counts = pools.iter().map(|pool| (pool, named(pool))).filter(|(_, count)| *count > 0);
    let counts: Vec<(&Pool, usize)> = counts.collect();
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let pattern = of.pattern.as_str();
    if total == 0 {
        return messages(vec![format!("warning: {pattern} names no endpoint of any pool now")]);
    }
    let mut parts: Vec<String> = counts
        .iter()
        .take(POOLS_NAMED_MAX)
        .map(|(pool, count)| format!("{count} of pool {}", pool.name))
        .collect();
    if counts.len() > POOLS_NAMED_MAX {
        parts.push(format!("others of {} more pools", counts.len() - POOLS_NAMED_MAX));
    }
    let endpoints = if total == 1 { "endpoint" } else { "endpoints" };
    messages(vec![format!("{pattern} names {total} {endpoints} now: {}", parts.join(", "))])
}

pub(crate) fn of_user() -> Vec<ApiMessage> {
    messages(vec!["a token stands for the user, and has nothing that can be changed here".into()])
}

/// A pool that is to be probed, but from nowhere that this node probes for.
fn unseen(world: &Snapshot, of: &Pool) -> Option<String> {
    let mut jobs = world.jobs.iter().filter(|job| job.pool == of.id).peekable();
    jobs.peek()?;
    let nobody = jobs.all(|job| job.observers.is_empty());
    nobody.then(|| {
        format!("warning: this node has no place in the check_regions of pool {}: it probes none of its endpoints", of.name)
    })
}

pub(crate) fn messages(texts: Vec<String>) -> Vec<ApiMessage> {
    texts.into_iter().map(|text| ApiMessage::new(NOTICE, text)).collect()
}
