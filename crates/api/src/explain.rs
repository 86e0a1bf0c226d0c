//! Decides as DNS or the proxy would, or as they did, and has everything told.

pub(crate) mod asked;
pub(crate) mod evidence;
mod flips;
mod http;

use std::collections::HashMap;

use trimtab_api_types::number::Number;
use trimtab_api_types::v1::explain::{
    Answered, AskedBalancer, Asker, Candidate, Explanation, Http, Located, Question, Ruled,
    RunnerUp, Step as Told, Tries,
};
use trimtab_dns::PROXIED_TTL;
use trimtab_live::{Snapshot, clock};
use trimtab_model::{Moment, Timestamp};
use trimtab_steer::client::LocationSource;
use trimtab_steer::tell::{RecordText, told};
use trimtab_steer::what_if::Asking;
use trimtab_steer::{
    Balancer, Client, Decision, Load, PoolSlot, Step, Subnet, World, explain as decide_aloud,
    explain_request as decide_request_aloud,
};

use self::asked::Asked;
use crate::errors::Error;
use crate::ids;

/// One decision, made or to be made.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub snapshot: &'a Snapshot,
    pub balancer: &'a Balancer,
    pub client: Client<'a>,
    /// On the clock that health is dated with, and on the wall.
    pub now: Moment,
    pub at: Timestamp,
    pub dice: u64,
    /// The client of a request speaks TLS.
    pub over_tls: bool,
}

/// Questions asked again with other dice, for the shares.
const TRIES: u32 = 1000;

