//! Session affinity: a client's requests stay at the endpoint that its first one went to.
//!
//! Nothing is remembered here. Whoever keeps sessions finds the one of a request, and hears what became of it.

mod settings;

use trimtab_model::Timestamp;
use trimtab_model::balancer::SessionAffinity;

use crate::client::{Client, Failed, Http};
use crate::dice::Dice;
use crate::persistence::Identity;
use crate::pool::Pool;
use crate::settings::Settings;
use crate::why::{EndpointChoice, Notes, Step, Why};
use crate::{Balancer, PoolSlot, World, drain};

pub(crate) use settings::Overrides;
pub use settings::{Affinity, Configured};

/// Who keeps sessions, in cookies or in memory.
pub trait Sessions {
    fn find(&self, affinity: &Affinity<'_>) -> Found;
}

/// What a request says of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No cookie that counts; by headers, none of them or not all that are needed, and then it stays without a session.
    None,
    /// By headers: they are there, and nothing is remembered under them.
    New,
    Held(Held),
}

/// The endpoint that holds a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// [`Pool::hash`].
    pub pool: u64,
    /// [`Endpoint::hash`](crate::Endpoint).
    pub endpoint: u64,
}

/// What became of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Session {
    /// Affinity is off, or by headers that the request does not have.
    None,
    /// There was none: what is chosen begins one.
    New,
    /// It stays where it was.
    Hit,
    /// It stays at an endpoint that is disabled and drains.
    Draining,
    /// Its endpoint serves it no more (down, drained, shed, gone): another one is chosen and takes it over.
    Rebound,
    /// A rule sends this request to pools that it is not at: one is chosen by the client's address, and the session
    /// stays where it is.
    Elsewhere,
}

/// The place of a session among the pools that this request can reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) pool: PoolSlot,
    pub(crate) endpoint: u16,
    /// The request goes there.
    pub(crate) stays: bool,
}

/// What the session of a request means for its choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) session: Session,
    pub(crate) bound: Option<Bound>,
    /// Chosen by the client's address instead of by chance.
    pub(crate) kept: Option<Identity>,
}

const MICROS_PER_SECOND: i64 = 1_000_000;

// === impl Found ===

/// A session that is known beforehand: for tests, replays and explanations.
impl Sessions for Found {
    fn find(&self, _affinity: &Affinity<'_>) -> Found {
        *self
    }
}

// === impl Settled ===

impl Settled {
    pub(crate) const NONE: Settled = Settled { session: Session::None, bound: None, kept: None };

    /// The fallback pool looks at no health, so that a session may have stayed there at an endpoint that is down. It has
    /// if it is there now, or was before the request failed there.
    pub(crate) fn session_after(&self, why: &Why, failed: &[Failed]) -> Session {
        let failed_there = self.bound.is_some_and(|Bound { pool, endpoint, .. }| {
            failed.contains(&Failed { pool, endpoint })
        });
        match self.session {
            Session::Rebound | Session::Elsewhere
                if failed_there || why.endpoints == EndpointChoice::Session =>
            {
                Session::Hit
            }
            session => session,
        }
    }
}

// === impl Session ===

impl Session {
    /// The label `result` of the metric `trimtab_http_affinity_total`.
    pub const fn label(self) -> &'static str {
        match self {
            Session::None => "none",
            Session::New => "new",
            Session::Hit => "hit",
            Session::Draining => "drained",
            Session::Rebound => "rebound",
            Session::Elsewhere => "elsewhere",
        }
    }

    /// Whether the request belongs to a session that was there before, of which pools shed another percentage.
    pub(crate) const fn is_older(self) -> bool {
        match self {
            Session::None | Session::New => false,
            Session::Hit | Session::Draining | Session::Rebound | Session::Elsewhere => true,
        }
    }
}

