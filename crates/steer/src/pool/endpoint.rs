//! One endpoint of a pool: what clients can be told of it.

use std::net::IpAddr;

use trimtab_health::Verdict;
use trimtab_model::pool::{self as model, Address};
use trimtab_model::{Name, Timestamp};

use crate::Wanted;
use crate::dice::{hash_bytes, mix};

/// One endpoint of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    pub name: Box<str>,
    pub address: Address,
    /// What a host name resolved to; empty for an address, and for a name that was never resolved.
    pub resolved: Box<[IpAddr]>,
    /// Where requests go; 0 is the protocol's own port.
    pub port: u16,
    /// The `Host` header of requests to it, instead of the client's.
    pub host: Option<Box<str>>,
    pub virtual_network_id: Option<Box<str>>,
    pub enabled: bool,
    /// Since when it is not enabled.
    pub disabled_at: Option<Timestamp>,
    /// Hundredths.
    pub weight: u8,
    /// Stands for the endpoint in rendezvous hashing and in sessions; depends on where it is alone (address, port,
    /// network), so that a change of the list moves only the clients of the endpoint that went.
    pub hash: u64,
    /// The answer to MX or SRV questions; only host names have one.
    pub service: Option<Service>,
    /// Clients are sent on to its host name instead of being told its addresses.
    pub unflattened: bool,
}

/// What stands before the host name in an MX (RFC 1035 section 3.3.9) or SRV record (RFC 2782).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    Mx { priority: u16 },
    Srv { priority: u16, weight: u16, port: u16 },
}

// === impl Endpoint ===

impl Endpoint {
    pub(super) fn build<'a>(
        origin: &model::Origin,
        addresses: &impl Fn(&Name) -> &'a [IpAddr],
    ) -> Endpoint {
        let is_name = matches!(origin.address, Address::Host(_));
        Endpoint {
            name: origin.name.as_str().into(),
            address: origin.address.clone(),
            resolved: match &origin.address {
                Address::Ip(_) => Box::new([]),
                Address::Host(name) => addresses(name).into(),
            },
            port: origin.port,
            host: origin.host.as_deref().map(Into::into),
            virtual_network_id: origin.virtual_network_id.as_deref().map(Into::into),
            enabled: origin.enabled,
            disabled_at: origin.disabled_at,
            weight: origin.weight.hundredths(),
            hash: place_hash(origin),
            service: origin.service.filter(|_| is_name).map(|service| match service {
                model::Service::Mx { priority } => Service::Mx { priority },
                model::Service::Srv { priority, weight } => {
                    Service::Srv { priority, weight, port: origin.port }
                }
            }),
            unflattened: is_name && !origin.flatten_cname,
        }
    }

    /// What clients can be told of it, of both families; empty for a name that was never resolved.
    pub fn addresses(&self) -> &[IpAddr] {
        match &self.address {
            Address::Ip(address) => std::slice::from_ref(address),
            Address::Host(_) => &self.resolved,
        }
    }

    /// The name that stands in CNAME, MX and SRV records.
    pub fn host_name(&self) -> Option<&Name> {
        match &self.address {
            Address::Ip(_) => None,
            Address::Host(name) => Some(name),
        }
    }

    /// Whether it is made to be answered to such a question, were it up.
    pub fn tells(&self, wanted: Wanted) -> bool {
        match (wanted, self.service) {
            (Wanted::A | Wanted::Aaaa | Wanted::Endpoint, _)
            | (Wanted::Mx, Some(Service::Mx { .. }))
            | (Wanted::Srv, Some(Service::Srv { .. })) => true,
            (Wanted::Mx | Wanted::Srv, _) => false,
        }
    }

    pub(super) fn serves(&self, verdict: Verdict) -> bool {
        self.enabled && self.could_serve(verdict)
    }

    /// Whether it would serve if it were enabled.
    pub(crate) fn could_serve(&self, verdict: Verdict) -> bool {
        verdict.serves() && !self.addresses().is_empty()
    }
}

fn place_hash(origin: &model::Origin) -> u64 {
    let network = origin.virtual_network_id.as_deref().unwrap_or_default();
    let seed = hash_bytes(network.as_bytes(), mix(u64::from(origin.port)));
    match &origin.address {
        Address::Ip(ip) => hash_ip(*ip, seed),
        Address::Host(name) => hash_bytes(name.as_str().as_bytes(), seed),
    }
}

/// Spreads an address over 64 bits; v4 and its mapped v6 form are the same client.
pub fn hash_ip(ip: IpAddr, seed: u64) -> u64 {
    match ip.to_canonical() {
        IpAddr::V4(v4) => mix(seed ^ u64::from(v4.to_bits())),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            let (high, low) = ((bits >> 64) as u64, bits as u64);
            mix(mix(seed ^ high) ^ low)
        }
    }
}