/// The decision that the question or request would get now.
///
/// # Errors
/// When it is about a request that this balancer gets none of, or a session that is nowhere.
pub(crate) fn explain(
    snapshot: &Snapshot,
    asked: &Asked<'_>,
    question: &Question,
    at: Timestamp,
) -> Result<Explanation, Error> {
    let balancer = asked.balancer;
    let load = GivenLoad::new(&snapshot.world, question);
    let client = Client {
        name: asked.name().as_bytes(),
        address: question.resolver,
        subnet: question.subnet.map(|(address, source_prefix)| Subnet { address, source_prefix }),
        wanted: question.wanted,
        load: (!load.0.is_empty()).then_some(&load),
        session: question.session,
        http: None,
    };
    // Without dice from the system, chance is explained with the same draw each time.
    let dice = question.trace.unwrap_or_else(|| {
        ids::random()
            .map_or(0, |[a, b, c, d, e, f, g, h, ..]| u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    });
    let case = Case { snapshot, balancer, client, now: clock::now(), at, dice, over_tls: false };
    if let Some(request) = &question.request {
        return case.explain_request(request);
    }
    let name = format!("{}.", asked.name());
    let mut told = Case { client: Client { name: name.as_bytes(), ..client }, ..case }.explain();
    told.steps.splice(0..0, asked.names.array_windows().map(alias));
    Ok(told)
}

fn alias([from, to]: &[String; 2]) -> Told {
    let description = format!("{from} is an alias (CNAME) of {to}");
    Told { step_name: "alias", description }
}

/// Open requests as the question gives them.
#[derive(Clone, Debug)]
struct GivenLoad(HashMap<PoolSlot, u32>);

// === impl GivenLoad ===

impl GivenLoad {
    /// At the pools that the world has; of others nobody can be told.
    fn new(world: &World, question: &Question) -> GivenLoad {
        let slots = (0..).map(PoolSlot).zip(world.pools.iter());
        let open = slots.filter_map(|(slot, pool)| {
            Some((slot, *question.open_requests.get(&pool.as_ref()?.id)?))
        });
        GivenLoad(open.collect())
    }
}

impl Load for GivenLoad {
    fn pool(&self, pool: PoolSlot) -> u32 {
        self.0.get(&pool).copied().unwrap_or(0)
    }

    /// Questions give them for pools alone.
    fn endpoint(&self, _pool: PoolSlot, _endpoint: u16) -> u32 {
        0
    }
}

// === impl Case ===

impl Case<'_> {
    pub fn explain(&self) -> Explanation {
        if self.balancer.proxied && self.client.http.is_none() {
            return self.explain_proxied();
        }
        let Case { snapshot, balancer, client, now, dice, .. } = *self;
        let world = &snapshot.world;
        let (decision, http, steps) = self.decide();
        let asking = Asking { world, balancer, client: &client, now, dice };
        let flips = asking.flips(&decision, &steps);
        let answers: Vec<Answered> = answers(world, &decision, now).collect();
        let why = decision.why;
        Explanation {
            kind: if http.is_some() { http::KIND } else { client.wanted.word() },
            addresses: answers.iter().map(|answer| answer.data.clone()).collect(),
            answers,
            ttl: if http.is_some() { 0 } else { decision.ttl },
            configured_ttl: configured_ttl(&steps),
            soonest_flip_ms: flips::millis(decision.soonest_flip),
            scope: decision.scope,
            pool: why.pool.map(|slot| pool_name(world, slot)).unwrap_or_default(),
            policy: why.policy.word().to_owned(),
            reason: why.chosen.label(),
            location: steps.iter().find_map(located),
            rules: steps.iter().filter_map(|step| ruled(balancer, step)).collect(),
            candidates: candidates(world, &steps, &decision, now),
            runner_up: asking.runner_up(&decision).map(|(slot, how)| RunnerUp {
                pool: pool_name(world, slot),
                reason: how.label(),
                description: flips::runner_up(world, slot, why.pool, how),
            }),
            flips: flips.iter().map(|flip| flips::told(world, flip)).collect(),
            tries: tries(world, &asking),
            steps: self.sentences(&decision, &steps, http.as_ref()),
            http,
            ..self.outline()
        }
    }

    /// DNS decides nothing for a proxied name: it answers with this node, which decides for each request.
    fn explain_proxied(&self) -> Explanation {
        let addresses = self.snapshot.node.addresses(self.client.wanted).iter();
        let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
        let answer = match addresses.is_empty() {
            true => format!("[proxy] has no addresses for {}: no data", self.client.wanted),
            false => format!("answer {}, TTL {PROXIED_TTL} s", addresses.join(", ")),
        };
        let told = [("question", self.question()), ("answer", answer)];
        let told = told.map(|(step_name, description)| Told { step_name, description });
        Explanation { addresses, steps: told.into(), ..self.outline() }
    }

    /// Who asked whom, and nothing of a decision.
    fn outline(&self) -> Explanation {
        let Case { snapshot, balancer, client, at, dice, .. } = *self;
        Explanation {
            trace_id: format!("{dice:016x}"),
            at,
            revision: snapshot.revision,
            name: String::from_utf8_lossy(client.name).trim_end_matches('.').to_owned(),
            kind: client.wanted.word(),
            client: Asker {
                resolver: client.address.to_string(),
                ecs: client.subnet.map(|net| format!("{}/{}", net.address, net.source_prefix)),
            },
            load_balancer: AskedBalancer {
                id: balancer.id.to_string(),
                name: balancer.name.to_string(),
                proxied: balancer.proxied,
            },
            http: None,
            addresses: Vec::new(),
            answers: Vec::new(),
            ttl: PROXIED_TTL,
            configured_ttl: PROXIED_TTL,
            soonest_flip_ms: None,
            scope: 0,
            pool: String::new(),
            policy: String::new(),
            reason: "proxied",
            location: None,
            rules: Vec::new(),
            candidates: Vec::new(),
            runner_up: None,
            flips: Vec::new(),
            tries: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// With what is told of a request alone.
    fn decide(&self) -> (Decision<'_>, Option<Http>, Vec<Step>) {
        let Case { snapshot, balancer, client, now, dice, .. } = self;
        let Some(of) = &client.http else {
            let (decision, steps) = decide_aloud(&snapshot.world, balancer, client, *now, *dice);
            return (decision, None, steps);
        };
        let (proxied, steps) = decide_request_aloud(&snapshot.world, balancer, client, *now, *dice);
        let http = self.told_of_request(of, &proxied);
        (proxied.decision, Some(http), steps)
    }

    fn sentences(&self, decision: &Decision<'_>, steps: &[Step], http: Option<&Http>) -> Vec<Told> {
        let Case { snapshot, balancer, now, .. } = *self;
        let question = http.map_or_else(|| self.question(), |http| self.question_of_request(http));
        let question = Told { step_name: "question", description: question };
        let told = told(balancer, &decision.why, steps, &snapshot.world, now).into_iter();
        let told = told.map(|(step_name, description)| Told { step_name, description });
        std::iter::once(question).chain(told).chain(http.and_then(http::ending)).collect()
    }

    fn question(&self) -> String {
        let Case { balancer, client, .. } = self;
        let subnet =
            client.subnet.map(|net| format!(", for {}/{}", net.address, net.source_prefix));
        let who = match balancer.proxied {
            false => "answers, before any record of its name",
            true => {
                "is proxied: DNS answers this node's own addresses, and what becomes of a request to them is decided for each; ask with a path, method, headers, scheme or session how one goes on"
            }
        };
        format!(
            "{} {} from {}{}: the load balancer {} {who}",
            client.wanted,
            String::from_utf8_lossy(client.name),
            client.address,
            subnet.unwrap_or_default(),
            balancer.name
        )
    }
}

fn pool_name(world: &World, slot: PoolSlot) -> String {
    world.pool(slot).map(|pool| pool.name.to_string()).unwrap_or_default()
}

fn answers<'a>(
    world: &'a World,
    decision: &'a Decision<'_>,
    now: Moment,
) -> impl Iterator<Item = Answered> + 'a {
    let pool = decision.why.pool.and_then(|slot| world.pool(slot));
    decision.picks.iter().filter_map(move |pick| {
        let (pool, index) = (pool?, usize::from(pick.endpoint));
        let endpoint = pool.endpoints.get(index)?;
        Some(Answered {
            data: RecordText { endpoint, data: pick.data }.to_string(),
            pool: pool.name.to_string(),
            endpoint: evidence::endpoint(endpoint, pool.health.endpoints.get(index)?, now),
        })
    })
}

