//! Alerts: how many arrived, and how many wait.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use trimtab_alert::Tally;
use trimtab_model::Timestamp;

use super::{counters, gauges};

const MICROS_PER_SEC: f64 = 1e6;

pub(super) fn encode(tally: &Tally, now: Timestamp, to: &mut DescriptorEncoder) -> fmt::Result {
    let labels = |channel: &str, result: &str| {
        vec![("channel", channel.to_owned()), ("result", result.to_owned())]
    };
    let ended = tally
        .ended
        .iter()
        .map(|((channel, result), count)| (labels(channel.word(), result.word()), *count));
    // Tries that are made again.
    let failed = tally.failed.iter().map(|(c, count)| (labels(c.word(), "failed"), *count));
    let help = "alerts by what came of sending them";
    counters(to, "notifications", help, ended.chain(failed).collect::<Vec<_>>())?;
    let help = "alerts that wait to be sent";
    gauges(to, "notifications_waiting", help, [(vec![], tally.waiting as f64)])?;
    let age = tally.oldest.map_or(0, |made| now.micros().saturating_sub(made.micros()).max(0));
    let help = "age of the oldest alert that waits to be sent";
    let age = age as f64 / MICROS_PER_SEC;
    gauges(to, "notifications_oldest_age_seconds", help, [(vec![], age)])
}
