//! Pool sets and rules: what a balancer's owner says about some requests, before any policy is asked.
//!
//! Nothing here can fail at a request: a condition that cannot be read never holds.

use std::net::{IpAddr, Ipv4Addr};

use trimtab_expr::{DnsQuestion, Expression, Facts, Request};
use trimtab_model::balancer::{FixedResponse, PoolSetMatch, RULES_MAX, RuleAction};
use trimtab_model::{self as model, PoolId};

use crate::client::{Client, Location};
use crate::settings::{Handling, Overrides, Settings};
use crate::why::{Notes, Step};
use crate::{Balancer, PoolSlot, World};

/// All that a balancer says beyond its settings.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    sets: Box<[PoolSet]>,
    /// By priority, then in the order they were written.
    rules: Box<[Rule]>,
    /// Some condition looks at the client itself, so an answer holds for one client subnet alone.
    reads_client: bool,
}

/// A condition and what it changes.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: Box<str>,
    /// None: it cannot be read, and so never holds.
    condition: Option<Expression>,
    terminates: bool,
    action: Action,
}

/// Pools for a part of the world.
#[derive(Clone, Debug)]
pub struct PoolSet {
    pub name: Box<str>,
    matches: PoolSetMatch,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Overrides(Box<Overrides>),
    /// Answers without any pool.
    FixedResponse(Box<FixedResponse>),
}

/// Which of them it was: its place in [`Rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleRef {
    PoolSet(u16),
    Rule(u16),
}

/// What the walk over sets and rules came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ruled<'a> {
    pub(crate) settings: Settings<'a>,
    /// The last one that held.
    pub(crate) by: Option<RuleRef>,
    /// It answers by itself.
    pub(crate) fixed: Option<&'a FixedResponse>,
    /// Bits of the client subnet that played a part.
    pub(crate) scope: u8,
    /// Bit n is set when rule n held; there are at most [`RULES_MAX`].
    held: u128,
}

const _: () = assert!(RULES_MAX <= 128, "a bit for each rule");

/// Fields that tell one client of a subnet's sender from another.
const CLIENT_FIELDS: [&str; 4] =
    ["ip.src", "ip.src.asnum", "dns.rr.opt.client", "dns.rr.opt.client.addr"];

// === impl Rules ===

impl Rules {
    pub(crate) fn build(of: &model::Balancer, slot: &impl Fn(PoolId) -> Option<PoolSlot>) -> Rules {
        let sets = of.pool_sets.iter().filter(|set| !set.disabled).map(|set| PoolSet {
            name: set.name.as_str().into(),
            matches: set.matches.clone(),
            action: Action::build(&set.action, of, slot),
        });
        let mut written: Vec<_> = of.rules.iter().filter(|rule| !rule.disabled).collect();
        written.sort_by_key(|rule| rule.priority);
        let rules = written.into_iter().map(|rule| Rule {
            name: rule.name.as_str().into(),
            // Why it cannot be read is told to whoever saves it; here `explain` says that it cannot.
            condition: trimtab_expr::parse(&rule.condition).ok(),
            terminates: rule.terminates,
            action: Action::build(&rule.action, of, slot),
        });
        let rules: Box<[Rule]> = rules.collect();
        let read = rules.iter().filter_map(|rule| rule.condition.as_ref());
        let reads_client =
            read.flat_map(Expression::uses).any(|used| CLIENT_FIELDS.contains(&used.field));
        Rules { sets: sets.collect(), rules, reads_client }
    }

    pub fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.rules.is_empty()
    }

    /// Every pool that sets and rules steer among, some of them more than once: not a fallback pool of theirs. What
    /// cannot be read never holds.
    pub(crate) fn pools(&self) -> impl Iterator<Item = PoolSlot> {
        let rules = self.rules.iter().filter(|rule| rule.condition.is_some());
        let actions = self.sets.iter().map(|set| &set.action).chain(rules.map(|rule| &rule.action));
        actions.flat_map(|action| {
            let overrides = match action {
                Action::Overrides(overrides) => Some(overrides),
                Action::FixedResponse(_) => None,
            };
            overrides.into_iter().flat_map(|overrides| overrides.pools())
        })
    }

    /// Whether some rule gives sessions to requests that have none without it; pool sets have no say in them.
    pub(crate) fn turn_affinity_on(&self) -> bool {
        self.rules.iter().any(|rule| match &rule.action {
            Action::Overrides(overrides) => overrides.turn_affinity_on(),
            Action::FixedResponse(_) => false,
        })
    }

    /// False for a rule whose condition was stored by another version and means nothing to this one.
    pub fn can_read(&self, of: RuleRef) -> bool {
        match of {
            RuleRef::PoolSet(_) => true,
            RuleRef::Rule(index) => {
                self.rules.get(usize::from(index)).is_some_and(|rule| rule.condition.is_some())
            }
        }
    }

    /// As its owner named it, or by its number from 1.
    pub fn name(&self, of: RuleRef) -> String {
        let (kind, index, name) = match of {
            RuleRef::PoolSet(index) => {
                ("pool set", index, self.sets.get(usize::from(index)).map(|set| &set.name))
            }
            RuleRef::Rule(index) => {
                ("rule", index, self.rules.get(usize::from(index)).map(|rule| &rule.name))
            }
        };
        match name.filter(|name| !name.is_empty()) {
            Some(name) => format!("{kind} \"{name}\""),
            None => format!("{kind} {}", index.saturating_add(1)),
        }
    }
}

// === impl Ruled ===

