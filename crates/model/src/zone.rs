//! Zones and their DNS records.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccountId, Name, RecordId, Timestamp, ZoneId, words};

/// Seconds; 1 is "automatic".
pub const TTL_AUTOMATIC: u32 = 1;
/// What automatic means in an answer.
pub const TTL_AUTOMATIC_SECONDS: u32 = 300;
pub const TTL_SECONDS: std::ops::RangeInclusive<u32> = 30..=86_400;
/// Seconds; RFC 2308 section 5 gives the negative TTL from the SOA minimum.
pub const NEGATIVE_TTL_SECONDS: u32 = 60;
pub const COMMENT_CHARS_MAX: usize = 500;
pub const TAGS_MAX: usize = 20;
/// `name:value`; 32 characters before the colon and 100 after it.
pub const TAG_CHARS_MAX: usize = 133;
/// Fields of a `data` object; the largest, LOC, has 12.
pub const DATA_FIELDS_MAX: usize = 16;
/// RFC 1035 section 3.2.1: a 16-bit length.
pub const RDATA_BYTES_MAX: usize = 65_535;

words! {
    RecordType {
        A = "A", Aaaa = "AAAA", Caa = "CAA", Cert = "CERT", Cname = "CNAME", Dnskey = "DNSKEY",
        Ds = "DS", Https = "HTTPS", Loc = "LOC", Mx = "MX", Naptr = "NAPTR", Ns = "NS",
        Openpgpkey = "OPENPGPKEY", Ptr = "PTR", Smimea = "SMIMEA", Srv = "SRV", Sshfp = "SSHFP",
        Svcb = "SVCB", Tlsa = "TLSA", Txt = "TXT", Uri = "URI",
    }
}

/// A zone that this node is authoritative for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    pub id: ZoneId,
    pub account: AccountId,
    pub name: Name,
    pub paused: bool,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
    pub activated_on: Timestamp,
}

/// One DNS record as stored: the text that the operator sees and the bytes that are answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: RecordId,
    pub zone: ZoneId,
    pub name: Name,
    #[serde(rename = "type")]
    pub kind: RecordType,
    pub content: String,
    /// The `data` object of types that have one.
    pub data: Option<serde_json::Value>,
    pub rdata: Rdata,
    /// Seconds; 1 is automatic.
    pub ttl: u32,
    pub priority: Option<u16>,
    pub proxied: bool,
    pub settings: RecordSettings,
    pub comment: Option<String>,
    pub tags: Vec<String>,
    pub created_on: Timestamp,
    pub modified_on: Timestamp,
    pub comment_modified_on: Option<Timestamp>,
    pub tags_modified_on: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSettings {
    pub ipv4_only: Option<bool>,
    pub ipv6_only: Option<bool>,
    pub flatten_cname: Option<bool>,
}

/// Record data in wire form, names uncompressed; hexadecimal in storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rdata(pub Box<[u8]>);

// === impl RecordType ===

impl RecordType {
    /// The number of the IANA registry "Resource Record (RR) TYPEs".
    pub const fn number(self) -> u16 {
        match self {
            RecordType::A => 1,
            RecordType::Ns => 2,
            RecordType::Cname => 5,
            RecordType::Ptr => 12,
            RecordType::Mx => 15,
            RecordType::Txt => 16,
            RecordType::Aaaa => 28,
            RecordType::Loc => 29,
            RecordType::Srv => 33,
            RecordType::Naptr => 35,
            RecordType::Cert => 37,
            RecordType::Ds => 43,
            RecordType::Sshfp => 44,
            RecordType::Dnskey => 48,
            RecordType::Tlsa => 52,
            RecordType::Smimea => 53,
            RecordType::Openpgpkey => 61,
            RecordType::Svcb => 64,
            RecordType::Https => 65,
            RecordType::Uri => 256,
            RecordType::Caa => 257,
        }
    }
}

// === impl Record ===

impl Record {
    /// Seconds in an answer.
    pub fn ttl_seconds(&self) -> u32 {
        if self.ttl == TTL_AUTOMATIC { TTL_AUTOMATIC_SECONDS } else { self.ttl }
    }
}

// === impl Rdata ===

impl Serialize for Rdata {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Rdata {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Rdata, D::Error> {
        let text = String::deserialize(from)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs.iter().map(|pair| {
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
        });
        match bytes.collect::<Option<Box<[u8]>>>() {
            Some(bytes) if rest.is_empty() => Ok(Rdata(bytes)),
            _ => Err(serde::de::Error::custom(format!("{text:?} is not hexadecimal"))),
        }
    }
}
