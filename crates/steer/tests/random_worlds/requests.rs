//! Proxied requests of random worlds: sessions that stay, failures that are not repeated.

use std::ops::ControlFlow;

use trimtab_expr::{Headers, HttpRequest};
use trimtab_model::balancer::{Affinity, AffinityAttributes, SessionAffinity};
use trimtab_steer::why::EndpointChoice;
use trimtab_steer::{
    Failed, Found, Held, Http, Load, Proxied, Session, decide_request, explain_request,
};

use super::*;

/// One world's balancer and one request to it, with what is not its session or failures.
pub(super) struct Case<'a> {
    pub(super) world: &'a World,
    pub(super) balancer: &'a Balancer,
    pub(super) now: Moment,
    pub(super) address: IpAddr,
    pub(super) seconds: i64,
}

struct NoHeaders;

/// As many requests under way as the endpoint's number says.
struct Numbered;

impl Headers for NoHeaders {
    fn each<'h>(&'h self, _visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>) {}
}

impl Load for Numbered {
    fn pool(&self, pool: PoolSlot) -> u32 {
        pool.0
    }

    fn endpoint(&self, _pool: PoolSlot, endpoint: u16) -> u32 {
        endpoint.into()
    }
}

pub(super) fn affinity(chance: &mut Chance) -> Affinity {
    let drain_duration = chance.of(&[0, 50]);
    Affinity {
        kind: chance.of(SessionAffinity::ALL),
        ttl: None,
        attributes: AffinityAttributes { drain_duration, ..AffinityAttributes::default() },
    }
}

