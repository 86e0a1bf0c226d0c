//! Sample configuration for tests and benches: each field is said once, and a test says what it is about with
//! `Pool { origins, ..trimtab_testkit::pool() }`.
#![expect(clippy::expect_used, reason = "a sample that cannot be made has failed its test")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use trimtab_model::balancer::{
    Affinity, Extension, RandomSteering, Scope, Steering, SteeringPolicy,
};
use trimtab_model::pool::{Address, Weight};
use trimtab_model::{Balancer, BalancerId, Origin, Pool, PoolId, Timestamp, ZoneId};

/// An enabled endpoint of weight 1 at a documentation address (RFC 5737).
pub fn origin() -> Origin {
    Origin {
        name: "origin".into(),
        address: Address::Ip(Ipv4Addr::new(192, 0, 2, 1).into()),
        enabled: true,
        disabled_at: None,
        weight: Weight::ONE,
        port: 0,
        host: None,
        virtual_network_id: None,
        flatten_cname: true,
        service: None,
    }
}

/// An enabled pool without origins and without a monitor.
pub fn pool() -> Pool {
    Pool {
        id: PoolId::new([1; 16]),
        name: "pool".into(),
        description: String::new(),
        enabled: true,
        disabled_at: None,
        origins: Vec::new(),
        origin_steering: Default::default(),
        minimum_origins: 1,
        watch: Default::default(),
        coordinates: None,
        load_shedding: Default::default(),
        notify: Default::default(),
        networks: Vec::new(),
        upstream: None,
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    }
}

/// `www.example.com`, DNS-only, with no pools in its list and pool 0 as fallback.
pub fn balancer() -> Balancer {
    Balancer {
        id: BalancerId::new([1; 16]),
        scope: Scope::Zone(ZoneId::new([1; 16])),
        name: "www.example.com".parse().expect("a name"),
        description: String::new(),
        enabled: true,
        proxied: false,
        ttl: 30,
        steering: steering(),
        affinity: Affinity::default(),
        rules: Vec::new(),
        pool_sets: Vec::new(),
        networks: Vec::new(),
        extension: Extension::default(),
        created_on: Timestamp::default(),
        modified_on: Timestamp::default(),
    }
}

/// Failover order over no pools, and pool 0 as fallback.
pub fn steering() -> Steering {
    Steering {
        policy: SteeringPolicy::Off,
        default_pools: Vec::new(),
        fallback_pool: PoolId::new([0; 16]),
        region_pools: BTreeMap::new(),
        country_pools: BTreeMap::new(),
        pop_pools: BTreeMap::new(),
        random: RandomSteering::default(),
        location: None,
        failover_across_pools: false,
    }
}
