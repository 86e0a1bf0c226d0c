//! A pool made ready for decisions: configuration and health in one value, with the endpoints that serve sorted out.

mod endpoint;
mod set;

use std::net::IpAddr;

use trimtab_geo::Point;
use trimtab_health::{PoolHealth, PoolStatus};
use trimtab_model::pool::OriginPolicy;
use trimtab_model::{self as model, Name, PoolId};

use crate::Wanted;
use crate::latency::Latency;
use crate::shedding::Shedding;

pub use endpoint::{Endpoint, Service, hash_ip};
use set::Sets;
pub use set::{Data, Member, Set};

/// One pool of one moment.
#[derive(Clone, Debug)]
pub struct Pool {
    pub id: PoolId,
    pub name: Box<str>,
    pub enabled: bool,
    pub endpoints: Box<[Endpoint]>,
    pub policy: OriginPolicy,
    pub point: Option<Point>,
    pub health: PoolHealth,
    pub usable: Usable,
    /// None: it keeps every request.
    pub shedding: Option<Shedding>,
    pub latency: Latency,
    serving: Sets,
    /// What the fallback pool answers with: every enabled endpoint, whatever its health.
    enabled_endpoints: Sets,
}

/// May steering choose this pool, and if not, why?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usable {
    Yes,
    Disabled,
    /// Fewer endpoints are up than the pool needs; one without any address is not up.
    Critical,
    /// A monitor is attached and has no result yet: counts as down.
    NoResultYet,
    /// No endpoint is enabled.
    Empty,
}

// === impl Pool ===

impl Pool {
    /// A pool whose host names are not resolved, and therefore serve nobody.
    pub fn build(config: &model::Pool, health: PoolHealth) -> Pool {
        Pool::resolved(config, health, |_| &[])
    }

    /// `health` must have one entry per endpoint of `config`, in the same order; `addresses` gives what a
    /// host name resolved to, or nothing.
    pub fn resolved<'a>(
        config: &model::Pool,
        health: PoolHealth,
        addresses: impl Fn(&Name) -> &'a [IpAddr],
    ) -> Pool {
        let origins = config.origins.iter();
        let endpoints: Box<[Endpoint]> =
            origins.map(|origin| Endpoint::build(origin, &addresses)).collect();
        let serves: Vec<bool> = endpoints
            .iter()
            .zip(health.endpoints.iter())
            .map(|(endpoint, health)| endpoint.serves(health.verdict))
            .collect();
        let serving = serves.iter().filter(|serves| **serves).count();
        Pool {
            id: config.id,
            name: config.name.as_str().into(),
            enabled: config.enabled,
            policy: config.origin_steering,
            point: config.coordinates.map(Point::from),
            usable: usable(config, &endpoints, serving, &health),
            shedding: Shedding::build(config),
            latency: Latency::build(&health, &serves),
            serving: Sets::new(&endpoints, |index| serves.get(index) == Some(&true)),
            enabled_endpoints: Sets::new(&endpoints, |index| {
                endpoints.get(index).is_some_and(|endpoint| endpoint.enabled)
            }),
            endpoints,
            health,
        }
    }

    /// Healthy and enabled endpoints.
    pub fn serving(&self, wanted: Wanted) -> &Set {
        self.serving.of(wanted)
    }

    /// Whether any endpoint, up or not, is made to be answered to such a question.
    pub fn tells(&self, wanted: Wanted) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.tells(wanted))
    }

    /// Enabled endpoints, health ignored.
    pub fn whatever_health(&self, wanted: Wanted) -> &Set {
        self.enabled_endpoints.of(wanted)
    }
}

/// The status knows nothing of names; an endpoint whose name was never resolved is no endpoint that is up.
fn usable(
    config: &model::Pool,
    endpoints: &[Endpoint],
    serving: usize,
    health: &PoolHealth,
) -> Usable {
    let monitored = health.schedule.is_some();
    let minimum = usize::try_from(config.minimum_origins).unwrap_or(usize::MAX);
    let needed = if monitored { minimum.max(1) } else { 1 };
    match health.status {
        _ if !config.enabled => Usable::Disabled,
        _ if !endpoints.iter().any(|endpoint| endpoint.enabled) => Usable::Empty,
        PoolStatus::Unknown if monitored => Usable::NoResultYet,
        PoolStatus::Critical => Usable::Critical,
        PoolStatus::Healthy | PoolStatus::Degraded | PoolStatus::Unknown => match serving {
            few if few < needed => Usable::Critical,
            _ => Usable::Yes,
        },
    }
}
