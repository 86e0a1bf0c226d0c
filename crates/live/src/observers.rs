//! What each point of presence has seen of each endpoint, and the health of a pool made from it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use trimtab_health::{
    Ejection, EndpointHealth, MemberHealth, Observation, PoolHealth, Probing, Rule, Ruling,
    Schedule, Thresholds, Verdict, Vote, ejection, region_first,
};
use trimtab_model::monitor::INTERVAL_SECONDS_MAX;
use trimtab_model::pool::CheckRegions;
use trimtab_model::{Moment, Monitor, MonitorId, Origin, Pool, PoolId, Pop, Region};
use trimtab_steer::PoolSlot;

use crate::event::Report;
use crate::plan::{Job, Target, Watcher};

/// Observers of one region that probe when a pool names no regions.
const OBSERVERS_PER_REGION: usize = 3;
/// A pool that no balancer uses is probed this many times less often: its health is news to nobody, and whoever begins
/// to use it finds it known.
pub(crate) const UNUSED_SLOWER: u32 = 4;

/// A place that probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observer {
    pub pop: Pop,
    pub region: Region,
}

/// What there is to say of a pool beside what was seen of it; lists are in the order of its endpoints.
pub(crate) struct Circumstances<'a> {
    pub(crate) watchers: &'a [Watcher],
    /// Some balancer sends clients there.
    pub(crate) is_used: bool,
    pub(crate) ejections: &'a [Ejection],
    pub(crate) rulings: &'a [Option<Arc<Ruling>>],
    /// What is asked of the endpoints, as part of their keys. 0 for pools: what is known of their endpoints stays,
    /// whatever their monitors ask.
    pub(crate) asked: u64,
}

/// All observations, by endpoint and then by monitor and observer.
#[derive(Debug)]
pub(crate) struct Observers {
    sites: Vec<Observer>,
    /// Schedules count from here.
    start: Moment,
    seen: HashMap<(PoolId, u64), Seen>,
}

type Seen = BTreeMap<(MonitorId, Pop), Observation>;

// === impl Observer ===

impl Observer {
    /// Those of a node's places that probe a pool which asks for these regions.
    pub fn probing(sites: &[Observer], regions: &CheckRegions) -> Vec<Observer> {
        let sites = sites.iter().copied();
        match regions {
            CheckRegions::All => sites.collect(),
            CheckRegions::Named(named) => {
                sites.filter(|site| named.contains(&site.region)).collect()
            }
            CheckRegions::Default => {
                let mut chosen: Vec<Observer> = Vec::new();
                for site in sites {
                    let here = chosen.iter().filter(|other| other.region == site.region).count();
                    if here < OBSERVERS_PER_REGION {
                        chosen.push(site);
                    }
                }
                chosen
            }
        }
    }
}

// === impl Observers ===

impl Observers {
    pub(crate) fn new(sites: Vec<Observer>, start: Moment) -> Observers {
        Observers { sites, start, seen: HashMap::new() }
    }

    /// Takes one report in. True when an answer could depend on the difference: a state or a streak changed.
    pub(crate) fn record(&mut self, report: &Report, limits: Thresholds) -> bool {
        let seen = self.seen.entry((report.pool, report.endpoint)).or_default();
        let by = (report.monitor, report.pop);
        let before = seen.remove(&by);
        let state_before = before.as_ref().map(|before| before.state);
        let after = before.unwrap_or_else(|| Observation::unknown(report.at));
        let after = after.after(report.outcome, limits, report.at);
        let changed = state_before != Some(after.state);
        seen.insert(by, after.with_evidence(report.evidence.clone()));
        changed
    }

    /// Puts back what was known before a restart.
    pub(crate) fn restore(
        &mut self,
        endpoint: (PoolId, u64),
        by: (MonitorId, Pop),
        seen: Observation,
    ) {
        self.seen.entry(endpoint).or_default().insert(by, seen);
    }

