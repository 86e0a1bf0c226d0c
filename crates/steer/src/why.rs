//! The reason of a decision: a few words for every answer, every step for those who ask.

use std::time::Duration;

use trimtab_model::balancer::SteeringPolicy;

use crate::PoolSlot;
use crate::affinity::Session;
use crate::balancer::GeoMatch;
use crate::client::{Failed, LocationSource};
use crate::persistence::Who;
use crate::pool::{Data, Usable};
use crate::rules::RuleRef;
use crate::shedding::Shedding;

/// Why this answer. Small and without text, because every answer carries one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why {
    pub policy: SteeringPolicy,
    pub location: LocationSource,
    /// The list that geo steering used.
    pub geo: Option<GeoMatch>,
    pub pool: Option<PoolSlot>,
    pub chosen: PoolChoice,
    pub endpoints: EndpointChoice,
    /// The last pool set or rule that held.
    pub rule: Option<RuleRef>,
}

/// How the pool was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolChoice {
    /// The first usable one of its list.
    FirstUsable,
    /// By chance, in proportion to its weight.
    Drawn,
    /// The one that this client had before, in proportion to weight among clients.
    Kept,
    /// The one that the request's session is at.
    Session,
    /// Where the request failed before, at another endpoint.
    Failover,
    Nearest,
    /// The one that answers probes soonest.
    Fastest,
    /// A rule answers by itself, without any pool.
    FixedResponse,
    /// No candidate was usable: the fallback pool, whatever its health.
    Fallback,
    /// No candidate was usable and the fallback pool is disabled.
    Nothing,
}

/// How the endpoints of the pool were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointChoice {
    /// All of them, in random order.
    All,
    /// More than an answer holds: some by chance.
    Sample,
    /// One by chance, in proportion to its weight.
    Drawn,
    /// One by the client's address.
    Hashed,
    /// The one that this client had before.
    Kept,
    /// The one that holds the request's session.
    Session,
    /// One by chance, in proportion to what open requests leave of its weight.
    LeastLoaded,
    /// The pool has none of the family asked for.
    NoneOfFamily,
    /// No pool, no endpoint.
    NoPool,
}

/// One step of a decision, told while it is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Ruled {
        by: RuleRef,
        holds: bool,
    },
    /// Who asks counts as this client.
    Known {
        who: Who,
    },
    /// What became of the session, and the endpoint that it is at, if that is among those the request can reach.
    Session {
        session: Session,
        at: Option<(PoolSlot, u16)>,
    },
    /// The request was there, in vain.
    Failover {
        from: Failed,
    },
    Located {
        source: LocationSource,
        place: trimtab_geo::Place,
        scope: u8,
    },
    Listed {
        by: GeoMatch,
    },
    PassedOver {
        pool: PoolSlot,
        because: Usable,
    },
    Weighed {
        pool: PoolSlot,
        weight: u8,
        /// Requests under way there.
        open: u32,
    },
    Measured {
        pool: PoolSlot,
        km: Option<f64>,
        stretched_km: f64,
    },
    Timed {
        pool: PoolSlot,
        rtt: Option<Duration>,
        by: TimedBy,
    },
    /// This pool is why latencies do not decide.
    Unmeasured {
        pool: PoolSlot,
    },
    Shed {
        pool: PoolSlot,
        shedding: Shedding,
    },
    Drew {
        draw: u32,
        of: u32,
    },
    Chose {
        pool: PoolSlot,
        how: PoolChoice,
    },
    FallbackDisabled {
        pool: PoolSlot,
    },
    /// It came up a while ago, and is drawn with less than its weight; hundredths.
    Rising {
        pool: PoolSlot,
        endpoint: u16,
        weight: u8,
        full: u8,
    },
    Answered {
        pool: PoolSlot,
        endpoint: u16,
        data: Data,
    },
    Endpoints {
        how: EndpointChoice,
        eligible: usize,
    },
    Bounded {
        ttl: u32,
        configured: u32,
    },
}

/// Where a latency was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimedBy {
    /// The table of latencies that the operator loaded.
    Table,
    /// Probes from this place, or its region.
    Probes,
}

/// Who listens to the steps. A decision made for nobody's eyes pays nothing for them.
pub trait Notes {
    /// Whether anybody does: what is only told need not be found out for nobody.
    fn listens(&self) -> bool;

    fn note(&mut self, step: Step);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

/// Every step, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps(pub Vec<Step>);

// === impl Step ===

impl Step {
    /// The pool that the step is about.
    pub fn pool(&self) -> Option<PoolSlot> {
        match *self {
            Step::PassedOver { pool, .. }
            | Step::Weighed { pool, .. }
            | Step::Measured { pool, .. }
            | Step::Timed { pool, .. }
            | Step::Unmeasured { pool }
            | Step::Shed { pool, .. }
            | Step::Chose { pool, .. }
            | Step::FallbackDisabled { pool }
            | Step::Failover { from: Failed { pool, .. } }
            | Step::Session { at: Some((pool, _)), .. }
            | Step::Rising { pool, .. }
            | Step::Answered { pool, .. } => Some(pool),
            Step::Ruled { .. }
            | Step::Session { at: None, .. }
            | Step::Known { .. }
            | Step::Located { .. }
            | Step::Listed { .. }
            | Step::Drew { .. }
            | Step::Endpoints { .. }
            | Step::Bounded { .. } => None,
        }
    }

    /// What kind of step it is, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Step::Ruled { .. } => "rule",
            Step::Known { .. } => "persistence",
            Step::Session { .. } => "session",
            Step::Failover { .. } => "failover",
            Step::Located { .. } => "location",
            Step::Listed { .. } => "geo_list",
            Step::PassedOver { .. } => "candidate_out",
            Step::Weighed { .. } => "weight",
            Step::Measured { .. } => "distance",
            Step::Timed { .. } | Step::Unmeasured { .. } => "latency",
            Step::Shed { .. } => "load_shedding",
            Step::Drew { .. } => "draw",
            Step::Chose { .. } => "pool",
            Step::FallbackDisabled { .. } => "fallback",
            Step::Endpoints { .. } => "endpoints",
            Step::Rising { .. } => "slow_start",
            Step::Answered { .. } => "answer",
            Step::Bounded { .. } => "ttl",
        }
    }
}

// === impl Notes ===

impl Notes for Silent {
    #[inline(always)]
    fn listens(&self) -> bool {
        false
    }

    #[inline(always)]
    fn note(&mut self, _step: Step) {}
}

impl Notes for Steps {
    fn listens(&self) -> bool {
        true
    }

    fn note(&mut self, step: Step) {
        self.0.push(step);
    }
}

// === impl EndpointChoice ===

impl EndpointChoice {
    /// By chance, in proportion to something.
    pub const fn draws(self) -> bool {
        matches!(self, EndpointChoice::Drawn | EndpointChoice::LeastLoaded)
    }
}

// === impl PoolChoice ===

impl PoolChoice {
    /// The label `reason` of the metric `trimtab_lb_decisions_total`.
    pub const fn label(self) -> &'static str {
        match self {
            PoolChoice::FirstUsable
            | PoolChoice::Drawn
            | PoolChoice::Kept
            | PoolChoice::Nearest
            | PoolChoice::Fastest => "steered",
            PoolChoice::Session => "session",
            PoolChoice::Failover => "failover",
            PoolChoice::FixedResponse => "fixed_response",
            PoolChoice::Fallback => "fallback",
            PoolChoice::Nothing => "no_health",
        }
    }
}
