//! Sets what a balancer drew beside what its weights ask for.

use std::sync::Arc;

use trimtab_api_types::v1::split::{EndpointSplit, Part, PoolSplit, Split};
use trimtab_live::Snapshot;
use trimtab_steer::split::{self, Configured, Draws};
use trimtab_steer::{BalancerSlot, World};

use crate::explain::asked::Asked;

/// What a balancer drew on this node, in the newest epoch that anybody counted. Filled in by whoever has the
/// counters of the name server.
pub type DrawsPort = Arc<dyn Fn(BalancerSlot) -> Draws + Send + Sync>;

pub(crate) fn split(snapshot: &Snapshot, asked: &Asked<'_>, draws: &DrawsPort) -> Split {
    let (world, Asked { slot, balancer, .. }) = (&snapshot.world, asked);
    let epoch = world.epoch(*slot);
    let split = split::split(world, balancer, epoch.number, &draws(*slot));
    Split {
        name: balancer.name.to_string(),
        since: epoch.since,
        answers: split.answers,
        verdict: split.verdict.word(),
        pools: split.pools.iter().filter_map(|part| pool(world, part)).collect(),
    }
}

fn pool(world: &World, split: &split::PoolSplit) -> Option<PoolSplit> {
    let pool = world.pool(split.pool)?;
    let endpoints = pool.endpoints.iter().zip(&split.endpoints);
    let endpoints = endpoints.map(|(endpoint, of)| EndpointSplit {
        name: endpoint.name.to_string(),
        address: endpoint.address.to_string(),
        part: part(of),
    });
    Some(PoolSplit {
        pool: pool.name.to_string(),
        id: pool.id,
        part: part(&split.part),
        endpoints: endpoints.collect(),
    })
}

fn part(of: &split::Part) -> Part {
    let (configured_percent, why) = match of.configured {
        Configured::Share(share) => (Some(percent(share)), None),
        Configured::Unknown(unknown) => (None, Some(unknown.reason())),
    };
    Part {
        answers: of.answers,
        drawn_percent: percent(of.drawn),
        configured_percent,
        low_percent: percent(of.interval.low),
        high_percent: percent(of.interval.high),
        verdict: of.verdict.word(),
        why,
    }
}

/// With two decimals.
fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}