    /// What was probed and is not any more is remembered from then on, as after a restart.
    pub(crate) fn remember(&mut self, pool: PoolId, before: &[Arc<Job>], after: &[Job]) {
        if before.is_empty() {
            return;
        }
        let going_on: HashSet<_> = after.iter().flat_map(Job::probes).collect();
        for (key, by) in before.iter().flat_map(|job| job.probes()) {
            let seen = self.seen.get_mut(&(pool, key)).and_then(|seen| seen.get_mut(&by));
            if let Some(seen) = seen.filter(|_| !going_on.contains(&(key, by))) {
                seen.restored = true;
            }
        }
    }

    pub(crate) fn all(
        &self,
    ) -> impl Iterator<Item = ((PoolId, u64), (MonitorId, Pop), &Observation)> {
        self.seen
            .iter()
            .flat_map(|(&endpoint, seen)| seen.iter().map(move |(&by, seen)| (endpoint, by, seen)))
    }

    /// Forgets endpoints that no pool has any more.
    pub(crate) fn keep_only(&mut self, living: &HashSet<(PoolId, u64)>) {
        self.seen.retain(|endpoint, _| living.contains(endpoint));
    }

    /// The pool's health as the votes stand, with what outranks them, and what requests say where nothing contradicts
    /// it; `before` keeps the time of verdicts that stay.
    pub(crate) fn health(
        &self,
        pool: &Pool,
        around: &Circumstances<'_>,
        before: Option<&PoolHealth>,
    ) -> PoolHealth {
        let enabled: Vec<bool> = pool.origins.iter().map(|origin| origin.enabled).collect();
        let sites = self.sites_of(&pool.watch.check_regions);
        let judged = pool.origins.iter().enumerate().map(|(index, origin)| {
            let key = endpoint_key(pool.id, origin) ^ around.asked;
            let seen = self.seen.get(&(pool.id, key));
            let before = before.and_then(|before| before.endpoints.get(index));
            let judged = match around.watchers {
                [] => EndpointHealth::unmonitored(),
                watchers => self.judge(pool, &sites, watchers, seen, before),
            };
            judged.ruled(around.rulings.get(index).cloned().flatten())
        });
        let mut endpoints: Box<[EndpointHealth]> = judged.collect();
        ejection::apply(&mut endpoints, &enabled, around.ejections);
        if around.watchers.is_empty() {
            return PoolHealth::unprobed(endpoints);
        }
        let probing = |watcher: &Watcher| Probing {
            monitor: watcher.monitor.id,
            role: watcher.role,
            schedule: self.schedule(pool, sites.len(), &watcher.monitor, around.is_used),
        };
        let probings = around.watchers.iter().map(probing).collect();
        PoolHealth::new(endpoints, enabled.into_iter(), pool.minimum_origins, probings)
    }

    /// What the prober must do for the pool: a job for each monitor.
    pub(crate) fn jobs(
        &self,
        pool: &Pool,
        slot: Option<PoolSlot>,
        around: &Circumstances<'_>,
    ) -> Vec<Job> {
        if !pool.enabled {
            return Vec::new();
        }
        let sites = self.sites_of(&pool.watch.check_regions);
        let job = |watcher: &Watcher| Job {
            pool: pool.id,
            slot,
            pool_name: pool.name.as_str().into(),
            schedule: self.schedule(pool, sites.len(), &watcher.monitor, around.is_used),
            monitor: Arc::clone(&watcher.monitor),
            targets: targets(pool, &watcher.monitor, around.asked),
            observers: sites.iter().map(|site| site.pop).collect(),
        };
        around.watchers.iter().map(job).collect()
    }

