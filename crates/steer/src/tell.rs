//! A decision's steps as sentences: the text of `trimtab explain`, made from the steps themselves.

use std::fmt;

use trimtab_geo::Place;
use trimtab_health::Verdict;
use trimtab_model::Moment;
use trimtab_model::balancer::SteeringPolicy;
use trimtab_model::pool::ShedPolicy;

use crate::affinity::Session;
use crate::balancer::GeoMatch;
use crate::client::{Failed, LocationSource, Subnet};
use crate::persistence::Who;
use crate::pool::{Data, Endpoint, Requirement, Service, Usable};
use crate::shedding::Shedding;
use crate::why::{EndpointChoice, PoolChoice, Step, TimedBy, Why};
use crate::{Balancer, Pool, PoolSlot, World};

/// One sentence for each step, in order, with the evidence of the moment. What rules changed is told before the
/// policy that came of it.
pub fn tell(
    balancer: &Balancer,
    why: &Why,
    steps: &[Step],
    world: &World,
    now: Moment,
) -> Vec<String> {
    let told = told(balancer, why, steps, world, now).into_iter();
    told.map(|(_, sentence)| sentence).collect()
}

/// The same, each sentence behind the name of its step.
pub fn told(
    balancer: &Balancer,
    why: &Why,
    steps: &[Step],
    world: &World,
    now: Moment,
) -> Vec<(&'static str, String)> {
    let rules = steps.iter().take_while(|step| matches!(step, Step::Ruled { .. })).count();
    let (rules, steps) = steps.split_at_checked(rules).unwrap_or((&[], steps));
    let policy = format!("{} steers by {}", balancer.name, policy(why.policy));
    let told = |step: &Step| (step.name(), sentence(step, (balancer, why), world, now));
    let policy = (why.chosen != PoolChoice::FixedResponse).then_some(("policy", policy));
    rules.iter().map(told).chain(policy).chain(steps.iter().map(told)).collect()
}

fn policy(policy: SteeringPolicy) -> &'static str {
    match policy {
        SteeringPolicy::Unset | SteeringPolicy::Off => "failover order",
        SteeringPolicy::Geo => "geography: PoP, then country, then region, then the default pools",
        SteeringPolicy::Random => "chance, in proportion to weights",
        SteeringPolicy::DynamicLatency => "latency, as probes from this place measure it",
        SteeringPolicy::Proximity => "distance",
        SteeringPolicy::LeastOutstandingRequests | SteeringPolicy::LeastConnections => {
            "chance, in proportion to what open requests leave of weights; DNS has none to count"
        }
    }
}

