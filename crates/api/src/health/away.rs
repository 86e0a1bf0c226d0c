//! Endpoints that get no new requests for a while: ejected ones, and disabled ones that drain.

use std::sync::atomic::Ordering;
use std::time::Duration;

use trimtab_api_types::v1::health::{Drain, Ejected, OriginAway};
use trimtab_health::{EndpointHealth, FailureReason};
use trimtab_live::Snapshot;
use trimtab_model::{Moment, Timestamp};
use trimtab_steer::{Endpoint, Pool, PoolSlot, drain};

/// One moment on both clocks: ejections are counted on one, and drains on the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    pub(crate) monotonic: Moment,
    pub(crate) wall: Timestamp,
}

pub(super) fn of_pool(
    world: &Snapshot,
    slot: PoolSlot,
    pool: &Pool,
    now: Clocks,
) -> Vec<OriginAway> {
    let endpoints = (0..).zip(pool.endpoints.iter().zip(&pool.health.endpoints));
    let away = endpoints.filter_map(|(index, (endpoint, health))| {
        let ejected = ejected(health, now);
        let drain = draining(world, (slot, index), endpoint, now.wall);
        (ejected.is_some() || drain.is_some()).then(|| OriginAway {
            name: endpoint.name.to_string(),
            address: endpoint.address.to_string(),
            port: endpoint.port,
            ejected,
            drain,
        })
    });
    away.collect()
}

fn ejected(health: &EndpointHealth, now: Clocks) -> Option<Ejected> {
    let left = health.ejected_until()?.saturating_duration_since(now.monotonic);
    let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
    Some(Ejected {
        failure_reason: FailureReason::Ejected.word().into(),
        until: Timestamp::from_micros(now.wall.micros().saturating_add(micros)),
        seconds_left: whole_seconds(left),
    })
}

fn draining(
    world: &Snapshot,
    (slot, index): (PoolSlot, u16),
    endpoint: &Endpoint,
    now: Timestamp,
) -> Option<Drain> {
    let until = drain::until(&world.world, slot, endpoint, now)?;
    let left = u64::try_from(until.micros().saturating_sub(now.micros())).unwrap_or(0);
    let load = world.loads.endpoint(slot, index);
    Some(Drain {
        until,
        seconds_left: whole_seconds(Duration::from_micros(left)),
        requests_open: load.map_or(0, |load| load.open.load(Ordering::Relaxed)),
    })
}

/// A second that has begun is left: 0 is the end.
fn whole_seconds(left: Duration) -> u64 {
    left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0))
}
