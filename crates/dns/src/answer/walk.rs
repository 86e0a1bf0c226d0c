//! The kinds of answer: each leaf writes one of them.

use std::net::IpAddr;

use trimtab_model::{Moment, Name};
use trimtab_steer::dice::Dice;
use trimtab_steer::pool::{Data, Endpoint, Service};
use trimtab_steer::{BalancerSlot, Client, Decision, Wanted, decide};

use super::trail::wanted;
use super::{Recorded, Scratch, View};
use crate::chaos::{self, CLASS_CHAOS};
use crate::edns::Edns;
use crate::facts::{DropReason, Facts, Outcome, Rcode, Steered};
use crate::name::{Presentation, to_wire};
use crate::query::Header;
use crate::reply::{Full, Place, Reply, Section};
use crate::zone::{A, AAAA, CLASS_IN, CNAME, HINFO, MX, RDATA_AT, Rrset, SRV, Zone};

/// One query on its way to an answer.
pub(super) struct Walk<'a, 'o> {
    pub(super) view: &'a View<'a>,
    pub(super) qtype: u16,
    pub(super) from: IpAddr,
    pub(super) edns: Option<&'a Edns<'a>>,
    pub(super) now: Moment,
    pub(super) dice: u64,
    pub(super) scratch: &'a mut Scratch,
    pub(super) reply: Reply<'o>,
    pub(super) facts: Facts,
    /// For how much of the client's subnet the answer holds; 0 for all that is not steered.
    pub(super) scope: u8,
    /// Where the inputs of a decision are left for whoever wants to make it again.
    pub(super) record: Option<&'a mut Option<Recorded>>,
}

/// Where a balancer's decision leads.
pub(super) enum Next {
    Done(Rcode),
    /// On to another name, whose own the next records are.
    Follow(Place),
}

/// Seconds; the addresses of this node change with its configuration.
pub const PROXIED_TTL: u32 = 300;
/// Seconds: who asks for everything need not ask again soon.
const HINFO_TTL: u32 = 3_600;
/// RFC 8482 section 4.2: CPU `RFC8482`, OS empty.
const HINFO_RDATA: [u8; 9] = *b"\x07RFC8482\x00";

// === impl Walk ===

impl Walk<'_, '_> {
    /// A stored set. Addresses begin anywhere, so that clients that take the first spread out.
    #[inline]
    pub(super) fn records(&mut self, owner: Place, set: &Rrset<'_>) -> Result<Rcode, Full> {
        let first = match set.rtype {
            A | AAAA if set.records > 1 => self.draw(set.records),
            _ => 0,
        };
        self.reply.rrset(Section::Answer, owner, set, first)?;
        Ok(Rcode::NoError)
    }

    /// The balancer's decision. No address is no data, until the decision may change.
    pub(super) fn steered(
        &mut self,
        owner: Place,
        slot: BalancerSlot,
        zone: &Zone,
    ) -> Result<Next, Full> {
        let world = self.view.world;
        let Some(balancer) = world.balancer(slot) else {
            return self.deny(owner, zone, Rcode::NoError).map(Next::Done);
        };
        if balancer.proxied {
            return match self.qtype {
                CNAME => self.deny(owner, zone, Rcode::NoError),
                _ => self.proxied(owner, zone),
            }
            .map(Next::Done);
        }
        // Rules alone read the name, and most balancers have none.
        let name = match balancer.rules.is_empty() {
            true => Presentation::new(),
            false => self.scratch.name.presentation(),
        };
        let client = self.client(&name);
        if let Some(record) = &mut self.record {
            **record = Some(Recorded::new(slot, &client, &self.scratch.name));
        }
        let decision = decide(world, balancer, &client, self.now, self.dice);
        self.facts.traced = self.edns.is_some_and(|edns| edns.asks_trace);
        self.facts.steered = Some(Steered::by(world, slot, &decision));
        self.scope = self.scope.max(decision.scope);
        if decision.pool.is_some_and(|pool| pool.has_aliases)
            && let Some(host) = self.alias_of(&decision, zone)
        {
            return self.send_on(owner, host, decision.ttl);
        }
        if decision.picks.is_empty() || self.qtype == CNAME {
            let ttl = zone.apex().negative_ttl().min(decision.ttl);
            return self.deny_for(ttl, owner, zone, Rcode::NoError).map(Next::Done);
        }
        for pick in decision.picks.iter().take(self.view.node.answers_max()) {
            match pick.data {
                Data::Address(address) => self.reply.address(owner, address, decision.ttl)?,
                Data::Service => self.service(owner, decision.endpoint(pick), decision.ttl)?,
            }
        }
        Ok(Next::Done(Rcode::NoError))
    }

