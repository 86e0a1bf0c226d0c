//! A pool made ready for decisions: configuration and health in one value, with the endpoints that serve sorted out.

mod endpoint;
pub(crate) mod required;
mod set;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use trimtab_geo::{Latencies, Point, PoolNumber};
use trimtab_health::{EndpointHealth, PoolHealth, PoolStatus, Verdict, ejection};
use trimtab_model::monitor::MonitorType;
use trimtab_model::pool::{OriginPolicy, Requires, Subject, Upstream, UpstreamTls};
use trimtab_model::{self as model, Name, PoolId, SecretPem};

use crate::Wanted;
use crate::dice::hash_bytes;
use crate::latency::Latency;
use crate::shedding::Shedding;

pub use endpoint::{Endpoint, Service, hash_ip};
pub use required::Required;
pub(crate) use set::Record;
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
    pub minimum_origins: u32,
    /// Stands for the pool in rendezvous hashing.
    pub hash: u64,
    pub point: Option<Point>,
    pub health: PoolHealth,
    pub usable: Usable,
    /// What its calculated check has come to, if it has one.
    pub requirement: Option<Requirement>,
    /// What that one rests on.
    pub(crate) required: Option<Box<Required>>,
    /// None: it keeps every request.
    pub shedding: Option<Shedding>,
    pub shedding_of_sessions: Option<Shedding>,
    pub latency: Latency,
    /// Its number in the table of latencies that the operator loaded, where it has one.
    pub loaded: Option<PoolNumber>,
    /// Some endpoint sends clients on to its name.
    pub has_aliases: bool,
    /// How a proxy reaches the endpoints.
    pub upstream: Arc<Upstream>,
    /// Tells apart what connections were made with.
    pub upstream_hash: u64,
    /// Probes of the pool speak TLS, and so it is expected to.
    monitored_over_tls: bool,
    serving: Sets,
    /// What the fallback pool answers with: every enabled endpoint, whatever its health.
    enabled_endpoints: Sets,
    /// The addresses of every endpoint: a session may be at one that gets no new ones.
    everyone: Box<[Member]>,
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
    /// Too few of what its calculated check asks for are healthy.
    Requires,
}

/// A calculated check: how many of others must be healthy, and how many are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub at_least: u32,
    pub of: u32,
    pub healthy: u32,
    /// What is known of some of them is from before a restart or a pause.
    pub restored: bool,
}

/// What failed requests may do to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ejectable {
    Yes,
    /// As many are out as may be, or it is the last that serves.
    AtCeiling,
    /// It is out already, by requests or by what has the better word.
    ServesNobody,
}