fn sentence(step: &Step, (balancer, why): (&Balancer, &Why), world: &World, now: Moment) -> String {
    let pool = |slot: PoolSlot| PoolName(world, slot);
    match *step {
        Step::Ruled { by, holds } => {
            let verdict = match holds {
                true => "holds",
                false if balancer.rules.can_read(by) => "does not hold",
                false => "does not hold: its condition cannot be read by this version",
            };
            format!("{} {verdict}", balancer.rules.name(by))
        }
        Step::Known { who } => known(who),
        Step::Session { session, at } => {
            let at = at.map(|(slot, index)| endpoint_name(world, slot, index));
            session_of(session, at.as_deref())
        }
        Step::Failover { from: Failed { pool: slot, endpoint } } => {
            let endpoint = endpoint_name(world, slot, endpoint);
            format!("the request was sent to {endpoint} in vain")
        }
        Step::Timed { pool: slot, rtt: Some(rtt), by } => {
            let measured = match by {
                TimedBy::Probes => "answers probes in",
                TimedBy::Table => "is, by the table of latencies, at",
            };
            format!("{} {measured} {:.1} ms", pool(slot), rtt.as_secs_f64() * 1000.0)
        }
        Step::Timed { pool: slot, rtt: None, by: _ } => format!("{} is in", pool(slot)),
        Step::Unmeasured { pool: slot } => {
            format!("nobody here has measured {}, so failover order holds", pool(slot))
        }
        Step::Shed { pool: slot, shedding } => shed(&pool(slot), shedding),
        Step::Located { source, place, scope } => located(source, &place, scope),
        Step::Listed { by } => listed(by),
        Step::PassedOver { pool: slot, because } => {
            let evidence = world.pool(slot).map(|pool| evidence(pool, now)).unwrap_or_default();
            format!("{} is out: {}{evidence}", pool(slot), because.text())
        }
        Step::Weighed { pool: slot, weight, open } => weighed(&pool(slot), weight, open),
        Step::Measured { pool: slot, km, stretched_km } => measured(&pool(slot), km, stretched_km),
        Step::Drew { draw, of } => format!("the dice fell on {draw} of {of}"),
        Step::Chose { pool: slot, how } => format!("{} is chosen: {}", pool(slot), how.text()),
        Step::FallbackDisabled { pool: slot } => {
            format!("the fallback pool {} is disabled, so there is no address to give", pool(slot))
        }
        Step::Endpoints { how, eligible } => endpoints(how, eligible, chosen(why, world)),
        Step::Rising { pool: slot, endpoint, weight, full } => {
            let [weight, full] = [weight, full].map(|hundredths| f64::from(hundredths) / 100.0);
            let endpoint = endpoint_name(world, slot, endpoint);
            format!("{endpoint} came up a while ago, and has weight {weight} of {full}")
        }
        Step::Answered { pool: slot, endpoint, data } => {
            answered(world, (slot, endpoint), data, now)
        }
        Step::Bounded { ttl, configured } if ttl < configured => {
            format!("TTL {ttl} s and not {configured} s: a probe could change the answer by then")
        }
        Step::Bounded { ttl, .. } => format!("TTL {ttl} s, as configured"),
    }
}

fn known(who: Who) -> String {
    let who = match who {
        Who::Resolver(address) => format!("the resolver {address}"),
        Who::Client(address) => {
            return format!("the address {address} says where it goes, the same way each time");
        }
        Who::Subnet(Subnet { address, source_prefix }) => {
            format!("the client subnet {address}/{source_prefix}")
        }
        Who::Network(Subnet { address, source_prefix }) => {
            format!("a resolver in {address}/{source_prefix}, which no known operator has")
        }
        Who::Operator { name, site: Some(site), .. } => format!("a resolver of {name} at {site}"),
        Who::Operator { name, site: None, country: Some(country) } => {
            format!("a resolver of {name} in {country}")
        }
        Who::Operator { name, site: None, country: None } => format!("a resolver of {name}"),
    };
    format!("it asks for {who}, which keeps its endpoint")
}

fn session_of(session: Session, at: Option<&str>) -> String {
    let at = at.unwrap_or("an endpoint that is gone");
    match session {
        Session::None => "the request has none of the headers that make a session".into(),
        Session::New => "the request belongs to no session and begins one".into(),
        Session::Hit => format!("its session is at {at} and stays there"),
        Session::Draining => {
            format!("its session is at {at}, which is disabled and drains: it stays")
        }
        Session::Rebound => format!("its session was at {at}, which serves it no more: it moves"),
        Session::Elsewhere => {
            "its session is at a pool that this request does not go to, and is left alone".into()
        }
    }
}

fn endpoint_name(world: &World, slot: PoolSlot, index: u16) -> String {
    let pool = world.pool(slot);
    match pool.and_then(|pool| pool.endpoints.get(usize::from(index))) {
        Some(endpoint) => format!("{} of {}", endpoint.name, PoolName(world, slot)),
        None => "an endpoint that is gone".into(),
    }
}

fn shed(pool: &PoolName<'_>, shedding: Shedding) -> String {
    let how = match shedding.policy {
        ShedPolicy::Random => "by chance",
        ShedPolicy::Hash => "by a hash of the client's address",
    };
    format!("{pool} sheds {} % of its requests, {how}; this is one", shedding.percent())
}

