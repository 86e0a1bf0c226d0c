//! Explanations of proxied requests, over the API.

use std::sync::Arc;

use serde_json::{Value, json};
use trimtab_dns::{Seed, Zones};
use trimtab_health::PoolHealth;
use trimtab_live::{Cell, Route, Routes, Snapshot};
use trimtab_model::balancer::{
    Affinity, AffinityAttributes, FixedResponse, Rule, RuleAction, Scope, SessionAffinity, Steering,
};
use trimtab_model::pool::{Upstream, UpstreamTls, Weight};
use trimtab_model::{Balancer, Origin, Pool, PoolId, ZoneId};
use trimtab_steer::{BalancerSlot, PoolSlot};

use super::bench::{self, Bench};

/// `plain` has two endpoints, of which chance takes the first one, and `secure` one over TLS with a host of its own.
fn pools([plain, secure]: [PoolId; 2]) -> [Pool; 2] {
    let origins = vec![
        Origin { name: "one".into(), port: 8080, ..trimtab_testkit::origin() },
        Origin { name: "two".into(), weight: Weight::ZERO, ..trimtab_testkit::origin() },
    ];
    let host = Some("inner.example.net".into());
    let tls = Upstream { tls: UpstreamTls::On, ..Upstream::default() };
    [
        Pool { id: plain, name: "plain".into(), origins, ..trimtab_testkit::pool() },
        Pool {
            id: secure,
            name: "secure".into(),
            origins: vec![Origin { name: "three".into(), host, ..trimtab_testkit::origin() }],
            upstream: Some(Box::new(tls)),
            ..trimtab_testkit::pool()
        },
    ]
}

fn rule(name: &str, condition: &str, action: RuleAction) -> Rule {
    Rule {
        name: name.into(),
        condition: condition.into(),
        disabled: false,
        priority: 0,
        terminates: false,
        action,
    }
}

/// `www.example.com` is proxied: to `plain`, paths below `/secure` to `secure`, and `/old` nowhere.
/// `dns.example.com` is not.
fn serving(ids: [PoolId; 2], zone: ZoneId, affinity: Affinity) -> Cell {
    let overrides = trimtab_model::balancer::Overrides {
        default_pools: Some(vec![ids[1]]),
        ..Default::default()
    };
    let moved = FixedResponse {
        location: Some("https://new.example.com/".into()),
        ..FixedResponse::default()
    };
    let below = "starts_with(http.request.uri.path, \"/secure\") and http.request.method eq \"POST\" \
                 and any(http.request.headers[\"x-tier\"][*] eq \"gold\")";
    let old = "http.request.uri eq \"/old?a=b\"";
    let proxied = Balancer {
        scope: Scope::Zone(zone),
        proxied: true,
        affinity,
        steering: Steering {
            default_pools: vec![ids[0]],
            fallback_pool: ids[1],
            ..trimtab_testkit::steering()
        },
        rules: vec![
            rule("secure", below, RuleAction::Overrides(Box::new(overrides))),
            rule("moved", old, RuleAction::FixedResponse(moved)),
        ],
        ..trimtab_testkit::balancer()
    };
    let unproxied = Balancer {
        name: "dns.example.com".parse().unwrap(),
        proxied: false,
        rules: Vec::new(),
        ..proxied.clone()
    };
    let slot =
        |id| ids.iter().zip(0..).find(|(other, _)| **other == id).map(|(_, at)| PoolSlot(at));
    let built = |config| Some(Arc::new(trimtab_steer::Balancer::build(config, slot).unwrap()));
    let of =
        |pool: &Pool| trimtab_steer::Pool::build(pool, PoolHealth::unmonitored(pool.origins.len()));
    let mut snapshot = Snapshot::clone(&bench::cell(pools(ids).iter().map(of).collect()).load());
    let node = trimtab_dns::Node::new().with_addresses(&["203.0.113.1".parse().unwrap()]);
    snapshot.node = Arc::new(node.unwrap());
    let balancers = [proxied, unproxied];
    snapshot.world.balancers = Arc::new(balancers.iter().map(built).collect());
    let mut zones = Zones::new(Seed(7));
    zones.insert(Arc::new(bench::hosted(
        "example.com",
        zone,
        &[(&balancers[0].name, 0), (&balancers[1].name, 1)],
    )));
    snapshot.zones = Arc::new(zones);
    let (name, apex) = (&balancers[0].name, &"example.com".parse().unwrap());
    let route = Route { name, zone: apex, balancer: BalancerSlot(0) };
    snapshot.routes = Arc::new(Routes::build([route].into_iter()));
    Cell::new(snapshot)
}

