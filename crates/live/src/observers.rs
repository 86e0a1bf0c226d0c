//! What each point of presence has seen of each endpoint, and the health of a pool made from it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use trimtab_health::{
    Ejection, EndpointHealth, Observation, PoolHealth, Rule, Schedule, Thresholds, Verdict, Vote,
    ejection, region_first,
};
use trimtab_model::pool::CheckRegions;
use trimtab_model::{Moment, Monitor, Pool, PoolId, Pop, Region};

use crate::event::Report;
use crate::plan::{Job, Target};

/// Observers of one region that probe when a pool names no regions.
const OBSERVERS_PER_REGION: usize = 3;

/// A place that probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observer {
    pub pop: Pop,
    pub region: Region,
}

/// All observations, by endpoint and then by observer.
#[derive(Debug)]
pub(crate) struct Observers {
    sites: Vec<Observer>,
    /// Schedules count from here.
    start: Moment,
    seen: HashMap<(PoolId, u64), BTreeMap<Pop, Observation>>,
}

// === impl Observers ===

impl Observers {
    pub(crate) fn new(sites: Vec<Observer>, start: Moment) -> Observers {
        Observers { sites, start, seen: HashMap::new() }
    }

    /// Takes one report in. True when an answer could depend on the difference: a state or a streak changed.
    pub(crate) fn record(&mut self, report: &Report, limits: Thresholds) -> bool {
        let seen = self.seen.entry((report.pool, report.endpoint)).or_default();
        let before = seen.get(&report.pop).copied();
        let unknown = Observation::unknown(report.at);
        let after = before.unwrap_or(unknown).after(report.outcome, limits, report.at);
        seen.insert(report.pop, after);
        before.is_none_or(|before| before.state != after.state)
    }

    /// Puts back what was known before a restart.
    pub(crate) fn restore(&mut self, pool: PoolId, endpoint: u64, pop: Pop, seen: Observation) {
        self.seen.entry((pool, endpoint)).or_default().insert(pop, seen);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (PoolId, u64, Pop, &Observation)> {
        self.seen.iter().flat_map(|(&(pool, endpoint), seen)| {
            seen.iter().map(move |(&pop, seen)| (pool, endpoint, pop, seen))
        })
    }

    /// Forgets endpoints that no pool has any more.
    pub(crate) fn keep_only(&mut self, living: &HashSet<(PoolId, u64)>) {
        self.seen.retain(|endpoint, _| living.contains(endpoint));
    }

    /// The pool's health as the votes stand, and what requests say where they do not contradict it; `before` keeps the
    /// time of verdicts that stay.
    pub(crate) fn health(
        &self,
        pool: &Pool,
        monitor: Option<&Arc<Monitor>>,
        ejections: &[Ejection],
        before: Option<&PoolHealth>,
    ) -> PoolHealth {
        let enabled: Vec<bool> = pool.origins.iter().map(|origin| origin.enabled).collect();
        let Some(monitor) = monitor else {
            let mut endpoints: Box<[EndpointHealth]> =
                pool.origins.iter().map(|_| EndpointHealth::unmonitored()).collect();
            ejection::apply(&mut endpoints, &enabled, ejections);
            return PoolHealth::unprobed(endpoints);
        };
        let sites = self.sites_of(&pool.watch.check_regions);
        let rule = rule_of(&pool.watch.check_regions);
        let near = self.own_region().filter(|_| pool.watch.regional_health);
        let endpoints = pool.origins.iter().enumerate().map(|(index, origin)| {
            let key = endpoint_key(pool.id, origin);
            let seen = self.seen.get(&(pool.id, key));
            let before = before.and_then(|before| before.endpoints.get(index));
            self.judge(&sites, seen, rule, near, before)
        });
        let mut endpoints: Box<[EndpointHealth]> = endpoints.collect();
        ejection::apply(&mut endpoints, &enabled, ejections);
        let schedule = self.schedule(pool.id, monitor);
        PoolHealth::new(endpoints, enabled.into_iter(), pool.minimum_origins, schedule)
    }

    /// What the prober must do for the pool; None when there is nothing to probe.
    pub(crate) fn job(&self, pool: &Pool, monitor: Option<&Arc<Monitor>>) -> Option<Job> {
        let monitor = Arc::clone(monitor.filter(|_| pool.enabled)?);
        let sites = self.sites_of(&pool.watch.check_regions);
        Some(Job {
            pool: pool.id,
            pool_name: pool.name.as_str().into(),
            schedule: self.schedule(pool.id, &monitor),
            monitor,
            targets: pool.origins.iter().map(|origin| target(pool.id, origin)).collect(),
            observers: sites.iter().map(|site| site.pop).collect(),
        })
    }

    /// Pools are spread over their interval by their id, so that a restart probes no herd.
    fn schedule(&self, pool: PoolId, monitor: &Monitor) -> Schedule {
        let interval = Duration::from_secs(monitor.pace.interval.max(1).into());
        let [a, b, c, d, ..] = *pool.bytes();
        let share = f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX);
        Schedule {
            phase: self.start + interval.mul_f64(share),
            interval,
            limits: limits_of(monitor),
        }
    }

    fn sites_of(&self, regions: &CheckRegions) -> Vec<Observer> {
        let sites = self.sites.iter().copied();
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

    /// The node's own place is the first.
    fn own_region(&self) -> Option<Region> {
        self.sites.first().map(|own| own.region)
    }

    /// `near`: the region whose observers are asked before all others.
    fn judge(
        &self,
        sites: &[Observer],
        seen: Option<&BTreeMap<Pop, Observation>>,
        rule: Rule,
        near: Option<Region>,
        before: Option<&EndpointHealth>,
    ) -> EndpointHealth {
        let of_sites = sites.iter().filter_map(|site| Some((site, *seen?.get(&site.pop)?)));
        let (observers, votes): (Vec<_>, Vec<_>) = of_sites
            .map(|(site, seen)| ((site.pop, seen), Vote { region: site.region, state: seen.state }))
            .unzip();
        let votes = match near {
            Some(region) => region_first(region, votes),
            None => votes,
        };
        let known = before.filter(|before| before.verdict != Verdict::Unmonitored);
        EndpointHealth::judge(observers.into(), &votes, rule, known)
    }
}

pub(crate) fn limits_of(monitor: &Monitor) -> Thresholds {
    Thresholds::new(monitor.pace.consecutive_down, monitor.pace.consecutive_up)
}

/// Names an endpoint as long as its address and port stay; its place in the list does not matter.
pub(crate) fn endpoint_key(pool: PoolId, origin: &trimtab_model::Origin) -> u64 {
    // The hasher's keys are fixed, so the key is the same after a restart of the same build.
    let mut hasher = DefaultHasher::new();
    (pool, &origin.address, origin.port, &origin.virtual_network_id).hash(&mut hasher);
    hasher.finish()
}

fn rule_of(regions: &CheckRegions) -> Rule {
    match regions {
        CheckRegions::All => Rule::AllPops,
        CheckRegions::Default | CheckRegions::Named(_) => Rule::Regions,
    }
}

fn target(pool: PoolId, origin: &trimtab_model::Origin) -> Target {
    Target {
        key: endpoint_key(pool, origin),
        name: origin.name.as_str().into(),
        address: origin.address.clone(),
        port: origin.port,
        host: origin.host.as_deref().map(Into::into),
    }
}

#[cfg(test)]
mod tests;
