//! A node's API without a network: a store in memory, a clock that stands still, a world that is given.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;
use trimtab_analytics::{EventLog, Retention};
use trimtab_api_types::v1::probe::ProbeLine;
use trimtab_dns::zones::Seed;
use trimtab_dns::{Authority, Node, Soa, Zone, Zones};
use trimtab_geo::Builder;
use trimtab_health::{FailureReason, Outcome};
use trimtab_live::{Cell, Snapshot};
use trimtab_model::{AccountId, Name, PoolId, ZoneId};
use trimtab_steer::split::Draws;
use trimtab_steer::{BalancerSlot, Pool, Site, World};
use trimtab_store::{AnyStore, Clock, Sqlite, Store};

use super::live::FakeLive;
use crate::{App, DrawsPort, Parts, PreviewPort, ProbePort, Settings, Watched, bootstrap, router};

pub(super) const TOKEN: &str = "all_rights_all_rights_all_rights_all_rights";
/// 2026-01-01T00:00:00Z.
const START_MICROS: i64 = 1_767_225_600_000_000;

/// Everything a test needs.
pub(super) struct Bench {
    pub(super) app: App,
    pub(super) store: AnyStore,
    pub(super) account: AccountId,
    pub(super) clock: Arc<TestClock>,
    pub(super) events: Arc<EventLog>,
    pub(super) live: Arc<FakeLive>,
    router: Router,
}

/// An answer: its status, its headers that matter, its body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) kind: String,
    pub(super) text: String,
}

pub(super) struct TestClock(AtomicI64);

// === impl TestClock ===

impl TestClock {
    pub(super) fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.load(Ordering::Relaxed)).unwrap())
    }

    fn unix_micros(&self) -> i64 {
        START_MICROS + self.0.load(Ordering::Relaxed)
    }
}

// === impl Got ===

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why}: {}", self.text))
    }

    pub(super) fn result(&self) -> Value {
        self.json()["result"].clone()
    }

    /// The id of what was made.
    pub(super) fn id(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["result"]["id"].as_str().unwrap().to_owned()
    }

    /// Status and the numbers of the errors.
    pub(super) fn refusal(&self) -> (u16, Vec<u64>) {
        let errors = self.json()["errors"].as_array().unwrap().clone();
        (self.status, errors.iter().map(|error| error["code"].as_u64().unwrap()).collect())
    }
}

// === impl Bench ===

impl Bench {
    pub(super) async fn new() -> Bench {
        Bench::start(cell(Vec::new()), settings(), all_up()).await
    }

    pub(super) async fn start(cell: Cell, settings: Settings, preview: PreviewPort) -> Bench {
        let clock = Arc::new(TestClock(AtomicI64::new(0)));
        let store = AnyStore::from(Sqlite::in_memory_with(clock.clone()).unwrap());
        let made = bootstrap(&store, Some(TOKEN), &*clock).await.unwrap();
        assert!(made.printed_once.is_none());
        Bench::on(store, clock, cell, settings, preview, nothing_drawn()).await
    }

    /// Another node on the same store.
    pub(super) async fn beside(other: &Bench, cell: Cell) -> Bench {
        Bench::beside_with(other, cell, settings()).await
    }

    /// Another node on the same store, whose operator chose otherwise.
    pub(super) async fn beside_with(other: &Bench, cell: Cell, settings: Settings) -> Bench {
        let (store, clock) = (other.store.clone(), Arc::clone(&other.clock));
        Bench::on(store, clock, cell, settings, all_up(), nothing_drawn()).await
    }

    /// Another node on the same store, with a name server that drew something.
    pub(super) async fn drawing(other: &Bench, cell: Cell, draws: DrawsPort) -> Bench {
        let (store, clock) = (other.store.clone(), Arc::clone(&other.clock));
        Bench::on(store, clock, cell, settings(), all_up(), draws).await
    }

    async fn on(
        store: AnyStore,
        clock: Arc<TestClock>,
        cell: Cell,
        settings: Settings,
        preview: PreviewPort,
        draws: DrawsPort,
    ) -> Bench {
        let shared: Arc<dyn Clock> = clock.clone();
        let events = Arc::new(EventLog::in_memory(Retention::default()).unwrap());
        let live = Arc::new(FakeLive::default());
        let parts = Parts {
            store: store.clone(),
            cell,
            events: Arc::clone(&events),
            preview,
            probe: step_by_step(),
            draws,
            acme: Arc::new(|_| Default::default()),
            feed: live.feed(),
            checks: live.checks(),
            alerts: super::alerting::port(),
            clock: shared,
            settings,
        };
        let app = App::start(parts).await.unwrap();
        let account = app.config.accounts().await.unwrap()[0].id;
        Bench { router: router(app.clone()), app, store, account, clock, events, live }
    }