struct Asked {
    node: Bench,
    path: String,
}

impl Asked {
    async fn of(kind: SessionAffinity) -> Asked {
        let attributes =
            AffinityAttributes { headers: vec!["x-session".into()], ..Default::default() };
        let affinity = Affinity { kind, ttl: None, attributes };
        let first = Bench::new().await;
        let ids = [first.pool("plain").await, first.pool("secure").await];
        let zone = first.zone("example.com").await.parse().unwrap();
        let cell = serving(ids.map(|id| id.parse().unwrap()), zone, affinity);
        let path = format!("/accounts/{}/trimtab/explain", first.account);
        Asked { node: Bench::beside(&first, cell).await, path }
    }

    async fn about(&self, more: Value) -> bench::Got {
        let mut body = json!({ "name": "www.example.com", "resolver": "203.0.113.9" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.node.post(&self.path, &body).await
    }

    async fn http(&self, more: Value) -> Value {
        let got = self.about(more).await;
        assert_eq!(got.status, 200, "{}", got.text);
        got.result()["http"].clone()
    }

    /// The session and the endpoint of a request.
    async fn session(&self, more: Value) -> (String, String) {
        let http = self.http(more).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&http["session"]), text(&http["upstream"]["endpoint"]))
    }
}

fn upstream(pool: &str, endpoint: &str, address: &str, tls: bool, host: &str) -> Value {
    json!({ "pool": pool, "endpoint": endpoint, "address": address, "tls": tls, "host": host })
}

#[tokio::test]
async fn a_request_is_explained_by_its_method_path_and_headers() {
    let asked = Asked::of(SessionAffinity::None).await;
    let check = async |question: Value, want: Value| {
        assert_eq!(asked.http(question.clone()).await, want, "{question}");
    };
    let plain = upstream("plain", "one", "192.0.2.1:8080", false, "www.example.com");
    let http = |method: &str, path: &str, scheme: &str, upstream: &Value| {
        json!({
            "method": method, "path": path, "scheme": scheme, "session": "none", "failed": [],
            "upstream": upstream,
        })
    };
    check(json!({ "path": "/blog?p=2" }), http("GET", "/blog", "http", &plain)).await;
    let secure = upstream("secure", "three", "192.0.2.1:443", true, "inner.example.net");
    let gold = json!({
        "method": "post", "path": "/secure/a", "scheme": "https", "headers": { "X-Tier": ["lead", "gold"] },
    });
    check(gold, http("POST", "/secure/a", "https", &secure)).await;
    let lead = json!({ "method": "POST", "path": "/secure/a", "headers": { "x-tier": "lead" } });
    check(lead, http("POST", "/secure/a", "http", &plain)).await;
}

#[tokio::test]
async fn an_explanation_of_a_request_tells_it_from_its_question_to_its_endpoint() {
    let asked = Asked::of(SessionAffinity::None).await;
    let told = asked.about(json!({ "path": "/blog" })).await.result();
    assert_eq!(
        [
            &told["type"],
            &told["pool"],
            &told["addresses"],
            &told["ttl"],
            &told["load_balancer"]["proxied"]
        ],
        [&json!("HTTP"), &json!("plain"), &json!(["192.0.2.1"]), &json!(0), &json!(true)],
    );
    assert_eq!(told["runner_up"]["pool"], "secure");
    assert_eq!(told["tries"], json!([{ "pool": "plain", "percent": 100 }]));
    let steps = told["steps"].as_array().unwrap();
    assert_eq!(
        [&steps[0]["description"], &steps[steps.len() - 1]["description"]],
        [
            "GET http://www.example.com/blog from 203.0.113.9: the load balancer www.example.com proxies it",
            "the request goes to one of pool plain at 192.0.2.1:8080 over plain HTTP, with Host www.example.com",
        ]
    );
}

