//! When a balancer's epoch begins, and when it goes on.

use trimtab_steer::BalancerSlot;

use super::*;

impl Bench {
    /// The number of the first balancer's epoch.
    fn epoch(&mut self) -> u32 {
        self.publisher.snapshot().world.epoch(BalancerSlot(0)).number
    }

    /// How often the epoch changed while this was done.
    fn epochs_begun(&mut self, what: impl FnOnce(&mut Bench)) -> u32 {
        let before = self.epoch();
        what(self);
        self.epoch() - before
    }

    fn change_pool(&mut self, number: u8, change: impl FnOnce(&mut model::Pool)) {
        let mut pool = self.publisher.directory.pools[&pool_id(number)].clone();
        change(&mut pool);
        let key = Key::Pool(ACCOUNT, pool.id);
        self.apply(vec![Change { key, document: Some(Document::Pool(Box::new(pool))) }], vec![]);
    }
}

fn half() -> model::pool::Weight {
    model::pool::Weight::from_share(0.5, 1).unwrap()
}

#[test]
fn an_epoch_begins_when_something_that_draws_depend_on_changes() {
    let mut bench = up_and_running();
    let mut check = |what: &str, want, change: &dyn Fn(&mut Bench)| {
        assert_eq!(bench.epochs_begun(|bench| change(bench)), want, "{what}");
    };
    check("nothing", 0, &|_| {});
    check("another snapshot", 0, &|bench| drop(bench.publisher.snapshot()));
    check("a balancer is written", 1, &|bench| {
        bench.apply(vec![balancer("www.example.com", &[5, 6])], vec![]);
    });
    check("a zone is written", 0, &|bench| bench.apply(vec![zone()], vec![]));
    check("a record is written", 0, &|bench| {
        bench.apply(vec![], vec![record("mail.example.com", [192, 0, 2, 2])]);
    });
    check("a pool is written as it was", 0, &|bench| bench.change_pool(5, |_| {}));
    check("a pool gets another name", 0, &|bench| bench.change_pool(5, |p| p.name = "p".into()));
    check("an endpoint gets another weight", 1, &|bench| {
        bench.change_pool(5, |pool| pool.origins[0].weight = half());
    });
    check("several things at once", 1, &|bench| {
        bench.change_pool(5, |pool| pool.origins.reverse());
        bench.change_pool(6, |pool| pool.enabled = false);
        bench.change_pool(6, |pool| pool.enabled = true);
    });
    check("a pool is disabled", 1, &|bench| bench.change_pool(6, |pool| pool.enabled = false));
    check("and enabled again", 1, &|bench| bench.change_pool(6, |pool| pool.enabled = true));
    check("a pool needs more endpoints than are up", 1, &|bench| {
        bench.change_pool(6, |pool| pool.minimum_origins = 2);
    });
    check("a pool begins to shed", 1, &|bench| {
        bench.change_pool(6, |pool| pool.load_shedding.default_percent = 10.0);
    });
    check("a pool that the balancer does not name", 0, &|bench| {
        bench.apply(vec![pool(7, &[1])], vec![]);
    });
}

#[test]
fn an_epoch_outlives_probes_and_ends_with_a_flip() {
    let mut bench = up_and_running();
    let mut check = |what: &str, want, up: bool| {
        let begun = bench.epochs_begun(|bench| {
            bench.report("FRA", 5, 1, up);
        });
        assert_eq!(begun, want, "{what}");
    };
    check("a probe passes", 0, true);
    check("a streak begins", 0, false);
    check("down", 1, false);
    check("still down", 0, false);
    check("up again", 1, true);
}

#[test]
fn the_next_balancer_of_a_slot_does_not_go_on_with_the_epoch_of_the_last() {
    let mut bench = up_and_running();
    let first = bench.epoch();
    let gone = Change { key: Key::Balancer(Scope::Zone(ZONE), BALANCER), document: None };
    bench.apply(vec![gone], vec![]);
    bench.epoch();
    bench.apply(vec![balancer("next.example.com", &[6])], vec![]);
    assert!(bench.epoch() > first);
}

#[test]
fn an_epoch_knows_when_it_began() {
    let before = wall_time();
    let mut bench = up_and_running();
    let epoch = |bench: &mut Bench| bench.publisher.snapshot().world.epoch(BalancerSlot(0));
    let first = epoch(&mut bench);
    assert!((before..=wall_time()).contains(&first.since), "{first:?}");
    assert_eq!(epoch(&mut bench), first);
}
