//! Pools and the endpoints (`origins`) in them.

pub mod upstream;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    Coordinates, HealthCheckId, MonitorGroupId, MonitorId, Name, PoolId, Region, Timestamp, words,
};

pub use upstream::{Upstream, UpstreamTls};

pub const DESCRIPTION_CHARS_MAX: usize = 1024;
pub const NAME_CHARS_MAX: usize = 255;
/// An answer names one pool's endpoints at most; more belong behind a pool each.
pub const ORIGINS_MAX: usize = 1000;
pub const NETWORKS_MAX: usize = 100;
pub const NETWORK_CHARS_MAX: usize = 255;
/// The name of an endpoint, its `Host` header and its virtual network.
pub const ORIGIN_TEXT_CHARS_MAX: usize = 255;
pub const EMAIL_CHARS_MAX: usize = 4096;
/// As many as the largest service of others takes.
pub const REQUIRED_MAX: usize = 255;
/// Origin weights and pool weights are counted in hundredths.
pub const WEIGHT_UNITS: u16 = 100;

words! {
    /// Which endpoint of a pool a client gets.
    OriginPolicy {
        Random = "random",
        Hash = "hash",
        LeastOutstandingRequests = "least_outstanding_requests",
        LeastConnections = "least_connections",
    }
}

words! {
    /// How load shedding chooses what to shed.
    ShedPolicy { Random = "random", Hash = "hash" }
}

/// A set of endpoints that are probed, weighed and drained together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    pub id: PoolId,
    pub name: String,
    pub description: String,
    pub enabled: bool,
    pub disabled_at: Option<Timestamp>,
    pub origins: Vec<Origin>,
    pub origin_steering: OriginPolicy,
    /// Fewer healthy endpoints than this make the pool critical.
    pub minimum_origins: u32,
    pub watch: Watch,
    pub coordinates: Option<Coordinates>,
    pub load_shedding: LoadShedding,
    pub notify: Notify,
    pub networks: Vec<String>,
    /// None: the defaults. Stored by earlier versions without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Box<Upstream>>,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// Who looks at the pool's endpoints, and from where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    pub monitor: Option<MonitorId>,
    pub monitor_group: Option<MonitorGroupId>,
    pub check_regions: CheckRegions,
    /// True for `["regional","global"]`, the only form beside null.
    pub regional_health: bool,
    /// Stored by earlier versions without it.
    #[serde(default)]
    pub quorum: Quorum,
    /// What else must be healthy for the pool to be used; stored by earlier versions without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Box<Requires>>,
}

/// How the votes of points of presence become one verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quorum {
    /// A majority of regions, each by the majority of its own; of all alike where every data centre probes.
    #[default]
    Majority,
    /// Up while more than so many percent of all say so.
    MoreThan(u8),
    /// Down only when all agree that it is.
    AllAgreeDown,
}

/// A calculated check: at least so many of these must be healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requires {
    pub at_least: u32,
    pub of: Vec<Subject>,
}

/// Something whose own health is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// By what its endpoints say, not by what it requires itself: calculated checks do not nest.
    Pool(PoolId),
    /// By its name.
    Origin(PoolId, String),
    HealthCheck(HealthCheckId),
}

/// Which points of presence probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckRegions {
    /// `null`: those that exist, at most three in a region.
    #[default]
    Default,
    /// `["ALL_REGIONS"]`: every one; a majority of all decides.
    All,
    Named(Vec<Region>),
}

/// Percentages of traffic that a pool gives away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadShedding {
    /// 0 to 100.
    pub default_percent: f64,
    pub default_policy: ShedPolicy,
    /// 0 to 100; sessions are shed by hash alone.
    pub session_percent: f64,
}

/// Whom to tell, and of what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notify {
    pub email: String,
    pub filter: Option<NotifyFilter>,
}

/// Which changes of pool and endpoints are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyFilter {
    pub pool: Option<NotifyRule>,
    pub origin: Option<NotifyRule>,
}

