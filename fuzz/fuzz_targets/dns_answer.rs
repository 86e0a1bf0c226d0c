//! Queries: any bytes are answered or dropped, and an answer is one, with the query's id, within its limit.
#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use trimtab_api_types::v1::balancer::Owner;
use trimtab_api_types::v1::{balancer, pool};
use trimtab_dns::{
    Authority, Node, Outcome, RecordInput, Scratch, Seed, Soa, Transport, View, ZoneBuilder, Zones,
    answer,
};
use trimtab_health::PoolHealth;
use trimtab_model::{
    AccountId, BalancerId, Moment, Name, PoolId, Pop, RecordType, Timestamp, Zone, ZoneId,
};
use trimtab_steer::{Balancer, BalancerSlot, Pool, PoolSlot, Site, World};

struct Served {
    zones: Zones,
    world: World,
    node: Node,
}

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const POOL: PoolId = PoolId::new([1; 16]);
const UDP_BYTES: usize = 1232;
const TCP_BYTES: usize = 65_535;

static SERVED: LazyLock<Served> = LazyLock::new(served);

fuzz_target!(|input: (bool, u64, &[u8])| {
    let (stream, dice, query) = input;
    let (via, limit) =
        if stream { (Transport::Tcp, TCP_BYTES) } else { (Transport::Udp, UDP_BYTES) };
    let Served { zones, world, node } = &*SERVED;
    let view = View { zones, world, node };
    let from = SocketAddr::from(([192, 0, 2, 1], 53_000));
    let (mut scratch, mut out) = (Scratch::default(), vec![0; limit]);
    let outcome = answer(query, from, via, &view, Moment::default(), dice, &mut scratch, &mut out);
    if let Outcome::Reply { len, .. } = outcome {
        assert!((12..=limit).contains(&len));
        assert_eq!(out[..2], query[..2], "the query's id");
        assert_eq!(out[2] & 0x80, 0x80, "an answer");
    }
});

/// A zone with what answers can meet: wildcard, alias, delegation, a steered name.
fn served() -> Served {
    let apex = name("example.com");
    let authority = Authority {
        nameservers: vec![name("ns1.example.com")],
        soa: Soa::new(name("ns1.example.com"), name("hostmaster.example.com"), 1),
    };
    let seed = Seed(7);
    let mut zone = ZoneBuilder::new(ZoneId::new([2; 16]), &apex, &authority, seed);
    for (owner, kind, content) in [
        ("example.com", RecordType::Mx, "mail.example.com"),
        ("ns1.example.com", RecordType::A, "192.0.2.53"),
        ("plain.example.com", RecordType::A, "192.0.2.1"),
        ("plain.example.com", RecordType::Txt, "\"some text\""),
        ("*.wild.example.com", RecordType::Aaaa, "2001:db8::1"),
        ("alias.example.com", RecordType::Cname, "www.example.com"),
        ("loop.example.com", RecordType::Cname, "loop.example.com"),
        ("below.example.com", RecordType::Ns, "ns1.below.example.com"),
        ("ns1.below.example.com", RecordType::A, "192.0.2.54"),
    ] {
        let data = trimtab_dns::rdata::parse(kind, content, Some(10), None, &apex).expect(content);
        let record = RecordInput { kind, ttl: 300, rdata: &data.rdata };
        assert!(zone.push(&name(owner), record));
    }
    assert!(zone.push_balancer(&name("www.example.com"), BalancerSlot(0)));
    let mut zones = Zones::new(seed);
    zones.insert(Arc::new(zone.finish()));
    Served { zones, world: world(), node: Node::new() }
}

fn world() -> World {
    let origins = json!([
        { "name": "a", "address": "192.0.2.10" },
        { "name": "b", "address": "192.0.2.11", "weight": 0.5 },
        { "name": "c", "address": "2001:db8::10" },
    ]);
    let pool = pool::read(&json!({ "name": "p", "origins": origins }))
        .expect("a pool")
        .into_new(POOL, NOW);
    let home = Zone {
        id: ZoneId::new([2; 16]),
        account: AccountId::new([3; 16]),
        name: name("example.com"),
        paused: false,
        created_on: NOW,
        modified_on: NOW,
        activated_on: NOW,
    };
    let id = POOL.to_string();
    let body = json!({
        "name": "www.example.com", "default_pools": [id], "fallback_pool": id,
        "steering_policy": "geo", "region_pools": { "WEU": [id] }, "country_pools": { "US": [id] },
    });
    let read = balancer::read(&body, &Owner::Zone(&home)).expect("a balancer");
    let balancer = read.into_new(BalancerId::new([4; 16]), NOW);
    let health = PoolHealth::unmonitored(pool.origins.len());
    let built = Balancer::build(&balancer, |pool| (pool == POOL).then_some(PoolSlot(0)));
    World {
        pools: Arc::new(vec![Some(Arc::new(Pool::build(&pool, health)))]),
        balancers: Arc::new(vec![built.map(Arc::new)]),
        geo: Arc::new(trimtab_geo::Builder::embedded().expect("the embedded table").build()),
        site: Site::at(Pop::new(*b"FRA").expect("a code")).expect("an airport"),
        epochs: Arc::default(),
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}
