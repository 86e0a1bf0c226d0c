//! What a decision was made of, so that it can be made again.

use std::net::{IpAddr, SocketAddr};

use trimtab_model::Moment;
use trimtab_steer::{BalancerSlot, Client, Subnet, Wanted};

use super::{Scratch, TCP_BYTES_MAX, Transport, View, respond};
use crate::name::Folded;

/// One question to a balancer; with the world, the time and the dice of then it leads to the same decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub balancer: BalancerSlot,
    /// The name that led to the balancer, behind any CNAME, in lower case and with its last dot.
    pub name: Box<[u8]>,
    pub resolver: IpAddr,
    pub subnet: Option<Subnet>,
    pub wanted: Wanted,
}

// === impl Recorded ===

impl Recorded {
    pub(super) fn new(balancer: BalancerSlot, client: &Client<'_>, name: &Folded) -> Recorded {
        Recorded {
            balancer,
            name: name.presentation().as_slice().into(),
            resolver: client.address,
            subnet: client.subnet,
            wanted: client.wanted,
        }
    }

    pub fn client(&self) -> Client<'_> {
        let Recorded { name, resolver, subnet, wanted, .. } = self;
        Client {
            name,
            address: *resolver,
            subnet: *subnet,
            wanted: *wanted,
            load: None,
            session: false,
            http: None,
        }
    }
}

/// Answers the query once more and gives the answer with what its decision was made of; None when no balancer decided.
pub fn record(
    query: &[u8],
    from: SocketAddr,
    via: Transport,
    view: &View<'_>,
    now: Moment,
    dice: u64,
) -> Option<(Recorded, Vec<u8>)> {
    let (mut scratch, mut recorded) = (Scratch::new(), None);
    let mut out = vec![0; TCP_BYTES_MAX];
    let record = Some(&mut recorded);
    let outcome = respond(query, from, via, view, now, dice, &mut scratch, &mut out, record);
    out.truncate(outcome.reply_len());
    Some((recorded?, out))
}
