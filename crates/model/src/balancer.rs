//! Load balancers: a host name, its pools in failover order, and how to choose among them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pool::Weight;
use crate::{AccountId, BalancerId, Country, Name, PoolId, Pop, Region, Timestamp, ZoneId, words};

/// Seconds.
pub const TTL_DEFAULT: u32 = 30;
pub const TTL_MAX: u32 = 86_400;
/// Seconds; cookies and ip_cookies.
pub const COOKIE_TTL: std::ops::RangeInclusive<u32> = 1_800..=604_800;
pub const COOKIE_TTL_DEFAULT: u32 = 82_800;
/// Seconds; header affinity counts idle time.
pub const HEADER_TTL: std::ops::RangeInclusive<u32> = 30..=3_600;
pub const HEADER_TTL_DEFAULT: u32 = 1_800;
/// Seconds; a day drains anything.
pub const DRAIN_SECONDS_MAX: u32 = 86_400;
pub const DESCRIPTION_CHARS_MAX: usize = 1024;
/// Longest failover list; a walk over it is part of every answer.
pub const POOLS_MAX: usize = 200;
pub const RULES_MAX: usize = 100;
pub const RULE_NAME_CHARS_MAX: usize = 200;
pub const CONDITION_CHARS_MAX: usize = 4096;
pub const POOL_SETS_MAX: usize = 1000;
pub const POOL_SET_ENTRIES_MAX: usize = 1000;
/// Entries of one geo map or weight map; more than there are countries or busy airports.
pub const MAP_ENTRIES_MAX: usize = 1000;
pub const CONTENT_TYPE_CHARS_MAX: usize = 32;
pub const LOCATION_CHARS_MAX: usize = 2048;
pub const MESSAGE_BODY_CHARS_MAX: usize = 1024;
/// A fixed response ends the exchange, so the 1xx statuses are none.
pub const FIXED_STATUS: std::ops::RangeInclusive<u16> = 200..=599;
pub const AFFINITY_HEADERS_MAX: usize = 5;
pub const AFFINITY_HEADER_CHARS_MAX: usize = 100;
/// Per cent; moves the border between two pools without ever closing one of them.
pub const PROXIMITY_BIAS: std::ops::RangeInclusive<i8> = -99..=99;

words! {
    /// How pools are chosen. The default word is resolved when a balancer is read.
    SteeringPolicy {
        /// `""`: geo if any geo map is set, else off.
        Unset = "",
        Off = "off",
        Geo = "geo",
        Random = "random",
        DynamicLatency = "dynamic_latency",
        Proximity = "proximity",
        LeastOutstandingRequests = "least_outstanding_requests",
        LeastConnections = "least_connections",
    }
}

words! { SessionAffinity { None = "none", Cookie = "cookie", IpCookie = "ip_cookie", Header = "header" } }
words! { SameSite { Auto = "Auto", Lax = "Lax", None = "None", Strict = "Strict" } }
words! { Secure { Auto = "Auto", Always = "Always", Never = "Never" } }
words! { ZeroDowntimeFailover { None = "none", Temporary = "temporary", Sticky = "sticky" } }
words! {
    /// Where a DNS-only client is taken to be when its subnet does not say.
    LocationMode { Pop = "pop", ResolverIp = "resolver_ip" }
}
words! {
    /// When the client subnet (RFC 7871) outranks the resolver's own place.
    PreferEcs { Always = "always", Never = "never", Proximity = "proximity", Geo = "geo" }
}

words! {
    /// Who counts as the same client of DNS.
    PersistenceKey {
        /// One address of a resolver.
        Resolver = "resolver",
        /// One client subnet (RFC 7871); the resolver's address without one.
        Ecs = "ecs",
        /// One operator's resolvers at one site, whatever address they ask from.
        Operator = "operator",
    }
}

