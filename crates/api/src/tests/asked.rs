//! Which load balancer an explanation or a split is about, over the API, and whose.

use std::sync::Arc;

use serde_json::{Value, json};
use trimtab_dns::{RecordInput, Seed, Zone, Zones};
use trimtab_health::PoolHealth;
use trimtab_live::{Cell, Route, Routes, Snapshot};
use trimtab_model::balancer::{Scope, Steering};
use trimtab_model::{AccountId, Balancer, Name, Pool, RecordType};
use trimtab_steer::{BalancerSlot, PoolSlot};

use super::bench::{self, Bench, Got};

/// Wire form, for records whose text is a name.
fn wire(name: &str) -> Vec<u8> {
    let labels = name
        .split('.')
        .flat_map(|label| std::iter::once(u8::try_from(label.len()).unwrap()).chain(label.bytes()));
    labels.chain([0]).collect()
}

fn record(zone: &mut Zone, name: &str, kind: RecordType, rdata: &[u8]) {
    let record = RecordInput { kind, ttl: 300, rdata };
    assert!(zone.set_records(&name.parse().unwrap(), &[record]), "{name}");
}

/// A node with `example.com`, `in.w.example.com` and, in another account, `example.org`.
struct Node {
    bench: Bench,
    other: String,
}

impl Node {
    async fn new() -> Node {
        let first = Bench::new().await;
        let other = first.post("/accounts", &json!({"name": "Other"})).await.id();
        let [outer, inner] =
            [first.zone("example.com").await, first.zone("in.w.example.com").await];
        let body = json!({"name": "example.org", "account": {"id": other}});
        let theirs = first.post("/zones", &body).await.id();
        let pool = first.pool("one").await.parse().unwrap();
        let balancer = |name: &str, scope| Balancer {
            name: name.parse().unwrap(),
            scope,
            steering: Steering { fallback_pool: pool, ..trimtab_testkit::steering() },
            ..trimtab_testkit::balancer()
        };
        let of_zone = |name, zone: &str| balancer(name, Scope::Zone(zone.parse().unwrap()));
        let configs = [
            of_zone("*.w.example.com", &outer),
            of_zone("in.w.example.com", &inner),
            of_zone("lb.example.org", &theirs),
            balancer("private.example", Scope::Account(first.account)),
            of_zone("www.del.example.com", &outer),
            Balancer { proxied: true, ..of_zone("front.example.com", &outer) },
        ];
        let names: Vec<&Name> = configs.iter().map(|config| &config.name).collect();
        let host = |apex: &str, id: &str, slots: &[u32]| {
            let placed: Vec<_> = slots.iter().map(|&at| (names[at as usize], at)).collect();
            bench::hosted(apex, id.parse().unwrap(), &placed)
        };
        let mut zone = host("example.com", &outer, &[0, 4, 5]);
        record(&mut zone, "x.w.example.com", RecordType::A, &[192, 0, 2, 1]);
        record(&mut zone, "to.example.com", RecordType::Cname, &wire("a.w.example.com"));
        record(&mut zone, "out.example.com", RecordType::Cname, &wire("lb.example.org"));
        record(&mut zone, "away.example.com", RecordType::Cname, &wire("lb.example.net"));
        record(&mut zone, "del.example.com", RecordType::Ns, &wire("ns.example.net"));
        let mut zones = Zones::new(Seed(7));
        let inner = host("in.w.example.com", &inner, &[1]);
        for zone in [zone, inner, host("example.org", &theirs, &[2])] {
            zones.insert(Arc::new(zone));
        }
        let built = |config| {
            let built =
                trimtab_steer::Balancer::build(config, |id| (id == pool).then_some(PoolSlot(0)));
            Some(Arc::new(built.unwrap()))
        };
        let origins = vec![trimtab_testkit::origin()];
        let config = Pool { id: pool, name: "one".into(), origins, ..trimtab_testkit::pool() };
        let built_pool = trimtab_steer::Pool::build(&config, PoolHealth::unmonitored(1));
        let mut snapshot = Snapshot::clone(&bench::cell(vec![built_pool]).load());
        snapshot.world.balancers = Arc::new(configs.iter().map(built).collect());
        snapshot.zones = Arc::new(zones);
        let apex = "example.com".parse().unwrap();
        let route = Route { name: names[5], zone: &apex, balancer: BalancerSlot(5) };
        snapshot.routes = Arc::new(Routes::build([route].into_iter()));
        Node { bench: Bench::beside(&first, Cell::new(snapshot)).await, other }
    }

    async fn explain(&self, account: &str, question: &Value) -> Got {
        self.bench.post(&format!("/accounts/{account}/trimtab/explain"), question).await
    }

    async fn split(&self, account: &str, name: &str) -> Got {
        self.bench.get(&format!("/accounts/{account}/trimtab/split?name={name}")).await
    }
}