    /// Pools are spread over their interval by their id, so that a restart probes no herd, and the monitors of a group
    /// by theirs.
    fn schedule(&self, pool: &Pool, sites: usize, monitor: &Monitor, is_used: bool) -> Schedule {
        let pace = &monitor.pace;
        let slower = if is_used { 1 } else { UNUSED_SLOWER };
        let seconds = pace.interval.max(1).saturating_mul(slower);
        let seconds = seconds.min(INTERVAL_SECONDS_MAX.max(pace.interval));
        let interval = Duration::from_secs(seconds.into());
        let probes = pool.origins.len().saturating_mul(sites);
        let share = f64::from(spread(pool.id, monitor.id)) / f64::from(u32::MAX);
        let phase = self.start + interval.mul_f64(share);
        let fast = pace.fast_interval.filter(|&fast| fast > 0 && seconds.is_multiple_of(fast));
        Schedule {
            fast: fast.map(|fast| Duration::from_secs(fast.into())),
            ..Schedule::new(phase, interval, Thresholds::of(pace)).in_turns(probes)
        }
    }

    fn sites_of(&self, regions: &CheckRegions) -> Vec<Observer> {
        Observer::probing(&self.sites, regions)
    }

    /// The node's own place is the first.
    fn own_region(&self) -> Option<Region> {
        self.sites.first().map(|own| own.region)
    }

    fn judge(
        &self,
        pool: &Pool,
        sites: &[Observer],
        watchers: &[Watcher],
        seen: Option<&Seen>,
        before: Option<&EndpointHealth>,
    ) -> EndpointHealth {
        let rule = Rule::of(&pool.watch);
        let near = self.own_region().filter(|_| pool.watch.regional_health);
        let member = |watcher: &Watcher| {
            let of_site = |site: &Observer| seen?.get(&(watcher.monitor.id, site.pop)).cloned();
            let of_sites = sites.iter().filter_map(|site| Some((site, of_site(site)?)));
            let (mut observers, votes): (Vec<_>, Vec<_>) = of_sites
                .map(|(site, seen)| {
                    let vote = Vote { region: site.region, state: seen.state };
                    ((site.pop, seen), vote)
                })
                .unzip();
            observers.sort_by_key(|(pop, _)| *pop);
            let votes = match near {
                Some(region) => region_first(region, votes),
                None => votes,
            };
            MemberHealth::counted(watcher.role, rule.count(&votes), observers.into())
        };
        let known = before.filter(|before| before.verdict != Verdict::Unmonitored);
        EndpointHealth::judge(watchers.iter().map(member).collect(), known)
    }
}

/// Where in their interval a pool's probes with a monitor begin.
fn spread(pool: PoolId, monitor: MonitorId) -> u32 {
    let [a, b, c, d, ..] = *pool.bytes();
    let [e, f, g, h, ..] = *monitor.bytes();
    u32::from_be_bytes([a, b, c, d]).wrapping_add(u32::from_be_bytes([e, f, g, h]))
}

/// Names an endpoint as long as its address and port stay; its place in the list does not matter.
pub(crate) fn endpoint_key(pool: PoolId, origin: &Origin) -> u64 {
    // The hasher's keys are fixed, so the key is the same after a restart of the same build.
    let mut hasher = DefaultHasher::new();
    (pool, &origin.address, origin.port, &origin.virtual_network_id).hash(&mut hasher);
    hasher.finish()
}

fn targets(pool: &Pool, monitor: &Monitor, asked: u64) -> Box<[Target]> {
    // A monitor with a zone goes to the endpoint as that zone's requests do.
    let upstream = monitor.probe.probe_zone.as_ref().and(pool.upstream.as_deref());
    let upstream = upstream.cloned().map(Arc::new);
    let target = |origin: &Origin| Target {
        upstream: upstream.clone(),
        key: endpoint_key(pool.id, origin) ^ asked,
        name: origin.name.as_str().into(),
        address: origin.address.clone(),
        port: origin.port,
        host: origin.host.as_deref().map(Into::into),
    };
    pool.origins.iter().map(target).collect()
}

#[cfg(test)]
mod tests;