/// One balancer as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balancer {
    pub id: BalancerId,
    pub scope: Scope,
    pub name: Name,
    pub description: String,
    pub enabled: bool,
    pub proxied: bool,
    /// Seconds.
    pub ttl: u32,
    pub steering: Steering,
    pub affinity: Affinity,
    pub rules: Vec<Rule>,
    pub pool_sets: Vec<PoolSet>,
    pub networks: Vec<String>,
    pub extension: Extension,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
}

/// A public balancer belongs to a zone, a private one to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    Zone(ZoneId),
    Account(AccountId),
}

/// Everything that decides which pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steering {
    /// Never `Unset`: resolved when read.
    pub policy: SteeringPolicy,
    pub default_pools: Vec<PoolId>,
    pub fallback_pool: PoolId,
    pub region_pools: BTreeMap<Region, Vec<PoolId>>,
    pub country_pools: BTreeMap<Country, Vec<PoolId>>,
    pub pop_pools: BTreeMap<Pop, Vec<PoolId>>,
    pub random: RandomSteering,
    /// None: not set, so `{prefer_ecs: always, mode: resolver_ip}` holds.
    pub location: Option<LocationStrategy>,
    pub failover_across_pools: bool,
}

/// Weights of pools for `random` and the least-loaded policies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomSteering {
    pub default_weight: Weight,
    pub pool_weights: BTreeMap<PoolId, Weight>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationStrategy {
    pub mode: LocationMode,
    pub prefer_ecs: PreferEcs,
}

/// How clients stay on their endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Affinity {
    pub kind: SessionAffinity,
    /// Seconds; None while affinity is off and none was given.
    pub ttl: Option<u32>,
    pub attributes: AffinityAttributes,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffinityAttributes {
    /// Seconds.
    pub drain_duration: u32,
    pub headers: Vec<String>,
    pub require_all_headers: bool,
    pub samesite: SameSite,
    pub secure: Secure,
    pub zero_downtime_failover: ZeroDowntimeFailover,
}

/// A condition and what it changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub name: String,
    /// Empty is always true.
    pub condition: String,
    pub disabled: bool,
    pub priority: u32,
    pub terminates: bool,
    pub action: RuleAction,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RuleAction {
    Overrides(Box<Overrides>),
    FixedResponse(FixedResponse),
}

/// What a rule replaces; None is left alone. Partial objects come back as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overrides {
    pub steering_policy: Option<SteeringPolicy>,
    pub default_pools: Option<Vec<PoolId>>,
    pub fallback_pool: Option<PoolId>,
    pub region_pools: Option<BTreeMap<Region, Vec<PoolId>>>,
    pub country_pools: Option<BTreeMap<Country, Vec<PoolId>>>,
    pub pop_pools: Option<BTreeMap<Pop, Vec<PoolId>>>,
    pub random_steering: Option<PartialRandomSteering>,
    pub pools: Option<Vec<PoolId>>,
    pub pool_weights: Option<BTreeMap<PoolId, Weight>>,
    pub pool_default_weight: Option<Weight>,
    pub location_strategy: Option<PartialLocationStrategy>,
    pub failover_across_pools: Option<bool>,
    pub session: SessionOverrides,
    /// Seconds.
    pub ttl: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionOverrides {
    pub affinity: Option<SessionAffinity>,
    /// Seconds.
    pub ttl: Option<u32>,
    pub attributes: Option<PartialAttributes>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartialRandomSteering {
    pub default_weight: Option<Weight>,
    pub pool_weights: Option<BTreeMap<PoolId, Weight>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialLocationStrategy {
    pub mode: Option<LocationMode>,
    pub prefer_ecs: Option<PreferEcs>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialAttributes {
    pub headers: Option<Vec<String>>,
    pub require_all_headers: Option<bool>,
    pub samesite: Option<SameSite>,
    pub secure: Option<Secure>,
    pub zero_downtime_failover: Option<ZeroDowntimeFailover>,
}

/// An answer that needs no pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedResponse {
    pub status_code: Option<u16>,
    pub content_type: Option<String>,
    pub location: Option<String>,
    pub message_body: Option<String>,
}

/// Pools for a part of the world, looked at before the rules; the first match ends the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolSet {
    pub name: String,
    pub disabled: bool,
    pub matches: PoolSetMatch,
    pub action: RuleAction,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolSetMatch {
    /// No `match` was given.
    Everything,
    /// `{"default": true}`.
    Default,
    /// Any of the lists.
    Topology { pops: Vec<Pop>, countries: Vec<Country>, regions: Vec<Region> },
}

/// The `trimtab` object: what the hosted API has no field for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Per cent by which a pool seems nearer (positive) or farther.
    pub proximity_bias: BTreeMap<PoolId, i8>,
    /// Stored by earlier versions without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,
}

/// Whoever asks again gets the endpoint it had, as long as that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persistence {
    pub key: PersistenceKey,
    /// Seconds, of answers, instead of the balancer's; None: the balancer's.
    pub ttl: Option<u32>,
}

