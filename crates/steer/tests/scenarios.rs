//! Plays the text scenarios of `tests/scenarios/steer`; the README beside them tells the language.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use trimtab_geo::Builder;
use trimtab_health::{
    EndpointHealth, MemberHealth, Observation, PoolHealth, Probing, Rtt, Schedule, Thresholds, UP,
    Verdict,
};
use trimtab_model::balancer::{LocationMode, LocationStrategy, Persistence, PreferEcs, Steering};
use trimtab_model::pool::{Address, Upstream, Weight};
use trimtab_model::{self as model, Coordinates, Moment, MonitorId, PoolId, Pop};
use trimtab_steer::{
    Balancer, Client, Decision, Load, Pool, PoolSlot, Site, Subnet, Wanted, World, decide,
};

#[path = "scenarios/proxied.rs"]
mod proxied;
#[path = "scenarios/rules.rs"]
mod rules;

#[test]
fn steering_scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/steer");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "scn") {
            let text = std::fs::read_to_string(&path).unwrap();
            for case in text.split("\n\n").filter(|case| !case.trim().is_empty()) {
                played += 1;
                let mut stage = Stage::new(case.lines().next().unwrap());
                for line in case.lines().skip(1) {
                    stage.play(line.trim());
                }
                assert!(stage.said.is_none(), "{}: the last answer is not checked", stage.title);
            }
        }
    }
    assert!(played > 20, "only {played} cases were found");
}

/// One case while it is played.
struct Stage {
    title: String,
    now: Moment,
    geofeed: String,
    resolvers: String,
    latencies: String,
    node: String,
    pools: Vec<(model::Pool, PoolHealth)>,
    balancer: Option<model::Balancer>,
    /// What the last `ask` or `shares` said and nobody has compared yet.
    said: Option<String>,
}

impl Stage {
    fn new(title: &str) -> Stage {
        Stage {
            title: title.into(),
            now: Moment::default() + Duration::from_secs(3600),
            geofeed: String::new(),
            resolvers: "prefix,operator,site\n".into(),
            latencies: "source,pool,ms\n".into(),
            node: "FRA".into(),
            pools: Vec::new(),
            balancer: None,
            said: None,
        }
    }

    fn play(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap();
        match verb {
            "place" => self.place(rest),
            "resolver" => self.resolver(rest),
            "latency" => writeln!(self.latencies, "{}", rest.replace(' ', ",")).unwrap(),
            "node" => self.node = rest.into(),
            "pool" => self.pool(rest),
            "balancer" => self.balancer = Some(self.read_balancer(rest)),
            "rule" => self.rule(rest),
            "set" => self.pool_set(rest),
            "ask" => self.said = Some(self.ask(rest)),
            "send" => self.said = Some(self.send(rest)),
            "sends" => self.said = Some(self.sends(rest)),
            "shares" => self.said = Some(self.shares(rest)),
            "->" => self.compare(rest),
            other => panic!("{}: unknown verb {other}", self.title),
        }
    }

    fn place(&mut self, rest: &str) {
        let [net, country, at] = words(rest);
        writeln!(self.geofeed, "{net},{country},,,,{at}").unwrap();
    }

    /// `PREFIX OPERATOR [SITE]`
    fn resolver(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let (prefix, operator) = (words.next().unwrap(), words.next().unwrap());
        let site = words.next().unwrap_or_default();
        writeln!(self.resolvers, "{prefix},{operator},{site}").unwrap();
    }