/// Looks for the session once rules have spoken, and for its place in the world as it is now.
pub(crate) fn settle(
    world: &World,
    balancer: &Balancer,
    (settings, affinity): (&Settings<'_>, &Affinity<'_>),
    (client, http): (&Client<'_>, &Http<'_>),
    dice: &mut Dice,
    notes: &mut impl Notes,
) -> Settled {
    if affinity.kind == SessionAffinity::None {
        return Settled::NONE;
    }
    let kept = (affinity.kind == SessionAffinity::IpCookie).then(|| Identity::of_client(client));
    let new = Settled { session: Session::New, bound: None, kept };
    let settled = match (http.sessions.find(affinity), affinity.kind) {
        (Found::None, SessionAffinity::Header) => Settled::NONE,
        (Found::None | Found::New, _) => new,
        (Found::Held(held), _) => {
            let second_ends = Timestamp::from_micros(
                http.request.timestamp_seconds.saturating_add(1).saturating_mul(MICROS_PER_SECOND),
            );
            let resuming = Resuming { world, settings, affinity, client, kept, second_ends };
            resuming.resume(balancer, held, dice, notes)
        }
    };
    let Settled { session, bound, kept } = settled;
    notes.note(Step::Session { session, at: bound.map(|bound| (bound.pool, bound.endpoint)) });
    if let Some(identity) = kept.filter(|_| !bound.is_some_and(|bound| bound.stays)) {
        notes.note(Step::Known { who: identity.who });
    }
    settled
}

/// What a session that is held is looked up with.
struct Resuming<'a> {
    world: &'a World,
    settings: &'a Settings<'a>,
    affinity: &'a Affinity<'a>,
    client: &'a Client<'a>,
    kept: Option<Identity>,
    /// Requests tell whole seconds of time, and this one came before then.
    second_ends: Timestamp,
}

// === impl Resuming ===

impl Resuming<'_> {
    fn resume(
        &self,
        balancer: &Balancer,
        held: Held,
        dice: &mut Dice,
        notes: &mut impl Notes,
    ) -> Settled {
        let lost = Settled { session: Session::Rebound, bound: None, kept: self.kept };
        let Some(slot) = balancer.slot_of(held.pool) else { return lost };
        let found = self.world.pool(slot).and_then(|pool| Some((pool, pool.find(held.endpoint)?)));
        // No pool has as many endpoints.
        let number = |index| u16::try_from(index).unwrap_or(u16::MAX);
        if !self.settings.send_to(slot, balancer) {
            let bound = found.map(|(_, (_, index))| Bound {
                pool: slot,
                endpoint: number(index),
                stays: false,
            });
            let kept = Some(Identity::of_client(self.client));
            return Settled { session: Session::Elsewhere, bound, kept };
        }
        let Some((pool, (endpoint, index))) = found else { return lost };
        let session = match pool.health.endpoints.get(index) {
            Some(health) if pool.enabled && endpoint.could_serve(health.verdict) => {
                match endpoint.enabled {
                    true => Session::Hit,
                    false if self.drains(endpoint.disabled_at) => Session::Draining,
                    false => Session::Rebound,
                }
            }
            Some(_) | None => Session::Rebound,
        };
        let stays = session != Session::Rebound && !self.is_shed((slot, pool), dice, notes);
        let session = if stays { session } else { Session::Rebound };
        let bound = Some(Bound { pool: slot, endpoint: number(index), stays });
        Settled { session, bound, kept: self.kept }
    }

    /// For `drain_duration` from when it was disabled, and no longer: the second of a request has to be over before the
    /// drain is.
    fn drains(&self, disabled_at: Option<Timestamp>) -> bool {
        disabled_at.is_some_and(|at| self.second_ends <= drain::end(at, self.affinity.drain))
    }

    fn is_shed(
        &self,
        (slot, pool): (PoolSlot, &Pool),
        dice: &mut Dice,
        notes: &mut impl Notes,
    ) -> bool {
        let Some(shedding) = pool.shedding_of_sessions else { return false };
        let sheds = shedding.sheds(self.client, self.kept.as_ref(), dice);
        if sheds {
            notes.note(Step::Shed { pool: slot, shedding });
        }
        sheds
    }
}
