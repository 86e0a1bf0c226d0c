//! Hosts of proxied requests, and the counts of those under way.

use trimtab_steer::{BalancerSlot, PoolSlot};

use super::*;

impl Bench {
    fn write_balancer(&mut self, change: impl FnOnce(&mut model::Balancer)) {
        let mut balancer = self.publisher.directory.balancers[&BALANCER].clone();
        change(&mut balancer);
        let key = Key::Balancer(balancer.scope, BALANCER);
        let document = Some(Document::Balancer(Box::new(balancer)));
        self.apply(vec![Change { key, document }], vec![]);
    }

    fn write_pool(&mut self, hosts: &[u8]) {
        self.apply(vec![pool(5, hosts)], vec![]);
    }

    fn finds(&mut self, host: &str) -> bool {
        let routes = self.publisher.snapshot().routes;
        routes.find(host.as_bytes()) == Some(BalancerSlot(0))
    }
}

fn one_balancer() -> Bench {
    let mut bench = Bench::new(&["FRA"], None);
    bench.apply(
        vec![zone(), monitor(1), pool(5, &[1, 2]), balancer("www.example.com", &[5])],
        vec![],
    );
    bench
}

#[test]
fn hosts_lead_to_enabled_proxied_balancers_of_zones() {
    let mut bench = one_balancer();
    let mut check = |what: &str, want: &[&str], change: &dyn Fn(&mut Bench)| {
        change(&mut bench);
        let hosts = ["www.example.com", "api.example.com"];
        let found: Vec<&str> = hosts.into_iter().filter(|host| bench.finds(host)).collect();
        assert_eq!(found, want, "{what}");
    };
    check("DNS-only", &[], &|_| {});
    check("proxied", &["www.example.com"], &|bench| bench.write_balancer(|b| b.proxied = true));
    check("another name", &["api.example.com"], &|bench| {
        bench.write_balancer(|b| b.name = "api.example.com".parse().unwrap());
    });
    check("a wildcard", &["www.example.com", "api.example.com"], &|bench| {
        bench.write_balancer(|b| b.name = "*.example.com".parse().unwrap());
    });
    check("disabled", &[], &|bench| bench.write_balancer(|b| b.enabled = false));
    check("enabled", &["www.example.com", "api.example.com"], &|bench| {
        bench.write_balancer(|b| b.enabled = true);
    });
    check("private", &[], &|bench| {
        bench.write_balancer(|b| b.scope = Scope::Account(ACCOUNT));
    });
    check("public", &["www.example.com", "api.example.com"], &|bench| {
        bench.write_balancer(|b| b.scope = Scope::Zone(ZONE));
    });
    check("without its zone", &[], &|bench| {
        bench.apply(vec![Change { key: Key::Zone(ZONE), document: None }], vec![]);
    });
    check("with it", &["www.example.com", "api.example.com"], &|bench| {
        bench.apply(vec![zone()], vec![]);
    });
    let paused = |bench: &mut Bench, paused| {
        let Some(Document::Zone(zone)) = zone().document else { unreachable!() };
        let document = Some(Document::Zone(model::Zone { paused, ..zone }));
        bench.apply(vec![Change { key: Key::Zone(ZONE), document }], vec![]);
        let world = bench.publisher.snapshot().world;
        assert_eq!(world.balancer(BalancerSlot(0)).unwrap().proxied, !paused);
    };
    check("of a zone that is paused", &[], &|bench| paused(bench, true));
    check("and goes on", &["www.example.com", "api.example.com"], &|bench| paused(bench, false));
    check("gone", &[], &|bench| {
        let key = Key::Balancer(Scope::Zone(ZONE), BALANCER);
        bench.apply(vec![Change { key, document: None }], vec![]);
    });
}

#[test]
fn routes_are_shared_while_no_proxied_name_changes() {
    let mut bench = one_balancer();
    bench.write_balancer(|balancer| balancer.proxied = true);
    let before = bench.publisher.snapshot().routes;
    bench.write_balancer(|balancer| balancer.ttl = 60);
    bench.write_pool(&[1, 2, 3]);
    assert!(Arc::ptr_eq(&before, &bench.publisher.snapshot().routes));
    bench.write_balancer(|balancer| balancer.proxied = false);
    assert!(!Arc::ptr_eq(&before, &bench.publisher.snapshot().routes));
}

#[test]
fn counts_outlive_health_flips_and_changes_of_the_pool() {
    let mut bench = one_balancer();
    let slot = PoolSlot(0);
    let counts = |bench: &mut Bench| -> Vec<u32> {
        let loads = bench.publisher.snapshot().loads;
        let pool = loads.pool(slot).unwrap();
        let all = std::iter::once(&*pool.open).chain(pool.endpoints.iter().map(|e| &e.open));
        all.map(|open| open.load(Ordering::Relaxed)).collect()
    };
    let before = bench.publisher.snapshot().loads;
    let open = before.open(slot, 1).unwrap();
    bench.report("FRA", 5, 1, true);
    bench.report("FRA", 5, 2, false);
    bench.publisher.rebuild_reported();
    assert!(Arc::ptr_eq(&before, &bench.publisher.snapshot().loads));
    assert_eq!(counts(&mut bench), [1, 0, 1]);
    bench.write_pool(&[2, 3]);
    assert_eq!(counts(&mut bench), [1, 1, 0]);
    drop(open);
    assert_eq!(counts(&mut bench), [0, 0, 0]);
}
