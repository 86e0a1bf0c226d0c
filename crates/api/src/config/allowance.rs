//! What an operator lets the node spend on checks: a write that would make it check more often is refused.

use std::collections::HashSet;
use std::iter::Sum;

use trimtab_live::{Job, Observer};
use trimtab_model::monitor::Pace;
use trimtab_model::pool::{CheckRegions, Watch};
use trimtab_model::{AccountId, HealthCheck, Monitor, MonitorGroup, Pool, PoolId, Pop, Problems};

use super::{Config, Key};
use crate::errors::{Error, Service};

/// How often the node may check, and from where it does.
pub(crate) struct Allowance {
    checks_per_second_max: u32,
    sites: Vec<Observer>,
}

/// Checks in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rate {
    /// Whole numbers, so that what is unchanged is equal.
    millionths: u64,
}

/// What a write does to the rate, and where in its body that stands.
struct Difference {
    gone: Rate,
    added: Rate,
    service: Service,
    pointer: &'static str,
}

// === impl Allowance ===

impl Allowance {
    pub(crate) fn new(checks_per_second_max: u32, pops: impl Iterator<Item = Pop>) -> Allowance {
        let sites = pops.filter_map(trimtab_geo::pop);
        let sites = sites.map(|site| Observer { pop: site.code, region: site.region });
        Allowance { checks_per_second_max, sites: sites.collect() }
    }

    /// Checks of one beat of one monitor.
    fn beat_of(&self, pool: &Pool) -> usize {
        if !pool.enabled {
            return 0;
        }
        pool.origins.len().saturating_mul(self.places(&pool.watch.check_regions))
    }

    fn places(&self, asked: &CheckRegions) -> usize {
        Observer::probing(&self.sites, asked).len()
    }
}

// === impl Rate ===

impl Rate {
    /// At its fastest, as in an outage: that is when a storm would hurt.
    fn of(pace: &Pace, beat: usize) -> Rate {
        const SECOND: u64 = 1_000_000;
        let seconds = u64::from(pace.fast_interval.unwrap_or(pace.interval)).max(1);
        let beat = u64::try_from(beat).unwrap_or(u64::MAX);
        Rate { millionths: SECOND.saturating_mul(beat).checked_div(seconds).unwrap_or(0) }
    }

    fn of_job(job: &Job, pace: &Pace) -> Rate {
        Rate::of(pace, job.targets.len().saturating_mul(job.observers.len()))
    }

    /// Rounded up: what begins another check counts as one.
    fn per_second(self) -> u64 {
        self.millionths.div_ceil(1_000_000)
    }
}

impl Sum for Rate {
    fn sum<I: Iterator<Item = Rate>>(rates: I) -> Rate {
        let millionths = rates.fold(0, |sum: u64, rate| sum.saturating_add(rate.millionths));
        Rate { millionths }
    }
}

// === impl Config ===

impl Config {
    pub(super) async fn afford_pool(&self, account: AccountId, pool: &Pool) -> Result<(), Error> {
        let beat = self.allowance.beat_of(pool);
        let monitors = self.watching(account, &pool.watch).await?;
        let added = monitors.iter().map(|monitor| Rate::of(&monitor.pace, beat)).sum();
        let pointer = if pool.watch.monitor.is_some() { "/monitor" } else { "/monitor_group" };
        let gone = self.rate_now(|job| job.pool == pool.id);
        self.afford(&Difference { gone, added, service: Service::LoadBalancing, pointer })
    }

    pub(super) fn afford_monitor(&self, monitor: &Monitor) -> Result<(), Error> {
        let is_its = |job: &Job| job.monitor.id == monitor.id;
        let world = self.cell.load();
        let jobs = world.jobs.iter().filter(|job| is_its(job));
        let added = jobs.map(|job| Rate::of_job(job, &monitor.pace)).sum();
        let is_hurried = monitor.pace.fast_interval.is_some();
        let pointer = if is_hurried { "/trimtab/fast_interval" } else { "/interval" };
        let gone = self.rate_now(is_its);
        self.afford(&Difference { gone, added, service: Service::LoadBalancing, pointer })
    }

    pub(super) async fn afford_group(
        &self,
        account: AccountId,
        group: &MonitorGroup,
    ) -> Result<(), Error> {
        let pools = self.pools_of_group(account, group.id).await?;
        let ids: HashSet<PoolId> = pools.iter().map(|pool| pool.id).collect();
        let monitors = self.probing(account, group).await?;
        let beat = pools.iter().map(|pool| self.allowance.beat_of(pool)).sum();
        let added = monitors.iter().map(|monitor| Rate::of(&monitor.pace, beat)).sum();
        let gone = self.rate_now(|job| ids.contains(&job.pool));
        let (service, pointer) = (Service::LoadBalancing, "/members");
        self.afford(&Difference { gone, added, service, pointer })
    }

