//! `/metrics`: what the node knows, collected when somebody asks and at no other time.

mod alerts;
mod certificates;
mod dns;
mod health;
mod probes;
mod proxy;
mod resolve;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use trimtab_acme::board::Orders;
use trimtab_analytics::EventLog;
use trimtab_dns_server::Counted;
use trimtab_live::Cell;
use trimtab_model::Timestamp;
use trimtab_probe::Stats;

use crate::{decisions, resolve as names};

/// Where the numbers come from.
pub(crate) struct Sources {
    pub(crate) cell: Cell,
    pub(crate) dns: Box<dyn Fn() -> Counted + Send + Sync>,
    pub(crate) probes: Arc<Stats>,
    pub(crate) names: Arc<names::Stats>,
    /// Flips that nobody could be told of.
    pub(crate) changes_dropped: Arc<AtomicU64>,
    pub(crate) events: Arc<EventLog>,
    pub(crate) proxy: Box<dyn Fn() -> trimtab_proxy::Tally + Send + Sync>,
    /// None when none is ordered.
    pub(crate) acme: Option<Box<dyn Fn() -> Orders + Send + Sync>>,
    pub(crate) alerts: Arc<trimtab_alert::Board>,
    pub(crate) kept: Arc<decisions::Stats>,
    pub(crate) started: SystemTime,
}

/// Everything that can be scraped.
pub(crate) struct Metrics(Registry);

/// The labels of one number; names of clients and questions are never among them.
type Labels = Vec<(&'static str, String)>;

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new(sources: Sources) -> Metrics {
        let mut registry = Registry::with_prefix("trimtab");
        registry.register_collector(Box::new(sources));
        Metrics(registry)
    }

    /// The text exposition format.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }
}

// === impl Sources ===

impl Collector for Sources {
    fn encode(&self, mut to: DescriptorEncoder) -> fmt::Result {
        self.node(&mut to)?;
        dns::encode(&(self.dns)(), &mut to)?;
        health::encode(&self.cell.load(), timestamp(SystemTime::now()), &mut to)?;
        probes::encode(&self.probes.read(), &self.cell.load(), &mut to)?;
        let proxied = (self.proxy)();
        proxy::encode(&proxied, &self.cell.load(), &mut to)?;
        dns::decisions(&(self.dns)(), &proxied, &self.cell.load(), &mut to)?;
        let now = timestamp(SystemTime::now());
        certificates::encode(&self.cell.load().certificates, now, &mut to)?;
        if let Some(orders) = &self.acme {
            certificates::encode_orders(orders(), &mut to)?;
        }
        alerts::encode(&self.alerts.tally(), timestamp(SystemTime::now()), &mut to)?;
        resolve::encode(&self.names, &self.cell.load(), &mut to)
    }
}

impl Sources {
    fn node(&self, to: &mut DescriptorEncoder) -> fmt::Result {
        let snapshot = self.cell.load();
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        gauges(to, "build_info", "the running version", [(version, 1.0)])?;
        let started = seconds(self.started);
        gauges(to, "start_time_seconds", "when the process started", [(vec![], started)])?;
        let revision = snapshot.revision as f64;
        gauges(to, "config_revision", "the store's revision that is served", [(vec![], revision)])?;
        let generation = snapshot.generation as f64;
        gauges(to, "snapshot_generation", "snapshots published so far", [(vec![], generation)])?;
        let unheard = self.changes_dropped.load(Ordering::Relaxed);
        let dropped = unheard.saturating_add(self.events.dropped());
        let help = "health changes that did not reach the event log";
        counters(to, "health_changes_dropped", help, [(vec![], dropped)])?;
        self.decisions(to)?;
        let source = snapshot.world.geo.source();
        let databases = source.places.iter().chain(&source.asns).filter_map(|database| {
            Some((vec![("db", database.name.clone())], database.built? as f64))
        });
        gauges(to, "geo_database_build_timestamp_seconds", "when geo data was built", databases)
    }
}

impl Sources {
    fn decisions(&self, to: &mut DescriptorEncoder) -> fmt::Result {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let stats = &self.kept;
        let help = "decisions that were kept with their explanation";
        counters(to, "decisions_kept", help, [(vec![], self.events.decisions_kept())])?;
        let lost = read(&stats.lost).saturating_add(self.events.decisions_dropped());
        let help = "decisions that could not be kept, for want of room or time";
        counters(to, "decisions_lost", help, [(vec![], lost)])?;
        let help = "decisions that led to another answer when they were made again";
        counters(to, "decisions_not_repeated", help, [(vec![], read(&stats.differing))])
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}

fn seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A clock before 1970 is set wrong, and says so best as 1970.
fn timestamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn gauges(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, f64)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

/// The name gets `_total` from the format.
fn counters(
    to: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_counter::<Labels, u64, f64>(&value, None)?;
    }
    Ok(())
}

/// Of a histogram, in seconds. The last bucket holds all that is longer, and the format calls for its bound: `+Inf`.
fn bounds(micros: &[u64]) -> impl Iterator<Item = f64> {
    micros.iter().map(|&micros| micros as f64 / 1e6).chain([f64::INFINITY])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Histogram;

    impl Collector for Histogram {
        fn encode(&self, mut to: DescriptorEncoder) -> fmt::Result {
            let mut metric = to.encode_descriptor("waits", "help", None, MetricType::Histogram)?;
            let buckets: Vec<(f64, u64)> = bounds(&[500]).zip([1, 2]).collect();
            metric.encode_histogram::<Labels>(0.5, 3, &buckets, None)
        }
    }

    #[test]
    fn the_last_bucket_of_a_histogram_is_the_one_that_readers_look_for() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Histogram));
        let text = Metrics(registry).text().unwrap();
        let buckets: Vec<&str> = text.lines().filter(|line| line.contains("_bucket")).collect();
        assert_eq!(buckets, [r#"waits_bucket{le="0.0005"} 1"#, r#"waits_bucket{le="+Inf"} 3"#]);
    }
}