impl<'a> Case<'a> {
    fn send(&self, found: Found, failed: &[Failed], dice: u64) -> Proxied<'a> {
        let request = HttpRequest {
            method: b"GET",
            host: b"www.example.com",
            uri: b"/",
            version: b"HTTP/1.1",
            timestamp_seconds: self.seconds,
            headers: &NoHeaders,
        };
        let client = Client {
            name: b"www.example.com",
            address: self.address,
            subnet: None,
            wanted: Wanted::Endpoint,
            load: Some(&Numbered),
            session: false,
            http: Some(Http { request: &request, sessions: &found, failed }),
        };
        let (world, balancer, now) = (self.world, self.balancer, self.now);
        let (told, _steps) = explain_request(world, balancer, &client, now, dice);
        let proxied = decide_request(world, balancer, &client, now, dice);
        assert_eq!(
            (told.decision.why, told.session, pick(&told)),
            (proxied.decision.why, proxied.session, pick(&proxied))
        );
        proxied
    }

    pub(super) fn check(&self, chance: &mut Chance) {
        let dice = chance.0.draw();
        let found = self.found(chance);
        let first = self.send(found, &[], dice);
        self.check_pick(&first);
        self.check_session(found, &first);
        self.check_next(&first, chance);
        self.check_failures(found, chance);
    }

    fn found(&self, chance: &mut Chance) -> Found {
        match chance.below(4) {
            0 => Found::None,
            1 => Found::New,
            _ => {
                let pool = self.world.pool(PoolSlot(chance.below(self.world.pools.len() as u32)));
                let pool = pool.unwrap();
                let endpoint = pool.endpoints.get(chance.below(5) as usize);
                Found::Held(held(pool.hash, endpoint.map_or(0, |endpoint| endpoint.hash)))
            }
        }
    }

    /// One endpoint of the pool and no more; none only where there is none.
    fn check_pick(&self, proxied: &Proxied<'_>) {
        let Some(pool) = proxied.decision.pool else { return assert_eq!(pick(proxied), None) };
        match proxied.decision.why.endpoints {
            EndpointChoice::NoneOfFamily => assert_eq!(pick(proxied), None),
            EndpointChoice::Drawn
            | EndpointChoice::Hashed
            | EndpointChoice::Kept
            | EndpointChoice::Session
            | EndpointChoice::LeastLoaded => {
                let Failed { endpoint, .. } = pick(proxied).unwrap();
                let index = usize::from(endpoint);
                let serves = pool.health.endpoints[index].verdict.serves();
                assert!(serves || proxied.decision.why.chosen == PoolChoice::Fallback);
                let enabled = pool.endpoints[index].enabled;
                assert!(enabled || proxied.session == Session::Draining);
            }
            EndpointChoice::All | EndpointChoice::Sample | EndpointChoice::NoPool => {
                panic!("{:?}", proxied.decision.why)
            }
        }
    }

    /// A session at an endpoint that serves in a pool that the balancer sends this request to stays there.
    fn check_session(&self, found: Found, proxied: &Proxied<'_>) {
        if proxied.affinity.kind == SessionAffinity::None || proxied.fixed.is_some() {
            return assert_eq!(proxied.session, Session::None);
        }
        let Found::Held(Held { pool, endpoint }) = found else {
            return assert!(matches!(proxied.session, Session::None | Session::New));
        };
        let all = self.world.pools.iter().flatten().zip(0..);
        let (pool, slot) = all.clone().find(|(known, _)| known.hash == pool).unwrap();
        let index = pool.endpoints.iter().position(|known| known.hash == endpoint);
        let serves = index.is_some_and(|index| {
            pool.endpoints[index].enabled && pool.health.endpoints[index].verdict.serves()
        });
        let named = self.balancer.candidates.iter().any(|one| one.pool == PoolSlot(slot));
        if named
            && self.balancer.rules.is_empty()
            && serves
            && pool.enabled
            && pool.shedding_of_sessions.is_none()
        {
            let endpoint = index.unwrap().try_into().unwrap();
            let at = Failed { pool: PoolSlot(slot), endpoint };
            assert_eq!((proxied.session, pick(proxied)), (Session::Hit, Some(at)));
        }
    }

    /// Who moved stays where it came to, whatever the dice say.
    fn check_next(&self, first: &Proxied<'_>, chance: &mut Chance) {
        // A fallback pool that a rule did not name is come to by what else is down or sheds, each time anew.
        let moved = matches!(first.session, Session::Rebound | Session::Hit)
            && first.decision.why.chosen != PoolChoice::Fallback;
        let (true, Some(at)) = (moved, pick(first)) else { return };
        let pool = self.world.pool(at.pool).unwrap();
        let endpoint = &pool.endpoints[usize::from(at.endpoint)];
        let found = Found::Held(held(pool.hash, endpoint.hash));
        let next = self.send(found, &[], chance.0.draw());
        assert_eq!(
            (next.session, pick(&next)),
            (Session::Hit, Some(at)),
            "{:?}",
            first.decision.why
        );
    }

    /// Failing again and again comes to an end, and meets no endpoint twice.
    fn check_failures(&self, found: Found, chance: &mut Chance) {
        let mut failed: Vec<Failed> = Vec::new();
        loop {
            let proxied = self.send(found, &failed, chance.0.draw());
            let Some(at) = pick(&proxied) else { break };
            assert!(!failed.contains(&at), "{failed:?}");
            let same_pool = failed.last().is_none_or(|last| last.pool == at.pool);
            assert!(same_pool || proxied.failover_across_pools);
            let before = failed.iter().filter(|one| one.pool == at.pool).count();
            assert!(before == 0 || failed.last().unwrap().pool == at.pool, "{failed:?} {at:?}");
            failed.push(at);
        }
        let endpoints = self.world.pools.iter().flatten().map(|pool| pool.endpoints.len());
        assert!(failed.len() <= endpoints.sum());
    }
}

fn held(pool: u64, endpoint: u64) -> Held {
    Held { pool, endpoint }
}

fn pick(proxied: &Proxied<'_>) -> Option<Failed> {
    assert!(proxied.decision.picks.len() <= 1);
    let endpoint = proxied.decision.picks.iter().next()?.endpoint;
    Some(Failed { pool: proxied.decision.why.pool?, endpoint })
}
