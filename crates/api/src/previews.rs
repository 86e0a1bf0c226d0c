//! Trying a monitor or a health check without keeping it: the probes run beside the answer, the results wait to be fetched.
//!
//! Tasks: one per running preview, in a set that ends with the app.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use trimtab_api_types::v1::health::{OriginExtension, OriginHealth, PlaceHealth, Rtt, preview_key};
use trimtab_api_types::v1::health_check::Found;
use trimtab_api_types::v1::preview::{Preview, PreviewResult};
use trimtab_api_types::v1::probe::ProbeLine;
use trimtab_health::{Evidence, Outcome, Passed};
use trimtab_live::Target;
use trimtab_model::{
    AccountId, HealthCheck, HealthCheckId, Monitor, Origin, Pool, PoolId, Pop, Upstream, ZoneId,
};

use crate::errors::{Error, Kind};
use crate::ids;

/// Probes every target once, retries included: one outcome for each, in order. Filled in by whoever has
/// a prober.
pub type PreviewPort = Arc<dyn Fn(Monitor, Vec<Target>) -> Probing + Send + Sync>;

/// Probes every target once, told step by step. Filled in by whoever has a prober.
pub type ProbePort = Arc<dyn Fn(Watched) -> ProbeLines + Send + Sync>;

/// The lines to come; a stream that is dropped ends the probes.
pub type ProbeLines = Pin<Box<dyn Stream<Item = ProbeLine> + Send>>;

/// What a [`ProbePort`] is to probe.
pub struct Watched {
    pub monitor: Monitor,
    pub pool: PoolId,
    pub targets: Vec<Target>,
    /// Whose way out is taken, and whose simulated way to the endpoints counts.
    pub pop: Pop,
}

/// The outcomes to come.
pub type Probing = Pin<Box<dyn Future<Output = Vec<Ended>> + Send>>;

/// How one probe ended, and what there is to show for it if it failed.
pub type Ended = (Outcome, Option<Evidence>);

/// Previews that probe at the same time: a person tries one, a script must not become a probing machine.
const RUNNING_MAX: usize = 8;
/// Results kept; the oldest goes first.
const KEPT_MAX: usize = 256;
/// How long a result can be fetched.
const KEPT_FOR: Duration = Duration::from_secs(10 * 60);
/// Endpoints that one preview probes; those of a monitor's pools beyond that are left out.
const TARGETS_MAX: usize = 1_000;

/// Previews of this node.
pub(crate) struct Previews {
    port: PreviewPort,
    running: Mutex<JoinSet<()>>,
    /// Probes that are watched at the same time; each holds a place.
    places: Arc<Semaphore>,
    results: Arc<Mutex<VecDeque<Kept>>>,
}

/// A preview, from the moment it was asked for.
struct Kept {
    id: String,
    account: AccountId,
    since: Duration,
    /// The health check that is tried, where it is not a monitor.
    check: Option<HealthCheck>,
    /// None while it runs.
    result: Option<PreviewResult>,
}

// === impl Previews ===

impl Previews {
    pub(crate) fn new(port: PreviewPort) -> Previews {
        let places = Arc::new(Semaphore::new(RUNNING_MAX));
        Previews { port, running: Mutex::default(), places, results: Arc::default() }
    }

