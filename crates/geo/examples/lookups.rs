//! Time per look-up in the embedded table: `cargo run --release -p trimtab-geo --example lookups`.
//!
//! Each address depends on the answer before it, so that no look-up hides behind another.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use trimtab_geo::{Builder, LoadError, Table};

const LOOKUPS: u32 = 5_000_000;

fn main() -> Result<(), LoadError> {
    let started = Instant::now();
    let table = Builder::embedded()?.build();
    println!("loaded in {:?}", started.elapsed());
    let v4 = |random: u64| IpAddr::V4(Ipv4Addr::from_bits((random >> 32) as u32));
    // In 2a00::/12, which is Europe's and full.
    let v6 = |random: u64| {
        IpAddr::V6(Ipv6Addr::from_bits((0x2a0 << 52 | u128::from(random >> 12)) << 64))
    };
    measure(&table, "IPv4, random addresses", u64::MAX, v4);
    measure(&table, "IPv4, 256 addresses", 0xff << 40, v4);
    measure(&table, "IPv6, random addresses", u64::MAX, v6);
    measure(&table, "IPv6, 256 addresses", 0xff << 40, v6);
    Ok(())
}

fn measure(table: &Table, what: &str, mask: u64, address: impl Fn(u64) -> IpAddr) {
    let mut state = 1_u64;
    let started = Instant::now();
    for _ in 0..LOOKUPS {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let located = table.locate(address(state & mask | 0x0200_0000 << 32));
        state = state.wrapping_add(u64::from(black_box(located.prefix)));
    }
    println!("{what}: {:.0} ns", started.elapsed().as_secs_f64() * 1e9 / f64::from(LOOKUPS));
}
