//! The one writer of snapshots: takes events in, builds the next moment, swaps it.
//!
//! One task, owned by whoever runs [`Publisher::run`]; it ends when every sender of events is gone.

mod balancers;
mod checks;
mod pools;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot};
use trimtab_dns::Node;
use trimtab_geo::Table;
use trimtab_health::{Passed, Signal, Thresholds};
use trimtab_model::{Fed, Moment, PoolId, Timestamp};
use trimtab_steer::pool::Ejectable;
use trimtab_steer::{Balancer, Pool, Site, World};

use crate::changes::HealthChange;
use crate::checks::CheckTable;
use crate::directory::{Directory, Touched};
use crate::ejections::{Ejections, wants_ejection};
use crate::epochs::Epochs;
use crate::hosts::HostTable;
use crate::observers::{Observer, Observers};
use crate::rulings::Rulings;
use crate::saved::{Clocks, Saved};
use crate::zones::{Hosted, Hosting};
use crate::{Batch, Cell, EndpointLoad, Event, Loads, Passive, Report, Routes, Snapshot, clock};

/// A flip waits this long for others that come with it, so that a dead site is one new snapshot and not fifty.
const FLIP_COALESCE: Duration = Duration::from_millis(20);
/// News that no answer depends on (a round-trip time, the time of the last probe) may be this old.
const DETAIL_COALESCE: Duration = Duration::from_secs(1);
/// Events taken in before the next look at the clock.
const EVENTS_PER_TURN: usize = 512;
/// `snapshot.bin` is written at most this often.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// What does not change while the node runs.
#[derive(Debug)]
pub struct Settings {
    pub site: Site,
    /// The node's own place first.
    pub observers: Vec<Observer>,
    pub node: Arc<Node>,
    pub hosting: Hosting,
    /// Where `snapshot.bin` is kept; None keeps nothing.
    pub saved_to: Option<PathBuf>,
}

/// The first moment's ingredients.
#[derive(Debug)]
pub struct Start {
    pub geo: Arc<Table>,
    pub saved: Option<Saved>,
    pub clocks: Clocks,
}

/// The writer.
#[derive(Debug)]
pub struct Publisher {
    settings: Settings,
    directory: Directory,
    observers: Observers,
    ejections: Ejections,
    rulings: Rulings,
    checks: CheckTable,
    /// None when other systems said something since the last snapshot.
    fed: Option<Arc<Vec<Fed>>>,
    /// Who waits for the next snapshot.
    waiting: Vec<oneshot::Sender<()>>,
    hosts: HostTable,
    hosted: Hosted,
    geo: Arc<Table>,
    pools: Vec<Option<Arc<Pool>>>,
    balancers: Vec<Option<Arc<Balancer>>>,
    epochs: Epochs,
    jobs: BTreeMap<PoolId, Vec<Arc<crate::Job>>>,
    /// The jobs as the last snapshot had them; None when they changed since.
    listed: Option<Arc<Vec<Arc<crate::Job>>>>,
    /// None when a proxied name changed since the last snapshot.
    routes: Option<Arc<Routes>>,
    loads: Arc<Loads>,
    revision: u64,
    generation: u64,
    /// Pools of which something was reported since they were last built: an observation or an address.
    reported: BTreeSet<PoolId>,
    /// Pools whose calculated checks may say something else since.
    dependents: BTreeSet<PoolId>,
    changes: mpsc::Sender<HealthChange>,
    changes_dropped: Arc<AtomicU64>,
}

// === impl Publisher ===

impl Publisher {
    /// `changes` receives every flip; a full channel counts in [`Publisher::changes_dropped`].
    pub fn new(settings: Settings, start: Start, changes: mpsc::Sender<HealthChange>) -> Publisher {
        let mut observers = Observers::new(settings.observers.clone(), start.clocks.monotonic);
        let (mut hosts, mut rulings) = (HostTable::default(), Rulings::default());
        if let Some(saved) = &start.saved {
            saved.restore(&mut observers, start.clocks);
            hosts.remember(saved.hosts());
            rulings = Rulings::restore(saved.fed());
        }
        Publisher {
            hosted: Hosted::new(settings.hosting.clone()),
            settings,
            directory: Directory::default(),
            observers,
            ejections: Ejections::default(),
            rulings,
            checks: CheckTable::default(),
            fed: None,
            waiting: Vec::new(),
            hosts,
            geo: start.geo,
            pools: Vec::new(),
            balancers: Vec::new(),
            epochs: Epochs::default(),
            jobs: BTreeMap::new(),
            listed: None,
            routes: None,
            loads: Arc::default(),
            revision: 0,
            generation: 0,
            reported: BTreeSet::new(),
            dependents: BTreeSet::new(),
            changes,
            changes_dropped: Arc::default(),
        }
    }

