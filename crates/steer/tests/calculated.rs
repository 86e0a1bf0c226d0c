//! Calculated checks against a reference that counts one by one, on a million random worlds.

use std::collections::BTreeSet;

use trimtab_health::{EndpointHealth, PoolHealth, Verdict};
use trimtab_model::pool::{Requires, Subject};
use trimtab_model::{self as model, HealthCheckId, PoolId};
use trimtab_steer::Pool;
use trimtab_steer::pool::{Requirement, Usable};

const CASES: u64 = 1_000_000;

/// A plain generator of numbers (Steele, Lea and Flood, 2014), so that every run tries the same cases.
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn subjects() -> Vec<Subject> {
    let pool = |number| PoolId::new([number; 16]);
    let pools = (0..4).map(|number| Subject::Pool(pool(number)));
    let origins = (0..4).map(|number| Subject::Origin(pool(number), "web".into()));
    let checks = (0..4).map(|number| Subject::HealthCheck(HealthCheckId::new([number; 16])));
    pools.chain(origins).chain(checks).collect()
}

#[test]
fn x_of_n_agrees_with_a_naive_count() {
    let all = subjects();
    for case in 0..CASES {
        let dice = mixed(case + 1);
        let (wanted, healthy, at_least) = (dice & 0xfff, (dice >> 12) & 0xfff, (dice >> 24) % 13);
        let chosen = |bits: u64| (0..12).filter(move |bit| bits >> bit & 1 == 1);
        let of: Vec<Subject> = chosen(wanted).map(|place| all[place].clone()).collect();
        let up: BTreeSet<&Subject> = chosen(healthy).map(|place| &all[place]).collect();
        let requires = Requires { at_least: u32::try_from(at_least).unwrap(), of };
        let got = Requirement::count(&requires, |subject| up.contains(subject));
        let mut left = at_least;
        for subject in &requires.of {
            if up.contains(subject) && left > 0 {
                left -= 1;
            }
        }
        assert_eq!(got.is_met(), left == 0, "{requires:?} of {up:?}");
    }
}

#[test]
fn a_check_that_is_not_met_keeps_a_healthy_pool_out_and_makes_no_other_usable() {
    let pool = |verdict| {
        let config =
            model::Pool { origins: vec![trimtab_testkit::origin()], ..trimtab_testkit::pool() };
        let endpoint = EndpointHealth { verdict, ..EndpointHealth::unmonitored() };
        Pool::build(&config, PoolHealth::unprobed(Box::new([endpoint])))
    };
    let needs = |healthy| Some(Requirement { at_least: 2, of: 3, healthy, restored: false });
    for (verdict, requirement, want, well) in [
        (Verdict::Up, None, Usable::Yes, true),
        (Verdict::Up, needs(2), Usable::Yes, true),
        (Verdict::Up, needs(1), Usable::Requires, true),
        (Verdict::Down, needs(3), Usable::Critical, false),
        (Verdict::Down, needs(0), Usable::Critical, false),
    ] {
        let pool = pool(verdict).requiring(requirement);
        assert_eq!((pool.usable, pool.is_well()), (want, well), "{verdict:?} {requirement:?}");
    }
}
