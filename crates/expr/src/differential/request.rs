//! Facts that own what they lend.

use std::net::IpAddr;

use super::generator::Dice;
use crate::facts::{DnsQuestion, Facts, HttpRequest, Request};

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) balancer: &'static str,
    pub(super) region: &'static str,
    pub(super) source: IpAddr,
    pub(super) asn: Option<u32>,
    pub(super) request: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Dns { name: &'static str, qtype: u16, is_question: bool, client_subnet: Option<IpAddr> },
    Http(Http),
    Opaque,
}

#[derive(Debug)]
pub(super) struct Http {
    pub(super) method: &'static str,
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    /// None: no question mark.
    pub(super) query: Option<String>,
    pub(super) timestamp: i64,
    pub(super) headers: Vec<(&'static str, &'static [u8])>,
}

pub(super) const VERSION: &str = "HTTP/1.1";

const HEADER_NAMES: [&str; 4] = ["a", "b", "cookie", "referer"];
pub(super) const HEADER_VALUES: [&[u8]; 10] = [
    b"a",
    b"Ab",
    b"",
    b"abc",
    b"a,b,,a",
    b"%61+b",
    b"YWI=",
    b"\xff\"\\",
    br#"{"a":"b","b":[1,{"a":-1}]}"#,
    br#"["a","\u0061b",28,4.0]"#,
];
const ARGS: [&str; 7] = ["a=a", "a=ab", "b=", "b", "A=1", "=a", "a=%61"];

// === impl Sample ===

impl Sample {
    pub(super) fn new(dice: &mut Dice) -> Sample {
        Sample {
            balancer: dice.one(&["lb.example.com", "a", "ab"]),
            region: dice.one(&["ENAM", "WEU"]),
            source: dice.address(),
            asn: dice.one(&[None, Some(0), Some(28), Some(65_000)]),
            request: match dice.below(7) {
                0 => Kind::Opaque,
                1 | 2 => Kind::Dns {
                    name: dice.one(&["a.", "example.com.", "."]),
                    qtype: dice.one(&[0, 1, 28]),
                    is_question: dice.chance(),
                    client_subnet: if dice.chance() { Some(dice.address()) } else { None },
                },
                _ => Kind::Http(Http::new(dice)),
            },
        }
    }

    pub(super) fn with<R>(&self, run: impl FnOnce(&Facts<'_>) -> R) -> R {
        let headers: Vec<(&[u8], &[u8])>;
        let (header_lines, uri);
        let request = match &self.request {
            Kind::Opaque => Request::Opaque,
            Kind::Dns { name, qtype, is_question, client_subnet } => Request::Dns(&DnsQuestion {
                name: name.as_bytes(),
                qtype: *qtype,
                is_question: *is_question,
                client_subnet: *client_subnet,
            }),
            Kind::Http(http) => {
                headers =
                    http.headers.iter().map(|(name, value)| (name.as_bytes(), *value)).collect();
                header_lines = headers.as_slice();
                uri = http.uri();
                Request::Http(&HttpRequest {
                    method: http.method.as_bytes(),
                    host: http.host.as_bytes(),
                    uri: uri.as_bytes(),
                    version: VERSION.as_bytes(),
                    timestamp_seconds: http.timestamp,
                    headers: &header_lines,
                })
            }
        };
        run(&Facts {
            balancer: self.balancer.as_bytes(),
            region: self.region.as_bytes(),
            source: self.source,
            asn: &|| self.asn,
            request,
        })
    }
}

// === impl Http ===

impl Http {
    fn new(dice: &mut Dice) -> Http {
        let lines = dice.below(6);
        let args = dice.below(5);
        Http {
            method: dice.one(&["GET", "POST"]),
            host: dice.one(&["a", "Ab.example", "ab"]),
            path: dice.one(&["/", "/a", "/a/b%20c"]),
            query: match dice.below(4) {
                0 => None,
                _ => Some((0..args).map(|_| dice.one(&ARGS)).collect::<Vec<_>>().join("&")),
            },
            timestamp: dice.one(&[0, 28, 1_700_000_000]),
            headers: (0..lines)
                .map(|_| (dice.one(&HEADER_NAMES), dice.one(&HEADER_VALUES)))
                .collect(),
        }
    }

    pub(super) fn uri(&self) -> String {
        let query = self.query.as_ref().map_or(String::new(), |query| format!("?{query}"));
        format!("{}{query}", self.path)
    }
}
