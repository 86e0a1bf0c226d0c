//! The fields a rule can read: name, type, and the kind of traffic that has them.

use std::fmt;

/// The kind of traffic a balancer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// DNS-only: the question is all there is.
    Dns,
    /// Proxied HTTP.
    Http,
}

/// What a value is; `Bytes` of the hosted product's texts are `String` here, as they compare the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    One(Scalar),
    Array(Scalar),
    /// An array behind `[*]`.
    Each(Scalar),
    /// Arrays of strings by key.
    Map,
    /// A map behind `[*]`: arrays, one after the other.
    EachArray,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Bool,
    Int,
    Ip,
    String,
}

/// A field by what reading it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Text(TextField),
    Number(NumberField),
    Flag(FlagField),
    /// The client's address.
    Source,
    Array(ArrayField),
    Map(MapField),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextField {
    Balancer,
    Region,
    Cookie,
    Host,
    Referer,
    Method,
    Uri,
    Path,
    Query,
    Version,
    QueryName,
    ClientSubnet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberField {
    Asn,
    Timestamp,
    QueryNameLength,
    QueryType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagField {
    Question,
    HasClientSubnet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArrayField {
    ArgNames,
    ArgValues,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapField {
    Headers,
    Args,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) field: Field,
    /// None: every kind of traffic has it.
    pub(crate) phase: Option<Phase>,
}

pub(crate) const FIELDS: [Known; 23] = {
    use Field::{Array, Flag, Map, Number, Source, Text};
    [
        both("cf.load_balancer.name", Text(TextField::Balancer)),
        both("cf.load_balancer.region", Text(TextField::Region)),
        both("ip.src", Source),
        both("ip.src.asnum", Number(NumberField::Asn)),
        http("http.cookie", Text(TextField::Cookie)),
        http("http.host", Text(TextField::Host)),
        http("http.referer", Text(TextField::Referer)),
        http("http.request.headers", Map(MapField::Headers)),
        http("http.request.method", Text(TextField::Method)),
        http("http.request.timestamp.sec", Number(NumberField::Timestamp)),
        http("http.request.uri", Text(TextField::Uri)),
        http("http.request.uri.path", Text(TextField::Path)),
        http("http.request.uri.query", Text(TextField::Query)),
        http("http.request.uri.args", Map(MapField::Args)),
        http("http.request.uri.args.names", Array(ArrayField::ArgNames)),
        http("http.request.uri.args.values", Array(ArrayField::ArgValues)),
        http("http.request.version", Text(TextField::Version)),
        dns("dns.qry.name", Text(TextField::QueryName)),
        dns("dns.qry.name.len", Number(NumberField::QueryNameLength)),
        dns("dns.qry.qu", Flag(FlagField::Question)),
        dns("dns.qry.type", Number(NumberField::QueryType)),
        dns("dns.rr.opt.client", Flag(FlagField::HasClientSubnet)),
        dns("dns.rr.opt.client.addr", Text(TextField::ClientSubnet)),
    ]
};

/// Beginnings of names that other products' rules have; a person who writes one did not mistype.
const ELSEWHERE: [&str; 18] = [
    "cf.bot_management.",
    "cf.client.",
    "cf.edge.",
    "cf.threat_score",
    "cf.tls",
    "cf.waf.",
    "cf.zone.",
    "http.request.accepted_languages",
    "http.request.body.",
    "http.request.cookies",
    "http.request.full_uri",
    "http.response.",
    "http.user_agent",
    "http.x_forwarded_for",
    "ip.geoip.",
    "ip.src.",
    "raw.",
    "ssl",
];

/// Static, so that a parsed expression points into the table.
static TABLE: [Known; FIELDS.len()] = FIELDS;

// === impl Known ===

impl Known {
    pub(crate) fn find(name: &str) -> Option<&'static Known> {
        TABLE.iter().find(|known| known.name == name)
    }

    pub(crate) fn is_elsewhere(name: &str) -> bool {
        ELSEWHERE.iter().any(|beginning| name.starts_with(beginning))
    }
}

const fn both(name: &'static str, field: Field) -> Known {
    Known { name, field, phase: None }
}

const fn http(name: &'static str, field: Field) -> Known {
    Known { name, field, phase: Some(Phase::Http) }
}

const fn dns(name: &'static str, field: Field) -> Known {
    Known { name, field, phase: Some(Phase::Dns) }
}

// === impl Type ===

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::One(scalar) => write!(f, "{scalar}"),
            Type::Array(scalar) | Type::Each(scalar) => write!(f, "Array<{scalar}>"),
            Type::Map => f.write_str("Map<Array<String>>"),
            Type::EachArray => f.write_str("Array<Array<String>>"),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scalar::Bool => "Bool",
            Scalar::Int => "Int",
            Scalar::Ip => "IP",
            Scalar::String => "String",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_load_balancer_rules() {
        let shown = FIELDS.iter().map(|known| {
            let phase = known.phase.map_or("both".into(), |phase| format!("{phase:?}"));
            format!("{} {phase}", known.name)
        });
        let expected = "cf.load_balancer.name both,cf.load_balancer.region both,ip.src both,\
            ip.src.asnum both,http.cookie Http,http.host Http,http.referer Http,\
            http.request.headers Http,http.request.method Http,http.request.timestamp.sec Http,\
            http.request.uri Http,http.request.uri.path Http,http.request.uri.query Http,\
            http.request.uri.args Http,http.request.uri.args.names Http,\
            http.request.uri.args.values Http,http.request.version Http,dns.qry.name Dns,\
            dns.qry.name.len Dns,dns.qry.qu Dns,dns.qry.type Dns,dns.rr.opt.client Dns,\
            dns.rr.opt.client.addr Dns";
        assert_eq!(shown.collect::<Vec<_>>().join(","), expected);
    }
}
