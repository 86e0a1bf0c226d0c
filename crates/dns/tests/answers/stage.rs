//! A small world that is put together word by word: zones, pools, balancers, places, a node.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use trimtab_dns::zonefile;
use trimtab_dns::{Authority, Node, RecordInput, Seed, Soa, View, Zone, Zones};
use trimtab_geo::Builder;
use trimtab_health::{EndpointHealth, PoolHealth, Probing, Schedule, Thresholds, Verdict};
use trimtab_model::balancer::Steering;
use trimtab_model::pool::{Address, Service, Weight};
use trimtab_model::{self as model, Moment, MonitorId, Name, PoolId, ZoneId};
use trimtab_steer::{Balancer, BalancerSlot, Pool, PoolSlot, Site, World};

const SEED: Seed = Seed(42);

pub(crate) struct Stage {
    pub(crate) now: Moment,
    geofeed: String,
    node: Node,
    /// Apex and zone file.
    zones: Vec<(Name, String)>,
    pools: Vec<(model::Pool, PoolHealth)>,
    hosts: HashMap<Name, Vec<IpAddr>>,
    balancers: Vec<model::Balancer>,
}

/// Everything that a view borrows from.
pub(crate) struct Built {
    zones: Zones,
    world: World,
    node: Node,
}

// === impl Built ===

impl Built {
    pub(crate) fn view(&self) -> View<'_> {
        View { zones: &self.zones, world: &self.world, node: &self.node }
    }
}

// === impl Stage ===

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage {
            now: Moment::default(),
            geofeed: String::new(),
            node: Node::new(),
            zones: Vec::new(),
            pools: Vec::new(),
            hosts: HashMap::new(),
            balancers: Vec::new(),
        }
    }

    /// `NET COUNTRY`
    pub(crate) fn place(&mut self, rest: &str) {
        let (net, country) = rest.split_once(' ').unwrap();
        writeln!(self.geofeed, "{net},{country},,").unwrap();
    }

    /// `[addresses=IP,…] [id=TEXT] [version=TEXT] [payload=BYTES] [answers=COUNT] [explain=NET]`
    pub(crate) fn node(&mut self, rest: &str) {
        let mut node = Node::new();
        for (key, value) in pairs(rest) {
            node = match key {
                "addresses" => {
                    let ips: Vec<IpAddr> = value.split(',').map(|ip| ip.parse().unwrap()).collect();
                    node.with_addresses(&ips).unwrap()
                }
                "id" => node.with_server_id(Some(value)).unwrap(),
                "version" => node.with_version(Some(value)).unwrap(),
                "payload" => node.with_udp_payload_max(value.parse().unwrap()).unwrap(),
                "explain" => node.with_explain_to(&[value.parse().unwrap()]).unwrap(),
                "answers" => node.with_answers_max(value.parse().unwrap()),
                other => panic!("unknown key {other}"),
            };
        }
        self.node = node;
    }

    pub(crate) fn zone(&mut self, apex: &str) {
        self.zones.push((apex.parse().unwrap(), String::new()));
    }

    /// One line of the last zone's file.
    pub(crate) fn zone_line(&mut self, line: &str) {
        let (_, text) = self.zones.last_mut().unwrap();
        writeln!(text, "{line}").unwrap();
    }

    /// `NAME IP,…`: what a host name resolved to.
    pub(crate) fn host(&mut self, rest: &str) {
        let (name, addresses) = rest.split_once(' ').unwrap();
        let addresses = addresses.split(',').map(|ip| ip.parse().unwrap()).collect();
        self.hosts.insert(name.parse().unwrap(), addresses);
    }

    /// `NAME [probe=SECONDS] [disabled] [hash] : ADDRESS [w=SHARE] [cname] [mx=PRIORITY]
    /// [srv=PRIORITY/WEIGHT/PORT] [up|down|disabled], …`
    pub(crate) fn pool(&mut self, rest: &str) {
        let (head, origins) = rest.split_once(" : ").unwrap();
        let mut words = head.split(' ');
        let mut pool = empty_pool(words.next().unwrap());
        let mut next_probe = Duration::from_secs(3_600);
        for word in words {
            match word.split_once('=') {
                Some(("probe", seconds)) => {
                    next_probe = Duration::from_secs(seconds.parse().unwrap());
                }
                None if word == "disabled" => pool.enabled = false,
                None if word == "hash" => pool.origin_steering = "hash".parse().unwrap(),
                _ => panic!("unknown word {word}"),
            }
        }
        let (origins, verdicts): (Vec<_>, Vec<_>) = origins.split(", ").map(origin).unzip();
        pool.origins = origins;
        let health = self.health(&pool, &verdicts, next_probe);
        self.pools.push((pool, health));
    }

    fn health(
        &self,
        pool: &model::Pool,
        verdicts: &[Option<Verdict>],
        wait: Duration,
    ) -> PoolHealth {
        if verdicts.iter().all(Option::is_none) {
            return PoolHealth::unmonitored(verdicts.len());
        }
        let endpoints = verdicts.iter().map(|verdict| EndpointHealth {
            verdict: verdict.unwrap_or(Verdict::Unknown),
            ..EndpointHealth::unmonitored()
        });
        let limits = Thresholds::new(1, 1);
        let schedule = Schedule::new(self.now + wait, wait, limits);
        let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
        let enabled = pool.origins.iter().map(|origin| origin.enabled);
        PoolHealth::new(endpoints.collect(), enabled, pool.minimum_origins, probings)
    }

    /// `NAME POLICY default=POOL,… fallback=POOL [country.XX=POOL,…] [ttl=SECONDS] [proxied] [disabled]`
    pub(crate) fn balancer(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let mut balancer = empty_balancer(words.next().unwrap());
        balancer.steering.policy = words.next().unwrap().parse().unwrap();
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let pools = || value.split(',').map(|name| self.pool_id(name)).collect::<Vec<_>>();
            match key {
                "default" => balancer.steering.default_pools = pools(),
                "fallback" => balancer.steering.fallback_pool = self.pool_id(value),
                "ttl" => balancer.ttl = value.parse().unwrap(),
                "proxied" => balancer.proxied = true,
                "disabled" => balancer.enabled = false,
                _ => {
                    let country = key.strip_prefix("country.").unwrap().parse().unwrap();
                    balancer.steering.country_pools.insert(country, pools());
                }
            }
        }
        self.balancers.push(balancer);
    }

    fn pool_id(&self, name: &str) -> PoolId {
        self.pools.iter().find(|(pool, _)| pool.name == name).unwrap().0.id
    }

    pub(crate) fn build(&self) -> Built {
        let slots: HashMap<PoolId, PoolSlot> =
            self.pools.iter().zip(0..).map(|((pool, _), slot)| (pool.id, PoolSlot(slot))).collect();
        let balancer = |config: &model::Balancer| {
            Arc::new(Balancer::build(config, |id| slots.get(&id).copied()).unwrap())
        };
        let pool = |(pool, health): &(model::Pool, PoolHealth)| {
            let addresses = |name: &Name| self.hosts.get(name).map_or(&[][..], Vec::as_slice);
            Some(Arc::new(Pool::resolved(pool, health.clone(), addresses)))
        };
        let world = World {
            pools: Arc::new(self.pools.iter().map(pool).collect()),
            balancers: Arc::new(self.balancers.iter().map(|b| Some(balancer(b))).collect()),
            geo: Arc::new(Builder::empty().unwrap().geofeed(&self.geofeed).unwrap().build()),
            site: Site::at("FRA".parse().unwrap()).unwrap(),
            epochs: Arc::default(),
        };
        let mut zones = Zones::new(SEED);
        for (apex, text) in &self.zones {
            zones.insert(Arc::new(self.build_zone(apex, text)));
        }
        Built { zones, world, node: self.node.clone() }
    }

    fn build_zone(&self, apex: &Name, text: &str) -> Zone {
        let import = zonefile::import(text, apex).unwrap();
        assert_eq!(import.problems, []);
        let mut zone = Zone::empty(ZoneId::new([1; 16]), apex, &authority(), SEED);
        let mut by_name: BTreeMap<Name, Vec<RecordInput<'_>>> = BTreeMap::new();
        for record in &import.records {
            by_name.entry(record.name.clone()).or_default().push(RecordInput {
                kind: record.kind,
                ttl: record.ttl,
                rdata: &record.parsed.rdata,
            });
        }
        for (name, records) in &by_name {
            zone.set_records(name, records);
        }
        for (balancer, slot) in self.balancers.iter().zip(0..) {
            if balancer.name.is_in(apex) {
                let slot = balancer.enabled.then_some(BalancerSlot(slot));
                zone.set_balancer(&balancer.name, slot);
            }
        }
        zone
    }
}

