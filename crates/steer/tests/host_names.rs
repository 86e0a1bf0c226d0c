//! Endpoints that are host names: what a pool may answer of them, and how often.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use trimtab_health::{EndpointHealth, PoolHealth, Probing, Schedule, Thresholds, Verdict};
use trimtab_model::pool::{Address, OriginPolicy, Service, Weight};
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

/// What one question is answered, in the order of addresses, and how it was chosen.
fn answer(policy: OriginPolicy, set: &Set, dice: u64) -> (Vec<IpAddr>, EndpointChoice) {
    let (picks, how) = choose(policy, set, &client(1), None, &mut Dice::new(dice));
    let mut all: Vec<IpAddr> = picks.iter().filter_map(|pick| pick.data.address()).collect();
    all.sort();
    (all, how)
}

#[test]
fn rfc2181_5_an_address_of_several_endpoints_is_answered_once_and_takes_no_place_of_another() {
    let hosts: [(&str, &[&str]); 2] =
        [("a.example", &["192.0.2.1", "192.0.2.2"]), ("b.example", &["192.0.2.2", "192.0.2.3"])];
    let check = |shared: usize, origins: &[(&str, f64, bool)], want: &[&str], how| {
        let shared = std::iter::repeat_n(("192.0.2.1", 1.0, true), shared);
        let origins: Vec<_> = shared.chain(origins.iter().copied()).collect();
        let want: Vec<IpAddr> = want.iter().map(|address| address.parse().unwrap()).collect();
        let pool = pool(1, &origins, &hosts);
        for dice in 0..100 {
            let answer = answer(OriginPolicy::Random, pool.serving(Wanted::A), dice);
            assert_eq!(answer, (want.clone(), how), "{origins:?}");
        }
    };
    let other = ("192.0.2.2", 1.0, true);
    check(2, &[], &["192.0.2.1"], EndpointChoice::All);
    check(20, &[other], &["192.0.2.1", "192.0.2.2"], EndpointChoice::All);
    check(1, &[("a.example", 1.0, true)], &["192.0.2.1", "192.0.2.2"], EndpointChoice::All);
    let names = [("a.example", 1.0, true), ("b.example", 1.0, true)];
    check(0, &names, &["192.0.2.1", "192.0.2.2", "192.0.2.3"], EndpointChoice::All);
    check(2, &[("192.0.2.2", 1.0, false)], &["192.0.2.1"], EndpointChoice::All);
}

#[test]
fn semantics_25_beyond_eight_addresses_each_is_as_likely_however_many_endpoints_have_it() {
    let addresses: Vec<String> = (1..=9).map(|host| format!("192.0.2.{host}")).collect();
    let shared = std::iter::repeat_n("192.0.2.1", 20);
    let origins: Vec<_> =
        shared.chain(addresses.iter().map(String::as_str)).map(|ip| (ip, 1.0, true)).collect();
    let ninth = 100.0 / 9.0;
    let want: Vec<_> = addresses.iter().map(|address| (address.as_str(), ninth)).collect();
    check_shares(OriginPolicy::Random, &pool(1, &origins, &[]), &want, EndpointChoice::Sample);
}

#[test]
fn endpoints_with_one_address_keep_their_weights_where_one_of_them_is_drawn() {
    let same = "192.0.2.1";
    let drawn = [(same, 0.25, true), (same, 0.25, true), ("192.0.2.2", 0.5, true)];
    let want = [(same, 50.0), ("192.0.2.2", 50.0)];
    check_shares(OriginPolicy::Random, &pool(1, &drawn, &[]), &want, EndpointChoice::Drawn);
    let unequal = [(same, 0.3, true), (same, 0.3, true), ("192.0.2.2", 0.4, true)];
    let want = [(same, 60.0), ("192.0.2.2", 40.0)];
    check_shares(OriginPolicy::Random, &pool(1, &unequal, &[]), &want, EndpointChoice::Drawn);
}

#[test]
fn rfc2181_5_a_mail_exchange_or_service_is_answered_once_unless_its_data_differs() {
    let check = |wanted, services: &[(&str, Service, u16)], want: &[u16]| {
        let origins = services.iter().map(|&(host, service, port)| model::Origin {
            service: Some(service),
            port,
            ..origin(host, 1.0)
        });
        let config = model::Pool { origins: origins.collect(), ..trimtab_testkit::pool() };
        let address = [IpAddr::from([192, 0, 2, 1])];
        let health = PoolHealth::unmonitored(services.len());
        let pool = Pool::resolved(&config, health, |_| &address);
        let set = pool.serving(wanted);
        let (picks, _) = choose(config.origin_steering, set, &client(1), None, &mut Dice::new(1));
        let mut told: Vec<u16> = picks.iter().map(|pick| pick.endpoint).collect();
        told.sort_unstable();
        assert_eq!(told, want, "{services:?}");
    };
    let mx = |priority| Service::Mx { priority };
    let (a, b) = ("mx1.example", "mx2.example");
    check(Wanted::Mx, &[(a, mx(10), 25), (a, mx(10), 26), (b, mx(10), 25)], &[0, 2]);
    check(Wanted::Mx, &[(a, mx(10), 25), (a, mx(20), 25)], &[0, 1]);
    let srv = |weight| Service::Srv { priority: 1, weight };
    check(Wanted::Srv, &[(a, srv(5), 80), (a, srv(5), 81), (a, srv(5), 80)], &[0, 1]);
    check(Wanted::Srv, &[(a, srv(5), 80), (a, srv(6), 80)], &[0, 1]);
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
