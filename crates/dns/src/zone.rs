//! One zone, immutable once it is published: which records, balancer or delegation a name leads to.

mod build;
mod directory;
mod node;
mod record;
mod shard;
mod soa;

use trimtab_model::{Name, ZoneId};
use trimtab_steer::BalancerSlot;

pub use build::ZoneBuilder;
pub use record::RecordInput;
pub use soa::{Authority, Soa};

pub(crate) use node::{Node, Rrset};
pub(crate) use record::{
    A, AAAA, CLASS_IN, CNAME, DS, HINFO, MX, NS, OWNER_IS_QUESTION, RDATA_AT, SOA, SRV, TXT,
};

use crate::name::{Folded, count_labels, parent, to_wire};
use crate::zones::Seed;
use directory::Directory;
use node::Content;
use soa::Apex;

/// QTYPE `*` (RFC 1035 section 3.2.3).
const ANY: u16 = 255;
/// The label that stands for all names that do not exist (RFC 4592 section 2.1.1).
const ASTERISK: &[u8] = b"\x01*";

/// All names of one zone.
///
/// A clone shares everything but a list of pointers, and a change copies about a hundred names: clone,
/// change the clone, publish it.
#[derive(Clone, Debug)]
pub struct Zone {
    id: ZoneId,
    apex: Apex,
    directory: Directory,
    /// Names that exist, empty non-terminals included.
    names: usize,
    /// Delegations. Without any, nobody looks for one on the way to a name.
    cuts: usize,
    /// Labels below the apex of the deepest name there ever was; no name with more can exist.
    deepest: usize,
}

