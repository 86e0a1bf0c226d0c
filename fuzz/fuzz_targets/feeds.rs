//! Tables of resolvers and of latencies: any text is taken or refused, and what is taken can be asked.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use trimtab_geo::{Builder, Latencies, Operators};

fuzz_target!(|text: &str| {
    let asked = [
        IpAddr::from(Ipv4Addr::new(10, 49, 7, 1)),
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0x49, 0, 0, 0, 0, 1)),
    ];
    let bits = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    if let Ok(operators) = Operators::parse(text) {
        for address in asked {
            assert!(operators.find(address).is_none_or(|found| found.prefix <= bits(address)));
        }
    }
    if let Ok(latencies) = Latencies::parse(text) {
        let numbers: Vec<_> =
            latencies.pools().map(|pool| latencies.pool_number(pool).expect("its own")).collect();
        for address in asked {
            let measured = latencies.locate(address, || (Some(3320), 8), "WEU".parse().ok());
            assert!(measured.prefix() <= bits(address));
            assert!(numbers.iter().all(|&pool| {
                measured.latency(pool).is_none_or(|latency| latency.as_secs() <= 60)
            }));
        }
        let built = Builder::empty().and_then(|builder| builder.latencies(text));
        assert!(built.is_ok(), "what is a table is one for the builder");
    }
});
