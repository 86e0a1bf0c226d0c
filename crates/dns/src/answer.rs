//! One query, from its bytes to the bytes of its answer: every branch that a query can take.

mod recorded;
mod trail;
mod walk;
mod why;

use std::net::SocketAddr;

use arrayvec::ArrayVec;
use trimtab_model::Moment;
use trimtab_steer::World;

use crate::chaos::CLASS_CHAOS;
use crate::edns::{Edns, Extra};
use crate::facts::{DropReason, Facts, Outcome, Rcode};
use crate::name::Folded;
use crate::node::{Node, UDP_PAYLOAD_MIN};
use crate::query::{Header, Question};
use crate::reply::{Full, Place, Reply};
use crate::zone::{CLASS_IN, Found, TXT};
use crate::zones::Zones;
use trail::look_up;
use walk::{Next, Walk};

pub use recorded::{Recorded, record};
pub use trail::{End, Hop, Trail, trail};
pub use walk::PROXIED_TTL;

/// Everything an answer reads, all of one moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub zones: &'a Zones,
    pub world: &'a World,
    pub node: &'a Node,
}

/// How the query came, and so how long its answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Udp,
    /// And all streams that frame messages like it: TLS, HTTPS.
    Tcp,
}

/// Working memory, so that a query allocates nothing: one for each thread.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// The name that is looked up: the question's, then each CNAME's target.
    name: Folded,
    /// The name server that glue is looked up for.
    server: Folded,
}

/// CNAMEs in one answer; a longer chain is cut, and the resolver asks on.
const CHAIN_MAX: usize = 8;
/// RFC 1035 section 4.2.2: a TCP message has 16 bits of length.
const TCP_BYTES_MAX: usize = 65_535;

// Types that are questions only (RFC 6895 section 3.1).
const OPT: u16 = 41;
const NXNAME: u16 = 128;
const TKEY: u16 = 249;
const TSIG: u16 = 250;
const IXFR: u16 = 251;
const AXFR: u16 = 252;
const MAILB: u16 = 253;
const MAILA: u16 = 254;

/// Answers one query from one moment's zones, balancers and health.
///
/// `from` is who asks; `dice` is one random number for this query alone. `out` should have room for 1232 bytes
/// over UDP and 65,535 over TCP; the reply is never longer than it.
#[expect(
    clippy::too_many_arguments,
    reason = "each comes from elsewhere: socket, thread, snapshot"
)]
#[inline]
pub fn answer(
    query: &[u8],
    from: SocketAddr,
    via: Transport,
    view: &View<'_>,
    now: Moment,
    dice: u64,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Outcome {
    respond(query, from, via, view, now, dice, scratch, out, None)
}

#[expect(clippy::too_many_arguments, reason = "those of `answer` and one more")]
fn respond<'a>(
    query: &'a [u8],
    from: SocketAddr,
    via: Transport,
    view: &'a View<'a>,
    now: Moment,
    dice: u64,
    scratch: &'a mut Scratch,
    out: &mut [u8],
    record: Option<&'a mut Option<Recorded>>,
) -> Outcome {
    let header = match Header::read(query) {
        Ok(header) => header,
        Err(reason) => return Outcome::Drop(reason),
    };
    let Some(mut reply) = Reply::new(out) else { return Outcome::Drop(DropReason::NoRoom) };
    if !header.is_query() {
        return without_question(reply, &header, Rcode::NotImp);
    }
    // RFC 9619 section 4: exactly one question.
    if header.questions != 1 {
        return without_question(reply, &header, Rcode::FormErr);
    }
    let Some(question) = Question::read(query, &mut scratch.name) else {
        return without_question(reply, &header, Rcode::FormErr);
    };
    let mut extra = Extra::read(&header, question.rest);
    if let Some(edns) = extra.edns.as_mut().filter(|edns| edns.asks_trace) {
        edns.asks_trace = view.node.explains_to(from.ip());
    }
    let edns = extra.edns.as_ref();
    let opt = edns.map_or(0, |edns| edns.reply_len(view.node));
    if reply.question(question.wire, limit(via, edns, view.node), opt).is_err() {
        return Outcome::Drop(DropReason::NoRoom);
    }
    let Question { qtype, qclass, .. } = question;
    let facts = Facts {
        qtype: Some(qtype),
        subnet: edns.is_some_and(|edns| edns.subnet.is_some()),
        ..Facts::default()
    };
    let mut walk = Walk {
        view,
        qtype,
        from: from.ip(),
        edns,
        now,
        dice,
        scratch,
        reply,
        facts,
        scope: 0,
        record,
    };
    let resolved = match extra.fault.or_else(|| refusal(qtype)) {
        Some(rcode) => Ok(rcode),
        None => match qclass {
            CLASS_IN => resolve(&mut walk),
            CLASS_CHAOS => walk.tell_of_the_node(),
            _ => Ok(Rcode::Refused),
        },
    };
    walk.finish(&header, resolved)
}

