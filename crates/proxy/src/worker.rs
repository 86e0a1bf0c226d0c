//! What the connections of one thread share.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hashbrown::HashMap;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use trimtab_connect::{Connector, Ready};
use trimtab_live::{Allowance, Event, Loads, Reader, Routes, Sampling, Wish, clock};
use trimtab_model::pool::Upstream;
use trimtab_model::{AffinityKeys, Moment};
use trimtab_steer::Failed;

use crate::access_log::Log;
use crate::age::lifetime;
use crate::budget::Budget;
use crate::choice::{Asking, Choice, Target, choose};
use crate::cookie;
use crate::fault::Fault;
use crate::head::RequestHead;
use crate::http2;
use crate::idle::Idle;
use crate::overload::Overload;
use crate::request::Peer;
use crate::sample::{self, Sample};
use crate::sessions::Table;
use crate::settings::Settings;
use crate::signals::{self, Told};
use crate::tally::{Known, Tally};

/// Pools with TLS settings of their own; more of them make theirs anew.
const PROFILES_MAX: usize = 1_000;

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) connector: Connector,
    /// To whoever judges endpoints.
    pub(crate) signals: mpsc::Sender<Event>,
    pub(crate) sessions: Table,
    pub(crate) sampling: Option<Sampling<Sample>>,
    /// Client connections of the whole node.
    pub(crate) connections: AtomicUsize,
    pub(crate) log: Option<Log>,
    pub(crate) overload: Overload,
}

/// One thread's.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    view: Mutex<View>,
    idle: Mutex<Idle>,
    http2: Mutex<http2::Connections>,
    profiles: Mutex<HashMap<u64, Ready>>,
    tally: Arc<Mutex<Tally>>,
    pub(crate) budget: Budget,
    stopping: Stopping,
    /// Decisions that may be kept.
    allowance: Mutex<Allowance>,
    /// Rays are made of a number that rises and a secret, so that nobody who sees one knows the next.
    rays: AtomicU64,
    secret: RandomState,
}

/// What is to be finished before the node stops, and whether it does.
#[derive(Debug, Default)]
struct Stopping {
    is_asked: AtomicBool,
    asked: Notify,
    /// Requests, and connections of HTTP/2: what these still have to send is known to nobody else.
    under_way: AtomicUsize,
    none_left: Notify,
}

/// Counts one request, or one connection of HTTP/2, while it is served.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a Stopping);

/// The current moment, and what is made of it once.
#[derive(Debug)]
struct View {
    snapshots: Reader,
    keys: cookie::Keys,
    /// What the keys were made of.
    secrets: Arc<AffinityKeys>,
    /// Of the moment when counts of what is gone were dropped last.
    swept: Option<(Arc<Routes>, Arc<Loads>)>,
}

// === impl Worker ===

impl Worker {
    /// None when the system has no random bytes.
    pub(crate) fn new(
        shared: Arc<Shared>,
        mut snapshots: Reader,
        tally: Arc<Mutex<Tally>>,
    ) -> Option<Worker> {
        let secrets = Arc::clone(&snapshots.load().affinity_keys);
        let keys = keys_of(&secrets)?;
        Some(Worker {
            shared,
            view: Mutex::new(View { snapshots, keys, secrets, swept: None }),
            idle: Mutex::default(),
            http2: Mutex::default(),
            profiles: Mutex::default(),
            tally,
            budget: Budget::default(),
            stopping: Stopping::default(),
            allowance: Mutex::default(),
            rays: AtomicU64::new(0),
            secret: RandomState::new(),
        })
    }

    /// A number that names a request, and is the chance in its decision.
    pub(crate) fn next_ray(&self) -> u64 {
        let mut hasher = self.secret.build_hasher();
        hasher.write_u64(self.rays.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// When a connection that is made now has served long enough.
    pub(crate) fn retirement(&self, upstream: &Upstream) -> Instant {
        let max_age = Duration::from_secs(upstream.max_age.into());
        Instant::now() + lifetime(max_age, self.next_ray())
    }

    /// Where the request goes, and whether its decision is kept because it asked for that.
    pub(crate) fn choose(
        &self,
        head: &RequestHead,
        peer: &Peer,
        client: IpAddr,
        failed: &[Failed],
        dice: u64,
        now: Instant,
    ) -> (Choice, bool) {
        let mut view = locked(&self.view);
        let View { snapshots, keys, secrets, .. } = &mut *view;
        let snapshot = snapshots.load();
        if !Arc::ptr_eq(secrets, &snapshot.affinity_keys) {
            // Without random bytes the keys before go on: sessions last a little longer.
            if let Some(made) = keys_of(&snapshot.affinity_keys) {
                *keys = made;
            }
            *secrets = Arc::clone(&snapshot.affinity_keys);
        }
        let now = clock::moment(now.into_std());
        let wish = self.wish(head, client, dice, now);
        let asking = Asking {
            head,
            client,
            failed,
            dice,
            now,
            wall: wall_seconds(),
            keys,
            opened: &peer.opened,
            table: &self.shared.sessions,
            over_tls: peer.over_tls,
            sampled: wish.is_some(),
        };
        let (choice, sample) = choose(snapshot, &asking);
        let is_kept = sample.is_some_and(|sample| self.keep(sample));
        (choice, is_kept && wish == Some(Wish::AskedFor))
    }

    /// Whether the decision shall be kept, and why. Every request asks: one that is not kept costs a comparison.
    fn wish(&self, head: &RequestHead, client: IpAddr, dice: u64, now: Moment) -> Option<Wish> {
        let sampling = self.shared.sampling.as_ref()?;
        let asked = self.shared.settings.explains_to(client) && sample::asks(head);
        let wish = match asked {
            true => Wish::AskedFor,
            false if sampling.falls_on(dice) => Wish::ByChance,
            false => return None,
        };
        if !sample::fits(head) {
            sampling.lose();
            return None;
        }
        locked(&self.allowance).allows(wish, now).then_some(wish)
    }

    fn keep(&self, sample: Sample) -> bool {
        self.shared.sampling.as_ref().is_some_and(|sampling| sampling.send(sample))
    }

    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.stopping.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.stopping)
    }

