//! `trimtab demo`: a whole world on loopback, in memory, gone when it ends. What serves is the production code;
//! only the origins and the way to them are made up.

mod act;
mod ask;
mod control;
mod fetch;
mod origins;
mod pager;
mod selftest;
mod state;
pub(crate) mod world;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};
use trimtab_connect::{Detour, Detours};
use trimtab_health::Verdict;
use trimtab_live::{Snapshot, Target};
use trimtab_model::pool::Address;
use trimtab_probe::Simulate;

use crate::assemble::{Addresses, Extras, Running};
use crate::cli::{Demo, Exit, Failure, Server, loopback, say};
use crate::client::Client;
use crate::config::{Api, Config, Dns, Egress, Limits, Node, Proxy};
use crate::serve::Signals;

use self::origins::Origins;
use self::pager::Pager;
use self::state::State;

const API_PORT: u16 = 8353;
const DNS_PORT: u16 = 1053;
const HTTP_PORT: u16 = 8080;
const HTTPS_PORT: u16 = 8443;
/// Ports tried after the first one that is taken.
const PORTS_TRIED: u16 = 100;
/// Every origin has been seen by every place long before.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// The API's own limit is for people; the demo talks to itself.
const REQUESTS_PER_MINUTE: u32 = 1_000_000;

/// A running demo.
pub(crate) struct World {
    running: Running,
    client: Client,
    addresses: Addresses,
    token: String,
    /// Ends with the world.
    _pager: Pager,
}

pub(crate) async fn run(options: Demo) -> Result<(), Failure> {
    if let Some(verb) = options.act {
        return act::run(verb).await;
    }
    let started = Instant::now();
    let mut signals = Signals::listen()?;
    let mut world = World::start(&options).await?;
    let ended = if options.selftest {
        tokio::select! {
            told = selftest::run(&world) => told,
            () = signals.wait() => Err(Failure::new(Exit::Failed, "interrupted")),
        }
    } else {
        // Gone when this block ends: before the world, so that no verb finds half of it.
        let file = world.state().write().await?;
        say(banner(&world, started.elapsed()));
        if file.is_none() {
            say("Another demo is running: trimtab demo kill, heal and the like act on that one.\n");
        }
        tokio::select! {
            () = signals.wait() => Ok(()),
            why = world.running.failed() => Err(Failure::new(Exit::Failed, why)),
        }
    };
    signals.hurry(world.running.stop()).await?;
    ended
}

// === impl World ===

impl World {
    async fn start(options: &Demo) -> Result<World, Failure> {
        let failed = |why: &dyn std::error::Error| Failure::from_error(Exit::Failed, why);
        let config = config(options)?;
        let origins = Arc::new(Origins::start().await.map_err(|why| failed(&why))?);
        let pager = Pager::start().await.map_err(|why| failed(&why))?;
        let token = random_token();
        let extras = Extras {
            geofeed: Some(world::GEOFEED),
            detours: detours(&origins, &pager),
            simulate: Some(simulate(Arc::clone(&origins))),
            in_memory: true,
            token: Some(token.clone()),
            routes: Some(control::routes(Arc::clone(&origins), token.clone())),
        };
        let running = Running::start(config, extras).await.map_err(|why| failed(&why))?;
        let addresses = running.addresses().clone();
        let server = Server {
            server: format!("http://{}/client/v4", addresses.api),
            token: Some(token.clone()),
            json: false,
        };
        let world =
            World { running, client: Client::new(&server)?, addresses, token, _pager: pager };
        world.create().await?;
        world.wait_for_health().await?;
        Ok(world)
    }

    /// The resources that an operator would make, through the API that an operator would use.
    async fn create(&self) -> Result<(), Failure> {
        let account = self.client.account().await?;
        let zone = json!({ "name": world::ZONE, "account": { "id": account } });
        let zone = self.make("/zones", &zone).await?;
        let base = format!("/accounts/{account}/load_balancers");
        let monitor = self.make(&format!("{base}/monitors"), &world::monitor()).await?;
        let mut pools = Vec::new();
        for name in world::POOLS.into_iter().chain([world::BUSY]) {
            let id = self.make(&format!("{base}/pools"), &world::pool(name, &monitor)).await?;
            pools.push((name, id));
        }
        let pool = |name: &str| {
            let found = pools.iter().find(|(known, _)| *known == name);
            found.map(|(_, id)| id.clone()).unwrap_or_default()
        };
        for sketch in world::balancers(pool) {
            let mut body = sketch.body;
            body["name"] = json!(format!("{}.{}", sketch.name, world::ZONE));
            body["description"] = json!(sketch.about);
            self.make(&format!("/zones/{zone}/load_balancers"), &body).await?;
        }
        self.create_alerts(&account).await
    }

