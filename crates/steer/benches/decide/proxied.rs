//! The proxied request that a decision is measured with.

use trimtab_expr::HttpRequest;
use trimtab_model::Wanted;
use trimtab_model::balancer::{FixedResponse, Rule, RuleAction, SessionAffinity, SteeringPolicy};
use trimtab_steer::{Client, Found, Http};

use crate::stage::{POOLS, Stage, balancer_of, staged, world};

pub(crate) type Lines = &'static [(&'static [u8], &'static [u8])];

/// What a load generator sends.
pub(crate) const GENERATOR: Lines = &[(b"host", b"www.bench.example")];
/// What a browser sends.
pub(crate) const BROWSER: Lines = &[
    (b"host", b"www.bench.example"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"accept-language", b"de,en-US;q=0.7,en;q=0.3"),
    (b"connection", b"keep-alive"),
    (b"sec-fetch-dest", b"document"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-site", b"none"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"cookie", b"session=0123456789abcdef; theme=dark"),
];

/// Those of `bench/http`: evaluated for each request, and none is ever true.
const RULES: [&str; 5] = [
    r#"http.request.uri.path contains "/never""#,
    r#"http.host eq "never.example""#,
    r#"any(http.request.headers["x-never"][*] eq "yes")"#,
    "ip.src in {192.0.2.0/24 198.51.100.0/24 203.0.113.0/24}",
    r#"http.cookie contains "never=""#,
];

/// Whether the balancer uses what costs something at each request: cookies for sessions, and rules.
#[derive(Clone, Copy)]
pub(crate) enum Features {
    Off,
    On,
}

/// A request to a balancer, and the world that it comes to.
pub(crate) struct Asked {
    pub(crate) stage: Stage,
    pub(crate) request: HttpRequest<'static>,
}

// === impl Asked ===

impl Asked {
    /// The sender, whose session is new.
    pub(crate) fn client(&self) -> Client<'_> {
        let http = Http { request: &self.request, sessions: &Found::None, failed: &[] };
        Client {
            name: self.request.host,
            subnet: None,
            wanted: Wanted::Endpoint,
            http: Some(http),
            ..self.stage.client
        }
    }
}

pub(crate) fn asked(features: Features, uri: &'static str, lines: &'static Lines) -> Asked {
    let balancer = balancer_of(SteeringPolicy::Off, POOLS, |config| {
        config.proxied = true;
        if let Features::On = features {
            config.affinity.kind = SessionAffinity::Cookie;
            config.rules = RULES.iter().map(|condition| rule(condition)).collect();
        }
    });
    let request = HttpRequest {
        method: b"GET",
        host: b"www.bench.example",
        uri: uri.as_bytes(),
        version: b"HTTP/1.1",
        timestamp_seconds: 1_700_000_000,
        headers: lines,
    };
    Asked { stage: staged(world(POOLS, false), balancer), request }
}

fn rule(condition: &str) -> Rule {
    Rule {
        name: String::new(),
        condition: condition.into(),
        disabled: false,
        priority: 0,
        terminates: false,
        action: RuleAction::FixedResponse(FixedResponse {
            status_code: Some(404),
            content_type: None,
            location: None,
            message_body: Some("never".into()),
        }),
    }
}
