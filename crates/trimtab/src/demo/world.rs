//! The demo's world: places, origins, and the resources an operator would have made for them.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use serde_json::{Value, json};
use trimtab_geo::Point;
use trimtab_model::{Coordinates, Pop};

/// Client addresses of the demo and where they are; RFC 8805.
pub(crate) const GEOFEED: &str = include_str!("geofeed.csv");
/// A reserved top-level domain (RFC 6761): nothing of the demo is ever asked of the real DNS.
pub(crate) const ZONE: &str = "demo.test";
/// Seconds; failover is then visible within four.
pub(crate) const INTERVAL: u32 = 2;
pub(crate) const CONSECUTIVE_DOWN: u32 = 2;

/// The places that probe; the first is the node's own.
pub(crate) const POPS: [&str; 8] = ["FRA", "LAX", "IAD", "GRU", "LHR", "JNB", "SIN", "NRT"];

/// One fake origin. DNS answers name documentation addresses (RFC 5737), which the demo's connector
/// leads to loopback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) pool: &'static str,
    pub(crate) city: &'static str,
    pub(crate) pop: &'static str,
    pub(crate) address: Ipv4Addr,
}

const fn site(
    name: &'static str,
    pool: &'static str,
    city: &'static str,
    pop: &'static str,
    address: [u8; 4],
) -> Site {
    let [a, b, c, d] = address;
    Site { name, pool, city, pop, address: Ipv4Addr::new(a, b, c, d) }
}

/// Nine origins in six cities.
pub(crate) const SITES: [Site; 9] = [
    site("fra-1", "fra", "Frankfurt", "FRA", [203, 0, 113, 10]),
    site("fra-2", "fra", "Frankfurt", "FRA", [203, 0, 113, 11]),
    site("lhr-1", "lhr", "London", "LHR", [203, 0, 113, 15]),
    site("iad-1", "iad", "Washington", "IAD", [198, 51, 100, 10]),
    site("iad-2", "iad", "Washington", "IAD", [198, 51, 100, 11]),
    site("lax-1", "lax", "Los Angeles", "LAX", [198, 51, 100, 20]),
    site("gru-1", "gru", "Sao Paulo", "GRU", [192, 0, 2, 55]),
    site("nrt-1", "nrt", "Tokyo", "NRT", [203, 0, 113, 20]),
    site("nrt-2", "nrt", "Tokyo", "NRT", [203, 0, 113, 21]),
];

/// Has fra's origins and hands part of its requests on.
pub(crate) const BUSY: &str = "busy";
const BUSY_SHEDS_PERCENT: u32 = 30;

/// Pools in the order in which balancers list them.
pub(crate) const POOLS: [&str; 6] = ["fra", "lhr", "iad", "lax", "gru", "nrt"];

/// What is created, in this order; `POOL:x`, `MONITOR` stand for ids that the API gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BalancerSketch {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) body: Value,
}

pub(crate) fn monitor() -> Value {
    json!({
        "type": "http", "description": "demo", "path": "/health", "expected_codes": "2xx",
        "interval": INTERVAL, "timeout": 1, "retries": 0,
        "consecutive_down": CONSECUTIVE_DOWN, "consecutive_up": 1,
    })
}

pub(crate) fn pool(name: &str, monitor: &str) -> Value {
    let of = if name == BUSY { "fra" } else { name };
    let sites = || SITES.iter().filter(|site| site.pool == of);
    let origins: Vec<Value> = sites()
        .map(|site| json!({ "name": site.name, "address": site.address.to_string() }))
        .collect();
    let place = sites().next().and_then(|site| coordinates(site.pop));
    json!({
        "name": name, "origins": origins, "monitor": monitor,
        "latitude": place.map(|place| place.latitude),
        "longitude": place.map(|place| place.longitude),
        // Every simulated place probes, so that a partition shows.
        "check_regions": ["ALL_REGIONS"],
        "load_shedding": { "default_percent": if name == BUSY { BUSY_SHEDS_PERCENT } else { 0 } },
    })
}

