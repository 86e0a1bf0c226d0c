//! Instructions of one decision. `cargo bench -p trimtab-steer`; needs valgrind and gungraun-runner.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]
#![expect(unused_qualifications, reason = "the macros of the bench write them")]

#[path = "decide/proxied.rs"]
mod proxied;
#[path = "decide/stage.rs"]
mod stage;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use proxied::{Asked, BROWSER, Features, GENERATOR, asked};
use stage::{Stage, large, stage};
use trimtab_model::balancer::SteeringPolicy;

#[library_benchmark]
#[bench::off(stage(SteeringPolicy::Off, false))]
#[bench::random(stage(SteeringPolicy::Random, false))]
#[bench::geo(stage(SteeringPolicy::Geo, false))]
#[bench::geo_and_weights(stage(SteeringPolicy::Geo, true))]
#[bench::proximity(stage(SteeringPolicy::Proximity, true))]
#[bench::random_of_50_pools_and_20_rules(large())]
fn decide(stage: Stage) -> (u32, Stage) {
    let Stage { world, balancer, client, now } = &stage;
    let decision = trimtab_steer::decide(black_box(world), black_box(balancer), client, *now, 7);
    (black_box(decision).ttl, stage)
}

#[library_benchmark]
#[bench::bare(asked(Features::Off, "/", &GENERATOR))]
#[bench::five_rules(asked(Features::On, "/", &GENERATOR))]
#[bench::five_rules_browser(asked(Features::On, "/api/v2/orders/2024?page=3&sort=asc", &BROWSER))]
fn decide_request(asked: Asked) -> (u32, Asked) {
    let (stage, client) = (&asked.stage, asked.client());
    let (world, balancer) = (black_box(&stage.world), black_box(&stage.balancer));
    let proxied = trimtab_steer::decide_request(world, balancer, &client, stage.now, 7);
    (black_box(proxied).decision.ttl, asked)
}

library_benchmark_group!(name = decisions, benchmarks = [decide, decide_request]);
main!(library_benchmark_groups = decisions);