    pub(super) fn afford_health_check(&self, check: &HealthCheck) -> Result<(), Error> {
        let pool = check.pool();
        let added = Rate::of(&check.monitor().pace, self.allowance.beat_of(&pool));
        let gone = self.rate_now(|job| job.pool == pool.id);
        let (service, pointer) = (Service::Plain, "/interval");
        self.afford(&Difference { gone, added, service, pointer })
    }

    /// What makes nothing worse is never refused: an operator may have lowered the limit since. What is served counts, so
    /// writes of the same moment do not know of each other.
    fn afford(&self, write: &Difference) -> Result<(), Error> {
        let Difference { gone, added, service, pointer } = *write;
        let all = self.rate_now(|_| true).millionths;
        let left = all.saturating_sub(gone.millionths);
        let after = Rate { millionths: left.saturating_add(added.millionths) }.per_second();
        let most = self.allowance.checks_per_second_max;
        if added <= gone || after <= u64::from(most) {
            return Ok(());
        }
        let mut problems = Problems::default();
        let message = format_args!(
            "this would make {after} checks a second, more than the {most} that [limits] max_checks_per_second allows: \
             lengthen intervals, or use fewer monitors, endpoints or check_regions"
        );
        problems.add(pointer, message);
        Err(Error::refused(service, problems))
    }

    /// Pools that no balancer uses are probed less often; they count as if one did, so that whoever makes one is never
    /// refused.
    fn rate_now(&self, is_one: impl Fn(&Job) -> bool) -> Rate {
        let world = self.cell.load();
        let jobs = world.jobs.iter().filter(|job| is_one(job));
        jobs.map(|job| Rate::of_job(job, &job.monitor.pace)).sum()
    }

    async fn watching(&self, account: AccountId, watch: &Watch) -> Result<Vec<Monitor>, Error> {
        let mut monitors = Vec::new();
        if let Some(id) = watch.monitor
            && let Some(alone) = self.find(&Key::Monitor(account, id)).await?
        {
            monitors.push(alone.value);
        }
        if let Some(id) = watch.monitor_group
            && let Some(group) = self.find(&Key::MonitorGroup(account, id)).await?
        {
            monitors.extend(self.probing(account, &group.value).await?);
        }
        Ok(monitors)
    }

    /// The members of a group that probe.
    async fn probing(
        &self,
        account: AccountId,
        group: &MonitorGroup,
    ) -> Result<Vec<Monitor>, Error> {
        let mut monitors = Vec::new();
        for member in group.members.iter().filter(|member| member.role().is_some()) {
            let found = self.find::<Monitor>(&Key::Monitor(account, member.monitor)).await?;
            monitors.extend(found.map(|found| found.value));
        }
        Ok(monitors)
    }
}

#[cfg(test)]
mod tests {
    use trimtab_model::Region;

    use super::*;

    fn allowance(pops: &[&str]) -> Allowance {
        Allowance::new(10, pops.iter().map(|pop| pop.parse().unwrap()))
    }

    #[test]
    fn places_are_those_that_the_pool_asks_for() {
        let check = |asked: CheckRegions, want: usize| {
            let places = allowance(&["FRA", "CDG", "LHR", "AMS", "NRT"]).places(&asked);
            assert_eq!(places, want, "{asked:?}");
        };
        check(CheckRegions::Default, 4);
        check(CheckRegions::All, 5);
        check(CheckRegions::Named(vec![Region::Neas]), 1);
        check(CheckRegions::Named(vec![Region::Neas, Region::Weu]), 5);
        check(CheckRegions::Named(vec![Region::Saf]), 0);
    }

    #[test]
    fn a_rate_is_that_of_the_faster_pace_and_rounded_up() {
        let check = |interval: u32, fast_interval: Option<u32>, beat: usize, want: (u64, u64)| {
            let rate = Rate::of(&Pace { interval, fast_interval, ..Pace::default() }, beat);
            assert_eq!((rate.millionths, rate.per_second()), want);
        };
        check(60, None, 60, (1_000_000, 1));
        check(60, None, 61, (1_016_666, 2));
        check(60, Some(5), 60, (12_000_000, 12));
        check(1, None, 10_000, (10_000_000_000, 10_000));
        check(60, None, 0, (0, 0));
    }
}
