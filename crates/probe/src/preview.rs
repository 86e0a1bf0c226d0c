//! Trying a monitor out before it is saved: the same probes, and nothing is remembered.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use trimtab_connect::Connector;
use trimtab_health::Evidence;
use trimtab_live::Target;
use trimtab_model::{Monitor, PoolId};

use crate::{Attempt, Check, check};

/// A preview of a large pool must not keep the scheduled probes from their connections.
const IN_FLIGHT_MAX: usize = 32;

/// Probes every target once, with the monitor's retries; the answers are in the order of the targets.
pub async fn preview(
    connector: &Connector,
    monitor: &Monitor,
    pool: PoolId,
    targets: Vec<Target>,
) -> Vec<(Target, Attempt, Option<Evidence>)> {
    stream::iter(targets)
        .map(async |target| {
            let check = Check { monitor, pool, target: &target, delay: Duration::ZERO };
            let attempt = check::run(connector, &check).await;
            let evidence = attempt.evidence(&check, connector.source());
            (target, attempt, evidence)
        })
        .buffered(IN_FLIGHT_MAX)
        .collect()
        .await
}
