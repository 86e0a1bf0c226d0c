//! Numbers of the HTTP proxy.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use trimtab_live::{EndpointLoad, Snapshot};
use trimtab_model::BalancerId;
use trimtab_proxy::Tally;
use trimtab_proxy::tally::{BOUNDS_MICROS, Durations, EndpointKey, Known};
use trimtab_steer::PoolSlot;

use super::{Labels, bounds, counters, gauges};

pub(super) fn encode(
    tally: &Tally,
    snapshot: &Snapshot,
    to: &mut DescriptorEncoder,
) -> fmt::Result {
    let known = Known::of(&snapshot.world);
    requests(tally, &known, to)?;
    failures(tally, &known, to)?;
    let sessions = tally.sessions.iter().filter_map(|((lb, result), count)| {
        Some((vec![balancer(*lb, &known)?, ("result", result.label().to_owned())], *count))
    });
    counters(to, "http_affinity", "requests of sessions, by what became of them", sum(sessions))?;
    let refused = tally.refused.iter().map(|(reason, count)| (one("reason", reason), *count));
    counters(to, "http_refused", "requests that no strict reader lets through", refused)?;
    let unknown = [(vec![], tally.unknown_hosts)];
    counters(to, "http_unknown_hosts", "requests for hosts that no balancer has", unknown)?;
    let dropped = [(vec![], tally.signals_dropped)];
    let help = "endpoints that failed requests in a row, of which nobody had room to hear";
    counters(to, "origin_ejection_signals_dropped", help, dropped)?;
    let shed = [(vec![], tally.shed)];
    counters(to, "http_shed", "connections and requests turned away by a full node", shed)?;
    let overloaded = [(vec![], f64::from(u8::from(tally.is_overloaded)))];
    gauges(to, "proxy_overloaded", "whether the node is short of memory", overloaded)?;
    let dropped = [(vec![], tally.log_dropped)];
    counters(to, "access_log_dropped", "lines of the access log that were lost", dropped)?;
    let accepted = [(vec![], tally.connections)];
    counters(to, "http_connections", "client connections accepted", accepted)?;
    let idle = [(vec![], tally.idle as f64)];
    gauges(to, "upstream_connections_idle", "connections to origins that wait", idle)?;
    ejections(snapshot, to)?;
    open(snapshot, to)
}

fn requests(tally: &Tally, known: &Known<'_>, to: &mut DescriptorEncoder) -> fmt::Result {
    let requests = tally.requests.iter().filter_map(|(key, count)| {
        let pool = key.pool.and_then(|hash| known.pool(hash));
        let labels = vec![
            balancer(key.balancer, known)?,
            ("pool", pool.map(|pool| pool.name.to_string()).unwrap_or_default()),
            ("code_class", format!("{}xx", key.class.0)),
            ("method", key.method.label().to_owned()),
        ];
        Some((labels, *count))
    });
    counters(to, "http_requests", "proxied requests", sum(requests))?;
    let whole = tally.durations.iter();
    let whole = whole.filter_map(|(lb, took)| Some((vec![balancer(*lb, known)?], took)));
    let help = "from the head of a request to the last byte of its response";
    histograms(to, "http_request_duration_seconds", help, whole)?;
    let upstream = tally.upstream.iter();
    let upstream = upstream.filter_map(|(key, took)| Some((endpoint(*key, known)?, took)));
    let help = "from the head of a request to the head of the origin's response";
    histograms(to, "http_upstream_duration_seconds", help, upstream)
}

fn failures(tally: &Tally, known: &Known<'_>, to: &mut DescriptorEncoder) -> fmt::Result {
    let faults = tally.faults.iter().filter_map(|((key, reason), count)| {
        let mut labels = endpoint(*key, known)?;
        labels.push(("reason", (*reason).to_owned()));
        Some((labels, *count))
    });
    let help = "requests that an origin gave no response to";
    counters(to, "upstream_connection_errors", help, sum(faults))?;
    let retries = tally.retries.iter().filter_map(|((lb, reason), count)| {
        Some((vec![balancer(*lb, known)?, ("reason", (*reason).to_owned())], *count))
    });
    counters(to, "http_failovers", "requests that another endpoint was given", sum(retries))
}

/// How often failed requests took endpoints out, and did not because others of the pool were out.
fn ejections(snapshot: &Snapshot, to: &mut DescriptorEncoder) -> fmt::Result {
    let ejected = loads(snapshot).map(|(of, load)| (of, load.ejections.load(Ordering::Relaxed)));
    counters(to, "origin_ejections", "times that failed requests took it out", ejected)?;
    let refused =
        loads(snapshot).map(|(of, load)| (of, load.ejections_refused.load(Ordering::Relaxed)));
    let help = "times that failed requests did not take it out, because others were out";
    counters(to, "origin_ejections_refused", help, refused)
}

/// Requests under way, by endpoint.
fn open(snapshot: &Snapshot, to: &mut DescriptorEncoder) -> fmt::Result {
    let open = |load: &EndpointLoad| f64::from(load.open.load(Ordering::Relaxed));
    let counts = loads(snapshot).map(|(of, load)| (of, open(load)));
    gauges(to, "upstream_requests_open", "requests under way", counts)
}

/// The counters of every endpoint.
fn loads(snapshot: &Snapshot) -> impl Iterator<Item = (Labels, &EndpointLoad)> {
    let pools =
        snapshot.world.pools.iter().zip(0..).filter_map(|(pool, slot)| {
            Some((pool.as_ref()?, snapshot.loads.pool(PoolSlot(slot))?))
        });
    pools.flat_map(|(pool, load)| {
        let endpoints = pool.endpoints.iter().zip(&load.endpoints);
        endpoints.map(|(endpoint, load)| (labels_of(&pool.name, &endpoint.name), &**load))
    })
}

fn histograms<'a>(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (Labels, &'a Durations)>,
) -> fmt::Result {
    let mut sums: BTreeMap<Labels, Durations> = BTreeMap::new();
    for (labels, durations) in values {
        sums.entry(labels).or_default().merge(durations);
    }
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (labels, durations) in sums {
        let buckets: Vec<(f64, u64)> = bounds(&BOUNDS_MICROS).zip(durations.buckets).collect();
        let sum = durations.sum_micros as f64 / 1e6;
        let mut encoder = metric.encode_family(&labels)?;
        encoder.encode_histogram::<Labels>(sum, durations.count(), &buckets, None)?;
    }
    Ok(())
}

/// What differs in nothing that labels tell is one series.
fn sum(values: impl Iterator<Item = (Labels, u64)>) -> BTreeMap<Labels, u64> {
    let mut sums = BTreeMap::new();
    for (labels, count) in values {
        *sums.entry(labels).or_default() += count;
    }
    sums
}

/// None of one deleted since: its series end.
fn balancer(id: BalancerId, known: &Known<'_>) -> Option<(&'static str, String)> {
    Some(("lb", known.balancer(id)?.name.to_string()))
}

fn endpoint(key: EndpointKey, known: &Known<'_>) -> Option<Labels> {
    let (pool, endpoint) = known.endpoint(key)?;
    Some(labels_of(&pool.name, &endpoint.name))
}

fn labels_of(pool: &str, origin: &str) -> Labels {
    vec![("pool", pool.to_owned()), ("origin", origin.to_owned())]
}

fn one(key: &'static str, value: &str) -> Labels {
    vec![(key, value.to_owned())]
}