#[tokio::test]
async fn a_rule_that_answers_is_shown_with_its_answer() {
    let asked = Asked::of(SessionAffinity::Cookie).await;
    let told = asked.about(json!({ "path": "/old?a=b" })).await.result();
    let want = json!({
        "method": "GET", "path": "/old", "scheme": "http", "session": "none", "failed": [],
        "fixed_response": { "status_code": 302, "location": "https://new.example.com/" },
    });
    assert_eq!((&told["http"], &told["reason"]), (&want, &json!("fixed_response")));
    let last = told["steps"].as_array().unwrap().last().unwrap();
    let want = "the rule answers 302 to https://new.example.com/, and no endpoint is asked";
    assert_eq!(last["description"], want);
}

#[tokio::test]
async fn a_session_is_where_the_question_says_or_begins() {
    let check = async |kind, question: Value, want: (&str, &str)| {
        let got = Asked::of(kind).await.session(question.clone()).await;
        assert_eq!((&*got.0, &*got.1), want, "{kind} {question}");
    };
    let two = |more: Value| {
        let mut question = json!({ "session": { "pool": "plain", "origin": "two" } });
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    check(SessionAffinity::None, two(json!({})), ("none", "one")).await;
    check(SessionAffinity::Cookie, json!({ "path": "/" }), ("new", "one")).await;
    check(SessionAffinity::Cookie, two(json!({})), ("hit", "two")).await;
    let secure = json!({ "session": { "pool": "secure", "origin": "192.0.2.1" } });
    check(SessionAffinity::Cookie, secure, ("hit", "three")).await;
    let gold = json!({ "method": "POST", "path": "/secure", "headers": { "x-tier": "gold" } });
    check(SessionAffinity::Cookie, two(gold), ("elsewhere", "three")).await;
    check(SessionAffinity::Header, json!({ "path": "/" }), ("none", "one")).await;
    let begins = json!({ "headers": { "X-Session": "7" } });
    check(SessionAffinity::Header, begins, ("new", "one")).await;
}

#[tokio::test]
async fn what_nobody_could_be_asked_is_refused() {
    let asked = Asked::of(SessionAffinity::Cookie).await;
    let check = async |question: Value, want: &str| {
        let got = asked.about(question.clone()).await;
        let pointer = &got.json()["errors"][0]["source"]["pointer"];
        assert_eq!((got.status, pointer.as_str()), (400, Some(want)), "{question}: {}", got.text);
    };
    check(json!({ "name": "dns.example.com", "path": "/" }), "/name").await;
    check(json!({ "session": { "pool": "none", "origin": "one" } }), "/session/pool").await;
    check(json!({ "session": { "pool": "plain", "origin": "three" } }), "/session/origin").await;
    check(json!({ "path": "blog" }), "/path").await;
}

#[tokio::test]
async fn a_question_of_dns_about_a_proxied_name_says_how_to_ask_about_requests() {
    let asked = Asked::of(SessionAffinity::None).await;
    let told = asked.about(json!({})).await.result();
    assert_eq!((&told["http"], &told["type"]), (&Value::Null, &json!("A")));
    // What DNS answers is this node, for as long as it says so, and nothing of a pool.
    let answer = [&told["addresses"], &told["ttl"], &told["pool"], &told["reason"]];
    assert_eq!(answer, [&json!(["203.0.113.1"]), &json!(300), &json!(""), &json!("proxied")]);
    assert_eq!(told["steps"][1]["description"], "answer 203.0.113.1, TTL 300 s");
    assert_eq!((&told["flips"], &told["tries"]), (&json!([]), &json!([])));
    let question = told["steps"][0]["description"].as_str().unwrap();
    assert!(question.contains("ask with a path, method, headers, scheme or session"), "{question}");
}
