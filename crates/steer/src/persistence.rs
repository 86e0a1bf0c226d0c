//! DNS persistence: whoever asks again gets the endpoint it had, as long as that is up.
//!
//! Nothing is remembered. Who asks becomes a number, and weighted rendezvous turns that number into a pool and an
//! endpoint: the same on every node, and after a restart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arrayvec::ArrayString;
use trimtab_geo::OperatorSite;
use trimtab_model::balancer::PersistenceKey;
use trimtab_model::{Country, Pop};

use crate::client::{Client, Subnet};
use crate::dice::{hash_bytes, mix};
use crate::pool::hash_ip;
use crate::{Pool, World};

/// Who counts as the same client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub who: Who,
    hash: u64,
    /// Bits of the client subnet that played a part.
    pub scope: u8,
}

/// What the identity was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Resolver(IpAddr),
    /// The client of a proxied request.
    Client(IpAddr),
    Subnet(Subnet),
    /// Where the operator does not say at which site its address stands, the address's country tells its sites apart.
    Operator {
        name: ArrayString<OPERATOR_BYTES_MAX>,
        site: Option<Pop>,
        country: Option<Country>,
    },
    /// No public resolver that is known: its neighbours are most likely of the same farm.
    Network(Subnet),
}

/// As long as the table of operators lets a name be.
const OPERATOR_BYTES_MAX: usize = 32;
/// What one resolver farm shares, as RFC 7871 section 11.1 cuts clients.
const NETWORK_BITS_V4: u8 = 24;
const NETWORK_BITS_V6: u8 = 56;

// === impl Identity ===

impl Identity {
    pub(crate) fn of(key: PersistenceKey, client: &Client<'_>, world: &World) -> Identity {
        match (key, client.subnet) {
            (PersistenceKey::Ecs, Some(subnet)) => Identity {
                who: Who::Subnet(subnet),
                hash: hash_ip(subnet.address, u64::from(subnet.source_prefix)),
                scope: client.hash_scope(),
            },
            (PersistenceKey::Resolver, _) | (PersistenceKey::Ecs, None) => Identity {
                who: Who::Resolver(client.address),
                hash: hash_ip(client.address, 0),
                scope: 0,
            },
            (PersistenceKey::Operator, _) => Identity::of_operator(client.address, world),
        }
    }

    /// For proxied requests, which come from clients themselves.
    pub(crate) fn of_client(client: &Client<'_>) -> Identity {
        let address = client.address;
        Identity { who: Who::Client(address), hash: hash_ip(address, 0), scope: 0 }
    }

    fn of_operator(address: IpAddr, world: &World) -> Identity {
        let Some(OperatorSite { operator, site, key, .. }) = world.geo.operator(address) else {
            let network = network(address);
            let hash = hash_ip(network.address, u64::from(network.source_prefix));
            return Identity { who: Who::Network(network), hash, scope: 0 };
        };
        let country = match site {
            Some(_) => None,
            None => world.geo.locate(address).place.country,
        };
        let place = country.map_or(0, |country| hash_bytes(country.code().as_bytes(), 1));
        // No name of the table is longer.
        let name = ArrayString::from(operator).unwrap_or_default();
        let who = Who::Operator { name, site, country };
        Identity { who, hash: mix(key ^ place), scope: 0 }
    }

    /// Where this client falls for one of several things, each known by a hash of its own.
    pub(crate) fn place(&self, thing: u64) -> u64 {
        mix(self.hash ^ thing)
    }

    /// The score of one of several pools or endpoints; the highest wins. Weighted rendezvous: −w / ln(u) with u
    /// drawn from client and thing alone, so that one that goes moves only its own clients.
    pub(crate) fn score(&self, thing: u64, weight: u8) -> f64 {
        rendezvous(self.place(thing), weight)
    }
}

/// One of several pools in proportion to weight; none when all weigh 0.
pub(crate) fn keep<'a>(
    identity: &Identity,
    pools: impl Iterator<Item = (usize, &'a Pool, u8)>,
) -> Option<usize> {
    let weighing = pools.filter(|(_, _, weight)| *weight > 0);
    let scores = weighing.map(|(index, pool, weight)| (identity.score(pool.hash, weight), index));
    scores.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, index)| index)
}

pub(crate) fn rendezvous(place: u64, weight: u8) -> f64 {
    // The upper 53 bits, moved off zero: strictly between 0 and 1.
    let unit = ((place >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(weight) / unit.ln()
}

fn network(address: IpAddr) -> Subnet {
    match address.to_canonical() {
        IpAddr::V4(v4) => Subnet {
            address: Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << (32 - NETWORK_BITS_V4)))
                .into(),
            source_prefix: NETWORK_BITS_V4,
        },
        IpAddr::V6(v6) => Subnet {
            address: Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - NETWORK_BITS_V6)))
                .into(),
            source_prefix: NETWORK_BITS_V6,
        },
    }
}
