//! Asks the live snapshot as DNS would, and has every step told.

use trimtab_api_types::v1::explain::{Explanation, Question, Step};
use trimtab_live::{Snapshot, clock};
use trimtab_model::{Name, PoolId};
use trimtab_steer::tell::{RecordText, tell};
use trimtab_steer::{Balancer, Client, Decision, Subnet, explain as decide_aloud};

use crate::errors::{Error, Kind};
use crate::ids;

/// The balancer that answers for a name, exact before wildcard, and its fallback pool.
pub(crate) fn find<'a>(
    snapshot: &'a Snapshot,
    name: &Name,
) -> Result<(&'a Balancer, PoolId), Error> {
    let world = &snapshot.world;
    let named = |wanted: &str| {
        let mut enabled = world.balancers.iter().flatten().filter(|balancer| balancer.enabled);
        enabled.find(|balancer| balancer.name.as_str() == wanted)
    };
    let found = named(name.as_str()).or_else(|| {
        let mut below = name.as_str();
        while let Some((_, above)) = below.split_once('.') {
            if let Some(found) = named(&format!("*.{above}")) {
                return Some(found);
            }
            below = above;
        }
        None
    });
    let missing = || Error::missing(Kind::Balancer, name);
    let balancer = found.ok_or_else(missing)?;
    let fallback = world.pool(balancer.fallback).ok_or_else(missing)?;
    Ok((balancer, fallback.id))
}

pub(crate) fn explain(
    snapshot: &Snapshot,
    balancer: &Balancer,
    question: &Question,
) -> Explanation {
    let name = format!("{}.", question.name);
    let client = Client {
        name: name.as_bytes(),
        address: question.resolver,
        subnet: question.subnet.map(|(address, source_prefix)| Subnet { address, source_prefix }),
        wanted: question.wanted,
    };
    let (world, now) = (&snapshot.world, clock::now());
    // Without dice from the system, chance is explained with the same draw each time.
    let dice = ids::random().map_or(0, |[a, b, c, d, e, f, g, h, ..]: [u8; 16]| {
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    });
    let (decision, steps) = decide_aloud(world, balancer, &client, now, dice);
    let pool = decision.why.pool.and_then(|slot| world.pool(slot));
    let sentences = tell(balancer, &decision.why, &steps, world, now).into_iter();
    Explanation {
        name: question.name.to_string(),
        kind: question.wanted.word(),
        addresses: records(&decision),
        ttl: decision.ttl,
        scope: decision.scope,
        pool: pool.map(|pool| pool.name.to_string()).unwrap_or_default(),
        policy: decision.why.policy.word().to_owned(),
        reason: decision.why.chosen.label(),
        steps: sentences.map(|description| Step { description }).collect(),
    }
}

fn records(decision: &Decision<'_>) -> Vec<String> {
    let picks = decision.picks.iter();
    let told = picks.filter_map(|pick| {
        let endpoint = decision.endpoint(pick)?;
        Some(RecordText { endpoint, data: pick.data }.to_string())
    });
    told.collect()
}