/// Follows the name through the zones of this node (RFC 1034 section 4.3.2).
fn resolve(walk: &mut Walk<'_, '_>) -> Result<Rcode, Full> {
    if walk.qtype == TXT && walk.asks_why() {
        return walk.tell_why();
    }
    let zones = walk.view.zones;
    let mut owner = Place::QUESTION;
    let mut owners = ArrayVec::<Place, CHAIN_MAX>::new();
    loop {
        let Some(zone) = zones.find(&walk.scratch.name, walk.qtype) else {
            // A chain that leaves our zones is the resolver's to follow.
            return Ok(if owners.is_empty() { Rcode::Refused } else { Rcode::NoError });
        };
        walk.facts.zone.get_or_insert(zone.id());
        let found = look_up(zone, walk.view.world, &walk.scratch.name, walk.qtype);
        // AA is about the first owner (RFC 1035 section 4.1.1); what is delegated is not ours.
        walk.reply.authoritative |= !matches!(found, Found::Referral { .. });
        let alias = match found {
            Found::Records(set) => return walk.records(owner, &set),
            Found::Balanced(slot) => match walk.steered(owner, slot, zone)? {
                Next::Done(rcode) => return Ok(rcode),
                Next::Follow(target) => Some(target),
            },
            Found::Anything => return walk.anything(owner),
            Found::Referral { servers, labels } => {
                return walk.refer(owner, &servers, labels, zone);
            }
            Found::NoData => return walk.deny(owner, zone, Rcode::NoError),
            // Behind a CNAME the code is that of the last name (RFC 6604 section 3).
            Found::NoName => return walk.deny(owner, zone, Rcode::NxDomain),
            Found::Alias(alias) => walk.alias(owner, &alias)?,
        };
        owners.push(owner);
        let Some(target) = alias.filter(|_| !owners.is_full() && !walk.is_any_of(&owners)) else {
            return Ok(Rcode::NoError);
        };
        owner = target;
    }
}

/// RFC 1035 section 4.2.1: 512 bytes, unless the client takes more (RFC 6891 section 6.2.5).
fn limit(via: Transport, edns: Option<&Edns<'_>>, node: &Node) -> usize {
    match (via, edns) {
        (Transport::Tcp, _) => TCP_BYTES_MAX,
        (Transport::Udp, Some(edns)) => edns.payload.min(node.udp_payload_max()).into(),
        (Transport::Udp, None) => UDP_PAYLOAD_MIN.into(),
    }
}

/// What no zone can answer: transfers need a key, and nobody has one; types that mean something only inside
/// a message are no question (RFC 9824 section 3.5 for NXNAME).
fn refusal(qtype: u16) -> Option<Rcode> {
    match qtype {
        OPT | NXNAME => Some(Rcode::FormErr),
        TKEY | TSIG | IXFR | AXFR | MAILB | MAILA => Some(Rcode::Refused),
        _ => None,
    }
}

/// A header alone: behind an unknown opcode or a broken question nothing can be trusted to be an OPT record.
fn without_question(reply: Reply<'_>, header: &Header, rcode: Rcode) -> Outcome {
    let facts = Facts { rcode, ..Facts::default() };
    Outcome::Reply { len: reply.finish_bare(header, rcode), facts }
}

// === impl Scratch ===

impl Scratch {
    pub fn new() -> Scratch {
        Scratch { name: Folded::root(), server: Folded::root() }
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}
