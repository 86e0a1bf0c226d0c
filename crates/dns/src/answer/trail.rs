//! Where a question leads, without an answer being made: what whoever explains a name asks first.

use trimtab_model::{Name, ZoneId};
use trimtab_steer::{BalancerSlot, Wanted, World};

use super::CHAIN_MAX;
use crate::name::{Folded, to_wire};
use crate::zone::{A, AAAA, Found, MX, SRV, Zone};
use crate::zones::Zones;

/// The names that a question is led along, and what answers at the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The question's name, then the target of each CNAME record.
    pub hops: Vec<Hop>,
    pub end: End,
}

/// One name on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// As people write it, in lower case and without its last dot.
    pub name: String,
    /// None when no zone of this node has the name.
    pub zone: Option<ZoneId>,
}

/// What answers in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Balancer(BalancerSlot),
    /// Records of the name, or of a wildcard that stands for it.
    Records,
    /// The servers that this name is delegated to.
    Delegated(String),
    /// The name exists, and nothing of that type does.
    NoData,
    NoName,
    /// No zone of this node has the last name.
    Elsewhere,
    /// More aliases than one answer holds, or in a circle.
    Endless,
}

/// Follows the name as an answer does.
pub fn trail(zones: &Zones, world: &World, name: &Name, wanted: Wanted) -> Trail {
    let qtype = match wanted {
        Wanted::A | Wanted::Endpoint => A,
        Wanted::Aaaa => AAAA,
        Wanted::Mx => MX,
        Wanted::Srv => SRV,
    };
    let mut hops: Vec<Hop> = Vec::new();
    let mut folded = Folded::root();
    let mut known = folded.read(&to_wire(name)).is_ok();
    let end = loop {
        let zone = zones.find(&folded, qtype).filter(|_| known);
        let hop = Hop { name: text(&folded), zone: zone.map(Zone::id) };
        if hops.len() == CHAIN_MAX || hops.contains(&hop) {
            break End::Endless;
        }
        hops.push(hop);
        let Some(zone) = zone else { break End::Elsewhere };
        match look_up(zone, world, &folded, qtype) {
            Found::Balanced(slot) => break End::Balancer(slot),
            Found::Records(_) | Found::Anything => break End::Records,
            Found::Referral { labels, .. } => break End::Delegated(last(&folded, labels)),
            Found::NoData => break End::NoData,
            Found::NoName => break End::NoName,
            Found::Alias(alias) => {
                known = folded.read(alias.rdata().next().unwrap_or(&[])).is_ok();
            }
        }
    };
    Trail { hops, end }
}

/// What the zone has for the name. A balancer that has nothing to say leaves the question to the records.
#[inline]
pub(super) fn look_up<'z>(zone: &'z Zone, world: &World, name: &Folded, qtype: u16) -> Found<'z> {
    match (zone.lookup(name, qtype), qtype) {
        (Found::Balanced(slot), MX | SRV) if !tells(world, slot, qtype) => {
            zone.beside_balancer(name, qtype)
        }
        (found, _) => found,
    }
}

fn tells(world: &World, slot: BalancerSlot, qtype: u16) -> bool {
    world.balancer(slot).is_some_and(|balancer| balancer.tells(wanted(qtype), world))
}

pub(super) fn wanted(qtype: u16) -> Wanted {
    match qtype {
        AAAA => Wanted::Aaaa,
        MX => Wanted::Mx,
        SRV => Wanted::Srv,
        _ => Wanted::A,
    }
}

fn text(name: &Folded) -> String {
    let text = String::from_utf8_lossy(&name.presentation()).into_owned();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

/// The last labels of a name.
fn last(name: &Folded, labels: usize) -> String {
    let mut short = Folded::root();
    match short.read(name.last(labels)) {
        Ok(_) => text(&short),
        Err(_) => text(name),
    }
}
