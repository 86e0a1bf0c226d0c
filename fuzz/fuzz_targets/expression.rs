//! Conditions of rules: any text is read or refused; what was read is printed, read as the same, and evaluated.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use trimtab_expr::{CHARACTERS_MAX, DnsQuestion, Facts, HttpRequest, Request, parse};

const HEADERS: &[(&[u8], &[u8])] = &[
    (b"a", b"aB,c\xff%2541+"),
    (b"a", br#"{"a":[1,{"b":"\u0061"}]}"#),
    (b"cookie", b"a=b"),
    (b"cookie", b"c=d"),
    (b"b", b"YWJj"),
];
const HTTP: HttpRequest<'static> = HttpRequest {
    method: b"GET",
    host: b"a.example",
    uri: b"/a/b?a=1&a=2&b&=c&%41=d",
    version: b"HTTP/1.1",
    timestamp_seconds: 1_700_000_000,
    headers: &HEADERS,
};
const DNS: DnsQuestion<'static> = DnsQuestion {
    name: b"a.example.",
    qtype: 28,
    is_question: true,
    client_subnet: Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0))),
};

fuzz_target!(|source: &str| {
    let expression = match parse(source) {
        Ok(expression) => expression,
        Err(refused) => {
            assert!(source.get(refused.span.start..).is_some());
            assert!(!refused.to_string().is_empty());
            return;
        }
    };
    let text = expression.to_string();
    if text.chars().count() <= CHARACTERS_MAX {
        let again = parse(&text).expect("what is printed is read");
        assert_eq!(again.to_string(), text);
    }
    for request in [Request::Http(&HTTP), Request::Dns(&DNS), Request::Opaque] {
        let facts = Facts {
            balancer: b"a.example",
            region: b"WEU",
            source: [192, 0, 2, 1].into(),
            asn: &|| Some(64_500),
            request,
        };
        assert_eq!(expression.matches(&facts), expression.matches(&facts));
    }
});
