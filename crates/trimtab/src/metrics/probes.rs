//! Numbers of the prober.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use trimtab_live::Snapshot;
use trimtab_probe::stats::BUCKET_MICROS;
use trimtab_probe::{Counts, Labels as Series};

use super::{Labels, bounds, counters, gauges};

pub(super) fn encode(
    read: &[(Series, Counts)],
    snapshot: &Snapshot,
    to: &mut DescriptorEncoder,
) -> fmt::Result {
    let labelled = || read.iter().map(|(series, counts)| (labels(series, snapshot), counts));
    let with = |mut labels: Labels, key: &'static str, value: &str| {
        labels.push((key, value.to_owned()));
        labels
    };
    let checks = labelled().flat_map(|(labels, counts)| {
        let fails = counts.fails.iter().map(|(_, count)| count).sum();
        [
            (with(labels.clone(), "result", "pass"), counts.passes),
            (with(labels, "result", "fail"), fails),
        ]
    });
    counters(to, "monitor_checks", "probes that ended", checks)?;
    let failures = labelled().flat_map(|(labels, counts)| {
        let reasons = counts.fails.iter();
        reasons.map(move |(why, n)| (with(labels.clone(), "reason", why.label()), *n))
    });
    counters(to, "monitor_check_failures", "failed probes by reason", failures)?;
    let skipped = labelled().map(|(labels, counts)| (labels, counts.skipped));
    counters(to, "monitor_checks_skipped", "probes whose predecessor still ran", skipped)?;
    let lags = labelled().map(|(labels, counts)| (labels, counts.lag.as_secs_f64()));
    gauges(to, "monitor_schedule_lag_seconds", "how late the last probe began", lags)?;
    let help = "from the start of a probe to its verdict, retries included";
    let mut metric =
        to.encode_descriptor("monitor_check_duration_seconds", help, None, MetricType::Histogram)?;
    for (labels, counts) in labelled() {
        let buckets: Vec<(f64, u64)> = bounds(&BUCKET_MICROS).zip(counts.buckets).collect();
        let count = counts.buckets.iter().sum();
        let sum = counts.duration.as_secs_f64();
        metric.encode_family(&labels)?.encode_histogram::<Labels>(sum, count, &buckets, None)?;
    }
    Ok(())
}

fn labels(series: &Series, snapshot: &Snapshot) -> Labels {
    let pool = snapshot.jobs.iter().find(|job| job.pool == series.pool);
    vec![
        ("monitor", series.monitor.to_string()),
        ("pool", pool.map(|job| job.pool_name.to_string()).unwrap_or_default()),
        ("pop", series.pop.to_string()),
    ]
}
