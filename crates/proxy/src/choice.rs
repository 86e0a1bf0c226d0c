//! From a request to the endpoint that gets it: the one place where this crate asks for a decision.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use trimtab_live::{OpenRequest, Place, Snapshot};
use trimtab_model::balancer::{FixedResponse, SessionAffinity, ZeroDowntimeFailover};
use trimtab_model::{BalancerId, Country, Moment, Wanted};
use trimtab_steer::{
    Balancer, Client, Endpoint, Failed, Held, Http, Load, Pool, PoolSlot, Proxied, Session,
    Sessions, Why, decide_request,
};

use crate::cookie;
use crate::head::RequestHead;
use crate::sample::{Recorder, Sample};
use crate::sessions::{OfRequest, Table};
use crate::tally::EndpointKey;

/// What to do with a request.
#[derive(Debug)]
pub(crate) enum Choice {
    /// No balancer has this host.
    Unknown,
    /// A rule answers.
    Fixed(BalancerId, Why, Box<FixedResponse>),
    Send(Box<Target>),
    /// The balancer has nothing to offer.
    Nowhere(BalancerId, Why),
}

/// Where a request goes, and what its answer must say.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) balancer: BalancerId,
    pub(crate) pool: Arc<Pool>,
    pub(crate) slot: PoolSlot,
    pub(crate) endpoint: u16,
    pub(crate) address: SocketAddr,
    pub(crate) session: Session,
    pub(crate) failover: ZeroDowntimeFailover,
    /// Affinity is on, whatever became of this request's session.
    pub(crate) has_affinity: bool,
    pub(crate) bind: Option<Bind>,
    pub(crate) why: Why,
    pub(crate) country: Option<Country>,
    /// Counted as under way until this is dropped.
    pub(crate) open: Option<OpenRequest>,
    /// Of those that the endpoint has, where they are limited.
    pub(crate) place: Option<Place>,
}

/// A session to be kept once the endpoint has answered.
#[derive(Clone, Debug)]
pub(crate) enum Bind {
    /// The field that the client is sent.
    Cookie(Bytes),
    Header {
        key: u64,
        held: Held,
        idle_seconds: u32,
    },
}

/// What a decision needs beside the request itself.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) head: &'a RequestHead,
    pub(crate) client: IpAddr,
    pub(crate) failed: &'a [Failed],
    pub(crate) dice: u64,
    pub(crate) now: Moment,
    /// Seconds of the wall clock.
    pub(crate) wall: u64,
    pub(crate) keys: &'a cookie::Keys,
    /// Of its connection.
    pub(crate) opened: &'a cookie::Opened,
    pub(crate) table: &'a Table,
    pub(crate) over_tls: bool,
    /// The decision is to be kept.
    pub(crate) sampled: bool,
}

/// With what the decision was made of, if it is to be kept.
pub(crate) fn choose(snapshot: &Arc<Snapshot>, asking: &Asking<'_>) -> (Choice, Option<Sample>) {
    let Some(slot) = snapshot.routes.find(asking.head.host()) else {
        return (Choice::Unknown, None);
    };
    let Some(balancer) = snapshot.world.balancer(slot) else { return (Choice::Unknown, None) };
    let request = asking.head.request(asking.wall);
    let sessions = OfRequest {
        head: asking.head,
        balancer: balancer.id,
        keys: asking.keys,
        opened: asking.opened,
        table: asking.table,
        now: asking.wall,
    };
    let recorder = asking.sampled.then(|| Recorder::new(snapshot, balancer, &sessions));
    let (load, sessions): (&dyn Load, &dyn Sessions) = match &recorder {
        Some(recorder) => (recorder, recorder),
        None => (&*snapshot.loads, &sessions),
    };
    let client = Client {
        name: asking.head.host(),
        address: asking.client,
        subnet: None,
        wanted: Wanted::Endpoint,
        load: Some(load),
        session: false,
        http: Some(Http { request: &request, sessions, failed: asking.failed }),
    };
    let proxied = decide_request(&snapshot.world, balancer, &client, asking.now, asking.dice);
    let sample = recorder.map(|recorder| recorder.sample(snapshot, slot, asking, &proxied));
    if let Some(fixed) = proxied.fixed {
        return (Choice::Fixed(balancer.id, proxied.decision.why, Box::new(fixed.clone())), sample);
    }
    match target(snapshot, balancer, &proxied, asking) {
        Some(target) => (Choice::Send(Box::new(target)), sample),
        None => (Choice::Nowhere(balancer.id, proxied.decision.why), sample),
    }
}

