//! What a write makes endpoints bear: how often each of them is checked from now on.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use trimtab_live::{Job, Snapshot};
use trimtab_model::{MonitorId, PoolId};

use crate::matrix::job_checks_per_minute;

/// Checks of one endpoint in a minute, by all places and monitors together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost<'a> {
    pool: &'a str,
    /// A pool that no balancer uses is probed less often.
    now: f64,
    used: f64,
    /// While its state is about to change.
    hurried: f64,
}

/// Five in a second are a load of their own on a small server, and tell nothing that one in a second does not.
const CHECKS_PER_MINUTE_LOUD: f64 = 300.0;

/// Of the pool whose endpoints are checked most; nothing where none is.
pub(super) fn of_pools(world: &Snapshot, pools: &HashSet<PoolId>) -> Vec<String> {
    let mut costs: HashMap<PoolId, Cost<'_>> = HashMap::new();
    for job in world.jobs.iter().filter(|job| pools.contains(&job.pool)) {
        costs.entry(job.pool).or_default().add(job);
    }
    let most = costs.values().filter(|cost| cost.now > 0.0);
    let most = most.max_by(|one, other| {
        (one.used.total_cmp(&other.used)).then_with(|| other.pool.cmp(one.pool))
    });
    most.map_or_else(Vec::new, Cost::texts)
}

pub(super) fn watched_by(world: &Snapshot, monitor: MonitorId) -> HashSet<PoolId> {
    world.jobs.iter().filter(|job| job.monitor.id == monitor).map(|job| job.pool).collect()
}

// === impl Cost ===

impl<'a> Cost<'a> {
    fn add(&mut self, job: &'a Job) {
        let pace = &job.monitor.pace;
        let seconds = |seconds: u32| Duration::from_secs(seconds.max(1).into());
        self.pool = &job.pool_name;
        self.now += job_checks_per_minute(job, job.schedule.interval);
        self.used += job_checks_per_minute(job, seconds(pace.interval));
        let hurried = pace.fast_interval.unwrap_or(pace.interval);
        self.hurried += job_checks_per_minute(job, seconds(hurried));
    }

    fn texts(&self) -> Vec<String> {
        let Cost { pool, now, used, hurried } = *self;
        let mut text =
            format!("this makes {} checks a minute to each endpoint of pool {pool}", short(now));
        if used > now {
            text.push_str(&format!(", {} once a load balancer uses it", short(used)));
        }
        if hurried > used {
            text.push_str(&format!(
                ", up to {} while its state is about to change",
                short(hurried)
            ));
        }
        let mut texts = vec![text];
        if used > CHECKS_PER_MINUTE_LOUD {
            texts.push(format!(
                "warning: more than {CHECKS_PER_MINUTE_LOUD} checks a minute are a load of their own: lengthen the \
                 interval of the monitors of pool {pool}, use fewer of them, or name fewer check_regions"
            ));
        }
        texts
    }
}

/// A tenth is as exact as anyone plans.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_told_as_far_as_they_differ() {
        let check = |now: f64, used: f64, hurried: f64, want: &[&str]| {
            assert_eq!(Cost { pool: "web", now, used, hurried }.texts(), want);
        };
        check(48.0, 48.0, 48.0, &["this makes 48 checks a minute to each endpoint of pool web"]);
        let told = "this makes 0.5 checks a minute to each endpoint of pool web, 2 once a load balancer uses it, \
                    up to 24 while its state is about to change";
        check(0.5, 2.0, 24.0, &[told]);
        let told = "this makes 300 checks a minute to each endpoint of pool web";
        check(300.0, 300.0, 300.0, &[told]);
        let told = "this makes 75.2 checks a minute to each endpoint of pool web, 301 once a load balancer uses it";
        let loud = "warning: more than 300 checks a minute are a load of their own: lengthen the interval of the \
                    monitors of pool web, use fewer of them, or name fewer check_regions";
        check(75.25, 301.0, 301.0, &[told, loud]);
    }
}
