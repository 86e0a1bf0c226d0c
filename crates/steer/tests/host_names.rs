//! Endpoints that are host names: what a pool may answer of them, and how often.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use trimtab_health::{EndpointHealth, PoolHealth, Probing, Schedule, Thresholds, Verdict};
use trimtab_model::pool::{Address, OriginPolicy, Weight};
use trimtab_model::{self as model, Moment, MonitorId, Name, PoolId};
use trimtab_steer::dice::Dice;
use trimtab_steer::endpoint::choose;
use trimtab_steer::pool::{Set, Usable};
use trimtab_steer::why::EndpointChoice;
use trimtab_steer::{Client, Pool, Wanted};

const ASKED: u32 = 30_000;

/// A pool of endpoints (address, share of weight, up); unmonitored unless somebody is down.
fn pool(minimum: u32, origins: &[(&str, f64, bool)], hosts: &[(&str, &[&str])]) -> Pool {
    let config = model::Pool {
        id: PoolId::new([1; 16]),
        name: "a".into(),
        origins: origins.iter().map(|&(address, share, _)| origin(address, share)).collect(),
        minimum_origins: minimum,
        ..trimtab_testkit::pool()
    };
    let parse = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
    let hosts: BTreeMap<Name, Vec<IpAddr>> =
        hosts.iter().map(|(name, list)| (name.parse().unwrap(), parse(list))).collect();
    let of = |name: &Name| hosts.get(name).map(Vec::as_slice).unwrap_or_default();
    Pool::resolved(&config, health(minimum, origins), of)
}

fn origin(address: &str, share: f64) -> model::Origin {
    model::Origin {
        name: address.into(),
        address: Address::read(address).unwrap(),
        weight: Weight::from_share(share, 1).unwrap(),
        ..trimtab_testkit::origin()
    }
}

fn health(minimum: u32, origins: &[(&str, f64, bool)]) -> PoolHealth {
    if origins.iter().all(|(_, _, up)| *up) {
        return PoolHealth::unmonitored(origins.len());
    }
    let verdict = |up| if up { Verdict::Up } else { Verdict::Down };
    let endpoints = origins.iter().map(|&(_, _, up)| EndpointHealth {
        verdict: verdict(up),
        ..EndpointHealth::unmonitored()
    });
    let limits = Thresholds::new(1, 1);
    let schedule = Schedule::new(Moment::default(), Duration::from_secs(60), limits);
    let probings = [Probing::alone(MonitorId::new([1; 16]), schedule)].into();
    PoolHealth::new(endpoints.collect(), origins.iter().map(|_| true), minimum, probings)
}

fn client(host: u32) -> Client<'static> {
    let address = IpAddr::from((0x0A00_0000 + host).to_be_bytes());
    Client {
        name: b"",
        address,
        subnet: None,
        wanted: Wanted::A,
        load: None,
        session: false,
        http: None,
    }
}

/// The share of answers that begin with each address, in per cent, and how they were chosen.
fn shares(policy: OriginPolicy, set: &Set) -> (BTreeMap<String, f64>, EndpointChoice) {
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    let mut last = EndpointChoice::NoPool;
    for asked in 0..ASKED {
        let (picks, how) = choose(policy, set, &client(asked), None, &mut Dice::new(asked.into()));
        let first = picks.iter().next().unwrap().data.address().unwrap().to_string();
        *shares.entry(first).or_default() += 100.0 / f64::from(ASKED);
        last = how;
    }
    (shares, last)
}

fn check_shares(policy: OriginPolicy, pool: &Pool, want: &[(&str, f64)], how: EndpointChoice) {
    let (shares, said) = shares(policy, pool.serving(Wanted::A));
    assert_eq!(said, how);
    assert_eq!(shares.len(), want.len(), "{shares:?}");
    for (address, share) in want {
        // Five standard deviations of a share of one half.
        let off = (shares.get(*address).copied().unwrap_or_default() - share).abs();
        assert!(off < 5.0 * 50.0 / f64::from(ASKED).sqrt(), "{shares:?}");
    }
}

