//! Who asks, and where that is.

use std::net::IpAddr;

use trimtab_geo::Place;
use trimtab_model::Wanted;
use trimtab_model::balancer::{LocationMode, LocationStrategy, PreferEcs, SteeringPolicy};

use crate::{PoolSlot, World};

/// One question's sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// The name asked for, in lower case and with its last dot; rules read it, and nothing else does.
    pub name: &'a [u8],
    /// The resolver, for DNS.
    pub address: IpAddr,
    /// The client behind the resolver, when the query carries it (RFC 7871).
    pub subnet: Option<Subnet>,
    pub wanted: Wanted,
    /// Requests under way at pools, for policies that count them; nobody counts them for DNS.
    pub open: &'a [(PoolSlot, u32)],
    /// The request belongs to a session, of which pools shed another percentage; DNS has no sessions.
    pub session: bool,
}

/// The client subnet of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Bits after `source_prefix` are zero.
    pub address: IpAddr,
    pub source_prefix: u8,
}

/// What a location was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationSource {
    /// The policy did not ask where the client is.
    NotAsked,
    Ecs,
    ResolverIp,
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

impl Client<'_> {
    /// The address that hashes are taken of: the subnet's if there is one.
    pub fn address(&self) -> IpAddr {
        self.subnet.map_or(self.address, |subnet| subnet.address)
    }

    /// The whole subnet plays a part when its address is hashed.
    pub fn hash_scope(&self) -> u8 {
        self.subnet.map_or(0, |subnet| subnet.source_prefix)
    }

    /// Requests under way at a pool.
    pub(crate) fn open_at(&self, pool: PoolSlot) -> u32 {
        self.open.iter().find(|(slot, _)| *slot == pool).map_or(0, |(_, open)| *open)
    }

    /// The address that stands for the client, and for how many bits of it something could differ: 0 for one that
    /// is not the client's own. None when the strategy looks at this node instead.
    pub(crate) fn address_by(
        &self,
        strategy: LocationStrategy,
        policy: SteeringPolicy,
    ) -> Option<(IpAddr, u8)> {
        match (self.preferred_subnet(strategy, policy), strategy.mode) {
            (Some(subnet), _) => Some((subnet.address, subnet.source_prefix)),
            (None, LocationMode::ResolverIp) => Some((self.address, 0)),
            (None, LocationMode::Pop) => None,
        }
    }

    /// Where a DNS-only client is: its subnet if the strategy prefers that, else by the strategy's mode,
    /// else the place of this node. That nobody knows where the subnet is holds for a part of the world too.
    pub fn locate<'w>(
        &self,
        world: &'w World,
        strategy: LocationStrategy,
        policy: SteeringPolicy,
    ) -> Location<'w> {
        let by_subnet = self.locate_by_subnet(world, strategy, policy);
        match by_subnet.filter(|found| found.place.country.is_some()) {
            Some(found) => found,
            None => Location {
                scope: by_subnet.map_or(0, |unknown| unknown.scope),
                ..self.locate_by_resolver(world, strategy).unwrap_or(Location {
                    place: &world.site.place,
                    source: LocationSource::Pop,
                    scope: 0,
                })
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
            LocationMode::ResolverIp => {
                let place = world.geo.locate(self.address).place;
                let located = Location { place, source: LocationSource::ResolverIp, scope: 0 };
                place.country.is_some().then_some(located)
            }
        }
    }
}
