//! Who asks, and where that is.

use std::fmt;
use std::net::IpAddr;

use trimtab_expr::HttpRequest;
use trimtab_geo::Place;
use trimtab_model::Wanted;
use trimtab_model::balancer::{LocationMode, LocationStrategy, PreferEcs, SteeringPolicy};

use crate::affinity::Sessions;
use crate::load::Load;
use crate::{PoolSlot, World};

/// The sender of one question or request.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    /// In lower case: the name asked for, with its last dot, or the host of a request, without port. Rules read it, and
    /// nothing else does.
    pub name: &'a [u8],
    /// The resolver, for DNS; else the client itself.
    pub address: IpAddr,
    /// The client behind the resolver, when the query carries it (RFC 7871).
    pub subnet: Option<Subnet>,
    pub wanted: Wanted,
    /// Requests under way, for policies that count them; None for DNS, where nobody can.
    pub load: Option<&'a dyn Load>,
    /// Counts as belonging to a session, of which pools shed another percentage: for those who ask what would be. DNS
    /// has no sessions, and those of proxied requests are found.
    pub session: bool,
    /// Set for proxied requests.
    pub http: Option<Http<'a>>,
}

/// What is known of a proxied request beyond its sender.
#[derive(Clone, Copy)]
pub struct Http<'a> {
    pub request: &'a HttpRequest<'a>,
    /// Finds the session of this request once rules have settled what affinity there is.
    pub sessions: &'a dyn Sessions,
    /// Where this request was sent in vain, in that order.
    pub failed: &'a [Failed],
}

/// An endpoint that a request was sent to in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    pub pool: PoolSlot,
    pub endpoint: u16,
}

/// The client subnet of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Bits after `source_prefix` are zero.
    pub address: IpAddr,
    /// Not 0: that is how a client asks that nothing of its address be used, and so is no subnet for decisions
    /// (RFC 7871 section 7.1.2). Only explanations leave out one that has it.
    pub source_prefix: u8,
}

/// What a location was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationSource {
    /// The policy did not ask where the client is.
    NotAsked,
    Ecs,
    ResolverIp,
    /// The client of a proxied request.
    ClientIp,
    Pop,
}

/// Where the client is taken to be, and for how many of its neighbours that holds.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    pub place: &'a Place,
    pub source: LocationSource,
    /// Bits of the client subnet for which the same place holds; 0 when it was not used.
    pub scope: u8,
}

// === impl Client ===

impl<'a> Client<'a> {
    /// The client as a query's sender is read, which has no subnet with a source prefix of 0.
    pub(crate) fn as_read(&self) -> Client<'a> {
        Client { subnet: self.subnet.filter(|subnet| subnet.source_prefix > 0), ..*self }
    }

    /// The address that hashes are taken of: the subnet's if there is one.
    pub fn address(&self) -> IpAddr {
        self.subnet.map_or(self.address, |subnet| subnet.address)
    }

    /// The whole subnet plays a part when its address is hashed.
    pub fn hash_scope(&self) -> u8 {
        self.subnet.map_or(0, |subnet| subnet.source_prefix)
    }

    /// Where this request was sent in vain; nowhere for DNS.
    pub(crate) fn failed(&self) -> &'a [Failed] {
        self.http.map_or(&[], |http| http.failed)
    }

    /// The address that stands for the client, and for how many bits of it something could differ: 0 for one that
    /// is not the client's own. None when the strategy looks at this node instead.
    pub(crate) fn address_by(
        &self,
        strategy: LocationStrategy,
        policy: SteeringPolicy,
    ) -> Option<(IpAddr, u8)> {
        if self.http.is_some() {
            return Some((self.address, 0));
        }
        match (self.preferred_subnet(strategy, policy), strategy.mode) {
            (Some(subnet), _) => Some((subnet.address, subnet.source_prefix)),
            (None, LocationMode::ResolverIp) => Some((self.address, 0)),
            (None, LocationMode::Pop) => None,
        }
    }

    /// Where the client is. For a proxied request its address says so. For DNS it is its subnet if the strategy prefers
    /// that, else by the strategy's mode. Else it is the place of this node. That nobody knows where the subnet is holds
    /// for a part of the world too.
    pub fn locate<'w>(
        &self,
        world: &'w World,
        strategy: LocationStrategy,
        policy: SteeringPolicy,
    ) -> Location<'w> {
        if self.http.is_some() {
            return self.locate_by_address(world, LocationSource::ClientIp).unwrap_or(here(world));
        }
        let by_subnet = self.locate_by_subnet(world, strategy, policy);
        match by_subnet.filter(|found| found.place.country.is_some()) {
            Some(found) => found,
            None => Location {
                scope: by_subnet.map_or(0, |unknown| unknown.scope),
                ..self.locate_by_resolver(world, strategy).unwrap_or(here(world))
            },
        }
    }

    /// None when the subnet does not count; a place without a country when nobody knows.
    fn locate_by_subnet<'w>(
        &self,
        world: &'w World,
        strategy: LocationStrategy,
        policy: SteeringPolicy,
    ) -> Option<Location<'w>> {
        let subnet = self.preferred_subnet(strategy, policy)?;
        let found = world.geo.locate(subnet.address);
        // A scope longer than what was asked would keep resolvers from caching (RFC 7871 section 7.2.1).
        let scope = found.prefix.min(subnet.source_prefix);
        Some(Location { place: found.place, source: LocationSource::Ecs, scope })
    }

    fn preferred_subnet(
        &self,
        strategy: LocationStrategy,
        policy: SteeringPolicy,
    ) -> Option<Subnet> {
        let preferred = match strategy.prefer_ecs {
            PreferEcs::Always => true,
            PreferEcs::Never => false,
            PreferEcs::Proximity => policy == SteeringPolicy::Proximity,
            PreferEcs::Geo => policy == SteeringPolicy::Geo,
        };
        self.subnet.filter(|subnet| preferred && subnet.source_prefix > 0)
    }

    fn locate_by_resolver<'w>(
        &self,
        world: &'w World,
        strategy: LocationStrategy,
    ) -> Option<Location<'w>> {
        match strategy.mode {
            LocationMode::Pop => None,
            LocationMode::ResolverIp => self.locate_by_address(world, LocationSource::ResolverIp),
        }
    }

    fn locate_by_address<'w>(
        &self,
        world: &'w World,
        source: LocationSource,
    ) -> Option<Location<'w>> {
        let place = world.geo.locate(self.address).place;
        place.country.is_some().then_some(Location { place, source, scope: 0 })
    }
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &String::from_utf8_lossy(self.name))
            .field("address", &self.address)
            .field("subnet", &self.subnet)
            .field("wanted", &self.wanted)
            .field("session", &self.session)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

// === impl Http ===

impl fmt::Debug for Http<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("method", &String::from_utf8_lossy(self.request.method))
            .field("uri", &String::from_utf8_lossy(self.request.uri))
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// The node's own place: what is left when nobody knows where the client is.
fn here(world: &World) -> Location<'_> {
    Location { place: &world.site.place, source: LocationSource::Pop, scope: 0 }
}
