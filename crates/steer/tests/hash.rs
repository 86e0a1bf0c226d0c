//! Weighted rendezvous: who moves when an endpoint goes, and how clients are shared out.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use trimtab_steer::dice::Dice;
use trimtab_steer::endpoint::choose;
use trimtab_steer::pool::{Data, Member, Set, hash_ip};
use trimtab_steer::{Client, Wanted};

const CLIENTS: u32 = 30_000;

fn set(weights: &[(u8, u8)]) -> Set {
    Set::new(weights.iter().map(|&(host, weight)| {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, host));
        Member {
            endpoint: host.into(),
            weight,
            data: Data::Address(address),
            hash: hash_ip(address, 80),
        }
    }))
}

fn endpoint(set: &Set, client: u32) -> u16 {
    let address = IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + client));
    let client = Client {
        name: b"",
        address,
        subnet: None,
        wanted: Wanted::A,
        load: None,
        session: false,
        http: None,
    };
    let policy = "hash".parse().unwrap();
    choose(policy, set, &client, None, &mut Dice::new(1)).0.iter().next().unwrap().endpoint
}

#[test]
fn semantics_18_hash_moves_only_the_clients_of_the_endpoint_that_went() {
    let before = set(&[(1, 100), (2, 50), (3, 25)]);
    let after = set(&[(1, 100), (3, 25)]);
    let moved = (0..CLIENTS).filter(|&client| {
        endpoint(&before, client) != 2 && endpoint(&before, client) != endpoint(&after, client)
    });
    assert_eq!(moved.count(), 0);
}

#[test]
fn semantics_18_hash_shares_clients_out_by_weight() {
    let set = set(&[(1, 100), (2, 50), (3, 25), (4, 0)]);
    let mut counts: BTreeMap<u16, u32> = BTreeMap::new();
    for client in 0..CLIENTS {
        *counts.entry(endpoint(&set, client)).or_default() += 1;
    }
    for (host, share) in [(1, 100.0 / 175.0), (2, 50.0 / 175.0), (3, 25.0 / 175.0)] {
        let mean = f64::from(CLIENTS) * share;
        let off = (f64::from(counts[&host]) - mean).abs();
        assert!(off < 5.0 * (mean * (1.0 - share)).sqrt(), "{counts:?}");
    }
    assert_eq!(counts.len(), 3, "weight 0 gets nobody: {counts:?}");
}