/// RFC 9110 section 4.2.1.
const PORT_OF_HTTP: u16 = 80;
/// RFC 9110 section 4.2.2.
const PORT_OF_HTTPS: u16 = 443;
/// Not the seed of load shedding: whom a pool keeps says nothing of whom it sheds.
const POOL_SALT: u64 = 1;

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
        let pool = Pool {
            id: config.id,
            name: config.name.as_str().into(),
            enabled: config.enabled,
            policy: config.origin_steering,
            minimum_origins: config.minimum_origins,
            hash: pool_hash(config.id),
            point: config.coordinates.map(Point::from),
            shedding: Shedding::build(config),
            shedding_of_sessions: Shedding::of_sessions(config),
            everyone: set::everyone(&endpoints),
            endpoints,
            health,
            usable: Usable::Empty,
            requirement: None,
            required: None,
            latency: Latency::default(),
            loaded: None,
            has_aliases: false,
            upstream: Arc::new(config.upstream.as_deref().cloned().unwrap_or_default()),
            upstream_hash: upstream_hash(config),
            monitored_over_tls: false,
            serving: Sets::default(),
            enabled_endpoints: Sets::default(),
        };
        pool.sorted_out()
    }

    /// What follows from configuration and health.
    fn sorted_out(mut self) -> Pool {
        let verdicts = self.endpoints.iter().zip(self.health.endpoints.iter());
        let serves: Vec<bool> =
            verdicts.map(|(endpoint, health)| endpoint.serves(health.verdict)).collect();
        self.usable = match usable(&self, serves.iter().filter(|serves| **serves).count()) {
            Usable::Yes if self.requirement.is_some_and(|wanted| !wanted.is_met()) => {
                Usable::Requires
            }
            own => own,
        };
        self.latency = Latency::build(&self.health, &serves);
        self.has_aliases = self.endpoints.iter().any(|endpoint| endpoint.unflattened);
        self.serving = Sets::new(&self.endpoints, |index| serves.get(index) == Some(&true));
        self.enabled_endpoints = Sets::new(&self.endpoints, |index| {
            self.endpoints.get(index).is_some_and(|endpoint| endpoint.enabled)
        });
        self
    }

    /// The same pool with what its calculated check has come to.
    #[must_use]
    pub fn requiring(mut self, requirement: Option<Requirement>) -> Pool {
        self.requirement = requirement;
        self.sorted_out()
    }

    /// The same pool with what its calculated check rests on, so that no answer outlives that.
    #[must_use]
    pub fn resting_on(mut self, required: Option<Required>) -> Pool {
        self.required = required.map(Box::new);
        self
    }

    /// Healthy by what its own endpoints say, whatever it requires of others: what calculated checks count.
    pub fn is_well(&self) -> bool {
        matches!(self.usable, Usable::Yes | Usable::Requires)
    }

    /// The same of its endpoint of that name.
    pub fn is_endpoint_well(&self, name: &str) -> bool {
        let mut endpoints = self.endpoints.iter().zip(&self.health.endpoints);
        let found = endpoints.find(|(endpoint, _)| &*endpoint.name == name);
        found.is_some_and(|(endpoint, health)| endpoint.serves(health.verdict))
    }

    /// Whether calculated checks of other pools find nothing else in it.
    pub fn speaks_as(&self, other: &Pool) -> bool {
        let serves =
            |(endpoint, health): (&Endpoint, &EndpointHealth)| endpoint.serves(health.verdict);
        let all = |pool: &Pool| -> Vec<bool> {
            pool.endpoints.iter().zip(&pool.health.endpoints).map(serves).collect()
        };
        self.is_well() == other.is_well()
            && self.is_restored() == other.is_restored()
            && all(self) == all(other)
    }

    /// What is known of some endpoint that counts, or of what the pool requires, is from before a restart or a pause,
    /// and is to be looked at again: nobody probes a pool that is disabled.
    pub fn is_restored(&self) -> bool {
        let mut endpoints = self.endpoints.iter().zip(&self.health.endpoints);
        let mut any =
            || endpoints.any(|(endpoint, health)| endpoint.enabled && health.is_restored());
        self.enabled && (self.requirement.is_some_and(|wanted| wanted.restored) || any())
    }

    /// The pool as it would be if a person had disabled it.
    #[must_use]
    pub fn disabled(mut self) -> Pool {
        self.enabled = false;
        self.sorted_out()
    }

    /// The pool as it would be with another verdict on one endpoint.
    #[must_use]
    pub fn with_verdict(mut self, endpoint: usize, verdict: Verdict) -> Pool {
        let enabled: Vec<bool> = self.endpoints.iter().map(|endpoint| endpoint.enabled).collect();
        self.health = self.health.with_verdict(endpoint, verdict, &enabled, self.minimum_origins);
        self.sorted_out()
    }

    /// The same pool with what its monitor says of its endpoints' protocol.
    #[must_use]
    pub fn monitored_by(mut self, monitor: Option<&model::Monitor>) -> Pool {
        self.monitored_over_tls =
            monitor.is_some_and(|monitor| monitor.probe.kind == MonitorType::Https);
        self
    }

    /// Whether a proxy speaks TLS to the endpoint.
    pub fn uses_tls(&self, endpoint: &Endpoint) -> bool {
        match self.upstream.tls {
            UpstreamTls::On => true,
            UpstreamTls::Off => false,
            UpstreamTls::Auto => endpoint.port == PORT_OF_HTTPS || self.monitored_over_tls,
        }
    }

    /// Where requests to the endpoint go: 0 is the protocol's own port.
    pub fn port_of(&self, endpoint: &Endpoint) -> u16 {
        match endpoint.port {
            0 if self.uses_tls(endpoint) => PORT_OF_HTTPS,
            0 => PORT_OF_HTTP,
            port => port,
        }
    }

    /// Finds the pool, by its name or else its id, in the latencies that were loaded.
    #[must_use]
    pub fn measured_by(mut self, latencies: Option<&Latencies>) -> Pool {
        self.loaded = latencies.and_then(|latencies| {
            let by_id = || latencies.pool_number(&self.id.to_string());
            latencies.pool_number(&self.name).or_else(by_id)
        });
        self
    }

    /// Whether nothing that draws depend on differs: the same endpoints with the same chances, as usable as before.
    /// What probes measure is left out.
    pub fn draws_as(&self, other: &Pool) -> bool {
        let hash = |endpoint: &Endpoint| endpoint.hash;
        let usable = |pool: &Pool| (pool.enabled, pool.usable == Usable::Yes);
        usable(self) == usable(other)
            && (self.policy, self.shedding, self.point)
                == (other.policy, other.shedding, other.point)
            && self.endpoints.iter().map(hash).eq(other.endpoints.iter().map(hash))
            && self.serving.draws_as(&other.serving)
            && self.enabled_endpoints.draws_as(&other.enabled_endpoints)
    }

    /// One that is disabled may still serve sessions, and counts for none of those that must stay.
    pub fn ejectable(&self, endpoint: usize) -> Ejectable {
        let all = || self.endpoints.iter().zip(&self.health.endpoints);
        let Some((it, health)) = all().nth(endpoint) else { return Ejectable::ServesNobody };
        if !it.could_serve(health.verdict) {
            return Ejectable::ServesNobody;
        }
        let enabled = all().filter(|(endpoint, _)| endpoint.enabled);
        let out = enabled.clone().filter(|(_, health)| health.ejected_until().is_some()).count();
        let most = ejection::most(enabled.count());
        let serving = all().filter(|(endpoint, health)| endpoint.serves(health.verdict)).count();
        match serving.saturating_sub(usize::from(it.enabled)) {
            0 => Ejectable::AtCeiling,
            _ if it.enabled && out >= most => Ejectable::AtCeiling,
            _ => Ejectable::Yes,
        }
    }

    /// Healthy and enabled endpoints.
    pub fn serving(&self, wanted: Wanted) -> &Set {
        self.serving.of(wanted)
    }

    /// Of every endpoint, whatever its state; what belongs to one is neighbours.
    pub(crate) fn everyone(&self) -> &[Member] {
        &self.everyone
    }

    /// The endpoint with that [`Endpoint::hash`], and its index.
    pub(crate) fn find(&self, hash: u64) -> Option<(&Endpoint, usize)> {
        self.endpoints.iter().zip(0..).find(|(endpoint, _)| endpoint.hash == hash)
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

// === impl Requirement ===

impl Requirement {
    /// How many of what is wanted are healthy.
    pub fn count(wanted: &Requires, is_healthy: impl Fn(&Subject) -> bool) -> Requirement {
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        Requirement {
            at_least: wanted.at_least,
            of: count(wanted.of.len()),
            healthy: count(wanted.of.iter().filter(|subject| is_healthy(subject)).count()),
            restored: false,
        }
    }

    pub fn is_met(&self) -> bool {
        self.healthy >= self.at_least
    }
}

pub(crate) fn pool_hash(id: PoolId) -> u64 {
    hash_bytes(id.bytes(), POOL_SALT)
}

/// Its keys are fixed, so that the same settings have the same hash in every build of a pool.
fn upstream_hash(config: &model::Pool) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(upstream) = config.upstream.as_deref() {
        let Upstream { tls, http2, verify, server_name, ca, .. } = upstream;
        (tls.word(), http2, verify, server_name, ca).hash(&mut hasher);
        upstream.client_certificate.hash(&mut hasher);
        upstream.client_key.as_ref().map(SecretPem::reveal).hash(&mut hasher);
    }
    hasher.finish()
}

/// The status knows nothing of names; an endpoint whose name was never resolved is no endpoint that is up.
fn usable(pool: &Pool, serving: usize) -> Usable {
    let monitored = pool.health.is_monitored();
    let minimum = usize::try_from(pool.minimum_origins).unwrap_or(usize::MAX);
    let needed = if monitored { minimum.max(1) } else { 1 };
    match pool.health.status {
        _ if !pool.enabled => Usable::Disabled,
        _ if !pool.endpoints.iter().any(|endpoint| endpoint.enabled) => Usable::Empty,
        PoolStatus::Unknown if monitored => Usable::NoResultYet,
        PoolStatus::Critical => Usable::Critical,
        PoolStatus::Healthy | PoolStatus::Degraded | PoolStatus::Unknown => match serving {
            few if few < needed => Usable::Critical,
            _ => Usable::Yes,
        },
    }
}
