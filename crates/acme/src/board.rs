//! How far each name is, for the issuer that moves it and for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use trimtab_model::{Name, Timestamp, ZoneId};

use crate::plan::Want;
use crate::settings::Challenge;

/// Written by one issuer.
#[derive(Debug, Default)]
pub struct Board(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    names: BTreeMap<Name, Entry>,
    orders: Orders,
}

/// Orders since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    pub issued: u64,
    pub failed: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    want: Want,
    standing: Standing,
    failures: u32,
    last_error: Option<String>,
}

/// Ready --its time comes--> Ordering --issued--> Ready.  Ordering --failed--> Waiting --the wait ends--> Ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Ready,
    Ordering,
    Waiting {
        until: Instant,
    },
    /// The configured challenge cannot prove it.
    Impossible,
}

/// One name as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub name: Name,
    pub zone: ZoneId,
    /// `due`, `ordering`, `issued`, `failed` or `impossible`.
    pub state: &'static str,
    pub expires_on: Option<Timestamp>,
    /// In a row.
    pub failures: u32,
    pub last_error: Option<String>,
    /// None when none will be made, or one is being made.
    pub next_try: Option<Timestamp>,
}

/// What an issuer is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Order {
        name: Name,
        zone: ZoneId,
    },
    /// Nothing for so long; None: nothing at all.
    Wait(Option<Duration>),
}

/// Now, of both clocks: certificates end by the one that people read, waits by the one that never goes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) wall: Timestamp,
    pub(crate) at: Instant,
}

const WILDCARD: &str = "a wildcard cannot be proved by tls-alpn-01, only by dns-01";

// === impl Board ===

impl Board {
    /// In the order of their names.
    pub fn shown(&self, wall: Timestamp) -> Vec<Shown> {
        let now = Now { wall, at: Instant::now() };
        self.lock().names.iter().map(|(name, entry)| entry.shown(name, now)).collect()
    }

    pub fn orders(&self) -> Orders {
        self.lock().orders
    }

    /// Names that are wanted no more are forgotten, with their failures.
    pub(crate) fn want(&self, wanted: BTreeMap<Name, Want>, by: Challenge) {
        let mut inner = self.lock();
        let mut before = std::mem::take(&mut inner.names);
        for (name, want) in wanted {
            let entry = match before.remove(&name) {
                // A new certificate, wherever it came from, ends every wait.
                Some(entry) if entry.want.expires_on == want.expires_on => Entry { want, ..entry },
                Some(_) | None => Entry::new(&name, want, by),
            };
            inner.names.insert(name, entry);
        }
    }

    /// Of several names the one that failed least, so that those that never succeed keep no other waiting.
    pub(crate) fn next(&self, now: Now) -> Next {
        let inner = self.lock();
        let waits =
            inner.names.iter().filter_map(|(name, entry)| Some((name, entry, entry.wait(now)?)));
        let waits: Vec<_> = waits.collect();
        let ready = waits.iter().filter(|(_, _, wait)| wait.is_zero());
        match ready.min_by_key(|(name, entry, _)| (entry.failures, entry.want.due_on, *name)) {
            Some((name, entry, _)) => Next::Order { name: (*name).clone(), zone: entry.want.zone },
            None => Next::Wait(waits.iter().map(|(_, _, wait)| *wait).min()),
        }
    }

    pub(crate) fn failures(&self, name: &Name) -> u32 {
        self.lock().names.get(name).map_or(0, |entry| entry.failures)
    }

    pub(crate) fn began(&self, name: &Name) {
        self.change(name, |entry| entry.standing = Standing::Ordering);
    }

    pub(crate) fn issued(&self, name: &Name) {
        self.lock().orders.issued += 1;
        self.change(name, |entry| {
            *entry = Entry {
                want: entry.want,
                standing: Standing::Ready,
                failures: 0,
                last_error: None,
            };
        });
    }

    pub(crate) fn failed(&self, name: &Name, why: String, until: Instant) {
        self.lock().orders.failed += 1;
        self.change(name, |entry| {
            entry.standing = Standing::Waiting { until };
            entry.failures = entry.failures.saturating_add(1);
            entry.last_error = Some(why);
        });
    }

    /// The name may have gone while it was ordered.
    fn change(&self, name: &Name, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.lock().names.get_mut(name) {
            change(entry);
        }
    }

    /// Nothing that holds the lock can panic half way.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Entry ===

impl Entry {
    fn new(name: &Name, want: Want, by: Challenge) -> Entry {
        let (standing, last_error) = match by {
            Challenge::TlsAlpn01 if name.is_wildcard() => {
                (Standing::Impossible, Some(WILDCARD.into()))
            }
            Challenge::TlsAlpn01 | Challenge::Dns01 => (Standing::Ready, None),
        };
        Entry { want, standing, failures: 0, last_error }
    }

    /// Until the next order; None when none comes of waiting.
    fn wait(&self, now: Now) -> Option<Duration> {
        let micros = self.want.due_on.micros().saturating_sub(now.wall.micros());
        let due_in = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        match self.standing {
            Standing::Ready => Some(due_in),
            Standing::Waiting { until } => {
                Some(due_in.max(until.saturating_duration_since(now.at)))
            }
            Standing::Ordering | Standing::Impossible => None,
        }
    }

    fn shown(&self, name: &Name, now: Now) -> Shown {
        let wait = self.wait(now);
        let micros = wait.and_then(|wait| i64::try_from(wait.as_micros()).ok());
        Shown {
            name: name.clone(),
            zone: self.want.zone,
            state: match self.standing {
                Standing::Ready if wait == Some(Duration::ZERO) => "due",
                Standing::Ready => "issued",
                Standing::Ordering => "ordering",
                Standing::Waiting { .. } => "failed",
                Standing::Impossible => "impossible",
            },
            expires_on: self.want.expires_on,
            failures: self.failures,
            last_error: self.last_error.clone(),
            next_try: micros.map(|micros| Timestamp::from_micros(now.wall.micros() + micros)),
        }
    }
}
