//! Numbers of pools and endpoints, from the same snapshot that answers are made of.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use trimtab_health::{EndpointHealth, PoolStatus, Ruler, Verdict};
use trimtab_live::Snapshot;
use trimtab_model::Timestamp;
use trimtab_steer::pool::{Endpoint, Usable};
use trimtab_steer::{BalancerStatus, Pool, PoolSlot, drain};

use super::{Labels, gauges};

/// What an endpoint is, by the metric `trimtab_origin_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OriginState {
    Healthy,
    Unhealthy,
    Unknown,
    Disabled,
    Draining,
    Ejected,
}

pub(super) fn encode(
    snapshot: &Snapshot,
    now: Timestamp,
    to: &mut DescriptorEncoder,
) -> fmt::Result {
    let pools = || snapshot.world.pools.iter().flatten();
    let up = pools().map(|pool| (pool_labels(pool), number(pool.usable == Usable::Yes)));
    gauges(to, "pool_up", "1 when traffic may be steered to the pool", up)?;
    let degraded =
        pools().map(|pool| (pool_labels(pool), number(pool.health.status == PoolStatus::Degraded)));
    gauges(to, "pool_degraded", "1 when some endpoints are down and enough are up", degraded)?;
    let count = |pool: &Pool, which: fn(&Endpoint, &EndpointHealth) -> bool| {
        let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints);
        endpoints.filter(|(endpoint, health)| which(endpoint, health)).count() as f64
    };
    let origins = pools().map(|pool| (pool_labels(pool), count(pool, |e, _| e.enabled)));
    gauges(to, "pool_origins", "enabled endpoints", origins)?;
    let healthy = pools()
        .map(|pool| (pool_labels(pool), count(pool, |e, h| e.enabled && h.verdict.serves())));
    gauges(to, "pool_origins_healthy", "enabled endpoints that may serve", healthy)?;
    states(snapshot, now, to)?;
    held(snapshot, to)?;
    balancers(snapshot, to)?;
    checks(snapshot, to)?;
    gauges(
        to,
        "origin_up",
        "1 when the endpoint is up; pop=\"\" is the verdict of all",
        ups(snapshot),
    )?;
    let latencies = pools().flat_map(|pool| {
        pool.endpoints.iter().zip(&pool.health.endpoints).filter_map(|(endpoint, health)| {
            Some((origin_labels(pool, endpoint, ""), health.rtt()?.as_secs_f64()))
        })
    });
    gauges(to, "origin_latency_seconds", "smoothed round-trip time of probes", latencies)
}

/// Endpoints of which a person or a feed says something.
fn held(snapshot: &Snapshot, to: &mut DescriptorEncoder) -> fmt::Result {
    let pools = snapshot.world.pools.iter().flatten();
    let held = pools.flat_map(|pool| {
        let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints);
        endpoints.filter_map(|(endpoint, health)| {
            let ruling = health.ruling.as_ref()?;
            let by = match ruling.by {
                Ruler::Person(_) => "override",
                Ruler::Feed => "feed",
            };
            let mut labels = origin_labels(pool, endpoint, "");
            labels.retain(|(name, _)| *name != "pop");
            let state = ruling.state.map_or("weight", |state| state.word());
            labels.push(("state", state.to_owned()));
            labels.push(("by", by.to_owned()));
            Some((labels, 1.0))
        })
    });
    gauges(to, "origin_held", "1 while a person or a feed says what the endpoint is", held)
}

/// Standalone health checks that have come to something.
fn checks(snapshot: &Snapshot, to: &mut DescriptorEncoder) -> fmt::Result {
    let rows = snapshot.checks.iter().filter_map(|(id, check)| {
        let up = number(check.is_healthy()?);
        // Checks of a zone may have one name.
        let labels = vec![
            ("check", check.name.to_string()),
            ("zone", check.zone_name.to_string()),
            ("check_id", id.to_string()),
        ];
        Some((labels, up))
    });
    gauges(to, "health_check_up", "1 when a standalone health check finds its endpoint up", rows)
}

/// One row for each status of each balancer, 1 where it is that.
fn balancers(snapshot: &Snapshot, to: &mut DescriptorEncoder) -> fmt::Result {
    let balancers = snapshot.world.balancers.iter().flatten().filter(|of| of.enabled);
    let rows = balancers.flat_map(|of| {
        let is = of.status(&snapshot.world);
        BalancerStatus::ALL.iter().map(move |status| {
            // Private ones may have the name of others.
            let labels = vec![
                ("lb", of.name.to_string()),
                ("status", status.word().to_owned()),
                ("lb_id", of.id.to_string()),
            ];
            (labels, number(*status == is))
        })
    });
    gauges(to, "lb_status", "1 for the status that the load balancer has", rows)
}

