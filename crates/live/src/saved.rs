//! `snapshot.bin`: what was known and said of every endpoint and host name, so that a restart answers from knowledge.
//!
//! One line that names the format and the checksum of the rest, then JSON. A file that is damaged or
//! of another format is refused with its reason and the node starts as if it were not there.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use trimtab_health::{FailureReason, Observation, Outcome, Passed, Rtt, State};
use trimtab_model::{Fed, Moment, MonitorId, Name, PoolId, Pop};

use crate::Hosts;
use crate::clock;
use crate::observers::Observers;
use crate::rulings::Rulings;

const FORMAT: &str = "trimtab-snapshot-1";

/// Health and addresses at one moment, in wall-clock terms.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// By pool and endpoint, then by observer.
    endpoints: Vec<SavedEndpoint>,
    /// By host name; files of earlier versions have none.
    #[serde(default)]
    hosts: BTreeMap<Name, Vec<IpAddr>>,
    /// What other systems say; files of earlier versions have none.
    #[serde(default)]
    fed: Vec<SavedFed>,
}

/// One word, and the endpoint that it is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedFed {
    pub(crate) key: u64,
    pub(crate) fed: Fed,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SavedEndpoint {
    pool: PoolId,
    key: u64,
    /// Files of earlier versions name none, and are not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitor: Option<MonitorId>,
    seen: BTreeMap<Pop, SavedObservation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct SavedObservation {
    up: bool,
    streak: u32,
    /// Microseconds since 1970.
    since: u64,
    /// The last probe, likewise; files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<u64>,
    reason: FailureReason,
    response_code: u16,
    /// Smoothed, in microseconds.
    rtt: Option<u64>,
}

/// Why a saved snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("read {path}")]
    Read { path: String, source: io::Error },
    #[error("{path} is not of format {FORMAT}")]
    Format { path: String },
    #[error("{path} is damaged: its checksum is {found:016x}, not {wanted}")]
    Damaged { path: String, found: u64, wanted: String },
    #[error("parse {path}")]
    Parse { path: String, source: serde_json::Error },
}

/// The same moment on both clocks: intervals are measured on one and files written in the other.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    pub monotonic: Moment,
    pub wall: SystemTime,
}

// === impl Clocks ===

impl Clocks {
    pub fn now() -> Clocks {
        Clocks { monotonic: clock::now(), wall: SystemTime::now() }
    }

    fn micros(&self, at: Moment) -> u64 {
        let ago = self.monotonic.saturating_duration_since(at);
        let wall = self.wall.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH);
        let since = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// A time after now counts as now.
    fn moment(&self, micros: u64) -> Moment {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
        let ago = self.wall.duration_since(wall).unwrap_or(Duration::ZERO);
        self.monotonic.saturating_sub(ago)
    }
}

// === impl Saved ===

impl Saved {
    /// `Ok(None)` when there is no file.
    pub fn read(path: &Path) -> Result<Option<Saved>, Unusable> {
        let shown = path.display().to_string();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Unusable::Read { path: shown, source }),
        };
        let line_end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
        let (line, body) = bytes.split_at(line_end);
        let line = String::from_utf8_lossy(line);
        let Some(wanted) = line.strip_prefix(FORMAT) else {
            return Err(Unusable::Format { path: shown });
        };
        let body = body.strip_prefix(b"\n").unwrap_or(body);
        let (found, wanted) = (checksum(body), wanted.trim().to_owned());
        if format!("{found:016x}") != wanted {
            return Err(Unusable::Damaged { path: shown, found, wanted });
        }
        let saved = serde_json::from_slice(body);
        saved.map(Some).map_err(|source| Unusable::Parse { path: shown, source })
    }

    /// Whole or not at all: written beside, synced, then renamed.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let body = serde_json::to_vec(self)?;
        let beside = path.with_extension("new");
        let mut file = std::fs::File::create(&beside)?;
        writeln!(file, "{FORMAT} {:016x}", checksum(&body))?;
        file.write_all(&body)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    }

    pub(crate) fn of(
        observers: &Observers,
        hosts: &Hosts,
        rulings: &Rulings,
        clocks: Clocks,
    ) -> Saved {
        let mut endpoints: BTreeMap<(PoolId, u64, MonitorId), SavedEndpoint> = BTreeMap::new();
        for ((pool, key), (monitor, pop), seen) in observers.all() {
            if let Some(saved) = SavedObservation::of(seen, clocks) {
                let monitor_of = Some(monitor);
                let empty =
                    || SavedEndpoint { pool, key, monitor: monitor_of, seen: BTreeMap::new() };
                let endpoint = endpoints.entry((pool, key, monitor)).or_insert_with(empty);
                endpoint.seen.insert(pop, saved);
            }
        }
        let resolved = hosts.iter().filter(|(_, addresses)| !addresses.is_empty());
        let hosts = resolved.map(|(name, addresses)| (name.clone(), addresses.to_vec()));
        let endpoints = endpoints.into_values().collect();
        Saved { endpoints, hosts: hosts.collect(), fed: rulings.saved() }
    }

    pub(crate) fn hosts(&self) -> Hosts {
        let hosts = self.hosts.iter();
        hosts.map(|(name, addresses)| (name.clone(), addresses.as_slice().into())).collect()
    }

    pub(crate) fn fed(&self) -> &[SavedFed] {
        &self.fed
    }

    pub(crate) fn restore(&self, observers: &mut Observers, clocks: Clocks) {
        for SavedEndpoint { pool, key, monitor, seen } in &self.endpoints {
            // Probes find out again what an earlier version's file says of a monitor that it does not name.
            let Some(monitor) = *monitor else { continue };
            for (&pop, saved) in seen {
                observers.restore((*pool, *key), (monitor, pop), saved.observation(clocks));
            }
        }
    }
}

// === impl SavedObservation ===

impl SavedObservation {
    /// None while nothing is known: not knowing is not worth keeping.
    fn of(seen: &Observation, clocks: Clocks) -> Option<SavedObservation> {
        let (up, streak) = match seen.state {
            State::Unknown => return None,
            State::Up { fails, .. } => (true, fails),
            State::Down { passes } => (false, passes),
        };
        let last = seen.last;
        Some(SavedObservation {
            up,
            streak,
            since: clocks.micros(seen.since),
            seen: Some(clocks.micros(seen.seen)),
            reason: last.map_or(FailureReason::None, |last| last.reason),
            response_code: last.map_or(0, |last| last.response_code),
            rtt: seen.rtt.and_then(|rtt| u64::try_from(rtt.value().as_micros()).ok()),
        })
    }

    fn observation(self, clocks: Clocks) -> Observation {
        let passed = if self.reason == FailureReason::None { Passed::Pass } else { Passed::Fail };
        let rtt = self.rtt.map(Duration::from_micros);
        let SavedObservation { reason, response_code, streak, .. } = self;
        Observation {
            state: match self.up {
                true => State::Up { fails: streak, passes: 0 },
                false => State::Down { passes: streak },
            },
            since: clocks.moment(self.since),
            last: Some(Outcome { passed, reason, response_code, rtt }),
            seen: clocks.moment(self.seen.unwrap_or(self.since)),
            restored: true,
            evidence: None,
            rtt: rtt.map(|rtt| Rtt::first(rtt, clocks.monotonic)),
        }
    }
}

/// FNV-1a: finds a torn or edited file; nobody is kept from forging one.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests;