fn authority() -> Authority {
    let name = |text: &str| text.parse::<Name>().unwrap();
    let soa = Soa::new(name("ns1.test"), name("hostmaster.test"), 1);
    Authority { nameservers: vec![name("ns1.test"), name("ns2.test")], soa }
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(' ').map(|word| word.split_once('=').unwrap())
}

fn configure(origin: &mut model::Origin, word: &str) {
    let (key, value) = word.split_once('=').unwrap();
    match key {
        "w" => origin.weight = Weight::from_share(value.parse().unwrap(), 1).unwrap(),
        "mx" => origin.service = Some(Service::Mx { priority: value.parse().unwrap() }),
        "srv" => {
            let numbers: Vec<u16> = value.split('/').map(|n| n.parse().unwrap()).collect();
            let [priority, weight, port] = numbers[..] else { panic!("{value}") };
            (origin.port, origin.service) = (port, Some(Service::Srv { priority, weight }));
        }
        other => panic!("unknown key {other}"),
    }
}

fn origin(text: &str) -> (model::Origin, Option<Verdict>) {
    let mut words = text.split(' ');
    let address = words.next().unwrap();
    let mut origin = model::Origin {
        name: address.into(),
        address: Address::read(address).unwrap(),
        ..trimtab_testkit::origin()
    };
    let mut verdict = None;
    for word in words {
        match word {
            "up" => verdict = Some(Verdict::Up),
            "down" => verdict = Some(Verdict::Down),
            "disabled" => origin.enabled = false,
            "cname" => origin.flatten_cname = false,
            word => configure(&mut origin, word),
        }
    }
    (origin, verdict)
}

fn empty_pool(name: &str) -> model::Pool {
    let mut id = [0; 16];
    id.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
    model::Pool { id: PoolId::new(id), name: name.into(), ..trimtab_testkit::pool() }
}

fn empty_balancer(name: &str) -> model::Balancer {
    model::Balancer {
        name: name.parse().unwrap(),
        steering: Steering { policy: Default::default(), ..trimtab_testkit::steering() },
        ..trimtab_testkit::balancer()
    }
}