fn located(source: LocationSource, place: &Place, scope: u8) -> String {
    let from = match source {
        LocationSource::NotAsked => "nobody asked where the client is",
        LocationSource::Ecs => "by its subnet (ECS) the client is in",
        LocationSource::ResolverIp => "by its resolver's address the client is in",
        LocationSource::ClientIp => "by its address the client is in",
        LocationSource::Pop => "nothing is known of the client; this node is in",
    };
    let mut text = format!("{from} {}", PlaceName(place));
    if source == LocationSource::Ecs {
        text.push_str(&format!("; so is everyone in the same /{scope}"));
    }
    text
}

fn listed(by: GeoMatch) -> String {
    match by {
        GeoMatch::Pop(pop) => format!("pop_pools has a list for {pop}"),
        GeoMatch::Country(country) => format!("country_pools has a list for {country}"),
        GeoMatch::Region(region) => format!("region_pools has a list for {region}"),
        GeoMatch::Default => "no geo list fits: the default pools are looked at".into(),
    }
}

// === impl Usable ===

impl Usable {
    /// Why a pool is out.
    pub const fn text(self) -> &'static str {
        match self {
            Usable::Yes => "nothing is wrong with it",
            Usable::Disabled => "it is disabled",
            Usable::Critical => "fewer endpoints are up than it needs",
            Usable::NoResultYet => "its monitor has no result yet, which counts as down",
            Usable::Empty => "no endpoint of it is enabled",
            Usable::Requires => "too few of what its calculated check asks for are healthy",
        }
    }
}

fn evidence(pool: &Pool, now: Moment) -> String {
    let endpoints = pool.endpoints.iter().zip(&pool.health.endpoints);
    let nameless = pool.endpoints.iter().filter(|endpoint| endpoint.addresses().is_empty());
    let nameless = nameless.map(|endpoint| format!("{} was never resolved", endpoint.address));
    let down = endpoints.filter_map(|(endpoint, health)| {
        let since = health.since.map_or(0, |at| now.saturating_duration_since(at).as_secs());
        match &health.ruling {
            Some(ruling) if ruling.is_against() => {
                return Some(format!("{} is {}", endpoint.name, ruling.text()));
            }
            Some(_) | None => {}
        }
        let reason = match health.verdict {
            Verdict::Down | Verdict::Ejected { .. } => health.outcome().0.word(),
            Verdict::Up | Verdict::Unknown | Verdict::Unmonitored => return None,
        };
        Some(format!("{} since {since} s ({reason})", endpoint.name))
    });
    let required = pool.requirement.filter(|wanted| !wanted.is_met()).map(|wanted| {
        let Requirement { at_least, of, healthy, .. } = wanted;
        format!("it requires {at_least} of {of} others to be healthy, and {healthy} are")
    });
    let told: Vec<String> = required.into_iter().chain(nameless).chain(down).collect();
    if told.is_empty() { String::new() } else { format!(" [{}]", told.join(", ")) }
}

fn weighed(pool: &PoolName<'_>, weight: u8, open: u32) -> String {
    let weight = f64::from(weight) / 100.0;
    let open = match open {
        0 => String::new(),
        open => format!(" and {open} open requests"),
    };
    format!("{pool} is in, with weight {weight}{open}")
}

fn measured(pool: &PoolName<'_>, km: Option<f64>, stretched_km: f64) -> String {
    match km {
        None => format!("{pool} has no coordinates and comes last"),
        Some(km) if (km - stretched_km).abs() < 0.5 => format!("{pool} is {km:.0} km away"),
        Some(km) => {
            format!("{pool} is {km:.0} km away and counts as {stretched_km:.0} km by its bias")
        }
    }
}

// === impl PoolChoice ===

impl PoolChoice {
    /// Why a pool was chosen.
    pub const fn text(self) -> &'static str {
        match self {
            PoolChoice::FirstUsable => "the first in order that may be used",
            PoolChoice::Drawn => "by chance",
            PoolChoice::Kept => "this client keeps it while it is up",
            PoolChoice::Session => "the session of the request is there",
            PoolChoice::Failover => "it has another endpoint that the request can go to",
            PoolChoice::Nearest => "the nearest, or first among equally near ones",
            PoolChoice::Fastest => "probes from this place are answered soonest",
            PoolChoice::FixedResponse => "a rule answers by itself",
            PoolChoice::Fallback => "no other pool may be used, and the fallback pool always may",
            PoolChoice::Nothing => "no pool may be used",
        }
    }
}

