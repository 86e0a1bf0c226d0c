//! What a question to a balancer asks for.

use std::net::IpAddr;

use crate::words;

words! {
    /// What is asked for: a type of record, among those that balancers answer, or an endpoint to send a request to.
    Wanted {
        A = "A",
        Aaaa = "AAAA",
        Mx = "MX",
        Srv = "SRV",
        /// One endpoint of either family: what a proxy asks for.
        Endpoint = "endpoint",
    }
}

// === impl Wanted ===

impl Wanted {
    /// What questions of DNS ask for.
    pub const RECORDS: [Wanted; 4] = [Wanted::A, Wanted::Aaaa, Wanted::Mx, Wanted::Srv];

    /// RFC 1035 section 3.2.2, RFC 3596 section 2.1, RFC 2782; 0, which no record has, for an endpoint.
    pub const fn qtype(self) -> u16 {
        match self {
            Wanted::A => 1,
            Wanted::Aaaa => 28,
            Wanted::Mx => 15,
            Wanted::Srv => 33,
            Wanted::Endpoint => 0,
        }
    }

    pub const fn is_address(self) -> bool {
        matches!(self, Wanted::A | Wanted::Aaaa | Wanted::Endpoint)
    }

    pub const fn takes(self, address: IpAddr) -> bool {
        match self {
            Wanted::A => address.is_ipv4(),
            Wanted::Aaaa => address.is_ipv6(),
            Wanted::Mx | Wanted::Srv => false,
            Wanted::Endpoint => true,
        }
    }
}