/// One row for each state of each endpoint, 1 where it is that.
fn states(snapshot: &Snapshot, now: Timestamp, to: &mut DescriptorEncoder) -> fmt::Result {
    let pools = || {
        (0..)
            .map(PoolSlot)
            .zip(snapshot.world.pools.iter())
            .filter_map(|(slot, pool)| Some((slot, pool.as_ref()?)))
    };
    let states_of = |slot, pool: &Pool| {
        let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints);
        endpoints
            .map(|(endpoint, health)| {
                let drains = drain::until(&snapshot.world, slot, endpoint, now).is_some();
                (endpoint.name.to_string(), OriginState::of(endpoint, health.verdict, drains))
            })
            .collect::<Vec<_>>()
    };
    let draining = pools().map(|(slot, pool)| {
        let draining =
            states_of(slot, pool).into_iter().filter(|(_, state)| *state == OriginState::Draining);
        (pool_labels(pool), draining.count() as f64)
    });
    gauges(
        to,
        "pool_draining",
        "disabled endpoints that keep their sessions for a while",
        draining,
    )?;
    let rows = pools().flat_map(|(slot, pool)| {
        states_of(slot, pool).into_iter().flat_map(|(name, is)| {
            OriginState::ALL.map(|state| {
                let labels = vec![
                    ("pool", pool.name.to_string()),
                    ("origin", name.clone()),
                    ("state", state.label().to_owned()),
                    pool_id(pool),
                ];
                (labels, number(state == is))
            })
        })
    });
    gauges(to, "origin_state", "1 for what the endpoint is", rows)
}

// === impl OriginState ===

impl OriginState {
    const ALL: [OriginState; 6] = [
        OriginState::Healthy,
        OriginState::Unhealthy,
        OriginState::Unknown,
        OriginState::Disabled,
        OriginState::Draining,
        OriginState::Ejected,
    ];

    fn of(endpoint: &Endpoint, verdict: Verdict, drains: bool) -> OriginState {
        match (endpoint.enabled, verdict) {
            (false, _) if drains => OriginState::Draining,
            (false, _) => OriginState::Disabled,
            (true, Verdict::Ejected { .. }) => OriginState::Ejected,
            (true, Verdict::Down) => OriginState::Unhealthy,
            (true, Verdict::Unknown | Verdict::Unmonitored) => OriginState::Unknown,
            (true, Verdict::Up) => OriginState::Healthy,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            OriginState::Healthy => "healthy",
            OriginState::Unhealthy => "unhealthy",
            OriginState::Unknown => "unknown",
            OriginState::Disabled => "disabled",
            OriginState::Draining => "draining",
            OriginState::Ejected => "ejected",
        }
    }
}

fn ups(snapshot: &Snapshot) -> impl Iterator<Item = (Labels, f64)> + '_ {
    snapshot.world.pools.iter().flatten().flat_map(|pool| {
        let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints);
        endpoints.flat_map(|(endpoint, health)| {
            let known = health.sights().into_iter();
            let known = known.filter(|sight| sight.verdict != Verdict::Unknown);
            let seen = known.map(|sight| {
                let is_up = sight.verdict == Verdict::Up;
                (origin_labels(pool, endpoint, sight.pop.code()), number(is_up))
            });
            let verdict = match health.verdict {
                Verdict::Unmonitored => None,
                Verdict::Up => Some(1.0),
                Verdict::Down | Verdict::Unknown | Verdict::Ejected { .. } => Some(0.0),
            };
            seen.chain(verdict.map(|up| (origin_labels(pool, endpoint, ""), up)))
        })
    })
}

fn origin_labels(pool: &Pool, endpoint: &Endpoint, pop: &str) -> Labels {
    vec![
        ("pool", pool.name.to_string()),
        ("origin", endpoint.name.to_string()),
        ("pop", pop.to_owned()),
        pool_id(pool),
    ]
}

fn pool_labels(pool: &Pool) -> Labels {
    vec![("pool", pool.name.to_string()), pool_id(pool)]
}

/// Pools of two accounts may have one name.
fn pool_id(pool: &Pool) -> (&'static str, String) {
    ("pool_id", pool.id.to_string())
}

fn number(fact: bool) -> f64 {
    if fact { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests;