    /// A pool of a known name takes the known one's place.
    fn pool(&mut self, rest: &str) {
        let (head, origins) = rest.split_once(" : ").unwrap();
        let mut head = head.split(' ');
        let name = head.next().unwrap();
        let mut pool = empty_pool(name);
        let mut rtts = Vec::new();
        for word in head {
            match word.split_once('=') {
                Some(("at", at)) => {
                    let (lat, lon) = at.split_once(',').unwrap();
                    pool.coordinates = Coordinates::new(lat.parse().unwrap(), lon.parse().unwrap());
                }
                Some(("min", min)) => pool.minimum_origins = min.parse().unwrap(),
                Some(("sessions", percent)) => {
                    pool.load_shedding.session_percent = percent.parse().unwrap();
                }
                Some(("shed", percent)) => pool.load_shedding = rules::shedding(percent),
                Some(("slow", seconds)) => {
                    let slow_start = seconds.parse().unwrap();
                    pool.upstream = Some(Box::new(Upstream { slow_start, ..Upstream::default() }));
                }
                Some((key, millis)) if key.starts_with("rtt.") => {
                    rtts.push((key[4..].parse().unwrap(), millis.parse().unwrap()));
                }
                None if word == "disabled" => pool.enabled = false,
                None if word == "hash" => pool.origin_steering = "hash".parse().unwrap(),
                None if word == "least" => {
                    pool.origin_steering = "least_outstanding_requests".parse().unwrap();
                }
                _ => panic!("{}: unknown word {word}", self.title),
            }
        }
        let origins = origins.split(", ").map(|text| origin(text, self.now));
        let (origins, seen): (Vec<_>, Vec<_>) = origins.unzip();
        pool.origins = origins;
        let health = self.health(&pool, &seen, &rtts);
        match self.pools.iter().position(|(known, _)| known.name == name) {
            Some(index) => self.pools[index] = (pool, health),
            None => self.pools.push((pool, health)),
        }
    }

    fn health(&self, pool: &model::Pool, seen: &[Seen], rtts: &[(Pop, u64)]) -> PoolHealth {
        if seen.iter().all(|seen| seen.verdict.is_none()) {
            return PoolHealth::unmonitored(seen.len());
        }
        let endpoints = seen.iter().map(|seen| EndpointHealth {
            verdict: seen.verdict.unwrap_or(Verdict::Unknown),
            since: seen.since,
            members: Box::new([MemberHealth::alone(
                seen.verdict.unwrap_or(Verdict::Unknown),
                rtts.iter().map(|&(pop, millis)| (pop, self.observation(millis))).collect(),
            )]),
            ruling: None,
        });
        let hour = Duration::from_secs(3600);
        let schedule = Schedule::new(self.now + hour, hour, Thresholds::new(1, 1));
        let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
        let enabled = pool.origins.iter().map(|origin| origin.enabled);
        PoolHealth::new(endpoints.collect(), enabled, pool.minimum_origins, probings)
    }

    fn observation(&self, millis: u64) -> Observation {
        let rtt = Rtt::first(Duration::from_millis(millis), self.now);
        Observation { state: UP, rtt: Some(rtt), ..Observation::unknown(self.now) }
    }

    fn read_balancer(&self, rest: &str) -> model::Balancer {
        let mut words = rest.split(' ');
        let policy = words.next().unwrap().trim_matches('"').parse().unwrap();
        let mut balancer = empty_balancer();
        balancer.steering.policy = policy;
        for word in words {
            let (key, value) = word.split_once('=').unwrap();
            let pools = || value.split(',').map(|name| self.id(name)).collect::<Vec<_>>();
            let steering = &mut balancer.steering;
            match key.split_once('.') {
                None if key == "default" => steering.default_pools = pools(),
                None if key == "fallback" => steering.fallback_pool = self.id(value),
                None if key == "ttl" => balancer.ttl = value.parse().unwrap(),
                None if key == "weight" => steering.random.default_weight = weight(value),
                None if key == "ecs" => location(steering).prefer_ecs = value.parse().unwrap(),
                None if key == "keep" => balancer.extension.persistence = Some(kept(value)),
                None if key == "affinity" => balancer.affinity.kind = value.parse().unwrap(),
                None if key == "drain" => {
                    balancer.affinity.attributes.drain_duration = value.parse().unwrap();
                }
                None if key == "across" => steering.failover_across_pools = value == "yes",
                None if key == "mode" => location(steering).mode = value.parse().unwrap(),
                Some(("region", code)) => {
                    steering.region_pools.insert(code.parse().unwrap(), pools());
                }
                Some(("country", code)) => {
                    steering.country_pools.insert(code.parse().unwrap(), pools());
                }
                Some(("pop", code)) => {
                    steering.pop_pools.insert(code.parse().unwrap(), pools());
                }
                Some(("weight", name)) => {
                    steering.random.pool_weights.insert(self.id(name), weight(value));
                }
                Some(("bias", name)) => {
                    let bias = value.parse().unwrap();
                    balancer.extension.proximity_bias.insert(self.id(name), bias);
                }
                _ => panic!("{}: unknown key {key}", self.title),
            }
        }
        balancer.steering.resolve();
        balancer
    }

