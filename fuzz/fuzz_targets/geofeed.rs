//! Geofeeds (RFC 8805): any text is taken or refused, and what is taken can be asked.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use trimtab_geo::Builder;

fuzz_target!(|text: &str| {
    let Ok(builder) = Builder::empty().expect("embedded regions").geofeed(text) else { return };
    let table = builder.build();
    for address in [
        IpAddr::from(Ipv4Addr::new(10, 49, 7, 1)),
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0x49, 0, 0, 0, 0, 1)),
    ] {
        let located = table.locate(address);
        assert!(located.prefix <= if address.is_ipv4() { 32 } else { 128 });
    }
});
