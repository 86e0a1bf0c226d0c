//! Numbers of the HTTP proxy.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use trimtab_live::{EndpointLoad, Snapshot};
use trimtab_proxy::Tally;
use trimtab_proxy::tally::{BOUNDS_MICROS, Durations};
use trimtab_steer::{BalancerSlot, PoolSlot};

use super::{Labels, bounds, counters, gauges};

pub(super) fn encode(
    tally: &Tally,
    snapshot: &Snapshot,
    to: &mut DescriptorEncoder,
) -> fmt::Result {
    requests(tally, snapshot, to)?;
    failures(tally, snapshot, to)?;
    let sessions = tally.sessions.iter().map(|((lb, result), count)| {
        (vec![balancer(*lb, snapshot), ("result", result.label().to_owned())], *count)
    });
    counters(to, "http_affinity", "requests of sessions, by what became of them", sessions)?;
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

fn requests(tally: &Tally, snapshot: &Snapshot, to: &mut DescriptorEncoder) -> fmt::Result {
    let mut requests: BTreeMap<Labels, u64> = BTreeMap::new();
    for (key, count) in &tally.requests {
        let labels = vec![
            balancer(key.balancer, snapshot),
            ("pool", key.pool.map(|slot| pool(slot, snapshot)).unwrap_or_default()),
            ("code_class", format!("{}xx", key.class.0)),
            ("method", key.method.label().to_owned()),
        ];
        *requests.entry(labels).or_default() += count;
    }
    counters(to, "http_requests", "proxied requests", requests)?;
    let whole = tally.durations.iter().map(|(lb, took)| (vec![balancer(*lb, snapshot)], took));
    let help = "from the head of a request to the last byte of its response";
    histograms(to, "http_request_duration_seconds", help, whole)?;
    let upstream = tally
        .upstream
        .iter()
        .map(|((slot, index), took)| (endpoint(*slot, *index, snapshot), took));
    let help = "from the head of a request to the head of the origin's response";
    histograms(to, "http_upstream_duration_seconds", help, upstream)
}

fn failures(tally: &Tally, snapshot: &Snapshot, to: &mut DescriptorEncoder) -> fmt::Result {
    let faults = tally.faults.iter().map(|((slot, index, reason), count)| {
        let mut labels = endpoint(*slot, *index, snapshot);
        labels.push(("reason", (*reason).to_owned()));
        (labels, *count)
    });
    let help = "requests that an origin gave no response to";
    counters(to, "upstream_connection_errors", help, faults)?;
    let retries = tally.retries.iter().map(|((lb, reason), count)| {
        (vec![balancer(*lb, snapshot), ("reason", (*reason).to_owned())], *count)
    });
    counters(to, "http_failovers", "requests that another endpoint was given", retries)
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
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (labels, durations) in values {
        let buckets: Vec<(f64, u64)> = bounds(&BOUNDS_MICROS).zip(durations.buckets).collect();
        let sum = durations.sum_micros as f64 / 1e6;
        let mut encoder = metric.encode_family(&labels)?;
        encoder.encode_histogram::<Labels>(sum, durations.count(), &buckets, None)?;
    }
    Ok(())
}

fn balancer(slot: BalancerSlot, snapshot: &Snapshot) -> (&'static str, String) {
    let balancer = snapshot.world.balancer(slot);
    ("lb", balancer.map(|balancer| balancer.name.to_string()).unwrap_or_default())
}

/// One deleted since is named by nothing.
fn pool(slot: PoolSlot, snapshot: &Snapshot) -> String {
    snapshot.world.pool(slot).map(|pool| pool.name.to_string()).unwrap_or_default()
}

fn endpoint(slot: PoolSlot, index: u16, snapshot: &Snapshot) -> Labels {
    let found = snapshot.world.pool(slot).and_then(|pool| pool.endpoints.get(usize::from(index)));
    let name = found.map(|endpoint| &*endpoint.name).unwrap_or_default();
    labels_of(&pool(slot, snapshot), name)
}

fn labels_of(pool: &str, origin: &str) -> Labels {
    vec![("pool", pool.to_owned()), ("origin", origin.to_owned())]
}

fn one(key: &'static str, value: &str) -> Labels {
    vec![(key, value.to_owned())]
}
