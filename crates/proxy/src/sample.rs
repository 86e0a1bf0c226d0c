//! What a decision on a request was made of, so that it can be made again and explained later.
//!
//! All that a decision reads is copied, header lines and all: rules may read any of them. A sample lives in memory until
//! its decision was made again, and what is written down then has neither header lines nor a query in it.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use hashbrown::HashMap;
use trimtab_expr::HttpRequest;
use trimtab_live::Snapshot;
use trimtab_model::{Moment, Timestamp, Wanted};
use trimtab_steer::pool::Data;
use trimtab_steer::{
    Affinity, Balancer, BalancerSlot, Client, Failed, Found, Http, Load, PoolSlot, Proxied,
    Session, Sessions, Why,
};

use crate::choice::Asking;
use crate::head::RequestHead;

/// One decision on a request, with all that it was made of.
#[derive(Debug)]
pub struct Sample {
    pub snapshot: Arc<Snapshot>,
    pub balancer: BalancerSlot,
    pub now: Moment,
    pub at: Timestamp,
    /// The dice of the decision, and the digits of the request's ray.
    pub dice: u64,
    pub over_tls: bool,
    pub chosen: Chosen,
    of: Copied,
}

/// What came of a decision, to be compared with what comes of it when it is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    why: Why,
    session: Session,
    endpoint: Option<(u16, Data)>,
}

/// What was read of the request, and of what changes while others are served.
#[derive(Debug)]
struct Copied {
    head: RequestHead,
    client: IpAddr,
    /// Seconds of the wall clock.
    wall: u64,
    failed: Box<[Failed]>,
    found: Found,
    open: OpenRequests,
}

/// Requests under way as they were before the decision; pools without any are left out.
#[derive(Debug)]
struct OpenRequests(HashMap<PoolSlot, (u32, Box<[u32]>)>);

/// Listens to what a decision reads that others may change: counts stand still, and the session that is found is noted.
pub(crate) struct Recorder<'a> {
    open: OpenRequests,
    sessions: &'a dyn Sessions,
    found: Cell<Found>,
}

/// Of a head that is copied; few clients send more, and their decisions are not kept.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The header by which a client asks for its decision to be kept.
const ASKS: (&[u8], &[u8]) = (b"x-trimtab-explain", b"1");

/// Whether the request asks for its decision to be kept.
pub(crate) fn asks(head: &RequestHead) -> bool {
    head.fields.iter().any(|(_, name, value)| (name, value) == ASKS)
}

/// Whether there is room for a copy of it.
pub(crate) fn fits(head: &RequestHead) -> bool {
    head.fields.bytes.len() <= HEAD_BYTES_MAX
}

// === impl Sample ===

impl Sample {
    pub fn request(&self) -> HttpRequest<'_> {
        self.of.head.request(self.of.wall)
    }

    /// Who sent the request, with the session, the failures and the counts of then.
    pub fn client<'a>(&'a self, request: &'a HttpRequest<'a>) -> Client<'a> {
        let Copied { head, client, failed, found, open, .. } = &self.of;
        Client {
            name: head.host(),
            address: *client,
            subnet: None,
            wanted: Wanted::Endpoint,
            load: Some(open),
            session: false,
            http: Some(Http { request, sessions: found, failed }),
        }
    }
}

// === impl Chosen ===

impl Chosen {
    pub fn of(proxied: &Proxied<'_>) -> Chosen {
        let pick = proxied.decision.picks.iter().next();
        Chosen {
            why: proxied.decision.why,
            session: proxied.session,
            endpoint: pick.map(|pick| (pick.endpoint, pick.data)),
        }
    }
}

// === impl Recorder ===

impl<'a> Recorder<'a> {
    pub(crate) fn new(
        snapshot: &Snapshot,
        balancer: &Balancer,
        sessions: &'a dyn Sessions,
    ) -> Recorder<'a> {
        let open = OpenRequests::of(snapshot, balancer);
        Recorder { open, sessions, found: Cell::new(Found::None) }
    }

    pub(crate) fn sample(
        self,
        snapshot: &Arc<Snapshot>,
        balancer: BalancerSlot,
        asking: &Asking<'_>,
        proxied: &Proxied<'_>,
    ) -> Sample {
        Sample {
            snapshot: Arc::clone(snapshot),
            balancer,
            now: asking.now,
            at: wall_clock(),
            dice: asking.dice,
            over_tls: asking.over_tls,
            chosen: Chosen::of(proxied),
            of: Copied {
                head: asking.head.clone(),
                client: asking.client,
                wall: asking.wall,
                failed: asking.failed.into(),
                found: self.found.get(),
                open: self.open,
            },
        }
    }
}

impl Sessions for Recorder<'_> {
    fn find(&self, affinity: &Affinity<'_>) -> Found {
        let found = self.sessions.find(affinity);
        self.found.set(found);
        found
    }
}

impl Load for Recorder<'_> {
    fn pool(&self, pool: PoolSlot) -> u32 {
        self.open.pool(pool)
    }

    fn endpoint(&self, pool: PoolSlot, endpoint: u16) -> u32 {
        self.open.endpoint(pool, endpoint)
    }
}

// === impl OpenRequests ===

impl OpenRequests {
    fn of(snapshot: &Snapshot, balancer: &Balancer) -> OpenRequests {
        let loads = &*snapshot.loads;
        let counts = |slot: PoolSlot| {
            let endpoints = 0..u16::try_from(loads.pool(slot)?.endpoints.len()).ok()?;
            let pool = Load::pool(loads, slot);
            let of = |endpoint| Load::endpoint(loads, slot, endpoint);
            (pool > 0).then(|| (slot, (pool, endpoints.map(of).collect())))
        };
        OpenRequests(balancer.pools.iter().filter_map(|&slot| counts(slot)).collect())
    }
}

impl Load for OpenRequests {
    fn pool(&self, pool: PoolSlot) -> u32 {
        self.0.get(&pool).map_or(0, |(open, _)| *open)
    }

    fn endpoint(&self, pool: PoolSlot, endpoint: u16) -> u32 {
        let endpoints = self.0.get(&pool).map_or(&[][..], |(_, endpoints)| endpoints);
        endpoints.get(usize::from(endpoint)).copied().unwrap_or(0)
    }
}

/// A clock before 1970 is set wrong.
fn wall_clock() -> Timestamp {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
