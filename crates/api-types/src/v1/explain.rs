//! Why a name gets its answer: the question, and the decision step by step. Not part of the hosted API.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;
use trimtab_model::{Name, Problems, Wanted};
use utoipa::ToSchema;

use crate::body::{self, Node, hostname, text};

/// A client subnet in CIDR form is at most this long.
const NET_CHARS_MAX: usize = 43;

/// No name of a type is as long.
const TYPE_CHARS_MAX: usize = 16;

/// Who asks for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub name: Name,
    pub wanted: Wanted,
    /// The address that the query would come from; loopback when not given.
    pub resolver: IpAddr,
    /// Address and prefix length, the bits behind the prefix cleared.
    pub subnet: Option<(IpAddr, u8)>,
}

/// The decision that the question would get now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// In the order of the answer; decisions by chance draw anew with each question.
    pub addresses: Vec<String>,
    /// Seconds.
    pub ttl: u32,
    /// Bits of the client subnet that the answer holds for.
    pub scope: u8,
    /// Empty when there is no address to give.
    pub pool: String,
    pub policy: String,
    /// `steered`, `fallback` or `no_health`.
    pub reason: &'static str,
    pub steps: Vec<Step>,
}

/// One step of the decision, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplanationStep)]
pub struct Step {
    pub description: String,
}

/// Reads `{name, type?, resolver?, ecs?}`.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<Question, Problems> {
    body::read(body, |fields| {
        let name = fields.required("name", hostname);
        let wanted = fields.or("type", Wanted::A, record_type);
        let resolver = fields.or("resolver", IpAddr::from([127, 0, 0, 1]), address);
        let subnet = fields.optional("ecs", subnet);
        Some(Question { name: name?, wanted: wanted?, resolver: resolver?, subnet: subnet? })
    })
}

/// In any letter case, as people write it for `dig`.
fn record_type(node: &mut Node<'_>) -> Option<Wanted> {
    let written = text(TYPE_CHARS_MAX)(node)?;
    let read = Wanted::ALL.iter().copied().find(|known| written.eq_ignore_ascii_case(known.word()));
    if read.is_none() {
        let words: Vec<&str> = Wanted::ALL.iter().map(|known| known.word()).collect();
        let words = words.join(", ");
        node.refuse(format_args!("type {written} is not steered; one of {words} is"));
    }
    read
}

fn address(node: &mut Node<'_>) -> Option<IpAddr> {
    let written = text(NET_CHARS_MAX)(node)?;
    let read = written.parse().ok();
    if read.is_none() {
        node.refuse(format_args!("{written} is not an IP address"));
    }
    read
}

fn subnet(node: &mut Node<'_>) -> Option<(IpAddr, u8)> {
    let written = text(NET_CHARS_MAX)(node)?;
    let read = written.split_once('/').and_then(|(address, length)| {
        let address: IpAddr = address.parse().ok()?;
        let length: u8 = length.parse().ok()?;
        Some((cut(address, length)?, length))
    });
    if read.is_none() {
        node.refuse(format_args!("{written} is not a network such as 192.0.2.0/24"));
    }
    read
}

/// None when the prefix is longer than the address.
fn cut(address: IpAddr, length: u8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let spare = 32_u32.checked_sub(length.into())?;
            let mask = u32::MAX.checked_shl(spare).unwrap_or(0);
            Some(IpAddr::V4((v4.to_bits() & mask).into()))
        }
        IpAddr::V6(v6) => {
            let spare = 128_u32.checked_sub(length.into())?;
            let mask = u128::MAX.checked_shl(spare).unwrap_or(0);
            Some(IpAddr::V6((v6.to_bits() & mask).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_needs_a_name_and_has_usual_values() {
        let question = read(&json!({ "name": "WWW.example.com" })).unwrap();
        let want = Question {
            name: "www.example.com".parse().unwrap(),
            wanted: Wanted::A,
            resolver: [127, 0, 0, 1].into(),
            subnet: None,
        };
        assert_eq!(question, want);
    }

    #[test]
    fn subnets_lose_the_bits_behind_their_prefix() {
        let check = |ecs: &str, want: Option<(&str, u8)>| {
            let read = read(&json!({ "name": "a.b", "ecs": ecs })).ok().and_then(|q| q.subnet);
            assert_eq!(read, want.map(|(net, length)| (net.parse().unwrap(), length)), "{ecs}");
        };
        check("192.0.2.77/24", Some(("192.0.2.0", 24)));
        check("192.0.2.77/0", Some(("0.0.0.0", 0)));
        check("2001:db8::1/48", Some(("2001:db8::", 48)));
        check("192.0.2.0/33", None);
        check("192.0.2.0", None);
    }

    #[test]
    fn everything_wrong_is_told() {
        let body = json!({ "name": "no name", "type": "TXT", "resolver": "x", "ecs": "y" });
        let problems = read(&body).unwrap_err();
        let told: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(told, ["/name", "/type", "/resolver", "/ecs"]);
    }
}