    /// A place for a probe that somebody watches, as long as it is held.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_full| Error::TooManyPreviews { running: RUNNING_MAX })
    }

    /// Starts probing the pools' endpoints and answers at once.
    pub(crate) fn start(
        &self,
        account: AccountId,
        monitor: &Monitor,
        pools: &[Pool],
        now: Duration,
    ) -> Result<Preview, Error> {
        let id = hex(&ids::random()?);
        let kept = Kept { id: id.clone(), account, since: now, check: None, result: None };
        self.probe(kept, monitor, pools)?;
        let pools = pools.iter().map(|pool| (pool.id, pool.name.clone())).collect();
        Ok(Preview { preview_id: id, pools })
    }

    /// Starts probing what the check looks at, suspended or not. The preview has the id of the check.
    pub(crate) fn start_check(
        &self,
        account: AccountId,
        check: HealthCheck,
        now: Duration,
    ) -> Result<(), Error> {
        let (monitor, pool) = (check.monitor(), check.pool());
        let id = check.id.to_string();
        let kept = Kept { id, account, since: now, check: Some(check), result: None };
        self.probe(kept, &monitor, &[pool])
    }

    fn probe(&self, kept: Kept, monitor: &Monitor, pools: &[Pool]) -> Result<(), Error> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        if running.len() >= RUNNING_MAX {
            return Err(Error::TooManyPreviews { running: running.len() });
        }
        let targets = targets(pools);
        let results = Arc::clone(&self.results);
        let id = kept.id.clone();
        keep(&results, kept);
        let probing =
            (self.port)(monitor.clone(), targets.iter().map(|(_, t)| t.clone()).collect());
        running.spawn(async move {
            let result = summary(&targets, &probing.await);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = results.iter_mut().find(|kept| kept.id == id) {
                kept.result = Some(result);
            }
        });
        Ok(())
    }

    /// Empty while the probes run.
    pub(crate) fn result(
        &self,
        account: AccountId,
        id: &str,
        now: Duration,
    ) -> Result<PreviewResult, Error> {
        let results = self.current(now);
        let is_it = |kept: &&Kept| kept.id == id && kept.account == account && kept.check.is_none();
        let found = results.iter().find(is_it).ok_or_else(|| Error::missing(Kind::Preview, id))?;
        Ok(found.result.clone().unwrap_or_default())
    }

    /// The check that is tried, and what was found; nothing while the probe runs.
    pub(crate) fn check(
        &self,
        zone: ZoneId,
        id: HealthCheckId,
        now: Duration,
    ) -> Result<(HealthCheck, Found), Error> {
        let results = self.current(now);
        let found = results.iter().find_map(|kept| {
            let check = kept.check.as_ref().filter(|check| check.zone == zone && check.id == id)?;
            Some((check.clone(), found_in(kept.result.as_ref())))
        });
        found.ok_or_else(|| Error::missing(Kind::Preview, id))
    }

    pub(crate) fn forget_check(
        &self,
        zone: ZoneId,
        id: HealthCheckId,
        now: Duration,
    ) -> Result<(), Error> {
        let mut results = self.current(now);
        let is_it = |kept: &Kept| {
            kept.check.as_ref().is_some_and(|check| check.zone == zone && check.id == id)
        };
        let place = results.iter().position(is_it);
        results.remove(place.ok_or_else(|| Error::missing(Kind::Preview, id))?);
        Ok(())
    }

    /// Those that can still be fetched.
    fn current(&self, now: Duration) -> MutexGuard<'_, VecDeque<Kept>> {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.retain(|kept| now.saturating_sub(kept.since) < KEPT_FOR);
        results
    }
}

/// A check has one pool with one endpoint.
fn found_in(result: Option<&PreviewResult>) -> Found {
    let place = result.and_then(|result| result.values().next());
    let origin = place.and_then(|place| place.origins.iter().flat_map(BTreeMap::values).next());
    origin.map_or_else(Found::default, |origin| Found {
        healthy: Some(origin.healthy),
        failure_reason: origin.failure_reason.clone(),
    })
}

fn keep(results: &Mutex<VecDeque<Kept>>, kept: Kept) {
    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
    if results.len() >= KEPT_MAX {
        results.pop_front();
    }
    results.push_back(kept);
}

fn targets(pools: &[Pool]) -> Vec<(PoolId, Target)> {
    let of_pools = pools.iter().flat_map(|pool| {
        let origins = pool.origins.iter().enumerate();
        let upstream = upstream(pool);
        origins.map(move |(index, origin)| (pool.id, target(index, origin, &upstream)))
    });
    of_pools.take(TARGETS_MAX).collect()
}

/// For monitors that take the proxy's path.
fn upstream(pool: &Pool) -> Option<Arc<Upstream>> {
    pool.upstream.as_deref().cloned().map(Arc::new)
}

fn target(index: usize, origin: &Origin, upstream: &Option<Arc<Upstream>>) -> Target {
    Target {
        key: index as u64,
        name: origin.name.as_str().into(),
        address: origin.address.clone(),
        port: origin.port,
        host: origin.host.as_deref().map(Into::into),
        upstream: upstream.clone(),
    }
}

/// The endpoints of one pool; those of this name where one is asked for.
pub(crate) fn targets_of(pool: &Pool, name: Option<&str>) -> Vec<Target> {
    let origins = pool.origins.iter().enumerate();
    let chosen = origins.filter(|(_, origin)| name.is_none_or(|name| origin.name == name));
    let upstream = upstream(pool);
    chosen.map(|(index, origin)| target(index, origin, &upstream)).take(TARGETS_MAX).collect()
}

fn summary(targets: &[(PoolId, Target)], ended: &[Ended]) -> PreviewResult {
    let mut pools: BTreeMap<PoolId, Vec<(String, OriginHealth)>> = BTreeMap::new();
    for ((pool, target), (outcome, evidence)) in targets.iter().zip(ended) {
        let health = origin_health(outcome, evidence.as_ref());
        let health = (preview_key(&target.address), health);
        pools.entry(*pool).or_default().push(health);
    }
    let place = |origins: Vec<(String, OriginHealth)>| {
        let healthy = origins.iter().all(|(_, origin)| origin.healthy);
        PlaceHealth::new(healthy, origins.into_iter())
    };
    pools.into_iter().map(|(pool, origins)| (pool, place(origins))).collect()
}

/// One probe as the API tells it.
pub(crate) fn origin_health(outcome: &Outcome, evidence: Option<&Evidence>) -> OriginHealth {
    OriginHealth {
        failure_reason: outcome.reason.word().into(),
        healthy: outcome.passed == Passed::Pass,
        response_code: outcome.response_code,
        rtt: Rtt(outcome.rtt.unwrap_or_default()),
        trimtab: evidence.map(|of| OriginExtension { evidence: crate::matrix::evidence(of) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
