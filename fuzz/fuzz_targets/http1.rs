//! Connections of HTTP/1.1: however reads cut them they are the same requests, and each is read the same by a second reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_proxy::read_connection;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = read_connection(bytes, bytes.len());
    assert_eq!(read_connection(bytes, size.into()), whole);
    assert_eq!(read_connection(bytes, 1), whole);
});