    /// A line on this terminal for each pool that goes down or comes back.
    async fn create_alerts(&self, account: &str) -> Result<(), Failure> {
        let base = format!("/accounts/{account}/alerting/v3");
        let hook = json!({ "name": "terminal", "url": pager::URL });
        let hook = self.make(&format!("{base}/destinations/webhooks"), &hook).await?;
        let policy = json!({
            "name": "terminal",
            "enabled": true,
            "alert_type": "load_balancing_health_alert",
            "mechanisms": { "webhooks": [{ "id": hook }] },
            "filters": { "event_source": ["pool"] },
        });
        self.make(&format!("{base}/policies"), &policy).await?;
        Ok(())
    }

    async fn make(&self, path: &str, body: &Value) -> Result<String, Failure> {
        let made = self.client.call(Method::POST, path, Some(body)).await?;
        match made["result"]["id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(Failure::new(Exit::Failed, format!("{path}: the answer has no id"))),
        }
    }

    async fn wait_for_health(&self) -> Result<(), Failure> {
        let mut newer = self.running.cell().subscribe();
        let known = async {
            while !all_known(&self.running.cell().load()) {
                if newer.changed().await.is_err() {
                    break;
                }
            }
        };
        let waited = tokio::time::timeout(READY_WITHIN, known).await;
        waited.map_err(|_elapsed| {
            Failure::new(Exit::Failed, format!("origins were not probed within {READY_WITHIN:?}"))
        })
    }

    fn state(&self) -> State {
        State {
            api: self.addresses.api,
            dns: self.dns(),
            http: self.http(),
            token: self.token.clone(),
        }
    }

    fn dns(&self) -> SocketAddr {
        self.addresses.dns.first().copied().unwrap_or(loopback(DNS_PORT))
    }

    fn http(&self) -> SocketAddr {
        self.addresses.http.first().copied().unwrap_or(loopback(HTTP_PORT))
    }

    fn https(&self) -> SocketAddr {
        self.addresses.https.first().copied().unwrap_or(loopback(HTTPS_PORT))
    }
}

fn all_known(snapshot: &Snapshot) -> bool {
    let mut endpoints =
        snapshot.world.pools.iter().flatten().flat_map(|pool| &pool.health.endpoints);
    endpoints.all(|endpoint| endpoint.verdict == Verdict::Up)
}

fn config(options: &Demo) -> Result<Config, Failure> {
    let mut pops = world::POPS.iter().filter_map(|code| code.parse().ok());
    let node = Node {
        name: "demo".into(),
        pop: pops.next().unwrap_or(Node::default().pop),
        extra_pops: pops.collect(),
        sources: Default::default(),
    };
    let documentation = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];
    Ok(Config {
        data_dir: "unused".into(),
        node,
        api: Api {
            listen: free(options.api_port, API_PORT)?,
            requests_per_minute: REQUESTS_PER_MINUTE,
        },
        dns: Dns {
            listen: vec![free(options.dns_port, DNS_PORT)?],
            explain_to: "127.0.0.0/8".parse().into_iter().collect(),
            ..Dns::default()
        },
        acme: None,
        smtp: None,
        alerts: Default::default(),
        proxy: Proxy {
            http: vec![free(options.http_port, HTTP_PORT)?],
            https: vec![free(options.https_port, HTTPS_PORT)?],
            addresses: vec![loopback(HTTP_PORT).ip()],
            // So that one machine can play clients all over the world.
            trusted_proxies: "127.0.0.0/8".parse().into_iter().collect(),
            expose: true,
            ..Proxy::default()
        },
        egress: Egress {
            allow: documentation.iter().filter_map(|net| net.parse().ok()).collect(),
            deny: Vec::new(),
        },
        geo: Default::default(),
        store: Default::default(),
        limits: Limits { min_monitor_interval: 1, ..Limits::default() },
    })
}