    /// The host name that the answer sends the client on to: of the endpoint that comes first, when it wants
    /// that and the name can have an alias, which the zone's own cannot (RFC 1034 section 3.6.2).
    #[cold]
    fn alias_of<'w>(&self, decision: &Decision<'w>, zone: &Zone) -> Option<&'w Name> {
        let first = decision.picks.iter().next().filter(|first| first.data != Data::Service)?;
        let endpoint = decision.endpoint(first)?;
        let is_apex = self.scratch.name.labels() == zone.apex().labels();
        endpoint.host_name().filter(|_| endpoint.unflattened && !is_apex)
    }

    #[cold]
    fn send_on(&mut self, owner: Place, host: &Name, ttl: u32) -> Result<Next, Full> {
        let host = to_wire(host);
        let target = self.reply.named(owner, CNAME, ttl, &[], &host)?;
        let followed = self.qtype != CNAME && self.scratch.name.read(&host).is_ok();
        Ok(if followed { Next::Follow(target) } else { Next::Done(Rcode::NoError) })
    }

    /// What the endpoint says of itself in place of addresses.
    #[cold]
    fn service(&mut self, owner: Place, endpoint: Option<&Endpoint>, ttl: u32) -> Result<(), Full> {
        let told = endpoint.and_then(|endpoint| Some((endpoint.service?, endpoint.host_name()?)));
        let Some((service, host)) = told else { return Ok(()) };
        let host = to_wire(host);
        match service {
            Service::Mx { priority } => {
                self.reply.named(owner, MX, ttl, &priority.to_be_bytes(), &host)?;
            }
            Service::Srv { priority, weight, port } => {
                let head = [priority, weight, port].map(u16::to_be_bytes);
                self.reply.named(owner, SRV, ttl, head.as_flattened(), &host)?;
            }
        }
        Ok(())
    }

    /// The node's own addresses: it stands between the client and the endpoints.
    pub(super) fn proxied(&mut self, owner: Place, zone: &Zone) -> Result<Rcode, Full> {
        let addresses = self.view.node.addresses(self.wanted());
        let first = self.draw(u16::try_from(addresses.len()).unwrap_or(u16::MAX));
        let (front, back) = addresses.split_at_checked(first.into()).ok_or(Full)?;
        if addresses.is_empty() {
            return self.deny(owner, zone, Rcode::NoError);
        }
        for &address in back.iter().chain(front) {
            self.reply.address(owner, address, PROXIED_TTL)?;
        }
        Ok(Rcode::NoError)
    }

    /// One invented record instead of all there are (RFC 8482): few bytes for a question with a forged sender.
    pub(super) fn anything(&mut self, owner: Place) -> Result<Rcode, Full> {
        self.reply.record(owner, HINFO, CLASS_IN, HINFO_TTL, HINFO_RDATA)?;
        Ok(Rcode::NoError)
    }

    /// Hands the question on to the servers of a delegated name, the last `labels` labels of the one looked
    /// up. Addresses of servers inside that name must be told, or nobody can ask them (RFC 9471 section 3.1);
    /// other addresses of the zone are told while there is room.
    pub(super) fn refer(
        &mut self,
        owner: Place,
        servers: &Rrset<'_>,
        labels: usize,
        zone: &Zone,
    ) -> Result<Rcode, Full> {
        let cut = owner.plus(self.scratch.name.start_of_last(labels));
        let mut place = self.reply.rrset(Section::Authority, cut, servers, 0)?;
        let first = place;
        for rdata in servers.rdata() {
            if self.is_inside_cut(rdata, labels) {
                self.glue(rdata, place, zone)?;
            }
            place = place.plus(RDATA_AT).plus(rdata.len());
        }
        place = first;
        for rdata in servers.rdata() {
            if !self.is_inside_cut(rdata, labels) && self.glue(rdata, place, zone).is_err() {
                break;
            }
            place = place.plus(RDATA_AT).plus(rdata.len());
        }
        Ok(Rcode::NoError)
    }

    fn is_inside_cut(&mut self, server: &[u8], labels: usize) -> bool {
        let Scratch { name, server: folded } = &mut *self.scratch;
        folded.read(server).is_ok() && folded.last(labels) == name.last(labels)
    }

    /// The addresses of the server that was read last, whose name is at `place` in the message.
    fn glue(&mut self, server: &[u8], place: Place, zone: &Zone) -> Result<(), Full> {
        if self.scratch.server.read(server).is_err() {
            return Ok(());
        }
        for rtype in [A, AAAA] {
            if let Some(set) = zone.stored(&self.scratch.server, rtype) {
                self.reply.rrset(Section::Additional, place, &set, 0)?;
            }
        }
        Ok(())
    }

    /// Nothing of that type, or nothing of that name, with the SOA record that says for how long (RFC 2308).
    pub(super) fn deny(&mut self, owner: Place, zone: &Zone, rcode: Rcode) -> Result<Rcode, Full> {
        self.deny_for(zone.apex().negative_ttl(), owner, zone, rcode)
    }

    fn deny_for(
        &mut self,
        ttl: u32,
        owner: Place,
        zone: &Zone,
        rcode: Rcode,
    ) -> Result<Rcode, Full> {
        let apex = owner.plus(self.scratch.name.start_of_last(zone.apex().labels()));
        self.reply.soa(apex, &zone.apex().soa(), ttl)?;
        Ok(rcode)
    }

    /// What the operator lets be known of the node (RFC 4892); REFUSED without.
    pub(super) fn tell_of_the_node(&mut self) -> Result<Rcode, Full> {
        let Some(text) = chaos::text(&self.scratch.name, self.qtype, self.view.node) else {
            return Ok(Rcode::Refused);
        };
        self.reply.authoritative = true;
        self.reply.text(CLASS_CHAOS, 0, text)?;
        Ok(Rcode::NoError)
    }

    /// A stored alias. Goes on with its target, unless that is no name.
    pub(super) fn alias(&mut self, owner: Place, alias: &Rrset<'_>) -> Result<Option<Place>, Full> {
        let place = self.reply.rrset(Section::Answer, owner, alias, 0)?;
        let target = alias.rdata().next().unwrap_or(&[]);
        Ok(self.scratch.name.read(target).is_ok().then_some(place))
    }

    /// Whether the name to be looked up has had its turn: the chain is a loop.
    pub(super) fn is_any_of(&self, owners: &[Place]) -> bool {
        let name = self.scratch.name.wire();
        owners.iter().any(|&owner| self.reply.is_name_at(owner, name))
    }

    /// What did not fit is taken back as a whole.
    pub(super) fn finish(mut self, header: &Header, resolved: Result<Rcode, Full>) -> Outcome {
        self.facts.rcode = resolved.unwrap_or_else(|Full| {
            self.reply.truncate();
            Rcode::NoError
        });
        self.facts.truncated = resolved.is_err();
        let (facts, node) = (self.facts, self.view.node);
        let edns = self.edns.map(|edns| (edns, self.scope, self.dice));
        match self.reply.finish(header, facts.rcode, edns, node) {
            Ok(len) => Outcome::Reply { len, facts },
            Err(Full) => Outcome::Drop(DropReason::NoRoom),
        }
    }

    pub(super) fn client<'n>(&self, name: &'n [u8]) -> Client<'n> {
        let subnet = self.edns.and_then(|edns| edns.subnet).and_then(|ecs| ecs.subnet());
        Client {
            name,
            address: self.from,
            subnet,
            wanted: self.wanted(),
            load: None,
            session: false,
            http: None,
        }
    }

    fn wanted(&self) -> Wanted {
        wanted(self.qtype)
    }

    /// Evenly from `0..limit`; 0 for a limit of 0.
    fn draw(&self, limit: u16) -> u16 {
        let drawn = Dice::new(self.dice).below(limit.into());
        u16::try_from(drawn).unwrap_or(0)
    }
}