impl<'a> Ruled<'a> {
    /// What the rules that held make of a proxied request; pool sets have no say in it.
    pub(crate) fn handling(&self, balancer: &'a Balancer) -> Handling<'a> {
        let mut handling = Handling {
            affinity: balancer.affinity.lend(),
            failover_across_pools: balancer.failover_across_pools,
        };
        let mut held = self.held;
        while held != 0 {
            let rule = balancer.rules.rules.get(held.trailing_zeros() as usize);
            held &= held.wrapping_sub(1);
            if let Some(Action::Overrides(overrides)) = rule.map(|rule| &rule.action) {
                overrides.apply_to_handling(&mut handling);
            }
        }
        handling.affinity.resolve();
        handling
    }

    /// Apart from the walk: most rules do not hold, and what is done for one that does would be in their way.
    #[inline(never)]
    fn obey(&mut self, by: RuleRef, action: &'a Action) {
        self.by = Some(by);
        match action {
            Action::Overrides(overrides) => overrides.apply(&mut self.settings),
            Action::FixedResponse(response) => self.fixed = Some(response),
        }
    }
}

// === impl Action ===

impl Action {
    fn build(
        written: &RuleAction,
        of: &model::Balancer,
        slot: &impl Fn(PoolId) -> Option<PoolSlot>,
    ) -> Action {
        match written {
            RuleAction::Overrides(over) => {
                Action::Overrides(Box::new(Overrides::build(over, of, slot)))
            }
            RuleAction::FixedResponse(response) => {
                Action::FixedResponse(Box::new(response.clone()))
            }
        }
    }
}

/// The settings for one request: the first pool set that matches, then every rule that holds, until one
/// terminates or answers by itself.
#[inline]
pub(crate) fn settle<'a>(
    world: &World,
    balancer: &'a Balancer,
    client: &Client<'_>,
    notes: &mut impl Notes,
) -> Ruled<'a> {
    let settings = Settings::new(balancer);
    let mut ruled = Ruled { settings, by: None, fixed: None, scope: 0, held: 0 };
    if !balancer.rules.is_empty() {
        apply(world, balancer, client, &mut ruled, notes);
    }
    ruled
}

fn apply<'a>(
    world: &World,
    balancer: &'a Balancer,
    client: &Client<'_>,
    ruled: &mut Ruled<'a>,
    notes: &mut impl Notes,
) {
    take_pool_set(world, balancer, client, ruled, notes);
    if ruled.fixed.is_none() {
        obey_rules(world, balancer, client, ruled, notes);
    }
    ruled.settings.resolve();
}

fn take_pool_set<'a>(
    world: &World,
    balancer: &'a Balancer,
    client: &Client<'_>,
    ruled: &mut Ruled<'a>,
    notes: &mut impl Notes,
) {
    let mut location = None;
    for (set, index) in balancer.rules.sets.iter().zip(0..) {
        let mut locate = || {
            *location
                .get_or_insert_with(|| client.locate(world, balancer.location, balancer.policy))
        };
        let holds = matches_client(&set.matches, world, &mut locate);
        notes.note(Step::Ruled { by: RuleRef::PoolSet(index), holds });
        if holds {
            ruled.obey(RuleRef::PoolSet(index), &set.action);
            break;
        }
    }
    ruled.scope = location.map_or(0, |location: Location<'_>| location.scope);
}

/// The lists of a topology are alternatives.
fn matches_client<'w>(
    matches: &PoolSetMatch,
    world: &World,
    locate: &mut impl FnMut() -> Location<'w>,
) -> bool {
    match matches {
        PoolSetMatch::Everything | PoolSetMatch::Default => true,
        PoolSetMatch::Topology { pops, countries, regions } => {
            pops.contains(&world.site.pop)
                || (!(countries.is_empty() && regions.is_empty()) && {
                    let place = locate().place;
                    place.country.is_some_and(|country| countries.contains(&country))
                        || place.region.is_some_and(|region| regions.contains(&region))
                })
        }
    }
}

fn obey_rules<'a>(
    world: &World,
    balancer: &'a Balancer,
    client: &Client<'_>,
    ruled: &mut Ruled<'a>,
    notes: &mut impl Notes,
) {
    let asn = || world.geo.asn(client.address());
    let question;
    let request = match client.http {
        Some(http) => Request::Http(http.request),
        None => {
            question = question_of(client);
            Request::Dns(&question)
        }
    };
    let facts = Facts {
        balancer: balancer.name.as_str().as_bytes(),
        region: world.site.place.region.map_or(b"", |region| region.code().as_bytes()),
        source: source(client),
        asn: &asn,
        request,
    };
    for (rule, index) in balancer.rules.rules.iter().zip(0..) {
        let holds = rule.condition.as_ref().is_some_and(|condition| condition.matches(&facts));
        notes.note(Step::Ruled { by: RuleRef::Rule(index), holds });
        if holds {
            ruled.obey(RuleRef::Rule(index), &rule.action);
            ruled.held |= 1_u128.checked_shl(index.into()).unwrap_or(0);
            if rule.terminates || ruled.fixed.is_some() {
                break;
            }
        }
    }
    if balancer.rules.reads_client {
        ruled.scope = ruled.scope.max(client.hash_scope());
    }
}

fn question_of<'a>(client: &Client<'a>) -> DnsQuestion<'a> {
    DnsQuestion {
        name: client.name,
        qtype: client.wanted.qtype(),
        is_question: true,
        client_subnet: client.subnet.map(|subnet| subnet.address.to_canonical()),
    }
}

/// An IPv4 client is one, whatever socket it came through. Looked at in its place, because the compiler moves an
/// address byte by byte.
fn source(client: &Client<'_>) -> IpAddr {
    let address = match &client.subnet {
        Some(subnet) => &subnet.address,
        None => &client.address,
    };
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits()).into(),
        IpAddr::V6(address) => address.to_canonical(),
    }
}