    /// With the token that may do everything.
    pub(super) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Got {
        self.send_as(TOKEN, method, path, body).await
    }

    pub(super) async fn send_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Got {
        let bearer = format!("Bearer {token}");
        let body = body.map(Value::to_string).unwrap_or_default();
        self.raw(method, path, &[("authorization", &bearer)], body.into_bytes()).await
    }

    pub(super) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Got {
        self.raw_from([127, 0, 0, 1].into(), method, path, headers, body).await
    }

    pub(super) async fn raw_from(
        &self,
        from: IpAddr,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Got {
        let mut request = Request::builder().method(method).uri(format!("/client/v4{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from, 9)));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let header =
            |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let (retry_after, kind) = (header("retry-after"), header("content-type"));
        let status = head.status.as_u16();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Got { status, retry_after, kind: kind.unwrap_or_default(), text }
    }

    /// An answer whose body nobody has read yet.
    pub(super) async fn unread(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> axum::response::Response {
        let request = Request::builder().method(method).uri(format!("/client/v4{path}"));
        let request = request.header("authorization", format!("Bearer {token}"));
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// PUT of what GET gives changes no byte and writes nothing.
    pub(super) async fn put_back(&self, path: &str) {
        let (before, rev) = (self.get(path).await, self.store.now_rev().await.unwrap());
        assert_eq!(before.status, 200, "{}", before.text);
        self.clock.pass(Duration::from_secs(60));
        let put = self.put(path, &before.result()).await;
        assert_eq!(put.status, 200, "{}", put.text);
        assert_eq!(put.result(), before.result(), "{path}");
        assert_eq!(self.get(path).await.text, before.text, "{path}");
        assert_eq!(self.store.now_rev().await.unwrap(), rev, "{path} was written");
    }

    pub(super) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Got {
        self.send("POST", path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Got {
        self.send("PUT", path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Got {
        self.send("PATCH", path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, None).await
    }

    /// Under the account, `/pools` and the like.
    pub(super) fn lb(&self, path: &str) -> String {
        format!("/accounts/{}/load_balancers{path}", self.account)
    }

    pub(super) async fn zone(&self, name: &str) -> String {
        self.post("/zones", &json!({"name": name})).await.id()
    }

    pub(super) async fn pool(&self, name: &str) -> String {
        let origins = json!([{"name": "a", "address": "192.0.2.1"}]);
        self.post(&self.lb("/pools"), &json!({"name": name, "origins": origins})).await.id()
    }

    pub(super) async fn monitor(&self) -> String {
        self.post(&self.lb("/monitors"), &json!({"expected_codes": "2xx"})).await.id()
    }

    /// A token with these permissions on these resources; gives its value.
    pub(super) async fn token(&self, permissions: &[&str], resources: Value) -> String {
        let groups: Vec<Value> = permissions.iter().map(|name| json!({"name": name})).collect();
        let policy = json!({"permission_groups": groups, "resources": resources});
        let body = json!({"name": "test", "policies": [policy]});
        let made = self.post("/user/tokens", &body).await;
        assert_eq!(made.status, 200, "{}", made.text);
        made.result()["value"].as_str().unwrap().to_owned()
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        nameservers: vec!["ns1.example.net".parse().unwrap(), "ns2.example.net".parse().unwrap()],
        hostmaster: None,
        pop: "FRA".parse().unwrap(),
        extra_pops: vec!["NRT".parse().unwrap()],
        monitor_interval_min: 10,
        checks_per_second_max: 5_000,
        requests_per_minute: 1_000_000,
    }
}

/// A world that is ahead of every revision, so that nobody waits for it.
pub(super) fn cell(pools: Vec<Pool>) -> Cell {
    let geo = Arc::new(Builder::empty().unwrap().build());
    let pools = Arc::new(pools.into_iter().map(|pool| Some(Arc::new(pool))).collect());
    let site = Site::at("FRA".parse().unwrap()).unwrap();
    Cell::new(Snapshot {
        generation: 1,
        revision: u64::MAX,
        zones: Arc::new(Zones::new(Seed(7))),
        world: World { pools, balancers: Arc::new(Vec::new()), geo, site, epochs: Arc::default() },
        node: Arc::new(Node::new()),
        jobs: Arc::new(Vec::new()),
        hosts: Arc::default(),
        certificates: Arc::default(),
        affinity_keys: Arc::default(),
        routes: Arc::default(),
        checks: Arc::default(),
        fed: Arc::default(),
        loads: Arc::default(),
    })
}

/// A zone with load balancers in these slots.
pub(super) fn hosted(apex: &str, id: ZoneId, balancers: &[(&Name, u32)]) -> Zone {
    let [apex, ns]: [Name; 2] = [apex, "ns1.example.net"].map(|name| name.parse().unwrap());
    let authority = Authority { nameservers: vec![ns.clone()], soa: Soa::new(ns.clone(), ns, 1) };
    let mut zone = Zone::empty(id, &apex, &authority, Seed(7));
    for &(name, slot) in balancers {
        assert!(zone.set_balancer(name, Some(BalancerSlot(slot))), "{name} is not in {apex}");
    }
    zone
}

pub(super) fn nothing_drawn() -> DrawsPort {
    Arc::new(|_| Draws::default())
}

/// Probes that pass, but for names.
pub(super) fn all_up() -> PreviewPort {
    Arc::new(|_monitor, targets| {
        Box::pin(async move {
            let outcome = |target: &trimtab_live::Target| match target.address {
                trimtab_model::pool::Address::Ip(_) => {
                    (Outcome::pass(200, Duration::from_micros(12_340)), None)
                }
                trimtab_model::pool::Address::Host(_) => {
                    (Outcome::fail(FailureReason::DnsUnknownHost, 0, None), None)
                }
            };
            targets.iter().map(outcome).collect()
        })
    })
}

/// A step and a verdict for each target.
fn step_by_step() -> ProbePort {
    Arc::new(|watched: Watched| {
        let Watched { monitor, pool: _, targets, pop } = watched;
        let kind = monitor.probe.kind;
        let lines = targets.into_iter().flat_map(move |target| {
            let line = move |step, text: String| ProbeLine {
                origin: target.name.to_string(),
                address: target.address.to_string(),
                pop,
                at_ms: 1.5,
                step,
                text,
                verdict: None,
            };
            [line("sent", format!("a {kind} probe")), line("verdict", "No failures".into())]
        });
        Box::pin(futures_util::stream::iter(lines))
    })
}

/// A conversation as text, with what is random replaced by what is not.
pub(super) struct Transcript<'a> {
    bench: &'a Bench,
    text: Mutex<String>,
}

// === impl Transcript ===

impl<'a> Transcript<'a> {
    pub(super) fn new(bench: &'a Bench) -> Transcript<'a> {
        Transcript { bench, text: Mutex::new(String::new()) }
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Got {
        self.bench.clock.pass(Duration::from_secs(1));
        let got = self.bench.send(method, path, body.as_ref()).await;
        let mut text = self.text.lock().unwrap();
        writeln!(text, "{method} {path}").unwrap();
        if let Some(body) = &body {
            writeln!(text, "{body}").unwrap();
        }
        let shown = match got.kind.as_str() {
            "application/json" => serde_json::to_string_pretty(&got.json()).unwrap(),
            _ => got.text.clone(),
        };
        writeln!(text, "-> {}\n{shown}\n", got.status).unwrap();
        got
    }

    pub(super) fn finish(self) -> String {
        redact(&self.text.into_inner().unwrap())
    }
}

/// Ids in the order of their first mention. A second passes with each request, so times need nothing.
pub(super) fn redact(text: &str) -> String {
    let (mut out, mut seen, mut rest) = (String::new(), Vec::new(), text);
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let run = rest[start..].find(|c: char| !c.is_ascii_hexdigit());
        let end = run.map_or(rest.len(), |length| start + length);
        let id = &rest[start..end];
        out.push_str(&rest[..start]);
        if id.len() == 32 && id.parse::<PoolId>().is_ok() {
            let index = seen.iter().position(|known| *known == id).unwrap_or_else(|| {
                seen.push(id);
                seen.len() - 1
            });
            write!(out, "<id {}>", index + 1).unwrap();
        } else {
            out.push_str(id);
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