/// One balancer for each policy, and for what changes the policies' answers.
#[expect(clippy::too_many_lines, reason = "one table, a balancer a row")]
pub(crate) fn balancers(pool: impl Fn(&str) -> String) -> Vec<BalancerSketch> {
    let all: Vec<String> = POOLS.iter().map(|name| pool(name)).collect();
    let (fra, lhr, iad, nrt) = (pool("fra"), pool("lhr"), pool("iad"), pool("nrt"));
    let busy = pool(BUSY);
    let sketch = |name, about, body| BalancerSketch { name, about, body };
    vec![
        sketch(
            "www",
            "proximity: the nearest pool that is up",
            json!({
                "steering_policy": "proximity", "default_pools": all, "fallback_pool": iad,
            }),
        ),
        sketch(
            "geo",
            "geo: lists for regions and for Germany",
            json!({
                "steering_policy": "geo", "default_pools": [iad, fra], "fallback_pool": iad,
                "region_pools": { "WEU": [lhr, fra], "EEU": [fra, lhr], "NEAS": [nrt], "SEAS": [nrt] },
                "country_pools": { "DE": [fra, lhr] },
            }),
        ),
        sketch(
            "canary",
            "random: 90 % to fra, 10 % to lhr",
            json!({
                "steering_policy": "random", "default_pools": [fra, lhr], "fallback_pool": fra,
                "random_steering": { "default_weight": 0.9, "pool_weights": { &lhr: 0.1 } },
            }),
        ),
        sketch(
            "api",
            "off: fra, and iad when fra is down",
            json!({
                "steering_policy": "off", "default_pools": [fra, iad], "fallback_pool": iad,
            }),
        ),
        sketch(
            "fast",
            "dynamic_latency: the pool that probes from this node's place reach soonest",
            json!({
                "steering_policy": "dynamic_latency", "default_pools": all, "fallback_pool": iad,
            }),
        ),
        sketch(
            "load",
            "least_outstanding_requests: DNS counts none, so 40 % to fra and 60 % to iad by weight",
            json!({
                "steering_policy": "least_outstanding_requests",
                "default_pools": [fra, iad], "fallback_pool": iad,
                "random_steering": { "pool_weights": { &fra: 0.4, &iad: 0.6 } },
            }),
        ),
        sketch(
            "conns",
            "least_connections: DNS counts none, so half to fra and half to lhr by weight",
            json!({
                "steering_policy": "least_connections",
                "default_pools": [fra, lhr], "fallback_pool": lhr,
            }),
        ),
        sketch(
            "shed",
            "off with load shedding: the first pool hands 30 % on to lhr",
            json!({
                "steering_policy": "off", "default_pools": [busy, lhr], "fallback_pool": lhr,
            }),
        ),
        sketch(
            "vpn",
            "random with persistence: whoever asks again gets the same endpoint",
            json!({
                "steering_policy": "random", "default_pools": [fra, iad, nrt], "fallback_pool": iad,
                "trimtab": { "persistence": { "key": "ecs", "ttl": 300 } },
            }),
        ),
        sketch(
            "shop",
            "proxied: the nearest pool, sessions by cookie, and /blog at lhr",
            json!({
                "proxied": true, "steering_policy": "proximity",
                "default_pools": all, "fallback_pool": iad,
                "session_affinity": "cookie",
                "session_affinity_attributes": { "zero_downtime_failover": "sticky" },
                "adaptive_routing": { "failover_across_pools": true },
                "rules": [{
                    "name": "blog", "condition": "starts_with(http.request.uri.path, \"/blog\")",
                    "overrides": { "default_pools": [lhr] },
                }],
            }),
        ),
        sketch(
            "*.app",
            "off, and rules: names that begin with beta. go to lhr, clients in Japan to nrt",
            json!({
                "steering_policy": "off", "default_pools": [fra, iad], "fallback_pool": iad,
                "rules": [
                    {
                        "name": "beta", "condition": "starts_with(dns.qry.name, \"beta.\")",
                        "terminates": true, "overrides": { "default_pools": [lhr] },
                    },
                    {
                        "name": "japan", "condition": "ip.src in {10.81.0.0/16}",
                        "overrides": { "default_pools": [nrt, fra], "ttl": 10 },
                    },
                ],
            }),
        ),
    ]
}

/// A city's client network: what a resolver would pass on for someone there.
pub(crate) fn city_network(city: &str) -> Option<IpNet> {
    GEOFEED.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut columns = line.split(',');
        let prefix: IpNet = columns.next()?.parse().ok()?;
        let name = columns.nth(2)?;
        let same = name.replace(' ', "").eq_ignore_ascii_case(&city.replace([' ', '-', '_'], ""));
        match (same, prefix.addr()) {
            (true, IpAddr::V4(address)) => Ipv4Net::new(address, 24).ok().map(IpNet::V4),
            _ => None,
        }
    })
}

pub(crate) fn cities() -> impl Iterator<Item = &'static str> {
    GEOFEED.lines().filter(|line| line.starts_with("10.")).filter_map(|line| line.split(',').nth(3))
}

pub(crate) fn coordinates(pop: &str) -> Option<Coordinates> {
    Some(trimtab_geo::pop(pop.parse::<Pop>().ok()?)?.coordinates)
}

/// There and back through fibre that does not run straight, and a little for the ends.
pub(crate) fn round_trip(from: Coordinates, to: Coordinates) -> Duration {
    /// Light in fibre.
    const KM_PER_SECOND: f64 = 200_000.0;
    const DETOUR: f64 = 1.5;
    const ENDS: Duration = Duration::from_millis(4);
    let km = Point::from(from).distance_km(&Point::from(to));
    ENDS + Duration::from_secs_f64(2.0 * km * DETOUR / KM_PER_SECOND)
}