// === impl Choice ===

impl Choice {
    pub(crate) fn why(&self) -> Option<Why> {
        match self {
            Choice::Unknown => None,
            Choice::Fixed(_, why, _) | Choice::Nowhere(_, why) => Some(*why),
            Choice::Send(target) => Some(target.why),
        }
    }
}

fn target(
    snapshot: &Snapshot,
    of: &Balancer,
    proxied: &Proxied<'_>,
    asking: &Asking<'_>,
) -> Option<Target> {
    let decision = &proxied.decision;
    let pick = decision.picks.iter().next()?;
    let slot = decision.why.pool?;
    let pool = snapshot.world.pool(slot)?;
    let endpoint = pool.endpoints.get(usize::from(pick.endpoint))?;
    let affinity = &proxied.affinity;
    let held = Held { pool: pool.hash, endpoint: endpoint.hash };
    Some(Target {
        balancer: of.id,
        slot,
        endpoint: pick.endpoint,
        address: SocketAddr::new(pick.data.address()?, pool.port_of(endpoint)),
        session: proxied.session,
        failover: affinity.failover,
        has_affinity: affinity.kind != SessionAffinity::None,
        bind: bind(of.id, proxied, held, asking),
        why: decision.why,
        country: snapshot.world.geo.locate(asking.client).place.country,
        open: snapshot.loads.open(slot, pick.endpoint),
        place: None,
        pool: Arc::clone(pool),
    })
}

/// The binding that the answer brings with it: of a session that begins or moves; one that stays has its own. By
/// headers every request is one, because silence ends such a session.
fn bind(
    balancer: BalancerId,
    proxied: &Proxied<'_>,
    held: Held,
    asking: &Asking<'_>,
) -> Option<Bind> {
    let affinity = &proxied.affinity;
    let moves = !asking.failed.is_empty() && affinity.failover == ZeroDowntimeFailover::Sticky;
    let stays = matches!(proxied.session, Session::Hit | Session::Draining) && !moves;
    match (affinity.kind, proxied.session) {
        (SessionAffinity::None, _) | (_, Session::None | Session::Elsewhere) => None,
        (SessionAffinity::Header, _) if asking.failed.is_empty() => {
            let key = asking.table.key(asking.head, balancer, affinity)?;
            Some(Bind::Header { key, held, idle_seconds: affinity.ttl })
        }
        // Its session stays where it was: moving with a failover is for cookies.
        (SessionAffinity::Header, _) => None,
        (SessionAffinity::Cookie | SessionAffinity::IpCookie, _) if stays => None,
        (SessionAffinity::Cookie | SessionAffinity::IpCookie, _) => {
            let binding = cookie::Binding {
                balancer,
                held,
                max_age: affinity.ttl,
                same_site: affinity.samesite,
                secure: affinity.secure,
                over_tls: asking.over_tls,
            };
            asking.keys.field(binding, asking.wall).map(Bind::Cookie)
        }
    }
}

// === impl Target ===

impl Target {
    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        self.pool.endpoints.get(usize::from(self.endpoint))
    }

    /// By which it is counted.
    pub(crate) fn key(&self) -> EndpointKey {
        let endpoint = self.endpoint().map_or(0, |endpoint| endpoint.hash);
        EndpointKey { pool: self.pool.hash, endpoint, index: self.endpoint }
    }

    pub(crate) fn failed(&self) -> Failed {
        Failed { pool: self.slot, endpoint: self.endpoint }
    }

    /// One retry elsewhere: always without affinity, else as the balancer says.
    pub(crate) fn may_fail_over(&self) -> bool {
        !self.has_affinity || self.failover != ZeroDowntimeFailover::None
    }
}
