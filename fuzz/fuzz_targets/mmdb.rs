//! MMDB files: any bytes are taken or refused.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use trimtab_geo::Builder;

fuzz_target!(|bytes: &[u8]| {
    let Ok(builder) = Builder::empty().expect("embedded regions").mmdb(bytes) else { return };
    builder.build().locate(IpAddr::from(Ipv4Addr::new(1, 2, 3, 4)));
});
