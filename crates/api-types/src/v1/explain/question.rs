//! What is asked for an explanation.

mod http;
mod schema;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;
use trimtab_model::balancer::MAP_ENTRIES_MAX;
use trimtab_model::{Name, PoolId, Problems, Wanted};

use crate::body::{self, Node, Object, flag, hostname, text, whole};

pub use http::{Request, Scheme, SessionAt};

/// A client subnet in CIDR form is at most this long.
const NET_CHARS_MAX: usize = 43;
/// No name of a type is as long.
const TYPE_CHARS_MAX: usize = 16;
const TRACE_DIGITS: usize = 16;
/// Of an airport's code.
const PLACE_LETTERS: usize = 3;

/// Who asks for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub name: Name,
    pub wanted: Wanted,
    /// The address that the query or request would come from; loopback when not given.
    pub resolver: IpAddr,
    /// Address and prefix length, the bits behind the prefix cleared.
    pub subnet: Option<(IpAddr, u8)>,
    /// The dice to decide with, to see the same draw again; drawn anew when not given.
    pub trace: Option<u64>,
    /// Requests under way at pools, for policies that count them. DNS counts none: this says what would be if it did.
    pub open_requests: BTreeMap<PoolId, u32>,
    /// The request belongs to a session; no question of DNS does.
    pub session: bool,
    /// What is asked about is a request; None asks about a question of DNS.
    pub request: Option<Request>,
}

/// What is said of a session: whether there is one, or the endpoint that it is at.
enum Session {
    Is(bool),
    At(SessionAt),
}

/// Reads `{name, type?, resolver?, ecs?, trace_id?, open_requests?, session?}`, and of a request `{method?, path?, scheme?,
/// headers?}` instead of `type` and `ecs`.
///
/// # Errors
/// Every problem of the body.
pub fn read(body: &Value) -> Result<Question, Problems> {
    body::read(body, |fields| {
        let name = fields.required("name", hostname);
        let wanted = fields.or("type", Wanted::A, record_type);
        let resolver = fields.or("resolver", IpAddr::from([127, 0, 0, 1]), address);
        let subnet = fields.optional("ecs", subnet);
        let trace = fields.optional("trace_id", trace);
        let open_requests = fields.or("open_requests", BTreeMap::new(), |node| {
            node.map(MAP_ENTRIES_MAX, whole(0..=u32::MAX))
        });
        let (session, at) = match fields.or("session", Session::Is(false), session) {
            None => (None, None),
            Some(Session::Is(session)) => (Some(session), None),
            Some(Session::At(at)) => (Some(false), Some(at)),
        };
        let request = request(fields, at);
        Some(Question {
            name: name?,
            wanted: wanted?,
            resolver: resolver?,
            subnet: subnet?,
            trace: trace?,
            open_requests: open_requests?,
            session: session?,
            request: request?,
        })
    })
}

fn session(node: &mut Node<'_>) -> Option<Session> {
    match node.value() {
        Value::Object(_) => http::session_at(node).map(Session::At),
        _ => flag(node).map(Session::Is),
    }
}

/// Whoever says anything of a request asks about one.
fn request(fields: &mut Object<'_>, session: Option<SessionAt>) -> Option<Option<Request>> {
    if session.is_none() && !http::FIELDS.iter().any(|key| fields.has(key)) {
        return Some(None);
    }
    for key in ["type", "ecs"].into_iter().filter(|key| fields.has(key)).collect::<Vec<_>>() {
        fields.refuse(
            key,
            format_args!("{key} is of questions of DNS, and this one is of a request"),
        );
    }
    http::read(fields, session).map(Some)
}

/// In any letter case, as people write it for `dig`.
fn record_type(node: &mut Node<'_>) -> Option<Wanted> {
    let written = text(TYPE_CHARS_MAX)(node)?;
    let read = Wanted::RECORDS.into_iter().find(|known| written.eq_ignore_ascii_case(known.word()));
    if read.is_none() {
        let words: Vec<&str> = Wanted::RECORDS.iter().map(|known| known.word()).collect();
        let words = words.join(", ");
        node.refuse(format_args!("type {written} is not steered; one of {words} is"));
    }
    read
}

fn trace(node: &mut Node<'_>) -> Option<u64> {
    let written = text(TRACE_DIGITS)(node)?;
    let read = trace_id(&written);
    if read.is_none() {
        node.refuse(format_args!(
            "{written} is not a trace id of {TRACE_DIGITS} hexadecimal digits"
        ));
    }
    read
}

/// A trace id, or the ray of a request, which is one with the place of its node behind it.
pub fn trace_or_ray(text: &str) -> Option<u64> {
    let (trace, place) = text.split_once('-').unwrap_or((text, "FRA"));
    let is_place = place.len() == PLACE_LETTERS && place.bytes().all(|b| b.is_ascii_uppercase());
    trace_id(trace).filter(|_| is_place)
}

/// As [`Explanation::trace_id`](super::Explanation::trace_id) is written.
fn trace_id(text: &str) -> Option<u64> {
    let whole = text.len() == TRACE_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| whole)
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
            trace: None,
            open_requests: BTreeMap::new(),
            session: false,
            request: None,
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
    fn trace_ids_are_sixteen_digits() {
        assert_eq!(trace_id("0123456789abcdef"), Some(0x0123_4567_89ab_cdef));
        for wrong in ["123456789abcdef", "+123456789abcdef", "0123456789abcdeg", ""] {
            assert_eq!(trace_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_ray_is_a_trace_id_and_a_place() {
        for right in ["0123456789abcdef", "0123456789abcdef-FRA"] {
            assert_eq!(trace_or_ray(right), Some(0x0123_4567_89ab_cdef), "{right}");
        }
        for wrong in ["0123456789abcdef-", "0123456789abcdef-fra", "0123456789abcdef-FRA-", "-FRA"]
        {
            assert_eq!(trace_or_ray(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn everything_wrong_is_told() {
        let body = json!({ "name": "no name", "type": "TXT", "resolver": "x", "ecs": "y", "trace_id": "12" });
        let problems = read(&body).unwrap_err();
        let told: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(told, ["/name", "/type", "/resolver", "/ecs", "/trace_id"]);
    }
}