    fn id(&self, name: &str) -> PoolId {
        let found = self.pools.iter().find(|(pool, _)| pool.name == name);
        found.unwrap_or_else(|| panic!("{}: no pool {name}", self.title)).0.id
    }

    fn ask(&self, rest: &str) -> String {
        let table = self.table();
        let decision = table.decide(rest, 1);
        let why = decision.why;
        let pool = why.pool.map_or("none", |slot| self.name(slot));
        let mut addresses: Vec<_> =
            decision.picks.iter().filter_map(|pick| pick.data.address()).collect();
        addresses.sort();
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let gap = if addresses.is_empty() { "" } else { " " };
        format!(
            "{pool} {:?} {:?}{gap}{} scope={} ttl={}",
            why.chosen,
            why.endpoints,
            addresses.join(","),
            decision.scope,
            decision.ttl
        )
    }

    /// Counts pools, or first addresses when there is but one pool.
    fn shares(&self, rest: &str) -> String {
        let (count, asked) = rest.split_once(' ').unwrap();
        let count: u32 = count.parse().unwrap();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let table = self.table();
        for dice in 0..count {
            let decision = table.decide(asked, u64::from(dice));
            let one = match self.pools.len() {
                1 => decision.picks.iter().next().unwrap().data.address().unwrap().to_string(),
                _ => self.name(decision.why.pool.unwrap()).to_owned(),
            };
            *counts.entry(one).or_default() += 1;
        }
        let counted = counts.iter().map(|(name, times)| format!("{name}={times}/{count}"));
        counted.collect::<Vec<_>>().join(" ")
    }

    fn name(&self, slot: PoolSlot) -> &str {
        &self.pools[slot.0 as usize].0.name
    }

    fn table(&self) -> Table {
        let slots: HashMap<PoolId, PoolSlot> =
            self.pools.iter().zip(0..).map(|((pool, _), slot)| (pool.id, PoolSlot(slot))).collect();
        let config = self.balancer.as_ref().unwrap();
        let balancer = Balancer::build(config, |id| slots.get(&id).copied()).unwrap();
        Table { world: self.world(), balancer, now: self.now }
    }

    fn world(&self) -> World {
        let geo = Builder::empty().unwrap().geofeed(&self.geofeed).unwrap();
        let geo = geo.operators(&self.resolvers).unwrap().latencies(&self.latencies).unwrap();
        let geo = Arc::new(geo.build());
        let pools = self.pools.iter().map(|(pool, health)| {
            Some(Arc::new(Pool::build(pool, health.clone()).measured_by(geo.latencies())))
        });
        World {
            pools: Arc::new(pools.collect()),
            balancers: Arc::default(),
            geo,
            site: Site::at(self.node.parse().unwrap()).unwrap(),
            epochs: Arc::default(),
        }
    }

    fn compare(&mut self, want: &str) {
        let said = self.said.take().unwrap();
        if said.contains('/') {
            return self.compare_shares(&said, want);
        }
        assert_eq!(said, want, "{}", self.title);
    }

    /// Five standard deviations of a binomial count.
    fn compare_shares(&self, said: &str, want: &str) {
        let mut missing: BTreeMap<&str, f64> = want
            .split(' ')
            .map(|share| share.split_once('=').unwrap())
            .map(|(name, percent)| (name, percent.parse::<f64>().unwrap() / 100.0))
            .collect();
        for counted in said.split(' ') {
            let (name, counted) = counted.split_once('=').unwrap();
            let (times, count) = counted.split_once('/').unwrap();
            let (times, count): (f64, f64) = (times.parse().unwrap(), count.parse().unwrap());
            let share = missing.remove(name).unwrap_or(0.0);
            let deviation = (count * share * (1.0 - share)).sqrt();
            let off = (times - count * share).abs();
            assert!(off <= 5.0 * deviation, "{}: {said} and not {want}", self.title);
        }
        assert!(missing.is_empty(), "{}: {said} lacks {missing:?}", self.title);
    }
}

/// What questions are asked of.
struct Table {
    world: World,
    balancer: Balancer,
    now: Moment,
}

