//! The `trimtab` object of a monitor: what our own kinds ask and expect, and a shorter time limit.

use serde::{Deserialize, Serialize};

use crate::{Name, words};

/// Milliseconds; below this a busy machine fails probes that nothing is wrong with.
pub const TIMEOUT_MILLIS: std::ops::RangeInclusive<u32> = 10..=10_000;
/// Data of a record as text; what a load balancer's endpoint answers with is far shorter.
pub const ANSWER_CHARS_MAX: usize = 1024;
/// Of a gRPC service such as `package.Service`.
pub const SERVICE_CHARS_MAX: usize = 255;

words! {
    /// What a DNS monitor asks for: the types of services, and SOA, which is no record of its own here.
    QueryType {
        A = "A",
        Aaaa = "AAAA",
        Caa = "CAA",
        Cname = "CNAME",
        Https = "HTTPS",
        Mx = "MX",
        Naptr = "NAPTR",
        Ns = "NS",
        Ptr = "PTR",
        Soa = "SOA",
        Srv = "SRV",
        Svcb = "SVCB",
        Txt = "TXT",
    }
}

words! {
    /// What a name server says of a question (RFC 1035 section 4.1.1).
    ResponseCode {
        NoError = "NOERROR",
        FormErr = "FORMERR",
        ServFail = "SERVFAIL",
        NxDomain = "NXDOMAIN",
        NotImp = "NOTIMP",
        Refused = "REFUSED",
    }
}

/// Fields that the hosted API does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extension {
    /// Of one try, in place of the whole seconds of `timeout`.
    pub timeout_ms: Option<u32>,
    pub smtp: Option<Smtp>,
    pub dns: Option<Dns>,
    pub grpc: Option<Grpc>,
}

/// How an SMTP monitor talks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smtp {
    /// EHLO and STARTTLS come before the HELO that counts.
    pub starttls: bool,
}

/// What a DNS monitor asks and must be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    pub name: Name,
    #[serde(rename = "type")]
    pub rtype: QueryType,
    pub rcode: ResponseCode,
    /// The data of a record of that type, as `dig` shows it; None: any answer passes.
    pub answer: Option<String>,
}

/// Whose health a gRPC monitor asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grpc {
    /// `""` is the server as a whole.
    pub service: String,
    /// False: HTTP/2 with prior knowledge.
    pub tls: bool,
}

// === impl QueryType ===

impl QueryType {
    /// RFC 1035 section 3.2.2 and those after it.
    pub const fn number(self) -> u16 {
        match self {
            QueryType::A => 1,
            QueryType::Ns => 2,
            QueryType::Cname => 5,
            QueryType::Soa => 6,
            QueryType::Ptr => 12,
            QueryType::Mx => 15,
            QueryType::Txt => 16,
            QueryType::Aaaa => 28,
            QueryType::Srv => 33,
            QueryType::Naptr => 35,
            QueryType::Svcb => 64,
            QueryType::Https => 65,
            QueryType::Caa => 257,
        }
    }
}

// === impl ResponseCode ===

impl ResponseCode {
    pub const fn number(self) -> u8 {
        match self {
            ResponseCode::NoError => 0,
            ResponseCode::FormErr => 1,
            ResponseCode::ServFail => 2,
            ResponseCode::NxDomain => 3,
            ResponseCode::NotImp => 4,
            ResponseCode::Refused => 5,
        }
    }
}

// === impl Extension ===

impl Extension {
    pub fn is_empty(&self) -> bool {
        *self == Extension::default()
    }
}