fn chosen<'a>(why: &Why, world: &'a World) -> Option<&'a Pool> {
    world.pool(why.pool?).map(|pool| &**pool)
}

fn endpoints(how: EndpointChoice, eligible: usize, of: Option<&Pool>) -> String {
    match how {
        EndpointChoice::All => format!("all {eligible} endpoints weigh the same: all, shuffled"),
        EndpointChoice::Sample => format!("{eligible} endpoints are too many: some, by chance"),
        EndpointChoice::Drawn => {
            format!("one of {eligible} endpoints, by chance in proportion to weights")
        }
        EndpointChoice::Hashed => {
            format!("one of {eligible} endpoints, by a hash of the client's address")
        }
        EndpointChoice::Kept => {
            format!("one of {eligible} endpoints: this client keeps it while it is up")
        }
        EndpointChoice::Session => "the endpoint that holds the session".into(),
        EndpointChoice::LeastLoaded => format!(
            "one of {eligible} endpoints, by chance in proportion to what open requests leave of weights"
        ),
        EndpointChoice::NoneOfFamily if of.is_some_and(|pool| pool.usable == Usable::Empty) => {
            Usable::Empty.text().into()
        }
        EndpointChoice::NoneOfFamily => "no endpoint has an address of the family asked for".into(),
        EndpointChoice::NoPool => "no pool, so no endpoint".into(),
    }
}

fn answered(world: &World, (slot, endpoint): (PoolSlot, u16), data: Data, now: Moment) -> String {
    let found = world.pool(slot).and_then(|pool| {
        let index = usize::from(endpoint);
        Some((pool.endpoints.get(index)?, pool.health.endpoints.get(index)?))
    });
    let Some((endpoint, health)) = found else { return "an endpoint that is gone".into() };
    let state = match health.verdict {
        Verdict::Unmonitored => "not monitored",
        Verdict::Unknown => "no result yet",
        Verdict::Up => "up",
        Verdict::Down => "down",
        Verdict::Ejected { .. } => "ejected",
    };
    let told = RecordText { endpoint, data };
    let mut text = format!("answer {told} ({}, {state}", endpoint.name);
    if let Some(since) = health.since.filter(|_| health.verdict != Verdict::Unmonitored) {
        text.push_str(&format!(" for {} s", now.saturating_duration_since(since).as_secs()));
    }
    if let Some(rtt) = health.rtt() {
        text.push_str(&format!(", {:.1} ms", rtt.as_secs_f64() * 1000.0));
    }
    if let Some(ruling) = &health.ruling {
        text.push_str(&format!(", {}", ruling.text()));
    }
    text.push(')');
    text
}

struct PoolName<'a>(&'a World, PoolSlot);

impl fmt::Display for PoolName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.pool(self.1) {
            Some(pool) => write!(f, "pool {}", pool.name),
            None => f.write_str("a pool that is gone"),
        }
    }
}

/// What a record says, as zone files write it.
#[derive(Clone, Copy, Debug)]
pub struct RecordText<'a> {
    pub endpoint: &'a Endpoint,
    pub data: Data,
}

impl fmt::Display for RecordText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { address, service, .. } = self.endpoint;
        match (self.data, service) {
            (Data::Address(address), _) => address.fmt(f),
            (Data::Service, Some(Service::Mx { priority })) => write!(f, "{priority} {address}."),
            (Data::Service, Some(Service::Srv { priority, weight, port })) => {
                write!(f, "{priority} {weight} {port} {address}.")
            }
            (Data::Service, None) => address.fmt(f),
        }
    }
}

struct PlaceName<'a>(&'a Place);

impl fmt::Display for PlaceName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(country) = self.0.country else { return f.write_str("an unknown place") };
        write!(f, "{country}")?;
        if let Some(subdivision) = self.0.subdivision {
            write!(f, "-{subdivision}")?;
        }
        match self.0.region {
            Some(region) => write!(f, " ({})", region.name()),
            None => Ok(()),
        }
    }
}
