//! A pool made ready for decisions: configuration and health in one value, with the endpoints that serve sorted out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use trimtab_geo::Point;
use trimtab_health::{PoolHealth, PoolStatus, Verdict};
use trimtab_model::pool::{Address, OriginPolicy};
use trimtab_model::{self as model, Name, PoolId};

use crate::Family;
use crate::dice::{hash_bytes, mix};
use crate::latency::Latency;
use crate::shedding::Shedding;

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
    serving: Families,
    /// What the fallback pool answers with: every enabled endpoint, whatever its health.
    enabled_endpoints: Families,
}

/// One endpoint of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    pub name: Box<str>,
    pub address: Address,
    /// What a host name resolved to; empty for an address, and for a name that was never resolved.
    pub resolved: Box<[IpAddr]>,
    pub enabled: bool,
    /// Hundredths.
    pub weight: u8,
    /// Stands for the endpoint in rendezvous hashing; depends on its address and port alone, so that
    /// a change of the list moves only the clients of the endpoint that went.
    pub hash: u64,
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

/// The addresses of one family that may be answered; those of one endpoint are neighbours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    members: Box<[Member]>,
    /// Sum of the members' weights; never 0 when there are any.
    total: u32,
    /// True when no endpoint of the pool differs in weight from another.
    equal: bool,
}

/// One address that may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Index in the pool's endpoints.
    pub endpoint: u16,
    /// Hundredths. An endpoint's first address has all of its weight and the others none, so that a name
    /// with many addresses is drawn no more often than one with few.
    pub weight: u8,
    pub address: IpAddr,
    /// The endpoint's.
    pub hash: u64,
}

#[derive(Clone, Debug, Default)]
struct Families {
    v4: Set,
    v6: Set,
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
            serving: Families::of(&endpoints, |index| serves.get(index) == Some(&true)),
            enabled_endpoints: Families::of(&endpoints, |index| {
                endpoints.get(index).is_some_and(|endpoint| endpoint.enabled)
            }),
            endpoints,
            health,
        }
    }

    /// Healthy and enabled endpoints.
    pub fn serving(&self, family: Family) -> &Set {
        self.serving.of_family(family)
    }

    /// Enabled endpoints, health ignored.
    pub fn whatever_health(&self, family: Family) -> &Set {
        self.enabled_endpoints.of_family(family)
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

// === impl Endpoint ===

impl Endpoint {
    fn build<'a>(origin: &model::Origin, addresses: &impl Fn(&Name) -> &'a [IpAddr]) -> Endpoint {
        Endpoint {
            name: origin.name.as_str().into(),
            address: origin.address.clone(),
            resolved: match &origin.address {
                Address::Ip(_) => Box::new([]),
                Address::Host(name) => addresses(name).into(),
            },
            enabled: origin.enabled,
            weight: origin.weight.hundredths(),
            hash: address_hash(&origin.address, origin.port),
        }
    }

    /// What clients can be told of it, of both families; empty for a name that was never resolved.
    pub fn addresses(&self) -> &[IpAddr] {
        match &self.address {
            Address::Ip(address) => std::slice::from_ref(address),
            Address::Host(_) => &self.resolved,
        }
    }

    fn serves(&self, verdict: Verdict) -> bool {
        self.enabled && verdict.serves() && !self.addresses().is_empty()
    }
}

fn address_hash(address: &Address, port: u16) -> u64 {
    let seed = mix(u64::from(port));
    match address {
        Address::Ip(ip) => hash_ip(*ip, seed),
        Address::Host(name) => hash_bytes(name.as_str().as_bytes(), seed),
    }
}

/// Spreads an address over 64 bits; v4 and its mapped v6 form are the same client.
pub fn hash_ip(ip: IpAddr, seed: u64) -> u64 {
    match ip.to_canonical() {
        IpAddr::V4(v4) => mix(seed ^ u64::from(v4.to_bits())),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            let (high, low) = ((bits >> 64) as u64, bits as u64);
            mix(mix(seed ^ high) ^ low)
        }
    }
}

// === impl Families ===

impl Families {
    fn of(endpoints: &[Endpoint], eligible: impl Fn(usize) -> bool) -> Families {
        let equal = weights_are_equal(endpoints);
        let of_family = |v4: bool| {
            let members = endpoints.iter().enumerate().filter(|(index, _)| eligible(*index));
            let members = members.flat_map(|(index, endpoint)| members_of(index, endpoint, v4));
            Set::of_pool(members.collect(), equal)
        };
        Families { v4: of_family(true), v6: of_family(false) }
    }

    fn of_family(&self, family: Family) -> &Set {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

fn weights_are_equal(endpoints: &[Endpoint]) -> bool {
    let mut weights = endpoints.iter().filter(|endpoint| endpoint.enabled).map(|e| e.weight);
    let first = weights.next();
    weights.all(|weight| Some(weight) == first)
}

fn members_of(index: usize, endpoint: &Endpoint, v4: bool) -> impl Iterator<Item = Member> {
    let Endpoint { weight, hash, .. } = *endpoint;
    let number = u16::try_from(index);
    let of_family = endpoint.addresses().iter().filter(move |address| address.is_ipv4() == v4);
    of_family
        .filter_map(move |&address| Some(Member { endpoint: number.ok()?, weight, address, hash }))
}

// === impl Set ===

impl Set {
    /// Weights are equal when no member differs from another; the members of one endpoint must be
    /// neighbours, each with the whole weight of the endpoint.
    pub fn new(members: impl Iterator<Item = Member>) -> Set {
        let members: Vec<Member> = members.collect();
        let first = members.first().map(|member| member.weight);
        let equal = members.iter().all(|member| Some(member.weight) == first);
        Set::of_pool(members, equal)
    }

    /// Endpoints of weight 0 serve only when nobody weighs more, then all alike.
    fn of_pool(mut members: Vec<Member>, equal: bool) -> Set {
        if members.iter().any(|member| member.weight > 0) {
            members.retain(|member| member.weight > 0);
        }
        let mut before = None;
        for member in &mut members {
            let first = before.replace(member.endpoint) != Some(member.endpoint);
            member.weight = if first { member.weight.max(1) } else { 0 };
        }
        let total = members.iter().fold(0, |sum: u32, m| sum.saturating_add(m.weight.into()));
        Set { members: members.into(), total, equal }
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn total_weight(&self) -> u32 {
        self.total
    }

    pub fn weights_are_equal(&self) -> bool {
        self.equal
    }
}

// === impl Member ===

impl Member {
    /// The four bytes of an A record.
    pub fn v4(&self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        }
    }

    /// The sixteen bytes of an AAAA record.
    pub fn v6(&self) -> Option<Ipv6Addr> {
        match self.address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(v6),
        }
    }
}
