//! Time per look-up: `cargo run --release -p trimtab-geo --example lookups`.
//!
//! Each address depends on the answer before it, so that no look-up hides behind another.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints"
)]

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use trimtab_geo::{Builder, Latencies, Operators};

const LOOKUPS: u32 = 5_000_000;
/// Of each family.
const LATENCY_PREFIXES: u32 = 65_536;

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let table = Builder::embedded()?.build();
    println!("loaded in {:?}", started.elapsed());
    let place = |address| table.locate(address).prefix;
    measure("IPv4, random addresses", u64::MAX, v4, place);
    measure("IPv4, 256 addresses", 0xff << 40, v4, place);
    measure("IPv6, random addresses", u64::MAX, v6, place);
    measure("IPv6, 256 addresses", 0xff << 40, v6, place);

    let operators = Operators::embedded()?;
    let operator = |address| operators.find(address).map_or(0, |found| found.prefix);
    measure("operator, random IPv4", u64::MAX, v4, operator);
    measure("operator, random IPv6", u64::MAX, v6, operator);
    measure("operator, in 172.253.0.0/16", 0xffff << 32, google, operator);

    let text = latencies()?;
    let started = Instant::now();
    let latencies = Latencies::parse(&text)?;
    println!("{} bytes of latencies read in {:?}", text.len(), started.elapsed());
    let pools: Vec<_> = latencies.pools().filter_map(|pool| latencies.pool_number(pool)).collect();
    let found = |address| latencies.locate(address, || (None, 0), None).prefix();
    let asked = |address| {
        let measured = latencies.locate(address, || (None, 0), None);
        let known = pools.iter().filter(|&&pool| measured.latency(pool).is_some()).count();
        measured.prefix().wrapping_add(known as u8)
    };
    measure("latency, IPv4", u64::MAX, listed_v4, found);
    measure("latency, IPv6", u64::MAX, listed_v6, found);
    measure("latency and its four pools, IPv4", u64::MAX, listed_v4, asked);
    measure("latency and its four pools, IPv6", u64::MAX, listed_v6, asked);
    Ok(())
}

fn v4(random: u64) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits((random >> 32) as u32))
}

/// In 2a00::/12, which is Europe's and full.
fn v6(random: u64) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits((0x2a0 << 52 | u128::from(random >> 12)) << 64))
}

/// Among the egress addresses of one operator.
fn google(random: u64) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0xacfd_0000 | (random >> 32) as u32 & 0xffff))
}

/// In the /24s of [`latencies`].
fn listed_v4(random: u64) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(16 << 24 | (random >> 40) as u32))
}

/// In the /48s of [`latencies`].
fn listed_v6(random: u64) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(0x2a00 << 112 | u128::from(random >> 32) << 64))
}

/// Prefixes side by side: one pool each, and three more from the wide prefix around all.
fn latencies() -> Result<String, std::fmt::Error> {
    let mut text = String::from("source,pool,ms\n");
    for wide in ["16.0.0.0/8", "2a00::/32"] {
        for pool in ["b", "c", "d"] {
            writeln!(text, "{wide},{pool},80")?;
        }
    }
    for number in 0..LATENCY_PREFIXES {
        let v4 = Ipv4Addr::from_bits(16 << 24 | number << 8);
        writeln!(text, "{v4}/24,a,{}", number % 300)?;
        writeln!(text, "2a00:0:{number:x}::/48,a,{}", number % 300)?;
    }
    Ok(text)
}

fn measure(what: &str, mask: u64, address: impl Fn(u64) -> IpAddr, prefix: impl Fn(IpAddr) -> u8) {
    let mut state = 1_u64;
    let started = Instant::now();
    for _ in 0..LOOKUPS {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let found = prefix(address(state & mask | 0x0200_0000 << 32));
        state = state.wrapping_add(u64::from(black_box(found)));
    }
    println!("{what}: {:.0} ns", started.elapsed().as_secs_f64() * 1e9 / f64::from(LOOKUPS));
}
