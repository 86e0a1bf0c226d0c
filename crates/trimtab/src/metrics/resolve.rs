//! Numbers of endpoints' host names.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::DescriptorEncoder;
use trimtab_live::Snapshot;

use super::{counters, gauges};
use crate::resolve::Stats;

pub(super) fn encode(
    stats: &Stats,
    snapshot: &Snapshot,
    to: &mut DescriptorEncoder,
) -> fmt::Result {
    let result = |word: &str, count: &AtomicU64| {
        (vec![("result", word.to_owned())], count.load(Ordering::Relaxed))
    };
    let ended = [result("ok", &stats.resolved), result("fail", &stats.failed)];
    counters(to, "resolve", "look-ups of endpoints' host names that ended", ended)?;
    let names = snapshot.hosts.len() as f64;
    gauges(to, "resolve_names", "host names that endpoints have", [(vec![], names)])?;
    let unresolved = snapshot.hosts.values().filter(|addresses| addresses.is_empty()).count();
    let help = "host names without an address, whose endpoints are not answered";
    gauges(to, "resolve_names_unresolved", help, [(vec![], unresolved as f64)])?;
    let stale = stats.stale.load(Ordering::Relaxed) as f64;
    let help = "host names answered with addresses of before, because the last look-up failed";
    gauges(to, "resolve_names_stale", help, [(vec![], stale)])
}
