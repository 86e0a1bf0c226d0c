//! What endpoints send to probes: SMTP, LDAP, DNS, gRPC and ICMP are read or refused, and more bytes change no verdict.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trimtab_connect::Echo;
use trimtab_connect::echo::{Heard, PAYLOAD_BYTES, without_ipv4_header};
use trimtab_model::monitor::extension::{Dns, QueryType, ResponseCode};
use trimtab_probe::answers::{BindResult, Question, Reply, Serving};

fuzz_target!(|input: (u8, &[u8])| {
    let (protocol, bytes) = input;
    match protocol % 5 {
        0 => smtp(bytes),
        1 => ldap(bytes),
        2 => dns(bytes),
        3 => drop(Serving::read(bytes)),
        _ => icmp(bytes),
    }
});

/// A reply is the same whatever follows it, and one that is not whole has no part of it that is.
fn smtp(bytes: &[u8]) {
    if let Ok(Some((reply, length))) = Reply::read(bytes) {
        assert_eq!(Reply::read(&bytes[..length]), Ok(Some((reply, length))));
        assert!(matches!(Reply::read(&bytes[..length - 1]), Ok(None)));
    }
}

fn ldap(bytes: &[u8]) {
    if let Ok(Some(result)) = BindResult::read(bytes) {
        assert_eq!(BindResult::read(&[bytes, b"more"].concat()), Ok(Some(result)));
    }
}

fn dns(bytes: &[u8]) {
    let asked = Dns {
        name: "www.example.com".parse().expect("a name"),
        rtype: QueryType::Txt,
        rcode: ResponseCode::NoError,
        answer: None,
    };
    let question = Question::new(&asked, 0x0102).expect("a question");
    if let Ok(Some(answer)) = question.answer(bytes) {
        assert!(!answer.shown().is_empty());
        assert!(answer.data.iter().all(|data| answer.holds(data)));
    }
}

/// Nobody guesses the payload, so nothing is a reply.
fn icmp(bytes: &[u8]) {
    for to in ["192.0.2.1", "2001:db8::1"] {
        let to = to.parse().expect("an address");
        let payload = [0xa5; PAYLOAD_BYTES];
        let echo = Echo { to, identifier: Some(7), sequence: 1, payload };
        let message = without_ipv4_header(bytes).unwrap_or(bytes);
        let has_payload = bytes.windows(PAYLOAD_BYTES).any(|window| window == payload);
        for message in [bytes, message] {
            assert!(has_payload || echo.heard(to, message) != Heard::Reply);
        }
    }
}
