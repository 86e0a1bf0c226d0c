//! Record data as text: taken or refused; what was taken and shown is the same record when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_dns::rdata::parse;
use trimtab_model::{Name, RecordType};

fuzz_target!(|input: (u8, Option<u16>, &str)| {
    let (kind, priority, content) = input;
    let kind = RecordType::ALL[usize::from(kind) % RecordType::ALL.len()];
    let zone: Name = "example.com".parse().expect("a name");
    let Ok(parsed) = parse(kind, content, priority, None, &zone) else { return };
    let again =
        parse(kind, &parsed.content, parsed.priority, None, &zone).expect("what is shown is taken");
    assert_eq!(again.rdata, parsed.rdata, "{kind:?} {:?}", parsed.content);
});