#[test]
fn semantics_28_an_endpoint_is_drawn_by_its_weight_however_many_addresses_its_name_has() {
    let hosts: [(&str, &[&str]); 1] = [("o.example", &["192.0.2.1", "192.0.2.2", "192.0.2.3"])];
    let by_weight = pool(1, &[("o.example", 0.3, true), ("192.0.2.9", 0.7, true)], &hosts);
    let want = [("192.0.2.1", 10.0), ("192.0.2.2", 10.0), ("192.0.2.3", 10.0), ("192.0.2.9", 70.0)];
    check_shares(OriginPolicy::Random, &by_weight, &want, EndpointChoice::Drawn);
    check_shares(OriginPolicy::Hash, &by_weight, &want, EndpointChoice::Hashed);

    let weightless =
        [("o.example", 0.0, true), ("192.0.2.9", 0.0, true), ("192.0.2.8", 1.0, false)];
    let weightless = pool(1, &weightless, &hosts);
    let sixth = 100.0 / 6.0;
    let want =
        [("192.0.2.1", sixth), ("192.0.2.2", sixth), ("192.0.2.3", sixth), ("192.0.2.9", 50.0)];
    check_shares(OriginPolicy::Random, &weightless, &want, EndpointChoice::Drawn);
    check_shares(OriginPolicy::Hash, &weightless, &want, EndpointChoice::Hashed);
}

#[test]
fn semantics_28_equal_weights_answer_every_address_of_every_name() {
    let hosts: [(&str, &[&str]); 1] = [("o.example", &["192.0.2.1", "192.0.2.2", "2001:db8::1"])];
    let pool = pool(1, &[("o.example", 1.0, true), ("192.0.2.9", 1.0, true)], &hosts);
    let answered = |family| {
        let set = pool.serving(family);
        let (picks, how) = choose(OriginPolicy::Random, set, &client(1), None, &mut Dice::new(1));
        let mut all: Vec<(u16, String)> = picks
            .iter()
            .map(|pick| (pick.endpoint, pick.data.address().unwrap().to_string()))
            .collect();
        all.sort();
        (all, how)
    };
    let address = |endpoint, address: &str| (endpoint, address.to_owned());
    let v4 = vec![address(0, "192.0.2.1"), address(0, "192.0.2.2"), address(1, "192.0.2.9")];
    assert_eq!(answered(Wanted::A), (v4, EndpointChoice::All));
    assert_eq!(answered(Wanted::Aaaa), (vec![address(0, "2001:db8::1")], EndpointChoice::All));
}

#[test]
fn semantics_28_a_hash_moves_only_the_clients_of_the_address_that_went() {
    let of = |addresses: &[&str]| {
        let origins = [("o.example", 0.5, true), ("192.0.2.9", 1.0, true)];
        pool(1, &origins, &[("o.example", addresses)])
    };
    let before = of(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    let after = of(&["192.0.2.1", "192.0.2.3"]);
    let address = |pool: &Pool, host| {
        let set = pool.serving(Wanted::A);
        let (picks, _) = choose(OriginPolicy::Hash, set, &client(host), None, &mut Dice::new(1));
        picks.iter().next().unwrap().data.address().unwrap().to_string()
    };
    let moved = (0..ASKED).filter(|&host| {
        let was = address(&before, host);
        was != "192.0.2.2" && was != address(&after, host)
    });
    assert_eq!(moved.count(), 0);
}

#[test]
fn semantics_28_a_name_that_was_never_resolved_counts_as_unhealthy() {
    let known: [(&str, &[&str]); 1] = [("o.example", &["192.0.2.1"])];
    let addresses = |set: &Set| -> Vec<String> {
        set.members().iter().map(|member| member.data.address().unwrap().to_string()).collect()
    };
    let check = |minimum, origins: &[(&str, f64, bool)], hosts, usable, serving, fallback| {
        let pool = pool(minimum, origins, hosts);
        assert_eq!(pool.usable, usable, "{origins:?} {hosts:?}");
        assert_eq!(addresses(pool.serving(Wanted::A)), serving, "{origins:?} {hosts:?}");
        assert_eq!(addresses(pool.whatever_health(Wanted::A)), fallback, "{origins:?} {hosts:?}");
    };
    let name = ("o.example", 1.0, true);
    let (up, down) = (("192.0.2.8", 1.0, true), ("192.0.2.9", 1.0, false));
    let (none, of_name): (&[&str], &[&str]) = (&[], &["192.0.2.1"]);
    check(1, &[name], &[], Usable::Critical, none, none);
    check(1, &[name], &known, Usable::Yes, of_name, of_name);
    check(1, &[name, up], &[], Usable::Yes, &["192.0.2.8"], &["192.0.2.8"]);
    // Without a monitor the minimum is not asked for, as with endpoints that are addresses.
    check(2, &[name, up], &[], Usable::Yes, &["192.0.2.8"], &["192.0.2.8"]);
    check(1, &[name, down], &[], Usable::Critical, none, &["192.0.2.9"]);
    check(1, &[name, down], &known, Usable::Yes, of_name, &["192.0.2.1", "192.0.2.9"]);
    let both = &["192.0.2.8", "192.0.2.9"];
    check(2, &[name, up, down], &[], Usable::Critical, &["192.0.2.8"], both);
    check(1, &[name, up, down], &[], Usable::Yes, &["192.0.2.8"], both);
}