/// What a question finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'z> {
    Records(Rrset<'z>),
    /// A CNAME, and the question asks for something else.
    Alias(Rrset<'z>),
    /// A balancer stands here. Addresses and the alias are its to decide, mail and service records perhaps.
    Balanced(BalancerSlot),
    /// The name exists and everything was asked for.
    Anything,
    /// The name is delegated; `labels` is how many labels of the question's name are the delegated one.
    Referral {
        servers: Rrset<'z>,
        labels: usize,
    },
    NoData,
    NoName,
}

// === impl Zone ===

impl Zone {
    /// A zone with its SOA and name servers and no other name.
    pub fn empty(id: ZoneId, apex: &Name, authority: &Authority, seed: Seed) -> Zone {
        ZoneBuilder::new(id, apex, authority, seed).finish()
    }

    pub fn id(&self) -> ZoneId {
        self.id
    }

    /// Names that exist, with the zone's own and those that exist only because of a name below them.
    pub fn names(&self) -> usize {
        self.names
    }

    /// Replaces all records at a name; an empty list removes them. False when the name is not in the zone.
    pub fn set_records(&mut self, name: &Name, records: &[RecordInput<'_>]) -> bool {
        self.change(name, |apex, relative, content| {
            content.sets = apex.sets(relative, records.to_vec());
        })
    }

    /// Puts a balancer on a name, exact or `*.`, or takes it away: the name's records stay as they are. False
    /// when the name is not in the zone.
    pub fn set_balancer(&mut self, name: &Name, balancer: Option<BalancerSlot>) -> bool {
        self.change(name, |_apex, _relative, content| content.balancer = balancer)
    }

    /// Secondaries and people watch the serial rise (RFC 1035 section 3.3.13).
    pub fn set_serial(&mut self, serial: u32) {
        self.apex.set_serial(serial);
    }

    /// Whether the name itself is handed over to other servers.
    pub(crate) fn delegates(&self, name: &Folded) -> bool {
        self.node(name, 0).is_some_and(|node| node.is_cut())
    }

    pub(crate) fn apex(&self) -> &Apex {
        &self.apex
    }

    /// What the question finds here; its name must be at or below the apex.
    #[inline]
    pub(crate) fn lookup(&self, name: &Folded, qtype: u16) -> Found<'_> {
        if self.cuts > 0
            && let Some(referral) = self.find_cut(name, qtype)
        {
            return referral;
        }
        match self.node(name, 0) {
            Some(node) => self.found(&node, qtype, name.labels() == self.apex.labels()),
            None => match self.find_wildcard(name) {
                Some(node) => self.found(&node, qtype, false),
                None => Found::NoName,
            },
        }
    }

    /// The records beside a balancer that leaves the question to them.
    pub(crate) fn beside_balancer(&self, name: &Folded, rtype: u16) -> Found<'_> {
        let node = self.node(name, 0).or_else(|| self.find_wildcard(name));
        node.and_then(|node| node.find(rtype)).map_or(Found::NoData, Found::Records)
    }

    /// The records of a name as they are stored, delegated or not: for glue.
    pub(crate) fn stored(&self, name: &Folded, rtype: u16) -> Option<Rrset<'_>> {
        let inside = name.last(self.apex.labels()) == self.apex.wire();
        if inside { self.node(name, 0)?.find(rtype) } else { None }
    }

    /// Precedence at one name: a balancer takes the addresses and hides any CNAME; then come the records.
    #[inline(always)]
    fn found<'z>(&'z self, node: &Node<'z>, qtype: u16, is_apex: bool) -> Found<'z> {
        if is_apex && qtype == SOA {
            return Found::Records(self.apex.soa());
        }
        let balancer = node.balancer();
        match (balancer, qtype) {
            (Some(slot), A | AAAA | CNAME | MX | SRV) => return Found::Balanced(slot),
            (Some(_), ANY) => return Found::Anything,
            (Some(_) | None, _) => {}
        }
        let alias = if balancer.is_none() { node.find(CNAME) } else { None };
        match (node.find(qtype), alias) {
            (Some(set), _) => Found::Records(set),
            // RFC 8482 section 4.2: an invented record must not stand beside a CNAME.
            (None, Some(alias)) if qtype == ANY => Found::Records(alias),
            (None, Some(alias)) => Found::Alias(alias),
            (None, None) if qtype == ANY => Found::Anything,
            (None, None) => Found::NoData,
        }
    }

    /// The delegation nearest to the apex on the way to the name. The DS record of a delegated name is the
    /// parent's own (RFC 4035 section 3.1.4.1).
    fn find_cut(&self, name: &Folded, qtype: u16) -> Option<Found<'_>> {
        let below = self.labels_below_apex(name);
        for depth in 1..=below.min(self.deepest) {
            let node = self.node(name, below.saturating_sub(depth))?;
            if node.is_cut() && !(depth == below && qtype == DS) {
                let servers = node.find(NS)?;
                let labels = self.apex.labels().saturating_add(depth);
                return Some(Found::Referral { servers, labels });
            }
        }
        None
    }

    /// The asterisk below the closest encloser, the longest part of the name that exists (RFC 4592 section
    /// 3.3.1). Whatever exists at the name itself keeps the asterisk from being asked.
    fn find_wildcard(&self, name: &Folded) -> Option<Node<'_>> {
        let below = self.labels_below_apex(name);
        let first = below.saturating_sub(self.deepest).max(1);
        let closest = (first..=below).find(|&from| self.node(name, from).is_some())?;
        let relative = name.relative(closest, self.apex.labels());
        let mut asterisk = arrayvec::ArrayVec::<u8, 255>::new();
        // The label that the asterisk takes the place of is not shorter.
        asterisk.try_extend_from_slice(ASTERISK).ok()?;
        asterisk.try_extend_from_slice(relative).ok()?;
        self.directory.find(&asterisk)
    }

    #[inline]
    fn node(&self, name: &Folded, from: usize) -> Option<Node<'_>> {
        if self.labels_below_apex(name).saturating_sub(from) > self.deepest {
            return None;
        }
        self.directory.find(name.relative(from, self.apex.labels()))
    }

    fn labels_below_apex(&self, name: &Folded) -> usize {
        name.labels().saturating_sub(self.apex.labels())
    }

    fn change(&mut self, name: &Name, change: impl FnOnce(&Apex, &[u8], &mut Content)) -> bool {
        let wire = to_wire(name);
        let Some(relative) = self.apex.relative(&wire) else { return false };
        let before = self.directory.find(relative);
        let children = before.map_or(0, |node| node.children);
        let existed = before.is_some();
        let mut content = before.map(|node| node.content()).unwrap_or_default();
        let was_cut = content.is_cut(relative);
        change(&self.apex, relative, &mut content);
        let is_cut = content.is_cut(relative);
        self.cuts = self.cuts.saturating_add(is_cut.into()).saturating_sub(was_cut.into());
        let exists = self.put(relative, &content, children);
        match (existed, exists) {
            (false, true) => self.count_child(relative),
            (true, false) => self.uncount_child(relative),
            (true, true) | (false, false) => {}
        }
        true
    }

    /// Whether the name exists now: something stands at it or below it, or it is the zone's own.
    fn put(&mut self, relative: &[u8], content: &Content, children: u32) -> bool {
        let exists = children > 0 || !content.is_empty() || relative.is_empty();
        let mut encoded = Vec::new();
        if exists {
            content.encode(relative, children, &mut encoded);
        }
        self.directory.replace(relative, &encoded);
        exists
    }

    /// A name came: its parents exist from now on, up to the first that did before.
    fn count_child(&mut self, relative: &[u8]) {
        self.deepest = self.deepest.max(count_labels(relative));
        self.names = self.names.saturating_add(1);
        let mut name = relative;
        while let Some(above) = parent(name) {
            let existed = self.directory.find(above);
            let content = existed.map(|node| node.content()).unwrap_or_default();
            let children = existed.map_or(0, |node| node.children).saturating_add(1);
            let existed = existed.is_some();
            self.put(above, &content, children);
            if existed {
                return;
            }
            self.names = self.names.saturating_add(1);
            name = above;
        }
    }

    /// A name went: parents that existed only because of it go too.
    fn uncount_child(&mut self, relative: &[u8]) {
        self.names = self.names.saturating_sub(1);
        let mut name = relative;
        while let Some(above) = parent(name) {
            let Some(node) = self.directory.find(above) else { return };
            let (content, children) = (node.content(), node.children.saturating_sub(1));
            if self.put(above, &content, children) {
                return;
            }
            self.names = self.names.saturating_sub(1);
            name = above;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
