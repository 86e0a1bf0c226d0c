use std::sync::Arc;

use bytes::BytesMut;
use trimtab_health::PoolHealth;
use trimtab_model::balancer::{SteeringPolicy, ZeroDowntimeFailover};
use trimtab_model::{self as model, Origin};
use trimtab_steer::client::LocationSource;
use trimtab_steer::why::{EndpointChoice, PoolChoice};
use trimtab_steer::{Pool, PoolSlot, Session, Why};

use super::*;
use crate::h1::read_request;

const CLIENT: &str = "198.51.100.7";
const PEER: &str = "192.0.2.9";

const WHY: Why = Why {
    policy: SteeringPolicy::Off,
    location: LocationSource::NotAsked,
    geo: None,
    pool: None,
    chosen: PoolChoice::FirstUsable,
    endpoints: EndpointChoice::Drawn,
    rule: None,
};

/// An endpoint, with a `Host` of its own where one is given.
fn target(host: Option<&str>) -> Target {
    let origin = Origin { host: host.map(str::to_owned), ..trimtab_testkit::origin() };
    let config = model::Pool { origins: vec![origin], ..trimtab_testkit::pool() };
    let pool = Pool::build(&config, PoolHealth::unmonitored(1));
    Target {
        balancer: model::BalancerId::new([0; 16]),
        slot: PoolSlot(0),
        endpoint: 0,
        address: "192.0.2.1:80".parse().unwrap(),
        session: Session::None,
        failover: ZeroDowntimeFailover::None,
        has_affinity: false,
        bind: None,
        why: WHY,
        country: "JP".parse().ok(),
        open: None,
        place: None,
        pool: Arc::new(pool),
    }
}

/// What the origin gets, line by line, for the lines that a client sent after its request line.
fn check(line: &str, lines: &[&str], is_trusted: bool, host: Option<&str>, want: &[&str]) {
    let head = format!(
        "{line} HTTP/1.1\r\n{}\r\n",
        lines.iter().map(|l| format!("{l}\r\n")).collect::<String>()
    );
    let head = read_request(BytesMut::from(&*head), Vec::new()).unwrap();
    let sender = Sender {
        client: CLIENT.parse().unwrap(),
        peer: PEER.parse().unwrap(),
        is_trusted,
        over_tls: true,
        ray: b"0123456789abcdef-FRA",
        certificate: None,
    };
    let mut out = BytesMut::new();
    put_head(&mut out, &head, &target(host), &sender);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let got: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(got, want, "{line} {lines:?}");
}

const OWN: [&str; 7] = [
    "x-forwarded-for: 198.51.100.7",
    "x-forwarded-proto: https",
    "cf-connecting-ip: 198.51.100.7",
    "cf-ray: 0123456789abcdef-FRA",
    "cf-ipcountry: JP",
    "cf-visitor: {\"scheme\":\"https\"}",
    "cdn-loop: trimtab",
];

#[test]
fn semantics_36_an_origin_is_told_who_the_client_is() {
    let with = |start: &[&'static str]| [start, &OWN].concat();
    check(
        "GET /a?b",
        &["Host: A.example:8"],
        false,
        None,
        &with(&["GET /a?b HTTP/1.1", "host: a.example:8"]),
    );
    check(
        "GET /",
        &["Host: a"],
        false,
        Some("own.example"),
        &with(&["GET / HTTP/1.1", "host: own.example"]),
    );
    // What an untrusted client claims is replaced.
    let claims = [
        "Host: a",
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Proto: ftp",
        "CF-Connecting-IP: 203.0.113.9",
        "CF-Ray: 1-XXX",
        "CF-IPCountry: XX",
        "CF-Visitor: {}",
    ];
    check("GET /", &claims, false, None, &with(&["GET / HTTP/1.1", "host: a"]));
    check(
        "GET /",
        &[
            "Host: a",
            "X-Forwarded-For: 203.0.113.9, 10.0.0.1",
            "X-Forwarded-Proto: http",
            "CDN-Loop: other; v=1",
        ],
        true,
        None,
        &[
            "GET / HTTP/1.1",
            "host: a",
            "x-forwarded-proto: http",
            "x-forwarded-for: 203.0.113.9, 10.0.0.1, 192.0.2.9",
            "cf-connecting-ip: 198.51.100.7",
            "cf-ray: 0123456789abcdef-FRA",
            "cf-ipcountry: JP",
            "cf-visitor: {\"scheme\":\"https\"}",
            "cdn-loop: other; v=1, trimtab",
        ],
    );
}

#[test]
fn rfc_9110_section_7_6_1_fields_of_one_hop_end_here() {
    let hop = [
        "Host: a",
        "Connection: keep-alive, X-Private",
        "X-Private: 1",
        "X-Public: 2",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eDp5",
        "TE: trailers",
        "Trailer: x",
        "Upgrade: h2c",
        "HTTP2-Settings: AA",
    ];
    let want = [&["GET / HTTP/1.1", "host: a", "x-public: 2"][..], &OWN].concat();
    check("GET /", &hop, false, None, &want);
}

#[test]
fn bodies_are_framed_anew() {
    let want = |end: &'static str| [&["POST / HTTP/1.1", "host: a"][..], &OWN, &[end]].concat();
    check("POST /", &["Host: a", "Content-Length: 05"], false, None, &want("content-length: 5"));
    check("POST /", &["Host: a"], false, None, &want("content-length: 0"));
}

#[test]
fn semantics_36_a_request_that_has_been_here_is_known() {
    let check = |value: &str, want| {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nCDN-Loop: {value}\r\n\r\n");
        let head = read_request(BytesMut::from(&*head), Vec::new()).unwrap();
        assert_eq!(loops(&head), want, "{value}");
    };
    check("trimtab", true);
    check("other, TRIMTAB; v=2", true);
    check("other; x=trimtab", false);
    check("trimtabs", false);
}
