//! What rules make of a balancer's session affinity, and what a decision on a request lends.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::ops::ControlFlow;
use std::sync::Arc;

use trimtab_expr::{Headers, HttpRequest};
use trimtab_geo::Builder;
use trimtab_health::PoolHealth;
use trimtab_model::balancer::{
    Affinity, AffinityAttributes, FixedResponse, Overrides, PartialAttributes, Rule, RuleAction,
    SameSite, Secure, SessionAffinity, SessionOverrides, Steering, ZeroDowntimeFailover,
};
use trimtab_model::{self as model, Moment, PoolId, Timestamp};
use trimtab_steer::tell::tell;
use trimtab_steer::{
    Balancer, Client, Failed, Found, Held, Http, Pool, PoolSlot, Proxied, Session, Sessions, Site,
    Step, Wanted, World, decide_request, explain_request,
};

struct NoHeaders;

impl Headers for NoHeaders {
    fn each<'h>(&'h self, _visit: &mut dyn FnMut(&'h [u8], &'h [u8]) -> ControlFlow<()>) {}
}

fn rule(action: RuleAction) -> Rule {
    Rule {
        name: String::new(),
        condition: String::new(),
        disabled: false,
        priority: 0,
        terminates: false,
        action,
    }
}

fn session(session: SessionOverrides) -> Overrides {
    Overrides { session, ..Overrides::default() }
}

fn attributes(attributes: PartialAttributes) -> Overrides {
    session(SessionOverrides { attributes: Some(attributes), ..SessionOverrides::default() })
}

fn balancer(affinity: Affinity, rules: Vec<RuleAction>) -> Balancer {
    let id = PoolId::new([0; 16]);
    let steering =
        Steering { default_pools: vec![id], fallback_pool: id, ..trimtab_testkit::steering() };
    let rules = rules.into_iter().map(rule).collect();
    let config = model::Balancer { steering, affinity, rules, ..trimtab_testkit::balancer() };
    Balancer::build(&config, |_| Some(PoolSlot(0))).unwrap()
}

/// One pool of one endpoint that drains since 1970, and one that serves.
fn world() -> World {
    world_since(0)
}

/// The same; microseconds.
fn world_since(disabled_at: i64) -> World {
    let drained = model::Origin {
        name: "old".into(),
        enabled: false,
        disabled_at: Some(Timestamp::from_micros(disabled_at)),
        ..trimtab_testkit::origin()
    };
    let origins = vec![drained, model::Origin { port: 8080, ..trimtab_testkit::origin() }];
    let pool = model::Pool { id: PoolId::new([0; 16]), origins, ..trimtab_testkit::pool() };
    World {
        pools: Arc::new(vec![Some(Arc::new(Pool::build(&pool, PoolHealth::unmonitored(2))))]),
        balancers: Arc::default(),
        geo: Arc::new(Builder::empty().unwrap().build()),
        site: Site::at("FRA".parse().unwrap()).unwrap(),
        epochs: Arc::default(),
    }
}

