//! What a question to a balancer asks for.

use std::net::IpAddr;

use crate::words;

words! {
    /// The type of record that is asked for, among those that balancers answer.
    Wanted { A = "A", Aaaa = "AAAA", Mx = "MX", Srv = "SRV" }
}

// === impl Wanted ===

impl Wanted {
    /// RFC 1035 section 3.2.2, RFC 3596 section 2.1, RFC 2782.
    pub const fn qtype(self) -> u16 {
        match self {
            Wanted::A => 1,
            Wanted::Aaaa => 28,
            Wanted::Mx => 15,
            Wanted::Srv => 33,
        }
    }

    pub const fn is_address(self) -> bool {
        matches!(self, Wanted::A | Wanted::Aaaa)
    }

    pub const fn takes(self, address: IpAddr) -> bool {
        match self {
            Wanted::A => address.is_ipv4(),
            Wanted::Aaaa => address.is_ipv6(),
            Wanted::Mx | Wanted::Srv => false,
        }
    }
}