impl Table {
    fn decide(&self, rest: &str, dice: u64) -> Decision<'_> {
        let mut words = rest.split(' ');
        let mut open = Vec::new();
        let mut client = Client {
            name: b"www.example.com.",
            address: words.next().unwrap().parse().unwrap(),
            subnet: None,
            wanted: Wanted::A,
            load: None,
            session: false,
            http: None,
        };
        for word in words {
            match word.split_once('=') {
                Some(("name", name)) => client.name = name.as_bytes(),
                Some(("open", pools)) => open.extend(pools.split(',').map(|pool| self.open(pool))),
                Some((_ecs, net)) => {
                    let net: IpNet = net.parse().unwrap();
                    let subnet = Subnet { address: net.network(), source_prefix: net.prefix_len() };
                    client.subnet = Some(subnet);
                }
                None if word == "session" => client.session = true,
                None => client.wanted = Wanted::Aaaa,
            }
        }
        let open = Open(open);
        client.load = (!open.0.is_empty()).then_some(&open);
        decide(&self.world, &self.balancer, &client, self.now, dice)
    }

    /// `NAME:REQUESTS`
    fn open(&self, text: &str) -> (PoolSlot, u32) {
        let (name, requests) = text.split_once(':').unwrap();
        let mut slots = (0..).map(PoolSlot).zip(self.world.pools.iter().flatten());
        (slots.find(|(_, pool)| *pool.name == *name).unwrap().0, requests.parse().unwrap())
    }
}

/// Open requests at pools.
struct Open(Vec<(PoolSlot, u32)>);

impl Load for Open {
    fn pool(&self, pool: PoolSlot) -> u32 {
        self.0.iter().find(|(slot, _)| *slot == pool).map_or(0, |(_, open)| *open)
    }

    fn endpoint(&self, _pool: PoolSlot, _endpoint: u16) -> u32 {
        0
    }
}

fn words<const N: usize>(text: &str) -> [&str; N] {
    let words: Vec<&str> = text.split(' ').collect();
    words.try_into().unwrap()
}

/// `KEY` or `KEY/TTL`.
fn kept(text: &str) -> Persistence {
    let (key, ttl) = text.split_once('/').map_or((text, None), |(key, ttl)| (key, Some(ttl)));
    Persistence { key: key.parse().unwrap(), ttl: ttl.map(|ttl| ttl.parse().unwrap()) }
}

fn weight(share: &str) -> Weight {
    Weight::from_share(share.parse().unwrap(), 1).unwrap()
}

fn location(steering: &mut Steering) -> &mut LocationStrategy {
    let default =
        LocationStrategy { mode: LocationMode::ResolverIp, prefer_ecs: PreferEcs::Always };
    steering.location.get_or_insert(default)
}

/// What is written of an endpoint's health.
#[derive(Default)]
struct Seen {
    verdict: Option<Verdict>,
    since: Option<Moment>,
}

fn origin(text: &str, now: Moment) -> (model::Origin, Seen) {
    let mut words = text.split(' ');
    let address = words.next().unwrap();
    let mut origin = model::Origin {
        name: address.into(),
        address: Address::read(address).unwrap(),
        ..trimtab_testkit::origin()
    };
    let mut seen = Seen::default();
    for word in words {
        match word {
            "up" => seen.verdict = Some(Verdict::Up),
            "down" => seen.verdict = Some(Verdict::Down),
            "unknown" => seen.verdict = Some(Verdict::Unknown),
            "disabled" => origin.enabled = false,
            other => match other.split_once('=').unwrap() {
                ("w", share) => origin.weight = weight(share),
                ("up", seconds) => {
                    seen.verdict = Some(Verdict::Up);
                    seen.since = Some(now.saturating_sub(span(seconds)));
                }
                ("ejected", seconds) => {
                    seen.verdict = Some(Verdict::Ejected { until: now + span(seconds) });
                }
                ("disabled", seconds) => proxied::disable(&mut origin, seconds),
                _ => panic!("{text}: unknown word {other}"),
            },
        }
    }
    (origin, seen)
}

fn span(seconds: &str) -> Duration {
    Duration::from_secs(seconds.parse().unwrap())
}

fn empty_pool(name: &str) -> model::Pool {
    let mut id = [0; 16];
    id.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
    model::Pool { id: PoolId::new(id), name: name.into(), ..trimtab_testkit::pool() }
}

fn empty_balancer() -> model::Balancer {
    model::Balancer {
        steering: Steering { policy: Default::default(), ..trimtab_testkit::steering() },
        ..trimtab_testkit::balancer()
    }
}