    pub fn changes_dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.changes_dropped)
    }

    /// Takes configuration in without publishing: how a node reads its store at the start, page by page. Nothing that
    /// was known before is forgotten on the way: what it belongs to may stand on a later page.
    pub fn load(&mut self, batch: Batch) {
        self.apply_batch(batch);
    }

    /// The moment as it stands; the first one makes the cell.
    pub fn snapshot(&mut self) -> Snapshot {
        self.generation += 1;
        let listed = || Arc::new(self.jobs.values().flatten().cloned().collect());
        let jobs = Arc::clone(self.listed.get_or_insert_with(listed));
        let routes = self.routes.take().unwrap_or_else(|| Arc::new(self.build_routes()));
        self.routes = Some(Arc::clone(&routes));
        Snapshot {
            generation: self.generation,
            revision: self.revision,
            zones: Arc::new(self.hosted.zones(self.revision)),
            world: World {
                pools: Arc::new(self.pools.clone()),
                balancers: Arc::new(self.balancers.clone()),
                geo: Arc::clone(&self.geo),
                site: self.settings.site,
                epochs: self.epochs.begin(&self.balancers, wall_time),
            },
            node: Arc::clone(&self.settings.node),
            jobs,
            hosts: Arc::clone(self.hosts.all()),
            certificates: Arc::clone(&self.directory.certificates),
            affinity_keys: Arc::clone(&self.directory.affinity_keys),
            routes,
            checks: Arc::clone(&self.checks.known),
            fed: Arc::clone(self.fed.get_or_insert_with(|| Arc::new(self.rulings.standing()))),
            loads: Arc::clone(&self.loads),
        }
    }

    /// Runs until every sender is gone; then what is known is saved.
    pub async fn run(mut self, cell: Cell, mut events: mpsc::Receiver<Event>) {
        self.forget_the_gone();
        let mut publish_at: Option<Moment> = None;
        let mut save_at: Option<Moment> = None;
        loop {
            let ends = self.ejections.next_end().into_iter().chain(self.rulings.next_end());
            let wake = publish_at.into_iter().chain(save_at).chain(ends).min();
            let event = tokio::select! {
                biased;
                () = sleep_until(wake) => None,
                event = events.recv() => match event {
                    Some(event) => Some(event),
                    None => break,
                },
            };
            let now = clocks().monotonic;
            if let Some(event) = event {
                let mut due = self.take(event, now);
                for _ in 1..EVENTS_PER_TURN {
                    let Ok(event) = events.try_recv() else { break };
                    due = due.min(self.take(event, now));
                }
                publish_at = Some(publish_at.map_or(due, |at| at.min(due)));
            }
            if self.ejections.next_end().is_some_and(|at| at <= now) {
                self.reported.extend(self.ejections.end(now));
                publish_at = Some(now);
            }
            if self.rulings.next_end().is_some_and(|at| at <= now) {
                self.end_rulings(now);
                publish_at = Some(now);
            }
            if publish_at.is_some_and(|at| at <= now) {
                self.rebuild_reported();
                cell.store(self.snapshot());
                for waiting in self.waiting.drain(..) {
                    // Whoever waited may be gone.
                    let _gone = waiting.send(());
                }
                publish_at = None;
                save_at = save_at.or(Some(now + SAVE_EVERY));
            }
            if save_at.is_some_and(|at| at <= now) {
                self.save().await;
                save_at = None;
            }
        }
        self.save().await;
    }

    /// Applies one event; gives the time by which its effect must be public.
    fn take(&mut self, event: Event, now: Moment) -> Moment {
        match event {
            Event::Config(batch) => {
                let touched = self.apply_batch(batch);
                if touched.may_end_endpoints() {
                    self.fed = None;
                    self.forget_endpoints();
                }
                now
            }
            Event::Report(report) => now + self.apply_report(&report),
            Event::Passive(passive) => now + self.apply_passive(passive),
            Event::Fed(feeding) => {
                self.apply_feed(feeding);
                now + FLIP_COALESCE
            }
            Event::Resolved(resolved) => {
                self.reported.extend(self.hosts.resolve(resolved));
                now + FLIP_COALESCE
            }
        }
    }

    fn apply_batch(&mut self, batch: Batch) -> Touched {
        self.revision = self.revision.max(batch.revision);
        let touched = self.directory.apply(batch.changes);
        self.free(&touched);
        let mut ruled = self.hear(touched.overrides.iter().cloned());
        ruled.extend(&touched.pools);
        self.work_out_rulings(&ruled);
        if !(touched.zones.is_empty() && touched.dropped.is_empty()) {
            self.rebuild_checks();
        }
        for &id in &touched.zones {
            if let Some(zone) = self.directory.zones.get(&id) {
                self.hosted.host(zone);
            }
        }
        for &id in &ruled {
            self.build_pool(id);
        }
        for (id, check) in touched.checks.iter().cloned() {
            self.configure_check(id, check);
        }
        self.rebuild_dependents();
        let in_zones = self.balancers_of(&touched.zones);
        for &id in touched.balancers.union(&in_zones) {
            self.build_balancer(id);
        }
        let rewritten = touched.rewritten.iter();
        for slot in rewritten.filter_map(|&id| self.directory.balancer_slot(id)) {
            self.epochs.rewritten(slot);
        }
        for names in batch.names {
            self.hosted.set_records(names.zone, &names.name, &names.records);
        }
        touched
    }

    fn free(&mut self, touched: &Touched) {
        for (zone, name) in &touched.left {
            self.hosted.set_balancer(*zone, name, None);
        }
        for slot in &touched.freed_balancers {
            let gone = put(&mut self.balancers, slot.0, None);
            self.reroute(gone.as_deref(), None);
        }
        for slot in &touched.freed_pools {
            let gone = put(&mut self.pools, slot.0, None);
            Loads::forget(&mut self.loads, *slot);
            self.epochs.pool_changed(*slot);
            if let Some(pool) = gone {
                self.set_jobs(pool.id, Vec::new());
                self.rulings.forget(pool.id);
                self.dependents.extend(self.directory.requiring(pool.id));
                self.hosts.forget(&pool);
            }
        }
        if !(touched.zones.is_empty() && touched.dropped.is_empty()) {
            self.routes = None;
        }
        for apex in &touched.dropped {
            self.hosted.drop_zone(apex);
        }
    }

    /// How long the report's effect may wait.
    fn apply_report(&mut self, report: &Report) -> Duration {
        let job = self.jobs.get(&report.pool).and_then(|jobs| {
            let wanted = |job: &&Arc<crate::Job>| {
                job.monitor.id == report.monitor
                    && job.targets.iter().any(|target| target.key == report.endpoint)
            };
            jobs.iter().find(wanted)
        });
        // A probe may end after its pool or endpoint was deleted.
        let Some(limits) = job.map(|job| Thresholds::of(&job.monitor.pace)) else {
            return DETAIL_COALESCE;
        };
        self.reported.insert(report.pool);
        let endpoint = (report.pool, report.endpoint);
        let is_back = report.outcome.passed == Passed::Pass
            && self.ejections.take(endpoint, Signal::Passed, report.at);
        match self.observers.record(report, limits) || is_back {
            true => FLIP_COALESCE,
            false => DETAIL_COALESCE,
        }
    }

    /// The same. Requests may take an endpoint out that probes know nothing against, unless too many are out already.
    fn apply_passive(&mut self, Passive { pool: id, endpoint: key, at }: Passive) -> Duration {
        // What was reported just before has its say first.
        if self.reported.remove(&id) {
            self.build_pool(id);
        }
        let Some((ejectable, load)) = self.ejectable(id, key) else { return DETAIL_COALESCE };
        match ejectable {
            Ejectable::Yes if self.ejections.take((id, key), Signal::Failing, at) => {
                load.ejections.fetch_add(1, Ordering::Relaxed);
                self.reported.insert(id);
                FLIP_COALESCE
            }
            Ejectable::AtCeiling => {
                load.ejections_refused.fetch_add(1, Ordering::Relaxed);
                DETAIL_COALESCE
            }
            Ejectable::Yes | Ejectable::ServesNobody => DETAIL_COALESCE,
        }
    }

    /// None where nobody wants it: the pool says so, or the endpoint is gone.
    fn ejectable(&self, id: PoolId, key: u64) -> Option<(Ejectable, Arc<EndpointLoad>)> {
        let slot = self.directory.pool_slot(id)?;
        let pool = self.pools.get(slot.0 as usize)?.as_ref()?;
        let loads = &self.loads.pool(slot)?.endpoints;
        let index = loads.iter().position(|load| load.key == key)?;
        let wanted = self.directory.pools.get(&id).is_some_and(wants_ejection);
        wanted.then(|| (pool.ejectable(index), Arc::clone(&loads[index])))
    }

    fn rebuild_reported(&mut self) {
        for id in std::mem::take(&mut self.reported) {
            self.build_pool(id);
            self.build_check(id);
        }
        self.rebuild_dependents();
    }

    fn tell(&self, change: HealthChange) {
        if self.changes.try_send(change).is_err() {
            self.changes_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn save(&self) {
        let Some(path) = self.settings.saved_to.clone() else { return };
        let saved = Saved::of(&self.observers, self.hosts.all(), &self.rulings, Clocks::now());
        let written = tokio::task::spawn_blocking(move || saved.write(&path)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "snapshot.bin was not written"),
            Err(error) => tracing::error!(%error, "writing snapshot.bin panicked"),
        }
    }
}

async fn sleep_until(at: Option<Moment>) {
    match at {
        Some(at) => tokio::time::sleep_until(clock::instant(at).into()).await,
        None => std::future::pending().await,
    }
}

/// tokio's clock, so that tests can turn it.
fn clocks() -> Clocks {
    let monotonic = clock::moment(tokio::time::Instant::now().into_std());
    Clocks { monotonic, wall: SystemTime::now() }
}

/// A clock before 1970 is set wrong, and says so best as 1970.
fn wall_time() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Puts a value into its slot, growing the table; gives back what was there.
fn put<T>(table: &mut Vec<Option<T>>, slot: u32, value: Option<T>) -> Option<T> {
    let index = slot as usize;
    if table.len() <= index {
        table.resize_with(index + 1, || None);
    }
    std::mem::replace(&mut table[index], value)
}

#[cfg(test)]
mod tests;