/// The wanted port or none; without a wish the usual one or the next that is free for UDP and TCP.
fn free(wanted: Option<u16>, usual: u16) -> Result<SocketAddr, Failure> {
    let is_free = |at: &SocketAddr| TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok();
    let mut candidates = match wanted {
        Some(port) => port..=port,
        None => usual..=usual.saturating_add(PORTS_TRIED),
    };
    candidates.clone().map(loopback).find(is_free).ok_or_else(|| {
        let first = candidates.next().unwrap_or(usual);
        Failure::new(Exit::Failed, format!("port {first} of 127.0.0.1 is taken"))
    })
}

fn detours(origins: &Origins, pager: &Pager) -> Detours {
    let way = |(address, to)| (address, Detour { to, delay: Duration::ZERO });
    origins.detours().chain([pager.detour()]).map(way).collect()
}

/// How long the way from a place to an origin takes, there and back: for ever where it is cut off.
fn simulate(origins: Arc<Origins>) -> Simulate {
    Arc::new(move |pop, target: &Target| {
        if origins.is_cut_off(&target.address, pop) {
            return Duration::MAX;
        }
        let site =
            world::SITES.iter().find(|site| Address::Ip(site.address.into()) == target.address);
        let places = site.and_then(|site| {
            Some((world::coordinates(pop.code())?, world::coordinates(site.pop)?))
        });
        places.map_or(Duration::ZERO, |(from, to)| world::round_trip(from, to))
    })
}

/// 50 characters, as the official clients want them.
fn random_token() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let word = || RandomState::new().build_hasher().finish();
    format!("tt_{:016x}{:016x}{:015x}", word(), word(), word() >> 4)
}

fn banner(world: &World, ready: Duration) -> String {
    let (api, dns) = (world.addresses.api, world.dns());
    let at = format!("dig @{} -p {}", dns.ip(), dns.port());
    let dig = format!("{at} www.{} +short", world::ZONE);
    let (http, https) = (world.http(), world.https());
    let dig_why = format!("{at} TXT _why.www.{} +short +subnet=10.81.0.0/24", world::ZONE);
    format!(
        "trimtab {version} · demo world · all on 127.0.0.1, in memory, latencies are simulated · ready in {ready:.0?}

  API         http://{api}/client/v4
              export CLOUDFLARE_BASE_URL=http://{api}/client/v4 CLOUDFLARE_API_TOKEN={token}
  DNS         {dns}  udp tcp
  HTTP proxy  {http}  and with TLS {https}
  Metrics     http://{api}/metrics

  {pops} PoPs · {pools} pools · {origins} origins · balancers www (proximity), geo, canary (random),
  api (failover), fast (latency), load and conns (least loaded), shed, vpn (persistence), *.app (rules),
  shop (proxied: cookie affinity, /blog by a rule)

 1  {dig} +subnet=10.81.0.0/24    # a client in Japan    -> 203.0.113.20, .21  nrt
 2  {dig} +subnet=10.49.0.0/24    # a client in Germany  -> 203.0.113.10, .11  fra
 3  trimtab demo kill fra       # repeat 2: the answer moves to lhr (203.0.113.15) within {failover} s; an alert is printed here
 4  trimtab explain www.{zone} --from tokyo --server http://{api}/client/v4 --token {token}
 5  {dig_why}    # the same as TXT records, for clients that may know
 6  trimtab split canary.{zone} --server http://{api}/client/v4 --token {token}
 7  trimtab demo curl tokyo shop    # the proxy: a page of nrt, and a cookie that keeps the client there
 8  curl -i -H 'Host: shop.{zone}' http://{http}/blog    # a rule sends these to lhr
 9  trimtab demo heal fra
10  trimtab demo partition NRT fra    # one place is cut off, and nothing flips: 11 names it
11  trimtab health fra --matrix --server http://{api}/client/v4 --token {token}
12  trimtab demo heal fra       # Ctrl-C ends everything
",
        version = env!("CARGO_PKG_VERSION"),
        token = world.token,
        pops = world::POPS.len(),
        pools = world::POOLS.len(),
        origins = world::SITES.len(),
        failover = world::INTERVAL * world::CONSECUTIVE_DOWN,
        zone = world::ZONE,
    )
}