fn configured_ttl(steps: &[Step]) -> u32 {
    let bounded = steps.iter().find_map(|step| match *step {
        Step::Bounded { configured, .. } => Some(configured),
        _ => None,
    });
    bounded.unwrap_or(0)
}

fn located(step: &Step) -> Option<Located> {
    let Step::Located { source, place, scope } = step else { return None };
    Some(Located {
        source: match source {
            LocationSource::Ecs => "ecs",
            LocationSource::ResolverIp => "resolver_ip",
            LocationSource::ClientIp => "client_ip",
            LocationSource::Pop | LocationSource::NotAsked => "pop",
        },
        country: place.country.map(|code| code.to_string()),
        subdivision: place.subdivision.map(|code| code.to_string()),
        region: place.region.map(|region| region.code().to_owned()),
        prefix: *scope,
    })
}

fn ruled(balancer: &Balancer, step: &Step) -> Option<Ruled> {
    let Step::Ruled { by, holds } = *step else { return None };
    Some(Ruled { name: balancer.rules.name(by), holds })
}

/// The pools that steps speak of, each with all that is said of it.
fn candidates(
    world: &World,
    steps: &[Step],
    decision: &Decision<'_>,
    now: Moment,
) -> Vec<Candidate> {
    let mut found: Vec<(PoolSlot, Candidate)> = Vec::new();
    let mut room = evidence::ENDPOINTS_MAX;
    for step in steps {
        let Some(slot) = step.pool() else { continue };
        let index = found.iter().position(|(known, _)| *known == slot).unwrap_or_else(|| {
            let candidate = evidence::candidate(world, slot, room, now);
            room = room.saturating_sub(candidate.endpoints.len());
            found.push((slot, candidate));
            found.len().saturating_sub(1)
        });
        if let Some((_, candidate)) = found.get_mut(index) {
            note(candidate, step);
        }
    }
    for (slot, candidate) in &mut found {
        if decision.why.pool == Some(*slot) {
            candidate.state = "chosen";
        }
    }
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

fn note(candidate: &mut Candidate, step: &Step) {
    let finite = |figure: f64| figure.is_finite().then_some(Number(figure));
    match *step {
        Step::PassedOver { because, .. } => {
            (candidate.state, candidate.because) = ("out", Some(because.text()));
        }
        Step::Weighed { weight, open, .. } => {
            candidate.weight = Some(Number(f64::from(weight) / 100.0));
            candidate.open_requests = (open > 0).then_some(open);
        }
        Step::Measured { km, stretched_km, .. } => {
            candidate.distance_km = km.and_then(finite);
            candidate.counts_as_km = finite(stretched_km);
        }
        Step::Timed { rtt, .. } => candidate.rtt_ms = rtt.map(evidence::millis),
        Step::Shed { shedding, .. } => {
            candidate.state = "shed";
            candidate.shed_percent = Some(Number(shedding.percent()));
        }
        Step::FallbackDisabled { .. } => candidate.state = "out",
        Step::Unmeasured { .. }
        | Step::Chose { .. }
        | Step::Rising { .. }
        | Step::Answered { .. }
        | Step::Ruled { .. }
        | Step::Known { .. }
        | Step::Session { .. }
        | Step::Failover { .. }
        | Step::Located { .. }
        | Step::Listed { .. }
        | Step::Drew { .. }
        | Step::Endpoints { .. }
        | Step::Bounded { .. } => {}
    }
}

fn tries(world: &World, asking: &Asking<'_>) -> Vec<Tries> {
    let shares = asking.tries(TRIES).into_iter();
    let percent = |times: u32| Number(f64::from(times) * 100.0 / f64::from(TRIES));
    let named = |slot| pool_name(world, slot);
    shares
        .map(|(slot, times)| Tries {
            pool: slot.map(named).unwrap_or_default(),
            percent: percent(times),
        })
        .collect()
}