    /// The node stops: the response under way is the last one of its connection.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_asked.load(Ordering::Relaxed)
    }

    /// Ready once the node stops.
    pub(crate) async fn stops(&self) {
        let asked = self.stopping.asked.notified();
        if !self.is_stopping() {
            asked.await;
        }
    }

    /// Until nothing is under way; from then on connections may go.
    pub(crate) async fn finish(&self) {
        self.stopping.is_asked.store(true, Ordering::Relaxed);
        self.stopping.asked.notify_waiters();
        loop {
            let none_left = self.stopping.none_left.notified();
            if self.stopping.under_way.load(Ordering::Relaxed) == 0 {
                return;
            }
            none_left.await;
        }
    }

    pub(crate) fn with_idle<T>(&self, with: impl FnOnce(&mut Idle) -> T) -> T {
        with(&mut locked(&self.idle))
    }

    /// Connections of HTTP/2, which many requests use at a time.
    pub(crate) fn http2_with<T>(&self, with: impl FnOnce(&mut http2::Connections) -> T) -> T {
        with(&mut locked(&self.http2))
    }

    /// TLS as a pool wants it, made once.
    pub(crate) fn profile(
        &self,
        hash: u64,
        make: impl FnOnce() -> Result<Ready, Fault>,
    ) -> Result<Ready, Fault> {
        let mut profiles = locked(&self.profiles);
        if let Some(known) = profiles.get(&hash) {
            return Ok(known.clone());
        }
        if profiles.len() >= PROFILES_MAX {
            profiles.clear();
        }
        let made = make()?;
        profiles.insert(hash, made.clone());
        Ok(made)
    }

    /// A request failed at its endpoint.
    pub(crate) fn note_failure(&self, target: &Target) {
        let Some(open) = &target.open else { return };
        let now = clock::moment(Instant::now().into_std());
        match signals::fails(open.endpoint(), &target.pool, &self.shared.signals, now) {
            Told::Nothing | Told::Failing => {}
            Told::Dropped => self.tally().signals_dropped += 1,
        }
    }

    pub(crate) fn sweep(&self, now: Instant) {
        self.http2_with(|connections| connections.sweep(now));
        self.forget_deleted();
        let mut idle = locked(&self.idle);
        idle.sweep(now);
        self.tally().idle = idle.len();
    }

    /// Configurations come and go, and counts of what was in them would pile up.
    fn forget_deleted(&self) {
        let mut view = locked(&self.view);
        let View { snapshots, swept, .. } = &mut *view;
        let snapshot = snapshots.load();
        let is_same = swept.as_ref().is_some_and(|(routes, loads)| {
            Arc::ptr_eq(routes, &snapshot.routes) && Arc::ptr_eq(loads, &snapshot.loads)
        });
        if !is_same {
            *swept = Some((Arc::clone(&snapshot.routes), Arc::clone(&snapshot.loads)));
            self.tally().retain(&Known::of(&snapshot.world));
        }
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        locked(&self.tally)
    }
}

// === impl UnderWay ===

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let before = self.0.under_way.fetch_sub(1, Ordering::Relaxed);
        if before == 1 && self.0.is_asked.load(Ordering::Relaxed) {
            self.0.none_left.notify_waiters();
        }
    }
}

fn keys_of(secrets: &AffinityKeys) -> Option<cookie::Keys> {
    cookie::Keys::new(secrets.keys.iter().map(|key| (key.id, key.secret.reveal())))
}

/// No code that holds one of these locks can leave what it guards half done.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock before 1970 is set wrong, and no cookie has expired by it.
pub(crate) fn wall_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
