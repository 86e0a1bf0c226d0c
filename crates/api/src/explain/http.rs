//! What an explanation of a proxied request has beside the decision: the request, its session, and where it goes.

use std::net::SocketAddr;
use std::ops::ControlFlow;

use trimtab_api_types::v1::explain::{
    Explanation, Fixed, Http as Told, Request, Scheme, SessionAt, Step, Tried, Upstream,
};
use trimtab_expr::{Headers, HttpRequest};
use trimtab_model::Problems;
use trimtab_model::balancer::SessionAffinity;
use trimtab_steer::{
    Affinity, Balancer, Client, Failed, Found, Held, Http, Proxied, Sessions, Wanted, World,
};

use super::{Case, flips, pool_name};
use crate::errors::{Error, Service};

/// What stands for a type of records.
pub(super) const KIND: &str = "HTTP";
/// What rules compare; no question says another one.
const VERSION: &[u8] = b"HTTP/1.1";
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Header lines of a question.
struct Lines<'a> {
    host: &'a [u8],
    lines: &'a [(String, String)],
}

/// The session of a question: where it says, or what its headers begin.
struct Given<'a> {
    held: Option<Held>,
    headers: &'a Lines<'a>,
}

impl Headers for Lines<'_> {
    fn each<'h>(&'h self, visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>) {
        let lines = self.lines.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let mut all = std::iter::once((&b"host"[..], self.host)).chain(lines);
        // Who was told to stop has nothing left to do.
        let _stopped = all.try_for_each(|(name, value)| visit(name, value));
    }
}

impl Sessions for Given<'_> {
    fn find(&self, affinity: &Affinity<'_>) -> Found {
        match (self.held, affinity.kind) {
            (Some(held), _) => Found::Held(held),
            (None, SessionAffinity::Header) if affinity.visit_keys(self.headers, |_, _| {}) => {
                Found::New
            }
            (None, _) => Found::None,
        }
    }
}

// === impl Case ===

impl Case<'_> {
    /// Explains what would become of the request, sent by this client to this name.
    pub(super) fn explain_request(&self, request: &Request) -> Result<Explanation, Error> {
        let Case { snapshot, balancer, client, .. } = self;
        if !balancer.proxied {
            let name = &balancer.name;
            return Err(refused("/name", format!("{name} is not proxied and gets no requests")));
        }
        let session = request.session.as_ref();
        let held = session.map(|at| held(&snapshot.world, balancer, at)).transpose()?;
        let headers = Lines { host: client.name, lines: &request.headers };
        let asked = HttpRequest {
            method: request.method.as_bytes(),
            host: client.name,
            uri: request.path.as_bytes(),
            version: VERSION,
            timestamp_seconds: self.at.micros().div_euclid(MICROS_PER_SECOND),
            headers: &headers,
        };
        let sessions = Given { held, headers: &headers };
        let http = Some(Http { request: &asked, sessions: &sessions, failed: &[] });
        let client = Client { wanted: Wanted::Endpoint, http, ..*client };
        let over_tls = request.scheme == Scheme::Https;
        Ok(Case { client, over_tls, ..*self }.explain())
    }

    pub(super) fn told_of_request(&self, http: &Http<'_>, proxied: &Proxied<'_>) -> Told {
        let world = &self.snapshot.world;
        let scheme = if self.over_tls { Scheme::Https } else { Scheme::Http };
        Told {
            method: text(http.request.method),
            path: text(path_of(http.request.uri)),
            scheme: scheme.word(),
            session: proxied.session.label(),
            failed: http.failed.iter().map(|failed| tried(world, *failed)).collect(),
            upstream: self.upstream(http, proxied),
            fixed_response: proxied.fixed.map(|fixed| Fixed {
                status_code: fixed.status(),
                content_type: fixed.content_type.clone(),
                location: fixed.location.clone(),
                message_body: fixed.message_body.clone(),
            }),
        }
    }

    fn upstream(&self, http: &Http<'_>, proxied: &Proxied<'_>) -> Option<Upstream> {
        let decision = &proxied.decision;
        let (pick, pool) = (decision.picks.iter().next()?, decision.pool?);
        let endpoint = decision.endpoint(pick)?;
        let address = SocketAddr::new(pick.data.address()?, pool.port_of(endpoint));
        Some(Upstream {
            pool: pool.name.to_string(),
            endpoint: endpoint.name.to_string(),
            address: address.to_string(),
            tls: pool.uses_tls(endpoint),
            host: endpoint.host.as_deref().map_or_else(|| host_of(http), str::to_owned),
        })
    }

    pub(super) fn question_of_request(&self, http: &Told) -> String {
        let Told { method, scheme, path, .. } = http;
        let (host, from, balancer) = (text(self.client.name), self.client.address, self.balancer);
        let name = &balancer.name;
        format!("{method} {scheme}://{host}{path} from {from}: the load balancer {name} proxies it")
    }
}

/// The last sentence: what the request gets.
pub(super) fn ending(http: &Told) -> Option<Step> {
    if let Some(Fixed { status_code, location, .. }) = &http.fixed_response {
        let to = location.as_deref().map(|location| format!(" to {location}")).unwrap_or_default();
        let description = format!("the rule answers {status_code}{to}, and no endpoint is asked");
        return Some(Step { step_name: "fixed_response", description });
    }
    let Upstream { pool, endpoint, address, tls, host } = http.upstream.as_ref()?;
    let over = if *tls { "TLS" } else { "plain HTTP" };
    let description = format!(
        "the request goes to {endpoint} of pool {pool} at {address} over {over}, with Host {host}"
    );
    Some(Step { step_name: "upstream", description })
}

/// The endpoint that the question says its session is at.
fn held(world: &World, balancer: &Balancer, at: &SessionAt) -> Result<Held, Error> {
    let mut pools = balancer.pools.iter().filter_map(|slot| world.pool(*slot));
    let named = pools.find(|pool| *pool.name == *at.pool || pool.id.to_string() == at.pool);
    let pool = named.ok_or_else(|| {
        let (name, pool) = (&balancer.name, &at.pool);
        refused("/session/pool", format!("{name} has no pool {pool}"))
    })?;
    let mut endpoints = pool.endpoints.iter();
    let named = endpoints
        .find(|endpoint| *endpoint.name == *at.origin || endpoint.address.to_string() == at.origin);
    let endpoint = named.ok_or_else(|| {
        let (pool, origin) = (&pool.name, &at.origin);
        refused("/session/origin", format!("pool {pool} has no origin {origin}"))
    })?;
    Ok(Held { pool: pool.hash, endpoint: endpoint.hash })
}

fn tried(world: &World, Failed { pool, endpoint }: Failed) -> Tried {
    Tried { pool: pool_name(world, pool), endpoint: flips::endpoint_name(world, pool, endpoint) }
}

/// As the client wrote it, with its port; HTTP/2 may leave it out.
fn host_of(http: &Http<'_>) -> String {
    let mut written = None;
    http.request.headers.named(b"host", &mut |value| {
        written = Some(value);
        ControlFlow::Break(())
    });
    text(written.unwrap_or(http.request.host))
}

/// Queries may hold secrets, and decisions that are kept are written down.
fn path_of(uri: &[u8]) -> &[u8] {
    uri.split(|byte| *byte == b'?').next().unwrap_or_default()
}

fn refused(pointer: &str, message: String) -> Error {
    let mut problems = Problems::default();
    problems.add(pointer, message);
    Error::refused(Service::Plain, problems)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