/// `healthy: null` tells both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyRule {
    pub disable: bool,
    pub healthy: Option<bool>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub name: String,
    pub address: Address,
    pub enabled: bool,
    pub disabled_at: Option<Timestamp>,
    pub weight: Weight,
    /// 0 is the protocol's own port.
    pub port: u16,
    /// The `Host` header sent to this endpoint; other header names are not taken.
    pub host: Option<String>,
    pub virtual_network_id: Option<String>,
    pub flatten_cname: bool,
    /// What MX or SRV questions are answered with; stored by earlier versions without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
}

/// The part of an MX or SRV record that is not the endpoint's host name and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Service {
    Mx { priority: u16 },
    Srv { priority: u16, weight: u16 },
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    Ip(IpAddr),
    Host(Name),
}

/// Hundredths from 0 to 100: `0.25` is 25.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Weight(u8);

// === impl Pool ===

impl Pool {
    /// What must be healthy beside its own endpoints.
    pub fn required(&self) -> &[Subject] {
        self.watch.requires.as_deref().map_or(&[], |requires| &requires.of)
    }
}

// === impl Subject ===

impl Subject {
    /// The pool that is meant, or whose endpoint is.
    pub fn pool(&self) -> Option<PoolId> {
        match self {
            Subject::Pool(pool) | Subject::Origin(pool, _) => Some(*pool),
            Subject::HealthCheck(_) => None,
        }
    }
}

// === impl CheckRegions ===

impl CheckRegions {
    /// What `check_regions` says for every data centre.
    pub const ALL_WORD: &'static str = "ALL_REGIONS";
}

// === impl Weight ===

impl Weight {
    pub const ONE: Weight = Weight(100);
    pub const ZERO: Weight = Weight(0);

    /// None outside 0 to 1 or when it is not a multiple of `step_hundredths` (1 for endpoints, 10 for pools).
    pub fn from_share(share: f64, step_hundredths: u8) -> Option<Weight> {
        let hundredths = (share * 100.0).round();
        let exact = (share * 100.0 - hundredths).abs() < 1e-6;
        if !(0.0..=100.0).contains(&hundredths) || !exact {
            return None;
        }
        // In range, checked above.
        let units = hundredths as u8;
        units.is_multiple_of(step_hundredths.max(1)).then_some(Weight(units))
    }

    /// So many hundredths of it. One that is above nothing stays so, unless nothing is left of it.
    #[must_use]
    pub fn part(self, hundredths: u8) -> Weight {
        let part = u16::from(self.0).saturating_mul(hundredths.min(100).into()).div_ceil(100);
        Weight(u8::try_from(part).unwrap_or(self.0))
    }

    pub fn share(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    pub const fn hundredths(self) -> u8 {
        self.0
    }
}

// === impl Address ===

impl Address {
    /// An address literal is an `Ip`, a domain name a `Host`.
    pub fn read(text: &str) -> Option<Address> {
        if let Ok(ip) = text.parse() {
            return Some(Address::Ip(ip));
        }
        let name: Name = text.parse().ok()?;
        // `10.0.0` or `1.2.3.4.5` is a slip of the pen, not a name: no top-level domain is a number.
        let numeric =
            name.labels().next_back().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        (!numeric && !name.is_wildcard()).then_some(Address::Host(name))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Ip(ip) => ip.fmt(f),
            Address::Host(name) => name.fmt(f),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
        let text = String::deserialize(from)?;
        Address::read(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an address")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_steps_of_a_hundredth_or_a_tenth() {
        let check = |share, step, want: Option<u8>| {
            assert_eq!(Weight::from_share(share, step).map(Weight::hundredths), want, "{share}");
        };
        check(0.0, 1, Some(0));
        check(0.29, 1, Some(29));
        check(1.0, 10, Some(100));
        check(0.3, 10, Some(30));
        check(0.25, 10, None);
        check(0.255, 1, None);
        check(1.01, 1, None);
        check(-0.1, 1, None);
        check(f64::NAN, 1, None);
    }

    #[test]
    fn addresses_are_literals_or_names_and_not_slips_of_the_pen() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(Address::read(text).map(|a| a.to_string()).as_deref(), want, "{text}");
        };
        check("192.0.2.1", Some("192.0.2.1"));
        check("2001:DB8::5", Some("2001:db8::5"));
        check("Origin.Example.com", Some("origin.example.com"));
        check("10.0.0", None);
        check("1.2.3.4.5", None);
        check("*.example.com", None);
        check("http://example.com", None);
    }
}
