//! Instructions of one answer, from the query's bytes to the reply's. `cargo bench -p trimtab-dns`; needs
//! valgrind and gungraun-runner. The budget of an answer is 1,500.
#![expect(clippy::expect_used, reason = "a bench without its world is none")]
#![expect(unused_qualifications, reason = "the bench macros write them")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group, main};
use trimtab_dns::{
    Authority, Node, Outcome, RecordInput, Scratch, Seed, Soa, Transport, View, ZoneBuilder, Zones,
};
use trimtab_health::{EndpointHealth, PoolHealth, Probing, Schedule, Thresholds, Verdict};
use trimtab_model::balancer::{Steering, SteeringPolicy};
use trimtab_model::pool::{Address, Weight};
use trimtab_model::{self as model, Moment, MonitorId, Name, PoolId, RecordType, Region, ZoneId};
use trimtab_steer::{Balancer, BalancerSlot, Pool, PoolSlot, Site, World};

/// Counts do not depend on how many there are; building them takes its time under valgrind.
const NAMES: u32 = 10_000;

struct Stage {
    zones: Zones,
    world: World,
    node: Node,
    query: Vec<u8>,
    scratch: Scratch,
    out: Vec<u8>,
    from: SocketAddr,
    now: Moment,
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn zones() -> Zones {
    let seed = Seed(0x1234_5678);
    let soa = Soa::new(name("ns1.example.net"), name("hostmaster.example.net"), 1);
    let authority =
        Authority { nameservers: vec![name("ns1.example.net"), name("ns2.example.net")], soa };
    let mut builder =
        ZoneBuilder::new(ZoneId::new([1; 16]), &name("example.com"), &authority, seed);
    for number in 0..NAMES {
        let rdata = number.to_be_bytes();
        let record = RecordInput { kind: RecordType::A, ttl: 300, rdata: &rdata };
        builder.push(&name(&format!("h{number}.example.com")), record);
    }
    builder.push_balancer(&name("www.example.com"), BalancerSlot(0));
    let mut zones = Zones::new(seed);
    zones.insert(Arc::new(builder.finish()));
    zones
}

fn pool(number: u8) -> Pool {
    let origins = (0..5).map(|host: u8| model::Origin {
        name: format!("{number}-{host}"),
        address: Address::Ip([192, 0, number, host].into()),
        weight: Weight::from_share(if host == 0 { 0.5 } else { 1.0 }, 1).expect("a weight"),
        ..trimtab_testkit::origin()
    });
    let config = model::Pool {
        id: PoolId::new([number; 16]),
        name: number.to_string(),
        origins: origins.collect(),
        ..trimtab_testkit::pool()
    };
    let up = EndpointHealth { verdict: Verdict::Up, ..EndpointHealth::unmonitored() };
    let interval = Duration::from_secs(60);
    let schedule = Schedule::new(Moment::default(), interval, Thresholds::new(2, 2));
    let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
    let health = PoolHealth::new(vec![up; 5].into(), [true; 5].into_iter(), 1, probings);
    Pool::build(&config, health)
}

fn balancer() -> Balancer {
    let pools: Vec<PoolId> = (0..6).map(|number| PoolId::new([number; 16])).collect();
    let config = model::Balancer {
        name: name("www.example.com"),
        steering: Steering {
            policy: SteeringPolicy::Geo,
            region_pools: BTreeMap::from([(Region::Weu, vec![PoolId::new([2; 16])])]),
            default_pools: pools,
            fallback_pool: PoolId::new([3; 16]),
            ..trimtab_testkit::steering()
        },
        ..trimtab_testkit::balancer()
    };
    Balancer::build(&config, |id| Some(PoolSlot(id.bytes()[0].into()))).expect("a fallback")
}

/// One question, plain or with the client subnet 81.2.69.0/24.
fn stage(first_label: &str, qtype: u8, subnet: bool) -> Box<Stage> {
    let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, subnet.into()];
    query.push(u8::try_from(first_label.len()).expect("a label"));
    query.extend(first_label.bytes());
    query.extend(b"\x07example\x03com\x00\x00");
    query.extend([qtype, 0, 1]);
    if subnet {
        query.extend(b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0b\x00\x08\x00\x07\x00\x01\x18\x00\x51\x02\x45");
    }
    // Loading the embedded table takes its time under valgrind, and only the balancer looks into it.
    let geo = match first_label {
        "www" => trimtab_geo::Builder::embedded().expect("the embedded table"),
        _ => trimtab_geo::Builder::empty().expect("an empty table"),
    };
    let world = World {
        pools: Arc::new((0..6).map(|number| Some(Arc::new(pool(number)))).collect()),
        balancers: Arc::new(vec![Some(Arc::new(balancer()))]),
        geo: Arc::new(geo.build()),
        site: Site::at("FRA".parse().expect("a code")).expect("an airport"),
        epochs: Arc::default(),
    };
    Box::new(Stage {
        zones: zones(),
        world,
        node: Node::new(),
        query,
        scratch: Scratch::new(),
        out: vec![0; 1232],
        from: "198.51.100.7:53".parse().expect("an address"),
        now: Moment::default() + Duration::from_secs(7),
    })
}

#[library_benchmark]
#[bench::fixed_address(stage("h4711", 1, false))]
#[bench::fixed_address_with_subnet(stage("h4711", 1, true))]
#[bench::no_name(stage("none4711", 1, false))]
#[bench::no_data(stage("h4711", 16, false))]
#[bench::steered(stage("www", 1, false))]
#[bench::steered_by_subnet(stage("www", 1, true))]
fn answer(mut stage: Box<Stage>) -> Box<Stage> {
    let Stage { zones, world, node, query, scratch, out, from, now } = &mut *stage;
    let view = View { zones, world, node };
    let answered = trimtab_dns::answer(query, *from, Transport::Udp, &view, *now, 7, scratch, out);
    assert!(matches!(black_box(answered), Outcome::Reply { .. }));
    stage
}

library_benchmark_group!(name = answers, benchmarks = answer);
main!(library_benchmark_groups = answers);