fn with_request<T>(
    sessions: &dyn Sessions,
    failed: &[Failed],
    then: impl FnOnce(&Client<'_>) -> T,
) -> T {
    let request = HttpRequest {
        method: b"GET",
        host: b"www.example.com",
        uri: b"/",
        version: b"HTTP/1.1",
        timestamp_seconds: 10,
        headers: &NoHeaders,
    };
    then(&Client {
        name: b"www.example.com",
        address: [10, 0, 0, 1].into(),
        subnet: None,
        wanted: Wanted::Endpoint,
        load: None,
        session: false,
        http: Some(Http { request: &request, sessions, failed }),
    })
}

fn decided<T>(
    affinity: Affinity,
    rules: Vec<RuleAction>,
    then: impl FnOnce(&Proxied<'_>) -> T,
) -> T {
    let (world, balancer) = (world(), balancer(affinity, rules));
    with_request(&Found::None, &[], |client| {
        then(&decide_request(&world, &balancer, client, Moment::default(), 1))
    })
}

/// Kind and time-to-live, in seconds.
fn check_ttl(
    kind: SessionAffinity,
    ttl: Option<u32>,
    over: SessionOverrides,
    want: (SessionAffinity, u32),
) {
    let affinity = Affinity { kind, ttl, ..Affinity::default() };
    let rules = vec![RuleAction::Overrides(Box::new(session(over.clone())))];
    let got = decided(affinity, rules, |told| (told.affinity.kind, told.affinity.ttl));
    assert_eq!(got, want, "{kind} {ttl:?} {over:?}");
}

#[test]
fn semantics_32_cookies_live_82800_seconds_and_headers_1800_unless_told_otherwise() {
    use SessionAffinity::{Cookie, Header, IpCookie, None as Off};
    let as_is = SessionOverrides::default();
    check_ttl(Cookie, None, as_is.clone(), (Cookie, 82_800));
    check_ttl(IpCookie, None, as_is.clone(), (IpCookie, 82_800));
    check_ttl(Header, None, as_is.clone(), (Header, 1_800));
    check_ttl(Cookie, Some(1_800), as_is.clone(), (Cookie, 1_800));
    check_ttl(Header, Some(30), as_is, (Header, 30));
    let to = |kind, ttl| SessionOverrides { affinity: Some(kind), ttl, attributes: None };
    check_ttl(Off, None, to(Cookie, Some(3_600)), (Cookie, 3_600));
    check_ttl(Cookie, Some(7_200), to(Header, None), (Header, 1_800));
    check_ttl(Cookie, Some(3_600), to(Header, None), (Header, 3_600));
    check_ttl(Header, Some(30), to(Cookie, None), (Cookie, 82_800));
}

#[test]
fn semantics_22_the_last_write_to_each_attribute_wins_and_nobody_writes_the_drain() {
    let own = Affinity {
        kind: SessionAffinity::Cookie,
        ttl: None,
        attributes: AffinityAttributes {
            drain_duration: 60,
            headers: vec!["x-one".into()],
            samesite: SameSite::Lax,
            secure: Secure::Always,
            ..AffinityAttributes::default()
        },
    };
    let first = attributes(PartialAttributes {
        headers: Some(vec!["x-two".into(), "cookie:a,b".into()]),
        samesite: Some(SameSite::Strict),
        zero_downtime_failover: Some(ZeroDowntimeFailover::Sticky),
        ..PartialAttributes::default()
    });
    let second = attributes(PartialAttributes {
        require_all_headers: Some(true),
        samesite: Some(SameSite::None),
        ..PartialAttributes::default()
    });
    let rules = [first, second].map(|over| RuleAction::Overrides(Box::new(over)));
    decided(own, rules.into(), |told| {
        let affinity = told.affinity;
        let headers: Vec<&str> = affinity.headers.iter().map(|header| &**header).collect();
        assert_eq!(headers, ["x-two", "cookie:a,b"]);
        assert_eq!(
            (affinity.samesite, affinity.secure, affinity.require_all_headers),
            (SameSite::None, Secure::Always, true)
        );
        assert_eq!((affinity.failover, affinity.drain), (ZeroDowntimeFailover::Sticky, 60));
    });
}

#[test]
fn semantics_22_a_fixed_response_is_lent_whole_and_nobody_looks_for_a_session() {
    struct Nobody;
    impl Sessions for Nobody {
        fn find(&self, affinity: &trimtab_steer::Affinity<'_>) -> Found {
            panic!("asked for a session of {affinity:?}")
        }
    }
    let cookie = Affinity { kind: SessionAffinity::Cookie, ..Affinity::default() };
    let closed = FixedResponse {
        status_code: Some(503),
        content_type: Some("text/plain".into()),
        message_body: Some("closed".into()),
        location: None,
    };
    let balancer = balancer(cookie, vec![RuleAction::FixedResponse(closed.clone())]);
    let world = world();
    with_request(&Nobody, &[], |client| {
        let told = decide_request(&world, &balancer, client, Moment::default(), 1);
        assert_eq!((told.fixed, told.session), (Some(&closed), Session::None));
        assert!(told.decision.picks.is_empty());
    });
}

/// A request of second 10, which ends at 11,000,000 microseconds.
#[test]
fn semantics_33_no_session_is_kept_for_longer_than_the_drain() {
    let check = |disabled_at: i64, drain_duration: u32, want: Session| {
        let affinity = Affinity {
            kind: SessionAffinity::Cookie,
            attributes: AffinityAttributes { drain_duration, ..AffinityAttributes::default() },
            ..Affinity::default()
        };
        let (world, balancer) = (world_since(disabled_at), balancer(affinity, Vec::new()));
        let pool = world.pool(PoolSlot(0)).unwrap();
        let at = Found::Held(Held { pool: pool.hash, endpoint: pool.endpoints[0].hash });
        with_request(&at, &[], |client| {
            let told = decide_request(&world, &balancer, client, Moment::default(), 1);
            assert_eq!(told.session, want, "{drain_duration} s from {disabled_at} µs on");
        });
    };
    check(10_000_000, 0, Session::Rebound);
    check(10_999_999, 0, Session::Rebound);
    check(10_000_000, 1, Session::Draining);
    check(9_999_999, 1, Session::Rebound);
    check(8_000_000, 3, Session::Draining);
    check(7_999_999, 3, Session::Rebound);
}

#[test]
fn sessions_and_failures_are_told() {
    let affinity = Affinity {
        kind: SessionAffinity::IpCookie,
        attributes: AffinityAttributes { drain_duration: 60, ..AffinityAttributes::default() },
        ..Affinity::default()
    };
    let (world, balancer) = (world(), balancer(affinity, Vec::new()));
    let pool = world.pool(PoolSlot(0)).unwrap();
    let at =
        |index: usize| Found::Held(Held { pool: pool.hash, endpoint: pool.endpoints[index].hash });
    let check = |found: Found, failed: &[Failed], want: &[&str]| {
        with_request(&found, failed, |client| {
            let now = Moment::default();
            let (told, steps) = explain_request(&world, &balancer, client, now, 1);
            assert!(!steps.iter().any(|step| matches!(step, Step::Bounded { .. })));
            assert_eq!(tell(&balancer, &told.decision.why, &steps, &world, now)[1..], *want);
        });
    };
    check(
        at(0),
        &[],
        &[
            "its session is at old of pool pool, which is disabled and drains: it stays",
            "pool pool is chosen: the session of the request is there",
            "the endpoint that holds the session",
            "answer 192.0.2.1 (old, not monitored)",
        ],
    );
    check(
        Found::None,
        &[],
        &[
            "the request belongs to no session and begins one",
            "the address 10.0.0.1 says where it goes, the same way each time",
            "pool pool is chosen: the first in order that may be used",
            "one of 1 endpoints: this client keeps it while it is up",
            "answer 192.0.2.1 (origin, not monitored)",
        ],
    );
    check(
        at(1),
        &[Failed { pool: PoolSlot(0), endpoint: 1 }],
        &[
            "its session is at origin of pool pool and stays there",
            "the request was sent to origin of pool pool in vain",
        ],
    );
}
