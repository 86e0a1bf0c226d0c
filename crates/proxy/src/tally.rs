//! What one thread has counted, and the sum over all of them.

mod known;

use std::time::Duration;

use hashbrown::HashMap;
use trimtab_model::BalancerId;
use trimtab_model::balancer::SteeringPolicy;
use trimtab_steer::Session;
use trimtab_steer::why::PoolChoice;

use crate::fault::Fault;
use crate::refusal::Refusal;

pub use self::known::Known;

/// Upper bounds of durations, in microseconds; the last bucket has none.
pub const BOUNDS_MICROS: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    30_000_000,
];

/// Counts of requests, by what they were and what became of them.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub requests: HashMap<RequestKey, u64, foldhash::fast::RandomState>,
    /// Whole requests, by balancer.
    pub durations: HashMap<BalancerId, Durations, foldhash::fast::RandomState>,
    /// From the request's last byte to the response's first, by endpoint.
    pub upstream: HashMap<EndpointKey, Durations, foldhash::fast::RandomState>,
    pub faults: HashMap<(EndpointKey, &'static str), u64, foldhash::fast::RandomState>,
    pub retries: HashMap<(BalancerId, &'static str), u64, foldhash::fast::RandomState>,
    pub sessions: HashMap<(BalancerId, Session), u64, foldhash::fast::RandomState>,
    pub refused: HashMap<&'static str, u64, foldhash::fast::RandomState>,
    /// Requests for hosts that no balancer has.
    pub unknown_hosts: u64,
    /// Connections and requests turned away because the node is full, or short of memory.
    pub shed: u64,
    /// Connections to origins that wait for a request.
    pub idle: usize,
    pub connections: u64,
    /// Endpoints that failed requests, of which nobody had room to hear.
    pub signals_dropped: u64,
    /// Lines of the access log that nobody had room for.
    pub log_dropped: u64,
    /// The node is short of memory.
    pub is_overloaded: bool,
}

/// An endpoint, whatever becomes of the configuration: slots and places in lists are given to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointKey {
    /// [`Pool::hash`](trimtab_steer::Pool::hash).
    pub pool: u64,
    /// [`Endpoint::hash`](trimtab_steer::Endpoint::hash), which those at one address share.
    pub endpoint: u64,
    /// Its place in the list, which tells these apart.
    pub index: u16,
}

/// What requests are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    pub balancer: BalancerId,
    /// [`Pool::hash`](trimtab_steer::Pool::hash).
    pub pool: Option<u64>,
    pub class: Class,
    pub method: Method,
    /// Of the decision.
    pub policy: SteeringPolicy,
    pub chosen: PoolChoice,
}

/// Hundreds of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

/// Methods that metrics tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Other,
}

/// A histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Not cumulative.
    pub buckets: [u64; BOUNDS_MICROS.len() + 1],
    pub sum_micros: u64,
}

// === impl Tally ===

impl Tally {
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        *self.refused.entry(refusal.label()).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, endpoint: EndpointKey, fault: Fault) {
        *self.faults.entry((endpoint, fault.label())).or_default() += 1;
    }

    pub(crate) fn retry(&mut self, balancer: BalancerId, fault: Fault) {
        *self.retries.entry((balancer, fault.label())).or_default() += 1;
    }

    pub(crate) fn session(&mut self, balancer: BalancerId, session: Session) {
        if session != Session::None {
            *self.sessions.entry((balancer, session)).or_default() += 1;
        }
    }

    /// Forgets what is no more, which nothing names any longer.
    pub(crate) fn retain(&mut self, known: &Known<'_>) {
        let balancer = |id| known.balancer(id).is_some();
        let endpoint = |key| known.endpoint(key).is_some();
        self.requests.retain(|key, _| balancer(key.balancer));
        self.durations.retain(|id, _| balancer(*id));
        self.upstream.retain(|key, _| endpoint(*key));
        self.faults.retain(|(key, _), _| endpoint(*key));
        self.retries.retain(|(id, _), _| balancer(*id));
        self.sessions.retain(|(id, _), _| balancer(*id));
    }

    /// Adds what another thread counted.
    pub fn add(&mut self, other: &Tally) {
        add_all(&mut self.requests, &other.requests);
        add_all(&mut self.faults, &other.faults);
        add_all(&mut self.retries, &other.retries);
        add_all(&mut self.sessions, &other.sessions);
        add_all(&mut self.refused, &other.refused);
        for (key, durations) in &other.durations {
            self.durations.entry(*key).or_default().merge(durations);
        }
        for (key, durations) in &other.upstream {
            self.upstream.entry(*key).or_default().merge(durations);
        }
        self.unknown_hosts += other.unknown_hosts;
        self.shed += other.shed;
        self.idle += other.idle;
        self.connections += other.connections;
        self.signals_dropped += other.signals_dropped;
    }
}

type Counts<Key> = HashMap<Key, u64, foldhash::fast::RandomState>;

fn add_all<Key: Copy + Eq + std::hash::Hash>(to: &mut Counts<Key>, from: &Counts<Key>) {
    for (key, count) in from {
        *to.entry(*key).or_default() += count;
    }
}

// === impl Durations ===

impl Durations {
    pub(crate) fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.sum_micros = self.sum_micros.saturating_add(micros);
    }

    pub fn merge(&mut self, other: &Durations) {
        for (count, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.sum_micros = self.sum_micros.saturating_add(other.sum_micros);
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

// === impl Method ===

impl Method {
    pub(crate) fn of(method: &[u8]) -> Method {
        match method {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"PATCH" => Method::Patch,
            b"DELETE" => Method::Delete,
            b"OPTIONS" => Method::Options,
            _ => Method::Other,
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Other => "other",
        }
    }
}
