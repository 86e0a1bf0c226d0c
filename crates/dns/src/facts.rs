//! What became of a query, for those who count.

use trimtab_model::ZoneId;
use trimtab_steer::{BalancerSlot, Decision, Why, World};

/// The end of one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The first `len` bytes of the output are the answer.
    Reply { len: usize, facts: Facts },
    /// Nothing is sent.
    Drop(DropReason),
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Too short for a header (RFC 1035 section 4.1.1): there is no id to answer with.
    NoHeader,
    /// An answer to an answer could go on for ever.
    IsResponse,
    /// The caller's buffer does not even hold the question.
    NoRoom,
}

/// What is counted of a reply.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Facts {
    pub rcode: Rcode,
    /// None when the question could not be read.
    pub qtype: Option<u16>,
    /// The query carried a client subnet (RFC 7871).
    pub subnet: bool,
    pub truncated: bool,
    /// The zone that the question's name is in.
    pub zone: Option<ZoneId>,
    pub steered: Option<Steered>,
    /// The answer carries its trace id, so its decision is wanted later.
    pub traced: bool,
}

/// The decision that the addresses came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steered {
    pub balancer: BalancerSlot,
    /// The number of the balancer's [`Epoch`](trimtab_steer::Epoch).
    pub epoch: u32,
    /// Of the endpoints that were picked, the one that comes first: its index in the pool.
    pub first: Option<u16>,
    pub why: Why,
}

// === impl Outcome ===

impl Outcome {
    /// Bytes of the reply.
    pub fn reply_len(&self) -> usize {
        match self {
            Outcome::Reply { len, .. } => *len,
            Outcome::Drop(_) => 0,
        }
    }
}

// === impl Steered ===

impl Steered {
    #[inline]
    pub(crate) fn by(world: &World, balancer: BalancerSlot, decision: &Decision<'_>) -> Steered {
        let first = decision.picks.iter().next().map(|pick| pick.endpoint);
        Steered { balancer, epoch: world.epoch(balancer).number, first, why: decision.why }
    }
}

/// The response codes that this server gives (IANA registry "DNS RCODEs").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rcode {
    #[default]
    NoError,
    FormErr,
    NxDomain,
    NotImp,
    Refused,
    /// Needs the OPT record: its upper bits are there (RFC 6891 section 6.1.3).
    BadVers,
}

// === impl Rcode ===

impl Rcode {
    pub const ALL: [Rcode; 6] = [
        Rcode::NoError,
        Rcode::FormErr,
        Rcode::NxDomain,
        Rcode::NotImp,
        Rcode::Refused,
        Rcode::BadVers,
    ];

    /// As tools print it.
    pub const fn word(self) -> &'static str {
        match self {
            Rcode::NoError => "NOERROR",
            Rcode::FormErr => "FORMERR",
            Rcode::NxDomain => "NXDOMAIN",
            Rcode::NotImp => "NOTIMP",
            Rcode::Refused => "REFUSED",
            Rcode::BadVers => "BADVERS",
        }
    }

    /// The four bits of the header.
    pub(crate) const fn low(self) -> u16 {
        match self {
            Rcode::NoError | Rcode::BadVers => 0,
            Rcode::FormErr => 1,
            Rcode::NxDomain => 3,
            Rcode::NotImp => 4,
            Rcode::Refused => 5,
        }
    }

    /// The eight bits of the OPT record.
    pub(crate) const fn high(self) -> u8 {
        match self {
            Rcode::BadVers => 1,
            Rcode::NoError | Rcode::FormErr | Rcode::NxDomain | Rcode::NotImp | Rcode::Refused => 0,
        }
    }
}