// === impl FixedResponse ===

impl FixedResponse {
    /// A redirect without a status is one that lasts as long as the rule.
    pub fn status(&self) -> u16 {
        self.status_code.unwrap_or(if self.location.is_some() { 302 } else { 200 })
    }
}

// === impl Steering ===

impl Steering {
    /// The word that the API gives back for `""`.
    pub fn resolve(&mut self) {
        if self.policy == SteeringPolicy::Unset {
            let geo = !(self.region_pools.is_empty()
                && self.country_pools.is_empty()
                && self.pop_pools.is_empty());
            self.policy = if geo { SteeringPolicy::Geo } else { SteeringPolicy::Off };
        }
    }
}

// === impl RandomSteering ===

impl Default for RandomSteering {
    fn default() -> RandomSteering {
        RandomSteering { default_weight: Weight::ONE, pool_weights: BTreeMap::new() }
    }
}

impl RandomSteering {
    pub fn weight(&self, pool: PoolId) -> Weight {
        self.pool_weights.get(&pool).copied().unwrap_or(self.default_weight)
    }
}

// === impl Balancer ===

impl Balancer {
    /// Every pool the balancer names anywhere, in the order of first mention: deleting one of them is refused.
    pub fn pools(&self) -> Vec<PoolId> {
        let steering = &self.steering;
        let maps = steering.region_pools.values().chain(steering.country_pools.values());
        let named = steering
            .default_pools
            .iter()
            .chain(std::iter::once(&steering.fallback_pool))
            .chain(maps.chain(steering.pop_pools.values()).flatten())
            .chain(self.actions().flat_map(RuleAction::pools));
        let mut pools = Vec::new();
        for pool in named {
            if !pools.contains(pool) {
                pools.push(*pool);
            }
        }
        pools
    }

    fn actions(&self) -> impl Iterator<Item = &RuleAction> {
        let sets = self.pool_sets.iter().map(|set| &set.action);
        self.rules.iter().map(|rule| &rule.action).chain(sets)
    }
}

// === impl RuleAction ===

impl RuleAction {
    fn pools(&self) -> Box<dyn Iterator<Item = &PoolId> + '_> {
        match self {
            RuleAction::FixedResponse(_) => Box::new(std::iter::empty()),
            RuleAction::Overrides(over) => {
                let maps = over.region_pools.iter().flat_map(BTreeMap::values).flatten();
                let countries = over.country_pools.iter().flat_map(BTreeMap::values).flatten();
                let pops = over.pop_pools.iter().flat_map(BTreeMap::values).flatten();
                let lists = over.default_pools.iter().chain(over.pools.iter()).flatten();
                Box::new(
                    lists.chain(over.fallback_pool.iter()).chain(maps).chain(countries).chain(pops),
                )
            }
        }
    }
}