fn refusal(got: &Got) -> (u16, String) {
    let message = got.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    (got.status, message)
}

#[tokio::test]
async fn semantics_24_the_load_balancer_that_dns_asks_is_explained_and_split() {
    let node = Node::new().await;
    let account = node.bench.account.to_string();
    let check = async |name: &str, want: &str| {
        let told = node.explain(&account, &json!({"name": name})).await.result();
        assert_eq!(told["load_balancer"]["name"], want, "{name}");
        let split = node.split(&account, name).await.result();
        assert_eq!(split["name"], want, "{name}");
    };
    check("a.w.example.com", "*.w.example.com").await;
    check("*.w.example.com", "*.w.example.com").await;
    check("in.w.example.com", "in.w.example.com").await;
    check("to.example.com", "*.w.example.com").await;
}

#[tokio::test]
async fn what_dns_does_not_decide_is_not_split() {
    let node = Node::new().await;
    let got = node.split(&node.bench.account.to_string(), "front.example.com").await;
    let why = "it is proxied, and what is counted are answers of DNS";
    let want = format!("load balancer not found: front.example.com: {why}");
    assert_eq!(refusal(&got), (404, want));
}

#[tokio::test]
async fn what_answers_in_place_of_a_load_balancer_is_named() {
    let node = Node::new().await;
    let account = node.bench.account.to_string();
    let check = async |name: &str, want: &str| {
        let want = (404, format!("load balancer not found: {want}"));
        let explained = node.explain(&account, &json!({"name": name})).await;
        assert_eq!(refusal(&explained), want, "{name}");
        assert_eq!(refusal(&node.split(&account, name).await), want, "{name}");
    };
    check("x.w.example.com", "x.w.example.com: A records answer for x.w.example.com").await;
    let gone = "a.x.w.example.com does not exist (NXDOMAIN)";
    check("a.x.w.example.com", &format!("a.x.w.example.com: {gone}")).await;
    let inner = "a.in.w.example.com does not exist (NXDOMAIN)";
    check("a.in.w.example.com", &format!("a.in.w.example.com: {inner}")).await;
    let cut = "del.example.com is delegated, and its name servers answer";
    check("www.del.example.com", &format!("www.del.example.com: {cut}")).await;
    check("w.example.com", "w.example.com: w.example.com exists, without A records").await;
    let private = "private.example: it is private, which DNS and the proxy do not answer with, \
                   and private.example is in no zone of this account";
    check("private.example", private).await;
    for (name, target) in [("out", "lb.example.org"), ("away", "lb.example.net")] {
        let name = format!("{name}.example.com");
        let alias = format!("(an alias of {target}): {target} is in no zone of this account");
        check(&name, &format!("{name} {alias}")).await;
    }
}

#[tokio::test]
async fn names_of_another_account_are_as_good_as_none() {
    let node = Node::new().await;
    let (mine, other) = (node.bench.account.to_string(), &node.other);
    let check = async |account: &str, name: &str| {
        let want = (404, format!("load balancer not found: {name}"));
        let asked = json!({"name": name});
        assert_eq!(refusal(&node.explain(account, &asked).await), want, "{name}");
        let request = json!({"name": name, "path": "/"});
        assert_eq!(refusal(&node.explain(account, &request).await), want, "{name}");
        assert_eq!(refusal(&node.split(account, name).await), want, "{name}");
    };
    for name in ["lb.example.org", "none.example.org", "lb.example.net"] {
        check(&mine, name).await;
    }
    for name in ["a.w.example.com", "x.w.example.com", "front.example.com", "private.example"] {
        check(other, name).await;
    }
    let other: AccountId = other.parse().unwrap();
    let theirs = node.split(&other.to_string(), "lb.example.org").await;
    assert_eq!(theirs.status, 200, "{}", theirs.text);
}

#[tokio::test]
async fn an_alias_is_told_before_the_question_and_requests_follow_none() {
    let node = Node::new().await;
    let account = node.bench.account.to_string();
    let told = node.explain(&account, &json!({"name": "to.example.com"})).await.result();
    let sentence = |at: usize| told["steps"][at]["description"].as_str().unwrap();
    assert_eq!(told["name"], "a.w.example.com");
    assert_eq!(sentence(0), "to.example.com is an alias (CNAME) of a.w.example.com");
    assert!(sentence(1).starts_with("A a.w.example.com. from 127.0.0.1: "), "{told}");
    let request = |name: &str| json!({"name": name, "path": "/"});
    let front = node.explain(&account, &request("front.example.com")).await.result();
    assert_eq!(front["load_balancer"]["name"], "front.example.com");
    let got = node.explain(&account, &request("to.example.com")).await;
    let want = "load balancer not found: to.example.com (an alias of a.w.example.com): \
                requests keep their host, and no load balancer proxies that one";
    assert_eq!(refusal(&got), (404, want.to_owned()));
}
