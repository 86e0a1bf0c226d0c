//! How long a decision takes, and what listening to its reason costs: `cargo run --release -p trimtab-steer --example
//! decide_times`. Medians of many rounds, because a machine does other things too.
#![expect(clippy::expect_used, reason = "a measurement that cannot be set up has failed")]
#![expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
#![expect(clippy::print_stdout, reason = "what it is for")]

#[path = "../benches/decide/stage.rs"]
mod stage;

use std::hint::black_box;
use std::time::Instant;

use stage::{Stage, large, stage};
use trimtab_model::balancer::SteeringPolicy;

const ROUNDS: usize = 401;
const DECISIONS: u64 = 2_000;

fn main() {
    show("20 rules and 50 pools, random", &large());
    show("geo, 6 pools", &stage(SteeringPolicy::Geo, true));
    show("proximity, 6 pools", &stage(SteeringPolicy::Proximity, true));
}

fn show(what: &str, stage: &Stage) {
    let Stage { world, balancer, client, now } = stage;
    let decide =
        |dice| black_box(trimtab_steer::decide(black_box(world), balancer, client, *now, dice).ttl);
    let explain = |dice| {
        black_box(trimtab_steer::explain(black_box(world), balancer, client, *now, dice).1.len())
    };
    let (decided, explained) = (median(decide), median(explain));
    println!("{what}: {decided:.0} ns a decision, {explained:.0} ns with every step told");
}

/// Nanoseconds of one.
fn median<T>(of: impl Fn(u64) -> T) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let started = Instant::now();
            for dice in 0..DECISIONS {
                black_box(of(dice ^ (round as u64) << 32));
            }
            started.elapsed().as_secs_f64() * 1e9 / DECISIONS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(ROUNDS / 2).copied().unwrap_or(f64::NAN)
}
