//! Endpoints that are host names, from the event to the answer.

use std::net::IpAddr;

use super::*;
use crate::{Hosts, Resolved};

/// A pool whose endpoints are these names; without its monitor in the directory it is unmonitored.
fn named(number: u8, names: &[&str]) -> Change {
    let mut change = pool(number, &[1]);
    let Some(Document::Pool(pool)) = &mut change.document else { unreachable!() };
    let first = pool.origins.remove(0);
    let endpoint = |name: &&str| model::Origin {
        name: (*name).into(),
        address: Address::Host(name.parse().unwrap()),
        ..first.clone()
    };
    pool.origins = names.iter().map(endpoint).collect();
    change
}

fn gone(number: u8) -> Change {
    Change { key: Key::Pool(ACCOUNT, pool_id(number)), document: None }
}

/// 192.0.2.x, in the order given.
fn addresses(hosts: &[u8]) -> Arc<[IpAddr]> {
    hosts.iter().map(|&host| IpAddr::from([192, 0, 2, host])).collect()
}

fn resolve(bench: &mut Bench, name: &str, hosts: &[u8]) {
    let resolved = Resolved { name: name.parse().unwrap(), addresses: addresses(hosts) };
    let due = bench.publisher.take(Event::Resolved(resolved), bench.now);
    assert_eq!(due, bench.now + FLIP_COALESCE);
    bench.publisher.rebuild_reported();
}

fn hosts(bench: &mut Bench) -> Vec<(String, Arc<[IpAddr]>)> {
    let hosts = bench.publisher.snapshot().hosts;
    hosts.iter().map(|(name, found)| (name.to_string(), Arc::clone(found))).collect()
}

fn named_and_running(names: &[&str]) -> Bench {
    let mut bench = Bench::new(&["FRA"], None);
    let changes =
        vec![balancer("www.example.com", &[5, 6]), named(5, names), pool(6, &[9]), zone()];
    bench.apply(changes, vec![]);
    bench
}

#[test]
fn semantics_28_a_name_is_answered_with_what_it_last_resolved_to() {
    let mut bench = named_and_running(&["a.example", "b.example"]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![9]), "never resolved: the next pool");
    resolve(&mut bench, "b.example", &[3]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![3]), "the other is not answered");
    resolve(&mut bench, "a.example", &[1, 2]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![1, 2, 3]));
    bench.apply(vec![named(5, &["a.example", "c.example"])], vec![]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![1, 2]), "an edit keeps what is known");
    resolve(&mut bench, "a.example", &[4]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![4]));
    resolve(&mut bench, "a.example", &[]);
    assert_eq!(bench.ask("www.example.com"), Some(vec![9]), "nothing of it may be answered");
}

#[test]
fn semantics_28_a_name_without_addresses_leaves_the_fallback_pool_without_an_answer() {
    let mut bench = Bench::new(&["FRA"], None);
    let changes = vec![zone(), named(5, &["a.example"]), balancer("www.example.com", &[5])];
    bench.apply(changes, vec![]);
    assert_eq!(bench.pool(5).usable, Usable::Critical);
    assert_eq!(bench.ask("www.example.com"), Some(vec![]), "NODATA");
}

#[test]
fn semantics_28_a_restart_answers_the_addresses_that_were_last_known() {
    let mut before = named_and_running(&["a.example", "b.example"]);
    resolve(&mut before, "a.example", &[1, 2]);
    resolve(&mut before, "b.example", &[3]);
    let mut after = Bench::new(&["FRA"], Some(saved(&before)));
    let changes = vec![zone(), named(5, &["a.example"]), balancer("www.example.com", &[5])];
    after.apply(changes, vec![]);
    assert_eq!(after.ask("www.example.com"), Some(vec![1, 2]), "before any look-up");
    after.publisher.hosts.forget_remembered();
    after.apply(vec![named(7, &["b.example"])], vec![]);
    let known = |name: &str, of: &[u8]| (name.to_owned(), addresses(of));
    assert_eq!(hosts(&mut after), [known("a.example", &[1, 2]), known("b.example", &[])]);
}

#[test]
fn a_name_is_known_once_and_as_long_as_a_pool_has_it() {
    let mut bench = named_and_running(&["a.example", "a.example"]);
    bench.apply(vec![named(7, &["a.example", "b.example"])], vec![]);
    let known = |name: &str, of: &[u8]| (name.to_owned(), addresses(of));
    assert_eq!(hosts(&mut bench), [known("a.example", &[]), known("b.example", &[])]);
    resolve(&mut bench, "a.example", &[1]);
    resolve(&mut bench, "nobody.example", &[2]);
    assert_eq!(hosts(&mut bench), [known("a.example", &[1]), known("b.example", &[])]);
    bench.apply(vec![gone(7)], vec![]);
    assert_eq!(hosts(&mut bench), [known("a.example", &[1])]);
    bench.apply(vec![named(5, &["c.example"])], vec![]);
    assert_eq!(hosts(&mut bench), [known("c.example", &[])]);
    resolve(&mut bench, "a.example", &[1]);
    assert_eq!(hosts(&mut bench), [known("c.example", &[])], "a look-up that ended too late");
}

#[test]
fn names_that_stay_are_the_same_value_in_every_snapshot() {
    let mut bench = named_and_running(&["a.example"]);
    let table = |bench: &mut Bench| -> Arc<Hosts> { bench.publisher.snapshot().hosts };
    let before = table(&mut bench);
    resolve(&mut bench, "a.example", &[]);
    bench.apply(vec![pool(6, &[8])], vec![]);
    assert!(Arc::ptr_eq(&before, &table(&mut bench)));
    resolve(&mut bench, "a.example", &[1]);
    assert!(!Arc::ptr_eq(&before, &table(&mut bench)));
    assert_eq!(before.values().collect::<Vec<_>>(), [&addresses(&[])], "what was is as it was");
}

#[test]
fn other_addresses_leave_the_health_of_an_endpoint_alone() {
    let mut bench = Bench::new(&["FRA"], None);
    let changes = vec![zone(), monitor(1), named(5, &["a.example"])];
    bench.apply(changes, vec![]);
    let origin = &bench.publisher.directory.pools[&pool_id(5)].origins[0];
    let endpoint = endpoint_key(pool_id(5), origin);
    let outcome = Outcome::pass(200, Duration::from_millis(5));
    let (pop, pool, at) = ("FRA".parse().unwrap(), pool_id(5), bench.now);
    bench.publisher.apply_report(&Report {
        pop,
        pool,
        endpoint,
        monitor: MONITOR,
        outcome,
        evidence: None,
        at,
    });
    bench.publisher.rebuild_reported();
    let before = bench.pool(5);
    assert_eq!(before.usable, Usable::Critical, "up, and nobody knows where");
    resolve(&mut bench, "a.example", &[1]);
    let after = bench.pool(5);
    assert_eq!((after.usable, &after.health), (Usable::Yes, &before.health));
}
